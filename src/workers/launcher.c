/*-------------------------------------------------------------------------
 *
 * launcher.c
 *		The background worker that starts the others.
 *
 * The launcher runs as long as the server does, connected to no database, so
 * that none is kept from being dropped.  Whenever there is something to do in
 * a database it starts a worker there, waits for it to end, and goes on: one
 * at a time, so that max_worker_processes has to provide for two.  Workers are
 * started to
 *
 *	warm	after a start, in each of tokenauth.warm_databases
 *	flush	each tokenauth.last_used_flush, and sooner if room is getting scarce,
 *			in each database of which uses are noted
 *
 * On a standby it only warms.  If a worker finds its database dropped, what is
 * noted of that is forgotten.
 *
 * When the server stops, no worker can be started any more.  So the launcher
 * then connects to the database of which most is noted, and writes that; what
 * is left is written after the next start (last_used.c).
 *
 * As in core's logical replication launcher, the exit status is 1 whenever
 * the launcher ends: that makes the postmaster start it anew.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xlog.h"
#include "base/compat.h"
#include "base/guc.h"
#include "cache/last_used.h"
#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "utils/guc.h"
#include "workers/background.h"
#include "workers/flush.h"
#include "workers/launcher.h"
#include "workers/warm.h"
#include "workers/worker.h"

#define RESTART_AFTER_S			5
#define MIN_FLUSH_INTERVAL_MS	1000
#define WARM_TRIES				10
#define WARM_RETRY_MS			500
#define MAX_DATABASES			256 /* flushed in one turn */

extern TOKENAUTH_EXPORT void tokenauth_launcher_main(Datum arg);

/* A worker that may use SQL, once the server takes connections. */
static void
init_worker(BackgroundWorker *worker, const char *function, const char *what,
			int restart_time)
{
	memset(worker, 0, sizeof(*worker));
	worker->bgw_flags = BGWORKER_SHMEM_ACCESS |
		BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker->bgw_start_time = BgWorkerStart_ConsistentState;
	worker->bgw_restart_time = restart_time;
	strlcpy(worker->bgw_library_name, "tokenauth", sizeof(worker->bgw_library_name));
	strlcpy(worker->bgw_function_name, function, sizeof(worker->bgw_function_name));
	snprintf(worker->bgw_name, BGW_MAXLEN, "tokenauth %s", what);
	snprintf(worker->bgw_type, BGW_MAXLEN, "tokenauth %s", what);
}

/* Start a worker and wait for its end.  False if none could be started. */
static bool
run_worker(const char *function, const char *what, Datum arg)
{
	static bool complained = false;
	BackgroundWorker worker;
	BackgroundWorkerHandle *handle;
	uint32		run;

	init_worker(&worker, function, what, BGW_NEVER_RESTART);
	worker.bgw_main_arg = arg;
	worker.bgw_notify_pid = MyProcPid;

	run = worker_begin_run();
	memcpy(worker.bgw_extra, &run, sizeof(run));
	if (!RegisterDynamicBackgroundWorker(&worker, &handle))
	{
		if (!complained)
			ereport(LOG,
					(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
					 errmsg("tokenauth could not start a worker for %s", what),
					 errhint("You might need to increase max_worker_processes.")));
		complained = true;		/* once is enough */
		return false;
	}
	complained = false;
	if (WaitForBackgroundWorkerShutdown(handle) == BGWH_POSTMASTER_DIED)
		proc_exit(1);
	pfree(handle);
	return true;
}

/* The databases of which uses are noted; returns how many. */
static int
noted_databases(Oid *database, int *nuses)
{
	int			n = 0;
	uint32		cursor = 0;
	NotedUse	use;

	while (last_used_next(InvalidOid, InvalidOid, &cursor, &use))
	{
		int			i = 0;

		while (i < n && database[i] != use.token.database)
			i++;
		if (i == MAX_DATABASES)
			continue;			/* its turn will come */
		if (i == n)
		{
			database[n] = use.token.database;
			nuses[n++] = 0;
		}
		nuses[i]++;
	}
	return n;
}

