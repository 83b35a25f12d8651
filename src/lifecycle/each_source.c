/*-------------------------------------------------------------------------
 *
 * each_source.c
 *		Doing something in several sources, each by itself; see each_source.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/compat.h"
#include "base/guc.h"
#include "base/sandbox.h"
#include "base/time_limit.h"
#include "judge/coherence.h"
#include "judge/judge.h"
#include "lifecycle/each_source.h"
#include "mb/pg_wchar.h"
#include "source/directory.h"
#include "source/hold.h"
#include "source/problem.h"
#include "source/registry.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

/* What is to be done in one source, and in the next. */
typedef struct Attempt
{
	const Source *candidate;
	bool		for_change;
	SourceWork	work;
	void	   *arg;
	bool		any_concerned;	/* of those that were worked on */
} Attempt;

static void
work_on(void *arg)
{
	Attempt    *attempt = arg;
	Source	   *source = attempt->for_change ?
		source_hold_for_change(attempt->candidate) :
		source_hold(attempt->candidate);

	if (source == NULL && attempt->for_change)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("token source \"%s\" was detached or dropped meanwhile",
						attempt->candidate->name),
				 errhint("Call the function again: its table may be another source now.")));
	if (source == NULL)
		return;
	if (PROBLEM_IS_FATAL(source->problem))
		problem_report(source);
	attempt->any_concerned |= attempt->work(source, attempt->arg);
}

/* ---------- how long ---------- */

/* What the sources of one owner have, in microseconds. */
typedef struct OwnerTime
{
	Oid			owner;
	int64		left;
	int			nsources;		/* of those that are to be worked on */
} OwnerTime;

static OwnerTime *
time_of(SourceBudget *budget, const Source *source)
{
	Oid			owner = registry_table_owner(source->relation);
	OwnerTime  *time;
	ListCell   *lc;

	foreach(lc, budget->owners)
	{
		time = lfirst(lc);
		if (time->owner == owner)
			return time;
	}
	time = palloc0(sizeof(OwnerTime));
	time->owner = owner;
	time->left = (int64) guc_source_timeout * 1000 * SOURCE_BUDGET_FACTOR;
	budget->owners = lappend(budget->owners, time);
	return time;
}

static void
count_sources(SourceBudget *budget, List *sources)
{
	ListCell   *lc;

	foreach(lc, budget->owners)
		((OwnerTime *) lfirst(lc))->nsources = 0;
	foreach(lc, sources)
		time_of(budget, lfirst(lc))->nsources++;
}

/*
 * How long a source can take, in milliseconds (0: no limit); -1 if no time is left.
 * At first only so long that all of its owner's have their turn, so that a slow
 * one does not take the time of those behind it.
 */
static int
milliseconds_for(const OwnerTime *time, bool first)
{
	int64		most = guc_source_timeout;

	if (guc_source_timeout == 0)
		return 0;
	if (time->left <= 0)
		return -1;
	if (first && time->nsources > 1)
		most = most / 2 / time->nsources;
	return (int) Max(1, Min(most, time->left / 1000));
}

/* ---------- each by itself ---------- */

/* A source that could not be worked on. */
typedef struct LeftOut
{
	const Source *source;
	ErrorData  *error;			/* NULL: there was no time left to try it */
	int			milliseconds;	/* what it took too long for; 0: it did not */
} LeftOut;

/* An owner's code raises an error as long as it likes: it must be told, and logged. */
#define MAX_TOLD		1000

char *
each_source_told(const char *message)
{
	int			len = (int) strnlen(message, MAX_TOLD + 1);

	return pnstrdup(message, len <= MAX_TOLD ? len :
					pg_mbcliplen(message, len, MAX_TOLD));
}

static void
warn(const LeftOut *left)
{
	int			sqlstate = left->error ? left->error->sqlerrcode :
		ERRCODE_QUERY_CANCELED;

	ereport(WARNING,
			(errcode(sqlstate),
			 errmsg("token source \"%s\" is left out", left->source->name),
			 left->error != NULL && left->milliseconds == 0 ?
			 errdetail_internal("%s", each_source_told(left->error->message)) :
			 errdetail("It, or others of its owner, took longer than tokenauth.source_timeout allows."),
			 errhint("When that is mended, call the function again, with the argument \"source\".")));
}

bool
each_source_has(const List *sources, const Source *source)
{
	ListCell   *lc;

	foreach(lc, sources)
		if (source_is_same(lfirst(lc), source))
			return true;
	return false;
}

