/*-------------------------------------------------------------------------
 *
 * evaluate.c
 *		Evaluating an expression over a row, a token, or both; see expression.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/compat.h"
#include "base/query.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "nodes/nodeFuncs.h"
#include "nodes/params.h"
#include "source/expression.h"
#include "source/expression_parts.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

void
expression_enter(Sandbox *sandbox, Relation relation)
{
	int			level = fixed_settings_enter();

	sandbox_enter(sandbox, relation->rd_rel->relowner, NULL);
	sandbox->guc_level = level;	/* both are left by leaving the sandbox */
}

/*
 * An error's text may quote the row, which the caller need not see.  What is
 * no fault of the expression's is passed on: the server says that it was
 * cancelled, for one.  But not where: the statements of the owner's functions
 * have in them what these have read.
 */
pg_noreturn static void
rethrow_without_row(Relation relation, MemoryContext context)
{
	ErrorData  *error;

	MemoryContextSwitchTo(context);
	error = CopyErrorData();
	FlushErrorState();
	if (sandbox_concerns_all(error))
	{
		error->context = psprintf("expression over a row of table \"%s\"",
								  RelationGetRelationName(relation));
		error->internalquery = NULL;
		error->internalpos = 0;
		ThrowErrorData(error);
	}
	ereport(ERROR,
			(errcode(error->sqlerrcode),
			 errmsg("could not evaluate an expression over a row of table \"%s\"",
					RelationGetRelationName(relation)),
			 errhint("Its owner can try the expression in a query.")));
}

/* A copy of a value that outlives where it was made, and not toasted. */
static Datum
keep_value(Oid type, Datum value)
{
	int16		length;
	bool		by_value;

	get_typlenbyval(type, &length, &by_value);
	if (length == -1)
		return PointerGetDatum(PG_DETOAST_DATUM_COPY(value));
	return datumCopy(value, by_value, length);
}

static EState *
create_state(text *token)
{
	EState	   *estate = CreateExecutorState();
	MemoryContext caller;
	ParamListInfo parameters;

	if (token == NULL)
		return estate;
	caller = MemoryContextSwitchTo(estate->es_query_cxt);
	parameters = makeParamList(1);
	MemoryContextSwitchTo(caller);
	parameters->params[0].value = PointerGetDatum(token);
	parameters->params[0].isnull = false;
	parameters->params[0].pflags = 0;
	parameters->params[0].ptype = TEXTOID;
	estate->es_param_list_info = parameters;
	return estate;
}

/*
 * Evaluate over one row; the result is in the current memory context, and nothing else,
 * unless this fails.  The expression is copied first, for a function in it may have its
 * source read again.
 *
 * It writes nothing, whatever its functions are declared: a row would be judged by what
 * it said before, and be revived by looking at it.
 */
Datum
expression_value(const ExpressionRow *row, Node *node, bool *isnull)
{
	EState	   *estate = create_state(row->token);
	ExprContext *context = GetPerTupleExprContext(estate);
	MemoryContext caller = CurrentMemoryContext;
	Oid			type = exprType(node);
	Sandbox		sandbox;
	HiddenCaller hidden;
	bool		was_read_only;
	Datum		result = (Datum) 0;

	expression_enter(&sandbox, row->relation);
	caller_hide(&hidden);
	was_read_only = read_only_enter();
	context->ecxt_scantuple = row->slot;
	PG_TRY();
	{
		ExprState  *state;

		MemoryContextSwitchTo(estate->es_query_cxt);
		setting_fix("TimeZone", row->timezone);
		/* a plan for this token would have it in the text of a logged plan */
		if (row->token != NULL)
			setting_fix("plan_cache_mode", "force_generic_plan");
		state = ExecPrepareExpr(copyObject((Expr *) node), estate);
		result = ExecEvalExprSwitchContext(state, context, isnull);
		sandbox_leave(&sandbox);
	}
	PG_CATCH();
	{
		read_only_leave(was_read_only);
		sandbox_fail(&sandbox);
		caller_show(&hidden);
		rethrow_without_row(row->relation, caller);
	}
	PG_END_TRY();
	read_only_leave(was_read_only);
	caller_show(&hidden);
	MemoryContextSwitchTo(caller);
	if (!*isnull)
		result = keep_value(type, result);
	FreeExecutorState(estate);
	return result;
}

bool
expression_holds(const ExpressionRow *row, Node *condition)
{
	bool		isnull;
	Datum		result = expression_value(row, condition, &isnull);

	return !isnull && DatumGetBool(result);
}

/* A call of expression_value() that is tried. */
typedef struct Evaluation
{
	const ExpressionRow *row;
	Node	   *node;
	Datum		value;
	bool		isnull;
} Evaluation;

static void
call_expression_value(void *arg)
{
	Evaluation *evaluation = arg;

	evaluation->value = expression_value(evaluation->row, evaluation->node,
										 &evaluation->isnull);
}

/*
 * In parallel mode there are no subtransactions.  Then data that is not taken is
 * an error.
 *
 * What a failure leaves in memory is freed only when its subtransaction has released
 * what else it held.  It may be tried for many rows.
 */
bool
expression_try(const ExpressionRow *row, Node *node, Datum *value)
{
	Evaluation	evaluation = {row, node, (Datum) 0, true};
	Oid			type = exprType(node);
	ErrorData  *error = NULL;
	MemoryContext trial = AllocSetContextCreate(CurrentMemoryContext,
												"tokenauth expression",
												ALLOCSET_SMALL_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(trial);

	if (IsInParallelMode())
		call_expression_value(&evaluation);
	else
		error = sandbox_try(call_expression_value, &evaluation, true);
	MemoryContextSwitchTo(caller);
	if (error != NULL &&
		ERRCODE_TO_CATEGORY(error->sqlerrcode) != ERRCODE_DATA_EXCEPTION)
		ReThrowError(error);
	if (error != NULL)
		evaluation.isnull = true;
	*value = evaluation.isnull ? (Datum) 0 : keep_value(type, evaluation.value);
	MemoryContextDelete(trial);
	return !evaluation.isnull;
}
