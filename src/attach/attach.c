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
 * What is executed with those rights runs in a sandbox, with a search_path of
 * pg_catalog: creating a trigger can fire event triggers, which should not
 * find an attacker's functions.  Only CREATE TABLE runs as and like the caller
 * would run it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "attach/triggers.h"
#include "base/arguments.h"
#include "base/compat.h"
#include "base/stats.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "judge/judge.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "source/directory.h"
#include "source/expression.h"
#include "source/extension.h"
#include "source/mapping.h"
#include "source/names.h"
#include "source/owner.h"
#include "source/problem.h"
#include "source/registry.h"
#include "storage/lmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/varlena.h"

/* Arguments of tokenauth_attach(), in the order of its SQL declaration. */
enum
{
	ARG_RELATION,
	ARG_SOURCE,
	ARG_PREFIX,
	ARG_TOKEN_COLUMN,
	ARG_STORED_AS,
	ARG_TOKEN_ENCODING,
	ARG_FIRST_CONVENTIONAL,		/* of ROLE_ID to ROLE_LAST_USED */
	ARG_ACTIVE_VALUES = ARG_FIRST_CONVENTIONAL + ROLE_LAST_USED,
	ARG_LIVE_WHEN,
	ARG_CLAIMS,
	ARG_TIMEZONE,
	ARG_CREATED_COLUMN,
	ARG_CHECKSUM,
	ARG_SLIDING_TTL,
	ARG_SLIDING_THRESHOLD,
	ARG_MAX_LIFETIME,
	ARG_COUNT
};

/*
 * The caller must own the table; its DDL lock keeps writers out till the end.
 * Checked before, too, so that nobody queues for a lock on others' tables.
 */
static void
lock_owned_table(Oid relation)
{
	owner_check(relation);
	LockRelationOid(relation, ShareRowExclusiveLock);
	owner_check(relation);
}

/*
 * A prefix is text that a token begins with, so it must look like it; where
 * the token is decoded, the prefix is decoded with it.
 */
static void
check_prefix(const char *prefix, const char *encoding)
{
	const char *alphabet = "abcdefghijklmnopqrstuvwxyz"
		"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.~";

	if (strcmp(encoding, "hex") == 0)
		alphabet = "0123456789abcdef";
	else if (strcmp(encoding, "base64url") == 0)
		alphabet = "abcdefghijklmnopqrstuvwxyz"
			"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";

	if (prefix[0] == '\0' || strlen(prefix) > TOKEN_MAX_PREFIX_LEN ||
		strspn(prefix, alphabet) != strlen(prefix))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid token prefix"),
				 errhint("A prefix has 1 to %d characters of A-Z, a-z, 0-9, \"_\", \"-\", \".\", \"~\", and only such as the token's encoding has.",
						 TOKEN_MAX_PREFIX_LEN)));
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
	check_one_of("stored_as", stored_as, source_storages,
				 "It is one of sha256-hex, sha256-bytea, plaintext.");
	check_one_of("token_encoding", encoding, source_encodings,
				 "It is one of text, base64url, hex.");
}

static void
check_timezone(const char *zone)
{
	if (mapping_timezone(zone) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("time zone \"%s\" not recognized", zone),
				 errhint("It is UTC, GMT, or a full name such as Europe/Berlin; an abbreviation can mean several zones.")));
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

		if (get_rel_relkind(other->relation) == '\0')
			continue;			/* dropped since, and about to be forgotten */
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

/* A condition as it is stored; NULL for none. */
static const char *
resolve_condition(Oid relation, const char *condition)
{
	Relation	table;
	const char *stored;

	if (condition == NULL)
		return NULL;
	table = table_open(relation, NoLock);
	stored = expression_resolve(table, condition);
	table_close(table, NoLock);
	return stored;
}

/* The columns that a role goes by if the caller does not say. */
static const char *
conventional_column(Oid relation, SourceRole role, const char *token_column)
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
		[ROLE_CREATED] = {"created_at"},
	};

	for (int i = 0; i < 2 && names[role][i] != NULL; i++)
		if (get_attnum(relation, names[role][i]) != InvalidAttrNumber &&
			strcmp(names[role][i], token_column) != 0)
			return names[role][i];
	return NULL;
}

/* The column for a role: as told, or by convention; '' is none. */
static const char *
choose_column(FunctionCallInfo fcinfo, Oid relation, SourceRole role)
{
	int			arg = role == ROLE_TOKEN ? ARG_TOKEN_COLUMN :
		role == ROLE_CREATED ? ARG_CREATED_COLUMN :
		ARG_FIRST_CONVENTIONAL + role - ROLE_ID;
	const char *name;

	if (PG_ARGISNULL(arg))
		return role == ROLE_TOKEN ? NULL :
			conventional_column(relation, role,
								NameStr(*PG_GETARG_NAME(ARG_TOKEN_COLUMN)));
	name = NameStr(*PG_GETARG_NAME(arg));
	return name[0] == '\0' ? NULL : name;
}

