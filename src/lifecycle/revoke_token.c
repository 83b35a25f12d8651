/*-------------------------------------------------------------------------
 *
 * revoke_token.c
 *		Revoking a token that is known by its text or digest; see revoke_token.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "judge/coherence.h"
#include "judge/lookup.h"
#include "lifecycle/concerned.h"
#include "lifecycle/each_source.h"
#include "lifecycle/ending.h"
#include "lifecycle/kin_revoked.h"
#include "lifecycle/revoke_token.h"
#include "lifecycle/shared_row.h"
#include "source/directory.h"
#include "source/owner.h"
#include "source/stored.h"

typedef struct TokenRevocation
{
	const char *token;			/* its text; or NULL: */
	TokenDigest digest;
	Size		len;
	bool		must_name;		/* a source is asked by its name only */
	int			look;			/* from 1; after the first, only what is live
								 * all the same */
	bool		any_live;		/* in this look */
	uint64		revoked;
	List	   *kin;			/* TokenKin *, of each source that has kin */
	List	   *judged;			/* JudgedIn * */
	List	   *left_out;		/* sources, once all have had their turn */
	List	   *untold;			/* kin_check_revoked() */
} TokenRevocation;

/* What could be told of the token's life in the kin of a source, before it was revoked. */
typedef struct TokenKin
{
	const Source *source;
	int			n;
	List	   *lives[lengthof(((StoredValues *) NULL)->value)];
} TokenKin;

/* A source in which the token is judged itself, and by what: each makes its own of it. */
typedef struct JudgedIn
{
	const Source *source;
	StoredValues values;
} JudgedIn;

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
 * Lock all rows that could be the token's before anything is asked of them: while a row
 * is waited for, it can get another secret, and be another token's; or die in a source
 * in which it lived.
 */
static void
lock_values(OwnerCall *call, const StoredValues *values)
{
	for (int i = 0; i < values->n; i++)
		query_free(owner_write(call,
							   psprintf("SELECT FROM ONLY %s WHERE %s FOR NO KEY UPDATE",
										owner_table(call),
										owner_is_token(call, &values->value[i]))));
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

	lock_values(call, values);
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
	lock_values(&call, values);
	for (kin->n = 0; kin->n < values->n; kin->n++)
		kin->lives[kin->n] = kin_lives(&call, &values->value[kin->n]);
	owner_end(&call);
	revocation->kin = lappend(revocation->kin, kin);
}

static JudgedIn *
find_judged(const TokenRevocation *revocation, const Source *source)
{
	ListCell   *lc;

	foreach(lc, revocation->judged)
		if (source_is_same(((JudgedIn *) lfirst(lc))->source, source))
			return lfirst(lc);
	return NULL;
}

/* The values are kept until the end. */
static void
note_judged(Source *source, TokenRevocation *revocation,
			const StoredValues *values)
{
	JudgedIn   *judged = find_judged(revocation, source);

	if (judged == NULL)
	{
		judged = palloc(sizeof(JudgedIn));
		revocation->judged = lappend(revocation->judged, judged);
	}
	else
		stored_forget_all(&judged->values);
	judged->source = source;
	judged->values = *values;
}

static void
forget_judged(const TokenRevocation *revocation)
{
	ListCell   *lc;

	foreach(lc, revocation->judged)
		stored_forget_all(&((JudgedIn *) lfirst(lc))->values);
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
								  revocation->look == CONCERNED_MAX_LOOKS);
	note_judged(source, revocation, &values);
	revocation->any_live |= live;
	revocation->revoked += revoked;
	return true;
}

static bool
has_value(const StoredValues *values, const StoredValue *stored)
{
	for (int i = 0; i < values->n; i++)
		if (stored_is_equal(&values->value[i], stored))
			return true;
	return false;
}

/* The sources in which the rows of that value are judged, or that are left out. */
static List *
judged_by(const TokenRevocation *revocation, const StoredValue *stored)
{
	List	   *sources = list_copy(revocation->left_out);
	ListCell   *lc;

	foreach(lc, revocation->judged)
	{
		JudgedIn   *judged = lfirst(lc);

		if (has_value(&judged->values, stored))
			sources = lappend(sources, unconstify(Source *, judged->source));
	}
	return sources;
}

/*
 * A SourceWork, once all have had their turn.  In a source in which that row is not judged,
 * for another one is named, or by its prefix, or by another value, it does not come to life
 * by that.
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
						  judged_by(revocation, &values.value[i]),
						  &revocation->untold);
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
							 &revocation->must_name);
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
		Assert(revocation->look < CONCERNED_MAX_LOOKS);
		revocation->look++;
		revocation->any_live = false;
		concerned->left = each_source(concerned->left, true, revoke_token,
									  revocation, &budget);
	} while (concerned_take_new(concerned, name,
								sources_of_token(name, revocation),
								revocation->look) ||
			 (budget.nsources > 1 && revocation->any_live));
	revocation->left_out = concerned_left_out(concerned);
	if (revocation->kin != NIL)
		concerned->left = each_source(concerned->left, true,
									  check_token_elsewhere, revocation, &budget);
}

/* True, false, or NULL if a source was left out. */
static NullableDatum
revoke_wherever(TokenRevocation *revocation, const char *source_name)
{
	Concerned	concerned = concerned_begin(sources_of_token(source_name, revocation));
	NullableDatum result;

	revoke_in(&concerned, source_name, revocation);
	forget_judged(revocation);
	result.isnull = concerned_is_incomplete(&concerned, revocation->untold) ||
		(revocation->must_name && revocation->revoked == 0);
	result.value = BoolGetDatum(revocation->revoked > 0);
	return result;
}

NullableDatum
revoke_token_by_text(const char *token, Size len, const char *source_name)
{
	TokenRevocation revocation = {.token = token,.len = len};

	return revoke_wherever(&revocation, source_name);
}

NullableDatum
revoke_token_by_digest(const TokenDigest *digest, const char *source_name)
{
	TokenRevocation revocation = {.digest = *digest};

	return revoke_wherever(&revocation, source_name);
}
