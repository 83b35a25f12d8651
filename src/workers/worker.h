/*-------------------------------------------------------------------------
 *
 * worker.h
 *		The transient background workers of tokenauth.
 *
 * The launcher starts them one at a time, each for one database and one thing:
 * to write last uses, or to warm the cache.  Each has a run, which it is given
 * in bgw_extra, and reports on it in shared memory.  A worker of a launcher
 * that was killed may still be there beside the next one's; its report is
 * ignored.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_WORKER_H
#define TOKENAUTH_WORKER_H

/* Their entry points; arg is a database's OID, or an index in warm.h. */
#define WORKER_FLUSH		"tokenauth_flush_main"
#define WORKER_WARM			"tokenauth_warm_main"

extern Size worker_shmem_size(void);
extern void worker_shmem_init(void *area, bool found);

/* Begin a new run, for a worker that is about to be started. */
extern uint32 worker_begin_run(void);

/* Has it connected to its database?  Or is there no such database? */
extern bool worker_has_connected(void);
extern bool worker_found_no_database(void);

#endif							/* TOKENAUTH_WORKER_H */
