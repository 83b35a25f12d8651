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
#include "judge/judge.h"
#include "judge/lookup.h"
#include "lifecycle/each_source.h"
#include "lifecycle/ending.h"
#include "miscadmin.h"
#include "source/directory.h"
#include "source/owner.h"
#include "source/stored.h"
#include "utils/builtins.h"

/* ---------- by token ---------- */

typedef struct TokenRevocation
{
	const char *token;			/* its text; or NULL: */
	TokenDigest digest;
	Size		len;
	bool		left_out;		/* a source that must be named */
	bool		again;			/* only what is live all the same */
	uint64		revoked;
} TokenRevocation;

/* How its row is found in a source; false if it is no token of that one. */
static bool
find_by(const Source *source, const TokenRevocation *revocation,
		LookupKey *key)
{
	/* whoever ends a token's life waits for nobody who asks for it */
	*key = (LookupKey)
	{
		.digest = revocation->digest,.token = revocation->token,
			.token_len = revocation->len,.attempt = 0
	};
	if (key->token != NULL)
		return source_has_prefix(source, key->token, key->token_len) &&
			stored_key(source, key->token, key->token_len, &key->digest);
	/* it may well be a token of that source, which is not to be passed over */
	stored_require_digest(source, "Give the token itself to tokenauth_revoke(), or name the source that is meant.");
	return true;
}

/*
 * The ids of the rows that a verify takes for the token's.  One without an id, or
 * with that of another row, could not be told from that.
 */
static List *
verified_ids(OwnerCall *call, const LookupKey *key, const StoredValues *values)
{
	Source	   *source = unconstify(Source *, call->source);
	List	   *ids;
	ListCell   *lc;

	if (!lookup_ids(source, key, &ids))
		stored_source_changed(source);
	foreach(lc, ids)
		ending_check_id(call, values, lfirst(lc));
	return ids;
}

/* Is there a live row of the token, though all have been revoked? */
static bool
is_live(Source *source, const LookupKey *key, const StoredValues *values)
{
	for (int i = 0; i < values->n; i++)
		if (lookup_is_live(source, &values->value[i],
						   source->verify != NULL ? key : NULL, NULL))
			return true;
	return false;
}

/*
 * Revoke the rows that are verified, and look for the token itself again, which a
 * trigger can have moved to a row of another id.
 */
static uint64
revoke_verified(OwnerCall *call, const LookupKey *key,
				const StoredValues *values)
{
	uint64		revoked = 0;
	ListCell   *lc;

	foreach(lc, verified_ids(call, key, values))
		for (int i = 0; i < values->n; i++)
			revoked += ending_revoke_token(call, &(TokenRows) {values->value[i],
										   lfirst(lc)});
	if (is_live(unconstify(Source *, call->source), key, values))
		ending_prevented(call, "revoke");
	return revoked;
}

/* The rows of all peppers. */
static uint64
revoke_values(OwnerCall *call, const StoredValues *values)
{
	uint64		revoked = 0;

	for (int i = 0; i < values->n; i++)
		revoked += ending_revoke_token(call, &(TokenRows) {values->value[i]});
	return revoked;
}

/* A SourceWork. */
static bool
revoke_token(Source *source, void *arg)
{
	TokenRevocation *revocation = arg;
	LookupKey	key;
	OwnerCall	call;
	StoredValues values;

	if (!find_by(source, revocation, &key) ||
		!lookup_search_values(source, &key, &values))
		return false;
	if (revocation->again && !is_live(source, &key, &values))
	{
		stored_forget_all(&values);
		return true;
	}
	owner_begin(&call, source);
	revocation->revoked += source->verify != NULL ?
		revoke_verified(&call, &key, &values) :
		revoke_values(&call, &values);
	owner_end(&call);
	stored_forget_all(&values);
	return true;
}

/* All that it could be of, or the one that is named; a digest has no prefix. */
static List *
sources_of_token(const char *name, TokenRevocation *revocation)
{
	if (name != NULL || revocation->token == NULL)
		return each_source_choose(name);
	coherence_refresh();
	return source_candidates(revocation->token, revocation->len,
							 &revocation->left_out);
}

