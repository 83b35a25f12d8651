/*-------------------------------------------------------------------------
 *
 * verification.c
 *		How many tokens of a source are verified at once; see verification.h.
 *
 * A process that verifies, and in there verifies another token of the same source
 * (the owner's code can do that), has its place already, for it uses no more than
 * one processor.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/guc.h"
#include "cache/cache.h"
#include "judge/verification.h"
#include "miscadmin.h"
#include "storage/latch.h"
#include "utils/wait_event.h"

/*
 * Beside SQL's advisory locks, which have 1 and 2 here.  The lock of a token has 64
 * bits of its key in the cache; that two share them makes one wait for the other.
 */
#define LOCK_PLACE		29793
#define LOCK_TOKEN		29794

/* A verify that only compares is over in a fraction of that. */
#define PATIENCE_MS		10

/* A place that was free can be taken by another; what was waited for, uncacheable. */
#define MAX_ATTEMPTS	5

static LOCKTAG
place_tag(const Source *source, int place)
{
	LOCKTAG		tag;

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, source->id.relation,
						 ((uint32) source->id.name << 16) | (uint32) place,
						 LOCK_PLACE);
	return tag;
}

static LOCKTAG
token_tag(const TokenDigest *key)
{
	uint32		bits[2];
	LOCKTAG		tag;

	memcpy(bits, key->bytes, sizeof(bits));
	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, bits[0], bits[1], LOCK_TOKEN);
	return tag;
}

/* Until it is released, or the (sub)transaction fails. */
static bool
try_lock(const LOCKTAG *tag, LOCKMODE mode)
{
	return LockAcquire(tag, mode, false, true) != LOCKACQUIRE_NOT_AVAIL;
}

static void
release(const LOCKTAG *tag, LOCKMODE mode)
{
	(void) LockRelease(tag, mode, false);
}

static bool
take_place(const Source *source, LOCKTAG *tag)
{
	for (int place = 0; place < guc_max_verifications; place++)
	{
		*tag = place_tag(source, place);
		if (try_lock(tag, ExclusiveLock))
			return true;
	}
	return false;
}

bool
verification_begin(Verification *verification, const Source *source,
				   const TokenDigest *key)
{
	if (verification->has_begun)
		return true;
	verification->has_place = guc_max_verifications > 0;
	if (verification->has_place && !take_place(source, &verification->place))
		return false;
	verification->has_begun = true;
	/* without a cache there is nothing to wait for, and the key says nothing */
	verification->token = token_tag(key);
	verification->has_token = cache_is_on() &&
		try_lock(&verification->token, ExclusiveLock);
	return true;
}

void
verification_end(const Verification *verification)
{
	if (!verification->has_begun)
		return;
	if (verification->has_token)
		release(&verification->token, ExclusiveLock);
	if (verification->has_place)
		release(&verification->place, ExclusiveLock);
}

/* Wait for whoever verifies this token; false if nobody does. */
static bool
wait_for_token(const TokenDigest *key)
{
	LOCKTAG		tag = token_tag(key);
	bool		waited = false;

	if (!cache_is_on())
		return false;
	if (!try_lock(&tag, ShareLock))
	{
		(void) LockAcquire(&tag, ShareLock, false, false);
		waited = true;
	}
	release(&tag, ShareLock);
	return waited;
}

static bool
is_place_free(const Source *source)
{
	LOCKTAG		tag;
	bool		free = take_place(source, &tag);

	if (free)
		release(&tag, ExclusiveLock);
	return free;
}

/* False if none is free soon. */
static bool
wait_for_place(const Source *source)
{
	for (int waited = 0; waited < PATIENCE_MS; waited++)
	{
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 1, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		if (is_place_free(source))
			return true;
	}
	return false;
}

void
verification_wait(const Source *source, const TokenDigest *key, int attempt)
{
	if (attempt < MAX_ATTEMPTS &&
		(wait_for_token(key) || wait_for_place(source)))
		return;
	source->counts->n[STATS_VERIFICATIONS_REFUSED]++;
	ereport(ERROR,
			(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
			 errmsg("too many tokens of source \"%s\" are being verified",
					source->name),
			 errdetail("There are as many as tokenauth.max_verifications allows, which is %d. Nothing is known of this token.",
					   guc_max_verifications),
			 errhint("Try again soon, or raise tokenauth.max_verifications."),
			 errhidestmt(true), errhidecontext(true)));
}
