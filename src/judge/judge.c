/*-------------------------------------------------------------------------
 *
 * judge.c
 *		The way of one token: source, digest, cache, table, cache.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xlog.h"
#include "base/compat.h"
#include "base/guc.h"
#include "base/testpoint.h"
#include "judge/lookup.h"
#include "judge/straight.h"
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

Source *
judge_source_of_digest(void)
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

StatsCounter
judge_bypass_counter(CacheUse use)
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
		judge_count(source, STATS_PUBLISHES_SKIPPED);
		return false;
	}
	if (!verdict_pack(verdict, &item))
	{
		judge_count(source, STATS_UNCACHEABLE);
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
			judge_count(source, STATS_EVICTIONS);
			pg_fallthrough;
		case CACHE_PUBLISHED:
			judge_count(source, STATS_PUBLISHES);
			return true;
		case CACHE_FULL:
		case CACHE_SKIPPED:
			judge_count(source, STATS_PUBLISHES_SKIPPED);
			break;
	}
	return false;
}

bool
judge_ask_table(Source *source, const CacheKey *key, const char *token,
				Size token_len, int round, Verdict *verdict)
{
	LookupKey	lookup = {key->digest, token, token_len, round};
	uint64		stamp;

	if (!lookup_token(source, &lookup, verdict, &stamp))
		return false;
	(void) publish(source, key, stamp, verdict, CACHE_USED);
	verdict_settle(verdict, GetCurrentTimestamp());
	if (verdict->status != TOKEN_VALID)
		judge_count(source, STATS_NEGATIVE_LOOKUPS);
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

void
judge_note_use(const Source *source, const CacheKey *key,
			   Judgement *judgement, TimestampTz due, TimestampTz now)
{
	Verdict    *verdict = &judgement->verdict;
	UsedToken	used;

	if (guc_last_used_interval == 0 || RecoveryInProgress() ||
		!cache_claim_use(key, due, now))
		return;
	if (judgement->is_partial)
		verdict_unpack(&judgement->item, verdict);
	if (!judge_used_token(source, &key->digest, verdict, &used))
	{
		judge_count(source, STATS_USES_DROPPED);
		judge_count(source, STATS_USES_GIVEN_UP);
	}
	else if (last_used_note(&used, now))
		judge_count(source, STATS_USES_NOTED);
	else
		judge_count(source, STATS_USES_DROPPED);
}

void
judge_forbid(Verdict *verdict)
{
	verdict->status = TOKEN_FORBIDDEN;
	for (int i = 0; i < FIELD_COUNT; i++)
		if (i != FIELD_ID)
			verdict->field[i].data = NULL;
}

void
judge_refuse_worker(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_TRANSACTION_STATE),
			 errmsg("tokens cannot be judged in a parallel worker"),
			 errhint("A function that calls tokenauth must not be marked PARALLEL SAFE.")));
}

void
judge_refuse_round(const Source *source)
{
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
	judge_straight(query, check, arg, judgement);
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
judge_refuse_claims(const Source *source)
{
	ListCell   *lc;

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
