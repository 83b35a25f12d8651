/*-------------------------------------------------------------------------
 *
 * finder.h
 *		How to find rows of a table by one of its columns.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_FINDER_H
#define TOKENAUTH_FINDER_H

#include "source/source.h"
#include "source/watch.h"
#include "utils/relcache.h"

/*
 * Choose the index that finds rows by a column, preferring one that begins with it, then
 * a unique one.  Before it can stand columns that the condition fixes: then only rows are
 * found that it can be true of.  Without any, the table is read whole.  The choice is
 * watched.
 */
extern void finder_choose(Relation table, const SourceColumn *column,
						  Node *condition, RowFinder *finder, Watch *watch);

/*
 * Where none will do, why not one that has the column: 'index "..." does not begin
 * with it'.  NULL if none has it.
 */
extern char *finder_near_miss(Relation table, AttrNumber attnum,
							  Node *condition);

/*
 * SQL that makes the index that a source has PROBLEM_NO_INDEX for, or rebuilds one.
 * Takes an AccessShareLock on its table, which must be there.
 */
extern char *finder_index_sql(const Source *source);

#endif							/* TOKENAUTH_FINDER_H */
