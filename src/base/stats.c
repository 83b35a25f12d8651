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

#include "base/compat.h"
#include "base/stats.h"
#include "miscadmin.h"
#include "storage/lwlock.h"
#include "utils/timestamp.h"

#define SHARED_SLOT		0		/* of sources that came too late */

typedef struct StatsOwner
{
	Oid			database;
	Oid			relation;
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
	shared->since[SHARED_SLOT] = GetCurrentTimestamp();
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
find_slot(Oid relation)
{
	for (int i = SHARED_SLOT + 1; i < STATS_SLOTS; i++)
		if (shared->owner[i].relation == relation &&
			shared->owner[i].database == MyDatabaseId)
			return i;
	return -1;
}

static int
take_slot(Oid relation)
{
	for (int i = SHARED_SLOT + 1; i < STATS_SLOTS; i++)
		if (!OidIsValid(shared->owner[i].relation))
		{
			shared->owner[i].database = MyDatabaseId;
			shared->owner[i].relation = relation;
			draw_baseline(i);
			memset(shared->event[i], 0, sizeof(shared->event[i]));
			return i;
		}
	return SHARED_SLOT;
}

int
stats_slot(Oid relation)
{
	int			slot;

	if (shared == NULL)
		return -1;

	LWLockAcquire(lock, LW_EXCLUSIVE);
	slot = find_slot(relation);
	if (slot < 0)
		slot = take_slot(relation);
	LWLockRelease(lock);
	return slot;
}

void
stats_forget(Oid relation)
{
	int			slot;

	if (shared == NULL)
		return;

	LWLockAcquire(lock, LW_EXCLUSIVE);
	slot = find_slot(relation);
	if (slot >= 0)
		shared->owner[slot].relation = InvalidOid;
	LWLockRelease(lock);
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
	if (slot < 0)
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
	if (slot >= 0)
		shared->event[slot][event] = at;
}

TimestampTz
stats_when(int slot, StatsEvent event)
{
	return slot >= 0 ? shared->event[slot][event] : 0;
}

void
stats_reset(void)
{
	if (shared == NULL)
		return;

	LWLockAcquire(lock, LW_EXCLUSIVE);
	for (int i = 0; i < STATS_SLOTS; i++)
		if (i == SHARED_SLOT || shared->owner[i].database == MyDatabaseId)
			draw_baseline(i);
	LWLockRelease(lock);
}
