/*-------------------------------------------------------------------------
 *
 * coherence.h
 *		What keeps the cache exact: who may believe, fill and invalidate it.
 *
 * The essay on why it is right stands at the top of coherence.c.
 *
 * The backend-wide callbacks are registered once, by coherence_init().
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_COHERENCE_H
#define TOKENAUTH_COHERENCE_H

#include "source/source.h"

/* May this backend, here and now, answer from the cache? */
typedef enum CacheUse
{
	CACHE_USE_YES,
	CACHE_USE_NO_DISABLED,		/* tokenauth.enabled is off */
	CACHE_USE_NO_SOURCE,		/* no cache, or this source is not cacheable */
	CACHE_USE_NO_OWN_WRITES		/* this transaction has changed tokens */
} CacheUse;

extern Size coherence_shmem_size(void);
extern void coherence_shmem_init(void *area, bool found);

/* Register the transaction and relcache callbacks of this process. */
extern void coherence_init(void);

/*
 * Hear all that has been said so far: accept invalidation messages, notice
 * the end of recovery.  Every judgement of a token begins with this.
 */
extern void coherence_refresh(void);

extern CacheUse coherence_may_use(const Source *source);

/* The lowest stamp that this backend believes. */
extern uint64 coherence_trust(void);

/*
 * May what this transaction has just read be shown to others?  Not if it
 * could have written any of it (G3).
 */
extern bool coherence_may_publish(const Source *source);

/*
 * Stop believing what is cached for a source now, outside any transaction's
 * fate: for tokenauth_flush().
 */
extern void coherence_flush(const Source *source);

#endif							/* TOKENAUTH_COHERENCE_H */
