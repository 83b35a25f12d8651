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
#include "attach/register.h"
#include "attach/revoked.h"
#include "attach/triggers.h"
#include "base/arguments.h"
#include "base/compat.h"
#include "catalog/pg_type.h"
#include "judge/judge.h"
#include "source/directory.h"
#include "source/owner.h"
#include "source/problem.h"
#include "source/registry.h"
#include "storage/lmgr.h"
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
	ARG_COUNT
};

void
attach_lock_table(Oid relation)
{
	/* first, so that no caller queues for a lock on another owner's table */
	owner_check(relation);
	LockRelationOid(relation, ShareRowExclusiveLock);
	owner_check(relation);
}

/* Views have no triggers; say so before CREATE TRIGGER says less. */
void
attach_check_is_table(Oid relation)
{
	Source		probe = {0};

	if (get_rel_relkind(relation) == RELKIND_RELATION)
		return;
	probe.problem_relation = relation;
	probe.problem = PROBLEM_NOT_A_TABLE;
	problem_report(&probe);
}

const char *
attach_conventional_column(Oid relation, SourceRole role, const char *token_column)
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
			attach_conventional_column(relation, role,
								NameStr(*PG_GETARG_NAME(ARG_TOKEN_COLUMN)));
	name = NameStr(*PG_GETARG_NAME(arg));
	return name[0] == '\0' ? NULL : name;
}

void
attach_verify(const char *name)
{
	Source	   *source = judge_named_source(name);

	if (!source_validate(source))
		elog(ERROR, "table of token source \"%s\" vanished", name);
	if (source->problem != PROBLEM_NONE)
		problem_report(source);
}

void
attach_table(const AttachOptions *options)
{
	ExtensionInfo extension;
	NewRow		row;
	const char *live_when;

	options_check(options);
	live_when = options_resolve_condition(options->relation,
										  options->live_when);
	extension_require(&extension);

	register_begin(&row);
	register_relation(&row, "relation", options->relation);
	register_name(&row, "source", options->name);
	register_text(&row, "prefix", options->prefix);
	register_text(&row, "stored_as", options->stored_as);
	register_text(&row, "token_encoding", options->encoding);
	for (int role = 0; role < ROLE_COUNT; role++)
		register_name(&row, role_argument(role), options->column[role]);
	register_array(&row, "active_values", TEXTARRAYOID, options->active_values);
	register_text(&row, "live_when", live_when);
	register_array(&row, "claims", NAMEARRAYOID, options->claims);
	register_text(&row, "timezone", options->timezone);
	register_bool(&row, "checksum", options->checksum);
	register_interval(&row, "sliding_ttl", options->sliding_ttl);
	register_interval(&row, "sliding_threshold", options->sliding_threshold);
	register_interval(&row, "max_lifetime", options->max_lifetime);

	register_remove_dropped(&extension);
	triggers_create(&extension, options->relation);
	register_write(&extension, "tokenauth_source", &row);
	attach_verify(options->name);
	revoked_look(judge_named_source(options->name));
}

static const char *
text_argument(FunctionCallInfo fcinfo, int arg, const char *name)
{
	require_argument(fcinfo, arg, name);
	return text_to_cstring(PG_GETARG_TEXT_PP(arg));
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

	require_argument(fcinfo, ARG_RELATION, "relation");
	options.relation = PG_GETARG_OID(ARG_RELATION);
	attach_lock_table(options.relation);
	attach_check_is_table(options.relation);

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
	options.active_values = array_or_null(fcinfo, ARG_ACTIVE_VALUES);
	options.live_when = text_or_null(fcinfo, ARG_LIVE_WHEN);
	options.claims = array_or_null(fcinfo, ARG_CLAIMS);
	options.checksum = bool_or_false(fcinfo, ARG_CHECKSUM);
	options.sliding_ttl = interval_or_null(fcinfo, ARG_SLIDING_TTL);
	options.sliding_threshold = interval_or_null(fcinfo,
												 ARG_SLIDING_THRESHOLD);
	options.max_lifetime = interval_or_null(fcinfo, ARG_MAX_LIFETIME);

	attach_table(&options);
	namestrcpy(result, options.name);
	PG_RETURN_NAME(result);
}
