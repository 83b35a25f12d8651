/*-------------------------------------------------------------------------
 *
 * cache.c
 *		The cache of judged tokens in shared memory; cache.h is its contract.
 *
 * Replacement is a clock per bucket: a hit marks its way as referenced; what
 * is evicted is the first way from the hand on without a mark, and the hand
 * takes marks away as it passes.  New entries come unmarked, so that tokens
 * used once go before those used again.  Ways whose entry nobody would believe
 * are taken first, then refusals; a refusal itself takes only those.  So
 * however many random tokens are thrown at the cache, no valid entry has to go
 * for them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/guc.h"
#include "base/testpoint.h"
#include "cache/cache.h"
#include "common/hashfn.h"
#include "miscadmin.h"

#define WAYS			8
#define LINE_SIZE		64
#define READ_ATTEMPTS	8

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
	CacheGate	gate[CACHE_GATES];
	CacheBucket bucket[FLEXIBLE_ARRAY_MEMBER];
} CacheShared;

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
	bucket_mask = nbuckets - 1;
	cells = (CacheGuard *) &shared->bucket[nbuckets];
	cell_mask = (uint32) cell_count() - 1;
	if (found)
		return;

	memset(area, 0, cache_shmem_size());
	pg_atomic_init_u64(&shared->clock, 1);
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

/* What a reader found at an entry's guards, for the entry's class. */
typedef struct GuardView
{
	bool		fenced;
	uint64		floor;
} GuardView;

static void
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

static void
view_floors(CacheGuard *gate, CacheGuard *bucket, const CacheItemHeader *header,
			GuardView *view)
{
	int			class = header->class;

	view->floor = Max(floor_read(&gate->floor[class]),
					  floor_read(&bucket->floor[class]));
	for (int i = 0; i < header->ncells; i++)
		view->floor =
			Max(view->floor,
				floor_read(&cache_cell_guard(header->cell[i])->floor[class]));
	floors_read();
}

/* First the fences, then the floors: step 1 of doc/coherence.md. */
static void
view_guards(CacheGuard *gate, CacheGuard *bucket, const CacheItemHeader *header,
			GuardView *view)
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
		if (bucket->tag[i] == tag &&
			(bucket->state[i] == WAY_VALID ||
			 bucket->state[i] == WAY_REFUSED) &&
			key_equal(&bucket->way[i].key, key))
			return i;
	return -1;
}

/*
 * Copy an item out.  It may be torn, so its lengths are bounded before they
 * are followed; a wide one stands in an even way or it is torn, too.
 */
static void
read_item(CacheBucket *bucket, int way, CacheItem *item)
{
	CacheItemHeader *header = &item->header;
	Size		limit = way % 2 == 0 ? CACHE_MAX_PAYLOAD : CACHE_WAY_PAYLOAD;

	*header = bucket->way[way].header;
	header->payload_len = Min(header->payload_len, limit);
	header->ncells = Min(header->ncells, CACHE_MAX_CELLS);
	header->class = Min(header->class, CACHE_NCLASSES - 1);
	item->last_used = bucket->way[way].last_used;
	memcpy(item->payload, bucket->way[way].payload,
		   Min(header->payload_len, CACHE_WAY_PAYLOAD));
	if (header->payload_len > CACHE_WAY_PAYLOAD)
		memcpy(item->payload + CACHE_WAY_PAYLOAD, &bucket->way[way + 1],
			   header->payload_len - CACHE_WAY_PAYLOAD);
}

