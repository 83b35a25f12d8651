/*-------------------------------------------------------------------------
 *
 * bucket.h
 *		One bucket of the cache: its layout, and which way an item is put in.
 *
 * For the files of this room only.  cache.h is what others see, and lists the
 * writers of each part.
 *
 * An item's key may be in any way of either bucket that its digest names.  What
 * is read without being the bucket's writer may be torn, until the window of
 * the sequence lock has been found whole.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_BUCKET_H
#define TOKENAUTH_BUCKET_H

#include "cache/cache.h"
#include "port/pg_bitutils.h"
#include "port/pg_bswap.h"

#define WAYS			8
#define LINE_SIZE		64

/*
 * A way holds a key and an item.  An item whose payload is longer than
 * CACHE_WAY_PAYLOAD is wide: it stands in an even way and takes all of the odd
 * one behind it for the rest of its payload.
 */
typedef struct CacheWay
{
	CacheKey	key;
	TimestampTz last_used;
	CacheItemHeader header;
	char		payload[CACHE_WAY_PAYLOAD];
} CacheWay;

StaticAssertDecl(sizeof(CacheWay) == CACHE_WAY_SIZE, "the ways of a bucket must be packed");

typedef enum WayState
{
	WAY_EMPTY,
	WAY_VALID,
	WAY_REFUSED,
	WAY_CONTINUED				/* the rest of the item before it */
} WayState;

typedef struct CacheBucket
{
	/* The header, one cache line. */
	SeqLock		sequence;
	uint8		hand;			/* where the clock stands; under sequence */
	uint8		tag[WAYS];		/* high bits of the digest; under sequence */
	uint8		state[WAYS];	/* a WayState; under sequence */
	uint8		referenced[WAYS];	/* used since the hand passed; a hint */
	CacheGuard	guard;
	char		pad[LINE_SIZE - 32 - sizeof(CacheGuard)];

	CacheWay	way[WAYS];
} CacheBucket;

StaticAssertDecl(offsetof(CacheBucket, way) == LINE_SIZE, "the header must be one line");
StaticAssertDecl(sizeof(CacheBucket) % LINE_SIZE == 0, "buckets must begin on a line");

static inline uint8
bucket_tag(const TokenDigest *digest)
{
	return (uint8) (digest->words[0] >> 56);
}

static inline bool
bucket_key_equal(const CacheKey *a, const CacheKey *b)
{
	return token_digest_equal(&a->digest, &b->digest) &&
		a->database == b->database && a->source.bits == b->source.bits;
}

/* Does an item begin in this way? */
static inline bool
bucket_has_item(const CacheBucket *bucket, int way)
{
	return bucket->state[way] == WAY_VALID ||
		bucket->state[way] == WAY_REFUSED;
}

/* The way in which the item stands that this way is part of. */
static inline int
bucket_item_way(const CacheBucket *bucket, int way)
{
	return bucket->state[way] == WAY_CONTINUED ? way - 1 : way;
}

StaticAssertDecl(WAYS == sizeof(uint64), "the tags of a bucket must be a word");

/*
 * The ways with a tag: the highest bit of a byte for each, way 0's byte the lowest.
 * A borrow can add ways that have another tag; none is left out.
 */
static inline uint64
bucket_ways_of_tag(const CacheBucket *bucket, uint8 tag)
{
	const uint64 ones = UINT64CONST(0x0101010101010101);
	uint64		differ;

	memcpy(&differ, bucket->tag, sizeof(differ));
#ifdef WORDS_BIGENDIAN
	differ = pg_bswap64(differ);
#endif
	differ ^= tag * ones;
	return (differ - ones) & ~differ & (ones << 7);
}

/* The way in which a key's item stands, or -1. */
static inline int
bucket_find(const CacheBucket *bucket, const CacheKey *key)
{
	uint64		ways = bucket_ways_of_tag(bucket, bucket_tag(&key->digest));

	for (; ways != 0; ways &= ways - 1)
	{
		int			way = pg_rightmost_one_pos64(ways) / 8;

		if (bucket_has_item(bucket, way) &&
			bucket_key_equal(&bucket->way[way].key, key))
			return way;
	}
	return -1;
}

/*
 * So many bytes of a payload are copied at first: a user's id and a token's, in most
 * tables.  A length that the compiler knows takes it a few instructions.
 */
#define PAYLOAD_BEGIN	48

StaticAssertDecl(PAYLOAD_BEGIN < CACHE_WAY_PAYLOAD, "a payload must be longer than its begin");

/*
 * Copy an item out.  It may be torn, so its lengths are bounded before they
 * are followed; a wide one stands in an even way or it is torn, too.
 */
static inline void
bucket_read_item(const CacheBucket *bucket, int way, CacheItem *item)
{
	const CacheWay *from = &bucket->way[way];
	CacheItemHeader *header = &item->header;

	*header = from->header;
	header->ncells = Min(header->ncells, CACHE_MAX_CELLS);
	header->class %= CACHE_NCLASSES;
	item->last_used = from->last_used;
	memcpy(item->payload, from->payload, PAYLOAD_BEGIN);
	if (likely(header->payload_len <= PAYLOAD_BEGIN))
		return;
	memcpy(item->payload + PAYLOAD_BEGIN, from->payload + PAYLOAD_BEGIN,
		   CACHE_WAY_PAYLOAD - PAYLOAD_BEGIN);
	header->payload_len = Min(header->payload_len, way % 2 == 0 ?
							  CACHE_MAX_PAYLOAD : CACHE_WAY_PAYLOAD);
	if (header->payload_len > CACHE_WAY_PAYLOAD)
		memcpy(item->payload + CACHE_WAY_PAYLOAD, from + 1,
			   header->payload_len - CACHE_WAY_PAYLOAD);
}

/*
 * The work of cache_publish() in one bucket, as its writer: must not fail.  An
 * item whose stamp is below publish_floor is skipped.
 */
extern CachePublish bucket_put(CacheBucket *bucket, Floor *publish_floor,
							   const CacheKey *key, const CacheItem *item,
							   CacheNeed need, TimestampTz now);

#endif							/* TOKENAUTH_BUCKET_H */
