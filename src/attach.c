/*-------------------------------------------------------------------------
 *
 * attach.c
 *		SQL: tokenauth_attach(), tokenauth_detach(), tokenauth_create_table().
 *
 * The caller must own the table; then the registry is written and our
 * triggers are created with the rights of the extension's owner.  Whether the
 * table fits is asked of mapping.c, once it is attached: the same code that
 * will ask at run time, so the two cannot disagree.
 *
 * The SQL declarations of these functions set search_path, and all names in
 * what is executed here are qualified.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "compat.h"
#include "executor/spi.h"
#include "judge.h"
#include "mapping.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "stats.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"
#include "utils/varlena.h"

#define MAX_PREFIX_LEN		32

/*
 * Triggers fire in the order of their names.  Ours come before all whose name
 * begins with a letter, so that a user's trigger that asks for a token which
 * the same statement has changed finds the transaction dirty already (G4).
 */
#define ROW_TRIGGER			"0_tokenauth_row"
#define TRUNCATE_TRIGGER	"0_tokenauth_truncate"

/* Arguments of tokenauth_attach(), in the order of its SQL declaration. */
enum
{
	ARG_RELATION,
	ARG_SOURCE,
	ARG_PREFIX,
	ARG_TOKEN_COLUMN,
	ARG_STORED_AS,
	ARG_TOKEN_ENCODING,
	ARG_FIRST_CONVENTIONAL,		/* the columns of ROLE_ID and later */
	ARG_ACTIVE_VALUES = ARG_FIRST_CONVENTIONAL + ROLE_COUNT - 1,
	ARG_TIMEZONE,
	ARG_COUNT
};

/* The extension's owner and schema. */
typedef struct ExtensionInfo
{
	Oid			owner;
	char	   *schema;			/* quoted */
} ExtensionInfo;

static void
get_extension(ExtensionInfo *extension)
{
	Relation	pg_extension = table_open(ExtensionRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_extension_extname, BTEqualStrategyNumber,
				F_NAMEEQ, CStringGetDatum("tokenauth"));
	scan = systable_beginscan(pg_extension, ExtensionNameIndexId, true, NULL,
							  1, &key);
	tuple = systable_getnext(scan);
	if (!HeapTupleIsValid(tuple))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("extension \"%s\" does not exist", "tokenauth")));
	extension->owner = ((Form_pg_extension) GETSTRUCT(tuple))->extowner;
	extension->schema = pstrdup(quote_identifier(get_namespace_name(((Form_pg_extension) GETSTRUCT(tuple))->extnamespace)));
	systable_endscan(scan);
	table_close(pg_extension, AccessShareLock);
}

/* Run one statement as a role, with no parameters to come from a user. */
static void
execute_as(Oid role, const char *sql, int nargs, Oid *types, Datum *values,
		   const char *nulls)
{
	Oid			save_role;
	int			save_context;
	int			result;

	GetUserIdAndSecContext(&save_role, &save_context);
	SetUserIdAndSecContext(role, save_context | SECURITY_LOCAL_USERID_CHANGE);
	result = SPI_execute_with_args(sql, nargs, types, values, nulls, false, 0);
	SetUserIdAndSecContext(save_role, save_context);
	if (result < 0)
		elog(ERROR, "could not execute \"%s\": %s", sql,
			 SPI_result_code_string(result));
}

static char *
quoted_relation(Oid relation)
{
	return quote_qualified_identifier(get_namespace_name(get_rel_namespace(relation)),
									  get_rel_name(relation));
}

/* The caller must own the table; its DDL lock keeps writers out till the end. */
static void
lock_owned_table(Oid relation)
{
	LockRelationOid(relation, ShareRowExclusiveLock);
	if (get_rel_relkind(relation) == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relation)));
	if (!TOKENAUTH_OWNS_RELATION(relation, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER,
					   get_relkind_objtype(get_rel_relkind(relation)),
					   get_rel_name(relation));
}

