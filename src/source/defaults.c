/*-------------------------------------------------------------------------
 *
 * defaults.c
 *		Columns that a session fills by what it has set; see defaults.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteHandler.h"
#include "source/defaults.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

/* Does it give a value that no session can choose, though each time another one? */
static bool
is_beyond_sessions(Oid function)
{
	switch (function)
	{
		case F_NOW:
		case F_TRANSACTION_TIMESTAMP:
		case F_STATEMENT_TIMESTAMP:
		case F_CLOCK_TIMESTAMP:
		case F_NEXTVAL:
		case F_GEN_RANDOM_UUID:
			return true;
		default:
			return false;
	}
}

static bool
is_call_beyond_sessions(Node *node)
{
	if (IsA(node, FuncExpr))
		return is_beyond_sessions(((FuncExpr *) node)->funcid) &&
			!contain_mutable_functions((Node *) ((FuncExpr *) node)->args);
	if (IsA(node, SQLValueFunction))
		return ((SQLValueFunction *) node)->op == SVFOP_CURRENT_TIMESTAMP ||
			((SQLValueFunction *) node)->op == SVFOP_CURRENT_TIMESTAMP_N;
	return IsA(node, NextValueExpr);
}

/* An expression for contain_mutable_functions() to look at, without such calls. */
static Node *
without_calls_beyond(Node *node, void *context)
{
	if (node == NULL)
		return NULL;
	if (is_call_beyond_sessions(node))
		return (Node *) makeNullConst(exprType(node), exprTypmod(node),
									  exprCollation(node));
	return expression_tree_mutator(node, without_calls_beyond, context);
}

/* Does it call a function whose arguments have defaults, which can be any code? */
static bool
leaves_arguments_out(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, FuncExpr) && list_length(((FuncExpr *) node)->args) <
		get_func_nargs(((FuncExpr *) node)->funcid))
		return true;
	return expression_tree_walker(node, leaves_arguments_out, context);
}

static bool
goes_by_session(Relation table, AttrNumber attnum)
{
	Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(table), attnum - 1);
	Node	   *value;

	if (attribute->attisdropped || attribute->attgenerated)
		return false;
	value = build_column_default(table, attnum);
	return leaves_arguments_out(value, NULL) ||
		contain_mutable_functions(without_calls_beyond(value, NULL));
}

Bitmapset *
defaults_by_session(Relation table, const Bitmapset *columns)
{
	Bitmapset  *found = NULL;
	int			attnum = -1;

	while ((attnum = bms_next_member(columns, attnum)) >= 0)
		if (attnum > 0 && goes_by_session(table, attnum))
			found = bms_add_member(found, attnum);
	return found;
}
