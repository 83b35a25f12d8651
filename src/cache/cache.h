/*-------------------------------------------------------------------------
 *
 * cache.h
 *		The cache of judged tokens in shared memory.
 *
 * Ideal model: a map from (database, source, digest) to a judged row, from
 * which entries may vanish at any time and in which an entry has a stamp, a
 * fingerprint and a deadline.  cache_probe() returns an entry only if it may
 * be believed by the rules below; it knows nothing of SQL, transactions or
 * the meaning of an entry.
 *
 * Real layout: a power of two of buckets, each one header line and eight ways.
 * A token lives in the bucket that the low bits of its digest name, in any
 * way; one whose payload is too long for a way takes two neighbours.  A valid
 * one that finds no room there may take it in a second bucket, which other bits
 * of its digest name; so almost all fit until all buckets are full.  Who finds a
 * token in its own bucket, as one does unless that was full, does not look at
 * the second.  No pointers, no free list, no lock but the bucket's sequence
 * lock.  Memory is fixed at server start.
 *
 * Entries are of two classes, valid tokens and refused ones.  They differ in
 * what may contradict them (an INSERT cannot end a valid token's life, but
 * contradicts "unknown") and in their right to a way (a refusal may never
 * take that of a valid entry).
 *
 * Guards: a guard is a fence and a floor for each class.  An entry stands
 * behind that of the bucket that the low bits of its digest name, in whichever
 * bucket it stands; that of its gate, to which its source is hashed,
 * so that a whole source is fenced at once; and those of up to
 * CACHE_MAX_CELLS cells, to which the rows of other tables that it depends on
 * are hashed.  Two sources at one gate, two tokens in one bucket, two rows in
 * one cell cost each other table reads and nothing else.
 *
 * Writers:
 *	guards		committers and receivers of messages, atomically, any time
 *	ways, tags	a filler that holds the bucket's sequence lock; so does a
 *				reader that claims a use
 *	referenced	readers and fillers, plain byte stores: a hint
 *
 * cache_probe() believes an entry iff, in this order and under one window of
 * the sequence lock, its guards' fences were down, and its stamp is not below
 * its guards' floors nor below the caller's trust, its fingerprint is the
 * caller's, and its deadline has not passed.  A hit stores nothing, but for
 * the referenced byte when that was 0.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_CACHE_H
#define TOKENAUTH_CACHE_H

#include "base/source_id.h"
#include "base/token.h"
#include "cache/seqlock.h"
#include "datatype/timestamp.h"

typedef enum CacheClass
{
	CACHE_VALID,
	CACHE_REFUSED,
	CACHE_NCLASSES
} CacheClass;

/* Sets of classes. */
#define CACHE_CLASS_BIT(class)	(1 << (class))
#define CACHE_ALL_CLASSES		(CACHE_CLASS_BIT(CACHE_NCLASSES) - 1)

typedef struct CacheGuard
{
	Fence		fence[CACHE_NCLASSES];
	Floor		floor[CACHE_NCLASSES];
} CacheGuard;

#define CACHE_GATES			256

/* As messages and entries name them; a small cache has fewer, and folds. */
#define CACHE_CELLS			65536
#define CACHE_MAX_CELLS		4

/*
 * A source as a key has it.  Sources of one table have different ones, so that
 * no source's answer takes the place of another's, as it would where a token is
 * tried in one after the other.  Sources of two tables have the same by chance at
 * most: they push each other's answers out, and never take one for their own, for
 * that has another fingerprint.
 */
typedef struct CacheSource
{
	uint32		bits;
} CacheSource;

static inline CacheSource
cache_source(SourceId id)
{
	return (CacheSource) {id.relation ^ ((uint32) id.name << 16)};
}

typedef struct CacheKey
{
	TokenDigest digest;
	Oid			database;
	CacheSource source;
} CacheKey;

/* What of an entry has a fixed size. */
typedef struct CacheItemHeader
{
	uint64		stamp;			/* clock before the snapshot it was read by */
	uint64		fingerprint;	/* of what it depends on besides the rows */
	TimestampTz deadline;		/* of belief in it */
	TimestampTz expires_at;		/* of the token; DT_NOEND if it has none */
	uint8		class;			/* a CacheClass */
	uint8		status;			/* the caller's */
	uint8		ncells;
	uint16		payload_len;
	uint16		cell[CACHE_MAX_CELLS];
	uint16		ttl;			/* seconds to the deadline at first; 0: more than fit */
} CacheItemHeader;

/* An item made now is to be believed so many seconds. */
static inline void
cache_set_deadline(CacheItemHeader *header, TimestampTz now, int ttl)
{
	header->deadline = now + ttl * USECS_PER_SEC;
	header->ttl = ttl <= PG_UINT16_MAX ? (uint16) ttl : 0;
}

/* When an item was made; DT_NOBEGIN if that is not known. */
static inline TimestampTz
cache_made_at(const CacheItemHeader *header)
{
	return header->ttl > 0 ? header->deadline - header->ttl * USECS_PER_SEC :
		DT_NOBEGIN;
}

