/*-------------------------------------------------------------------------
 *
 * trust.h
 *		The lowest stamp that this backend believes.
 *
 * A backend may have missed messages (message.h): those sent before it
 * connected, and those of a queue that overflowed.  From then on it believes
 * only what was read later: its trust, a reading of the cache's clock.
 * Steps 4 and 5 of doc/coherence.md say why, and what promotion adds.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_TRUST_H
#define TOKENAUTH_TRUST_H

extern Size trust_shmem_size(void);
extern void trust_shmem_init(void *area, bool found);

/* What trust.c keeps, for the inline functions below. */
typedef struct TrustState
{
	bool		known;			/* the others are set */
	bool		missed;			/* messages may have been missed */
	bool		in_recovery;
	bool		settled;		/* known, nothing missed, and no recovery to end */
	uint64		floor;
} TrustState;

extern TrustState trust;

extern void trust_refresh_unsettled(void);

/*
 * Bring this backend's trust up to date, right after invalidation messages
 * have been accepted.  Does nothing without a cache.  Cannot fail.
 */
static inline void
trust_refresh(void)
{
	if (unlikely(!trust.settled))
		trust_refresh_unsettled();
}

/* Entries with a lower stamp are not believed; as of the last refresh. */
static inline uint64
trust_floor(void)
{
	return trust.floor;
}

/* Messages may have been missed.  For a relcache callback: cannot fail. */
extern void trust_lost_messages(void);

/*
 * Does a message concern what this backend may come to believe?  Nothing does
 * before its first refresh; on a primary only messages of prepared
 * transactions do.  Cannot fail.
 */
extern bool trust_is_concerned(bool prepared);

#endif							/* TOKENAUTH_TRUST_H */