/* NULL if it was worked on. */
static LeftOut *
try_source(Attempt *attempt, const Source *source, SourceBudget *budget,
		   bool first)
{
	OwnerTime  *time = time_of(budget, source);
	int			milliseconds = milliseconds_for(time, first);
	LeftOut    *left = palloc0(sizeof(LeftOut));
	TimestampTz begin = GetCurrentTimestamp();
	bool		timed_out;

	left->source = attempt->candidate = source;
	if (milliseconds < 0)
		return left;
	left->error = time_limit_try(work_on, attempt, milliseconds, &timed_out);
	time->left -= GetCurrentTimestamp() - begin;
	if (left->error == NULL)
		return NULL;
	if (timed_out)
		left->milliseconds = milliseconds;
	else if (sandbox_concerns_all(left->error))
		ReThrowError(left->error);
	return left;
}

/* Would more time help, of which there may be some? */
static bool
is_worth_retrying(const LeftOut *left)
{
	return left->error == NULL ||
		(left->milliseconds > 0 && left->milliseconds < guc_source_timeout);
}

pg_noreturn static void
raise_first(List *left_out)
{
	ListCell   *lc;

	foreach(lc, left_out)
		if (((LeftOut *) lfirst(lc))->error != NULL)
			ReThrowError(((LeftOut *) lfirst(lc))->error);
	ereport(ERROR,
			(errcode(ERRCODE_QUERY_CANCELED),
			 errmsg("token sources took longer than tokenauth.source_timeout allows them"),
			 errhint("Call the function for each source, with the argument \"source\".")));
}

/* Work on sources, or once more on those left out; returns those left out then. */
static List *
take_turns(Attempt *attempt, List *sources, SourceBudget *budget, List **done)
{
	List	   *left_out = NIL;
	List	   *again = NIL;
	ListCell   *lc;

	foreach(lc, sources)
	{
		LeftOut    *left = try_source(attempt, lfirst(lc), budget, true);

		if (left != NULL)
			left_out = lappend(left_out, left);
		else
			*done = lappend(*done, lfirst(lc));
	}
	foreach(lc, left_out)
	{
		LeftOut    *left = lfirst(lc);

		if (is_worth_retrying(left))
			left = try_source(attempt, left->source, budget, false);
		if (left != NULL)
			again = lappend(again, left);
		else
			*done = lappend(*done, unconstify(Source *, ((LeftOut *) lfirst(lc))->source));
	}
	return again;
}

List *
each_source(List *sources, bool for_change, SourceWork work, void *arg,
			SourceBudget *budget)
{
	Attempt		attempt = {.for_change = for_change,.work = work,.arg = arg};
	List	   *done = NIL;
	List	   *left_out;
	ListCell   *lc;

	budget->nsources = Max(budget->nsources, list_length(sources));
	/* there are no subtransactions in parallel mode */
	if (budget->nsources == 1 || IsInParallelMode())
	{
		foreach(lc, sources)
		{
			attempt.candidate = lfirst(lc);
			work_on(&attempt);
		}
		return sources;
	}
	count_sources(budget, sources);
	left_out = take_turns(&attempt, sources, budget, &done);
	if (left_out != NIL && !attempt.any_concerned)
		raise_first(left_out);
	foreach(lc, left_out)
		warn(lfirst(lc));
	return done;
}

List *
each_source_choose(const char *name)
{
	if (name != NULL)
		return list_make1(judge_named_source(name));
	coherence_refresh();
	return list_copy(source_all());
}

bool
each_source_has_role(const Source *source, SourceRole role, bool named)
{
	if (source->column[role].kind != VALUE_NONE)
		return true;
	if (named)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("token source \"%s\" has no %s",
						source->name, role_argument(role)),
				 errhint("Attach the table again, with this argument.")));
	return false;
}

bool
each_source_could_have(const Source *source, SourceRole role, const char *text)
{
	const SourceColumn *column = &source->column[role];
	FmgrInfo	input;
	Oid			function;
	Oid			parameter;

	switch (column->kind)
	{
		case VALUE_UUID:
		case VALUE_INT4:
		case VALUE_INT8:
			/* functions of core's; a domain's would check its constraints */
			getTypeInputInfo(getBaseType(column->type), &function, &parameter);
			fmgr_info(function, &input);
			return TOKENAUTH_IS_INPUT(&input, text, parameter);
		case VALUE_TEXT:
		case VALUE_LIST:
			return true;
		case VALUE_NONE:
		case VALUE_JSONB:
			break;
	}
	return false;
}
