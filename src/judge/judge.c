/*-------------------------------------------------------------------------
 *
 * judge.c
 *		The way of one token: source, digest, cache, table, cache.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/xlog.h"
#include "base/compat.h"
#include "base/guc.h"
#include "base/testpoint.h"
#include "judge/coherence.h"
#include "judge/judge.h"
#include "judge/lookup.h"
#include "judge/trust.h"
#include "miscadmin.h"
#include "source/directory.h"
#include "source/stored.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

Source *
judge_named_source(const char *name)
{
	Source	   *source;

	coherence_refresh();
	source = source_by_name(name);
	if (source == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("token source \"%s\" does not exist", name),
				 errhint("The view tokenauth_sources lists them.")));
	return source;
}

/* Is this text, or its lack, no token of any source? */
static bool
is_malformed(const TokenQuery *query)
{
	return query->token != NULL && query->token_len == 0;
}

/*
 * The source of a digest: the one without a prefix.  NULL if there are no sources;
 * throws if all have a prefix, for a digest does not show which it is of.
 */
static Source *
source_of_digest(void)
{
	Source	   *source = source_by_token("", 0);

	if (source == NULL && source_all() != NIL)
		ereport(ERROR,
				(errcode(ERRCODE_AMBIGUOUS_PARAMETER),
				 errmsg("the token source of a digest must be named"),
				 errdetail("Each source has a prefix, and a digest does not show it."),
				 errhint("Name it in the argument \"source\".")));
	return source;
}

/* The source that a token is of; NULL if there is none. */
static Source *
find_source(const TokenQuery *query)
{
	if (query->found == NULL && query->source_name != NULL)
		return judge_named_source(query->source_name);
	coherence_refresh();
	if (query->found != NULL)
		return source_find_again(query->found);
	if (query->token == NULL)
		return source_of_digest();
	return source_by_token(query->token, query->token_len);
}

/* Where the table holds the tokens, it cannot be asked for a digest. */
static void
check_askable(const Source *source, const TokenQuery *query)
{
	if (query->token == NULL)
		stored_require_digest(source, "Give the token itself to the function of the same name without \"_hash\".");
}

/* As its source hashes it; false if it is no token of that source. */
static bool
digest_query(const Source *source, const TokenQuery *query,
			 TokenDigest *digest)
{
	if (query->token == NULL)
	{
		*digest = *query->digest;
		return true;
	}
	if (source->checksum &&
		!token_is_issued(source->prefix ? source->prefix : "", query->token,
						 query->token_len))
		return false;
	/* it may have been found by its prefix */
	return ((query->found == NULL && query->source_name == NULL) ||
			source_has_prefix(source, query->token, query->token_len)) &&
		stored_key(source, query->token, query->token_len, digest);
}

static void
count(const Source *source, StatsCounter counter)
{
	source->counts->n[counter]++;
}

static StatsCounter
bypass_counter(CacheUse use)
{
	switch (use)
	{
		case CACHE_USE_NO_DISABLED:
			return STATS_BYPASS_DISABLED;
		case CACHE_USE_NO_OWN_WRITES:
			return STATS_BYPASS_OWN_WRITES;
		case CACHE_USE_NO_SOURCE:
		case CACHE_USE_YES:
			break;
	}
	return STATS_BYPASS_SOURCE;
}

/* Answer from the cache, if it may be asked and has one. */
static bool
ask_cache(const Source *source, const CacheKey *key, const TokenQuery *query,
		  TimestampTz now, Judgement *judgement)
{
	CacheUse	use = coherence_may_use(source);

	if (use != CACHE_USE_YES)
	{
		count(source, bypass_counter(use));
		return false;
	}
	switch (cache_probe(key, source->gate, trust_floor(),
						source->fingerprint, now, &judgement->item))
	{
		case CACHE_HIT:
			break;
		case CACHE_FENCED:
			count(source, STATS_BYPASS_FENCED);
			return false;
		case CACHE_ABSENT:
			count(source, STATS_MISSES);
			return false;
	}
	judgement->is_partial = query->user_only && query->scope == NULL;
	if (judgement->is_partial)
		verdict_unpack_user(&judgement->item, &judgement->verdict);
	else
		verdict_unpack(&judgement->item, &judgement->verdict);
	verdict_settle(&judgement->verdict, now);
	count(source, judgement->verdict.status == TOKEN_VALID ?
		  STATS_HITS : STATS_NEGATIVE_HITS);
	return true;
}

/* A token that one caller uses up must be judged by its row for the next. */
static bool
is_single_use(const Source *source, const Verdict *verdict)
{
	return verdict->status == TOKEN_VALID &&
		AttributeNumberIsValid(source->column[ROLE_USED].attnum);
}

