/*-------------------------------------------------------------------------
 *
 * flush.c
 *		Writing all last uses that are noted of a table, and
 *		SQL: tokenauth_flush_last_used().
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/guc.h"
#include "base/sandbox.h"
#include "base/time_limit.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timeout.h"
#include "workers/background.h"
#include "workers/flush.h"
#include "workers/writeback.h"

/* DROP DATABASE waits 5 s for others to leave. */
#define BATCH_TIMEOUT_MS		3000

/* After so many errors the table has to wait for its next turn. */
#define MAX_ERRORS				64
#define MAX_MS_WITH_ERRORS		2000

/* After so much time, too, so that other tables have a turn. */
#define TURN_MS					2000

/* A table's turn to be written. */
typedef struct TableTurn
{
	int			nerrors;
	instr_time	first_error;
} TableTurn;

static bool
may_go_on(const TableTurn *turn)
{
	return turn->nerrors == 0 ||
		(turn->nerrors < MAX_ERRORS &&
		 background_ms_since(turn->first_error) < MAX_MS_WITH_ERRORS &&
		 !background_is_unwanted());
}

/* The work of a batch's transaction. */
static void
write_noted(void *arg)
{
	ConstraintsSetStmt immediate = {.type = T_ConstraintsSetStmt};
	Writeback  *batch = arg;

	/* a deferred trigger may not run as the table's owner, see sandbox.h */
	AfterTriggerSetState(&immediate);
	if (ConditionalLockRelationOid(batch->relation, RowExclusiveLock) &&
		background_is_owner(batch->relation))
		(void) writeback_write(batch);
	else
		writeback_leave(batch);
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
		INSTR_TIME_SET_CURRENT(turn->first_error);
	enable_timeout_after(STATEMENT_TIMEOUT, BATCH_TIMEOUT_MS);
	written = background_in_transaction(write_noted, batch, turn->nerrors == 0);
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

bool
flush_table(Oid table)
{
	Writeback  *batch = MemoryContextAlloc(TopMemoryContext, sizeof(Writeback));
	TableTurn	turn = {0};
	instr_time	start;
	uint32		cursor = 0;

	MemoryContextSwitchTo(TopMemoryContext);
	INSTR_TIME_SET_CURRENT(start);
	while (writeback_gather(table, &cursor, batch))
	{
		CHECK_FOR_INTERRUPTS();
		if (background_is_unwanted())
			return true;
		if (background_ms_since(start) >= TURN_MS)
			return false;
		write_batch(batch, &turn);
	}
	return true;
}

/* Writing what is noted of a table in the caller's transaction. */
typedef struct TableFlush
{
	Oid			table;
	Writeback  *batch;			/* room for one */
	uint64		written;
} TableFlush;

static void
flush_in_transaction(void *arg)
{
	TableFlush *flush = arg;
	MemoryContext batch_context = AllocSetContextCreate(CurrentMemoryContext,
														"tokenauth writing last uses",
														ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(batch_context);
	uint32		cursor = 0;
	uint64		written = 0;

	while (writeback_gather(flush->table, &cursor, flush->batch))
	{
		written += writeback_write(flush->batch);
		MemoryContextReset(batch_context);
	}
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(batch_context);
	flush->written += written;
}

/*
 * The same of one table of several, which is left out if it takes too long, or
 * its owner may not write it, or a trigger fails.
 */
static void
try_flush(TableFlush *flush)
{
	bool		timed_out;
	ErrorData  *error = time_limit_try(flush_in_transaction, flush,
									   guc_source_timeout, &timed_out);

	if (error == NULL)
		return;
	if (!timed_out && sandbox_concerns_all(error))
		ReThrowError(error);
	ereport(WARNING,
			(errcode(error->sqlerrcode),
			 errmsg("last uses of tokens in table \"%s\" are not written",
					get_rel_name(flush->table)),
			 timed_out ?
			 errdetail("It took longer than tokenauth.source_timeout.") :
			 errdetail_internal("%s", error->message)));
}

/*
 * tokenauth_flush_last_used() returns bigint
 *
 * Write what is noted of this database in the caller's transaction, and return
 * how many rows that has changed.  Of several tables, one that cannot be written
 * is left out, with a warning.  The workers forget it later, because it is not
 * known here whether the transaction will commit.
 */
TOKENAUTH_FUNCTION(tokenauth_flush_last_used);
Datum
tokenauth_flush_last_used(PG_FUNCTION_ARGS)
{
	TableFlush	flush = {.batch = palloc(sizeof(Writeback))};
	List	   *tables = writeback_tables();
	ListCell   *lc;

	foreach(lc, tables)
	{
		flush.table = lfirst_oid(lc);
		if (list_length(tables) == 1)
			flush_in_transaction(&flush);
		else
			try_flush(&flush);
	}
	PG_RETURN_INT64((int64) flush.written);
}
