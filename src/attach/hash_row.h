/*-------------------------------------------------------------------------
 *
 * hash_row.h
 *		The digest column of a source that is moved from plaintext to it.
 *
 * A trigger fills it in every row that is written; tokenauth_hash_in_place()
 * has it fire for the rows that were there before, and drops it at the end.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_HASH_ROW_H
#define TOKENAUTH_HASH_ROW_H

#include "base/token.h"

/* Triggers fire in the order of their names; this one must be the last. */
#define HASH_ROW_TRIGGER	"~tokenauth_hash"

/*
 * Does the digest column hold what it must for the token?  Both are of type
 * text or one that is stored as it is.
 */
extern bool hash_row_is_filled(TokenEncoding encoding,
							   Datum token, bool token_isnull,
							   Datum digest, bool digest_isnull);

#endif							/* TOKENAUTH_HASH_ROW_H */
