/*-------------------------------------------------------------------------
 *
 * writeback.h
 *		Writing noted last uses into the token tables.
 *
 * A batch is what is written into one table, by its owner: by one statement for
 * each of the table's sources.
 * It does not wait: a table that is locked, and rows that are locked, are left
 * for another time.  Times only move forward.
 *
 * The order is writeback_gather(), writeback_write() in a transaction,
 * writeback_settle() after its commit.  A caller that cannot know of the commit
 * need not settle: what is written twice changes nothing the second time.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_WRITEBACK_H
#define TOKENAUTH_WRITEBACK_H

#include "cache/last_used.h"
#include "nodes/pg_list.h"

#define WRITEBACK_BATCH		1000

typedef struct Writeback
{
	Oid			relation;
	int			nuses;
	NotedUse	use[WRITEBACK_BATCH];
	bool		locked;			/* the table was, or writeback_leave() */
	bool		left[WRITEBACK_BATCH];	/* for another time */
} Writeback;

/* The tables of this database of which uses are noted, as a list of OIDs. */
extern List *writeback_tables(void);

/*
 * Gather the next batch of a table from *cursor on, which begins at 0.  False
 * if there is nothing left.  A batch is smaller the more often writing its
 * first use has failed: it may have been too large.
 */
extern bool writeback_gather(Oid relation, uint32 *cursor, Writeback *batch);

/*
 * Write a batch in this transaction; returns the number of rows changed.
 * Throws what the UPDATE of a table may throw, its triggers included.
 */
extern uint64 writeback_write(Writeback *batch);

/* Write nothing of a batch: the table's turn will come. */
extern void writeback_leave(Writeback *batch);

/* Move the upper half of a batch of several to a new one. */
extern Writeback *writeback_split(Writeback *batch);

/* Forget what has been written, and what can never be written. */
extern void writeback_settle(const Writeback *batch);

/* The writing of the batch has failed. */
extern void writeback_failed(const Writeback *batch);

#endif							/* TOKENAUTH_WRITEBACK_H */
