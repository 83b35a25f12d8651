/*-------------------------------------------------------------------------
 *
 * flush.c
 *		Writing all last uses that are noted of a database, and
 *		SQL: tokenauth_flush_last_used().
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "postmaster/interrupt.h"
#include "utils/memutils.h"
#include "utils/timeout.h"
#include "workers/background.h"
#include "workers/flush.h"
#include "workers/writeback.h"

/* DROP DATABASE waits 5 s for others to leave. */
#define BATCH_TIMEOUT_MS		3000

/* After so many errors a table has to wait for its next turn. */
#define MAX_ERRORS				64
#define MAX_MS_WITH_ERRORS		5000

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
		 background_ms_since(turn->start) < MAX_MS_WITH_ERRORS &&
		 !background_is_unwanted());
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

void
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
			if (background_is_unwanted())
				return;
			write_batch(batch, &turn);
		}
	}
}

/* Write what is noted of a table in the caller's transaction. */
static uint64
flush_in_transaction(Oid table, Writeback *batch)
{
	MemoryContext batch_context = AllocSetContextCreate(CurrentMemoryContext,
														"tokenauth writing last uses",
														ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(batch_context);
	uint32		cursor = 0;
	uint64		written = 0;

	while (writeback_gather(table, &cursor, batch))
	{
		written += writeback_write(batch);
		MemoryContextReset(batch_context);
	}
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(batch_context);
	return written;
}

/*
 * tokenauth_flush_last_used() returns bigint
 *
 * Write what is noted of this database in the caller's transaction, and return
 * how many rows that has changed.  The workers forget it later, because it is
 * not known here whether the transaction will commit.
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