/*
 * One consistent look at a key: the item and its guards, in one window of the
 * sequence lock.  False if writers kept interfering.  *way is -1 if the key
 * is not there.
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
		*way = find_way(bucket, key);
		if (*way >= 0)
		{
			read_item(bucket, *way, item);
			view_guards(gate, &bucket->guard, &item->header, view);
		}
		if (seqlock_read_end(&bucket->sequence, sequence))
			return true;
	}
	return false;
}

void
cache_prefetch(const TokenDigest *digest)
{
	if (cache_is_on())
		TOKENAUTH_PREFETCH(bucket_of(digest));
}

CacheProbe
cache_probe(const CacheKey *key, int gate, uint64 trust, uint64 fingerprint,
			TimestampTz now, CacheItem *item)
{
	CacheBucket *bucket = bucket_of(&key->digest);
	CacheItemHeader *header = &item->header;
	GuardView	view;
	int			way;

	if (!read_way(bucket, cache_gate_guard(gate), key, &view, item, &way) ||
		way < 0)
		return CACHE_ABSENT;
	if (view.fenced)
		return CACHE_FENCED;
	if (header->stamp < view.floor ||
		header->stamp < trust ||
		header->fingerprint != fingerprint ||
		header->deadline <= now)
		return CACHE_ABSENT;

	if (!bucket->referenced[way])
		bucket->referenced[way] = true;
	return CACHE_HIT;
}

/* The way in which the item stands that this way is part of. */
static int
item_way(CacheBucket *bucket, int way)
{
	return bucket->state[way] == WAY_CONTINUED ? way - 1 : way;
}

/* Is there an item in this way that somebody would believe? */
static bool
way_is_live(CacheBucket *bucket, int way, TimestampTz now)
{
	CacheKey   *key = &bucket->way[item_way(bucket, way)].key;
	CacheItemHeader *header = &bucket->way[item_way(bucket, way)].header;
	CacheGuard *gate;

	if (bucket->state[way] == WAY_EMPTY || header->deadline <= now ||
		(header->class == CACHE_VALID && header->expires_at <= now))
		return false;
	for (int i = 0; i < header->ncells; i++)
		if (header->stamp <
			floor_read(&cache_cell_guard(header->cell[i])->floor[header->class]))
			return false;
	gate = cache_gate_guard(cache_gate(key->database, key->relation));
	return header->stamp >= floor_read(&bucket->guard.floor[header->class]) &&
		header->stamp >= floor_read(&gate->floor[header->class]);
}

