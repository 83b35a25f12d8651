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
#include "lifecycle/kin.h"
#include "lifecycle/shared_row.h"
#include "miscadmin.h"
#include "source/directory.h"
#include "source/owner.h"
#include "source/stored.h"
#include "utils/builtins.h"

/*
 * How often tokens that have been revoked are looked at, until none is live: what
 * revoking one brings about can revive another.
 */
#define MAX_LOOKS		10

/* In one source; others must not suffer for it. */
pg_noreturn static void
give_up(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
			 errmsg("could not revoke all tokens"),
			 errdetail("Again and again there were new ones."),
			 errhint("Retry.")));
}

/* ---------- where ---------- */

typedef struct Concerned
{
	List	   *all;			/* sources */
	List	   *left;			/* those that have not been left out */
} Concerned;

static Concerned
concerns(List *sources)
{
	return (Concerned) {sources, list_copy(sources)};
}

static List *
left_out(const Concerned *concerned)
{
	List	   *sources = NIL;
	ListCell   *lc;

	foreach(lc, concerned->all)
		if (!each_source_has(concerned->left, lfirst(lc)))
			sources = lappend(sources, lfirst(lc));
	return sources;
}

/* Was a source left out?  Of those of which life cannot be told no warning told yet. */
static bool
is_incomplete(const Concerned *concerned, const List *untold)
{
	List	   *sources = left_out(concerned);

	kin_warn_untold(untold, sources);
	return sources != NIL || untold != NIL;
}

static void
warn_too_late(const Source *source)
{
	ereport(WARNING,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("token source \"%s\" is left out", source->name),
			 errdetail("Again and again sources were attached meanwhile."),
			 errhint("Call the function again, with the argument \"source\".")));
}

/*
 * Those that others have attached meanwhile, or code of an owner's that has run; are
 * there any to look at?  None where one is named.  Somebody can attach more for ever: after
 * the last look they are left out.
 */
static bool
take_new(Concerned *concerned, const char *name, const List *sources, int look)
{
	bool		is_last = look == MAX_LOOKS;
	bool		any = false;
	ListCell   *lc;

	foreach(lc, name == NULL ? sources : NIL)
	{
		if (each_source_has(concerned->all, lfirst(lc)))
			continue;
		concerned->all = lappend(concerned->all, lfirst(lc));
		if (is_last)
			warn_too_late(lfirst(lc));
		else
			concerned->left = lappend(concerned->left, lfirst(lc));
		any |= !is_last;
	}
	return any;
}

/* ---------- by token ---------- */

typedef struct TokenRevocation
{
	const char *token;			/* its text; or NULL: */
	TokenDigest digest;
	Size		len;
	bool		left_out;		/* a source that must be named */
	int			look;			/* from 1; after the first, only what is live
								 * all the same */
	bool		any_live;		/* in this look */
	uint64		revoked;
	List	   *kin;			/* TokenKin *, of each source that has kin */
	List	   *elsewhere;		/* sources that are judged, or left out, themselves */
	List	   *untold;			/* kin_check_revoked() */
} TokenRevocation;

/* What could be told of the token's life in the kin of a source, before it was revoked. */
typedef struct TokenKin
{
	const Source *source;
	int			n;
	List	   *lives[lengthof(((StoredValues *) NULL)->value)];
} TokenKin;

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

/* All of its rows, which are judged last: to revoke one can revive another. */
static uint64
revoke_all_rows(Source *source, const LookupKey *key,
				const StoredValues *values, bool last_look)
{
	OwnerCall	call;
	uint64		revoked = 0;

	owner_begin(&call, source);
	if (!last_look)
		revoked = source->verify != NULL ?
			revoke_verified(&call, key, values) :
			revoke_values(&call, values);
	if (last_look || is_live(source, key, values))
		ending_prevented(&call, "revoke");
	owner_end(&call);
	return revoked;
}

static TokenKin *
find_kin(const TokenRevocation *revocation, const Source *source)
{
	ListCell   *lc;

	foreach(lc, revocation->kin)
		if (source_is_same(((TokenKin *) lfirst(lc))->source, source))
			return lfirst(lc);
	return NULL;
}