/* A prefix is text that a token begins with, so it must look like it. */
static void
check_prefix(const char *prefix)
{
	if (prefix[0] == '\0' || strlen(prefix) > MAX_PREFIX_LEN ||
		strspn(prefix, "abcdefghijklmnopqrstuvwxyz"
			   "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.~") != strlen(prefix))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid token prefix"),
				 errhint("A prefix has 1 to %d characters of A-Z, a-z, 0-9, \"_\", \"-\", \".\", \"~\".",
						 MAX_PREFIX_LEN)));
}

static void
check_one_of(const char *argument, const char *value,
			 const char *const *choices, const char *hint)
{
	for (; *choices != NULL; choices++)
		if (strcmp(value, *choices) == 0)
			return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid value for argument \"%s\": \"%s\"", argument, value),
			 errhint("%s", hint)));
}

static void
check_storage(const char *stored_as, const char *encoding)
{
	static const char *const storages[] =
	{"sha256-hex", "sha256-bytea", "plaintext", NULL};
	static const char *const encodings[] =
	{"text", "base64url", "hex", NULL};

	check_one_of("stored_as", stored_as, storages,
				 "It is one of sha256-hex, sha256-bytea, plaintext.");
	check_one_of("token_encoding", encoding, encodings,
				 "It is one of text, base64url, hex.");
}

/* Throws the error of timestamp_zone() if there is no such time zone. */
static void
check_timezone(const char *zone)
{
	(void) DirectFunctionCall2(timestamp_zone, CStringGetTextDatum(zone),
							   TimestampGetDatum(0));
}

/* Nobody may have the table, the name or the prefix already. */
static void
check_not_taken(Oid relation, const char *name, const char *prefix)
{
	ListCell   *lc;

	source_refresh();
	foreach(lc, source_all())
	{
		const Source *other = lfirst(lc);

		if (other->relation == relation)
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_OBJECT),
					 errmsg("table \"%s\" is already attached as token source \"%s\"",
							get_rel_name(relation), other->name),
					 errhint("Detach it first: SELECT tokenauth_detach('%s').",
							 other->name)));
		if (strcmp(other->name, name) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_OBJECT),
					 errmsg("token source \"%s\" already exists", name),
					 errhint("Give another name in the argument \"source\".")));
		if (prefix && other->prefix && strcmp(other->prefix, prefix) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_OBJECT),
					 errmsg("token prefix \"%s\" is already taken by token source \"%s\"",
							prefix, other->name),
					 errhint("A prefix must lead to one source.")));
	}
}

/* The columns that a role goes by if the caller does not say. */
static const char *
conventional_column(Oid relation, SourceRole role)
{
	static const char *const names[ROLE_COUNT][2] = {
		[ROLE_ID] = {"id"},
		[ROLE_USER] = {"user_id"},
		[ROLE_TENANT] = {"tenant_id"},
		[ROLE_SCOPE] = {"scope"},
		[ROLE_EXPIRES] = {"expires_at"},
		[ROLE_REVOKED] = {"revoked", "revoked_at"},
		[ROLE_USED] = {"used_at"},
		[ROLE_LAST_USED] = {"last_used_at"},
	};

	for (int i = 0; i < 2 && names[role][i] != NULL; i++)
		if (get_attnum(relation, names[role][i]) != InvalidAttrNumber)
			return names[role][i];
	return NULL;
}

/* The column for a role: as told, or by convention; '' is none. */
static const char *
choose_column(FunctionCallInfo fcinfo, Oid relation, SourceRole role)
{
	int			arg = role == ROLE_TOKEN ? ARG_TOKEN_COLUMN :
		ARG_FIRST_CONVENTIONAL + role - ROLE_ID;
	const char *name;

	if (PG_ARGISNULL(arg))
		return conventional_column(relation, role);
	name = NameStr(*PG_GETARG_NAME(arg));
	return name[0] == '\0' ? NULL : name;
}

