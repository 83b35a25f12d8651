/*-------------------------------------------------------------------------
 *
 * cache.c
 *		The cache of judged tokens in shared memory; cache.h is its contract.
 *
 * Replacement is a clock per bucket: a hit marks its way as referenced, the
 * hand takes a mark away as it passes and evicts the first way without one.
 * New entries come unmarked, so that tokens used once go before those used
 * again.  Ways whose entry nobody would believe are taken first, then
 * refusals; a refusal itself takes only those.  So however many random tokens
 * are thrown at the cache, no valid entry has to go for them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "cache.h"
#include "common/hashfn.h"
#include "guc.h"
#include "testpoint.h"

#define WAYS			8
#define LINE_SIZE		64
#define READ_ATTEMPTS	8

/* CacheKey and CacheItem, packed for the way. */
typedef struct CacheWay
{
	CacheKey	key;
	CacheItem	item;
} CacheWay;

StaticAssertDecl(sizeof(CacheWay) == 176, "the ways of a bucket must be packed");

typedef enum WayState
{
	WAY_EMPTY,
	WAY_VALID,
	WAY_REFUSED
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

typedef union PaddedGuard
{
	CacheGuard	guard;
	char		pad[LINE_SIZE];
} PaddedGuard;

typedef struct CacheShared
{
	SharedClock clock;			/* alone on its line */
	char		pad[LINE_SIZE - sizeof(SharedClock)];
	PaddedGuard gate[CACHE_GATES];
	CacheBucket bucket[FLEXIBLE_ARRAY_MEMBER];
} CacheShared;

static CacheShared *shared = NULL;
static uint64 bucket_mask = 0;

/* The largest power of two of buckets within tokenauth.cache_size, or 0. */
static uint64
bucket_count(void)
{
	uint64		fit = (uint64) guc_cache_size * 1024 / sizeof(CacheBucket);
	uint64		count = 1;

	if (fit == 0)
		return 0;
	while (count * 2 <= fit)
		count *= 2;
	return count;
}

Size
cache_shmem_size(void)
{
	return add_size(offsetof(CacheShared, bucket) + LINE_SIZE,
					mul_size(bucket_count(), sizeof(CacheBucket)));
}

static void
init_guard(CacheGuard *guard)
{
	for (int i = 0; i < CACHE_NCLASSES; i++)
	{
		pg_atomic_init_u32(&guard->fence[i], 0);
		pg_atomic_init_u64(&guard->floor[i], 0);
	}
}

void
cache_shmem_init(void *area, bool found)
{
	uint64		nbuckets = bucket_count();

	if (nbuckets == 0)
		return;
	shared = (CacheShared *) TYPEALIGN(LINE_SIZE, area);
	bucket_mask = nbuckets - 1;
	if (found)
		return;

	memset(area, 0, cache_shmem_size());
	pg_atomic_init_u64(&shared->clock, 1);
	for (int i = 0; i < CACHE_GATES; i++)
		init_guard(&shared->gate[i].guard);
	for (uint64 i = 0; i < nbuckets; i++)
	{
		pg_atomic_init_u32(&shared->bucket[i].sequence, 0);
		init_guard(&shared->bucket[i].guard);
	}
}

bool
cache_is_on(void)
{
	return shared != NULL;
}

SharedClock *
cache_clock(void)
{
	return &shared->clock;
}

int
cache_gate(Oid database, Oid relation)
{
	return (int) (hash_combine(murmurhash32(database), murmurhash32(relation))
				  % CACHE_GATES);
}

CacheGuard *
cache_gate_guard(int gate)
{
	return &shared->gate[gate].guard;
}

static CacheBucket *
bucket_of(const TokenDigest *digest)
{
	return &shared->bucket[digest->words[0] & bucket_mask];
}

CacheGuard *
cache_bucket_guard(const TokenDigest *digest)
{
	return &bucket_of(digest)->guard;
}

/*
 * A cache of fewer buckets than messages can name has one for a message, a
 * larger one has several: those whose index ends in the bits.
 */
CacheGuard *
cache_message_guard(uint32 bits, uint64 *cursor)
{
	uint64		index = (bits & bucket_mask) +
		(*cursor << CACHE_MESSAGE_BITS);

	if (index > bucket_mask)
		return NULL;
	(*cursor)++;
	return &shared->bucket[index].guard;
}

void
cache_guard_fence(CacheGuard *guard, int classes)
{
	for (int i = 0; i < CACHE_NCLASSES; i++)
		if (classes & CACHE_CLASS_BIT(i))
			fence_raise(&guard->fence[i]);
}

void
cache_guard_unfence(CacheGuard *guard, int classes)
{
	for (int i = 0; i < CACHE_NCLASSES; i++)
		if (classes & CACHE_CLASS_BIT(i))
			fence_lift(&guard->fence[i]);
}

void
cache_guard_floor(CacheGuard *guard, int classes, uint64 to)
{
	for (int i = 0; i < CACHE_NCLASSES; i++)
	{
		if (!(classes & CACHE_CLASS_BIT(i)))
			continue;
		if (TEST_FAULT(floor_plain_store))
			pg_atomic_write_u64(&guard->floor[i], to);
		else
			floor_raise(&guard->floor[i], to);
	}
}

/* What a reader found behind the two guards of an entry. */
typedef struct GuardView
{
	bool		fenced[CACHE_NCLASSES];
	uint64		floor[CACHE_NCLASSES];
} GuardView;

static void
view_fences(CacheGuard *gate, CacheGuard *bucket, GuardView *view)
{
	for (int i = 0; i < CACHE_NCLASSES; i++)
		view->fenced[i] = fence_is_up(&gate->fence[i]) ||
			fence_is_up(&bucket->fence[i]);
	fences_read();
}

static void
view_floors(CacheGuard *gate, CacheGuard *bucket, GuardView *view)
{
	for (int i = 0; i < CACHE_NCLASSES; i++)
		view->floor[i] = Max(floor_read(&gate->floor[i]),
							 floor_read(&bucket->floor[i]));
	floors_read();
}

/* First the fences, then the floors: coherence.c says why. */
static void
view_guards(CacheGuard *gate, CacheGuard *bucket, GuardView *view)
{
	TEST_POINT(hit_before_fence);
	if (TEST_FAULT(reader_floor_first))
	{
		view_floors(gate, bucket, view);
		TEST_POINT(hit_after_fence);
		view_fences(gate, bucket, view);
		return;
	}
	view_fences(gate, bucket, view);
	TEST_POINT(hit_after_fence);
	view_floors(gate, bucket, view);
	TEST_POINT(hit_after_floor);
}

static uint8
tag_of(const TokenDigest *digest)
{
	return (uint8) (digest->words[0] >> 56);
}

static bool
key_equal(const CacheKey *a, const CacheKey *b)
{
	return token_digest_equal(&a->digest, &b->digest) &&
		a->database == b->database && a->relation == b->relation;
}

static int
find_way(CacheBucket *bucket, const CacheKey *key)
{
	uint8		tag = tag_of(&key->digest);

	for (int i = 0; i < WAYS; i++)
		if (bucket->tag[i] == tag && bucket->state[i] != WAY_EMPTY &&
			key_equal(&bucket->way[i].key, key))
			return i;
	return -1;
}

/* Copy as much of an item as it says it has, or could have if torn. */
static void
copy_item(CacheItem *to, const CacheItem *from)
{
	memcpy(to, from, offsetof(CacheItem, payload));
	to->payload_len = Min(to->payload_len, CACHE_MAX_PAYLOAD);
	memcpy(to->payload, from->payload, to->payload_len);
}

/*
 * One consistent look at a key: the guards, then the way.  False if writers
 * kept interfering.  *way is -1 if the key is not there.
 */
static bool
read_way(CacheBucket *bucket, CacheGuard *gate, const CacheKey *key,
		 GuardView *view, CacheItem *item, int *way)
{
	for (int attempt = 0; attempt < READ_ATTEMPTS; attempt++)
	{
		uint32		sequence;

		if (!seqlock_read_begin(&bucket->sequence, &sequence))
		{
			pg_spin_delay();
			continue;
		}
		view_guards(gate, &bucket->guard, view);
		*way = find_way(bucket, key);
		if (*way >= 0)
			copy_item(item, &bucket->way[*way].item);
		if (seqlock_read_end(&bucket->sequence, sequence))
			return true;
	}
	return false;
}

CacheProbe
cache_probe(const CacheKey *key, int gate, uint64 trust, uint64 fingerprint,
			TimestampTz now, CacheItem *item)
{
	CacheBucket *bucket = bucket_of(&key->digest);
	GuardView	view;
	int			way;

	if (!read_way(bucket, cache_gate_guard(gate), key, &view, item, &way) ||
		way < 0)
		return CACHE_ABSENT;
	if (view.fenced[item->class])
		return CACHE_FENCED;
	if (item->stamp < view.floor[item->class] ||
		item->stamp < trust ||
		item->fingerprint != fingerprint ||
		item->deadline <= now)
		return CACHE_ABSENT;

	if (!bucket->referenced[way])
		bucket->referenced[way] = true;
	return CACHE_HIT;
}

/* Would nobody believe what is in this way? */
static bool
way_is_dead(CacheBucket *bucket, int way, TimestampTz now)
{
	CacheItem  *item = &bucket->way[way].item;

	return bucket->state[way] == WAY_EMPTY ||
		item->deadline <= now ||
		item->stamp < floor_read(&bucket->guard.floor[item->class]);
}

/* The way of the clock's choice among the valid ones. */
static int
advance_hand(CacheBucket *bucket)
{
	for (int i = 0; i < WAYS; i++)
	{
		int			way = (bucket->hand + i) % WAYS;

		if (!bucket->referenced[way])
			return way;
		bucket->referenced[way] = false;
	}
	return bucket->hand;		/* all were in use: the oldest pass goes */
}

/*
 * Where to put an item of a class; -1 if there is no way that it may take.
 * Caller is the bucket's writer.
 */
static int
choose_way(CacheBucket *bucket, CacheClass class, TimestampTz now)
{
	int			refused = -1;

	for (int i = 0; i < WAYS; i++)
	{
		if (way_is_dead(bucket, i, now))
			return i;
		if (bucket->state[i] == WAY_REFUSED &&
			(refused < 0 || bucket->way[i].item.deadline <
			 bucket->way[refused].item.deadline))
			refused = i;
	}
	if (refused >= 0 || class == CACHE_REFUSED)
		return refused;
	return advance_hand(bucket);
}

static void
fill_way(CacheBucket *bucket, int way, const CacheKey *key,
		 const CacheItem *item)
{
	bucket->tag[way] = tag_of(&key->digest);
	bucket->state[way] = item->class == CACHE_VALID ? WAY_VALID : WAY_REFUSED;
	bucket->referenced[way] = false;
	bucket->way[way].key = *key;
	copy_item(&bucket->way[way].item, item);
}

CachePublish
cache_publish(const CacheKey *key, const CacheItem *item, TimestampTz now)
{
	CacheBucket *bucket = bucket_of(&key->digest);
	CachePublish result = CACHE_PUBLISHED;
	int			way;

	if (!seqlock_try_write(&bucket->sequence))
		return CACHE_SKIPPED;

	/* From here to seqlock_write_end() nothing may fail or wait. */
	way = find_way(bucket, key);
	if (way >= 0)
	{
		/* Somebody else's fill may have begun after ours and ended first. */
		if (bucket->way[way].item.stamp > item->stamp)
			way = -1;
	}
	else
	{
		way = choose_way(bucket, item->class, now);
		if (way >= 0 && bucket->state[way] == WAY_VALID &&
			!way_is_dead(bucket, way, now))
		{
			result = CACHE_PUBLISHED_EVICTING;
			bucket->hand = (way + 1) % WAYS;
		}
	}

	if (way >= 0)
		fill_way(bucket, way, key, item);
	else
		result = CACHE_SKIPPED;
	seqlock_write_end(&bucket->sequence);
	return result;
}

uint64
cache_capacity(void)
{
	return cache_is_on() ? (bucket_mask + 1) * WAYS : 0;
}

Size
cache_bytes_per_entry(void)
{
	return sizeof(CacheBucket) / WAYS;
}

uint64
cache_count(Oid database, Oid relation)
{
	uint64		count = 0;

	if (!cache_is_on())
		return 0;
	for (uint64 i = 0; i <= bucket_mask; i++)
	{
		CacheBucket *bucket = &shared->bucket[i];

		for (int way = 0; way < WAYS; way++)
			if (bucket->state[way] != WAY_EMPTY &&
				bucket->way[way].key.database == database &&
				bucket->way[way].key.relation == relation)
				count++;
	}
	return count;
}
