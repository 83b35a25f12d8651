/*-------------------------------------------------------------------------
 *
 * query.c
 *		Running SQL statements; see query.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/compat.h"
#include "base/query.h"
#include "base/sandbox.h"
#include "base/testpoint.h"
#include "catalog/pg_authid.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "nodes/nodeFuncs.h"
#include "nodes/params.h"
#include "parser/analyze.h"
#include "parser/parse_relation.h"
#include "tcop/dest.h"
#include "tcop/pquery.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rls.h"
#include "utils/timestamp.h"

#define FIRST_ROWS		8

/* A DestReceiver that copies rows into a result. */
typedef struct RowCollector
{
	DestReceiver base;
	QueryResult *result;
} RowCollector;

static void
begin_rows(DestReceiver *self, int operation, TupleDesc desc)
{
	QueryResult *result = ((RowCollector *) self)->result;
	MemoryContext old = MemoryContextSwitchTo(result->context);

	/* of several statements, the last one's */
	result->desc = CreateTupleDescCopy(desc);
	result->nrows = result->nallocated = 0;
	result->value = NULL;
	result->isnull = NULL;
	MemoryContextSwitchTo(old);
}

static void
make_room(QueryResult *result)
{
	Size		ncolumns = result->desc->natts;

	if (result->nallocated == 0)
	{
		result->nallocated = FIRST_ROWS;
		result->value = palloc(result->nallocated * ncolumns * sizeof(Datum));
		result->isnull = palloc(result->nallocated * ncolumns * sizeof(bool));
	}
	else
	{
		result->nallocated *= 2;
		result->value = repalloc_huge(result->value, result->nallocated *
									  ncolumns * sizeof(Datum));
		result->isnull = repalloc_huge(result->isnull, result->nallocated *
									   ncolumns * sizeof(bool));
	}
}

/* A copy that depends on nothing. */
static Datum
copy_value(Form_pg_attribute attribute, Datum value)
{
	if (attribute->attlen == -1)
		return PointerGetDatum(PG_DETOAST_DATUM_COPY(value));
	return datumCopy(value, attribute->attbyval, attribute->attlen);
}

static bool
take_row(TupleTableSlot *slot, DestReceiver *self)
{
	QueryResult *result = ((RowCollector *) self)->result;
	MemoryContext old = MemoryContextSwitchTo(result->context);
	int			ncolumns = result->desc->natts;
	Datum	   *value;
	bool	   *isnull;

	if (result->nrows == result->nallocated)
		make_room(result);
	slot_getallattrs(slot);
	value = &result->value[result->nrows * ncolumns];
	isnull = &result->isnull[result->nrows * ncolumns];
	for (int i = 0; i < ncolumns; i++)
	{
		isnull[i] = slot->tts_isnull[i];
		value[i] = isnull[i] ? (Datum) 0 :
			copy_value(TupleDescAttr(result->desc, i), slot->tts_values[i]);
	}
	result->nrows++;
	MemoryContextSwitchTo(old);
	return true;
}

static void
no_more(DestReceiver *self)
{
}

static void
init_collector(RowCollector *collector)
{
	QueryResult *result = palloc0(sizeof(QueryResult));

	result->context = CurrentMemoryContext;
	collector->base.receiveSlot = take_row;
	collector->base.rStartup = begin_rows;
	collector->base.rShutdown = no_more;
	collector->base.rDestroy = no_more;
	collector->base.mydest = DestTuplestore;	/* nothing of SPI's own */
	collector->result = result;
}

/*
 * Parameters are handed out by a hook, as those of PL/pgSQL are, and not marked
 * as constants: so they do not become constants of a plan, and what logs plans
 * or parameters (auto_explain, pgaudit, debug_print_plan) shows none of them.
 * There are tokens and digests among them.
 */
typedef struct HiddenParameters
{
	const Oid  *type;
	const Datum *value;
	const char *nulls;
} HiddenParameters;

static ParamExternData *
fetch_parameter(ParamListInfo list, int number, bool speculative,
				ParamExternData *workspace)
{
	const HiddenParameters *hidden = list->paramFetchArg;
	int			i = number - 1;

	memset(workspace, 0, sizeof(*workspace));
	if (i < 0 || i >= list->numParams)
		return workspace;
	workspace->value = hidden->value[i];
	workspace->isnull = hidden->nulls != NULL && hidden->nulls[i] == 'n';
	workspace->ptype = hidden->type[i];
	return workspace;
}

static ParamListInfo
hide_parameters(int nargs, const Oid *types, const Datum *values,
				const char *nulls)
{
	ParamListInfo list = makeParamList(nargs);
	HiddenParameters *hidden = palloc(sizeof(HiddenParameters));

	hidden->type = types;
	hidden->value = values;
	hidden->nulls = nulls;
	list->paramFetch = fetch_parameter;
	list->paramFetchArg = hidden;
	/* for readers that do not ask the hook: no value, of no type */
	for (int i = 0; i < nargs; i++)
		memset(&list->params[i], 0, sizeof(ParamExternData));
	return list;
}

