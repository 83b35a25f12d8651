/*-------------------------------------------------------------------------
 *
 * revoke.c
 *		SQL: tokenauth_revoke() and its kin.
 *
 * Several sources are tried one by one (each_source.h).  If one is left out,
 * the result must not look like success: it is NULL, and a warning names the
 * source.  Each judges again what it has written: ending.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/arguments.h"
#include "base/compat.h"
#include "judge/coherence.h"
#include "judge/lookup.h"
#include "lifecycle/each_source.h"
#include "lifecycle/ending.h"
#include "miscadmin.h"
#include "source/directory.h"
#include "source/owner.h"
#include "utils/builtins.h"

/* ---------- by token ---------- */

typedef struct TokenRevocation
{
	const char *token;
	Size		len;
	uint64		revoked;
} TokenRevocation;

/* A SourceWork. */
static bool
revoke_token(Source *source, void *arg)
{
	TokenRevocation *revocation = arg;
	LookupKey	key = {{{0}}, revocation->token, revocation->len};
	OwnerCall	call;
	Datum		stored;
	uint64		revoked;

	if (!source_has_prefix(source, key.token, key.token_len) ||
		!token_digest(source->encoding, key.token, key.token_len, &key.digest))
		return false;
	stored = lookup_search_value(source, &key);
	owner_begin(&call, source);
	revoked = ending_revoke_token(&call, stored);
	owner_end(&call);
	token_wipe(stored);
	revocation->revoked += revoked;
	return true;
}

/* All that it could be of, or the one that is named. */
static List *
sources_of_token(const char *name, const TokenRevocation *revocation)
{
	if (name != NULL)
		return each_source_choose(name);
	coherence_refresh();
	return source_candidates(revocation->token, revocation->len);
}

static Datum
revoke_by_token(FunctionCallInfo fcinfo, const char *source_name)
{
	text	   *token;
	TokenRevocation revocation = {0};
	List	   *sources;
	int			concerned;

	PreventCommandIfReadOnly("tokenauth_revoke()");
	token = PG_GETARG_TEXT_PP(0);
	revocation.token = VARDATA_ANY(token);
	revocation.len = VARSIZE_ANY_EXHDR(token);
	sources = sources_of_token(source_name, &revocation);
	concerned = list_length(sources);
	sources = each_source(sources, true, revoke_token, &revocation);
	token_forget_copy(token, PG_GETARG_DATUM(0));
	if (list_length(sources) < concerned)
		PG_RETURN_NULL();
	PG_RETURN_BOOL(revocation.revoked > 0);
}

/*
 * tokenauth_revoke(token text) returns boolean
 *
 * True if this call revoked it; false if there was nothing to revoke, for it was
 * revoked or unknown before; NULL if a source was left out.  If it is neither, it
 * is not live any more; one that cannot be revoked is an error.  In effect for all
 * once the transaction has committed.
 */
TOKENAUTH_FUNCTION(tokenauth_revoke_token);
Datum
tokenauth_revoke_token(PG_FUNCTION_ARGS)
{
	return revoke_by_token(fcinfo, NULL);
}

/*
 * tokenauth_revoke(token text, source name) returns boolean
 *
 * The same in that source.
 */
TOKENAUTH_FUNCTION(tokenauth_revoke_token_of);
Datum
tokenauth_revoke_token_of(PG_FUNCTION_ARGS)
{
	return revoke_by_token(fcinfo, NameStr(*PG_GETARG_NAME(1)));
}

/* ---------- by what its row says ---------- */

/* The tokens of a source that are to be revoked, as long as they are not judged. */
typedef struct NotedTokens
{
	Oid			relation;
	QueryResult *tokens;
} NotedTokens;

/* In the source named, or in each with values of such a form. */
typedef struct RowRevocation
{
	RowsOf		rows;
	bool		named;
	uint64		revoked;
	List	   *noted;
} RowRevocation;

static bool
is_concerned(const Source *source, const RowRevocation *revocation)
{
	const RowsOf *rows = &revocation->rows;

	for (int i = 0; i < rows->n; i++)
		if (!each_source_has_role(source, rows->role[i], revocation->named) ||
			(!revocation->named &&
			 !each_source_could_have(source, rows->role[i], rows->value[i])))
			return false;
	return true;
}

/* A SourceWork. */
static bool
write_rows(Source *source, void *arg)
{
	RowRevocation *revocation = arg;
	NotedTokens *noted;
	OwnerCall	call;
	uint64		revoked;

	if (!is_concerned(source, revocation))
		return false;
	noted = palloc(sizeof(NotedTokens));
	noted->relation = source->relation;
	owner_begin(&call, source);
	noted->tokens = ending_tokens_of(&call, &revocation->rows);
	revoked = ending_revoke_rows(&call, &revocation->rows);
	owner_end(&call);
	revocation->noted = lappend(revocation->noted, noted);
	revocation->revoked += revoked;
	return true;
}