/* Show what has just been read to all, if that is allowed and cheap. */
static bool
publish(const Source *source, const CacheKey *key, uint64 stamp,
		const Verdict *verdict, CacheNeed need)
{
	TimestampTz now = GetCurrentTimestamp();
	Verdict		settled = *verdict;
	CacheItem	item;
	bool		refused;
	int			ttl;

	/* packed is the status before the clock counts, classed as after it */
	verdict_settle(&settled, now);
	refused = settled.status != TOKEN_VALID;
	ttl = refused ? guc_negative_ttl : guc_ttl;

	if (!coherence_may_publish(source))
		return false;
	/* A standby hears of no INSERT, so it must not remember a refusal. */
	if (ttl == 0 || (refused && RecoveryInProgress()) ||
		is_single_use(source, verdict))
	{
		count(source, STATS_PUBLISHES_SKIPPED);
		return false;
	}
	if (!verdict_pack(verdict, &item))
	{
		count(source, STATS_UNCACHEABLE);
		return false;
	}
	item.header.class = refused ? CACHE_REFUSED : CACHE_VALID;
	item.header.stamp = stamp;
	item.header.fingerprint = source->fingerprint;
	cache_set_deadline(&item.header, now, ttl);

	TEST_POINT(fill_before_publish);
	switch (cache_publish(key, source->gate, &item, need, now))
	{
		case CACHE_PUBLISHED_EVICTING:
			count(source, STATS_EVICTIONS);
			pg_fallthrough;
		case CACHE_PUBLISHED:
			count(source, STATS_PUBLISHES);
			return true;
		case CACHE_FULL:
		case CACHE_SKIPPED:
			count(source, STATS_PUBLISHES_SKIPPED);
			break;
	}
	return false;
}

/* False if the source must be looked up again. */
static bool
ask_table(Source *source, const CacheKey *key, const TokenQuery *query,
		  int round, Verdict *verdict)
{
	LookupKey	lookup = {key->digest, query->token, query->token_len, round};
	uint64		stamp;

	if (!lookup_token(source, &lookup, verdict, &stamp))
		return false;
	(void) publish(source, key, stamp, verdict, CACHE_USED);
	verdict_settle(verdict, GetCurrentTimestamp());
	if (verdict->status != TOKEN_VALID)
		count(source, STATS_NEGATIVE_LOOKUPS);
	return true;
}

bool
judge_warm(Source *source, const TokenDigest *digest,
		   const StoredValue *stored)
{
	CacheKey	key = {*digest, MyDatabaseId, source->cached_as};
	TimestampTz now = GetCurrentTimestamp();
	Verdict		verdict;
	Verdict		settled;
	CacheItem	item;
	uint64		stamp;

	if (coherence_may_use(source) != CACHE_USE_YES ||
		cache_probe(&key, source->gate, trust_floor(), source->fingerprint,
					now, &item) != CACHE_ABSENT ||
		!lookup_stored(source, stored, NULL, &verdict, &stamp))
		return false;
	settled = verdict;
	verdict_settle(&settled, now);
	return settled.status == TOKEN_VALID &&
		publish(source, &key, stamp, &verdict, CACHE_MAY_BE_USED);
}

bool
judge_used_token(const Source *source, const TokenDigest *digest,
				 const Verdict *verdict, UsedToken *used)
{
	const char *key = (const char *) digest->bytes;
	Size		len = TOKEN_DIGEST_LEN;

	/* all of it goes into shared memory, and into a file */
	memset(used, 0, sizeof(*used));
	used->database = MyDatabaseId;
	used->relation = source->id.relation;
	used->source = source->id.name;
	used->by_id = !stored_is_digest(source);
	if (used->by_id)
	{
		text	   *id;

		if (verdict->field[FIELD_ID].data == NULL)
			return false;
		id = verdict_text(verdict, FIELD_ID, source->column[ROLE_ID].kind);
		key = VARDATA_ANY(id);
		len = VARSIZE_ANY_EXHDR(id);
	}
	if (len > LAST_USED_KEY_SIZE)
		return false;
	used->key_len = (uint8) len;
	memcpy(used->key, key, len);
	return true;
}

/*
 * Note that a valid token was used, if that is due.  A worker writes it into
 * the table later.  A standby's tables cannot be written.
 */
static void
note_use(const Source *source, const CacheKey *key, Judgement *judgement,
		 TimestampTz now)
{
	Verdict    *verdict = &judgement->verdict;
	TimestampTz due = now - guc_last_used_interval * USECS_PER_SEC;
	UsedToken	used;

	if (!source->keeps_last_use || verdict->last_used > due ||
		guc_last_used_interval == 0 || RecoveryInProgress() ||
		!cache_claim_use(key, due, now))
		return;
	if (judgement->is_partial)
		verdict_unpack(&judgement->item, verdict);
	if (!judge_used_token(source, &key->digest, verdict, &used))
	{
		count(source, STATS_USES_DROPPED);
		count(source, STATS_USES_GIVEN_UP);
	}
	else if (last_used_note(&used, now))
		count(source, STATS_USES_NOTED);
	else
		count(source, STATS_USES_DROPPED);
}

