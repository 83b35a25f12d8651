/*-------------------------------------------------------------------------
 *
 * launcher.c
 *		The background worker that starts the others.
 *
 * The launcher runs as long as the server does, connected to no database, so
 * that none is kept from being dropped, and runs no code of users.  It starts
 * workers (worker.h), at most one of each kind at a time, so that
 * max_worker_processes has to provide for three:
 *
 *	flush	writes last uses into a table (flush_turns.h)
 *	warm	loads a table's tokens after a start (warm_turns.h)
 *
 * On a standby it only warms.
 *
 * When the server stops, nothing more is written into tables, because a stop
 * must not depend on what a trigger does.  What is noted is kept in a file and
 * written after the next start (last_used.c).
 *
 * As in core's logical replication launcher, the exit status is 1 whenever
 * the launcher ends: that makes the postmaster start it anew.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include "cache/last_used.h"
#include "miscadmin.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "utils/guc.h"
#include "workers/flush_turns.h"
#include "workers/launcher.h"
#include "workers/warm_turns.h"
#include "workers/worker.h"

#define RESTART_AFTER_S			5

extern TOKENAUTH_EXPORT void tokenauth_launcher_main(Datum arg);

/* Sleep, unless there is something to be done first. */
static void
nap(long ms)
{
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
					 ms, TOKENAUTH_WAIT_EVENT_LAUNCHER);
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
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
	while (!ShutdownRequestPending)
	{
		long		until_warm;
		long		until_flush;

		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
		}
		until_warm = warm_turns_advance();
		until_flush = flush_turns_advance();
		nap(Max(Min(until_warm, until_flush), 1));
	}
	proc_exit(1);
}

void
launcher_register(void)
{
	BackgroundWorker worker;

	/* pg_upgrade wants nothing to be written */
	if (IsBinaryUpgrade)
		return;

	worker_init(&worker, "tokenauth_launcher_main", "tokenauth launcher",
				RESTART_AFTER_S);
	RegisterBackgroundWorker(&worker);
}