/* Values of a registry row, gathered for INSERT. */
typedef struct RegistryRow
{
	int			n;
	Oid			type[ARG_COUNT];
	Datum		value[ARG_COUNT];
	char		isnull[ARG_COUNT];	/* 'n' if it is */
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
add_array(RegistryRow *row, const char *column, Oid type, ArrayType *value)
{
	add_value(row, column, type, PointerGetDatum(value), value == NULL);
}

static void
add_interval(RegistryRow *row, const char *column, Interval *value)
{
	add_value(row, column, INTERVALOID, IntervalPGetDatum(value),
			  value == NULL);
}

static void
write_registry(const ExtensionInfo *extension, const char *table,
			   RegistryRow *row)
{
	extension_execute(extension,
			   psprintf("INSERT INTO %s (%s) VALUES (%s)",
						quoted_own(table), row->columns.data,
						row->parameters.data),
			   row->n, row->type, row->value, row->isnull);
}

/*
 * Remove what is registered for tables that have been dropped, so that their
 * names, prefixes and statistics slots are free again.
 */
static void
forget_dropped(const ExtensionInfo *extension)
{
	QueryResult *dropped =
		extension_execute(extension,
						  psprintf("DELETE FROM %s s WHERE NOT EXISTS"
								   " (SELECT FROM pg_catalog.pg_class c WHERE c.oid"
								   " OPERATOR(pg_catalog.=) s.relation)"
								   " RETURNING relation::pg_catalog.oid",
								   quoted_own("tokenauth_source")),
						  0, NULL, NULL, NULL);

	for (uint64 i = 0; i < dropped->nrows; i++)
	{
		bool		isnull;

		stats_forget(DatumGetObjectId(query_value(dropped, i, 1, &isnull)));
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
		problem_report(source);
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
	probe.problem_relation = relation;
	probe.problem = PROBLEM_NOT_A_TABLE;
	problem_report(&probe);
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
	const char *live_when;		/* NULL: no condition */
	ArrayType  *active_values;	/* text[] */
	ArrayType  *claims;			/* name[] */
	bool		checksum;
	Interval   *sliding_ttl;	/* these may be NULL */
	Interval   *sliding_threshold;
	Interval   *max_lifetime;
} AttachOptions;

/* A text[] or name[] as a list of C strings; NIL for NULL. */
static List *
array_to_list(ArrayType *array, Oid type)
{
	return nullable_list((NullableDatum) {PointerGetDatum(array), array == NULL}, type);
}

/* jsonb_build_object() takes 100 arguments. */
#define MAX_CLAIMS	50

static void
check_claims(const AttachOptions *options)
{
	List	   *names = array_to_list(options->claims, NAMEOID);
	ListCell   *lc;

	if (options->claims == NULL)
		return;
	if (names == NIL || list_length(names) > MAX_CLAIMS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must name 1 to %d columns", "claims",
						MAX_CLAIMS)));
	foreach(lc, names)
		if (get_attnum(options->relation, lfirst(lc)) <= 0)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("table \"%s\" has no column \"%s\"",
							get_rel_name(options->relation),
							(char *) lfirst(lc)),
					 errhint("The argument \"claims\" names columns of the table.")));
}

/*
 * The token, or its digest, must not come out again as something else, nor
 * get into the cache as something that is not hashed.
 */
static void
check_token_kept_apart(const AttachOptions *options)
{
	const char *token = options->column[ROLE_TOKEN];
	const char *argument = NULL;
	ListCell   *lc;

	for (int role = ROLE_ID; role < ROLE_COUNT; role++)
		if (options->column[role] != NULL &&
			strcmp(options->column[role], token) == 0)
			argument = role_argument(role);
	foreach(lc, array_to_list(options->claims, NAMEOID))
		if (strcmp(lfirst(lc), token) == 0)
			argument = "claims";
	if (argument != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must not name the token column \"%s\"",
						argument, token)));
}

static void
check_positive(const char *argument, Interval *value)
{
	Interval	zero = {0};

	if (value != NULL &&
		!DatumGetBool(DirectFunctionCall2(interval_gt,
										  IntervalPGetDatum(value),
										  IntervalPGetDatum(&zero))))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be positive", argument)));
}