/*
 * A token without the scope asked for is valid, but not for this.  Nothing but its
 * id and expiry is left to be told, as of a token that is refused.
 */
static void
check_scope(const TokenQuery *query, const Source *source, Verdict *verdict)
{
	if (query->scope == NULL || verdict->status != TOKEN_VALID ||
		verdict_has_scope(verdict, source->column[ROLE_SCOPE].kind,
						  query->scope, query->scope_len))
		return;
	verdict->status = TOKEN_FORBIDDEN;
	for (int i = 0; i < FIELD_COUNT; i++)
		if (i != FIELD_ID)
			verdict->field[i].data = NULL;
}

/*
 * So often a source can turn out to have been changed while a token of it was
 * judged.  A function that its condition calls can change it each time.
 */
#define MAX_ROUNDS		100

static void
count_round(const Source *source, int *rounds)
{
	if (++*rounds > MAX_ROUNDS)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("token source \"%s\" changes whenever a token of it is judged",
						source->name),
				 errhint("See what the functions in its conditions do."),
				 errhidestmt(true), errhidecontext(true)));
}

void
judge_token(const TokenQuery *query, SourceCheck check, void *arg,
			Judgement *judgement)
{
	CacheKey	key;
	Source	   *source;
	TimestampTz now;
	int			rounds = 0;

	judgement->is_partial = false;
	/* it does not know what its leader has written (G4) */
	if (IsParallelWorker())
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TRANSACTION_STATE),
				 errmsg("tokens cannot be judged in a parallel worker"),
				 errhint("A function that calls tokenauth must not be marked PARALLEL SAFE.")));
	do
	{
		/* again, if the source turns out to have been dropped or changed */
		do
		{
			source = judgement->source = find_source(query);
			if (source == NULL)
			{
				verdict_init(&judgement->verdict, is_malformed(query) ?
							 TOKEN_MALFORMED : TOKEN_UNKNOWN);
				return;
			}
		} while (!source_validate(source));
		count_round(source, &rounds);
		check_askable(source, query);
		if (check != NULL)
			check(source, arg);

		key.database = MyDatabaseId;
		key.source = source->cached_as;
		if (!digest_query(source, query, &key.digest))
		{
			verdict_init(&judgement->verdict, TOKEN_MALFORMED);
			return;
		}
		cache_prefetch(&key.digest);	/* comes while the clock is read */
		now = GetCurrentTimestamp();
		if (ask_cache(source, &key, query, now, judgement))
			break;
	} while (!ask_table(source, &key, query, rounds, &judgement->verdict));

	check_scope(query, source, &judgement->verdict);
	if (query->is_use && judgement->verdict.status == TOKEN_VALID)
		note_use(source, &key, judgement, now);
}

void
judge_check_user(const Source *source, void *arg)
{
	if (source->column[ROLE_USER].kind != VALUE_NONE ||
		PROBLEM_IS_FATAL(source->problem))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("token source \"%s\" has no user column", source->name),
			 errhint("Use tokenauth_identify(), or attach the table with a user_column.")));
}

void
judge_check_claims(const Judgement *judgement)
{
	const Source *source = judgement->source;
	ListCell   *lc;

	if (judgement->verdict.status != TOKEN_VALID || source->claims == NIL ||
		source->claims_object != NULL)
		return;
	foreach(lc, source->claims)
		if (get_attnum(source->relation, lfirst(lc)) <= 0)
			break;
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_COLUMN),
			 errmsg("token source \"%s\" has a claim \"%s\" whose column is gone",
					source->name, lc ? (char *) lfirst(lc) : ""),
			 errhint("Attach its table again. Meanwhile tokenauth_resolve() answers, for it tells no claims."),
			 errhidestmt(true), errhidecontext(true)));
}

bool
judge_take_digest(FunctionCallInfo fcinfo, TokenQuery *query,
				  TokenDigest *digest)
{
	bytea	   *bytes;

	if (PG_ARGISNULL(0))
		return false;
	bytes = PG_GETARG_BYTEA_PP(0);
	if (VARSIZE_ANY_EXHDR(bytes) != TOKEN_DIGEST_LEN)
		return false;
	memcpy(digest->bytes, VARDATA_ANY(bytes), TOKEN_DIGEST_LEN);
	*query = (TokenQuery) {.digest = digest,.is_use = true};
	return true;
}
