/*-------------------------------------------------------------------------
 *
 * expression.h
 *		SQL expressions over one row: live_when, and claims.
 *
 * The text in the registry is the user's.  It is always parsed with a
 * search_path of pg_catalog alone, whoever asks, so that nobody can make it
 * mean something else for a verdict that all will share; and it is evaluated
 * as the table's owner, in a security-restricted operation, as an index
 * expression would be, with fixed settings, so that all get the same result.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_EXPRESSION_H
#define TOKENAUTH_EXPRESSION_H

#include "executor/tuptable.h"
#include "nodes/pg_list.h"
#include "utils/relcache.h"

/*
 * The names of the columns that an expression mentions.  Reads no catalogs;
 * throws only for what is not an expression at all, which
 * expression_check_condition() keeps out.
 */
extern List *expression_columns(const char *text);

/*
 * Check a condition: boolean, immutable, over the row's user columns, without
 * subqueries, aggregates, window functions or set-returning functions.
 * Throws with a hint.
 */
extern void expression_check_condition(Relation relation, const char *text);

/* Is the condition true, rather than false or NULL, of this row? */
extern bool expression_holds(Relation relation, const char *text,
							 TupleTableSlot *row);

/* These columns of the row as one jsonb. */
extern Datum expression_jsonb(Relation relation, List *columns,
							  TupleTableSlot *row);

#endif							/* TOKENAUTH_EXPRESSION_H */
