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
 * Choose the index that finds rows by a column, preferring a unique one.
 * Without any, the table is read whole.  The choice is watched.
 */
extern void finder_choose(Relation table, const SourceColumn *column,
						  RowFinder *finder, Watch *watch);

#endif							/* TOKENAUTH_FINDER_H */
