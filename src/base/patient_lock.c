/*-------------------------------------------------------------------------
 *
 * patient_lock.c
 *		Waiting for a strong lock on a table; see patient_lock.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/patient_lock.h"
#include "base/sandbox.h"
#include "miscadmin.h"
#include "storage/latch.h"
#include "storage/lmgr.h"
#include "storage/proc.h"
#include "utils/guc.h"
#include "utils/wait_event.h"

/* Between two tries. */
#define PAUSE_MS			1000

/* Beyond the time after which autovacuum is canceled. */
#define QUEUE_MS			500

typedef struct LockWish
{
	Oid			relation;
	LOCKMODE	mode;
} LockWish;

static void
wait_for_lock(void *arg)
{
	const LockWish *wish = arg;
	int			level = NewGUCNestLevel();

	(void) set_config_option("lock_timeout",
							 psprintf("%d", DeadlockTimeout + QUEUE_MS),
							 PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
							 true, 0, false);
	LockRelationOid(wish->relation, wish->mode);
	AtEOXact_GUC(false, level);
}

bool
patient_lock_is_wanted(void)
{
	return LockTimeout == 0;
}

bool
patient_lock_try(Oid relation, LOCKMODE mode)
{
	LockWish	wish = {relation, mode};
	ErrorData  *error = sandbox_try(wait_for_lock, &wish, true);

	if (error != NULL && error->sqlerrcode != ERRCODE_LOCK_NOT_AVAILABLE)
		ReThrowError(error);
	return error == NULL;
}

void
patient_lock_pause(void)
{
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
					 PAUSE_MS, PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
}

void
patient_lock(Oid relation, LOCKMODE mode)
{
	if (!patient_lock_is_wanted())
	{
		LockRelationOid(relation, mode);
		return;
	}
	/* most often it is to be had, and then there is no subtransaction */
	if (ConditionalLockRelationOid(relation, mode))
		return;
	while (!patient_lock_try(relation, mode))
		patient_lock_pause();
}
