/*-------------------------------------------------------------------------
 *
 * row.h
 *		What a row of a token table, or of a parent, says of its token.
 *
 * Each by itself: which rows those are is parents.h's.  All of these run as the
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

/* When it expires, unless the verdict has an earlier time. */
extern void row_take_expiry(const Source *source, Relation table,
							TupleTableSlot *row, Verdict *verdict);

/* What a row of a parent says of the token: expiry, user and tenant. */
extern void row_take_parent(const Source *source, const SourceParent *parent,
							Relation table, TupleTableSlot *row,
							Verdict *verdict);

/* When it was last used, whose token it is, and what else is told of it. */
extern void row_take_fields(const Source *source, Relation table,
							TupleTableSlot *row, Verdict *verdict);

/* Once that is known: a token that should have a user and has none is not valid. */
extern void row_require_user(const Source *source, Verdict *verdict);

#endif							/* TOKENAUTH_ROW_H */
