/*-------------------------------------------------------------------------
 *
 * stored.h
 *		From a presented token to what its row has, and to its place in the cache.
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

#include "base/compat.h"
#include "base/query.h"
#include "source/source.h"

/*
 * A value of a token column, and its type: without the type it is not known
 * whether the value is a pointer.  The type does not follow from the source, which
 * code of the table's owner can change while a value is held, by giving the name of
 * the column to another.  So whoever uses a value gets it from stored_datum(), which
 * compares the two.
 */
typedef struct StoredValue
{
	Datum		value;
	Oid			type;			/* domains aside; InvalidOid: there is no value */
} StoredValue;

/* The value, if the token column has its type now; else throws 55000. */
extern Datum stored_datum(const Source *source, const StoredValue *stored);

/* Throw 55000: the source has changed while something was done with it. */
pg_noreturn extern void stored_source_changed(const Source *source);

/*
 * A row's token column, which throws what source_column_value() throws; or a column
 * of a row of a result, which count from 1.  False if null.
 */
extern bool stored_of_slot(const Source *source, TupleTableSlot *row,
						   StoredValue *stored);
extern bool stored_of_result(const QueryResult *result, uint64 row, int column,
							 StoredValue *stored);

/*
 * The values that a token can have in its column: one for each pepper, of which the
 * first is for new tokens; without peppers there is one.  No two are the same.
 */
typedef struct StoredValues
{
	int			n;
	StoredValue value[SOURCE_MAX_PEPPERS];
	int			pepper[SOURCE_MAX_PEPPERS]; /* which one each is made with */
} StoredValues;

/* The names of stored_as; false for one that there is not. */
extern bool stored_as_read(const char *text, StoredAs *as);
extern char *stored_as_name(StoredAs as);
extern const char *stored_as_names(void);

/* "whole", "after prefix", "after |", "after | if any", "before ." */
extern bool token_part_read(const char *text, TokenPart *part);

/* Cut a token to the part that counts; false if it has none. */
extern bool stored_part(const Source *source, const char **token, Size *len);

/* Can a column of this type have tokens as they are? */
extern bool stored_type_is_token(Oid type);

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

/*
 * The key of a row, from its token column.  False if no token can ever be found
 * in such a row, or if !stored_gives_key().  This one and the next two throw what
 * stored_datum() throws.
 */
extern bool stored_key_of_row(const Source *source, const StoredValue *stored,
							  TokenDigest *key);

/*
 * The bytes of a value of a token column of that type, as they are hashed where the
 * column has the token: as it is written, without the blanks behind a char(n).  They
 * can be a token: ending wipes the copy that they are in, if they are in one.
 */
typedef struct StoredBytes
{
	const char *data;
	Size		len;
	char	   *copy;			/* NULL: they are in the value itself */
	Size		copy_size;
} StoredBytes;

extern void stored_bytes_begin(Oid type, Datum value, StoredBytes *bytes);
extern void stored_bytes_end(const StoredBytes *bytes);

/* The bytes of a stored value, as text. */
extern Datum stored_text(const Source *source, const StoredValue *stored);

/* The cell of a stored value. */
extern uint16 stored_cell(const Source *source, const StoredValue *stored);

/* Wipe a value, in memory of ours; and free what stored_values() has made. */
extern void stored_wipe(const StoredValue *stored);
extern void stored_forget(const StoredValue *stored);
extern void stored_forget_all(const StoredValues *values);

#endif							/* TOKENAUTH_STORED_H */