/* Nothing of this database could be written: not now, or not ever again. */
static void
leave_database(Oid database, bool is_gone)
{
	uint32		cursor = 0;
	NotedUse	use;

	while (last_used_next(database, InvalidOid, &cursor, &use))
		if (is_gone)
			last_used_forget(&use);
		else
			(void) last_used_failed(&use);
}

static void
flush_databases(void)
{
	Oid			database[MAX_DATABASES];
	int			nuses[MAX_DATABASES];
	int			n;

	if (RecoveryInProgress())
		return;
	n = noted_databases(database, nuses);
	for (int i = 0; i < n && !ShutdownRequestPending; i++)
		if (run_worker(WORKER_FLUSH, "last use",
					   ObjectIdGetDatum(database[i])) &&
			!worker_has_connected() && !ShutdownRequestPending)
			leave_database(database[i], worker_found_no_database());
}

static void
flush_at_stop(void)
{
	Oid			database[MAX_DATABASES];
	int			nuses[MAX_DATABASES];
	int			n = RecoveryInProgress() ? 0 : noted_databases(database, nuses);
	int			most = 0;

	if (n == 0)
		return;
	for (int i = 1; i < n; i++)
		if (nuses[i] > nuses[most])
			most = i;
	background_use_own_settings();
	BackgroundWorkerInitializeConnectionByOid(database[most], InvalidOid, 0);
	flush_database();
}

/* Sleep, unless there is something to be done first. */
static void
nap(long ms)
{
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
					 ms, TOKENAUTH_WAIT_EVENT_LAUNCHER);
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
}

/*
 * Have a database's tokens loaded, again if it fails, but not for ever:
 * tokenauth_ready() waits for it, and only speed depends on it.
 */
static void
have_warmed(int index)
{
	for (int try = 1; !ShutdownRequestPending; try++)
	{
		bool		ran = run_worker(WORKER_WARM, "warming",
									 Int32GetDatum(index));
		instr_time	end;

		if (warm_state(index) == WARM_ENDED || ShutdownRequestPending)
			return;
		if ((ran && worker_found_no_database()) || try == WARM_TRIES)
			break;
		INSTR_TIME_SET_CURRENT(end);
		while (!ShutdownRequestPending && background_ms_since(end) < WARM_RETRY_MS)
			nap(WARM_RETRY_MS);
	}
	if (ShutdownRequestPending)
		return;
	ereport(LOG,
			(errmsg("tokenauth gave up loading the tokens of database \"%s\"",
					warm_database(index))));
	warm_set_state(index, WARM_ENDED);
}

/*
 * Wait until it is time to write again: when the interval has passed, or when
 * room is getting scarce, but then not at once: a table that cannot be written
 * must not keep us busy.  Returns early to stop.
 *
 * The signal to wake up may have come while we waited for a worker.
 */
static void
wait_for_turn(void)
{
	instr_time	start;
	bool		hurry = false;

	INSTR_TIME_SET_CURRENT(start);
	while (!ShutdownRequestPending)
	{
		long		wanted;
		long		passed;

		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
		}
		hurry |= last_used_was_scarce();
		wanted = hurry ? Min(MIN_FLUSH_INTERVAL_MS, guc_last_used_flush) :
			guc_last_used_flush;
		passed = background_ms_since(start);
		if (passed >= wanted)
			return;
		nap(wanted - passed);
	}
}

/* A callback of before_shmem_exit. */
static void
sign_off(int code, Datum arg)
{
	last_used_set_writer(NULL);
}

void
tokenauth_launcher_main(Datum arg)
{
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
	BackgroundWorkerUnblockSignals();

	before_shmem_exit(sign_off, (Datum) 0);
	last_used_set_writer(MyLatch);
	for (int i = 0; i < warm_count(); i++)
		if (warm_state(i) != WARM_ENDED)
			have_warmed(i);
	while (!ShutdownRequestPending)
	{
		flush_databases();
		wait_for_turn();
	}
	flush_at_stop();
	proc_exit(1);
}

void
launcher_register(void)
{
	BackgroundWorker worker;

	/* pg_upgrade wants nothing to be written */
	if (IsBinaryUpgrade)
		return;

	/* flush_at_stop() uses the connection */
	init_worker(&worker, "tokenauth_launcher_main", "launcher",
				RESTART_AFTER_S);
	RegisterBackgroundWorker(&worker);
}
