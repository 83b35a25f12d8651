/*-------------------------------------------------------------------------
 *
 * judge.c
 *		Wrong answers are found by the oracle, counted and told.
 *
 *-------------------------------------------------------------------------
 */
#include <stdarg.h>
#include <stdio.h>

#include "judge.h"

#define MAX_REPORTS			10	/* wrong answers told in full */

void
report_wrong(const Session *session, Event event, const char *format,...)
{
	static atomic_int reported;
	static const char *const names[] = {
		[WRONG_STALE] = "STALE",
		[WRONG_PHANTOM] = "PHANTOM",
		[WRONG_UNEXPLAINED] = "UNEXPLAINED",
		[WRONG_OWN] = "NOT OWN",
		[WRONG_CONTROL] = "CONTROL",
	};
	va_list		args;

	count(event);
	if (options.stop_on_wrong)
		atomic_store(&stopping, true);
	if (atomic_fetch_add(&reported, 1) >= MAX_REPORTS)
		return;

	flockfile(stdout);
	printf("%s after %.3f s: session %d (%s%s%s): ", names[event], elapsed(),
		   session->number, session->kind->name,
		   session->place == ON_STANDBY ? ", on standby" : "",
		   session->delayed ? ", delayed" : "");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	funlockfile(stdout);
}

void
judge(Session *session, Token *token, unsigned frontier, const Answer *answer,
	  bool control)
{
	static const Event wrong[] = {
		[ANSWER_STALE] = WRONG_STALE,
		[ANSWER_PHANTOM] = WRONG_PHANTOM,
		[ANSWER_UNEXPLAINED] = WRONG_UNEXPLAINED
	};
	History    *history = &token->history;
	OracleVerdict verdict = oracle_judge(history, session->place, frontier,
										 answer);

	if (verdict == ANSWER_RIGHT)
		return;
	report_wrong(session, control ? WRONG_CONTROL : wrong[verdict],
				 "token %u (%s) is %s in version %u (%s); "
				 "frontier was %u (%s), now acked %u, seen %u, attempted %u",
				 token->number, token->shape->name,
				 answer->valid ? "valid" : "refused",
				 answer->version, oracle_describe(history, answer->version),
				 frontier, oracle_describe(history, frontier),
				 atomic_load(&history->acked), atomic_load(&history->seen),
				 atomic_load(&history->attempted));
}

void
judge_resolve(Session *session, Token *token, unsigned frontier,
			  const PGresult *result, int row)
{
	Answer		answer = read_answer(token, result, row);

	count(session->place == ON_STANDBY ? RESOLVES_STANDBY : RESOLVES_PRIMARY);
	if (answer.valid)
		count(ANSWERS_VALID);
	judge(session, token, frontier, &answer, false);
}