#define MAX_SWEEPS		10

pg_noreturn static void
give_up(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
			 errmsg("could not revoke all tokens"),
			 errdetail("Again and again there were new ones."),
			 errhint("Retry.")));
}

/*
 * Where it can be of several sources, look again once all have been written: what that
 * brings about in one table, by its triggers, can revive a row of another.
 */
static List *
revoke_in(List *sources, TokenRevocation *revocation)
{
	SourceBudget budget = {0};

	for (int i = 0; i < MAX_SWEEPS; i++)
	{
		uint64		before = revocation->revoked;

		sources = each_source(sources, true, revoke_token, revocation, &budget);
		if (budget.nsources == 1 || (i > 0 && revocation->revoked == before))
			return sources;
		revocation->again = true;
	}
	give_up();
}

/* True, false, or NULL if a source was left out. */
static NullableDatum
revoke_wherever(TokenRevocation *revocation, const char *source_name)
{
	List	   *sources = sources_of_token(source_name, revocation);
	int			concerned = list_length(sources);
	NullableDatum result;

	sources = revoke_in(sources, revocation);
	result.isnull = list_length(sources) < concerned ||
		(revocation->left_out && revocation->revoked == 0);
	result.value = BoolGetDatum(revocation->revoked > 0);
	return result;
}

static Datum
revoke_by_token(FunctionCallInfo fcinfo, const char *source_name)
{
	text	   *token;
	TokenRevocation revocation = {0};
	NullableDatum result;

	PreventCommandIfReadOnly("tokenauth_revoke()");
	token = PG_GETARG_TEXT_PP(0);
	revocation.token = VARDATA_ANY(token);
	revocation.len = VARSIZE_ANY_EXHDR(token);
	result = revoke_wherever(&revocation, source_name);
	token_forget_copy(token, PG_GETARG_DATUM(0));
	fcinfo->isnull = result.isnull;
	return result.value;
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

/*
 * tokenauth_revoke_hash(digest bytea, source name) returns boolean
 *
 * The same by digest: in the source named, or in all.  Throws 22023 if it is no
 * digest, which would be no success; 0A000, or leaves the source out, where the
 * table holds the tokens themselves.
 */
TOKENAUTH_FUNCTION(tokenauth_revoke_hash);
Datum
tokenauth_revoke_hash(PG_FUNCTION_ARGS)
{
	TokenQuery	query;
	TokenRevocation revocation = {0};
	NullableDatum result;

	PreventCommandIfReadOnly("tokenauth_revoke_hash()");
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	if (!judge_take_digest(fcinfo, &query, &revocation.digest))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"digest\" must have %d bytes",
						TOKEN_DIGEST_LEN),
				 errhint("It is the SHA-256 as bytea: sha256(...), or decode(..., 'hex').")));
	result = revoke_wherever(&revocation, name_or_null(fcinfo, 1));
	fcinfo->isnull = result.isnull;
	return result.value;
}

/* ---------- by what its row says ---------- */

/* The tokens of a source that are to be revoked, as long as they are not judged. */
typedef struct NotedTokens
{
	const Source *source;
	QueryResult *tokens;		/* NULL: they are judged */
	List	  **live;			/* for each, what ending_written() has told */
	uint64		written;		/* rows */
} NotedTokens;

