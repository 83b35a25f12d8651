/*-------------------------------------------------------------------------
 *
 * cache.c
 *		The cache of judged tokens in shared memory: its guards, probe and
 *		publish; cache.h is the contract.
 *
 * bucket.c has placement and replacement, walk.c what reads the whole cache.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/guc.h"
#include "base/testpoint.h"
#include "cache/bucket.h"
#include "cache/walk.h"
#include "common/hashfn.h"
#include "miscadmin.h"

#define READ_ATTEMPTS	8

/* A gate also has the lowest stamp that may still be published for it. */
typedef struct CacheGate
{
	CacheGuard	guard;
	Floor		publish;
	char		pad[LINE_SIZE - sizeof(CacheGuard) - sizeof(Floor)];
} CacheGate;

typedef struct CacheShared
{
	SharedClock clock;			/* alone on its line */
	char		pad[LINE_SIZE - sizeof(SharedClock)];
	uint8		secret[LINE_SIZE];	/* constant; TOKEN_SECRET_LEN of it */
	CacheGate	gate[CACHE_GATES];
	CacheBucket bucket[FLEXIBLE_ARRAY_MEMBER];
} CacheShared;

bool		cache_present = false;	/* shared is set */
static CacheShared *shared = NULL;
static uint64 bucket_mask = 0;

/* The cells stand behind the buckets. */
static CacheGuard *cells = NULL;
static uint32 cell_mask = 0;

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

/* Two for each bucket, as long as messages can tell them apart. */
static uint64
cell_count(void)
{
	return Min(2 * bucket_count(), CACHE_CELLS);
}

