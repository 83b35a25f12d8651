/*-------------------------------------------------------------------------
 *
 * attach.c
 *		SQL: tokenauth_attach().
 *
 * The caller must own the table; then the registry is written and our
 * triggers are created with the rights of the extension's owner.  mapping.c
 * says whether the table fits, once it is attached: the same code will say so
 * at run time, so the two cannot disagree.
 *
 * What is executed with those rights runs in a sandbox, with a search_path of
 * pg_catalog: creating a trigger can fire event triggers, which should not
 * find an attacker's functions.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "attach/attach.h"
#include "attach/convention.h"
#include "attach/options.h"
#include "attach/register.h"
#include "attach/revoked.h"
#include "attach/sample.h"
#include "attach/triggers.h"
#include "base/arguments.h"
#include "base/compat.h"
#include "base/nullable.h"
#include "base/patient_lock.h"
#include "catalog/pg_type.h"
#include "judge/judge.h"
#include "source/directory.h"
#include "source/mapping_keys.h"
#include "source/names.h"
#include "source/owner.h"
#include "source/problem.h"
#include "source/registry.h"
#include "source/registry_guard.h"
#include "source/stored_as.h"
#include "source/token_columns.h"
#include "storage/lockdefs.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

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
	ARG_ON_REVOKE,
	ARG_MAPPING,
	ARG_COUNT
};

void
attach_lock_table(Oid relation, LOCKMODE mode)
{
	/* first, so that no caller queues for a lock on another owner's table */
	owner_check(relation);
	patient_lock(relation, mode);
	owner_check(relation);
}

/* Say what is wrong with a view or a temporary table before CREATE TRIGGER says less. */
void
attach_check_is_table(Oid relation)
{
	Source		probe = {0};

	if (get_rel_relkind(relation) != RELKIND_RELATION)
		probe.problem = PROBLEM_NOT_A_TABLE;
	else if (get_rel_persistence(relation) != RELPERSISTENCE_PERMANENT)
		probe.problem = PROBLEM_NOT_PERMANENT;
	else
		return;
	probe.problem_relation = relation;
	problem_report(&probe);
}

static int
role_arg(SourceRole role)
{
	switch (role)
	{
		case ROLE_TOKEN:
			return ARG_TOKEN_COLUMN;
		case ROLE_CREATED:
			return ARG_CREATED_COLUMN;
		default:
			return ARG_FIRST_CONVENTIONAL + role - ROLE_ID;
	}
}

/* The column for a role, as told; '' is none. */
static char *
told_column(FunctionCallInfo fcinfo, SourceRole role)
{
	char	   *name;

	if (PG_ARGISNULL(role_arg(role)))
		return NULL;
	name = NameStr(*PG_GETARG_NAME(role_arg(role)));
	return name[0] == '\0' ? NULL : name;
}

/*
 * Those that are told, and what the mapping has in place of others, come before
 * those by convention.
 */
static void
choose_columns(FunctionCallInfo fcinfo, Source *source)
{
	RegistryFault fault;

	for (SourceRole role = ROLE_ID; role < ROLE_COUNT; role++)
		source->column[role].name = told_column(fcinfo, role);
	if (!PG_ARGISNULL(ARG_MAPPING) &&
		!mapping_keys_read(PG_GETARG_JSONB_P(ARG_MAPPING), source, &fault))
		registry_report(&fault);
	for (SourceRole role = ROLE_ID; role < ROLE_COUNT; role++)
		if (PG_ARGISNULL(role_arg(role)) && !source_has_role(source, role))
			convention_choose(source, role);
}

/*
 * A source that told what has the source's tokens would be refused from now on, so that a
 * mistake in attaching one source would be an outage of another.  Of what others own
 * nothing is asked here, lest they keep a table from being attached.
 */
static void
check_told_by_none(const Source *source)
{
	ListCell   *table;
	ListCell   *lc;

	foreach(table, tokens_tellers(source))
		foreach(lc, source_users_of(lfirst_oid(table)))
		{
			Source	   *other = lfirst(lc);

			if (registry_owner_rules(source->relation, other->relation) &&
				source_validate(other) &&
				other->problem == PROBLEM_TELLS_TOKENS)
				problem_report(other);
		}
}

void
attach_verify(const char *name)
{
	Source	   *source = judge_named_source(name);

	if (!source_validate(source))
		elog(ERROR, "table of token source \"%s\" vanished", name);
	if (source->problem != PROBLEM_NONE)
		problem_report(source);
	check_told_by_none(source);
}