/* In the source named, or in each that could have such values. */
typedef struct RowRevocation
{
	RowsOf		rows;
	bool		named;
	List	   *noted;
	uint64		written;		/* rows, by the conditions */
	uint64		swept;			/* tokens, one by one */
	uint64		ended;			/* tokens */
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

static void
note_written(const OwnerCall *call, NotedTokens *noted)
{
	StoredValue stored;

	noted->live = palloc0(Max(noted->tokens->nrows, 1) * sizeof(List *));
	for (uint64 i = 0; i < noted->tokens->nrows; i++)
		if (stored_of_result(noted->tokens, i, 1, &stored))
			noted->live[i] = ending_written(call, &stored);
}

static void
check_written(const OwnerCall *call, const NotedTokens *noted)
{
	StoredValue stored;

	for (uint64 i = 0; i < noted->tokens->nrows; i++)
		if (stored_of_result(noted->tokens, i, 1, &stored))
			ending_check_written(call, &stored, noted->live[i]);
}

/* Those noted of a source; they are noted now if they have not been before. */
static NotedTokens *
note(RowRevocation *revocation, OwnerCall *call)
{
	NotedTokens *noted;
	ListCell   *lc;

	foreach(lc, revocation->noted)
	{
		noted = lfirst(lc);
		if (source_is_same(noted->source, call->source))
			return noted;
	}
	noted = palloc0(sizeof(NotedTokens));
	noted->source = call->source;
	noted->tokens = ending_tokens_of(call, &revocation->rows);
	note_written(call, noted);
	revocation->noted = lappend(revocation->noted, noted);
	return noted;
}

/* A SourceWork. */
static bool
note_tokens(Source *source, void *arg)
{
	RowRevocation *revocation = arg;
	OwnerCall	call;

	if (!is_concerned(source, revocation))
		return false;
	owner_begin(&call, source);
	(void) note(revocation, &call);
	owner_end(&call);
	return true;
}

/* A SourceWork. */
static bool
write_rows(Source *source, void *arg)
{
	RowRevocation *revocation = arg;
	NotedTokens *noted;
	OwnerCall	call;
	uint64		written;

	if (!is_concerned(source, revocation))
		return false;
	owner_begin(&call, source);
	noted = note(revocation, &call);
	written = ending_revoke_rows(&call, &revocation->rows);
	owner_end(&call);
	noted->written += written;
	revocation->written += written;
	return true;
}

/*
 * How many tokens have been ended, if so many were revoked one by one because they
 * were live after all: of these a row can have been written before, in vain.  There
 * can be several rows of a token, and rows that have come since it was noted.
 */
static uint64
count_ended(const NotedTokens *noted, uint64 distinct, uint64 one_by_one)
{
	uint64		rows = noted->tokens->nrows;

	return Min(noted->written + one_by_one,
			   distinct + (noted->written > rows ? noted->written - rows : 0));
}

/* A SourceWork. */
static bool
sweep(Source *source, void *arg)
{
	RowRevocation *revocation = arg;
	NotedTokens *noted;
	OwnerCall	call;
	uint64		ended = 0;
	uint64		swept = 0;
	uint64		later;

	if (!is_concerned(source, revocation))
		return false;
	owner_begin(&call, source);
	noted = note(revocation, &call);
	if (noted->tokens != NULL)
	{
		uint64		distinct = ending_distinct(&call, noted->tokens);

		swept = ending_revoke_live(&call, noted->tokens);
		check_written(&call, noted);
		ended = count_ended(noted, distinct, swept);
	}
	later = ending_revoke_live(&call,
							   ending_tokens_of(&call, &revocation->rows));
	owner_end(&call);
	if (noted->tokens != NULL)
		query_free(noted->tokens);
	noted->tokens = NULL;
	revocation->swept += swept + later;
	revocation->ended += ended + later;
	return true;
}

/*
 * Revoke such rows, judge their tokens, and look again until none is live.  A
 * rotation or exchange that was under way may have committed a new token while we
 * waited for the row of the old one, which our snapshot was too old to show.
 *
 * The tokens of all sources are noted before anything is written: what that brings
 * about in one table, by its triggers, can move the rows of another.
 */
static List *
revoke_rows(List *sources, RowRevocation *revocation)
{
	SourceBudget budget = {0};
	uint64		before;

	sources = each_source(sources, true, note_tokens, revocation, &budget);
	sources = each_source(sources, true, write_rows, revocation, &budget);
	for (int i = 0; i < MAX_SWEEPS; i++)
	{
		before = revocation->swept;
		sources = each_source(sources, true, sweep, revocation, &budget);
		if (revocation->swept == before)
			return sources;
	}
	give_up();
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
	PG_RETURN_BOOL(revocation.written + revocation.swept > 0);
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
	PG_RETURN_INT64((int64) revocation.ended);
}

/*
 * tokenauth_revoke_user(user_id anycompatiblenonarray, source name) returns bigint
 *
 * Revoke all tokens of a user; how many this call has ended, or NULL if a
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
