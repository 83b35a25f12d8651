/*-------------------------------------------------------------------------
 *
 * stats.c
 *		Counters per source; see stats.h.
 *
 * Locking: owner[], baseline[] and since[] are read and written under the lock,
 * which is held only for a scan of STATS_SLOTS.  Counters and events are read
 * without a lock: an aligned 64-bit load is never torn on the platforms where it
 * matters, and a figure that is off by one reading would do no harm.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/compat.h"
#include "base/stats.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "storage/lwlock.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

typedef struct StatsOwner
{
	Oid			database;
	SourceId	source;			/* relation is InvalidOid: the slot is free */
} StatsOwner;

typedef union PaddedCounts
{
	StatsCounts counts;
	char		pad[TYPEALIGN(PG_CACHE_LINE_SIZE, sizeof(StatsCounts))];
} PaddedCounts;

typedef struct StatsShared
{
	StatsOwner	owner[STATS_SLOTS];
	StatsCounts baseline[STATS_SLOTS];
	TimestampTz event[STATS_SLOTS][STATS_NEVENTS];
	TimestampTz since[STATS_SLOTS]; /* when the baseline was drawn */
	PaddedCounts counts[FLEXIBLE_ARRAY_MEMBER]; /* [process][slot] */
} StatsShared;

static StatsShared *shared = NULL;
static LWLock *lock = NULL;

Size
stats_shmem_size(void)
{
	return add_size(offsetof(StatsShared, counts) + PG_CACHE_LINE_SIZE,
					mul_size(sizeof(PaddedCounts),
							 mul_size(TOKENAUTH_MAX_PROCS, STATS_SLOTS)));
}

void
stats_shmem_init(void *area, bool found)
{
	shared = (StatsShared *) area;
	lock = &(GetNamedLWLockTranche("tokenauth"))->lock;
	if (found)
		return;
	memset(area, 0, stats_shmem_size());
	shared->since[STATS_SHARED_SLOT] = GetCurrentTimestamp();
}

bool
stats_are_kept(void)
{
	return shared != NULL;
}

static PaddedCounts *
counts_of(int process)
{
	PaddedCounts *first = (PaddedCounts *) CACHELINEALIGN(shared->counts);

	return &first[(Size) process * STATS_SLOTS];
}

static void
sum_up(int slot, StatsCounts *sum)
{
	memset(sum, 0, sizeof(*sum));
	for (int process = 0; process < TOKENAUTH_MAX_PROCS; process++)
	{
		volatile StatsCounts *counts = &counts_of(process)[slot].counts;

		for (int i = 0; i < STATS_NCOUNTERS; i++)
			sum->n[i] += counts->n[i];
	}
}

/* Count from now on.  Caller holds the lock. */
static void
draw_baseline(int slot)
{
	sum_up(slot, &shared->baseline[slot]);
	shared->since[slot] = GetCurrentTimestamp();
}

/* The slot that a source has, or -1.  Caller holds the lock. */
static int
find_slot(SourceId source)
{
	for (int i = STATS_SHARED_SLOT + 1; i < STATS_SLOTS; i++)
		if (source_id_equal(shared->owner[i].source, source) &&
			shared->owner[i].database == MyDatabaseId)
			return i;
	return -1;
}

/* A free slot, or -1.  Caller holds the lock. */
static int
take_slot(SourceId source)
{
	int			mine = 0;
	int			free = -1;

	for (int i = STATS_SHARED_SLOT + 1; i < STATS_SLOTS; i++)
	{
		if (!OidIsValid(shared->owner[i].source.relation))
			free = free < 0 ? i : free;
		else if (shared->owner[i].database == MyDatabaseId)
			mine++;
	}
	if (free < 0 || mine >= STATS_SLOTS_PER_DATABASE)
		return -1;
	shared->owner[free].database = MyDatabaseId;
	shared->owner[free].source = source;
	draw_baseline(free);
	memset(shared->event[free], 0, sizeof(shared->event[free]));
	return free;
}

static int
find_or_take_slot(SourceId source)
{
	int			slot;

	LWLockAcquire(lock, LW_EXCLUSIVE);
	slot = find_slot(source);
	if (slot < 0)
		slot = take_slot(source);
	LWLockRelease(lock);
	return slot;
}

static bool
is_gone(const StatsOwner *owner)
{
	return owner->database == MyDatabaseId ?
		!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(owner->source.relation)) :
		!SearchSysCacheExists1(DATABASEOID, ObjectIdGetDatum(owner->database));
}

