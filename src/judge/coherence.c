/*-------------------------------------------------------------------------
 *
 * coherence.c
 *		What keeps the cache exact; coherence.h says where its pieces are.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include "judge/coherence.h"
#include "judge/message.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/inval.h"

static bool
may_have_written(Oid relation)
{
	LOCKTAG		tag;

	SET_LOCKTAG_RELATION(tag, MyDatabaseId, relation);
	return TOKENAUTH_LOCK_HELD(&tag, RowExclusiveLock);
}

bool
coherence_may_have_written(const Source *source)
{
	if (may_have_written(source->relation))
		return true;
	for (int i = 0; i < source->nparents; i++)
		if (may_have_written(source->parent[i].relation))
			return true;
	return false;
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
