/*-------------------------------------------------------------------------
 *
 * revoked.c
 *		Does the column that is said to tell of revocation do so?  See
 *		revoked.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "attach/revoked.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "source/citext.h"
#include "source/deletion.h"
#include "source/flag.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

/* A status column must be able to say "revoked". */
static void
check_status_type(const Source *source, Oid type, const char *column)
{
	const char *value = flag_revoked_text(source);

	if (source->on_revoke == ON_REVOKE_FLAG && type_is_enum(type) &&
		!SearchSysCacheExists2(ENUMTYPOIDNAME, ObjectIdGetDatum(type),
							   CStringGetDatum(value)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("type %s of column \"%s\" has no value \"%s\"",
						format_type_be(type), column, value),
				 errdetail("This is what tokenauth_revoke() sets the column to."),
				 errhint("Add it with ALTER TYPE ... ADD VALUE, or name another with the key \"revoked_value\" of the mapping.")));
	if (source->on_revoke == ON_REVOKE_FLAG && is_integer(type) &&
		source->revoked_value == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("it is not known which number revokes a token in column \"%s\"",
						column),
				 errhint("Name it with the key \"revoked_value\" of the mapping.")));
}

static void
check_active_values(const Source *source, Oid type, const char *column)
{
	if (column == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" needs a revoked_column",
						"active_values"),
				 errhint("It names the values of a column for which tokens are live.")));
	if (type == BOOLOID || is_timestamp(type))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" does not go with column \"%s\" of type %s",
						"active_values", column, format_type_be(type)),
				 errhint("A boolean says whether a token is revoked, a timestamp since when.")));
	check_status_type(source, type, column);
}

/* By its name, is this flag true for what is live, or for what is not? */
static bool
sounds_like(const char *column, const char *const *names)
{
	if (pg_strncasecmp(column, "is_", 3) == 0)
		column += 3;
	for (int i = 0; names[i] != NULL; i++)
		if (pg_strcasecmp(column, names[i]) == 0)
			return true;
	return false;
}

static char *
active_column_json(const char *column)
{
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfoString(&json, "{\"active_column\": ");
	escape_json(&json, column);
	appendStringInfoChar(&json, '}');
	return json.data;
}

/* A flag, rather than a status: is it taken the right way round? */
static void
check_flag_name(const Source *source, const char *column)
{
	static const char *const live[] = {
		"active", "alive", "enabled", "live", "valid", "ok", NULL
	};
	static const char *const dead[] = {
		"revoked", "disabled", "deleted", "blocked", "banned", "suspended",
		"inactive", "invalid", "expired", NULL
	};

	if (!source->flag_is_active && sounds_like(column, live))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("column \"%s\" does not look like one that is true for revoked tokens",
						column),
				 errhint("If it is true for live tokens, use revoked_column => '', mapping => %s.",
						 quote_literal_cstr(active_column_json(column)))));
	if (source->flag_is_active && sounds_like(column, dead))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("column \"%s\" does not look like one that is true for live tokens",
						column),
				 errhint("If it is true for revoked tokens, use revoked_column.")));
}

/* What revoking writes must be there as it is told, or it could be a live value. */
static void
check_revoked_value(const Source *source, AttrNumber attnum)
{
	Oid			type;
	int32		typmod;
	Oid			collation;
	Oid			input;
	Oid			parameter;
	Oid			output;
	bool		is_varlena;
	Datum		value;

	if (source->revoked_value == NULL || source->active_values == NIL)
		return;
	get_atttypetypmodcoll(source->relation, attnum, &type, &typmod, &collation);
	type = getBaseTypeAndTypmod(type, &typmod);
	getTypeInputInfo(type, &input, &parameter);
	getTypeOutputInfo(type, &output, &is_varlena);
	value = OidInputFunctionCall(input, source->revoked_value, parameter, typmod);
	if (strcmp(OidOutputFunctionCall(output, value),
			   source->revoked_value) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("key \"%s\" of the mapping is not as its column has it",
						"revoked_value"),
				 errhint("Write the value as a query shows it.")));
}

/* What can be said of a column's NULL, and be written into it. */
static void
check_flag_options(const Source *source, Oid type)
{
	if (source->null_is_live && (!OidIsValid(type) || is_timestamp(type)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("key \"%s\" of the mapping needs a flag or a status",
						"null_flag")));
	if (source->revoked_value != NULL &&
		(!OidIsValid(type) || is_timestamp(type) || type == BOOLOID))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("key \"%s\" of the mapping needs a status or a number",
						"revoked_value")));
}

/* To be forgotten, a token must leave a NULL behind. */
static void
check_can_forget(const Source *source)
{
	const char *column = source->column[ROLE_TOKEN].name;
	HeapTuple	tuple = SearchSysCacheAttName(source->relation, column);
	bool		is_not_null;

	if (!HeapTupleIsValid(tuple))
		return;
	is_not_null = ((Form_pg_attribute) GETSTRUCT(tuple))->attnotnull;
	ReleaseSysCache(tuple);
	if (is_not_null)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("tokens in column \"%s\" cannot be forgotten, for it is NOT NULL",
						column),
				 errhint("Name a column that tells of revocation, or use on_revoke => 'delete'.")));
}

void
revoked_check(const Source *source)
{
	const char *column = source->column[ROLE_REVOKED].name;
	AttrNumber	attnum = column ? get_attnum(source->relation, column) : 0;
	Oid			type = attnum > 0 ?
		plain_type(get_atttype(source->relation, attnum)) : InvalidOid;

	if (source->active_values != NIL)
		check_active_values(source, type, column);
	else if (type == BOOLOID)
		check_flag_name(source, column);
	else if (is_integer(type))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("it is not known which numbers in column \"%s\" are of live tokens",
						column),
				 errhint("Name them in the argument \"active_values\", such as '{0}'.")));
	check_flag_options(source, type);
	if (attnum > 0)
		check_revoked_value(source, attnum);
	if (source->on_revoke == ON_REVOKE_FORGET)
		check_can_forget(source);
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
