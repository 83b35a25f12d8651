/*-------------------------------------------------------------------------
 *
 * job.c
 *		A worker that the launcher has started, until it ends.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/ipc.h"
#include "workers/background.h"
#include "workers/job.h"

/* Time that a worker has to end once it is terminated. */
#define GRACE_MS			5000

/* Workers that did not. */
#define MAX_STUCK			4

typedef struct StuckWorker
{
	WorkerKind	kind;
	Datum		arg;
	Oid			table;
	BackgroundWorkerHandle *handle;
} StuckWorker;

static StuckWorker stuck[MAX_STUCK];
static int	nstuck = 0;

bool
job_start(Job *job)
{
	static bool complained = false;
	BackgroundWorker worker;

	worker_describe(job->kind, job->arg, &job->task, &worker);
	worker.bgw_notify_pid = MyProcPid;
	if (!RegisterDynamicBackgroundWorker(&worker, &job->handle))
	{
		job->handle = NULL;
		worker_not_started(job->kind);
		if (!complained)
			ereport(LOG,
					(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
					 errmsg("could not start a worker \"%s\"", worker.bgw_name),
					 errhint("You might need to increase max_worker_processes.")));
		complained = true;		/* once is enough */
		return false;
	}
	complained = false;
	job->terminated = false;
	INSTR_TIME_SET_CURRENT(job->start);
	return true;
}

static bool
has_stopped(BackgroundWorkerHandle *handle)
{
	pid_t		pid;

	switch (GetBackgroundWorkerPid(handle, &pid))
	{
		case BGWH_STOPPED:
			return true;
		case BGWH_POSTMASTER_DIED:
			proc_exit(1);
		case BGWH_STARTED:
		case BGWH_NOT_YET_STARTED:
			break;
	}
	return false;
}

/* False if there are too many of these already: then it is waited for. */
static bool
leave_alone(Job *job)
{
	if (nstuck == MAX_STUCK)
		return false;
	stuck[nstuck].kind = job->kind;
	stuck[nstuck].arg = job->arg;
	stuck[nstuck].table = job->task.table;
	stuck[nstuck].handle = job->handle;
	nstuck++;
	job->handle = NULL;
	return true;
}

JobState
job_watch(Job *job, bool is_over)
{
	if (has_stopped(job->handle))
	{
		pfree(job->handle);
		job->handle = NULL;
		return job->terminated ? JOB_HELD : JOB_ENDED;
	}
	if (is_over && !job->terminated)
	{
		TerminateBackgroundWorker(job->handle);
		job->terminated = true;
		INSTR_TIME_SET_CURRENT(job->end);
	}
	if (job->terminated && background_ms_since(job->end) >= GRACE_MS &&
		leave_alone(job))
		return JOB_HELD;
	return JOB_RUNS;
}

bool
job_is_stuck(WorkerKind kind, Datum arg, Oid table)
{
	bool		found = false;

	for (int i = nstuck - 1; i >= 0; i--)
	{
		if (has_stopped(stuck[i].handle))
		{
			pfree(stuck[i].handle);
			stuck[i] = stuck[--nstuck];
		}
		else if (stuck[i].kind == kind && stuck[i].arg == arg &&
				 stuck[i].table == table)
			found = true;
	}
	return found;
}
