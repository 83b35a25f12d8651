/*-------------------------------------------------------------------------
 *
 * worker.h
 *		The transient background workers of tokenauth.
 *
 * Each is started by the launcher for one table and one thing: to write its
 * last uses, or to load its tokens.  That can run code of the table's owner.  So
 * the worker makes the owner the session's user once it has connected, and no
 * code of another owner runs later in the same process, where it could meet what
 * the first has left behind.
 *
 * A worker finds its task in bgw_extra, and reports in shared memory, where
 * there is one place for each kind.  A worker that the launcher has given up, or
 * one of an earlier launcher, may still be there beside the next one of its
 * kind; its reports are ignored, because its run is not the present one.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_WORKER_H
#define TOKENAUTH_WORKER_H

#include "postmaster/bgworker.h"

typedef enum WorkerKind
{
	WORKER_FLUSH,				/* bgw_main_arg is a database's OID */
	WORKER_WARM,				/* bgw_main_arg is an index in warm.h */
	WORKER_KINDS
} WorkerKind;

typedef struct WorkerTask
{
	uint32		run;			/* by worker_describe() */
	Oid			table;			/* warming: the one before, in order of OIDs */
	uint64		limit;			/* warming: so many tokens at most */
} WorkerTask;

/* The launcher reads what a worker of the present run has written. */
typedef struct WorkerReport
{
	uint32		run;			/* that it is of */
	volatile bool not_started;	/* there is no room for one more process */
	volatile bool connected;	/* to its database */
	volatile bool no_database;	/* there is none of that name or OID */
	volatile bool done;			/* with all that it could do */
	volatile bool has_more;		/* it has used up its time */
	volatile Oid table;			/* warming: its table; InvalidOid: no more */
	volatile uint64 loaded;		/* tokens */
	volatile bool judging;		/* warming: tokens, not fetching them */
	volatile uint64 beats;		/* moves on as long as there is progress */
} WorkerReport;

extern Size worker_shmem_size(void);
extern void worker_shmem_init(void *area, bool found);

/* What all our background workers have in common. */
extern void worker_init(BackgroundWorker *worker, const char *function,
						const char *name, int restart_time);

/*
 * Begin a new run of a kind: clear its report, and fill in all that the
 * postmaster needs to start a worker for the task.
 */
extern void worker_describe(WorkerKind kind, Datum arg, const WorkerTask *task,
							BackgroundWorker *worker);

extern const WorkerReport *worker_report(WorkerKind kind);

/* The worker that was described could not be started; could the last one not? */
extern void worker_not_started(WorkerKind kind);
extern bool worker_is_lacking(WorkerKind kind);

#endif							/* TOKENAUTH_WORKER_H */
