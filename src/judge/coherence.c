/*-------------------------------------------------------------------------
 *
 * coherence.c
 *		What keeps the cache exact; coherence.h says where its pieces are.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/compat.h"
#include "base/guc.h"
#include "base/testpoint.h"
#include "judge/changes.h"
#include "judge/coherence.h"
#include "judge/message.h"
#include "judge/trust.h"
#include "miscadmin.h"
#include "replication/walsender.h"
#include "source/directory.h"
#include "storage/lmgr.h"
#include "storage/sinval.h"
#include "utils/inval.h"

void
coherence_refresh(void)
{
	AcceptInvalidationMessages();
	trust_refresh();
	source_refresh();
}

static bool
may_have_written(Oid relation)
{
	LOCKTAG		tag;

	SET_LOCKTAG_RELATION(tag, MyDatabaseId, relation);
	return TOKENAUTH_LOCK_HELD(&tag, RowExclusiveLock);
}

/*
 * Could this transaction have changed rows of the source's tables?  The
 * trigger says so at a statement's end; before that, as in its RETURNING, the
 * statement's lock does, which is held to the end of the transaction.
 */
static bool
has_own_writes(const Source *source)
{
	if (changes_dirty())
		return true;
	if (!TransactionIdIsValid(GetTopTransactionIdIfAny()))
		return false;
	if (may_have_written(source->relation))
		return true;
	for (int i = 0; i < source->nparents; i++)
		if (may_have_written(source->parent[i].relation))
			return true;
	return false;
}

CacheUse
coherence_may_use(const Source *source)
{
	if (!guc_enabled)
		return CACHE_USE_NO_DISABLED;
	/* a walsender receives messages of the past as if they were new */
	if (!cache_is_on() || !source_is_cacheable(source) || am_walsender)
		return CACHE_USE_NO_SOURCE;
	if (!TEST_FAULT(publish_own_writes) && has_own_writes(source))
		return CACHE_USE_NO_OWN_WRITES;
	return CACHE_USE_YES;
}

bool
coherence_may_publish(const Source *source)
{
	if (TEST_FAULT(publish_own_writes))
		return true;
	return coherence_may_use(source) == CACHE_USE_YES &&
		!TransactionIdIsValid(GetTopTransactionIdIfAny());
}

void
coherence_flush(const Source *source)
{
	if (cache_is_on())
		cache_guard_floor(cache_gate_guard(source->gate), CACHE_ALL_CLASSES,
						  clock_tick(cache_clock()));
}

/*
 * A relation has been invalidated, by another session or by this one.  No
 * catalog access, no error.
 */
static void
relcache_callback(Datum arg, Oid relation)
{
	if (!OidIsValid(relation))
		trust_lost_messages();
	source_invalidate(relation);
	changes_relation_invalidated(relation);
}

void
coherence_init(void)
{
	CacheRegisterRelcacheCallback(relcache_callback, (Datum) 0);
	message_init();
}
