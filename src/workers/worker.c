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
#include "cache/cache.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "tcop/tcopprot.h"
#include "utils/memutils.h"
#include "workers/background.h"
#include "workers/flush.h"
#include "workers/warm.h"
#include "workers/worker.h"

extern TOKENAUTH_EXPORT void tokenauth_flush_main(Datum arg);
extern TOKENAUTH_EXPORT void tokenauth_warm_main(Datum arg);

/* What the present run's worker has to tell the launcher. */
typedef struct WorkerReport
{
	uint32		run;			/* that it is of */
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

uint32
worker_begin_run(void)
{
	report->run++;				/* first: an older run's reports no longer count */
	report->connected = report->no_database = false;
	return report->run;
}

bool
worker_has_connected(void)
{
	return report->connected;
}

bool
worker_found_no_database(void)
{
	return report->no_database;
}

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
	background_use_own_settings();
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
							   background_is_unwanted);
}

/* False if there is reason to try again. */
static bool
load_tables(WarmTurn *turn)
{
	bool		done = background_in_transaction(list_tables, turn, true);
	ListCell   *lc;

	foreach(lc, turn->tables)
	{
		if (background_is_unwanted())
			return false;
		turn->table = lfirst_oid(lc);
		done &= background_in_transaction(load_table, turn, true);
	}
	return done && !background_is_unwanted();
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
