/*-------------------------------------------------------------------------
 *
 * job.h
 *		A worker that the launcher has started, until it ends.
 *
 * A worker can run a user's trigger, and that can sleep and catch its
 * cancellation.  So the launcher says when the time of a job is over, and then
 * the worker is terminated, which no SQL can catch.  A worker that the server
 * cannot interrupt at all, in a loop in C or PL/Perl, is left alone, and the
 * launcher goes on without it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_JOB_H
#define TOKENAUTH_JOB_H

#include "portability/instr_time.h"
#include "workers/worker.h"

typedef struct Job
{
	WorkerKind	kind;
	Datum		arg;			/* as worker.h has it for this kind */
	WorkerTask	task;
	BackgroundWorkerHandle *handle; /* NULL: it does not run */
	instr_time	start;
	bool		terminated;
	instr_time	end;			/* when it was terminated */
} Job;

typedef enum JobState
{
	JOB_RUNS,
	JOB_ENDED,
	JOB_HELD					/* it had to be terminated, or left alone */
} JobState;

/*
 * Start a worker for what is in kind, arg and task.  False, and a line in the
 * log for the first of several, if there is no room for one.
 */
extern bool job_start(Job *job);

/* What has become of a job that runs; if its time is over, see to its end. */
extern JobState job_watch(Job *job, bool is_over);

/* Is there a worker of this kind, left alone, that still has that table? */
extern bool job_is_stuck(WorkerKind kind, Datum arg, Oid table);

#endif							/* TOKENAUTH_JOB_H */
