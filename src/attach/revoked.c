/*-------------------------------------------------------------------------
 *
 * revoked.c
 *		Does the column that is said to tell of revocation do so?  See
 *		revoked.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "attach/revoked.h"
#include "base/query.h"
#include "catalog/pg_type.h"
#include "source/deletion.h"
#include "source/owner.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

/* So many rows are looked at, and fewer than the second say nothing. */
#define ROWS_LOOKED_AT		1000
#define ROWS_THAT_TELL		10

/* A status column must be able to say "revoked". */
static void
check_status_type(Oid type, const char *column)
{
	if (type_is_enum(type) &&
		!SearchSysCacheExists2(ENUMTYPOIDNAME, ObjectIdGetDatum(type),
							   CStringGetDatum(REVOKED_STATUS)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("type %s of column \"%s\" has no value \"%s\"",
						format_type_be(type), column, REVOKED_STATUS),
				 errdetail("This is what tokenauth_revoke() sets the column to."),
				 errhint("Add it with ALTER TYPE ... ADD VALUE.")));
}

static void
check_active_values(Oid type, const char *column, List *active_values)
{
	ListCell   *lc;

	if (column == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" needs a revoked_column",
						"active_values"),
				 errhint("It names the values of a text or enum column for which tokens are live.")));
	if (type == BOOLOID || is_timestamp(type))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" does not go with column \"%s\" of type %s",
						"active_values", column, format_type_be(type)),
				 errhint("A boolean says whether a token is revoked, a timestamp since when.")));
	foreach(lc, active_values)
		if (strcmp(lfirst(lc), REVOKED_STATUS) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("argument \"%s\" must not contain \"%s\"",
							"active_values", REVOKED_STATUS),
					 errdetail("This is what tokenauth_revoke() sets the column to.")));
	check_status_type(type, column);
}

/* By its name, is this flag true for what is live? */
static bool
sounds_live(const char *column)
{
	static const char *const names[] = {
		"active", "alive", "enabled", "live", "valid", "ok"
	};

	if (pg_strncasecmp(column, "is_", 3) == 0)
		column += 3;
	for (int i = 0; i < (int) lengthof(names); i++)
		if (pg_strcasecmp(column, names[i]) == 0)
			return true;
	return false;
}

void
revoked_check(Oid relation, const char *column, List *active_values)
{
	AttrNumber	attnum = column ? get_attnum(relation, column) : 0;
	Oid			type = attnum > 0 ?
		getBaseType(get_atttype(relation, attnum)) : InvalidOid;

	if (active_values != NIL)
		check_active_values(type, column, active_values);
	else if (type == BOOLOID && sounds_live(column))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("column \"%s\" does not look like one that is true for revoked tokens",
						column),
				 errhint("If it is true for live tokens, use revoked_column => '', live_when => %s.",
						 quote_literal_cstr(quote_identifier(column)))));
}

void
revoked_check_deletion(const Source *source)
{
	Relation	table;
	char	   *reason;

	if (source->on_revoke != ON_REVOKE_DELETE)
		return;
	table = table_open(source->relation, NoLock);
	reason = deletion_objection(source, table);
	table_close(table, NoLock);
	if (reason != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("rows of table \"%s\" must not be deleted to revoke tokens",
						get_rel_name(source->relation)),
				 errdetail_internal("%s", reason),
				 errhint("Add a column that tells of revocation, such as revoked_at, and name it in the argument \"revoked_column\".")));
}

/* SQL: is a value of the column what row_is_revoked() calls revoked? */
static const char *
revoked_sql(OwnerCall *call)
{
	const SourceColumn *column = &call->source->column[ROLE_REVOKED];
	List	   *active_values = call->source->active_values;
	Datum	   *values;
	ListCell   *lc;

	if (column->type == BOOLOID)
		return "x IS NOT FALSE";
	if (is_timestamp(column->type))
		return "x IS NOT NULL";
	values = palloc(list_length(active_values) * sizeof(Datum));
	foreach(lc, active_values)
		values[foreach_current_index(lc)] = CStringGetTextDatum(lfirst(lc));
	return psprintf("(x::pg_catalog.text OPERATOR(pg_catalog.=) ANY ($%d)) IS NOT TRUE",
					owner_parameter(call, TEXTARRAYOID,
									PointerGetDatum(construct_array(values,
																	list_length(active_values),
																	TEXTOID, -1, false,
																	TYPALIGN_INT)),
									false));
}

void
revoked_look(const Source *source)
{
	OwnerCall	call;
	QueryResult *result;
	int64		rows;
	int64		revoked;
	bool		isnull;

	if (!AttributeNumberIsValid(source->column[ROLE_REVOKED].attnum))
		return;
	owner_begin(&call, source);
	result = owner_query(&call,
						 psprintf("SELECT pg_catalog.count(*), pg_catalog.count(*) FILTER (WHERE %s)"
								  " FROM (SELECT %s AS x FROM ONLY %s LIMIT %d) AS rows",
								  revoked_sql(&call),
								  owner_column(&call, ROLE_REVOKED),
								  owner_table(&call), ROWS_LOOKED_AT));
	rows = DatumGetInt64(query_value(result, 0, 1, &isnull));
	revoked = DatumGetInt64(query_value(result, 0, 2, &isnull));
	owner_end(&call);

	if (rows >= ROWS_THAT_TELL && revoked == rows)
		ereport(WARNING,
				(errmsg("of " INT64_FORMAT " rows of table \"%s\" that were looked at all are revoked, by column \"%s\"",
						rows, get_rel_name(source->relation),
						source->column[ROLE_REVOKED].name),
				 errhint("If the column tells otherwise which tokens are live, detach the source and attach the table with live_when.")));
}
