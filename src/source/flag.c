/*-------------------------------------------------------------------------
 *
 * flag.c
 *		What the column that tells of revocation says; see flag.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "source/flag.h"
#include "source/value.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

bool
flag_type_fits(const Source *source, Oid type)
{
	if (source->active_values != NIL)
		return type == TEXTOID || type == VARCHAROID || type_is_enum(type) ||
			is_integer(type);
	return type == BOOLOID || (is_timestamp(type) && !source->flag_is_active);
}

static bool
is_active_value(const Source *source, Oid type, Datum value)
{
	Oid			output;
	bool		is_varlena;
	char	   *text;
	ListCell   *lc;

	getTypeOutputInfo(type, &output, &is_varlena);
	text = OidOutputFunctionCall(output, value);
	foreach(lc, source->active_values)
		if (strcmp(text, lfirst(lc)) == 0)
			return true;
	return false;
}

bool
flag_is_revoked(const Source *source, TupleTableSlot *row)
{
	const SourceColumn *column = &source->column[ROLE_REVOKED];
	bool		isnull;
	Datum		value;

	if (!source_has_role(source, ROLE_REVOKED))
		return false;
	value = source_column_value(source, column, row, &isnull);
	if (is_timestamp(column->type))
		return !isnull;
	if (isnull)
		return !source->null_is_live;
	if (source->active_values != NIL)
		return !is_active_value(source, column->type, value);
	return DatumGetBool(value) != source->flag_is_active;
}

static char *
active_values_sql(OwnerCall *call)
{
	List	   *list = call->source->active_values;
	Datum	   *values = palloc(list_length(list) * sizeof(Datum));
	ArrayType  *array;
	ListCell   *lc;

	foreach(lc, list)
		values[foreach_current_index(lc)] = CStringGetTextDatum(lfirst(lc));
	array = construct_array(values, list_length(list), TEXTOID, -1, false,
							TYPALIGN_INT);
	return psprintf("ANY ($%d)", owner_parameter(call, TEXTARRAYOID,
												 PointerGetDatum(array),
												 false));
}

char *
flag_is_live_sql(OwnerCall *call, const char *value)
{
	const Source *source = call->source;
	Oid			type = source->column[ROLE_REVOKED].type;
	const char *live = source->null_is_live ? "IS NOT FALSE" : "IS TRUE";

	if (is_timestamp(type))
		return psprintf("%s IS NULL", value);
	if (source->active_values != NIL)
		return psprintf("(CAST(%s AS pg_catalog.text) OPERATOR(pg_catalog.=) %s) %s",
						value, active_values_sql(call), live);
	return psprintf("(%s%s) %s", source->flag_is_active ? "" : "NOT ", value,
					live);
}

const char *
flag_revoked_text(const Source *source)
{
	return source->revoked_value != NULL ? source->revoked_value :
		REVOKED_STATUS;
}

char *
flag_revoked_sql(const OwnerCall *call)
{
	const Source *source = call->source;
	Oid			type = source->column[ROLE_REVOKED].type;

	if (type == BOOLOID)
		return pstrdup(source->flag_is_active ? "false" : "true");
	if (is_timestamp(type))
		return owner_in_timezone(source, type, "pg_catalog.clock_timestamp()");
	/* an unknown literal takes the column's type, be it an enum */
	return quote_literal_cstr(flag_revoked_text(source));
}

char *
flag_can_be_set_sql(const OwnerCall *call)
{
	const Source *source = call->source;
	const char *column = owner_column(call, ROLE_REVOKED);
	Oid			type = source->column[ROLE_REVOKED].type;

	if (is_timestamp(type))
		return psprintf("%s IS NULL", column);
	if (type == BOOLOID)
		return psprintf("%s IS NOT %s", column,
						source->flag_is_active ? "FALSE" : "TRUE");
	return psprintf("(%s OPERATOR(pg_catalog.=) %s) IS NOT TRUE", column,
					flag_revoked_sql(call));
}

char *
flag_live_sql(OwnerCall *call)
{
	const Source *source = call->source;
	Oid			type = source->column[ROLE_REVOKED].type;

	if (is_timestamp(type) || source->null_is_live)
		return NULL;
	if (source->active_values != NIL)
		return owner_cast(call, ROLE_REVOKED, linitial(source->active_values));
	return pstrdup(source->flag_is_active ? "true" : "false");
}
