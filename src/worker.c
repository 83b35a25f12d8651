/*-------------------------------------------------------------------------
 *
 * worker.c
 *		The background workers of tokenauth, and
 *		SQL: tokenauth_flush_last_used().
 *
 * The launcher runs as long as the server does, connected to no database, so
 * that none is kept from being dropped.  Whenever there is something to do in
 * a database it starts a worker there, waits for it to end, and goes on: one
 * at a time, so that max_worker_processes has to provide for two.  What it
 * has them do:
 *
 *	warm	after a start, in each of tokenauth.warm_databases
 *	flush	each tokenauth.last_used_flush, and sooner where room is getting
 *			scarce, in each database of which uses are noted
 *
 * On a standby it only warms.
 *
 * A worker may be killed at any time.  What it had not written stays noted,
 * and the launcher starts another one at the next turn; the launcher itself
 * is started anew by the postmaster.  A database that a worker could not even
 * connect to has been dropped: what is noted of it is forgotten.
 *
 * When the server stops, workers can be started no more.  So the launcher then
 * connects itself to the database of which most is noted, and writes that; what
 * is left is written after the next start (last_used.c).
 *
 * As in core's logical replication launcher, the exit status is 1 whenever
 * the launcher ends: that makes the postmaster start it anew.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_database.h"
#include "compat.h"
#include "guc.h"
#include "last_used.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/lmgr.h"
#include "storage/proc.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "warm.h"
#include "worker.h"
#include "writeback.h"

#define RESTART_AFTER_S			5
#define MIN_FLUSH_INTERVAL_MS	1000
#define WARM_TRIES				3
#define MAX_DATABASES			256 /* flushed in one turn */

/* Longer than anything that a worker waits for ought to take. */
#define LOCK_TIMEOUT			"1s"

extern TOKENAUTH_EXPORT void tokenauth_launcher_main(Datum arg);
extern TOKENAUTH_EXPORT void tokenauth_flush_main(Datum arg);
extern TOKENAUTH_EXPORT void tokenauth_warm_main(Datum arg);

/* How far the one worker has come, for the launcher to see. */
typedef enum Progress
{
	PROGRESS_STARTED,
	PROGRESS_CONNECTED,
	PROGRESS_DONE
} Progress;

static volatile Progress *progress = NULL;

Size
worker_shmem_size(void)
{
	return sizeof(Progress);
}

void
worker_shmem_init(void *area, bool found)
{
	progress = area;
	if (!found)
		*progress = PROGRESS_STARTED;
}

/* ---------- the work ---------- */

/* Write what is noted of a table in the caller's transaction. */
static uint64
flush_in_transaction(Oid table, Writeback *batch)
{
	uint32		cursor = 0;
	uint64		written = 0;

	while (writeback_gather(table, &cursor, batch))
		written += writeback_write(batch);
	return written;
}

/* Write a batch in a transaction of its own.  An error is logged, no more. */
static void
write_batch(Writeback *batch)
{
	PG_TRY();
	{
		StartTransactionCommand();
		PushActiveSnapshot(GetTransactionSnapshot());
		(void) writeback_write(batch);
		PopActiveSnapshot();
		CommitTransactionCommand();
		writeback_settle(batch);
	}
	PG_CATCH();
	{
		EmitErrorReport();
		AbortCurrentTransaction();
		FlushErrorState();
		writeback_failed(batch);
	}
	PG_END_TRY();
}

/* Is somebody dropping, or otherwise busy with, the database as a whole? */
static bool
database_is_wanted(void)
{
	LOCKTAG		tag;

	SET_LOCKTAG_OBJECT(tag, InvalidOid, DatabaseRelationId, MyDatabaseId, 0);
	if (LockAcquire(&tag, RowExclusiveLock, false, true) == LOCKACQUIRE_NOT_AVAIL)
		return true;
	LockRelease(&tag, RowExclusiveLock, false);
	return false;
}