static bool
way_is_live_valid(CacheBucket *bucket, int way, TimestampTz now)
{
	return bucket->state[item_way(bucket, way)] == WAY_VALID &&
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
	return bucket->referenced[item_way(bucket, way)] ? 3 : 2;
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
	way = item_way(bucket, way);
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
		marked |= bucket->referenced[item_way(bucket, i)];
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

	bucket->tag[way] = tag_of(&key->digest);
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

/* The work of cache_publish(), as the bucket's writer: must not fail. */
static CachePublish
put_item(CacheBucket *bucket, Floor *publish_floor, const CacheKey *key,
		 const CacheItem *item, CacheNeed need, TimestampTz now)
{
	int			nways = item->header.payload_len > CACHE_WAY_PAYLOAD ? 2 : 1;
	int			way = find_way(bucket, key);
	TimestampTz last_used = item->last_used;
	bool		evicted;

	if (item->header.stamp < floor_read(publish_floor))
		return CACHE_SKIPPED;
	if (way >= 0)
	{
		/* Somebody else's fill may have begun after ours and ended first. */
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
		return CACHE_SKIPPED;
	evicted = evict(bucket, way, nways, now);
	fill_way(bucket, way, key, item, last_used);
	return evicted ? CACHE_PUBLISHED_EVICTING : CACHE_PUBLISHED;
}

CachePublish
cache_publish(const CacheKey *key, int gate, const CacheItem *item,
			  CacheNeed need, TimestampTz now)
{
	CacheBucket *bucket = bucket_of(&key->digest);
	CachePublish result;

	if (!seqlock_try_write(&bucket->sequence))
		return CACHE_SKIPPED;
	result = put_item(bucket, &shared->gate[gate].publish, key, item,
					  need, now);
	seqlock_write_end(&bucket->sequence);
	return result;
}

/* Copy a way of a source; false if it has none, or after too many attempts. */
static bool
read_way_of(CacheBucket *bucket, int way, Oid database, Oid relation,
			CacheItem *item)
{
	for (;;)
	{
		uint32		sequence;
		bool		ours;

		if (!seqlock_read_begin(&bucket->sequence, &sequence))
		{
			pg_spin_delay();	/* a writer is soon done */
			continue;
		}
		ours = (bucket->state[way] == WAY_VALID ||
				bucket->state[way] == WAY_REFUSED) &&
			bucket->way[way].key.database == database &&
			bucket->way[way].key.relation == relation;
		if (ours)
			read_item(bucket, way, item);
		if (seqlock_read_end(&bucket->sequence, sequence))
			return ours;
	}
}

/*
 * A fill that has read before and is not in yet would not be found here, so
 * the gate's publish floor is raised first.  A filler looks at that floor
 * after it has made the sequence odd; we look at the sequence after we have
 * raised the floor; so one of the two sees the other.
 */
void
cache_flush_matching(Oid database, Oid relation, CacheMatch match, void *arg)
{
	uint64		now = clock_tick(&shared->clock);

	floor_raise(&shared->gate[cache_gate(database, relation)].publish, now);
	for (uint64 i = 0; i <= bucket_mask; i++)
	{
		CacheBucket *bucket = &shared->bucket[i];
		CacheItem	item;

		for (int way = 0; way < WAYS; way++)
			if (read_way_of(bucket, way, database, relation, &item) &&
				match(&item, arg))
			{
				cache_guard_floor(&bucket->guard, CACHE_ALL_CLASSES, now);
				break;
			}
	}
}

/* The work of cache_claim_use(), as the bucket's writer: must not fail. */
static bool
claim_use(CacheBucket *bucket, const CacheKey *key, TimestampTz before,
		  TimestampTz now)
{
	int			way = find_way(bucket, key);

	if (way < 0)
		return true;
	if (bucket->way[way].last_used > before)
		return false;
	bucket->way[way].last_used = now;
	return true;
}

/*
 * As a writer, though it costs more than an atomic store: the way could
 * meanwhile have become the middle of somebody's payload.
 */
bool
cache_claim_use(const CacheKey *key, TimestampTz before, TimestampTz now)
{
	CacheBucket *bucket;
	bool		claimed;

	if (!cache_is_on())
		return true;
	bucket = bucket_of(&key->digest);
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

/*
 * One consistent look at a way, as read_way() has at a key.  False if there is
 * nothing of the database in it, or while writers interfere.
 */
static bool
look_at_way(CacheBucket *bucket, int way, Oid database, Oid *relation,
			CacheItem *item, GuardView *view)
{
	uint32		sequence;
	CacheKey   *key = &bucket->way[way].key;

	for (int attempt = 0; attempt < READ_ATTEMPTS; attempt++)
	{
		bool		found;

		CHECK_FOR_INTERRUPTS();
		if (!seqlock_read_begin(&bucket->sequence, &sequence))
		{
			pg_spin_delay();
			continue;
		}
		found = (bucket->state[way] == WAY_VALID ||
				 bucket->state[way] == WAY_REFUSED) &&
			key->database == database;
		if (found)
		{
			*relation = key->relation;
			read_item(bucket, way, item);
			view_guards(cache_gate_guard(cache_gate(database, *relation)),
						&bucket->guard, &item->header, view);
		}
		if (seqlock_read_end(&bucket->sequence, sequence))
			return found;
	}
	return false;
}

void
cache_walk(Oid database, CacheVisit visit, void *arg)
{
	for (uint64 i = 0; i < cache_capacity(); i++)
	{
		CacheItem	item;
		GuardView	view;
		Oid			relation;

		if (!look_at_way(&shared->bucket[i / WAYS], (int) (i % WAYS), database,
						 &relation, &item, &view))
			continue;
		visit(relation, &item,
			  !view.fenced && item.header.stamp >= view.floor, arg);
	}
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

void
cache_count(Oid database, int n, const Oid *relation, uint64 *count)
{
	memset(count, 0, n * sizeof(*count));
	for (uint64 i = 0; i < cache_capacity(); i++)
	{
		CacheBucket *bucket = &shared->bucket[i / WAYS];
		int			way = (int) (i % WAYS);
		CacheKey   *key;

		if (way == 0)
			CHECK_FOR_INTERRUPTS();
		if (bucket->state[way] == WAY_EMPTY)
			continue;
		key = &bucket->way[item_way(bucket, way)].key;
		for (int source = 0; source < n; source++)
			if (key->relation == relation[source] && key->database == database)
				count[source]++;
	}
}
