/*-------------------------------------------------------------------------
 *
 * coherence.h
 *		What keeps the cache exact: when it may be believed, and when filled.
 *
 * One rule: an entry is believed iff nothing that could have changed it can
 * have happened since it was read.  doc/coherence.md has the argument, in
 * steps that comments cite.  Its pieces, which can be read alone:
 *
 *	trigger.c		row triggers note which guards a change concerns
 *	changes.h		notes; fences at PRE_COMMIT, floors at COMMIT (steps 1 to 3)
 *	transaction.h	what is done at each event of a transaction's end
 *	message.h		changes that another process commits or replays (step 4)
 *	trust.h			messages missed, and promotion (steps 4 and 5)
 *	cache/cache.h	the reader: fence, floor, entry, in this order (step 1)
 *	lookup.h		the filler: lock, clock, snapshot, in this order (step 1)
 *
 * This header is their door: what a judgement asks of them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_COHERENCE_H
#define TOKENAUTH_COHERENCE_H

#include "access/xact.h"
#include "base/guc.h"
#include "base/testpoint.h"
#include "judge/changes.h"
#include "judge/trust.h"
#include "replication/walsender.h"
#include "source/directory.h"
#include "utils/inval.h"

/* May this backend, here and now, answer from the cache? */
typedef enum CacheUse
{
	CACHE_USE_YES,
	CACHE_USE_NO_DISABLED,		/* tokenauth.enabled is off */
	CACHE_USE_NO_SOURCE,		/* no cache, or this source is not cacheable */
	CACHE_USE_NO_OWN_WRITES		/* this transaction has changed tokens */
} CacheUse;

/* Register the callbacks of this process; once. */
extern void coherence_init(void);

/*
 * Take note of all that other sessions have told so far: accept invalidation
 * messages, notice the end of recovery, bring what is known of the registry up
 * to date.  Every judgement of a token begins with this, and every look-up of
 * a source.  May throw whatever reading a table may throw.
 */
static inline void
coherence_refresh(void)
{
	AcceptInvalidationMessages();
	trust_refresh();
	source_refresh();
}

/* What of the next needs a look at locks: this transaction has an id. */
extern bool coherence_may_have_written(const Source *source);

/*
 * Could this transaction have changed rows of the source's tables?  The
 * trigger says so at a statement's end; before that, as in its RETURNING, the
 * statement's lock does, which is held to the end of the transaction.
 */
static inline bool
coherence_has_own_writes(const Source *source)
{
	return changes_dirty() ||
		(TransactionIdIsValid(GetTopTransactionIdIfAny()) &&
		 coherence_may_have_written(source));
}

static inline CacheUse
coherence_may_use(const Source *source)
{
	if (!guc_enabled)
		return CACHE_USE_NO_DISABLED;
	/* a walsender receives messages of the past as if they were new */
	if (!cache_is_on() || !source_is_cacheable(source) || am_walsender)
		return CACHE_USE_NO_SOURCE;
	if (!TEST_FAULT(publish_own_writes) && coherence_has_own_writes(source))
		return CACHE_USE_NO_OWN_WRITES;
	return CACHE_USE_YES;
}

/*
 * May what this transaction has just read be shown to others?  Not if it
 * could have written any of it (G3).
 */
extern bool coherence_may_publish(const Source *source);

/*
 * Stop believing what is cached for a source now, whether the present
 * transaction commits or not: for tokenauth_flush().
 */
extern void coherence_flush(const Source *source);

#endif							/* TOKENAUTH_COHERENCE_H */