/* All that is noted of the database connected to. */
static void
flush_database(void)
{
	MemoryContext context = AllocSetContextCreate(TopMemoryContext,
												  "tokenauth flush",
												  ALLOCSET_DEFAULT_SIZES);
	Writeback  *batch;
	List	   *tables;
	ListCell   *lc;

	MemoryContextSwitchTo(context);
	batch = palloc(sizeof(Writeback));
	tables = writeback_tables();
	foreach(lc, tables)
	{
		uint32		cursor = 0;

		while (writeback_gather(lfirst_oid(lc), &cursor, batch))
		{
			CHECK_FOR_INTERRUPTS();
			if (database_is_wanted())
				return;
			write_batch(batch);
			MemoryContextSwitchTo(context);
		}
	}
	MemoryContextDelete(context);
}

/*
 * What a database or the configuration file may have set for sessions of
 * users is not for workers.
 */
static void
use_own_settings(void)
{
	static const struct
	{
		const char *name;
		const char *value;
	}			settings[] = {
		{"default_transaction_isolation", "read committed"},
		{"default_transaction_read_only", "off"},
		{"default_transaction_deferrable", "off"},
		{"lock_timeout", LOCK_TIMEOUT},
		{"session_replication_role", "origin"},
		{"statement_timeout", "0"},
		/* what has been seen must outlive a crash; no standby is waited for */
		{"synchronous_commit", "local"},
	};

	for (int i = 0; i < (int) lengthof(settings); i++)
		SetConfigOption(settings[i].name, settings[i].value, PGC_SUSET,
						PGC_S_OVERRIDE);
}

/* ---------- transient workers ---------- */

static void
become_worker(void)
{
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	*progress = PROGRESS_STARTED;
}

void
tokenauth_flush_main(Datum arg)
{
	become_worker();
	BackgroundWorkerInitializeConnectionByOid(DatumGetObjectId(arg), InvalidOid,
											  0);
	*progress = PROGRESS_CONNECTED;
	use_own_settings();
	pgstat_report_activity(STATE_RUNNING, "tokenauth: writing last uses");
	flush_database();
	*progress = PROGRESS_DONE;
}

void
tokenauth_warm_main(Datum arg)
{
	int			index = DatumGetInt32(arg);
	uint64		loaded;

	become_worker();
	BackgroundWorkerInitializeConnection(warm_database(index), NULL, 0);
	*progress = PROGRESS_CONNECTED;
	warm_set_state(index, WARM_RUNNING);
	use_own_settings();
	pgstat_report_activity(STATE_RUNNING, "tokenauth: warming");

	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	loaded = warm_this_database();
	PopActiveSnapshot();
	CommitTransactionCommand();

	ereport(LOG,
			(errmsg("tokenauth loaded " UINT64_FORMAT " tokens of database \"%s\"",
					loaded, warm_database(index))));
	*progress = PROGRESS_DONE;
}

/* ---------- the launcher ---------- */

