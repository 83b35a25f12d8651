/*-------------------------------------------------------------------------
 *
 * lookup.h
 *		A miss: what the table says of a token.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_LOOKUP_H
#define TOKENAUTH_LOOKUP_H

#include "source/stored.h"

/* What to look for: a token in its source. */
typedef struct LookupKey
{
	TokenDigest digest;			/* its key in the cache */
	const char *token;			/* its text; NULL will do if stored_is_digest() */
	Size		token_len;
	int			attempt;		/* for the how many-th time it is looked up, from
								 * 1, if its verification counts among those at
								 * once; else 0 */
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
 * was read again meanwhile by code that its condition calls; or the cache asked
 * again, for the token was being verified elsewhere.  Throws what reading a table
 * may throw, source->problem if that makes the table unreadable, and 53400 if too
 * many tokens are being verified.
 */
extern bool lookup_token(Source *source, const LookupKey *key,
						 Verdict *verdict, uint64 *stamp);

/*
 * The same of what a row's token column has, in the source as it is registered now.
 * There is no token to be verified: if the source has a verify, tell the row's id as text,
 * or NULL if that is NULL, too.  False only if the source is another one by now, or was
 * read again each time.
 * This one and the next throw what stored_datum() throws, too.
 */
extern bool lookup_stored(Source *source, const StoredValue *stored,
						  const char *id, Verdict *verdict, uint64 *stamp);

/*
 * The ids, as text, of all rows that the source's verify takes for a token's, of
 * now, whatever else they say; char *, NULL for a row without one.  False as above.
 */
extern bool lookup_ids(Source *source, const LookupKey *key, List **ids);

/*
 * Is there a row with this value in the token column that is live by what it
 * says itself, whatever its parents say, and whether or not it has a user?  By the
 * same state of the table; true if it cannot be told.  Throws what lookup_token()
 * throws.  Of a source with a verify it is the row that this takes for the key's, or
 * without a key the row of that id, as above.
 */
extern bool lookup_is_live(Source *source, const StoredValue *stored,
						   const LookupKey *key, const char *id);

/*
 * The ids of the rows with this value in the token column that are live as above
 * and that this transaction has written.  False as above.
 */
extern bool lookup_written_live(Source *source, const StoredValue *stored,
								List **ids);

/*
 * Where the rows are, as a list of ItemPointer, with this value in the token column
 * that are live by what they say themselves; of a source with a verify whichever of
 * them it takes.  False as above.
 */
extern bool lookup_live_rows(Source *source, const StoredValue *stored,
							 List **places);

/*
 * Does a row with this value in the token column meet the source's own condition,
 * so that it is of its kind?  False if it cannot be told; *met is defined if it can.
 * The id is as above.
 */
extern bool lookup_condition(Source *source, const StoredValue *stored,
							 const char *id, bool *met);

/*
 * The values of the token column to look for: stored_values().  False if there
 * cannot be any.
 */
extern bool lookup_search_values(const Source *source, const LookupKey *key,
								 StoredValues *values);

#endif							/* TOKENAUTH_LOOKUP_H */
