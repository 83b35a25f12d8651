/*-------------------------------------------------------------------------
 *
 * judge.h
 *		Wrong answers are found by the oracle, counted and told.
 *
 *-------------------------------------------------------------------------
 */
#ifndef STRESS_JUDGE_H
#define STRESS_JUDGE_H

#include "events.h"
#include "token.h"

/* Count a wrong answer; tell the first few in full. */
extern void report_wrong(const Session *session, Event event,
						 const char *format,...)
			__attribute__((format(printf, 3, 4)));

/* An answer; control says that a plain SELECT gave it. */
extern void judge(Session *session, Token *token, unsigned frontier,
				  const Answer *answer, bool control);

/* The answer in a row of a resolve's result, as read_answer() reads it. */
extern void judge_resolve(Session *session, Token *token, unsigned frontier,
						  const PGresult *result, int row);

#endif							/* STRESS_JUDGE_H */
