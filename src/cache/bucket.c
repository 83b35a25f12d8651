/*-------------------------------------------------------------------------
 *
 * bucket.c
 *		Placement and replacement in one bucket; bucket.h is the contract.
 *
 * Replacement is a clock per bucket: a hit marks its way as referenced; what
 * is evicted is the first way from the hand on without a mark, and the hand
 * takes marks away as it passes.  New entries come unmarked, so that tokens
 * used once go before those used again.  Ways whose entry would not be
 * believed are taken first, then refusals; a refusal itself takes only those.
 * So however many random tokens are thrown at the cache, no valid entry has to
 * go for them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "cache/bucket.h"

/* Is there an item in this way that some reader may believe? */
static bool
way_is_live(CacheBucket *bucket, int way, TimestampTz now)
{
	CacheKey   *key = &bucket->way[bucket_item_way(bucket, way)].key;
	CacheItemHeader *header = &bucket->way[bucket_item_way(bucket, way)].header;
	CacheGuard *gate;
	CacheGuard *guard;

	if (bucket->state[way] == WAY_EMPTY || header->deadline <= now ||
		(header->class == CACHE_VALID && header->expires_at <= now))
		return false;
	for (int i = 0; i < header->ncells; i++)
		if (header->stamp <
			floor_read(&cache_cell_guard(header->cell[i])->floor[header->class]))
			return false;
	gate = cache_gate_guard(cache_gate(key->database, key->source));
	guard = cache_bucket_guard(&key->digest);
	return header->stamp >= floor_read(&guard->floor[header->class]) &&
		header->stamp >= floor_read(&gate->floor[header->class]);
}

static bool
way_is_live_valid(CacheBucket *bucket, int way, TimestampTz now)
{
	return bucket->state[bucket_item_way(bucket, way)] == WAY_VALID &&
		way_is_live(bucket, way, now);
}

/*
 * How readily a way may be taken: the lower, the sooner.  A refusal is worth
 * less than any valid entry, so that none has to go for it.
 */
static int
way_worth(CacheBucket *bucket, int way, TimestampTz now)
{
	if (!way_is_live(bucket, way, now))
		return 0;
	if (!way_is_live_valid(bucket, way, now))
		return 1;
	return bucket->referenced[bucket_item_way(bucket, way)] ? 3 : 2;
}

/*
 * Where to put an item of so many ways; -1 if there is no place that it may
 * take.  Begins at the clock's hand, so that of equals the oldest goes.
 */
static int
choose_way(CacheBucket *bucket, bool may_evict, int nways, TimestampTz now)
{
	int			best = -1;
	int			best_worth = may_evict ? 4 : 2;

	for (int i = 0; i < WAYS; i += nways)
	{
		int			way = (bucket->hand / nways * nways + i) % WAYS;
		int			worth = way_worth(bucket, way, now);

		if (nways == 2)
			worth = Max(worth, way_worth(bucket, way + 1, now));
		if (worth < best_worth)
		{
			best = way;
			best_worth = worth;
		}
	}
	return best;
}

/* Take the item that this way is part of out. */
static void
clear_way(CacheBucket *bucket, int way)
{
	way = bucket_item_way(bucket, way);
	if (way + 1 < WAYS && bucket->state[way + 1] == WAY_CONTINUED)
		bucket->state[way + 1] = WAY_EMPTY;
	bucket->state[way] = WAY_EMPTY;
}

/*
 * Make room at a place, moving the clock on if something live has to go: the
 * marks that the hand passes are taken away.  Tells whether it had to.
 */
static bool
evict(CacheBucket *bucket, int way, int nways, TimestampTz now)
{
	bool		live = false;
	bool		marked = false;

	for (int i = way; i < way + nways; i++)
	{
		live |= way_is_live_valid(bucket, i, now);
		marked |= bucket->referenced[bucket_item_way(bucket, i)];
		clear_way(bucket, i);
	}
	if (live)
	{
		/* if even this one was marked, the hand has passed them all */
		int			passed = marked ? WAYS : (way - bucket->hand + WAYS) % WAYS;

		for (int i = 0; i < passed; i++)
			bucket->referenced[(bucket->hand + i) % WAYS] = false;
		bucket->hand = (way + nways) % WAYS;
	}
	return live;
}

static void
fill_way(CacheBucket *bucket, int way, const CacheKey *key,
		 const CacheItem *item, TimestampTz last_used)
{
	const CacheItemHeader *header = &item->header;

	bucket->tag[way] = bucket_tag(&key->digest);
	bucket->state[way] = header->class == CACHE_VALID ? WAY_VALID : WAY_REFUSED;
	bucket->referenced[way] = false;
	bucket->way[way].key = *key;
	bucket->way[way].header = *header;
	bucket->way[way].last_used = last_used;
	memcpy(bucket->way[way].payload, item->payload,
		   Min(header->payload_len, CACHE_WAY_PAYLOAD));
	if (header->payload_len > CACHE_WAY_PAYLOAD)
	{
		bucket->state[way + 1] = WAY_CONTINUED;
		memcpy(&bucket->way[way + 1], item->payload + CACHE_WAY_PAYLOAD,
			   header->payload_len - CACHE_WAY_PAYLOAD);
	}
}

CachePublish
bucket_put(CacheBucket *bucket, Floor *publish_floor, const CacheKey *key,
		   const CacheItem *item, CacheNeed need, TimestampTz now)
{
	int			nways = item->header.payload_len > CACHE_WAY_PAYLOAD ? 2 : 1;
	int			way = bucket_find(bucket, key);
	TimestampTz last_used = item->last_used;
	bool		evicted;

	if (item->header.stamp < floor_read(publish_floor))
		return CACHE_SKIPPED;
	if (way >= 0)
	{
		/* another fill may have begun after ours and ended first */
		if (bucket->way[way].header.stamp > item->header.stamp)
			return CACHE_SKIPPED;
		/* a use may be noted and not yet be in the table */
		last_used = Max(last_used, bucket->way[way].last_used);
		clear_way(bucket, way);
	}
	way = choose_way(bucket,
					 item->header.class == CACHE_VALID && need == CACHE_USED,
					 nways, now);
	if (way < 0)
		return CACHE_FULL;
	evicted = evict(bucket, way, nways, now);
	fill_way(bucket, way, key, item, last_used);
	return evicted ? CACHE_PUBLISHED_EVICTING : CACHE_PUBLISHED;
}
