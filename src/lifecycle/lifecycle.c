/*-------------------------------------------------------------------------
 *
 * lifecycle.c
 *		What the functions on a token's life have in common.
 *
 * Rows are changed as the table's owner: owner.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include "catalog/pg_type.h"
#include "judge/coherence.h"
#include "judge/judge.h"
#include "lifecycle/lifecycle.h"
#include "source/directory.h"
#include "source/hold.h"
#include "source/owner.h"
#include "source/problem.h"
#include "source/token_columns.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

TimestampTz
lifecycle_after(TimestampTz from, Interval *interval)
{
	return DatumGetTimestamp(DirectFunctionCall2(timestamp_pl_interval,
												 TimestampGetDatum(from),
												 IntervalPGetDatum(interval)));
}

char *
lifecycle_in_utc(const char *expression)
{
	return psprintf("pg_catalog.timezone('UTC', %s)", expression);
}

TimestampTz
lifecycle_expiry_slack(const Source *source)
{
	long int	offset;

	return source->column[ROLE_EXPIRES].type == TIMESTAMPOID &&
		!pg_get_timezone_offset(source->zone, &offset) ?
		2 * USECS_PER_HOUR : USECS_PER_SEC;
}

/* The source of that name, or the only one. */
static Source *
find_source(const char *name)
{
	if (name != NULL)
		return judge_named_source(name);
	coherence_refresh();
	if (list_length(source_all()) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_AMBIGUOUS_PARAMETER),
				 errmsg("token source is ambiguous"),
				 errdetail("There are %d sources.",
						   list_length(source_all())),
				 errhint("Name one of them in the argument \"source\".")));
	return linitial(source_all());
}

Source *
lifecycle_source(const char *name, bool for_change)
{
	Source	   *source = find_source(name);
	Source	   *held = for_change ? source_hold_for_change(source) :
		source_hold(source);

	if (held == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("the table of token source \"%s\" does not exist any more",
						source->name)));
	if (PROBLEM_IS_FATAL(held->problem))
		problem_report(held);
	return held;
}

Form_pg_attribute
lifecycle_text_column(const OwnerCall *call, const char *name)
{
	AttrNumber	attnum = get_attnum(call->source->relation, name);
	Form_pg_attribute attribute;

	if (attnum <= 0 ||
		tokens_in_column(call->source, call->source->relation, attnum) != NULL)
		return NULL;
	attribute = TupleDescAttr(RelationGetDescr(call->table), attnum - 1);
	if ((attribute->atttypid != TEXTOID && attribute->atttypid != VARCHAROID) ||
		attribute->attgenerated)
		return NULL;
	return attribute;
}

char *
lifecycle_field_text(const Judgement *judgement, VerdictField field,
					 SourceRole role)
{
	if (judgement->verdict.field[field].data == NULL)
		return NULL;
	return text_to_cstring(verdict_text(&judgement->verdict, field,
										judgement->source->column[role].kind));
}

bool
lifecycle_is_same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

void
lifecycle_concurrent_update(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
			 errmsg("could not serialize access due to concurrent update")));
}

Jsonb *
lifecycle_attributes(FunctionCallInfo fcinfo, int arg)
{
	Jsonb	   *attributes;

	if (PG_ARGISNULL(arg))
		return NULL;
	attributes = PG_GETARG_JSONB_P(arg);
	if (!JB_ROOT_IS_OBJECT(attributes))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"attributes\" must be a JSON object"),
				 errhint("Its keys are names of columns.")));
	return attributes;
}
