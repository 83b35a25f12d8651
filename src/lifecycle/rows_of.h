/*-------------------------------------------------------------------------
 *
 * rows_of.h
 *		Rows of a token table by whose they are: by what they have in the columns of one
 *		or two roles, or what a parent says.
 *
 * Whose a row is can change while a statement waits for its lock.  PostgreSQL asks again
 * then what the row says itself, but not what was read of its parents before.  So no
 * condition is told here, which could be asked at one time and used at another, but
 * rows: those of one moment, the same for the rows and all their parents.
 *
 * Whoever writes, or makes something of what it finds, locks the row and asks then; who
 * is to be written is told by the place of rows that are locked.
 *
 * Each throws what is wrong with a parent's table, too.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_ROWS_OF_H
#define TOKENAUTH_ROWS_OF_H

#include "source/owner.h"

typedef struct RowsOf
{
	int			n;
	SourceRole	role[2];
	const char *value[2];
} RowsOf;

/*
 * SELECT these columns of such rows, and more, what follows the condition: " AND ...".
 * That is owner_query() and owner_query_latest().
 */
extern QueryResult *rows_of(OwnerCall *call, const RowsOf *rows,
							const char *columns, const char *more);
extern QueryResult *rows_of_latest(OwnerCall *call, const RowsOf *rows,
								   const char *columns, const char *more);

/*
 * rows_of_latest() of rows that are locked, so that nobody else can change them until
 * the transaction ends: they were such rows when they were locked, or after.  The last
 * column is added, the row's place.  More has no parameters.  Runs none of the owner's
 * code that could write.
 *
 * Throws 40001 if the rows are others again and again.  In a REPEATABLE READ
 * transaction, rows that its snapshot does not show are told, but not locked: nor can
 * it write them.
 */
extern QueryResult *rows_of_locked(OwnerCall *call, const RowsOf *rows,
								   const char *columns, const char *more);

/* "the row is one of those that were found", or that one of them, from 0. */
extern char *rows_of_is_at(OwnerCall *call, const QueryResult *found);
extern char *rows_of_is_at_one(OwnerCall *call, const QueryResult *found,
							   uint64 row);

#endif							/* TOKENAUTH_ROWS_OF_H */
