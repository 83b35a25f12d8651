/*-------------------------------------------------------------------------
 *
 * revoked.h
 *		Does the column that is said to tell of revocation do so?
 *
 * Taken the wrong way round, it would let revoked tokens pass and refuse all
 * others.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_REVOKED_H
#define TOKENAUTH_REVOKED_H

#include "source/source.h"

/*
 * Check what is said of the column, its values, and what revoking does to a row.
 * The source is not attached yet.  Throws.
 */
extern void revoked_check(const Source *source);

/*
 * Throws if the rows of a source that has just been attached are to be deleted,
 * and something says that they are more than tokens.
 */
extern void revoked_check_deletion(const Source *source);

#endif							/* TOKENAUTH_REVOKED_H */
