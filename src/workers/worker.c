/*-------------------------------------------------------------------------
 *
 * worker.c
 *		The transient background workers of tokenauth.
 *
 * A worker may be killed at any time.  What it had not written stays noted,
 * and the launcher starts another one at the next turn.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include "pgstat.h"
#include "storage/lmgr.h"
#include "tcop/tcopprot.h"
#include "workers/background.h"
#include "workers/flush.h"
#include "workers/warm.h"
#include "workers/worker.h"

extern TOKENAUTH_EXPORT void tokenauth_flush_main(Datum arg);
extern TOKENAUTH_EXPORT void tokenauth_warm_main(Datum arg);

static const struct
{
	const char *function;
	const char *name;
}			kinds[WORKER_KINDS] = {
	[WORKER_FLUSH] = {"tokenauth_flush_main", "tokenauth last use"},
	[WORKER_WARM] = {"tokenauth_warm_main", "tokenauth warming"},
};

static WorkerReport *reports = NULL;

/* This worker's. */
static WorkerTask my_task;
static WorkerReport *my_report = NULL;
static emit_log_hook_type prev_emit_log_hook = NULL;

StaticAssertDecl(sizeof(WorkerTask) <= BGW_EXTRALEN, "a task must fit");

Size
worker_shmem_size(void)
{
	return WORKER_KINDS * sizeof(WorkerReport);
}

void
worker_shmem_init(void *area, bool found)
{
	reports = area;
	if (!found)
		memset(area, 0, worker_shmem_size());
}

void
worker_init(BackgroundWorker *worker, const char *function, const char *name,
			int restart_time)
{
	memset(worker, 0, sizeof(*worker));
	/* only processes that may connect are signaled when a worker ends */
	worker->bgw_flags = BGWORKER_SHMEM_ACCESS |
		BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker->bgw_start_time = BgWorkerStart_ConsistentState;
	worker->bgw_restart_time = restart_time;
	strlcpy(worker->bgw_library_name, "tokenauth",
			sizeof(worker->bgw_library_name));
	strlcpy(worker->bgw_function_name, function,
			sizeof(worker->bgw_function_name));
	strlcpy(worker->bgw_name, name, BGW_MAXLEN);
	strlcpy(worker->bgw_type, name, BGW_MAXLEN);
}

void
worker_describe(WorkerKind kind, Datum arg, const WorkerTask *task,
				BackgroundWorker *worker)
{
	WorkerReport *report = &reports[kind];
	WorkerTask	numbered = *task;
	uint32		run = report->run + 1;

	report->run = run;			/* first: an older run's reports no longer count */
	memset(report, 0, sizeof(*report));
	report->run = numbered.run = run;

	worker_init(worker, kinds[kind].function, kinds[kind].name,
				BGW_NEVER_RESTART);
	worker->bgw_main_arg = arg;
	memcpy(worker->bgw_extra, &numbered, sizeof(numbered));
}

const WorkerReport *
worker_report(WorkerKind kind)
{
	return &reports[kind];
}

void
worker_not_started(WorkerKind kind)
{
	reports[kind].not_started = true;
}

bool
worker_is_lacking(WorkerKind kind)
{
	return reports != NULL && reports[kind].not_started;
}

/* ---------- in the worker ---------- */

/* May this worker still report? */
static bool
is_heard(void)
{
	return my_report->run == my_task.run;
}

/* An emit_log_hook: no error tells us why there is no connection. */
static void
notice_error(ErrorData *error)
{
	if (error->sqlerrcode == ERRCODE_UNDEFINED_DATABASE && is_heard() &&
		!my_report->connected)
		my_report->no_database = true;
	if (prev_emit_log_hook)
		prev_emit_log_hook(error);
}

static void
begin_worker(WorkerKind kind)
{
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	memcpy(&my_task, MyBgworkerEntry->bgw_extra, sizeof(my_task));
	my_report = &reports[kind];
	prev_emit_log_hook = emit_log_hook;
	emit_log_hook = notice_error;
}

static void
is_connected(const char *activity)
{
	if (is_heard())
		my_report->connected = true;
	pgstat_report_activity(STATE_RUNNING, activity);
}

static void
report_end(bool done, bool has_more)
{
	if (!is_heard())
		return;
	my_report->done = done;
	my_report->has_more = has_more;
}

void
tokenauth_flush_main(Datum arg)
{
	bool		has_more = false;

	begin_worker(WORKER_FLUSH);
	background_connect(DatumGetObjectId(arg), NULL);
	is_connected("tokenauth: writing last uses");
	if (background_become_owner(my_task.table))
		has_more = !flush_table(my_task.table);
	report_end(true, has_more);
}

/* The work of a transaction; arg is a pointer to an OID. */
static void
choose_table(void *arg)
{
	*(Oid *) arg = warm_next_table(my_task.table);
}

/* A WarmProgress. */
static bool
tell_progress(bool judging, uint64 loaded)
{
	if (is_heard())
	{
		my_report->loaded = loaded;
		my_report->judging = judging;
		my_report->beats++;
	}
	return !background_is_unwanted();
}

/* The work of a transaction; arg is a pointer to an OID. */
static void
load_table(void *arg)
{
	Oid			table = *(Oid *) arg;

	LockRelationOid(table, AccessShareLock);
	if (background_is_owner(table))
		(void) warm_table(table, my_task.limit, tell_progress);
}

void
tokenauth_warm_main(Datum arg)
{
	Oid			table = InvalidOid;
	bool		done;

	begin_worker(WORKER_WARM);
	background_connect(InvalidOid, warm_database(DatumGetInt32(arg)));
	is_connected("tokenauth: warming");
	done = background_in_transaction(choose_table, &table, true);
	if (is_heard())
		my_report->table = table;
	if (OidIsValid(table))
		done = background_become_owner(table) &&
			background_in_transaction(load_table, &table, true) &&
			!background_is_unwanted();
	report_end(done, false);
}
