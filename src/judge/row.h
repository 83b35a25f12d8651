/*-------------------------------------------------------------------------
 *
 * row.h
 *		What a row of a token table says of its token.
 *
 * By itself: the rows of parents are parents.h's.  All of these run as the
 * table's owner, who may have written the expressions that they evaluate.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_ROW_H
#define TOKENAUTH_ROW_H

#include "source/source.h"
#include "utils/relcache.h"

/* Is it live but for its expiry?  Sets a status of a new verdict. */
extern void row_judge_state(const Source *source, TupleTableSlot *row,
							Verdict *verdict);

/* Its own condition: false if it is there and is not true. */
extern bool row_meets_condition(const Source *source, Relation table,
								TupleTableSlot *row);

extern void row_take_expiry(const Source *source, Relation table,
							TupleTableSlot *row, Verdict *verdict);

/* When it was last used, whose token it is, and what else is told of it. */
extern void row_take_fields(const Source *source, Relation table,
							TupleTableSlot *row, Verdict *verdict);

#endif							/* TOKENAUTH_ROW_H */
