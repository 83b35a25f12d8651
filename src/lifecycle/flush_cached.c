/*-------------------------------------------------------------------------
 *
 * flush_cached.c
 *		SQL: tokenauth_flush() and its kin.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/arguments.h"
#include "base/compat.h"
#include "judge/coherence.h"
#include "judge/judge.h"
#include "lifecycle/each_source.h"
#include "miscadmin.h"
#include "source/directory.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

/* An id to look for in the cache, as an entry has it. */
typedef struct FieldMatch
{
	VerdictField field;
	VerdictValue value;
} FieldMatch;

/* A CacheMatch. */
static bool
field_matches(const CacheItem *item, void *arg)
{
	const FieldMatch *match = arg;
	Verdict		verdict;
	VerdictValue *value;

	verdict_unpack(item, &verdict);
	value = &verdict.field[match->field];
	return value->data != NULL && value->len == match->value.len &&
		memcmp(value->data, match->value.data, value->len) == 0;
}

/* All that is cached for one user or tenant. */
typedef struct IdFlush
{
	SourceRole	role;
	const char *value;
	bool		named;
} IdFlush;

/* A SourceWork. */
static bool
flush_all_of(Source *source, void *arg)
{
	const IdFlush *flush = arg;
	const SourceColumn *column = &source->column[flush->role];
	FieldMatch	match;
	Oid			input;
	Oid			parameter;

	if (!each_source_has_role(source, flush->role, flush->named) ||
		(!flush->named &&
		 !each_source_could_have(source, flush->role, flush->value)))
		return false;
	if (!cache_is_on())
		return true;
	/* other values are equal, too, to a statement of the user's */
	if (!column->is_exact)
	{
		coherence_flush(source);
		return true;
	}
	getTypeInputInfo(column->type, &input, &parameter);
	match.field = flush->role == ROLE_USER ? FIELD_USER : FIELD_TENANT;
	match.value = verdict_value(column->kind,
								OidInputFunctionCall(input,
													 unconstify(char *, flush->value),
													 parameter, -1),
								column->type);
	cache_flush_matching(MyDatabaseId, source->cached_as, field_matches, &match);
	return true;
}

static void
flush_everywhere(FunctionCallInfo fcinfo, SourceRole role)
{
	const char *name = name_or_null(fcinfo, 1);
	IdFlush		flush = {role, id_or_null(fcinfo, 0), name != NULL};
	SourceBudget budget = {0};

	if (flush.value != NULL)
		(void) each_source(each_source_choose(name), false, flush_all_of,
						   &flush, &budget);
}

/*
 * tokenauth_flush_user(user_id anycompatiblenonarray, source name) returns void
 *
 * Stop believing what is cached for a user: after a change of state that
 * tokenauth is not told of.
 */
TOKENAUTH_FUNCTION(tokenauth_flush_user);
Datum
tokenauth_flush_user(PG_FUNCTION_ARGS)
{
	flush_everywhere(fcinfo, ROLE_USER);
	PG_RETURN_VOID();
}

/*
 * tokenauth_flush_tenant(tenant_id anycompatiblenonarray, source name) returns void
 */
TOKENAUTH_FUNCTION(tokenauth_flush_tenant);
Datum
tokenauth_flush_tenant(PG_FUNCTION_ARGS)
{
	flush_everywhere(fcinfo, ROLE_TENANT);
	PG_RETURN_VOID();
}

/*
 * tokenauth_flush(source name) returns void
 *
 * Stop believing what is cached for a source, or for all of this database.
 * Nothing but speed depends on it; it is not undone by ROLLBACK.
 */
TOKENAUTH_FUNCTION(tokenauth_flush);
Datum
tokenauth_flush(PG_FUNCTION_ARGS)
{
	ListCell   *lc;

	if (!PG_ARGISNULL(0))
	{
		coherence_flush(judge_named_source(NameStr(*PG_GETARG_NAME(0))));
		PG_RETURN_VOID();
	}
	source_refresh();
	foreach(lc, source_all())
		coherence_flush(lfirst(lc));
	PG_RETURN_VOID();
}