static void
note_kin(Source *source, TokenRevocation *revocation, const StoredValues *values)
{
	TokenKin   *kin;
	OwnerCall	call;

	if (!shared_row_has_kinds(source) || find_kin(revocation, source) != NULL)
		return;
	kin = palloc0(sizeof(TokenKin));
	kin->source = source;
	owner_begin(&call, source);
	for (kin->n = 0; kin->n < values->n; kin->n++)
		kin->lives[kin->n] = kin_lives(&call, &values->value[kin->n]);
	owner_end(&call);
	revocation->kin = lappend(revocation->kin, kin);
}

/* A SourceWork. */
static bool
revoke_token(Source *source, void *arg)
{
	TokenRevocation *revocation = arg;
	LookupKey	key;
	StoredValues values;
	bool		live;
	uint64		revoked = 0;

	if (!find_by(source, revocation, &key) ||
		!lookup_search_values(source, &key, &values))
		return false;
	note_kin(source, revocation, &values);
	live = revocation->look == 1 || is_live(source, &key, &values);
	if (live)
		revoked = revoke_all_rows(source, &key, &values,
								  revocation->look == MAX_LOOKS);
	stored_forget_all(&values);
	if (!each_source_has(revocation->elsewhere, source))
		revocation->elsewhere = lappend(revocation->elsewhere, source);
	revocation->any_live |= live;
	revocation->revoked += revoked;
	return true;
}

/*
 * A SourceWork, once all have had their turn.  In a source in which it is not revoked, for
 * another one is named, or by its prefix, it does not come to life by that.
 */
