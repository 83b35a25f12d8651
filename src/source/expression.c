/*-------------------------------------------------------------------------
 *
 * expression.c
 *		SQL expressions over one row; see expression.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "access/table.h"
#include "access/xact.h"
#include "base/compat.h"
#include "base/sandbox.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_coerce.h"
#include "parser/parse_collate.h"
#include "parser/parse_expr.h"
#include "parser/parse_relation.h"
#include "parser/parser.h"
#include "source/expression.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

/* Every expression runs as the table's owner, and under fixed settings. */
static void
enter(Sandbox *sandbox, Relation relation)
{
	sandbox_enter(sandbox, relation->rd_rel->relowner, NULL);
	(void) fixed_settings_enter();	/* left by leaving the sandbox */
}

static void
not_an_expression(const char *text)
{
	ereport(ERROR,
			(errcode(ERRCODE_SYNTAX_ERROR),
			 errmsg("\"%s\" is not an expression", text),
			 errhint("Give one boolean expression over the columns of the table.")));
}

/* What an expression is wrapped in to be parsed; its length shifts positions. */
#define WRAPPER		"SELECT ("

/* Let errors show the expression, not the query that happens to run. */
static void
error_callback(void *arg)
{
	int			position = geterrposition();

	if (position > 0)
	{
		errposition(0);
		internalerrposition(Max(position - (int) strlen(WRAPPER), 1));
		internalerrquery((const char *) arg);
	}
}

static void
push_error_context(ErrorContextCallback *context, const char *text)
{
	context->callback = error_callback;
	context->arg = unconstify(char *, text);
	context->previous = error_context_stack;
	error_context_stack = context;
}

/* The raw parse tree of an expression, and of nothing but an expression. */
static Node *
parse_raw(const char *text)
{
	ErrorContextCallback context;
	List	   *statements;
	SelectStmt *select;

	push_error_context(&context, text);
	statements = raw_parser(psprintf(WRAPPER "%s\n)", text),
							RAW_PARSE_DEFAULT);
	error_context_stack = context.previous;

	if (list_length(statements) != 1)
		not_an_expression(text);
	select = (SelectStmt *) linitial_node(RawStmt, statements)->stmt;
	if (!IsA(select, SelectStmt) || list_length(select->targetList) != 1 ||
		select->op != SETOP_NONE || select->fromClause != NIL ||
		select->whereClause != NULL || select->groupClause != NIL ||
		select->havingClause != NULL || select->sortClause != NIL ||
		select->intoClause != NULL || select->limitCount != NULL ||
		select->limitOffset != NULL || select->lockingClause != NIL ||
		select->windowClause != NIL || select->withClause != NULL ||
		select->distinctClause != NIL ||
		linitial_node(ResTarget, select->targetList)->name != NULL)
		not_an_expression(text);
	return linitial_node(ResTarget, select->targetList)->val;
}

static bool
collect_columns(Node *node, List **columns)
{
	if (node == NULL)
		return false;
	if (IsA(node, ColumnRef))
	{
		Node	   *name = llast(((ColumnRef *) node)->fields);

		if (IsA(name, String))
			*columns = lappend(*columns, strVal(name));
		return false;
	}
	return raw_expression_tree_walker(node, collect_columns, columns);
}

List *
expression_columns(const char *text)
{
	List	   *columns = NIL;

	collect_columns(parse_raw(text), &columns);
	return columns;
}

/* Analyze an expression over a relation's row. */
static Node *
analyze(Relation relation, const char *text)
{
	ParseState *pstate = make_parsestate(NULL);
	ParseNamespaceItem *item = addRangeTableEntryForRelation(pstate, relation,
															 AccessShareLock,
															 NULL, false, true);
	ErrorContextCallback context;
	Node	   *node;

	addNSItemToQuery(pstate, item, false, true, true);
	node = parse_raw(text);
	pstate->p_sourcetext = psprintf(WRAPPER "%s", text);
	push_error_context(&context, text);
	node = transformExpr(pstate, node, EXPR_KIND_SELECT_TARGET);
	error_context_stack = context.previous;
	if (pstate->p_hasSubLinks || pstate->p_hasAggs ||
		pstate->p_hasWindowFuncs || pstate->p_hasTargetSRFs)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("the condition \"%s\" is not a scalar expression over one row",
						text),
				 errhint("Subqueries, aggregates, window functions and set-returning functions cannot be used. For another table's row use tokenauth_attach_parent().")));
	assign_expr_collations(pstate, node);
	free_parsestate(pstate);
	return node;
}

static Node *
analyze_condition(Relation relation, const char *text)
{
	Node	   *node = analyze(relation, text);

	if (exprType(node) != BOOLOID)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("the condition \"%s\" is of type %s, not boolean",
						text, format_type_be(exprType(node))),
				 errhint("Give one boolean expression over the columns of the table.")));
	return node;
}

