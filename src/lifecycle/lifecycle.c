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
#include "source/deletion.h"
#include "source/directory.h"
#include "source/owner.h"
#include "source/problem.h"
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
lifecycle_display_column(const OwnerCall *call)
{
	AttrNumber	attnum = get_attnum(call->source->relation, DISPLAY_COLUMN);
	Form_pg_attribute attribute;

	if (attnum <= 0)
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

char *
lifecycle_has_value(OwnerCall *call, SourceRole role, const char *value)
{
	return psprintf("%s OPERATOR(pg_catalog.=) %s", owner_column(call, role),
					owner_cast(call, role, value));
}

/* ---------- revoking rows ---------- */

/* Now, as a value of a timestamp type. */
static char *
now_as(const Source *source, Oid type)
{
	return owner_in_timezone(source, type, "pg_catalog.clock_timestamp()");
}

/* Where rows are marked as revoked, also the time, if there is a column. */
static const char *
also_set_revoked_at(const Source *source)
{
	AttrNumber	attnum = get_attnum(source->relation, "revoked_at");
	Oid			type;

	if (attnum == InvalidAttrNumber ||
		attnum == source->column[ROLE_REVOKED].attnum)
		return "";
	type = get_atttype(source->relation, attnum);
	return is_timestamp(type) ?
		psprintf(", revoked_at = %s", now_as(source, type)) : "";
}

char *
lifecycle_not_revoked(const OwnerCall *call)
{
	const SourceColumn *revoked = &call->source->column[ROLE_REVOKED];
	const char *column;

	if (!AttributeNumberIsValid(revoked->attnum))
		return "true";
	column = owner_column(call, ROLE_REVOKED);
	if (revoked->type == BOOLOID)
		return psprintf("%s IS NOT TRUE", column);
	if (is_timestamp(revoked->type))
		return psprintf("%s IS NULL", column);
	/* an unknown literal takes the column's type, be it an enum */
	return psprintf("%s OPERATOR(pg_catalog.<>) '" REVOKED_STATUS "'", column);
}

/* Of the rows that meet a condition, those that are not revoked yet. */
static char *
not_revoked_and(const OwnerCall *call, const char *condition)
{
	if (!AttributeNumberIsValid(call->source->column[ROLE_REVOKED].attnum))
		return pstrdup(condition);
	return psprintf("%s AND %s", lifecycle_not_revoked(call), condition);
}

/* What a revoked row has in its column. */
static const char *
revoked_value(const OwnerCall *call)
{
	Oid			type = call->source->column[ROLE_REVOKED].type;

	if (type == BOOLOID)
		return "true";
	if (is_timestamp(type))
		return now_as(call->source, type);
	return "'" REVOKED_STATUS "'";
}

static uint64
flag_rows(OwnerCall *call, const char *condition)
{
	const Source *source = call->source;

	return owner_execute(call,
						 psprintf("UPDATE ONLY %s SET %s = %s%s WHERE %s",
								  owner_table(call),
								  owner_column(call, ROLE_REVOKED),
								  revoked_value(call),
								  also_set_revoked_at(source),
								  not_revoked_and(call, condition)));
}

static uint64
delete_rows(OwnerCall *call, const char *condition)
{
	return owner_execute(call, psprintf("DELETE FROM ONLY %s WHERE %s",
										owner_table(call),
										not_revoked_and(call, condition)));
}

/* An error if there are such rows: they stay as they are, which is no success. */
static uint64
refuse_to_revoke(OwnerCall *call, const char *condition, const char *objection)
{
	char	   *sql = psprintf("SELECT FROM ONLY %s WHERE %s LIMIT 1",
							   owner_table(call),
							   not_revoked_and(call, condition));

	if (owner_execute(call, sql) > 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("tokens of source \"%s\" cannot be revoked by tokenauth",
						call->source->name),
				 objection ? errdetail_internal("%s", objection) :
				 errdetail("It has no revoked_column, and deleting rows has not been asked for."),
				 objection ?
				 errhint("Attach the table again with a revoked_column.") :
				 errhint("Attach the table again with a revoked_column; or, if a row is nothing but a token, with on_revoke => 'delete'.")));
	return 0;
}

uint64
lifecycle_revoke(OwnerCall *call, const char *condition)
{
	char	   *objection = NULL;

	switch (call->source->on_revoke)
	{
		case ON_REVOKE_FLAG:
			return flag_rows(call, condition);
		case ON_REVOKE_DELETE:
			objection = deletion_objection(call->source, call->table);
			if (objection == NULL)
				return delete_rows(call, condition);
			break;
		case ON_REVOKE_NOTHING:
			break;
	}
	return refuse_to_revoke(call, condition, objection);
}