/* What sliding expiry needs, and what a checksum excludes. */
static void
check_lifetime(const AttachOptions *options)
{
	check_positive("sliding_ttl", options->sliding_ttl);
	check_positive("sliding_threshold", options->sliding_threshold);
	check_positive("max_lifetime", options->max_lifetime);
	if ((options->sliding_ttl == NULL) != (options->sliding_threshold == NULL))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("arguments \"sliding_ttl\" and \"sliding_threshold\" go together")));
	if (options->sliding_ttl != NULL &&
		DatumGetBool(DirectFunctionCall2(interval_ge,
										 IntervalPGetDatum(options->sliding_threshold),
										 IntervalPGetDatum(options->sliding_ttl))))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"sliding_threshold\" must be less than \"sliding_ttl\"")));
	if (options->sliding_ttl != NULL && options->column[ROLE_EXPIRES] == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"sliding_ttl\" needs an expires_column")));
	if (options->max_lifetime != NULL &&
		(options->column[ROLE_EXPIRES] == NULL ||
		 options->column[ROLE_CREATED] == NULL))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"max_lifetime\" needs an expires_column and a created_column")));
	if (options->checksum && strcmp(options->encoding, "text") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"checksum\" goes with tokens that are hashed as text")));
}

/* A status column must be able to say "revoked". */
static void
check_status_type(Oid relation, const char *column)
{
	AttrNumber	attnum = get_attnum(relation, column);
	Oid			type = attnum > 0 ?
		getBaseType(get_atttype(relation, attnum)) : InvalidOid;

	if (OidIsValid(type) && type_is_enum(type) &&
		!SearchSysCacheExists2(ENUMTYPOIDNAME, ObjectIdGetDatum(type),
							   CStringGetDatum(REVOKED_STATUS)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("type %s of column \"%s\" has no value \"%s\"",
						format_type_be(type), column, REVOKED_STATUS),
				 errdetail("This is what tokenauth_revoke() sets the column to."),
				 errhint("Add it with ALTER TYPE ... ADD VALUE.")));
}

/* What tokenauth_revoke() writes into a status column. */
static void
check_active_values(const AttachOptions *options)
{
	ListCell   *lc;

	foreach(lc, array_to_list(options->active_values, TEXTOID))
		if (strcmp(lfirst(lc), REVOKED_STATUS) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("argument \"%s\" must not contain \"%s\"",
							"active_values", REVOKED_STATUS),
					 errdetail("This is what tokenauth_revoke() sets the column to.")));
	if (options->active_values != NULL && options->column[ROLE_REVOKED] != NULL)
		check_status_type(options->relation, options->column[ROLE_REVOKED]);
}

/* Check and register; the caller has locked the table. */
static void
attach(const AttachOptions *options)
{
	ExtensionInfo extension;
	RegistryRow row = {0};
	const char *live_when;

	if (options->name[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME),
				 errmsg("the name of a token source must not be empty")));
	check_storage(options->stored_as, options->encoding);
	if (options->prefix != NULL)
		check_prefix(options->prefix, options->encoding);
	check_token_kept_apart(options);
	check_lifetime(options);
	check_active_values(options);
	check_timezone(options->timezone);
	check_not_taken(options->relation, options->name, options->prefix);
	live_when = resolve_condition(options->relation, options->live_when);
	check_claims(options);
	extension_require(&extension);

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
	add_array(&row, "active_values", TEXTARRAYOID, options->active_values);
	add_text(&row, "live_when", live_when);
	add_array(&row, "claims", NAMEARRAYOID, options->claims);
	add_text(&row, "timezone", options->timezone);
	add_value(&row, "checksum", BOOLOID, BoolGetDatum(options->checksum),
			  false);
	add_interval(&row, "sliding_ttl", options->sliding_ttl);
	add_interval(&row, "sliding_threshold", options->sliding_threshold);
	add_interval(&row, "max_lifetime", options->max_lifetime);

	forget_dropped(&extension);
	triggers_create(&extension, options->relation);
	write_registry(&extension, "tokenauth_source", &row);
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
	options.prefix = text_or_null(fcinfo, ARG_PREFIX);
	options.stored_as = text_argument(fcinfo, ARG_STORED_AS, "stored_as");
	options.encoding = text_argument(fcinfo, ARG_TOKEN_ENCODING,
									 "token_encoding");
	options.timezone = text_argument(fcinfo, ARG_TIMEZONE, "timezone");
	options.column[ROLE_TOKEN] = choose_column(fcinfo, options.relation,
											   ROLE_TOKEN);
	if (options.column[ROLE_TOKEN] == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must name a column", "token_column")));
	for (int role = ROLE_ID; role < ROLE_COUNT; role++)
		options.column[role] = choose_column(fcinfo, options.relation, role);
	options.active_values = PG_ARGISNULL(ARG_ACTIVE_VALUES) ? NULL :
		PG_GETARG_ARRAYTYPE_P(ARG_ACTIVE_VALUES);
	options.live_when = text_or_null(fcinfo, ARG_LIVE_WHEN);
	options.claims = PG_ARGISNULL(ARG_CLAIMS) ? NULL :
		PG_GETARG_ARRAYTYPE_P(ARG_CLAIMS);
	options.checksum = !PG_ARGISNULL(ARG_CHECKSUM) &&
		PG_GETARG_BOOL(ARG_CHECKSUM);
	options.sliding_ttl = interval_or_null(fcinfo, ARG_SLIDING_TTL);
	options.sliding_threshold = interval_or_null(fcinfo,
												 ARG_SLIDING_THRESHOLD);
	options.max_lifetime = interval_or_null(fcinfo, ARG_MAX_LIFETIME);

	attach(&options);
	namestrcpy(result, options.name);
	PG_RETURN_NAME(result);
}