/* Free the slots of databases, and of tables of this one, that are gone. */
static void
reclaim_slots(void)
{
	StatsOwner	owner[STATS_SLOTS];
	bool		gone[STATS_SLOTS];

	LWLockAcquire(lock, LW_SHARED);
	memcpy(owner, shared->owner, sizeof(owner));
	LWLockRelease(lock);
	for (int i = STATS_SHARED_SLOT + 1; i < STATS_SLOTS; i++)
		gone[i] = OidIsValid(owner[i].source.relation) && is_gone(&owner[i]);
	LWLockAcquire(lock, LW_EXCLUSIVE);
	for (int i = STATS_SHARED_SLOT + 1; i < STATS_SLOTS; i++)
		if (gone[i] &&
			owner[i].database == shared->owner[i].database &&
			source_id_equal(owner[i].source, shared->owner[i].source))
			shared->owner[i].source.relation = InvalidOid;
	LWLockRelease(lock);
}

int
stats_slot(SourceId source)
{
	int			slot;

	if (shared == NULL)
		return -1;
	slot = find_or_take_slot(source);
	if (slot < 0)
	{
		reclaim_slots();
		slot = find_or_take_slot(source);
	}
	return slot < 0 ? STATS_SHARED_SLOT : slot;
}

int
stats_slot_if_any(SourceId source)
{
	int			slot;

	if (shared == NULL)
		return -1;
	LWLockAcquire(lock, LW_SHARED);
	slot = find_slot(source);
	LWLockRelease(lock);
	return slot < 0 ? STATS_SHARED_SLOT : slot;
}

/* A source whose slot goes when the transaction commits. */
typedef struct Leaving
{
	SourceId	source;
	SubTransactionId subxact;
} Leaving;

static List *leaving = NIL;		/* in TopTransactionContext */

void
stats_forget(SourceId source)
{
	MemoryContext old = MemoryContextSwitchTo(TopTransactionContext);
	Leaving    *one = palloc(sizeof(Leaving));

	one->source = source;
	one->subxact = GetCurrentSubTransactionId();
	leaving = lappend(leaving, one);
	MemoryContextSwitchTo(old);
}

void
stats_commit(void)
{
	ListCell   *lc;

	if (leaving == NIL || shared == NULL)
		return;
	LWLockAcquire(lock, LW_EXCLUSIVE);
	foreach(lc, leaving)
	{
		int			slot = find_slot(((Leaving *) lfirst(lc))->source);

		if (slot >= 0)
			shared->owner[slot].source.relation = InvalidOid;
	}
	LWLockRelease(lock);
}

void
stats_end_of_transaction(void)
{
	leaving = NIL;
}

void
stats_commit_sub(SubTransactionId subxact, SubTransactionId parent)
{
	ListCell   *lc;

	foreach(lc, leaving)
	{
		Leaving    *one = lfirst(lc);

		if (one->subxact == subxact)
			one->subxact = parent;
	}
}

/* Without freeing anything: that could fail. */
void
stats_abort_sub(SubTransactionId subxact)
{
	ListCell   *lc;

	foreach(lc, leaving)
	{
		Leaving    *one = lfirst(lc);

		if (one->subxact == subxact)
			one->source.relation = InvalidOid;
	}
}

StatsCounts *
stats_mine(int slot)
{
	static StatsCounts nowhere;

	if (slot < 0 || TOKENAUTH_MY_PROC >= TOKENAUTH_MAX_PROCS)
		return &nowhere;
	return &counts_of(TOKENAUTH_MY_PROC)[slot].counts;
}

bool
stats_read(int slot, StatsCounts *sum, TimestampTz *since)
{
	if (slot < 0 || slot == STATS_SHARED_SLOT)
		return false;

	LWLockAcquire(lock, LW_SHARED);
	sum_up(slot, sum);
	for (int i = 0; i < STATS_NCOUNTERS; i++)
		sum->n[i] -= shared->baseline[slot].n[i];
	*since = shared->since[slot];
	LWLockRelease(lock);
	return true;
}

void
stats_happened(int slot, StatsEvent event, TimestampTz at)
{
	if (slot > STATS_SHARED_SLOT)
		shared->event[slot][event] = at;
}

TimestampTz
stats_when(int slot, StatsEvent event)
{
	return slot > STATS_SHARED_SLOT ? shared->event[slot][event] : 0;
}

void
stats_reset(void)
{
	if (shared == NULL)
		return;

	LWLockAcquire(lock, LW_EXCLUSIVE);
	for (int i = 0; i < STATS_SLOTS; i++)
		if (i == STATS_SHARED_SLOT || shared->owner[i].database == MyDatabaseId)
			draw_baseline(i);
	LWLockRelease(lock);
}
