/*-------------------------------------------------------------------------
 *
 * lookup.h
 *		A miss: what the table says of a token.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_LOOKUP_H
#define TOKENAUTH_LOOKUP_H

#include "source/source.h"

/* What to look for: a token in its source. */
typedef struct LookupKey
{
	TokenDigest digest;
	const char *token;			/* its text; NULL will do if not STORED_PLAINTEXT */
	Size		token_len;
} LookupKey;

/*
 * Judge a token by the latest committed state of its table, and by what this
 * transaction has written itself, whatever the isolation level (G4, G5).
 *
 * Reads as a security-definer function would: the caller needs no right on
 * the table, and row-level security does not apply.  Holds AccessShareLock on
 * table and index while it reads.
 *
 * *stamp is a clock reading from after the locks and before the snapshot, or
 * 0 without a cache.  The verdict is not yet settled for the time of day, and
 * its fields are in the current memory context.
 *
 * False if the source must be looked up again, which may be gone by then, or
 * was read again meanwhile by code that its condition calls.  Throws what
 * reading a table may throw, and source->problem if that makes the table
 * unreadable.
 */
extern bool lookup_token(Source *source, const LookupKey *key,
						 Verdict *verdict, uint64 *stamp);

/*
 * Is there a row with this value in the token column that is live by what it
 * says itself, whatever its parents say?  By the same state of the table; true
 * if it cannot be told.  Throws what lookup_token() throws.
 */
extern bool lookup_is_live(Source *source, Datum stored);

/* The value of the token column to look for, of type text or bytea. */
extern Datum lookup_search_value(const Source *source, const LookupKey *key);

#endif							/* TOKENAUTH_LOOKUP_H */