/*
 * tokenauth_attach_parent(source name, parent regclass, source_column name,
 *						   parent_column name, live_when text) returns void
 *
 * From now on tokens of the source are disabled unless the row that their
 * column refers to exists and meets the condition.  The caller must own both
 * tables.
 */
TOKENAUTH_FUNCTION(tokenauth_attach_parent);
Datum
tokenauth_attach_parent(PG_FUNCTION_ARGS)
{
	static const char *const arguments[] =
	{"source", "parent", "source_column", "parent_column"};
	Source	   *source;
	Oid			relation;
	Oid			parent;
	const char *live_when;
	ExtensionInfo extension;
	RegistryRow row = {0};

	for (int i = 0; i < (int) lengthof(arguments); i++)
		if (PG_ARGISNULL(i))
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("argument \"%s\" must not be null", arguments[i])));
	source = judge_named_source(NameStr(*PG_GETARG_NAME(0)));
	relation = source->relation;
	parent = PG_GETARG_OID(1);
	lock_owned_table(relation);
	lock_owned_table(parent);
	check_is_table(parent);
	/* under the locks nobody else attaches a parent */
	source = judge_named_source(NameStr(*PG_GETARG_NAME(0)));
	if (source->nparents == SOURCE_MAX_PARENTS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("token source \"%s\" has %d parents already",
						source->name, SOURCE_MAX_PARENTS),
				 errhint("Combine conditions, or maintain a column of the token table.")));
	for (int i = 0; i < source->nparents; i++)
		if (strcmp(source->parent[i].from.name,
				   NameStr(*PG_GETARG_NAME(2))) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_OBJECT),
					 errmsg("column \"%s\" of token source \"%s\" has a parent already",
							source->parent[i].from.name, source->name),
					 errhint("To change it, detach the source and attach the table again.")));
	live_when = resolve_condition(parent, text_or_null(fcinfo, 4));
	extension_require(&extension);

	initStringInfo(&row.columns);
	initStringInfo(&row.parameters);
	add_value(&row, "relation", REGCLASSOID, ObjectIdGetDatum(relation), false);
	add_value(&row, "parent", REGCLASSOID, ObjectIdGetDatum(parent), false);
	add_name(&row, "source_column", NameStr(*PG_GETARG_NAME(2)));
	add_name(&row, "parent_column", NameStr(*PG_GETARG_NAME(3)));
	add_text(&row, "live_when", live_when);

	triggers_create(&extension, parent);
	write_registry(&extension, "tokenauth_source_parent", &row);
	verify_attached(NameStr(*PG_GETARG_NAME(0)));
	PG_RETURN_VOID();
}

/*
 * tokenauth_detach(source name) returns void
 *
 * The inverse: the tables stay, our triggers go.  The caller must own the
 * token table.
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
	extension_require(&extension);

	/* its parents go with it, by the foreign key */
	extension_execute(&extension,
			   psprintf("DELETE FROM %s"
						" WHERE relation OPERATOR(pg_catalog.=) $1",
						quoted_own("tokenauth_source")),
			   1, &type, &value, NULL);
	triggers_drop(&extension, relation);
	/* the Source is retired by now, and good until the transaction's end */
	for (int i = 0; i < source->nparents; i++)
		if (get_rel_relkind(source->parent[i].relation) != '\0')
		{
			LockRelationOid(source->parent[i].relation, ShareRowExclusiveLock);
			triggers_drop(&extension, source->parent[i].relation);
		}
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

	for (int i = 0; i < (int) lengthof(statements); i++)
		(void) query_execute(psprintf(statements[i], table), 0, NULL, NULL,
							 NULL, false);
}

/*
 * tokenauth_create_table(table_name text, prefix text, checksum boolean)
 * returns regclass
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
	options.prefix = text_or_null(fcinfo, 1);
	options.stored_as = "sha256-hex";
	options.encoding = "text";
	options.timezone = "UTC";
	options.checksum = !PG_ARGISNULL(2) && PG_GETARG_BOOL(2);
	options.column[ROLE_TOKEN] = "token_hash";
	for (int role = ROLE_ID; role < ROLE_COUNT; role++)
		options.column[role] = conventional_column(options.relation, role,
												   "token_hash");
	lock_owned_table(options.relation);
	attach(&options);
	PG_RETURN_OID(options.relation);
}
