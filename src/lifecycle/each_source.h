/*-------------------------------------------------------------------------
 *
 * each_source.h
 *		Doing something in several sources, each by itself.
 *
 * One source must not prevent revoking or flushing in the others: not by an
 * error of its table or of its owner's triggers, not by a lock on it, not by
 * code that takes long.  So each source has its own subtransaction, limited by
 * tokenauth.source_timeout.  A source that fails is left out, a warning names
 * it, and the caller is told.
 *
 * Many slow sources must not make the call endless either, nor take the time of
 * others: all sources of one owner have SOURCE_BUDGET_FACTOR times that in one call.
 * First each has a short turn, so that no fast one is left out for a slow one; then
 * those that were too slow for it have what is left.
 *
 * While a call has been for a single source only, it has neither: errors are raised.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_EACH_SOURCE_H
#define TOKENAUTH_EACH_SOURCE_H

#include "source/source.h"

/*
 * Do it in one source, which is held and readable.  False if that is not
 * concerned.  What is done to arg must be the last thing that it does: an error
 * undoes all but that.
 */
typedef bool (*SourceWork) (Source *source, void *arg);

/* What is left of it; one for each call of a function of ours, all zero at first. */
typedef struct SourceBudget
{
	int			nsources;		/* that the call is for, also those left out */
	List	   *owners;
} SourceBudget;

#define SOURCE_BUDGET_FACTOR	2

/*
 * Do it in each of a list of sources, holding them for_change or for reading.
 * Returns the list without those that were left out.  Throws what concerns all
 * (sandbox_concerns_all()); and, if no source that is concerned could be
 * worked on, the first one's error, or 57014 if there was no time for any.
 */
extern List *each_source(List *sources, bool for_change, SourceWork work,
						 void *arg, SourceBudget *budget);

/* The source of that name, or all; refreshed.  Throws 42704. */
extern List *each_source_choose(const char *name);

/* Is a source, as it was read at whatever time, in a list? */
extern bool each_source_has(const List *sources, const Source *source);

/* Of what an owner's code raises as an error, as much as is told and logged. */
extern char *each_source_told(const char *message);

/*
 * Has the source a column for this role?  Where it was named, not to have one
 * is error 55000.
 */
extern bool each_source_has_role(const Source *source, SourceRole role,
								 bool named);

/*
 * Could this text be a value of that column: does its type's input function accept
 * it?  Where no source is named, sources with ids of another type are not concerned.
 */
extern bool each_source_could_have(const Source *source, SourceRole role,
								   const char *text);

#endif							/* TOKENAUTH_EACH_SOURCE_H */