Size
cache_shmem_size(void)
{
	Size		size = offsetof(CacheShared, bucket) + LINE_SIZE;

	size = add_size(size, mul_size(bucket_count(), sizeof(CacheBucket)));
	return add_size(size, mul_size(cell_count(), sizeof(CacheGuard)));
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
	cache_present = true;
	bucket_mask = nbuckets - 1;
	cells = (CacheGuard *) &shared->bucket[nbuckets];
	cell_mask = (uint32) cell_count() - 1;
	if (found)
		return;

	memset(area, 0, cache_shmem_size());
	pg_atomic_init_u64(&shared->clock, 1);
	if (!pg_strong_random(shared->secret, TOKEN_SECRET_LEN))
		ereport(FATAL,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not generate random values")));
	for (int i = 0; i < CACHE_GATES; i++)
	{
		init_guard(&shared->gate[i].guard);
		pg_atomic_init_u64(&shared->gate[i].publish, 0);
	}
	for (uint32 i = 0; i <= cell_mask; i++)
		init_guard(&cells[i]);
	for (uint64 i = 0; i < nbuckets; i++)
	{
		pg_atomic_init_u32(&shared->bucket[i].sequence, 0);
		init_guard(&shared->bucket[i].guard);
	}
}

SharedClock *
cache_clock(void)
{
	return &shared->clock;
}

const uint8 *
cache_secret(void)
{
	return shared->secret;
}

int
cache_gate(Oid database, CacheSource source)
{
	return (int) (hash_combine(murmurhash32(database),
							   murmurhash32(source.bits))
				  % CACHE_GATES);
}

CacheGuard *
cache_gate_guard(int gate)
{
	return &shared->gate[gate].guard;
}

uint64
cache_bucket_count(void)
{
	return cache_is_on() ? bucket_mask + 1 : 0;
}

CacheBucket *
cache_bucket(uint64 index)
{
	return &shared->bucket[index];
}

void
cache_raise_publish_floor(int gate, uint64 to)
{
	floor_raise(&shared->gate[gate].publish, to);
}

/* The bucket that has a token's guard; its entry is sought there first. */
static CacheBucket *
bucket_of(const TokenDigest *digest)
{
	return &shared->bucket[digest->words[0] & bucket_mask];
}

/* Where else its entry may stand, by bits that choose neither bucket nor tag. */
static CacheBucket *
second_bucket_of(const TokenDigest *digest)
{
	return &shared->bucket[digest->words[1] & bucket_mask];
}

CacheGuard *
cache_bucket_guard(const TokenDigest *digest)
{
	return &bucket_of(digest)->guard;
}

CacheGuard *
cache_cell_guard(uint16 cell)
{
	return &cells[cell & cell_mask];
}

uint16
cache_cell(Oid database, Oid relation, const char *key, Size len)
{
	uint32		hash = hash_bytes((const unsigned char *) key, (int) len);

	hash = hash_combine(hash, murmurhash32(database));
	return (uint16) hash_combine(hash, murmurhash32(relation));
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

static inline void
view_fences(CacheGuard *gate, CacheGuard *bucket, const CacheItemHeader *header,
			GuardView *view)
{
	int			class = header->class;

	view->fenced = fence_is_up(&gate->fence[class]) ||
		fence_is_up(&bucket->fence[class]);
	for (int i = 0; i < header->ncells; i++)
		view->fenced |=
			fence_is_up(&cache_cell_guard(header->cell[i])->fence[class]);
	fences_read();
}

/* Max() would read it twice. */
static inline uint64
higher_floor(uint64 than, Floor *floor)
{
	uint64		other = floor_read(floor);

	return Max(than, other);
}

static inline void
view_floors(CacheGuard *gate, CacheGuard *bucket, const CacheItemHeader *header,
			GuardView *view)
{
	int			class = header->class;

	view->floor = higher_floor(floor_read(&gate->floor[class]),
							   &bucket->floor[class]);
	for (int i = 0; i < header->ncells; i++)
		view->floor =
			higher_floor(view->floor,
						 &cache_cell_guard(header->cell[i])->floor[class]);
	floors_read();
}

/* First the fences, then the floors: step 1 of doc/coherence.md. */
static inline void
view_guards(CacheGuard *gate, CacheGuard *bucket,
			const CacheItemHeader *header, GuardView *view)
{
	TEST_POINT(hit_before_fence);
	if (TEST_FAULT(reader_floor_first))
	{
		view_floors(gate, bucket, header, view);
		TEST_POINT(hit_after_fence);
		view_fences(gate, bucket, header, view);
		return;
	}
	view_fences(gate, bucket, header, view);
	TEST_POINT(hit_after_fence);
	view_floors(gate, bucket, header, view);
	TEST_POINT(hit_after_floor);
}

void
cache_view_guards(CacheGuard *gate, CacheGuard *bucket,
				  const CacheItemHeader *header, GuardView *view)
{
	view_guards(gate, bucket, header, view);
}

/*
 * One consistent look at a key in one of its buckets: the item and its guards, in
 * one window of that bucket's sequence lock.  False if a writer interfered.  *way is
 * -1 if the key is not there.
 */
static pg_attribute_always_inline bool
read_key_once(CacheBucket *bucket, CacheGuard *gate, const CacheKey *key,
			  GuardView *view, CacheItem *item, int *way)
{
	uint32		sequence;

	if (!seqlock_read_begin(&bucket->sequence, &sequence))
		return false;
	*way = bucket_find(bucket, key);
	if (*way >= 0)
	{
		bucket_read_item(bucket, *way, item);
		view_guards(gate, cache_bucket_guard(&key->digest), &item->header,
					view);
	}
	else
		*view = (GuardView) {.fenced = true};	/* nothing is to be believed */
	return seqlock_read_end(&bucket->sequence, sequence);
}

/* The same; false if writers kept interfering. */
static bool
read_key(CacheBucket *bucket, CacheGuard *gate, const CacheKey *key,
		 GuardView *view, CacheItem *item, int *way)
{
	for (int attempt = 0; attempt < READ_ATTEMPTS; attempt++)
	{
		if (read_key_once(bucket, gate, key, view, item, way))
			return true;
		pg_spin_delay();
	}
	return false;
}

void
cache_prefetch(const TokenDigest *digest)
{
	if (cache_is_on())
		TOKENAUTH_PREFETCH(bucket_of(digest));
}

/* What is told of an item that has been read whole. */
static pg_attribute_always_inline CacheProbe
judge_item(CacheBucket *bucket, int way, const GuardView *view,
		   const CacheItemHeader *header, uint64 trust, uint64 fingerprint,
		   TimestampTz now)
{
	if (view->fenced)
		return CACHE_FENCED;
	if (header->stamp < view->floor ||
		header->stamp < trust ||
		header->fingerprint != fingerprint ||
		header->deadline <= now)
		return CACHE_ABSENT;

	if (!bucket->referenced[way])
		bucket->referenced[way] = true;
	return CACHE_HIT;
}

/* cache_probe() of one that a writer keeps, or that is not in its own bucket. */
static pg_noinline CacheProbe
probe_both(const CacheKey *key, int gate, uint64 trust, uint64 fingerprint,
		   TimestampTz now, CacheItem *item)
{
	CacheBucket *bucket = bucket_of(&key->digest);
	GuardView	view;
	int			way;

	if (!read_key(bucket, cache_gate_guard(gate), key, &view, item, &way))
		return CACHE_ABSENT;
	if (way < 0)
	{
		bucket = second_bucket_of(&key->digest);
		if (!read_key(bucket, cache_gate_guard(gate), key, &view, item, &way) ||
			way < 0)
			return CACHE_ABSENT;
	}
	return judge_item(bucket, way, &view, &item->header, trust, fingerprint,
					  now);
}

CacheProbe
cache_probe(const CacheKey *key, int gate, uint64 trust, uint64 fingerprint,
			TimestampTz now, CacheItem *item)
{
	CacheBucket *bucket = bucket_of(&key->digest);
	GuardView	view;
	int			way;

	if (likely(read_key_once(bucket, cache_gate_guard(gate), key, &view, item,
							 &way) && way >= 0))
		return judge_item(bucket, way, &view, &item->header, trust,
						  fingerprint, now);
	return probe_both(key, gate, trust, fingerprint, now, item);
}

/*
 * Which of its buckets a key is in, or would be put into.  A guess, for others may
 * write meanwhile: by a wrong one the key is in both.  That wastes a way, but each
 * of both entries is believed only if it is right.
 */
static CacheBucket *
guess_bucket(const CacheKey *key)
{
	CacheBucket *first = bucket_of(&key->digest);
	CacheBucket *second = second_bucket_of(&key->digest);

	return bucket_find(first, key) < 0 && bucket_find(second, key) >= 0 ?
		second : first;
}

static CachePublish
publish_in(CacheBucket *bucket, const CacheKey *key, int gate,
		   const CacheItem *item, CacheNeed need, TimestampTz now)
{
	CachePublish result;

	if (!seqlock_try_write(&bucket->sequence))
		return CACHE_SKIPPED;
	result = bucket_put(bucket, &shared->gate[gate].publish, key, item, need,
						now);
	seqlock_write_end(&bucket->sequence);
	return result;
}

/*
 * Where there is room: in the key's own bucket, then in its second one.  Else
 * another entry has to go, of its own bucket.
 */
CachePublish
cache_publish(const CacheKey *key, int gate, const CacheItem *item,
			  CacheNeed need, TimestampTz now)
{
	CacheBucket *first = bucket_of(&key->digest);
	CacheBucket *bucket = guess_bucket(key);
	CachePublish result = publish_in(bucket, key, gate, item,
									 CACHE_MAY_BE_USED, now);

	if (item->header.class != CACHE_VALID || result != CACHE_FULL)
		return result;
	if (bucket == first)
		result = publish_in(second_bucket_of(&key->digest), key, gate, item,
							CACHE_MAY_BE_USED, now);
	if (result == CACHE_FULL && need == CACHE_USED)
		result = publish_in(first, key, gate, item, need, now);
	return result;
}

/* The work of cache_claim_use(), as the bucket's writer: must not fail. */
static bool
claim_use(CacheBucket *bucket, const CacheKey *key, TimestampTz before,
		  TimestampTz now)
{
	int			way = bucket_find(bucket, key);

	if (way < 0)
		return true;
	if (bucket->way[way].last_used > before)
		return false;
	bucket->way[way].last_used = now;
	return true;
}

/*
 * As a writer, though it costs more than an atomic store: the way could
 * meanwhile have become the middle of a wide item.
 */
bool
cache_claim_use(const CacheKey *key, TimestampTz before, TimestampTz now)
{
	CacheBucket *bucket;
	bool		claimed;

	if (!cache_is_on())
		return true;
	bucket = guess_bucket(key);
	if (!seqlock_try_write(&bucket->sequence))
		return false;
	claimed = claim_use(bucket, key, before, now);
	seqlock_write_end(&bucket->sequence);
	return claimed;
}

uint64
cache_planned_capacity(void)
{
	return bucket_count() * WAYS;
}

uint64
cache_capacity(void)
{
	return cache_bucket_count() * WAYS;
}

Size
cache_bytes_per_entry(void)
{
	return sizeof(CacheBucket) / WAYS;
}
