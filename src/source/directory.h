/*-------------------------------------------------------------------------
 *
 * directory.h
 *		The sources of this database as this backend knows them.
 *
 * Everything here is local to the backend and kept right by relcache
 * invalidation.  Each source, and the registry as a whole, is in one of three
 * states.  An invalidation sets STALE; a rebuild sets BUILDING, then CURRENT
 * only if it is BUILDING still: else a message that came meanwhile would be
 * lost (core does likewise in evtcache.c).
 *
 * Pointers to a Source stay good until the end of the transaction, even if
 * the registry is read again; then the old one is `retired`.
 *
 * Nothing here may be called outside a transaction, except source_init(), and
 * source_invalidate() and source_end_of_transaction(): these neither read
 * catalogs nor fail.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_DIRECTORY_H
#define TOKENAUTH_DIRECTORY_H

#include "source/source.h"

/*
 * Bring what is known of the registry up to date, having accepted all
 * invalidation messages.  Must be called before the look-ups below; may
 * throw whatever reading a table may throw, and 55000 for a registry of another
 * version.  The first is for callers that cannot do without it: false for such a
 * registry, and no source is known.
 */
extern bool source_try_refresh(void);
extern void source_refresh(void);

extern Source *source_by_name(const char *name);

extern List *source_all(void);

/* The sources that a table is; NIL for none, as for InvalidOid. */
extern List *source_all_of(Oid relation);

/*
 * The source as it is now, its registry having been read again: the same table
 * under the same name.  NULL if there is none.
 */
extern Source *source_find_again(const Source *source);

/* The sources that use a table as theirs, or as a parent's. */
extern List *source_users_of(Oid relation);

/* routes_find() and routes_candidates() of routes.h. */
extern Source *source_by_token(const char *token, Size len);
extern List *source_candidates(const char *token, Size len, bool *left_out);

/*
 * Bring a source's catalog side up to date.  False if its table has been
 * dropped; then the registry is due for a refresh, after which it is gone.  Throws
 * 55000 if it changes each time.
 */
extern bool source_revalidate(Source *source);

static inline bool
source_validate(Source *source)
{
	return source->state == SOURCE_CURRENT || source_revalidate(source);
}

/* The same; false, too, if what is mapped cannot be read. */
static inline bool
source_is_readable(Source *source)
{
	return source_validate(source) && !PROBLEM_IS_FATAL(source->problem);
}

/*
 * Would it be in vain to read a source again?  The first: since that was last begun, nothing
 * has been changed, and no other statement begun.  The second: and it was found to have a
 * problem of which no message tells that it passes, so that it is stale all the same.  All
 * such problems are fatal, so nobody judges by what was read.
 */
extern bool source_is_as_at_begin(const Source *source);
extern bool source_has_problem_still(const Source *source);

/* Has the registry changed, so that the source must be looked up again? */
extern bool source_is_outdated(const Source *source);

/*
 * A relation (InvalidOid: all) has changed.  For the relcache callback: no
 * catalog access, cannot fail.
 */
extern void source_invalidate(Oid relation);

/* Have what changes in the catalogs besides known; once in a process. */
extern void source_init(void);

/* Free what the transaction outlived.  Cannot fail. */
extern void source_end_of_transaction(void);

#endif							/* TOKENAUTH_DIRECTORY_H */