/* Values of a registry row, gathered for INSERT. */
typedef struct RegistryRow
{
	int			n;
	Oid			type[ARG_COUNT];
	Datum		value[ARG_COUNT];
	char		isnull[ARG_COUNT];	/* as SPI wants it */
	StringInfoData columns;
	StringInfoData parameters;
} RegistryRow;

static void
add_value(RegistryRow *row, const char *column, Oid type, Datum value,
		  bool isnull)
{
	row->type[row->n] = type;
	row->value[row->n] = value;
	row->isnull[row->n] = isnull ? 'n' : ' ';
	row->n++;
	appendStringInfo(&row->columns, "%s%s", row->n > 1 ? ", " : "", column);
	appendStringInfo(&row->parameters, "%s$%d", row->n > 1 ? ", " : "", row->n);
}

static void
add_name(RegistryRow *row, const char *column, const char *value)
{
	Datum		name = (Datum) 0;

	if (value != NULL)
		name = DirectFunctionCall1(namein, CStringGetDatum(value));
	add_value(row, column, NAMEOID, name, value == NULL);
}

static void
add_text(RegistryRow *row, const char *column, const char *value)
{
	add_value(row, column, TEXTOID,
			  value ? CStringGetTextDatum(value) : (Datum) 0, value == NULL);
}

static void
write_registry(const ExtensionInfo *extension, RegistryRow *row)
{
	execute_as(extension->owner,
			   psprintf("INSERT INTO %s.tokenauth_source (%s) VALUES (%s)",
						extension->schema, row->columns.data,
						row->parameters.data),
			   row->n, row->type, row->value, row->isnull);
}

/*
 * Remove what is registered for tables that have been dropped, so that their
 * names and prefixes are free again.
 */
static void
forget_dropped(const ExtensionInfo *extension)
{
	execute_as(extension->owner,
			   psprintf("DELETE FROM %s.tokenauth_source s WHERE NOT EXISTS"
						" (SELECT FROM pg_catalog.pg_class c WHERE c.oid"
						" OPERATOR(pg_catalog.=) s.relation)",
						extension->schema),
			   0, NULL, NULL, NULL);
}

static void
create_triggers(const ExtensionInfo *extension, Oid relation)
{
	char	   *table = quoted_relation(relation);

	execute_as(extension->owner,
			   psprintf("CREATE TRIGGER \"%s\" AFTER INSERT OR UPDATE OR DELETE ON %s"
						" FOR EACH ROW EXECUTE FUNCTION %s.%s()",
						ROW_TRIGGER, table, extension->schema,
						CHANGE_TRIGGER_FUNCTION),
			   0, NULL, NULL, NULL);
	execute_as(extension->owner,
			   psprintf("CREATE TRIGGER \"%s\" AFTER TRUNCATE ON %s"
						" FOR EACH STATEMENT EXECUTE FUNCTION %s.%s()",
						TRUNCATE_TRIGGER, table, extension->schema,
						CHANGE_TRIGGER_FUNCTION),
			   0, NULL, NULL, NULL);
	execute_as(extension->owner,
			   psprintf("ALTER TABLE %s ENABLE ALWAYS TRIGGER \"%s\","
						" ENABLE ALWAYS TRIGGER \"%s\"",
						table, ROW_TRIGGER, TRUNCATE_TRIGGER),
			   0, NULL, NULL, NULL);
}

/* Drop the triggers that call us, whatever their names are by now. */
static void
drop_triggers(const ExtensionInfo *extension, Oid relation)
{
	Relation	table = table_open(relation, NoLock);
	TriggerDesc *triggers = CopyTriggerDesc(table->trigdesc);

	table_close(table, NoLock);
	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		Trigger    *trigger = &triggers->triggers[i];
		char	   *function = get_func_name(trigger->tgfoid);

		if (function != NULL && strcmp(function, CHANGE_TRIGGER_FUNCTION) == 0)
			execute_as(extension->owner,
					   psprintf("DROP TRIGGER %s ON %s",
								quote_identifier(trigger->tgname),
								quoted_relation(relation)),
					   0, NULL, NULL, NULL);
	}
}

