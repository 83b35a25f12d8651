/*-------------------------------------------------------------------------
 *
 * stats.h
 *		Counters per source.
 *
 * Every process has counters of its own in shared memory, which only it
 * writes, with plain stores; readers add them up.  A hit thus touches no line
 * that another process writes.  A reset remembers the sums and subtracts them
 * from then on, so that it need not write other processes' counters.
 *
 * A source is given a slot when it is first used after the transaction that
 * attached it has committed, and gives it back when the one that detaches it has.
 * There are STATS_SLOTS, of which a database may have STATS_SLOTS_PER_DATABASE, so
 * that nobody who may attach tables in one takes them all.  Other sources count
 * into slot 0, which is not shown.  Nothing but figures depends on it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_STATS_H
#define TOKENAUTH_STATS_H

#include "base/source_id.h"
#include "datatype/timestamp.h"

typedef enum StatsCounter
{
	STATS_HITS,					/* answered "valid" from the cache */
	STATS_NEGATIVE_HITS,		/* answered "refused" from the cache */
	STATS_MISSES,				/* asked the table: no entry to believe */
	STATS_NEGATIVE_LOOKUPS,		/* refusals that the table was asked for */
	STATS_PUBLISHES,			/* answers put into the cache */
	STATS_PUBLISHES_SKIPPED,	/* answers not put there: busy, full, unwanted */
	STATS_UNCACHEABLE,			/* answers that do not fit, or hold for now */
	STATS_EVICTIONS,			/* live valid entries pushed out */
	STATS_INVALIDATIONS,		/* floors raised by changes of rows */
	STATS_BYPASS_DISABLED,		/* asked the table: tokenauth.enabled off */
	STATS_BYPASS_OWN_WRITES,	/* ... this transaction changed tokens */
	STATS_BYPASS_FENCED,		/* ... a change was just being committed */
	STATS_BYPASS_SOURCE,		/* ... the source cannot be cached now */
	STATS_VERIFICATIONS_REFUSED,	/* not judged: too many were being verified */
	STATS_USES_NOTED,			/* last uses to be written into the table */
	STATS_USES_DROPPED,			/* ... that are not written */
	STATS_USES_WRITTEN,			/* ... that changed a row */
	STATS_NSHOWN,				/* in the view tokenauth_stats; not those below */
	STATS_USES_GIVEN_UP = STATS_NSHOWN, /* dropped, though there was room */
	STATS_NCOUNTERS
} StatsCounter;

typedef struct StatsCounts
{
	uint64		n[STATS_NCOUNTERS];
} StatsCounts;

#define STATS_SLOTS		128
#define STATS_SLOTS_PER_DATABASE	63
#define STATS_SHARED_SLOT	0

/* Judgements of tokens of a source: from the cache, and by the table. */
static inline uint64
stats_asked(const StatsCounts *counts)
{
	return counts->n[STATS_HITS] + counts->n[STATS_NEGATIVE_HITS] +
		counts->n[STATS_MISSES] + counts->n[STATS_BYPASS_DISABLED] +
		counts->n[STATS_BYPASS_OWN_WRITES] + counts->n[STATS_BYPASS_FENCED] +
		counts->n[STATS_BYPASS_SOURCE];
}

extern Size stats_shmem_size(void);
extern void stats_shmem_init(void *area, bool found);

/* Is there shared memory of ours? */
extern bool stats_are_kept(void);

/*
 * The slot of a source of this database, whose attach has committed; takes a
 * lock and may read catalogs, so ask once.  Returns -1 where there is no shared
 * memory of ours.
 */
extern int	stats_slot(SourceId source);

/* The slot that a source has already, or the one that is shared. */
extern int	stats_slot_if_any(SourceId source);

/*
 * Give a source's slot back, if this (sub)transaction commits: when it is
 * detached, and for a table that has been dropped, at the next attach.
 */
extern void stats_forget(SourceId source);

/* At the end of a transaction or subtransaction.  Cannot fail. */
extern void stats_commit(void);
extern void stats_end_of_transaction(void);
extern void stats_commit_sub(SubTransactionId subxact, SubTransactionId parent);
extern void stats_abort_sub(SubTransactionId subxact);

/* This process's counters; slot -1 counts into the void. */
extern StatsCounts *stats_mine(int slot);

/*
 * Sums since the last reset, and when that was; false if the slot is -1 or that
 * which is shared, maybe with sources of other databases.
 */
extern bool stats_read(int slot, StatsCounts *sum, TimestampTz *since);

/* When something last happened to a source; 0: not since the server's start. */
typedef enum StatsEvent
{
	STATS_LAST_FLUSH,			/* last uses were written */
	STATS_LAST_WARM,			/* its live tokens were loaded */
	STATS_NEVENTS
} StatsEvent;

extern void stats_happened(int slot, StatsEvent event, TimestampTz at);
extern TimestampTz stats_when(int slot, StatsEvent event);

/* Start anew from 0, for all sources of this database. */
extern void stats_reset(void);

#endif							/* TOKENAUTH_STATS_H */
