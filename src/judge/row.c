/*-------------------------------------------------------------------------
 *
 * row.c
 *		What a row of a token table says of its token; see row.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/sandbox.h"
#include "catalog/pg_type.h"
#include "judge/row.h"
#include "judge/scope.h"
#include "source/expression.h"
#include "source/flag.h"
#include "source/value.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"

/*
 * The value of a role, whose column must be there.  An expression's functions can
 * have the source read again: what is made of the value goes by a copy of the column
 * from before.
 */
static Datum
role_value(const Source *source, Relation table, TupleTableSlot *row,
		   const SourceColumn *column, bool *isnull)
{
	ExpressionRow over = {table, row, source->timezone};

	if (column->expression == NULL)
		return source_column_value(source, column, row, isnull);
	source_require_whole(source);
	return expression_value(&over, column->node, isnull);
}

/* A timestamp without time zone, read in the source's. */
static TimestampTz
in_timezone(const Source *source, Timestamp timestamp)
{
	struct pg_tm tm;
	fsec_t		fraction;
	int			offset;
	TimestampTz result;

	if (timestamp2tm(timestamp, NULL, &tm, &fraction, NULL, NULL) != 0)
		return DT_NOBEGIN;
	offset = DetermineTimeZoneOffset(&tm, source->zone);
	if (tm2timestamp(&tm, fraction, &offset, &result) != 0)
		return DT_NOBEGIN;
	return result;
}

/* The midnight with which a day begins.  There are days beyond the end of time. */
static Timestamp
begin_of_day(DateADT day)
{
	if (DATE_IS_NOBEGIN(day))
		return DT_NOBEGIN;
	if (DATE_IS_NOEND(day) || day >= END_TIMESTAMP / USECS_PER_DAY)
		return DT_NOEND;
	return day * USECS_PER_DAY;
}

/*
 * A value of a timestamp's role as timestamptz.  Within two days of the end of
 * time, in which a time zone could lead out of range, it is never, or always,
 * over.
 */
static TimestampTz
timestamp_of(const Source *source, Oid type, Datum value)
{
	Timestamp	timestamp;

	if (type == TIMESTAMPTZOID)
		return DatumGetTimestampTz(value);
	timestamp = type == DATEOID ? begin_of_day(DatumGetDateADT(value)) :
		DatumGetTimestamp(value);
	if (timestamp > END_TIMESTAMP - 2 * USECS_PER_DAY)
		return DT_NOEND;
	if (timestamp < MIN_TIMESTAMP + 2 * USECS_PER_DAY)
		return DT_NOBEGIN;
	return in_timezone(source, timestamp);
}

static bool
is_used(const Source *source, TupleTableSlot *row)
{
	bool		isnull = true;

	if (source_has_role(source, ROLE_USED))
		(void) source_column_value(source, &source->column[ROLE_USED], row,
								   &isnull);
	return !isnull;
}

void
row_judge_state(const Source *source, TupleTableSlot *row, Verdict *verdict)
{
	verdict_init(verdict, TOKEN_VALID);
	if (flag_is_revoked(source, row))
		verdict->status = TOKEN_REVOKED;
	else if (is_used(source, row))
		verdict->status = TOKEN_USED;
}

bool
row_meets_condition(const Source *source, Relation table, TupleTableSlot *row)
{
	ExpressionRow over = {table, row, source->timezone};

	source_require_whole(source);
	return source->live_when == NULL ||
		expression_holds(&over, source->condition);
}

/* The least of what is said. */
static void
take_expiry(const Source *source, Relation table, TupleTableSlot *row,
			const SourceColumn column, Verdict *verdict)
{
	bool		isnull;
	Datum		value;
	TimestampTz at;

	if (!column_is_told(&column))
		return;
	value = role_value(source, table, row, &column, &isnull);
	if (isnull)
		return;
	at = timestamp_of(source, column.type, value);
	if (!verdict->has_expiry || at < verdict->expires_at)
		verdict->expires_at = at;
	verdict->has_expiry = true;
}

void
row_take_expiry(const Source *source, Relation table, TupleTableSlot *row,
				Verdict *verdict)
{
	take_expiry(source, table, row, source->column[ROLE_EXPIRES], verdict);
}

static void
take_field(const Source *source, Relation table, TupleTableSlot *row,
		   const SourceColumn column, VerdictField field, Verdict *verdict)
{
	bool		isnull;
	Datum		value;
	int			level = 0;

	if (!column_is_told(&column))
		return;
	value = role_value(source, table, row, &column, &isnull);
	if (isnull)
		return;
	if (column.kind == VALUE_LIST)
	{
		verdict->field[field] = scope_list(source, column.type, value);
		return;
	}
	if (verdict_depends_on_settings(column.kind, column.type))
		level = fixed_settings_enter();
	verdict->field[field] = verdict_value(column.kind, value, column.type);
	if (level != 0)
		fixed_settings_leave(level);
}

void
row_take_parent(const Source *source, const SourceParent *parent,
				Relation table, TupleTableSlot *row, Verdict *verdict)
{
	take_expiry(source, table, row, parent->column[ROLE_EXPIRES], verdict);
	take_field(source, table, row, parent->column[ROLE_USER], FIELD_USER,
			   verdict);
	take_field(source, table, row, parent->column[ROLE_TENANT], FIELD_TENANT,
			   verdict);
}

static void
take_last_use(const Source *source, Relation table, TupleTableSlot *row,
			  Verdict *verdict)
{
	const SourceColumn column = source->column[ROLE_LAST_USED];
	bool		isnull;
	Datum		value;

	if (!source->keeps_last_use)
		return;
	value = role_value(source, table, row, &column, &isnull);
	if (!isnull)
		verdict->last_used = timestamp_of(source, column.type, value);
}

static void
take_claims(const Source *source, Relation table, TupleTableSlot *row,
			Verdict *verdict)
{
	ExpressionRow over = {table, row, "UTC"};
	bool		isnull;

	source_require_whole(source);
	if (source->claims_object == NULL)
		return;
	verdict->field[FIELD_CLAIMS] =
		verdict_value(VALUE_JSONB,
					  expression_value(&over, source->claims_object, &isnull),
					  JSONBOID);
}

void
row_take_fields(const Source *source, Relation table, TupleTableSlot *row,
				Verdict *verdict)
{
	take_last_use(source, table, row, verdict);
	take_field(source, table, row, source->column[ROLE_ID], FIELD_ID, verdict);
	take_field(source, table, row, source->column[ROLE_USER], FIELD_USER,
			   verdict);
	take_field(source, table, row, source->column[ROLE_TENANT], FIELD_TENANT,
			   verdict);
	take_field(source, table, row, source->column[ROLE_SCOPE], FIELD_SCOPE,
			   verdict);
	take_claims(source, table, row, verdict);
}

void
row_require_user(const Source *source, Verdict *verdict)
{
	if (verdict->status == TOKEN_VALID &&
		source->column[ROLE_USER].kind != VALUE_NONE &&
		!source->user_is_optional && verdict->field[FIELD_USER].data == NULL)
		verdict->status = TOKEN_DISABLED;
}