/* Is there a timestamp that is this transaction's, of a literal 'now'? */
static bool
contains_now(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Const))
	{
		Const	   *constant = (Const *) node;

		return constant->consttype == TIMESTAMPTZOID &&
			!constant->constisnull &&
			DatumGetTimestampTz(constant->constvalue) ==
			GetCurrentTransactionStartTimestamp();
	}
	return expression_tree_walker(node, contains_now, context);
}

/* Literals are read when an expression is analyzed: are they always the same? */
static bool
depends_on_session(Relation relation, const char *text)
{
	static const char *const settings[2][2] = {
		{"Etc/GMT+12", "ISO, MDY"}, {"Etc/GMT-14", "ISO, DMY"}
	};
	Node	   *node[2];

	for (int i = 0; i < 2; i++)
	{
		int			level = NewGUCNestLevel();

		(void) set_config_option("TimeZone", settings[i][0], PGC_USERSET,
								 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
		(void) set_config_option("DateStyle", settings[i][1], PGC_USERSET,
								 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
		node[i] = analyze_condition(relation, text);
		AtEOXact_GUC(false, level);
	}
	return !equal(node[0], node[1]) || contains_now(node[0], NULL);
}

void
expression_check_condition(Relation relation, const char *text)
{
	Sandbox		sandbox;
	Node	   *node;
	Bitmapset  *attributes = NULL;
	int			system = -1;

	enter(&sandbox, relation);
	node = analyze_condition(relation, text);
	if (contain_mutable_functions((Node *) expression_planner((Expr *) node)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
				 errmsg("functions in the condition \"%s\" must be immutable",
						text),
				 errhint("What depends on the time of day belongs into the expires_column.")));
	if (depends_on_session(relation, text))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
				 errmsg("a literal in the condition \"%s\" depends on the time or on settings",
						text),
				 errhint("Write dates as YYYY-MM-DD, times with a time zone, and none such as \"now\" or \"today\".")));
	pull_varattnos(node, 1, &attributes);
	while ((system = bms_next_member(attributes, system)) >= 0 &&
		   system + FirstLowInvalidHeapAttributeNumber <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_COLUMN_REFERENCE),
				 errmsg("the condition \"%s\" must name the columns that it uses",
						text),
				 errdetail("It uses the whole row or a system column.")));
	sandbox_leave(&sandbox);
}

/* The error's text may quote the row, which the caller need not see. */
pg_noreturn static void
rethrow_without_row(Relation relation, MemoryContext context)
{
	ErrorData  *error;

	MemoryContextSwitchTo(context);
	error = CopyErrorData();
	FlushErrorState();
	ereport(ERROR,
			(errcode(error->sqlerrcode),
			 errmsg("could not evaluate a condition or claim over a row of table \"%s\"",
					RelationGetRelationName(relation)),
			 errhint("Its owner can try the expression in a query.")));
}

/* Evaluate over one row; the result is in the current memory context. */
static Datum
evaluate(Relation relation, Node *node, TupleTableSlot *row, bool *isnull)
{
	EState	   *estate = CreateExecutorState();
	ExprContext *context = GetPerTupleExprContext(estate);
	MemoryContext caller = CurrentMemoryContext;
	ExprState  *state;
	Datum		result = (Datum) 0;

	context->ecxt_scantuple = row;
	PG_TRY();
	{
		state = ExecPrepareExpr((Expr *) node, estate);
		result = ExecEvalExprSwitchContext(state, context, isnull);
	}
	PG_CATCH();
	{
		rethrow_without_row(relation, caller);
	}
	PG_END_TRY();
	if (!*isnull && exprType(node) == JSONBOID)
		result = PointerGetDatum(PG_DETOAST_DATUM_COPY(result));
	FreeExecutorState(estate);
	return result;
}

bool
expression_holds(Relation relation, const char *text, TupleTableSlot *row)
{
	Sandbox		sandbox;
	bool		isnull;
	Datum		result;

	enter(&sandbox, relation);
	result = evaluate(relation, analyze_condition(relation, text), row,
					  &isnull);
	sandbox_leave(&sandbox);
	return !isnull && DatumGetBool(result);
}

Datum
expression_jsonb(Relation relation, List *columns, TupleTableSlot *row)
{
	StringInfoData text;
	Sandbox		sandbox;
	bool		isnull;
	Datum		result;
	ListCell   *lc;

	initStringInfo(&text);
	foreach(lc, columns)
		appendStringInfo(&text, "%s%s, %s",
						 text.len > 0 ? ", " : "pg_catalog.jsonb_build_object(",
						 quote_literal_cstr(lfirst(lc)),
						 quote_identifier(lfirst(lc)));
	appendStringInfoChar(&text, ')');

	enter(&sandbox, relation);
	result = evaluate(relation, analyze(relation, text.data), row, &isnull);
	sandbox_leave(&sandbox);
	return result;
}
