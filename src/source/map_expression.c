/*-------------------------------------------------------------------------
 *
 * map_expression.c
 *		A stored expression of a source, as its table is now; see
 *		map_expression.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "base/sandbox.h"
#include "source/map_expression.h"
#include "source/problem.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"

/* The call of expression_read() that is tried. */
typedef struct ReadCall
{
	Relation	table;
	const char *text;
	ExpressionUse use;
	Bitmapset  *columns;
	Watch	   *watch;
	Node	   *node;
} ReadCall;

static void
call_expression_read(void *arg)
{
	ReadCall   *call = arg;

	call->node = expression_read(call->table, call->text, call->use,
								 &call->columns, call->watch);
}

/*
 * In parallel mode there are no subtransactions; but only judging
 * happens then, and that may as well fail at once.
 */
static bool
try_expression_read(Source *source, ReadCall *call)
{
	ErrorData  *error;

	if (IsInParallelMode())
	{
		call_expression_read(call);
		return true;
	}
	error = sandbox_try(call_expression_read, call, true);
	if (error == NULL)
		return true;
	if (sandbox_concerns_all(error))
		ReThrowError(error);
	problem_set(source, call->use == EXPRESSION_CONDITION ?
				PROBLEM_CONDITION : PROBLEM_EXPRESSION,
				RelationGetRelid(call->table), call->text);
	source->problem_detail = MemoryContextStrdup(source->facts,
												 error->message);
	source->problem_may_pass = sandbox_was_interrupted(error);
	return false;
}

/* A column that matters has had its row watched. */
static void
watch_column(Source *source, Oid relation, AttrNumber attnum)
{
	HeapTuple	tuple = SearchSysCache2(ATTNUM, ObjectIdGetDatum(relation),
										Int16GetDatum(attnum));

	watch_word(&source->watch, attnum);
	if (!HeapTupleIsValid(tuple))
		return;
	watch_row(&source->watch, tuple);
	ReleaseSysCache(tuple);
}

bool
map_expression(Source *source, Relation table, const char *text,
			   ExpressionUse use, Bitmapset **matters, Node **node)
{
	ReadCall	call = {table, text, use, NULL, &source->watch};
	MemoryContext scratch;
	int			attnum = -1;
	bool		ok;

	*node = NULL;
	if (text == NULL)
		return true;
	scratch = AllocSetContextCreate(source->facts, "tokenauth expression",
									ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(scratch);
	ok = try_expression_read(source, &call);
	MemoryContextSwitchTo(source->facts);
	*node = copyObject(call.node);
	*matters = bms_add_members(*matters, call.columns);
	MemoryContextDelete(scratch);

	while ((attnum = bms_next_member(*matters, attnum)) >= 0)
		watch_column(source, RelationGetRelid(table), attnum);
	return ok;
}
