/*-------------------------------------------------------------------------
 *
 * doctor.h
 *		What is wrong, and what cures it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_DOCTOR_H
#define TOKENAUTH_DOCTOR_H

/*
 * Does a finding of severity error stand, for a source or (NULL) any?  Cheap:
 * asks nothing but metadata, which are brought up to date.
 */
extern bool doctor_has_error(const char *source_name);

#endif							/* TOKENAUTH_DOCTOR_H */
