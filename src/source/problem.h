/*-------------------------------------------------------------------------
 *
 * problem.h
 *		What is wrong with a source, in words.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_PROBLEM_H
#define TOKENAUTH_PROBLEM_H

#include "base/compat.h"
#include "source/source.h"

/*
 * Set source->problem.  Of several the first is kept, but for a fatal one.
 * Returns false, so that a caller can return the result.
 */
extern bool problem_set(Source *source, SourceProblem problem, Oid relation,
						const char *column);

/* Report source->problem, which must be set, as an error. */
pg_noreturn extern void problem_report(const Source *source);

/* The same as text, for a view; and what is wrong alone, without a hint. */
extern char *problem_explain(const Source *source);
extern char *problem_message(const Source *source);

#endif							/* TOKENAUTH_PROBLEM_H */