/* The payload's meaning is the caller's. */
#define CACHE_WAY_SIZE		176
#define CACHE_WAY_PAYLOAD	(CACHE_WAY_SIZE - sizeof(CacheKey) - \
							 sizeof(CacheItemHeader) - sizeof(TimestampTz))
#define CACHE_MAX_PAYLOAD	(CACHE_WAY_PAYLOAD + CACHE_WAY_SIZE)

typedef struct CacheItem
{
	CacheItemHeader header;
	TimestampTz last_used;		/* as far as is known; 0: never */
	char		payload[CACHE_MAX_PAYLOAD];
} CacheItem;

typedef enum CacheProbe
{
	CACHE_HIT,					/* item is filled and may be believed */
	CACHE_ABSENT,				/* nothing there, or nothing to believe */
	CACHE_FENCED				/* a change of it is being committed */
} CacheProbe;

typedef enum CachePublish
{
	CACHE_PUBLISHED,
	CACHE_PUBLISHED_EVICTING,	/* a live valid entry had to go */
	CACHE_FULL,					/* there is no way that it may take */
	CACHE_SKIPPED				/* busy, or out of date already */
} CachePublish;

extern Size cache_shmem_size(void);
extern void cache_shmem_init(void *area, bool found);

/* Is there a cache?  False if not preloaded or sized 0. */
extern bool cache_present;		/* for this function; cache.c sets it */
static inline bool
cache_is_on(void)
{
	return cache_present;
}

extern SharedClock *cache_clock(void);

/*
 * A secret of this start of the server, TOKEN_SECRET_LEN bytes, for digests that
 * stand for nothing elsewhere.
 */
extern const uint8 *cache_secret(void);

/* The gate of a source. */
extern int	cache_gate(Oid database, CacheSource source);

extern CacheGuard *cache_gate_guard(int gate);
extern CacheGuard *cache_bucket_guard(const TokenDigest *digest);
extern CacheGuard *cache_cell_guard(uint16 cell);

/* The cell of a row of another table, by the bytes of its key. */
extern uint16 cache_cell(Oid database, Oid relation, const char *key,
						 Size len);

/*
 * Guards of the buckets whose digests agree in CACHE_MESSAGE_BITS low bits,
 * for receivers of a message that carries so many: call with *cursor = 0
 * first, until it returns NULL.
 */
#define CACHE_MESSAGE_BITS	18
extern CacheGuard *cache_message_guard(uint32 bits, uint64 *cursor);

static inline uint32
cache_message_bits(const TokenDigest *digest)
{
	return (uint32) (digest->words[0] & ((1 << CACHE_MESSAGE_BITS) - 1));
}

/* Raise, lift, and move the floors of a set of classes. */
extern void cache_guard_fence(CacheGuard *guard, int classes);
extern void cache_guard_unfence(CacheGuard *guard, int classes);
extern void cache_guard_floor(CacheGuard *guard, int classes, uint64 to);

/* A key of this digest will be looked up soon: have its bucket fetched. */
extern void cache_prefetch(const TokenDigest *digest);

/*
 * Look a key up.  gate is that of the key; trust the lowest stamp that the
 * caller believes; now the wall clock.
 */
extern CacheProbe cache_probe(const CacheKey *key, int gate, uint64 trust,
							  uint64 fingerprint, TimestampTz now,
							  CacheItem *item);

/*
 * Put an item in, if that can be done at once and without harm.  For one that
 * only may be used, harm is to push out any entry that would be believed.
 */
typedef enum CacheNeed
{
	CACHE_USED,
	CACHE_MAY_BE_USED
} CacheNeed;

extern CachePublish cache_publish(const CacheKey *key, int gate,
								  const CacheItem *item, CacheNeed need,
								  TimestampTz now);

/*
 * Claim the right to note a token's use now.  True for the first use since
 * `before`, and if the token has no entry; false also if the bucket is busy: a
 * later use will do.
 */
extern bool cache_claim_use(const CacheKey *key, TimestampTz before,
							TimestampTz now);

/*
 * Stop believing the entries of a source that match, also those that are
 * being filled now by a read that came before.  The match is asked of copies.
 * All entries behind the guard of one that matches go with it.  Reads the whole
 * cache; can be interrupted.
 */
typedef bool (*CacheMatch) (const CacheItem *item, void *arg);

extern void cache_flush_matching(Oid database, CacheSource source,
								 CacheMatch match, void *arg);

/*
 * Show copies of what a database has in the cache, one after the other.  An
 * item stands if no guard speaks against it; whether it is believed depends
 * also on the reader's trust and fingerprint.  Reads the whole cache.
 */
typedef void (*CacheVisit) (CacheSource source, const CacheItem *item,
							bool stands, void *arg);

extern void cache_walk(Oid database, CacheVisit visit, void *arg);

/*
 * Tokens that fit, and the bytes that each takes; and what the first will be
 * once there is shared memory.
 */
extern uint64 cache_planned_capacity(void);
extern uint64 cache_capacity(void);
extern Size cache_bytes_per_entry(void);

/* Ways taken by each of n sources, believable or not.  Reads the whole cache. */
extern void cache_count(Oid database, int n, const CacheSource *source,
						uint64 *count);

#endif							/* TOKENAUTH_CACHE_H */