/* What is noted of a source, which is forgotten; NULL: nothing is. */
static QueryResult *
take_noted(RowRevocation *revocation, const Source *source)
{
	ListCell   *lc;

	foreach(lc, revocation->noted)
	{
		NotedTokens *noted = lfirst(lc);

		if (noted->relation != source->relation)
			continue;
		revocation->noted = foreach_delete_current(revocation->noted, lc);
		return noted->tokens;
	}
	return NULL;
}

/* A SourceWork. */
static bool
sweep(Source *source, void *arg)
{
	RowRevocation *revocation = arg;
	QueryResult *noted;
	OwnerCall	call;
	uint64		revoked = 0;

	if (!is_concerned(source, revocation))
		return false;
	noted = take_noted(revocation, source);
	owner_begin(&call, source);
	if (noted != NULL)
		revoked += ending_revoke_live(&call, noted);
	revoked += ending_revoke_live(&call, ending_tokens_of(&call,
														  &revocation->rows));
	owner_end(&call);
	revocation->revoked += revoked;
	return true;
}

#define MAX_SWEEPS		10

/*
 * Revoke such rows, judge their tokens, and look again until none is live.  A
 * rotation or exchange
 * that was under way may have committed a new token while we waited for the row
 * of the old one, which our snapshot was too old to show.
 */
static List *
revoke_rows(List *sources, RowRevocation *revocation)
{
	uint64		before;

	sources = each_source(sources, true, write_rows, revocation);
	for (int i = 0; i < MAX_SWEEPS; i++)
	{
		before = revocation->revoked;
		sources = each_source(sources, true, sweep, revocation);
		if (revocation->revoked == before)
			return sources;
	}
	ereport(ERROR,
			(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
			 errmsg("could not revoke all tokens"),
			 errdetail("Again and again there were new ones."),
			 errhint("Retry.")));
}

/*
 * tokenauth_revoke(id text | uuid | bigint, user_id text | uuid | bigint,
 *					source name)
 * returns boolean
 *
 * The same by the row's id, if it is that user's; in the source named, or in
 * each with ids and user ids of such a form.
 */
TOKENAUTH_FUNCTION(tokenauth_revoke_id);
Datum
tokenauth_revoke_id(PG_FUNCTION_ARGS)
{
	const char *name = name_or_null(fcinfo, 2);
	RowRevocation revocation = {
		.rows = {2, {ROLE_ID, ROLE_USER},
		{id_or_null(fcinfo, 0), id_or_null(fcinfo, 1)}},
		.named = name != NULL
	};
	List	   *sources;
	int			concerned;

	PreventCommandIfReadOnly("tokenauth_revoke()");
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_BOOL(false);
	sources = each_source_choose(name);
	concerned = list_length(sources);
	sources = revoke_rows(sources, &revocation);
	if (list_length(sources) < concerned)
		PG_RETURN_NULL();
	PG_RETURN_BOOL(revocation.revoked > 0);
}

static Datum
revoke_everywhere(FunctionCallInfo fcinfo, SourceRole role)
{
	const char *name = name_or_null(fcinfo, 1);
	const char *value = id_or_null(fcinfo, 0);
	RowRevocation revocation = {
		.rows = {1, {role}, {value}},
		.named = name != NULL
	};
	List	   *sources;
	int			concerned;

	if (value == NULL)
		PG_RETURN_INT64(0);
	sources = each_source_choose(name);
	concerned = list_length(sources);
	sources = revoke_rows(sources, &revocation);
	if (list_length(sources) < concerned)
		PG_RETURN_NULL();
	PG_RETURN_INT64((int64) revocation.revoked);
}

/*
 * tokenauth_revoke_user(user_id anycompatiblenonarray, source name) returns bigint
 *
 * Revoke all tokens of a user; how many this call has revoked, or NULL if a
 * source was left out.
 */
TOKENAUTH_FUNCTION(tokenauth_revoke_user);
Datum
tokenauth_revoke_user(PG_FUNCTION_ARGS)
{
	PreventCommandIfReadOnly("tokenauth_revoke_user()");
	return revoke_everywhere(fcinfo, ROLE_USER);
}

/*
 * tokenauth_revoke_tenant(tenant_id anycompatiblenonarray, source name) returns bigint
 */
TOKENAUTH_FUNCTION(tokenauth_revoke_tenant);
Datum
tokenauth_revoke_tenant(PG_FUNCTION_ARGS)
{
	PreventCommandIfReadOnly("tokenauth_revoke_tenant()");
	return revoke_everywhere(fcinfo, ROLE_TENANT);
}
