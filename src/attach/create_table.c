/*-------------------------------------------------------------------------
 *
 * create_table.c
 *		SQL: tokenauth_create_table().
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "attach/attach.h"
#include "attach/convention.h"
#include "base/arguments.h"
#include "base/compat.h"
#include "base/query.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/varlena.h"

/* What the caller can choose of it. */
typedef struct TableShape
{
	Oid			user_type;
	Oid			tenant_type;	/* InvalidOid: there are no tenants */
	bool		has_scope;
} TableShape;

/* A type that ids can have, as in the argument of that name. */
static Oid
id_type(FunctionCallInfo fcinfo, int arg, const char *name)
{
	Oid			type = PG_GETARG_OID(arg);

	if (type != UUIDOID && type != INT8OID && type != INT4OID &&
		type != TEXTOID)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" cannot be %s", name,
						format_type_be(type)),
				 errhint("It is uuid, bigint, integer or text.")));
	return type;
}

/* The columns as in CREATE TABLE; with the constraints, or as a human reads it. */
static char *
list_columns(const TableShape *shape, bool whole)
{
	struct
	{
		const char *name;
		Oid			type;		/* InvalidOid: it has not this one */
		const char *constraint;
	}			column[] = {
		{"id", UUIDOID, " PRIMARY KEY DEFAULT pg_catalog.gen_random_uuid()"},
		{"user_id", shape->user_type, " NOT NULL"},
		{"tenant_id", shape->tenant_type, ""},
		{"name", TEXTOID, " NOT NULL DEFAULT ''"},
		{"token_hash", TEXTOID, " NOT NULL UNIQUE"},
		{"token_prefix", TEXTOID, " NOT NULL DEFAULT ''"},
		{"scope", shape->has_scope ? TEXTOID : InvalidOid, ""},
		{"expires_at", TIMESTAMPTZOID, ""},
		{"last_used_at", TIMESTAMPTZOID, ""},
		{"revoked", BOOLOID, " NOT NULL DEFAULT false"},
		{"created_at", TIMESTAMPTZOID, " NOT NULL DEFAULT pg_catalog.now()"}
	};
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; i < (int) lengthof(column); i++)
		if (OidIsValid(column[i].type))
			appendStringInfo(&list, "%s%s %s%s", i > 0 ? ", " : "",
							 column[i].name,
							 whole ? format_type_be_qualified(column[i].type) :
							 format_type_be(column[i].type),
							 whole ? column[i].constraint : "");
	return list.data;
}

static void
execute(const char *statement)
{
	(void) query_execute(statement, 0, NULL, NULL, NULL, false);
}

/* Create a standard token table and its indexes, as the caller. */
static void
create_table(const char *table, const TableShape *shape)
{
	/* room for last_used_at to move within its page */
	execute(psprintf("CREATE TABLE %s (%s) WITH (fillfactor = 85)", table,
					 list_columns(shape, true)));
	/* the tokens of a user, newest first */
	execute(psprintf("CREATE INDEX ON %s (user_id, created_at DESC)", table));
	if (OidIsValid(shape->tenant_type))
		execute(psprintf("CREATE INDEX ON %s (tenant_id)", table));
}

/* What there is now, and how its users are asked for. */
static void
tell(const char *table, const char *source, const TableShape *shape)
{
	ereport(NOTICE,
			(errmsg("created table %s (%s), attached as token source \"%s\"",
					table, list_columns(shape, false), source),
			 shape->user_type != UUIDOID ?
			 errhint("Its users are asked for by tokenauth_resolve(token, NULL::%s).",
					 format_type_be(shape->user_type)) : 0));
}

/*
 * tokenauth_create_table(table_name text, prefix text, checksum boolean,
 *						  user_type regtype, tenant_type regtype, scope boolean)
 * returns regclass
 *
 * Creates a standard token table, the caller's own, where the caller's CREATE
 * TABLE would put it, and attaches it.  A notice tells its columns.  Throws 22023 if
 * ids cannot be of such a type.
 */
TOKENAUTH_FUNCTION(tokenauth_create_table);
Datum
tokenauth_create_table(PG_FUNCTION_ARGS)
{
	Source		source = {0};
	TableShape	shape = {0};
	RangeVar   *range;
	Oid			schema;
	char	   *table;

	require_argument(fcinfo, 0, "table_name");
	require_argument(fcinfo, 3, "user_type");
	shape.user_type = id_type(fcinfo, 3, "user_type");
	if (!PG_ARGISNULL(4))
		shape.tenant_type = id_type(fcinfo, 4, "tenant_type");
	shape.has_scope = bool_or_false(fcinfo, 5);
	range = makeRangeVarFromNameList(textToQualifiedNameList(PG_GETARG_TEXT_PP(0)));
	schema = RangeVarGetCreationNamespace(range);
	table = quote_qualified_identifier(get_namespace_name(schema),
									   range->relname);
	create_table(table, &shape);

	source.relation = get_relname_relid(range->relname, schema);
	source.name = range->relname;
	source.prefix = text_or_null(fcinfo, 1);
	source.stored_as = (StoredAs) {HASH_SHA256, FORM_HEX};
	source.encoding = TOKEN_TEXT;
	source.timezone = "UTC";
	source.checksum = bool_or_false(fcinfo, 2);
	source.column[ROLE_TOKEN].name = "token_hash";
	for (int role = ROLE_ID; role < ROLE_COUNT; role++)
		convention_choose(&source, role);
	attach_lock_table(source.relation, ShareRowExclusiveLock);
	attach_table(&source);
	tell(table, source.name, &shape);
	PG_RETURN_OID(source.relation);
}