/* What is attached must work; if it does not, say why and undo it all. */
static void
verify_attached(const char *name)
{
	Source	   *source = judge_named_source(name);

	if (!source_validate(source))
		elog(ERROR, "table of token source \"%s\" vanished", name);
	if (source->problem != PROBLEM_NONE)
		mapping_report(source);
}

static const char *
text_argument(FunctionCallInfo fcinfo, int arg, const char *name)
{
	if (PG_ARGISNULL(arg))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be null", name)));
	return text_to_cstring(PG_GETARG_TEXT_PP(arg));
}

/* Views have no triggers; say so before CREATE TRIGGER says less. */
static void
check_is_table(Oid relation)
{
	Source		probe = {0};

	if (get_rel_relkind(relation) == RELKIND_RELATION)
		return;
	probe.relation = relation;
	probe.problem = PROBLEM_NOT_A_TABLE;
	mapping_report(&probe);
}

/* What attach is told of a source, beside its columns. */
typedef struct AttachOptions
{
	Oid			relation;
	const char *name;
	const char *prefix;			/* NULL: none */
	const char *stored_as;
	const char *encoding;
	const char *timezone;
	const char *column[ROLE_COUNT]; /* NULL: none */
	Datum		active_values;	/* text[] */
	bool		no_active_values;
} AttachOptions;

/* Check and register; the caller has locked the table. */
static void
attach(const AttachOptions *options)
{
	ExtensionInfo extension;
	RegistryRow row = {0};

	if (options->name[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME),
				 errmsg("the name of a token source must not be empty")));
	if (options->prefix != NULL)
		check_prefix(options->prefix);
	check_storage(options->stored_as, options->encoding);
	check_timezone(options->timezone);
	check_not_taken(options->relation, options->name, options->prefix);
	get_extension(&extension);

	initStringInfo(&row.columns);
	initStringInfo(&row.parameters);
	add_value(&row, "relation", REGCLASSOID,
			  ObjectIdGetDatum(options->relation), false);
	add_name(&row, "source", options->name);
	add_text(&row, "prefix", options->prefix);
	add_text(&row, "stored_as", options->stored_as);
	add_text(&row, "token_encoding", options->encoding);
	for (int role = 0; role < ROLE_COUNT; role++)
		add_name(&row, role_argument(role), options->column[role]);
	add_value(&row, "active_values", TEXTARRAYOID, options->active_values,
			  options->no_active_values);
	add_text(&row, "timezone", options->timezone);

	SPI_connect();
	forget_dropped(&extension);
	write_registry(&extension, &row);
	create_triggers(&extension, options->relation);
	SPI_finish();
	verify_attached(options->name);
}

/*
 * tokenauth_attach(relation regclass, source name, prefix text, ...)
 * returns name
 *
 * Makes a table a token source.  The caller must own it.
 */
