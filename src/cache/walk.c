/*-------------------------------------------------------------------------
 *
 * walk.c
 *		What reads the whole cache: flushing, showing and counting entries.
 *
 * cache.h is the contract.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "cache/walk.h"
#include "miscadmin.h"

/*
 * One consistent copy of the item that begins in a way, if it is of the
 * database and the source (NULL: any); its guards, too, if view is not NULL.
 * False if there is none.  Waits for a writer, which is soon done.
 */
static bool
read_way(CacheBucket *bucket, int way, Oid database, const CacheSource *source,
		 CacheKey *found_key, CacheItem *item, GuardView *view)
{
	const CacheKey *key = &bucket->way[way].key;

	for (;;)
	{
		uint32		sequence;
		bool		found;

		CHECK_FOR_INTERRUPTS();
		if (!seqlock_read_begin(&bucket->sequence, &sequence))
		{
			pg_spin_delay();
			continue;
		}
		found = bucket_has_item(bucket, way) && key->database == database &&
			(source == NULL || key->source.bits == source->bits);
		if (found)
		{
			*found_key = *key;
			bucket_read_item(bucket, way, item);
			if (view != NULL)
				cache_view_guards(cache_gate_guard(cache_gate(database,
															  found_key->source)),
								  cache_bucket_guard(&found_key->digest),
								  &item->header, view);
		}
		if (seqlock_read_end(&bucket->sequence, sequence))
			return found;
	}
}

/*
 * A fill that has read before and is not in yet would not be found here, so
 * the gate's publish floor is raised first.  A filler looks at that floor
 * after it has made the sequence odd; we look at the sequence after we have
 * raised the floor; so one of the two sees the other.
 */
void
cache_flush_matching(Oid database, CacheSource source, CacheMatch match,
					 void *arg)
{
	uint64		now = clock_tick(cache_clock());

	cache_raise_publish_floor(cache_gate(database, source), now);
	for (uint64 i = 0; i < cache_capacity(); i++)
	{
		CacheItem	item;
		CacheKey	found;

		if (read_way(cache_bucket(i / WAYS), (int) (i % WAYS), database,
					 &source, &found, &item, NULL) &&
			match(&item, arg))
			cache_guard_floor(cache_bucket_guard(&found.digest),
							  CACHE_ALL_CLASSES, now);
	}
}

void
cache_walk(Oid database, CacheVisit visit, void *arg)
{
	for (uint64 i = 0; i < cache_capacity(); i++)
	{
		CacheItem	item;
		GuardView	view;
		CacheKey	key;

		if (!read_way(cache_bucket(i / WAYS), (int) (i % WAYS), database,
					  NULL, &key, &item, &view))
			continue;
		visit(key.source, &item,
			  !view.fenced && item.header.stamp >= view.floor, arg);
	}
}

void
cache_count(Oid database, int n, const CacheSource *source, uint64 *count)
{
	memset(count, 0, n * sizeof(*count));
	for (uint64 i = 0; i < cache_capacity(); i++)
	{
		CacheBucket *bucket = cache_bucket(i / WAYS);
		int			way = (int) (i % WAYS);
		CacheKey   *key;

		if (way == 0)
			CHECK_FOR_INTERRUPTS();
		if (bucket->state[way] == WAY_EMPTY)
			continue;
		key = &bucket->way[bucket_item_way(bucket, way)].key;
		for (int j = 0; j < n; j++)
			if (key->source.bits == source[j].bits && key->database == database)
				count[j]++;
	}
}