/* Start a worker and wait for its end.  False if none could be started. */
static bool
run_worker(const char *function, const char *what, Datum arg)
{
	BackgroundWorker worker = {0};
	BackgroundWorkerHandle *handle;

	worker.bgw_flags = BGWORKER_SHMEM_ACCESS |
		BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_ConsistentState;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	strlcpy(worker.bgw_library_name, "tokenauth", sizeof(worker.bgw_library_name));
	strlcpy(worker.bgw_function_name, function, sizeof(worker.bgw_function_name));
	snprintf(worker.bgw_name, BGW_MAXLEN, "tokenauth %s", what);
	snprintf(worker.bgw_type, BGW_MAXLEN, "tokenauth %s", what);
	worker.bgw_main_arg = arg;
	worker.bgw_notify_pid = MyProcPid;

	*progress = PROGRESS_STARTED;
	if (!RegisterDynamicBackgroundWorker(&worker, &handle))
	{
		ereport(LOG,
				(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				 errmsg("tokenauth could not start a worker for %s", what),
				 errhint("You might need to increase max_worker_processes.")));
		return false;
	}
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

static void
forget_database(Oid database)
{
	uint32		cursor = 0;
	NotedUse	use;

	while (last_used_next(database, InvalidOid, &cursor, &use))
		last_used_forget(&use);
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
		if (run_worker("tokenauth_flush_main", "last use",
					   ObjectIdGetDatum(database[i])) &&
			*progress == PROGRESS_STARTED && !ShutdownRequestPending)
			forget_database(database[i]);
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
	BackgroundWorkerInitializeConnectionByOid(database[most], InvalidOid, 0);
	use_own_settings();
	flush_database();
}

static void
warm_databases(void)
{
	for (int i = 0; i < warm_count(); i++)
	{
		int			tries = 0;

		while (warm_state(i) != WARM_ENDED && !ShutdownRequestPending)
		{
			if (run_worker("tokenauth_warm_main", "warming", Int32GetDatum(i)) &&
				(*progress != PROGRESS_CONNECTED || ++tries == WARM_TRIES))
				warm_set_state(i, WARM_ENDED);
			else
				(void) WaitLatch(MyLatch,
								 WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
								 MIN_FLUSH_INTERVAL_MS,
								 TOKENAUTH_WAIT_EVENT_LAUNCHER);
		}
	}
}

/*
 * Wait until it is time to write again: when the interval has passed, or when
 * room is getting scarce, but then not at once, lest a table that cannot be
 * written keep us busy.  Returns early to stop.
 */
static void
wait_for_turn(void)
{
	TimestampTz start = GetCurrentTimestamp();
	bool		hurry = false;

	while (!ShutdownRequestPending)
	{
		long		passed = TimestampDifferenceMilliseconds(start,
															 GetCurrentTimestamp());
		long		left = (hurry ? Min(MIN_FLUSH_INTERVAL_MS, guc_last_used_flush) :
								   guc_last_used_flush) - passed;

		if (left <= 0)
			return;
		(void) WaitLatch(MyLatch,
						 WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 left, TOKENAUTH_WAIT_EVENT_LAUNCHER);
		ResetLatch(MyLatch);
		hurry |= last_used_was_scarce();
		CHECK_FOR_INTERRUPTS();
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
		}
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
	warm_databases();
	while (!ShutdownRequestPending)
	{
		flush_databases();
		wait_for_turn();
	}
	flush_at_stop();
	proc_exit(1);
}

void
worker_register(void)
{
	BackgroundWorker worker = {0};

	/* pg_upgrade wants nothing to be written */
	if (IsBinaryUpgrade)
		return;

	/* flush_at_stop() makes use of the connection */
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS |
		BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_ConsistentState;
	worker.bgw_restart_time = RESTART_AFTER_S;
	strlcpy(worker.bgw_library_name, "tokenauth", sizeof(worker.bgw_library_name));
	strlcpy(worker.bgw_function_name, "tokenauth_launcher_main",
			sizeof(worker.bgw_function_name));
	strlcpy(worker.bgw_name, "tokenauth launcher", BGW_MAXLEN);
	strlcpy(worker.bgw_type, "tokenauth launcher", BGW_MAXLEN);
	RegisterBackgroundWorker(&worker);
}

/* ---------- SQL ---------- */

/*
 * tokenauth_flush_last_used() returns bigint
 *
 * Write what is noted of this database in the caller's transaction, and return
 * how many rows that has changed.  The workers forget it later, for nobody
 * knows here whether the transaction will commit.
 */
TOKENAUTH_FUNCTION(tokenauth_flush_last_used);
Datum
tokenauth_flush_last_used(PG_FUNCTION_ARGS)
{
	Writeback  *batch = palloc(sizeof(Writeback));
	uint64		written = 0;
	List	   *tables = writeback_tables();
	ListCell   *lc;

	foreach(lc, tables)
		written += flush_in_transaction(lfirst_oid(lc), batch);
	PG_RETURN_INT64((int64) written);
}
