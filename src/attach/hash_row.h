/*-------------------------------------------------------------------------
 *
 * hash_row.h
 *		The digest column of a source that is moved from plaintext to it.
 *
 * A trigger fills it in every row that is written; tokenauth_hash_in_place()
 * fills it in the rows that were there before, and drops the trigger at the end.
 *
 * Both columns are found by name, and the table may have had columns of these
 * names already.  So what they have is read only here, after their types have been
 * looked at.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_HASH_ROW_H
#define TOKENAUTH_HASH_ROW_H

#include "base/token.h"
#include "executor/tuptable.h"
#include "utils/relcache.h"

/* Triggers fire in the order of their names; this one must be the last. */
#define HASH_ROW_TRIGGER	"~tokenauth_hash"

/* The type of the digest column, with its collation. */
#define HASH_ROW_COLUMN_TYPE	"pg_catalog.text COLLATE pg_catalog.\"C\""

/* Where the columns are in a table, and how the token is hashed. */
typedef struct HashColumns
{
	AttrNumber	token;
	Oid			type;			/* of the token's; of a domain, its base type */
	AttrNumber	digest;
	TokenEncoding encoding;
} HashColumns;

/*
 * Find the columns.  Throws 42703 if there is no such column, 42804 if one has
 * another type than it must have.
 */
extern void hash_row_find(Relation table, const char *token,
						  const char *digest, TokenEncoding encoding,
						  HashColumns *columns);

/* Is the column as tokenauth_hash_in_place() makes its digest column? */
extern bool hash_row_is_ours(Relation table, AttrNumber digest);

/* Does the row's digest column hold what it must for its token? */
extern bool hash_row_is_filled(const HashColumns *columns, TupleTableSlot *row);

/* What it must hold, in the current memory context. */
extern Datum hash_row_digest(const HashColumns *columns, TupleTableSlot *row,
							 bool *isnull);

#endif							/* TOKENAUTH_HASH_ROW_H */
