/*-------------------------------------------------------------------------
 *
 * stored.h
 *		From a presented token to what its row has, and to its place in the cache; from a
 *		row: stored_row.h.
 *
 *	presented --part--> --encoding--> bytes --hash--> --form--> stored value
 *
 * or, where that is not enough, an expression over the token (lookup), and
 * another one over the token and the row (verify).
 *
 * The key of a token in the cache is its SHA-256, wherever that can be made from
 * the row, too: where the row has it in whatever form, or has the token.  Then the
 * trigger on the table finds the bucket of a row, and the token can be warmed.
 *
 * Everywhere else the key is a digest of what was presented, together with a
 * secret of this start of the server: the memory must hold nothing that is easier
 * to try passwords on than the table.  Such an entry stands behind the cell of its
 * stored value, as behind that of a parent's row, and the trigger notes that cell.
 *
 * In either case, all that is presented and has the same stored value either has
 * the same key, or stands behind the same cell.  So what is not the one way to
 * write a value is refused: 01 for 1, blanks behind a char(n).
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_STORED_H
#define TOKENAUTH_STORED_H

#include "source/source.h"
#include "source/stored_value.h"

/* Cut a token to the part that counts; false if it has none. */
extern bool stored_part(const Source *source, const char **token, Size *len);

/* Can a token column of this type have that, and a lookup of this type find it? */
extern bool stored_type_fits(const Source *source, Oid type);
extern bool stored_lookup_fits(const Source *source, Oid type);

/* Does the table hold the tokens themselves? */
extern bool stored_is_token(const Source *source);

/* Can the key be made from the row? */
extern bool stored_gives_key(const Source *source);

/* Has the row the SHA-256 by which the token can be asked for? */
extern bool stored_is_digest(const Source *source);

/* Throws 0A000 with this hint if not. */
extern void stored_require_digest(const Source *source, const char *hint);

/* Behind so many cells of stored values an entry stands. */
extern int	stored_ncells(const Source *source);

/* The type of the values below, as parameters of SQL. */
extern Oid	stored_type(const Source *source);

/*
 * The key of a presented token.  False if it is none of the source's: then its
 * stored value must not be asked for.
 */
extern bool stored_unusual_key(const Source *source, const char *token, Size len,
							   TokenDigest *key);

static inline bool
stored_key(const Source *source, const char *token, Size len,
		   TokenDigest *key)
{
	return source->is_usual ? token_digest(TOKEN_TEXT, token, len, key) :
		stored_unusual_key(source, token, len, key);
}

/*
 * The values to look for in the token column, in the current memory context; a
 * token's own if it is stored, so wipe it.  False if there cannot be any.
 * Evaluates the source's lookup, as the table's owner; throws what that throws,
 * and 55000 if a pepper is not known.
 */
extern bool stored_values(const Source *source, const char *token, Size len,
						  StoredValues *values);

/*
 * The same from the digest, where stored_is_digest().  False if it is longer than
 * its column, and so in no row.
 */
extern bool stored_value_of_digest(const Source *source,
								   const TokenDigest *digest,
								   StoredValue *stored);

#endif							/* TOKENAUTH_STORED_H */
