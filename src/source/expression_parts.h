/*-------------------------------------------------------------------------
 *
 * expression_parts.h
 *		What expression.c and evaluate.c share.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_EXPRESSION_PARTS_H
#define TOKENAUTH_EXPRESSION_PARTS_H

#include "base/sandbox.h"
#include "nodes/execnodes.h"
#include "utils/relcache.h"

/* As the table's owner, with a search_path of pg_catalog, and fixed settings. */
extern void expression_enter(Sandbox *sandbox, Relation relation);

/* To be evaluated: by the planner and the executor, which ask for rights. */
extern ExprState *expression_prepare(Node *node, EState *estate);

#endif							/* TOKENAUTH_EXPRESSION_PARTS_H */
