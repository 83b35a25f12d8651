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
#include "utils/relcache.h"

/* As the table's owner, with a search_path of pg_catalog, and fixed settings. */
extern void expression_enter(Sandbox *sandbox, Relation relation);

#endif							/* TOKENAUTH_EXPRESSION_PARTS_H */
