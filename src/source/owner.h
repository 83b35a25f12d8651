/*-------------------------------------------------------------------------
 *
 * owner.h
 *		SQL on a token table, as its owner.
 *
 * EXECUTE on a function of ours is the gate: its caller needs no right on the
 * table.  What the function does there is done as the table's owner in a
 * sandbox (sandbox.h), so that the owner's triggers run with the owner's
 * rights, find nothing by the caller's search_path but what is in the table's
 * own schema, and leave nothing behind in the caller's session.  Policies of the
 * table do not apply to the statement, not even with FORCE ROW LEVEL SECURITY.
 * Errors show nothing of the row to a caller without SELECT, or under policies,
 * nor to any caller where the table holds the token itself; and nothing of what
 * the owner's code was doing to anybody but the owner.  Nor does the owner's code
 * see the caller's statement, in which the token itself may stand.
 *
 * The statement is made of what is known of the source, which an owner's code that a
 * statement before has run can have read again.  If that fails half way, all that
 * follows throws 55000.
 *
 * What a statement returns is a QueryResult, in the memory context that the
 * function is called in; nothing is freed by owner_end().
 *
 * All names in the SQL must be qualified, but for the table's columns.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_OWNER_H
#define TOKENAUTH_OWNER_H

#include "base/query.h"
#include "base/compat.h"
#include "base/sandbox.h"
#include "lib/stringinfo.h"
#include "source/stored_value.h"
#include "utils/relcache.h"
#include "utils/snapshot.h"

#define OWNER_MAX_PARAMETERS	32

/* One or several statements on a source's table, or on one of its parents'. */
typedef struct OwnerCall
{
	const Source *source;
	const SourceColumn *column; /* of this table, by role */
	bool		has_expressions;	/* in place of some of them */
	bool		makes_row;		/* whose defaults must not go by the session's settings */
	Relation	table;			/* open meanwhile */
	bool		may_see;		/* the table's rows */
	bool		is_owner;
	int			nparameters;
	Oid			type[OWNER_MAX_PARAMETERS];
	Datum		value[OWNER_MAX_PARAMETERS];
	char		isnull[OWNER_MAX_PARAMETERS];	/* 'n' if it is */
} OwnerCall;

/* Throws 42501 unless the caller owns the table; 42P01 if it is gone. */
extern void owner_check(Oid relation);

extern void owner_begin(OwnerCall *call, const Source *source);
extern void owner_begin_parent(OwnerCall *call, const Source *source,
							   const SourceParent *parent);
extern void owner_end(OwnerCall *call);

/* Add a parameter; returns its number, for "$%d".  Throws 54000 if there are too many. */
extern int	owner_parameter(OwnerCall *call, Oid type, Datum value,
							bool isnull);
extern int	owner_text(OwnerCall *call, const char *value);
extern int	owner_timestamp(OwnerCall *call, TimestampTz value);

/*
 * In PG_CATCH(): throw the error again, without what it tells of the row or of
 * the owner's code, unless the caller may see that.
 */
pg_noreturn extern void owner_rethrow(const OwnerCall *call,
									  MemoryContext context);

/*
 * Run a query with the parameters so far, and forget them.  It writes nothing, nor
 * does the owner's code that it runs, and it locks no rows.
 */
extern QueryResult *owner_query(OwnerCall *call, const char *sql);

/*
 * The same for a query that is to see the latest state of the table, even where
 * the transaction's snapshot is older.
 */
extern QueryResult *owner_query_latest(OwnerCall *call, const char *sql);

/* The same by a snapshot of the caller's, which several queries can share. */
extern QueryResult *owner_query_by(OwnerCall *call, const char *sql,
								   Snapshot snapshot);

/*
 * The same for a statement that writes, or locks rows.  Whatever code of the owner's
 * this runs can write anything else, so that what has been judged before is not known
 * any more: not only triggers, but expressions in a condition, too.
 */
extern QueryResult *owner_write(OwnerCall *call, const char *sql);

/* owner_write() where only the number of rows is wanted. */
extern uint64 owner_execute(OwnerCall *call, const char *sql);

/* owner_query() for a query with many rows: query_open() and query_fetch(). */
extern Portal owner_open(OwnerCall *call, const char *sql);
extern QueryResult *owner_fetch(OwnerCall *call, Portal portal, long rows);

/* The table, quoted, as in FROM ONLY. */
extern char *owner_table(const OwnerCall *call);

/*
 * A column as the open table has it.  Throws what stored_source_changed() throws if it has
 * none there, for the source was read again meanwhile.
 */
extern Form_pg_attribute owner_attribute(const OwnerCall *call,
										 AttrNumber attnum);

/* A role's column, quoted, or the expression in its place, in parentheses. */
extern const char *owner_column(const OwnerCall *call, SourceRole role);

/* The type of a role's column, of whatever length. */
extern char *owner_type(const OwnerCall *call, SourceRole role);

/* "CAST($n AS type of the role's column)" for a text value. */
extern char *owner_cast(OwnerCall *call, SourceRole role, const char *value);

/*
 * "a value of the role's column tells this text", of an expression of the column's type:
 * what its output function writes is that, to the byte.  To store a text is to read it,
 * and some types cut off what they have no room for, or read many texts as one.  Only a
 * uuid is one however it is written; and char(n) tells more spaces than a text has.
 */
extern char *owner_tells(OwnerCall *call, SourceRole role,
						 const char *expression, const char *value);

/* "the expression is not null", also of a row of nulls, which is told. */
extern char *owner_is_value(const char *expression);

/*
 * "the role's column has that value", given as text; by the equality that the column
 * has to its owner, to whom more can be equal than what is the same to the byte.  Of a
 * number, a text has to be how the column tells it (owner_tells()).
 */
extern char *owner_has_value(OwnerCall *call, SourceRole role,
							 const char *value);

/*
 * A timestamptz expression as a value of a timestamp type, which may be one
 * without a time zone; and the inverse.  That is the same function to SQL.
 */
extern char *owner_in_timezone(const Source *source, Oid type,
							   const char *expression);

/* "$n" for a timestamptz value, as a value of the role's column. */
extern char *owner_cast_timestamp(OwnerCall *call, SourceRole role,
								  TimestampTz value);

/* A role's timestamp column as timestamptz; "NULL" if there is none. */
extern char *owner_read_timestamp(const OwnerCall *call, SourceRole role);

/*
 * "column is the token", by index and to the byte.  Throws what stored_datum()
 * throws.
 */
extern char *owner_is_token(OwnerCall *call, const StoredValue *stored);

/*
 * " AND ..." for each column that comes before the token's in the source's index: it has
 * what the live_when fixes it to, as live rows have; or "".  So the index is used for
 * what need not find rows that are not live.
 */
extern char *owner_is_in_index(OwnerCall *call, const char *table);

#endif							/* TOKENAUTH_OWNER_H */