void
attach_table(Source *source)
{
	ExtensionInfo extension;

	options_resolve(source);
	source->relation_name = quoted_relation(source->relation);
	source->owner = registry_table_owner(source->relation);
	source->prefix_len = source->prefix ? strlen(source->prefix) : 0;
	options_check(source);
	guard_require(&extension, GUARDED_REGISTRY);

	register_remove_dropped(&extension);
	triggers_create(&extension, source->relation);
	register_source(&extension, source);
	attach_verify(source->name);
	revoked_check_deletion(judge_named_source(source->name));
	sample_look(judge_named_source(source->name));
}

static char *
text_argument(FunctionCallInfo fcinfo, int arg, const char *name)
{
	require_argument(fcinfo, arg, name);
	return text_to_cstring(PG_GETARG_TEXT_PP(arg));
}

/* Which of the choices an argument is. */
static int
choice_argument(FunctionCallInfo fcinfo, int arg, const char *name,
				const char *const *choices, const char *hint)
{
	const char *value = text_argument(fcinfo, arg, name);
	int			choice = registry_choice(choices, value);

	if (choice < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid value for argument \"%s\": \"%s\"", name, value),
				 errhint("%s", hint)));
	return choice;
}

static StoredAs
stored_as_argument(FunctionCallInfo fcinfo)
{
	const char *value = text_argument(fcinfo, ARG_STORED_AS, "stored_as");
	StoredAs	as;

	if (!stored_as_read(value, &as))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid value for argument \"%s\": \"%s\"",
						"stored_as", value),
				 errhint("%s", stored_as_names())));
	return as;
}

/* An argument of type text[] or name[]; NIL for NULL. */
static List *
list_argument(FunctionCallInfo fcinfo, int arg, const char *name, Oid type)
{
	NullableDatum array;

	if (PG_ARGISNULL(arg))
		return NIL;
	array.isnull = false;
	array.value = PointerGetDatum(PG_GETARG_ARRAYTYPE_P(arg));
	if (array_contains_nulls(DatumGetArrayTypeP(array.value)) ||
		nullable_list(array, type) == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must have elements, none of them null",
						name)));
	return nullable_list(array, type);
}

/* Columns that the caller may have overlooked. */
static void
look_for_others(FunctionCallInfo fcinfo, const char *source)
{
	bool		none[ROLE_COUNT];

	for (SourceRole role = 0; role < ROLE_COUNT; role++)
		none[role] = !PG_ARGISNULL(role_arg(role)) &&
			told_column(fcinfo, role) == NULL;
	convention_look(judge_named_source(source), none);
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
	Source		source = {0};
	Name		result = palloc0(NAMEDATALEN);

	require_argument(fcinfo, ARG_RELATION, "relation");
	source.relation = PG_GETARG_OID(ARG_RELATION);
	attach_lock_table(source.relation, ShareRowExclusiveLock);
	attach_check_is_table(source.relation);
	source_refresh();
	source.registered = source_all();

	source.name = PG_ARGISNULL(ARG_SOURCE) ?
		get_rel_name(source.relation) : NameStr(*PG_GETARG_NAME(ARG_SOURCE));
	source.prefix = text_or_null(fcinfo, ARG_PREFIX);
	source.stored_as = stored_as_argument(fcinfo);
	source.encoding = choice_argument(fcinfo, ARG_TOKEN_ENCODING,
									  "token_encoding", source_encodings,
									  "It is one of text, base64url, hex.");
	source.timezone = text_argument(fcinfo, ARG_TIMEZONE, "timezone");
	source.column[ROLE_TOKEN].name = told_column(fcinfo, ROLE_TOKEN);
	if (source.column[ROLE_TOKEN].name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must name a column", "token_column")));
	source.live_when = text_or_null(fcinfo, ARG_LIVE_WHEN);
	choose_columns(fcinfo, &source);
	source.active_values = list_argument(fcinfo, ARG_ACTIVE_VALUES,
										 "active_values", TEXTOID);
	if (!PG_ARGISNULL(ARG_ON_REVOKE))
		source.on_revoke = choice_argument(fcinfo, ARG_ON_REVOKE, "on_revoke",
										   source_on_revoke,
										   "It is one of flag, delete, forget.");
	else if (source.column[ROLE_REVOKED].name == NULL)
		source.on_revoke = ON_REVOKE_NOTHING;
	source.claims = list_argument(fcinfo, ARG_CLAIMS, "claims", NAMEOID);
	source.checksum = bool_or_false(fcinfo, ARG_CHECKSUM);
	source.sliding_ttl = interval_or_null(fcinfo, ARG_SLIDING_TTL);
	source.sliding_threshold = interval_or_null(fcinfo, ARG_SLIDING_THRESHOLD);
	source.max_lifetime = interval_or_null(fcinfo, ARG_MAX_LIFETIME);

	attach_table(&source);
	look_for_others(fcinfo, source.name);
	namestrcpy(result, source.name);
	PG_RETURN_NAME(result);
}
