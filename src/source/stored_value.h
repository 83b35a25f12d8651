/*-------------------------------------------------------------------------
 *
 * stored_value.h
 *		Values of token columns: their types, their bytes, and how they are forgotten.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_STORED_VALUE_H
#define TOKENAUTH_STORED_VALUE_H

#include "base/compat.h"
#include "base/query.h"
#include "catalog/pg_type.h"
#include "source/source.h"

/* Types that are text; and those of which a value is written in one way. */
static inline bool
stored_type_is_text(Oid type)
{
	return type == TEXTOID || type == VARCHAROID || type == BPCHAROID;
}

static inline bool
stored_type_is_written(Oid type)
{
	return type == UUIDOID || type == INT4OID || type == INT8OID;
}

/* Can a column of this type have tokens as they are? */
extern bool stored_type_is_token(Oid type);

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

/* Are two values of columns of one type the same, to the byte? */
extern bool stored_is_equal(const StoredValue *a, const StoredValue *b);

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

/* Wipe a value, in memory of ours; and free what stored_values() has made. */
extern void stored_wipe(const StoredValue *stored);
extern void stored_forget(const StoredValue *stored);
extern void stored_forget_all(const StoredValues *values);

#endif							/* TOKENAUTH_STORED_VALUE_H */
