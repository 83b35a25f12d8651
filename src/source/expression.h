/*-------------------------------------------------------------------------
 *
 * expression.h
 *		SQL expressions over one row: live_when, roles of a mapping, and claims.
 *
 * An expression is the user's text.  What its names mean is decided once, when
 * it is attached, by the search_path of the session that attaches it, as for a
 * policy or a view; what is stored is text in which every name that is not of
 * pg_catalog is qualified, every operator and every cast is written out, and
 * literals are no longer subject to settings.  That text is always read with a
 * search_path of pg_catalog alone and with fixed settings, in every session.
 *
 * It is evaluated as the table's owner, in a security-restricted operation, as
 * an index expression would be, and with fixed settings, so that all get the
 * same result: among them the time zone of its source, in which timestamps without
 * one are read.
 *
 * What is not understood is refused: when it is attached, and again whenever
 * it is read, for what it names may have changed meanwhile.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_EXPRESSION_H
#define TOKENAUTH_EXPRESSION_H

#include "executor/tuptable.h"
#include "nodes/bitmapset.h"
#include "nodes/pg_list.h"
#include "source/watch.h"
#include "utils/relcache.h"

typedef enum ExpressionUse
{
	EXPRESSION_CONDITION,		/* boolean */
	EXPRESSION_VALUE,			/* of any type */
	EXPRESSION_LOOKUP,			/* of any type, over the token, not the row */
	EXPRESSION_VERIFY			/* boolean, over the token and the row */
} ExpressionUse;

/*
 * In the last two "token" is the token that is presented, whatever columns there
 * are; in the last one the columns are also those of "r".
 */

/*
 * An expression as it is to be stored.  It must be immutable, over
 * the row's user columns, without subqueries, aggregates, window functions or
 * set-returning functions, and mean the same to this session as to all; and the
 * table's owner must have the rights to evaluate it.  Throws with a hint.
 */
extern char *expression_resolve(Relation relation, const char *text,
								ExpressionUse use);

/*
 * Can a stored expression still be read, alike by whatever settings, and has the
 * table's owner the rights to evaluate it?  Throws if not.  Runs no function of the
 * user's.
 */
extern void expression_check(Relation relation, const char *text,
							 ExpressionUse use);

/*
 * Read a stored expression.  Adds the columns that it uses, and has watched what
 * else it depends on.  Runs no function of the user's: what would need one cannot be
 * read.  Throws if it cannot be read any more, or is not what expression_resolve()
 * makes.
 */
extern Node *expression_read(Relation relation, const char *text,
							 ExpressionUse use, Bitmapset **columns,
							 Watch *watch);

/* An expression that makes a jsonb object of columns; they must be there. */
extern Node *expression_object(Relation relation, List *columns);

/* What an expression is evaluated over. */
typedef struct ExpressionRow
{
	Relation	relation;
	TupleTableSlot *slot;
	const char *timezone;		/* full name */
	text	   *token;			/* that is presented; NULL if it does not count */
} ExpressionRow;

/* Is a condition true, rather than false or NULL, of this row? */
extern bool expression_holds(const ExpressionRow *row, Node *condition);

/* The value of an expression for this row, in the current memory context. */
extern Datum expression_value(const ExpressionRow *row, Node *node,
							  bool *isnull);

/*
 * The same for what is evaluated over a token, which may be of any form: false if
 * the value is NULL, or if the expression does not take such data.
 */
extern bool expression_try(const ExpressionRow *row, Node *node, Datum *value);

#endif							/* TOKENAUTH_EXPRESSION_H */