bool
read_only_enter(void)
{
	bool		before = XactReadOnly;

	XactReadOnly |= !TEST_FAULT(expressions_write);
	return before;
}

void
read_only_leave(bool before)
{
	XactReadOnly = before;
}

/* The same around code whose settings are not undone within. */
typedef struct ReadOnly
{
	bool		before;
	int			guc_level;
} ReadOnly;

static ReadOnly
begin_read_only(void)
{
	int			level = NewGUCNestLevel();

	return (ReadOnly) {read_only_enter(), level};
}

/* An error undoes settings when it aborts the (sub)transaction, whose mode comes back. */
static void
end_read_only(const ReadOnly *mode, bool failed)
{
	if (!failed)
		AtEOXact_GUC(false, mode->guc_level);
	read_only_leave(mode->before);
}

/* A plan of SPI's, which makes it anew when what it depends on has changed. */
typedef struct KeptPlan
{
	const char *sql;
	SPIPlanPtr	plan;
} KeptPlan;

static List *kept_plans = NIL;	/* KeptPlan *, in TopMemoryContext */

/* While connected to SPI. */
static SPIPlanPtr
kept_plan(const char *sql, int nargs, Oid *types)
{
	KeptPlan   *kept;
	SPIPlanPtr	plan;
	MemoryContext old;
	ListCell   *lc;

	foreach(lc, kept_plans)
	{
		kept = lfirst(lc);
		if (kept->sql == sql)
			return kept->plan;
	}
	/* no parameter is ever a constant of a plan: one serves all */
	plan = SPI_prepare_cursor(sql, nargs, types, CURSOR_OPT_GENERIC_PLAN);
	if (plan == NULL || SPI_keepplan(plan) != 0)
		elog(ERROR, "could not prepare \"%s\": %s", sql,
			 SPI_result_code_string(SPI_result));
	old = MemoryContextSwitchTo(TopMemoryContext);
	kept = palloc(sizeof(KeptPlan));
	*kept = (KeptPlan) {sql, plan};
	kept_plans = lappend(kept_plans, kept);
	MemoryContextSwitchTo(old);
	return plan;
}

static QueryResult *
execute(const char *sql, int nargs, Oid *types, Datum *values,
		const char *nulls, bool read_only, bool keep)
{
	RowCollector collector;
	SPIExecuteOptions options = {0};
	int			result;

	init_collector(&collector);
	options.params = hide_parameters(nargs, types, values, nulls);
	options.read_only = read_only;
	options.dest = &collector.base;

	SPI_connect();
	if (keep)
		result = SPI_execute_plan_extended(kept_plan(sql, nargs, types),
										   &options);
	else
		result = SPI_execute_extended(sql, &options);
	collector.result->processed = SPI_processed;
	SPI_finish();
	if (result < 0)
		elog(ERROR, "could not execute \"%s\": %s", sql,
			 SPI_result_code_string(result));
	return collector.result;
}

static QueryResult *
execute_guarded(const char *sql, int nargs, Oid *types, Datum *values,
				const char *nulls, bool read_only, bool keep)
{
	ReadOnly	mode;
	QueryResult *result = NULL;

	if (!read_only)
		return execute(sql, nargs, types, values, nulls, false, keep);
	mode = begin_read_only();
	PG_TRY();
	{
		result = execute(sql, nargs, types, values, nulls, true, keep);
	}
	PG_CATCH();
	{
		end_read_only(&mode, true);
		PG_RE_THROW();
	}
	PG_END_TRY();
	end_read_only(&mode, false);
	return result;
}

QueryResult *
query_execute(const char *sql, int nargs, Oid *types, Datum *values,
			  const char *nulls, bool read_only)
{
	return execute_guarded(sql, nargs, types, values, nulls, read_only, false);
}

QueryResult *
query_execute_kept(const char *sql, int nargs, Oid *types, Datum *values)
{
	return execute_guarded(sql, nargs, types, values, NULL, true, true);
}

/*
 * The statement that is being run, and the table whose policies do not apply to
 * it.  Told from statements that run within it by the address of its text.
 */
typedef struct Exemption
{
	Oid			table;
	const char *sql;
} Exemption;

static const Exemption *exemption = NULL;
static post_parse_analyze_hook_type prev_post_parse_analyze_hook = NULL;

/*
 * A tree walker.  Policies are left out for a superuser, so one is asked in the
 * place of the current user, who has been asked for the rights before.
 */
static bool
exempt_table(Node *node, void *context)
{
	Query	   *query = (Query *) node;
	ListCell   *lc;

	if (node == NULL)
		return false;
	if (!IsA(node, Query))
		return expression_tree_walker(node, exempt_table, context);
	TOKENAUTH_CHECK_RIGHTS(query);
	foreach(lc, query->rtable)
	{
		RangeTblEntry *rte = lfirst(lc);

		if (rte->rtekind == RTE_RELATION && rte->relid == exemption->table)
			TOKENAUTH_CHECK_AS(query, rte, BOOTSTRAP_SUPERUSERID);
	}
	return query_tree_walker(query, exempt_table, context, 0);
}

