/*-------------------------------------------------------------------------
 *
 * walk.h
 *		What walk.c, which reads the whole cache, needs of cache.c.
 *
 * For the files of this room only; cache.h is what others see.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_WALK_H
#define TOKENAUTH_WALK_H

#include "cache/bucket.h"

/* 0 without a cache. */
extern uint64 cache_bucket_count(void);
extern CacheBucket *cache_bucket(uint64 index);

/* Entries of a gate's sources with a lower stamp are published no more. */
extern void cache_raise_publish_floor(int gate, uint64 to);

/* What a reader found at an entry's guards, for the entry's class. */
typedef struct GuardView
{
	bool		fenced;
	uint64		floor;
} GuardView;

/*
 * Look at all guards of an entry: that of its gate, that of its bucket, those
 * of its cells.  In one window of the sequence lock with the entry.
 */
extern void cache_view_guards(CacheGuard *gate, CacheGuard *bucket,
							  const CacheItemHeader *header, GuardView *view);

#endif							/* TOKENAUTH_WALK_H */
