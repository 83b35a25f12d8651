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
#include "source/directory.h"
#include "source/problem.h"
#include "source/registry.h"
#include "utils/lsyscache.h"

/* What is to be done in one source, and whether that was concerned. */
typedef struct Attempt
{
	const Source *candidate;
	bool		for_change;
	SourceWork	work;
	void	   *arg;
	bool		concerned;
} Attempt;

static void
work_on(void *arg)
{
	Attempt    *attempt = arg;
	Source	   *source = attempt->for_change ?
		source_hold_for_change(attempt->candidate) :
		source_hold(attempt->candidate);

	attempt->concerned = false;
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
	attempt->concerned = attempt->work(source, attempt->arg);
}

/* A source that could not be worked on. */
typedef struct LeftOut
{
	const Source *source;
	ErrorData  *error;
	bool		timed_out;
} LeftOut;

static void
warn(const LeftOut *left)
{
	ereport(WARNING,
			(errcode(left->error->sqlerrcode),
			 errmsg("token source \"%s\" is left out", left->source->name),
			 left->timed_out ?
			 errdetail("It took longer than tokenauth.source_timeout.") :
			 errdetail_internal("%s", left->error->message),
			 errhint("When that is mended, call the function again, with the argument \"source\".")));
}

/* NULL if it was worked on, by itself. */
static LeftOut *
try_source(Attempt *attempt)
{
	bool		timed_out;
	ErrorData  *error = time_limit_try(work_on, attempt, guc_source_timeout,
									   &timed_out);
	LeftOut    *left;

	if (error == NULL)
		return NULL;
	if (!timed_out && sandbox_concerns_all(error))
		ReThrowError(error);
	left = palloc(sizeof(LeftOut));
	left->source = attempt->candidate;
	left->error = error;
	left->timed_out = timed_out;
	return left;
}

List *
each_source(List *sources, bool for_change, SourceWork work, void *arg)
{
	Attempt		attempt = {.for_change = for_change,.work = work,.arg = arg};
	List	   *done = NIL;
	List	   *left_out = NIL;
	bool		any_concerned = false;
	/* there are no subtransactions in parallel mode */
	bool		alone = list_length(sources) == 1 || IsInParallelMode();
	ListCell   *lc;

	foreach(lc, sources)
	{
		LeftOut    *left = NULL;

		attempt.candidate = lfirst(lc);
		if (alone)
			work_on(&attempt);
		else
			left = try_source(&attempt);
		if (left != NULL)
			left_out = lappend(left_out, left);
		else
		{
			any_concerned |= attempt.concerned;
			done = lappend(done, lfirst(lc));
		}
	}
	if (left_out != NIL && !any_concerned)
		ReThrowError(((LeftOut *) linitial(left_out))->error);
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