/* A post_parse_analyze_hook: before the rewriter adds the policies. */
static void
exempt_statement(ParseState *pstate, Query *query, TOKENAUTH_JUMBLE_STATE *jstate)
{
	if (prev_post_parse_analyze_hook)
		prev_post_parse_analyze_hook(pstate, query, jstate);
	if (exemption != NULL && pstate->p_sourcetext == exemption->sql &&
		check_enable_rls(exemption->table, InvalidOid, true) == RLS_ENABLED)
		(void) exempt_table((Node *) query, NULL);
}

void
query_init(void)
{
	prev_post_parse_analyze_hook = post_parse_analyze_hook;
	post_parse_analyze_hook = exempt_statement;
}

QueryResult *
query_execute_exempt(Oid table, const char *sql, int nargs, Oid *types,
					 Datum *values, const char *nulls, bool read_only)
{
	const Exemption *outer = exemption;
	Exemption	mine = {table, sql};
	QueryResult *result;

	exemption = &mine;
	PG_TRY();
	{
		result = query_execute(sql, nargs, types, values, nulls, read_only);
	}
	PG_FINALLY();
	{
		exemption = outer;
	}
	PG_END_TRY();
	return result;
}

Datum
query_value(const QueryResult *result, uint64 row, int column, bool *isnull)
{
	Size		i = row * result->desc->natts + column - 1;

	Assert(row < result->nrows);
	Assert(column >= 1 && column <= result->desc->natts);
	*isnull = result->isnull[i];
	return result->value[i];
}

char *
query_text(const QueryResult *result, uint64 row, int column)
{
	bool		isnull;
	Datum		value = query_value(result, row, column, &isnull);
	Oid			type = TupleDescAttr(result->desc, column - 1)->atttypid;
	Oid			output;
	bool		is_varlena;
	char	   *text;
	int			level;

	if (isnull)
		return NULL;
	getTypeOutputInfo(type, &output, &is_varlena);
	if (!type_depends_on_settings(type))
		return OidOutputFunctionCall(output, value);
	level = fixed_settings_enter();
	text = OidOutputFunctionCall(output, value);
	fixed_settings_leave(level);
	return text;
}

bool
query_timestamp(const QueryResult *result, uint64 row, int column,
				TimestampTz *value)
{
	bool		isnull;
	Datum		datum = query_value(result, row, column, &isnull);
	Oid			type = TupleDescAttr(result->desc, column - 1)->atttypid;

	/* of a name it is not known which column has it by now */
	if (getBaseType(type) != TIMESTAMPTZOID)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column %d of a result is of type %s, not a timestamptz",
						column, format_type_be(type))));
	*value = isnull ? 0 : DatumGetTimestampTz(datum);
	return !isnull;
}

void
query_free(QueryResult *result)
{
	int			ncolumns = result->desc ? result->desc->natts : 0;

	for (uint64 i = 0; i < result->nrows * ncolumns; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(result->desc, i % ncolumns);

		if (result->isnull[i] || attribute->attbyval)
			continue;
		explicit_bzero(DatumGetPointer(result->value[i]),
					   datumGetSize(result->value[i], false, attribute->attlen));
		pfree(DatumGetPointer(result->value[i]));
	}
	if (result->nallocated > 0)
	{
		pfree(result->value);
		pfree(result->isnull);
	}
	if (result->desc != NULL)
		FreeTupleDesc(result->desc);
	pfree(result);
}

Portal
query_open_exempt(Oid table, const char *sql, int nargs, Oid *types,
				  Datum *values, const char *nulls)
{
	SPIParseOpenOptions options = {0};
	const Exemption *outer = exemption;
	Exemption	mine = {table, sql};
	ReadOnly	mode = begin_read_only();
	Portal		portal = NULL;

	options.params = hide_parameters(nargs, types, values, nulls);
	exemption = &mine;
	PG_TRY();
	{
		/* the portal has copies of all that it needs, and stays */
		SPI_connect();
		portal = SPI_cursor_parse_open(NULL, sql, &options);
		SPI_finish();
	}
	PG_CATCH();
	{
		end_read_only(&mode, true);
		exemption = outer;
		PG_RE_THROW();
	}
	PG_END_TRY();
	end_read_only(&mode, false);
	exemption = outer;
	/* or any code that runs in the session could close it, by its name */
	PinPortal(portal);
	return portal;
}

QueryResult *
query_fetch(Portal portal, long rows)
{
	RowCollector collector;
	ReadOnly	mode = begin_read_only();

	PG_TRY();
	{
		init_collector(&collector);
		collector.result->processed =
			PortalRunFetch(portal, FETCH_FORWARD, rows, &collector.base);
	}
	PG_CATCH();
	{
		end_read_only(&mode, true);
		PG_RE_THROW();
	}
	PG_END_TRY();
	end_read_only(&mode, false);
	return collector.result;
}

void
query_close(Portal portal)
{
	UnpinPortal(portal);
	PortalDrop(portal, false);
}

void
query_commit(void)
{
	SPI_connect_ext(SPI_OPT_NONATOMIC);
	SPI_commit();
	SPI_finish();
}
