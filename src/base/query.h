/*-------------------------------------------------------------------------
 *
 * query.h
 *		Running SQL statements.
 *
 * SPI frees, when it is left, whatever was allocated while it was connected,
 * and so do the tables of tuples that it returns.  A pointer that was handed
 * out in between is a pointer to freed memory.  So only query.c uses SPI, it
 * is connected there only while the server works on a statement, and no code
 * of ours runs meanwhile (scripts/lint sees to it).  Results are copies, made
 * in the memory context that was current when the function was called.
 *
 * Statements run as the current user; see sandbox.h for other roles.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_QUERY_H
#define TOKENAUTH_QUERY_H

#include "access/tupdesc.h"
#include "datatype/timestamp.h"
#include "utils/portal.h"

/* At the start of the process. */
extern void query_init(void);

/* What a statement did and returned; all of it is the caller's own memory. */
typedef struct QueryResult
{
	MemoryContext context;		/* where it is */
	uint64		processed;		/* rows selected, inserted, updated, deleted */
	uint64		nrows;			/* rows returned */
	uint64		nallocated;
	TupleDesc	desc;			/* of the rows; NULL if it returns none */
	Datum	   *value;			/* row by row; nothing of it is toasted */
	bool	   *isnull;
} QueryResult;

/*
 * From here until what this returns is given back, the transaction is read-only, for
 * code that is not trusted to be: an immutable function can call a volatile one.  An
 * error that is caught must give it back, too.  What that code has set must be undone
 * before: to undo transaction_read_only would make the transaction read-only again.
 */
extern bool read_only_enter(void);
extern void read_only_leave(bool before);

/*
 * Run a statement, or several without parameters.  nulls is an 'n' for each
 * parameter that is null, or NULL if there is none.  One that is read_only reads by
 * the active snapshot, and writes nothing, nor do functions that it calls; any other
 * sees what has been done so far, and gets a new snapshot.  Throws what the statement
 * throws.
 *
 * Whatever logs plans or parameters of nested statements shows the values of
 * none of these parameters.
 */
extern QueryResult *query_execute(const char *sql, int nargs, Oid *types,
								  Datum *values, const char *nulls,
								  bool read_only);

/*
 * The same, read_only, for a query that is run again and again: its plan is kept until
 * the session ends, and made anew when what it depends on has changed.  The text must
 * be a constant of the program, which is known again by its address.  Rights are those
 * of the current user each time.
 */
extern QueryResult *query_execute_kept(const char *sql, int nargs, Oid *types,
									   Datum *values);

/*
 * query_execute() for a statement that names a table of the current user's: the row
 * security policies of that table do not apply to it, even with FORCE ROW LEVEL
 * SECURITY.  They do apply to whatever the statement runs, such as a trigger or
 * a function of another's, and to all other tables.
 */
extern QueryResult *query_execute_exempt(Oid table, const char *sql, int nargs,
										 Oid *types, Datum *values,
										 const char *nulls, bool read_only);

/* A column of a row, which count from 1 and from 0. */
extern Datum query_value(const QueryResult *result, uint64 row, int column,
						 bool *isnull);

/* The same as text, in the current memory context; NULL for null. */
extern char *query_text(const QueryResult *result, uint64 row, int column);

/* A timestamptz; false, and 0, for null.  Throws 42804 if the column is none. */
extern bool query_timestamp(const QueryResult *result, uint64 row, int column,
							TimestampTz *value);

/* Free a result, overwriting its values: there may be tokens among them. */
extern void query_free(QueryResult *result);

/*
 * query_execute_exempt() for a query with many rows: open it, then fetch so many at
 * a time, until there are none, and close it.  It is read_only, by a snapshot of its
 * opening, and ends with the (sub)transaction at the latest.  Its parameters can
 * show in logs: no tokens or digests.
 */
extern Portal query_open_exempt(Oid table, const char *sql, int nargs,
								Oid *types, Datum *values, const char *nulls);
extern QueryResult *query_fetch(Portal portal, long rows);
extern void query_close(Portal portal);

/*
 * Commit, and begin another transaction: for a procedure that was called
 * outside of a transaction block.  The current memory context must be one that
 * outlives the transaction.
 */
extern void query_commit(void);

#endif							/* TOKENAUTH_QUERY_H */
