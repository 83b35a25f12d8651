/*-------------------------------------------------------------------------
 *
 * warm.h
 *		Filling the cache ahead of use, and telling when that is done.
 *
 * tokenauth.warm_databases names databases whose live tokens are loaded after
 * each start, a crash included, by a worker (worker.c).  Shared memory holds
 * how far each is.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_WARM_H
#define TOKENAUTH_WARM_H

#include "nodes/pg_list.h"

typedef enum WarmState
{
	WARM_WANTED,
	WARM_RUNNING,
	WARM_ENDED					/* done, or given up */
} WarmState;

extern Size warm_shmem_size(void);
extern void warm_shmem_init(void *area, bool found);

/* The databases to be loaded after the start, from 0 on. */
extern int	warm_count(void);
extern const char *warm_database(int index);
extern WarmState warm_state(int index);
extern void warm_set_state(int index, WarmState state);

/* Has the warming of this database after the start ended, if it was wanted? */
extern bool warm_has_ended(void);

/*
 * The table of a source of this database whose OID is the next above this one;
 * InvalidOid if there is none.  In a transaction.
 */
extern Oid	warm_next_table(Oid table);

/*
 * Told now and then whether tokens are being judged just now, which can run
 * code of the table's owner, or fetched, and how many have been loaded.  False
 * to end.
 */
typedef bool (*WarmProgress) (bool judging, uint64 loaded);

/*
 * Load live tokens of a table, of each of its sources, the most recently used
 * first.  Returns how many.
 * In a transaction.
 */
extern uint64 warm_table(Oid table, uint64 limit, WarmProgress progress);

#endif							/* TOKENAUTH_WARM_H */
