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
 * is started anew by the postmaster.  If a worker finds its database dropped,
 * what is noted of that is forgotten.
 *
 * Tables, and with them triggers, are somebody else's.  What one of them does,
 * be it to fail each time or to sleep, must not cost others their last uses:
 * a batch has BATCH_TIMEOUT_MS to end in, and one that fails is split, until
 * the rows that cannot be written are alone.
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
#include "cache.h"
#include "catalog/pg_database.h"
#include "commands/trigger.h"
#include "compat.h"
#include "guc.h"
#include "last_used.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "pgstat.h"
#include "portability/instr_time.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/lmgr.h"
#include "storage/proc.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timeout.h"
#include "warm.h"
#include "worker.h"
#include "writeback.h"

#define RESTART_AFTER_S			5
#define MIN_FLUSH_INTERVAL_MS	1000
#define WARM_TRIES				10
#define WARM_RETRY_MS			500
#define MAX_DATABASES			256 /* flushed in one turn */

/* Longer than anything that a worker waits for ought to take. */
#define LOCK_TIMEOUT			"1s"

/* DROP DATABASE waits 5 s for others to leave. */
#define BATCH_TIMEOUT_MS		3000

/* With so much gone wrong, a table has to wait for its next turn. */
#define MAX_ERRORS				64
#define MAX_MS_WITH_ERRORS		5000

extern TOKENAUTH_EXPORT void tokenauth_launcher_main(Datum arg);
extern TOKENAUTH_EXPORT void tokenauth_flush_main(Datum arg);
extern TOKENAUTH_EXPORT void tokenauth_warm_main(Datum arg);

/*
 * What the one worker has to tell the launcher when it has ended.  There may be
 * a second one, of a launcher that was killed: it is not heard.
 */
typedef struct WorkerReport
{
	uint32		run;			/* whose it is */
	volatile bool connected;	/* to its database */
	volatile bool no_database;	/* there is none of that name or OID */
} WorkerReport;

static WorkerReport *report = NULL;

/* This worker's run, and the hook that was there before. */
static uint32 my_run = 0;
static emit_log_hook_type prev_emit_log_hook = NULL;

Size
worker_shmem_size(void)
{
	return sizeof(WorkerReport);
}

