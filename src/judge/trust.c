/*-------------------------------------------------------------------------
 *
 * trust.c
 *		The lowest stamp that this backend believes; trust.h is the contract.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/twophase.h"
#include "access/xlog.h"
#include "base/testpoint.h"
#include "cache/cache.h"
#include "judge/trust.h"

/* This backend's. */
TrustState	trust;

typedef struct TrustShared
{
	Floor		promotion;		/* 0 until a backend has seen recovery end */
} TrustShared;

static TrustShared *shared = NULL;

Size
trust_shmem_size(void)
{
	return sizeof(TrustShared);
}

void
trust_shmem_init(void *area, bool found)
{
	shared = (TrustShared *) area;
	if (!found)
		pg_atomic_init_u64(&shared->promotion, 0);
}

static uint64
promotion_floor(void)
{
	if (pg_atomic_read_u64(&shared->promotion) == 0)
		floor_raise(&shared->promotion, clock_tick(cache_clock()));
	return pg_atomic_read_u64(&shared->promotion);
}

static void
establish_trust(bool in_recovery)
{
	bool		messages_matter = in_recovery || max_prepared_xacts > 0;

	if (messages_matter && (!trust.known || trust.missed) &&
		!TEST_FAULT(trust_everything))
		trust.floor = clock_tick(cache_clock());
	if (!in_recovery)
		trust.floor = Max(trust.floor, promotion_floor());
	trust.known = true;
	trust.missed = false;
	trust.in_recovery = in_recovery;
}

void
trust_refresh_unsettled(void)
{
	bool		in_recovery;

	if (!cache_is_on())
		return;
	in_recovery = RecoveryInProgress();
	if (!trust.known || trust.missed || trust.in_recovery != in_recovery)
		establish_trust(in_recovery);
	trust.settled = !in_recovery;
}

void
trust_lost_messages(void)
{
	trust.missed = true;
	trust.settled = false;
}

bool
trust_is_concerned(bool prepared)
{
	return trust.known && (prepared || trust.in_recovery);
}
