/*-------------------------------------------------------------------------
 *
 * straight.h
 *		judge_token() as an inline function, for the functions that are called for
 *		each request.
 *
 * Where a query's members are constants, as they are there, the compiler leaves out
 * what is not asked for, and no query is made in memory: so its address must not be
 * given to a function.  What a hit does not do is in judge.c.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_STRAIGHT_H
#define TOKENAUTH_STRAIGHT_H

#include "access/parallel.h"
#include "judge/coherence.h"
#include "judge/judge.h"
#include "miscadmin.h"
#include "source/stored.h"
#include "utils/timestamp.h"

/*
 * The source of a digest: the one without a prefix.  NULL if there are no sources;
 * throws if all have a prefix, for a digest does not show which it is of.
 */
extern Source *judge_source_of_digest(void);

/* What is counted where the cache may not be used. */
extern StatsCounter judge_bypass_counter(CacheUse use);

/* Judge by the table, and publish.  False if the source must be looked up again. */
extern bool judge_ask_table(Source *source, const CacheKey *key,
							const char *token, Size token_len, int round,
							Verdict *verdict);

/* Note a use, if no other session has done so since it was due. */
extern void judge_note_use(const Source *source, const CacheKey *key,
						   Judgement *judgement, TimestampTz due,
						   TimestampTz now);

/*
 * A token without the scope asked for is valid, but not for this.  Nothing but its
 * id and expiry is left to be told, as of a token that is refused.
 */
extern void judge_forbid(Verdict *verdict);

pg_noreturn extern void judge_refuse_worker(void);
pg_noreturn extern void judge_refuse_round(const Source *source);

static inline void
judge_count(const Source *source, StatsCounter counter)
{
	source->counts->n[counter]++;
}

/* The source that a token is of; NULL if there is none. */
static pg_attribute_always_inline Source *
judge_find_source(const TokenQuery *query)
{
	if (query->found == NULL && query->source_name != NULL)
		return judge_named_source(query->source_name);
	coherence_refresh();
	if (query->found != NULL)
		return source_find_again(query->found);
	if (query->token == NULL)
		return judge_source_of_digest();
	return source_by_token(query->token, query->token_len);
}

/* As its source hashes it; false if it is no token of that source. */
static pg_attribute_always_inline bool
judge_digest(const Source *source, const TokenQuery *query,
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

/* Answer from the cache, if it may be asked and has one. */
static pg_attribute_always_inline bool
judge_ask_cache(const Source *source, const CacheKey *key,
				const TokenQuery *query, TimestampTz now,
				Judgement *judgement)
{
	CacheUse	use = coherence_may_use(source);

	if (use != CACHE_USE_YES)
	{
		judge_count(source, judge_bypass_counter(use));
		return false;
	}
	switch (cache_probe(key, source->gate, trust_floor(),
						source->fingerprint, now, &judgement->item))
	{
		case CACHE_HIT:
			break;
		case CACHE_FENCED:
			judge_count(source, STATS_BYPASS_FENCED);
			return false;
		case CACHE_ABSENT:
			judge_count(source, STATS_MISSES);
			return false;
	}
	judgement->is_partial = query->user_only && query->scope == NULL;
	if (judgement->is_partial)
		verdict_unpack_user(&judgement->item, &judgement->verdict);
	else
		verdict_unpack(&judgement->item, &judgement->verdict);
	verdict_settle(&judgement->verdict, now);
	judge_count(source, judgement->verdict.status == TOKEN_VALID ?
				STATS_HITS : STATS_NEGATIVE_HITS);
	return true;
}

/* What is done with a verdict, from wherever it is. */
static pg_attribute_always_inline void
judge_finish(const TokenQuery *query, const Source *source,
			 const CacheKey *key, TimestampTz now, Judgement *judgement)
{
	Verdict    *verdict = &judgement->verdict;
	TimestampTz due;

	if (verdict->status != TOKEN_VALID)
		return;
	if (query->scope != NULL &&
		!verdict_has_scope(verdict, source->column[ROLE_SCOPE].kind,
						   query->scope, query->scope_len))
	{
		judge_forbid(verdict);
		return;
	}
	if (!query->is_use || !source->keeps_last_use)
		return;
	/* a worker writes it into the table later; a standby's cannot be written */
	due = now - guc_last_used_interval * USECS_PER_SEC;
	if (verdict->last_used <= due)
		judge_note_use(source, key, judgement, due, now);
}

/*
 * So often a source can turn out to have been changed while a token of it was
 * judged.  A function that its condition calls can change it each time.
 */
#define JUDGE_MAX_ROUNDS		100

static pg_attribute_always_inline void
judge_straight(const TokenQuery *query, SourceCheck check, void *arg,
			   Judgement *judgement)
{
	CacheKey	key;
	Source	   *source;
	TimestampTz now;
	int			rounds = 0;

	judgement->is_partial = false;
	/* it does not know what its leader has written (G4) */
	if (IsParallelWorker())
		judge_refuse_worker();
	do
	{
		/* again, if the source turns out to have been dropped or changed */
		do
		{
			source = judgement->source = judge_find_source(query);
			if (source == NULL)
			{
				/* a text or its lack that is no token of any source */
				verdict_init(&judgement->verdict,
							 query->token != NULL && query->token_len == 0 ?
							 TOKEN_MALFORMED : TOKEN_UNKNOWN);
				return;
			}
		} while (!source_validate(source));
		if (++rounds > JUDGE_MAX_ROUNDS)
			judge_refuse_round(source);
		/* where the table holds the tokens, it cannot be asked for a digest */
		if (query->token == NULL)
			stored_require_digest(source, "Give the token itself to the function of the same name without \"_hash\".");
		if (check != NULL)
			check(source, arg);

		key.database = MyDatabaseId;
		key.source = source->cached_as;
		if (!judge_digest(source, query, &key.digest))
		{
			verdict_init(&judgement->verdict, TOKEN_MALFORMED);
			return;
		}
		cache_prefetch(&key.digest);	/* comes while the clock is read */
		now = GetCurrentTimestamp();
		if (judge_ask_cache(source, &key, query, now, judgement))
			break;
	} while (!judge_ask_table(source, &key, query->token, query->token_len,
							  rounds, &judgement->verdict));
	judge_finish(query, source, &key, now, judgement);
}

#endif							/* TOKENAUTH_STRAIGHT_H */