void
worker_shmem_init(void *area, bool found)
{
	report = area;
	if (!found)
		memset(area, 0, sizeof(WorkerReport));
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

static long
ms_since(instr_time start)
{
	instr_time	now;

	INSTR_TIME_SET_CURRENT(now);
	INSTR_TIME_SUBTRACT(now, start);
	return (long) INSTR_TIME_GET_MILLISEC(now);
}

/*
 * Do something in a transaction of its own.  False after an error, which is
 * logged, if so wished, and no more.
 */
static bool
in_transaction(void (*work) (void *arg), void *arg, bool log_error)
{
	MemoryContext caller = CurrentMemoryContext;
	volatile bool done = false;

	PG_TRY();
	{
		StartTransactionCommand();
		PushActiveSnapshot(GetTransactionSnapshot());
		work(arg);
		PopActiveSnapshot();
		CommitTransactionCommand();
		done = true;
	}
	PG_CATCH();
	{
		if (log_error)
			EmitErrorReport();
		AbortCurrentTransaction();
		FlushErrorState();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(caller);
	return done;
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

/* One table's turn to be written. */
typedef struct TableTurn
{
	int			nerrors;
	instr_time	start;			/* of the first batch with an error */
} TableTurn;

static bool
may_go_on(const TableTurn *turn)
{
	return turn->nerrors == 0 ||
		(turn->nerrors < MAX_ERRORS && !ShutdownRequestPending &&
		 ms_since(turn->start) < MAX_MS_WITH_ERRORS &&
		 !database_is_wanted());
}

/* The work of a batch's transaction. */
static void
write_noted(void *arg)
{
	ConstraintsSetStmt immediate = {.type = T_ConstraintsSetStmt};

	/* a deferred trigger may not run as the table's owner, see sandbox.h */
	AfterTriggerSetState(&immediate);
	(void) writeback_write((Writeback *) arg);
}

static void
write_batch(Writeback *batch, TableTurn *turn)
{
	bool		written;

	if (!may_go_on(turn))
	{
		writeback_failed(batch);
		return;
	}
	if (turn->nerrors == 0)
		INSTR_TIME_SET_CURRENT(turn->start);
	enable_timeout_after(STATEMENT_TIMEOUT, BATCH_TIMEOUT_MS);
	written = in_transaction(write_noted, batch, turn->nerrors == 0);
	disable_timeout(STATEMENT_TIMEOUT, false);
	QueryCancelPending = false; /* it may have come too late */
	if (written)
	{
		writeback_settle(batch);
		return;
	}

	turn->nerrors++;
	if (batch->nuses > 1)
	{
		Writeback  *rest = writeback_split(batch);

		write_batch(batch, turn);
		write_batch(rest, turn);
		pfree(rest);
	}
	else
		writeback_failed(batch);
}

/* All that is noted of the database connected to. */
static void
flush_database(void)
{
	Writeback  *batch = MemoryContextAlloc(TopMemoryContext, sizeof(Writeback));
	List	   *tables;
	ListCell   *lc;

	MemoryContextSwitchTo(TopMemoryContext);
	tables = writeback_tables();
	foreach(lc, tables)
	{
		uint32		cursor = 0;
		TableTurn	turn = {.nerrors = 0};

		while (writeback_gather(lfirst_oid(lc), &cursor, batch))
		{
			CHECK_FOR_INTERRUPTS();
			if (database_is_wanted())
				return;
			write_batch(batch, &turn);
		}
	}
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
#ifdef TOKENAUTH_HAS_TRANSACTION_TIMEOUT
		{"transaction_timeout", "0"},
#endif
	};

	for (int i = 0; i < (int) lengthof(settings); i++)
		SetConfigOption(settings[i].name, settings[i].value, PGC_SUSET,
						PGC_S_OVERRIDE);
}

/* ---------- transient workers ---------- */

/* An emit_log_hook: no error tells us why there is no connection. */
static void
notice_error(ErrorData *error)
{
	if (error->sqlerrcode == ERRCODE_UNDEFINED_DATABASE &&
		report->run == my_run && !report->connected)
		report->no_database = true;
	if (prev_emit_log_hook)
		prev_emit_log_hook(error);
}

static void
begin_worker(void)
{
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	memcpy(&my_run, MyBgworkerEntry->bgw_extra, sizeof(my_run));
	prev_emit_log_hook = emit_log_hook;
	emit_log_hook = notice_error;
	/* for the connecting, too: a database can be locked */
	use_own_settings();
}

static void
is_connected(const char *activity)
{
	if (report->run == my_run)
		report->connected = true;
	pgstat_report_activity(STATE_RUNNING, activity);
}

void
tokenauth_flush_main(Datum arg)
{
	begin_worker();
	BackgroundWorkerInitializeConnectionByOid(DatumGetObjectId(arg), InvalidOid,
											  0);
	is_connected("tokenauth: writing last uses");
	flush_database();
}

/* What a warming worker has to do, and has done. */
typedef struct WarmTurn
{
	List	   *tables;
	Oid			table;			/* of these, the one now */
	uint64		loaded;
} WarmTurn;

static void
list_tables(void *arg)
{
	WarmTurn   *turn = arg;
	MemoryContext caller = MemoryContextSwitchTo(TopMemoryContext);

	turn->tables = warm_tables();
	MemoryContextSwitchTo(caller);
}

static void
load_table(void *arg)
{
	WarmTurn   *turn = arg;

	turn->loaded += warm_table(turn->table, cache_capacity() - turn->loaded,
							   database_is_wanted);
}

/* False if there is reason to try again. */
static bool
load_tables(WarmTurn *turn)
{
	bool		done = in_transaction(list_tables, turn, true);
	ListCell   *lc;

	foreach(lc, turn->tables)
	{
		if (database_is_wanted())
			return false;
		turn->table = lfirst_oid(lc);
		done &= in_transaction(load_table, turn, true);
	}
	return done && !database_is_wanted();
}

void
tokenauth_warm_main(Datum arg)
{
	int			index = DatumGetInt32(arg);
	WarmTurn	turn = {NIL};

	begin_worker();
	BackgroundWorkerInitializeConnection(warm_database(index), NULL, 0);
	is_connected("tokenauth: warming");
	warm_set_state(index, WARM_RUNNING);
	if (!load_tables(&turn))
		return;
	ereport(LOG,
			(errmsg("tokenauth loaded " UINT64_FORMAT " tokens of database \"%s\"",
					turn.loaded, warm_database(index))));
	warm_set_state(index, WARM_ENDED);
}

/* ---------- the launcher ---------- */

/* Start a worker and wait for its end.  False if none could be started. */
static bool
run_worker(const char *function, const char *what, Datum arg)
{
	static bool complained = false;
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

	report->run++;
	report->connected = report->no_database = false;
	memcpy(worker.bgw_extra, &report->run, sizeof(report->run));
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
		if (run_worker("tokenauth_flush_main", "last use",
					   ObjectIdGetDatum(database[i])) &&
			!report->connected && !ShutdownRequestPending)
			leave_database(database[i], report->no_database);
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
	use_own_settings();
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
 * Have a database's tokens loaded, again and again if need be, but not for
 * ever: tokenauth_ready() waits for it, and it is only a matter of speed.
 */
static void
have_warmed(int index)
{
	for (int try = 1; !ShutdownRequestPending; try++)
	{
		bool		ran = run_worker("tokenauth_warm_main", "warming",
									 Int32GetDatum(index));
		instr_time	end;

		if (warm_state(index) == WARM_ENDED || ShutdownRequestPending)
			return;
		if ((ran && report->no_database) || try == WARM_TRIES)
			break;
		INSTR_TIME_SET_CURRENT(end);
		while (!ShutdownRequestPending && ms_since(end) < WARM_RETRY_MS)
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
 * room is getting scarce, but then not at once, lest a table that cannot be
 * written keep us busy.  Returns early to stop.
 *
 * What was to wake us may have come while a worker was waited for.
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
		passed = ms_since(start);
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