TOKENAUTH_FUNCTION(tokenauth_attach);
Datum
tokenauth_attach(PG_FUNCTION_ARGS)
{
	AttachOptions options;
	Name		result = palloc0(NAMEDATALEN);

	if (PG_ARGISNULL(ARG_RELATION))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be null", "relation")));
	options.relation = PG_GETARG_OID(ARG_RELATION);
	lock_owned_table(options.relation);
	check_is_table(options.relation);

	options.name = PG_ARGISNULL(ARG_SOURCE) ?
		get_rel_name(options.relation) : NameStr(*PG_GETARG_NAME(ARG_SOURCE));
	options.prefix = PG_ARGISNULL(ARG_PREFIX) ? NULL :
		text_to_cstring(PG_GETARG_TEXT_PP(ARG_PREFIX));
	options.stored_as = text_argument(fcinfo, ARG_STORED_AS, "stored_as");
	options.encoding = text_argument(fcinfo, ARG_TOKEN_ENCODING,
									 "token_encoding");
	options.timezone = text_argument(fcinfo, ARG_TIMEZONE, "timezone");
	for (int role = 0; role < ROLE_COUNT; role++)
		options.column[role] = choose_column(fcinfo, options.relation, role);
	if (options.column[ROLE_TOKEN] == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must name a column", "token_column")));
	options.no_active_values = PG_ARGISNULL(ARG_ACTIVE_VALUES);
	options.active_values = options.no_active_values ? (Datum) 0 :
		PG_GETARG_DATUM(ARG_ACTIVE_VALUES);

	attach(&options);
	namestrcpy(result, options.name);
	PG_RETURN_NAME(result);
}

/*
 * tokenauth_detach(source name) returns void
 *
 * The inverse: the table stays, our triggers go.  The caller must own it.
 */
TOKENAUTH_FUNCTION(tokenauth_detach);
Datum
tokenauth_detach(PG_FUNCTION_ARGS)
{
	Source	   *source = judge_named_source(NameStr(*PG_GETARG_NAME(0)));
	Oid			relation = source->relation;
	Oid			type = OIDOID;
	Datum		value = ObjectIdGetDatum(relation);
	ExtensionInfo extension;

	lock_owned_table(relation);
	get_extension(&extension);

	SPI_connect();
	execute_as(extension.owner,
			   psprintf("DELETE FROM %s.tokenauth_source"
						" WHERE relation OPERATOR(pg_catalog.=) $1",
						extension.schema),
			   1, &type, &value, NULL);
	drop_triggers(&extension, relation);
	SPI_finish();
	stats_forget(relation);
	PG_RETURN_VOID();
}

/* Create a standard token table and its index, as the caller. */
static void
create_table(const char *table)
{
	const char *const statements[] = {
		"CREATE TABLE %s ("
		" id pg_catalog.uuid PRIMARY KEY DEFAULT pg_catalog.gen_random_uuid(),"
		" user_id pg_catalog.uuid NOT NULL,"
		" name pg_catalog.text NOT NULL DEFAULT '',"
		" token_hash pg_catalog.text NOT NULL UNIQUE,"
		" token_prefix pg_catalog.text NOT NULL DEFAULT '',"
		" expires_at pg_catalog.timestamptz,"
		" last_used_at pg_catalog.timestamptz,"
		" revoked pg_catalog.bool NOT NULL DEFAULT false,"
		" created_at pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.now()"
		/* room for last_used_at to move within its page */
		") WITH (fillfactor = 85)",
		/* the tokens of a user, newest first */
		"CREATE INDEX ON %s (user_id, created_at DESC)"
	};

	SPI_connect();
	for (int i = 0; i < (int) lengthof(statements); i++)
		execute_as(GetUserId(), psprintf(statements[i], table),
				   0, NULL, NULL, NULL);
	SPI_finish();
}

/*
 * tokenauth_create_table(table_name text, prefix text) returns regclass
 *
 * Creates a standard token table, the caller's own, where the caller's CREATE
 * TABLE would put it, and attaches it.
 */
TOKENAUTH_FUNCTION(tokenauth_create_table);
Datum
tokenauth_create_table(PG_FUNCTION_ARGS)
{
	AttachOptions options = {0};
	RangeVar   *range;
	Oid			schema;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be null", "table_name")));
	range = makeRangeVarFromNameList(textToQualifiedNameList(PG_GETARG_TEXT_PP(0)));
	schema = RangeVarGetCreationNamespace(range);
	create_table(quote_qualified_identifier(get_namespace_name(schema),
											range->relname));

	options.relation = get_relname_relid(range->relname, schema);
	options.name = range->relname;
	options.prefix = PG_ARGISNULL(1) ? NULL :
		text_to_cstring(PG_GETARG_TEXT_PP(1));
	options.stored_as = "sha256-hex";
	options.encoding = "text";
	options.timezone = "UTC";
	options.column[ROLE_TOKEN] = "token_hash";
	for (int role = ROLE_ID; role < ROLE_COUNT; role++)
		options.column[role] = conventional_column(options.relation, role);
	options.no_active_values = true;

	lock_owned_table(options.relation);
	attach(&options);
	PG_RETURN_OID(options.relation);
}
