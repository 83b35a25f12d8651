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
 * Is there no finding of severity error, for a source or (NULL) any, and are
 * the tokens loaded that are to be?  Cheap: asks nothing but metadata, which are
 * brought up to date.
 */
extern bool doctor_is_ready(const char *source_name);

#endif							/* TOKENAUTH_DOCTOR_H */
