/*-------------------------------------------------------------------------
 *
 * value.c
 *		Values of a source's columns; see value.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include "cache/cache.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "source/stored_value.h"
#include "source/value.h"
#include "utils/builtins.h"

void
source_require_whole(const Source *source)
{
	if (!source->whole)
		stored_source_changed(source);
}

Datum
source_column_value(const Source *source, const SourceColumn *column,
					TupleTableSlot *row, bool *isnull)
{
	TupleDesc	desc = row->tts_tupleDescriptor;

	if (!source->whole || column->attnum <= 0 || column->attnum > desc->natts ||
		TupleDescAttr(desc, column->attnum - 1)->atttypid != column->declared)
		stored_source_changed(source);
	return slot_getattr(row, column->attnum, isnull);
}

/* Can a type hold the values of a column? */
static bool
type_matches(const SourceColumn *column, Oid wanted)
{
	switch (column->kind)
	{
		case VALUE_UUID:
			return wanted == UUIDOID;
		case VALUE_INT4:
			return wanted == INT4OID;
		case VALUE_INT8:
			return wanted == INT8OID;
		case VALUE_TEXT:
			return wanted == TEXTOID || wanted == VARCHAROID;
		case VALUE_LIST:
		case VALUE_JSONB:
		case VALUE_NONE:
			break;
	}
	return false;
}

void
source_check_type(const char *source, SourceRole role,
				  const SourceColumn *column, Oid wanted)
{
	const char *type;

	if (type_matches(column, wanted))
		return;
	if (!OidIsValid(wanted))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("the type that is asked for is not known"),
				 errhint("Call the function in a query, not by the fast-path interface.")));
	type = format_type_be(column->type);
	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 role == ROLE_TENANT ?
			 errmsg("token source \"%s\" has tenant ids of type %s, not %s",
					source, type, format_type_be(wanted)) :
			 errmsg("token source \"%s\" has user ids of type %s, not %s",
					source, type, format_type_be(wanted)),
			 errhint("Pass NULL::%s as the argument \"as_type\".", type)));
}

uint16
source_parent_cell(const SourceParent *parent, Datum key)
{
	VerdictValue value = verdict_value(parent->key.kind, key,
									   parent->key.type);

	return cache_cell(MyDatabaseId, parent->relation, value.data, value.len);
}
