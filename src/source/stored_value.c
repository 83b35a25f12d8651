/*-------------------------------------------------------------------------
 *
 * stored_value.c
 *		Values of token columns; see stored_value.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/detoast.h"
#include "source/citext.h"
#include "source/stored_value.h"
#include "source/value.h"
#include "utils/lsyscache.h"
#include "utils/uuid.h"

bool
stored_type_is_token(Oid type)
{
	return stored_type_is_text(type) || stored_type_is_written(type);
}

void
stored_source_changed(const Source *source)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("token source \"%s\" has changed meanwhile", source->name),
			 errhidestmt(true), errhidecontext(true)));
}

Datum
stored_datum(const Source *source, const StoredValue *stored)
{
	if (!OidIsValid(stored->type) ||
		stored->type != source->column[ROLE_TOKEN].type)
		stored_source_changed(source);
	return stored->value;
}

bool
stored_of_slot(const Source *source, TupleTableSlot *row, StoredValue *stored)
{
	const SourceColumn *column = &source->column[ROLE_TOKEN];
	bool		isnull;

	stored->value = source_column_value(source, column, row, &isnull);
	stored->type = isnull ? InvalidOid : column->type;
	return !isnull;
}

bool
stored_of_result(const QueryResult *result, uint64 row, int column,
				 StoredValue *stored)
{
	Form_pg_attribute attribute = TupleDescAttr(result->desc, column - 1);
	bool		isnull;

	stored->value = query_value(result, row, column, &isnull);
	stored->type = isnull ? InvalidOid : plain_type(attribute->atttypid);
	return !isnull;
}

void
stored_bytes_begin(Oid type, Datum value, StoredBytes *bytes)
{
	struct varlena *whole;
	Oid			output;
	bool		is_varlena;

	if (stored_type_is_written(type))
	{
		getTypeOutputInfo(type, &output, &is_varlena);
		bytes->data = bytes->copy = OidOutputFunctionCall(output, value);
		bytes->len = bytes->copy_size = strlen(bytes->copy);
		return;
	}
	whole = PG_DETOAST_DATUM_PACKED(value);
	bytes->copy = (Pointer) whole == DatumGetPointer(value) ? NULL : (char *) whole;
	bytes->copy_size = VARSIZE_ANY(whole);
	bytes->data = VARDATA_ANY(whole);
	bytes->len = VARSIZE_ANY_EXHDR(whole);
	/* that only fills it up */
	if (type == BPCHAROID)
		while (bytes->len > 0 && bytes->data[bytes->len - 1] == ' ')
			bytes->len--;
}

void
stored_bytes_end(const StoredBytes *bytes)
{
	if (bytes->copy == NULL)
		return;
	explicit_bzero(bytes->copy, bytes->copy_size);
	pfree(bytes->copy);
}

bool
stored_is_equal(const StoredValue *a, const StoredValue *b)
{
	StoredBytes x;
	StoredBytes y;
	bool		equal;

	if (a->type != b->type || !OidIsValid(a->type))
		return false;
	stored_bytes_begin(a->type, a->value, &x);
	stored_bytes_begin(b->type, b->value, &y);
	equal = x.len == y.len && memcmp(x.data, y.data, x.len) == 0;
	stored_bytes_end(&x);
	stored_bytes_end(&y);
	return equal;
}

/* Is a value of this type somewhere else, so that a token can be left there? */
static bool
is_pointer(Oid type)
{
	return stored_type_is_text(type) || type == BYTEAOID || type == UUIDOID;
}

void
stored_wipe(const StoredValue *stored)
{
	if (stored->type == UUIDOID)
		explicit_bzero(DatumGetPointer(stored->value), UUID_LEN);
	else if (is_pointer(stored->type))
		token_wipe(stored->value);
}

void
stored_forget(const StoredValue *stored)
{
	stored_wipe(stored);
	if (is_pointer(stored->type))
		pfree(DatumGetPointer(stored->value));
}

void
stored_forget_all(const StoredValues *values)
{
	for (int i = 0; i < values->n; i++)
		stored_forget(&values->value[i]);
}