static bool
check_token_elsewhere(Source *source, void *arg)
{
	TokenRevocation *revocation = arg;
	const TokenKin *kin = find_kin(revocation, source);
	LookupKey	key;
	StoredValues values;
	OwnerCall	call;

	if (kin == NULL || !find_by(source, revocation, &key) ||
		!lookup_search_values(source, &key, &values))
		return false;
	if (kin->n != values.n || !source_is_unchanged(kin->source, source))
		stored_source_changed(source);
	owner_begin(&call, source);
	for (int i = 0; i < values.n; i++)
		kin_check_revoked(&call, &values.value[i], kin->lives[i],
						  revocation->elsewhere, &revocation->untold);
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

/*
 * Where it can be of several sources, look again once all have been written: what that
 * brings about in one table, by its triggers, can revive a row of another, or attach
 * one more.  In a source where it is live at the last look it could not be revoked.
 */
static void
revoke_in(Concerned *concerned, const char *name, TokenRevocation *revocation)
{
	SourceBudget budget = {0};

	do
	{
		Assert(revocation->look < MAX_LOOKS);
		revocation->look++;
		revocation->any_live = false;
		concerned->left = each_source(concerned->left, true, revoke_token,
									  revocation, &budget);
	} while (take_new(concerned, name, sources_of_token(name, revocation),
					  revocation->look) ||
			 (budget.nsources > 1 && revocation->any_live));
	revocation->elsewhere = list_concat(revocation->elsewhere,
										left_out(concerned));
	if (revocation->kin != NIL)
		concerned->left = each_source(concerned->left, true,
									  check_token_elsewhere, revocation, &budget);
}

/* True, false, or NULL if a source was left out. */
static NullableDatum
revoke_wherever(TokenRevocation *revocation, const char *source_name)
{
	Concerned	concerned = concerns(sources_of_token(source_name, revocation));
	NullableDatum result;

	revoke_in(&concerned, source_name, revocation);
	result.isnull = is_incomplete(&concerned, revocation->untold) ||
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

/* Tokens of a source that are to be revoked; they stay noted until the end. */
typedef struct NotedTokens
{
	const Source *source;
	QueryResult *tokens;
	List	  **live;			/* for each, what ending_written() has told */
	List	  **kin;			/* and kin_lives(); NULL: it has no kin */
	uint64		distinct;
	uint64		written;		/* rows, by the conditions */
	uint64		one_by_one;		/* tokens, which were live after all */
	uint64		in_this_look;	/* of these, not yet counted */
} NotedTokens;

/* In the source named, or in each that could have such values. */
typedef struct RowRevocation
{
	RowsOf		rows;
	bool		named;
	int			look;			/* from 1 */
	bool		any_live;		/* in this look */
	List	   *noted;			/* in each source, then what has come since */
	List	   *untold;			/* kin_check_revoked() */
} RowRevocation;

static bool
could_have(const Source *source, const RowRevocation *revocation)
{
	const RowsOf *rows = &revocation->rows;

	for (int i = 0; i < rows->n; i++)
		if (!each_source_has_role(source, rows->role[i], revocation->named) ||
			(!revocation->named &&
			 !each_source_could_have(source, rows->role[i], rows->value[i])))
			return false;
	return true;
}

static NotedTokens *
take_tokens(const RowRevocation *revocation, OwnerCall *call)
{
	NotedTokens *noted = palloc0(sizeof(NotedTokens));
	StoredValue stored;

	noted->source = call->source;
	noted->tokens = ending_tokens_of(call, &revocation->rows);
	noted->distinct = ending_distinct(call, noted->tokens);
	noted->live = palloc0(Max(noted->tokens->nrows, 1) * sizeof(List *));
	if (shared_row_has_kinds(call->source))
		noted->kin = palloc0(Max(noted->tokens->nrows, 1) * sizeof(List *));
	for (uint64 i = 0; i < noted->tokens->nrows; i++)
	{
		if (!stored_of_result(noted->tokens, i, 1, &stored))
			continue;
		noted->live[i] = ending_written(call, &stored);
		if (noted->kin != NULL)
			noted->kin[i] = kin_lives(call, &stored);
	}
	return noted;
}

static void
check_written(const OwnerCall *call, const NotedTokens *noted)
{
	StoredValue stored;

	for (uint64 i = 0; i < noted->tokens->nrows; i++)
		if (stored_of_result(noted->tokens, i, 1, &stored))
			ending_check_written(call, &stored, noted->live[i]);
}

/*
 * Those noted of a source at first, or NULL.  What was noted of it before its table was
 * attached again, which a trigger can do, cannot be judged by what it means now.
 */
static NotedTokens *
find_noted(const RowRevocation *revocation, const Source *source)
{
	ListCell   *lc;

	foreach(lc, revocation->noted)
	{
		NotedTokens *noted = lfirst(lc);

		if (strcmp(noted->source->name, source->name) != 0)
			continue;
		if (!source_is_unchanged(noted->source, source))
			stored_source_changed(source);
		return noted;
	}
	return NULL;
}

/* The same; they are noted now if they have not been before. */
static NotedTokens *
note(RowRevocation *revocation, OwnerCall *call)
{
	NotedTokens *noted = find_noted(revocation, call->source);

	if (noted != NULL)
		return noted;
	noted = take_tokens(revocation, call);
	revocation->noted = lappend(revocation->noted, noted);
	return noted;
}

static bool
is_concerned(const Source *source, const RowRevocation *revocation)
{
	bool		concerned = could_have(source, revocation);

	/* once noted, its tokens are judged */
	if (find_noted(revocation, source) != NULL && !concerned)
		stored_source_changed(source);
	return concerned;
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

/* Revoke those of a source's tokens that are live, and say if there were any. */
static bool
revoke_noted(OwnerCall *call, NotedTokens *noted, bool again)
{
	bool		any_live;

	noted->in_this_look = 0;
	any_live = ending_revoke_live(call, noted->tokens, again,
								  &noted->in_this_look);
	check_written(call, noted);
	return any_live;
}

/* Where a single source is named, its errors are raised, and undo all. */
static void
check_moved(const RowRevocation *revocation, OwnerCall *call,
			NotedTokens *noted)
{
	ending_revoke_moved(call, noted->tokens, &revocation->rows,
						&noted->in_this_look);
	check_written(call, noted);
}

/*
 * A SourceWork.  If a token lives on and would not be found the next time, because a
 * trigger has given its row to another user, say, then none of it has been done.
 */
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
	noted->in_this_look = 0;
	if (!revocation->named)
		check_moved(revocation, &call, noted);
	owner_end(&call);
	noted->written += written;
	noted->one_by_one += noted->in_this_look;
	return true;
}

static void
count_look(RowRevocation *revocation, const Source *source)
{
	ListCell   *lc;

	foreach(lc, revocation->noted)
	{
		NotedTokens *noted = lfirst(lc);

		if (source_is_same(noted->source, source))
			noted->one_by_one += noted->in_this_look;
	}
}

/*
 * A SourceWork.  New tokens are looked for first: that evaluates the owner's
 * expressions, and what they bring about is then judged.
 */
static bool
sweep(Source *source, void *arg)
{
	RowRevocation *revocation = arg;
	NotedTokens *later;
	OwnerCall	call;
	bool		any_live = false;
	ListCell   *lc;

	if (!is_concerned(source, revocation))
		return false;
	owner_begin(&call, source);
	(void) note(revocation, &call);
	later = take_tokens(revocation, &call);
	foreach(lc, revocation->noted)
	{
		NotedTokens *noted = lfirst(lc);

		if (source_is_same(noted->source, source))
			any_live |= revoke_noted(&call, noted,
									 revocation->look < MAX_LOOKS);
	}
	if (revoke_noted(&call, later, true))
	{
		if (revocation->look == MAX_LOOKS)
			give_up();
		any_live = true;
	}
	owner_end(&call);
	if (later->tokens->nrows > 0)
		revocation->noted = lappend(revocation->noted, later);
	count_look(revocation, source);
	revocation->any_live |= any_live;
	return true;
}

static void
check_kin(const OwnerCall *call, const NotedTokens *noted, List **untold)
{
	StoredValue stored;

	for (uint64 i = 0; i < noted->tokens->nrows; i++)
		if (stored_of_result(noted->tokens, i, 1, &stored))
			kin_check_revoked(call, &stored, noted->kin[i], NIL, untold);
}

/*
 * A SourceWork, once all have had their turn.  A source in which a token has come to life
 * by that can take it for another user's, so that it was not revoked there; or another
 * one is named.
 */
static bool
check_elsewhere(Source *source, void *arg)
{
	RowRevocation *revocation = arg;
	OwnerCall	call;
	ListCell   *lc;

	if (!is_concerned(source, revocation))
		return false;
	owner_begin(&call, source);
	foreach(lc, revocation->noted)
	{
		const NotedTokens *noted = lfirst(lc);

		if (noted->kin != NULL && source_is_same(noted->source, source))
			check_kin(&call, noted, &revocation->untold);
	}
	owner_end(&call);
	return true;
}

/*
 * Revoke such rows, judge their tokens, and look again until none is live.  A
 * rotation or exchange that was under way may have committed a new token while we
 * waited for the row of the old one, which our snapshot was too old to show.
 *
 * The tokens of all sources are noted before anything is written, and judged until a
 * look at all of them has written nothing: what that brings about in one table, by its
 * triggers, can move the rows of another, or revive them.  A source in which that has no
 * end is left out.
 */
static void
revoke_rows(Concerned *concerned, const char *name, RowRevocation *revocation)
{
	SourceBudget budget = {0};

	concerned->left = each_source(concerned->left, true, note_tokens,
								  revocation, &budget);
	concerned->left = each_source(concerned->left, true, write_rows,
								  revocation, &budget);
	do
	{
		Assert(revocation->look < MAX_LOOKS);
		revocation->look++;
		revocation->any_live = false;
		concerned->left = each_source(concerned->left, true, sweep, revocation,
									  &budget);
	} while (take_new(concerned, name, each_source_choose(name),
					  revocation->look) ||
			 revocation->any_live);
	concerned->left = each_source(concerned->left, true, check_elsewhere,
								  revocation, &budget);
}

/*
 * How many of its tokens have been ended.  A row can have been written in vain before
 * it was revoked one by one.  There can be several rows of a token, and rows that have
 * come since it was noted.
 */
static uint64
count_ended(const NotedTokens *noted)
{
	uint64		rows = noted->tokens->nrows;

	return Min(noted->written + noted->one_by_one,
			   noted->distinct + (noted->written > rows ? noted->written - rows : 0));
}

/* How many have been ended; what has been noted is forgotten. */
static uint64
end_revocation(RowRevocation *revocation)
{
	uint64		ended = 0;
	ListCell   *lc;

	foreach(lc, revocation->noted)
	{
		NotedTokens *noted = lfirst(lc);

		ended += count_ended(noted);
		query_free(noted->tokens);
	}
	return ended;
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
	Concerned	concerned;
	uint64		ended;

	PreventCommandIfReadOnly("tokenauth_revoke()");
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_BOOL(false);
	concerned = concerns(each_source_choose(name));
	revoke_rows(&concerned, name, &revocation);
	ended = end_revocation(&revocation);
	if (is_incomplete(&concerned, revocation.untold))
		PG_RETURN_NULL();
	PG_RETURN_BOOL(ended > 0);
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
	Concerned	concerned;
	uint64		ended;

	if (value == NULL)
		PG_RETURN_INT64(0);
	concerned = concerns(each_source_choose(name));
	revoke_rows(&concerned, name, &revocation);
	ended = end_revocation(&revocation);
	if (is_incomplete(&concerned, revocation.untold))
		PG_RETURN_NULL();
	PG_RETURN_INT64((int64) ended);
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
