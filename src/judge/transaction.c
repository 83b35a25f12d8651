/*-------------------------------------------------------------------------
 *
 * transaction.c
 *		What happens at the end of a transaction or subtransaction.
 *
 * Until PRE_COMMIT and PRE_PREPARE a step may throw, and the transaction
 * aborts.  At COMMIT, PREPARE and ABORT it is too late to fail: no palloc, no
 * ereport.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/stats.h"
#include "judge/changes.h"
#include "judge/identity.h"
#include "judge/transaction.h"
#include "source/directory.h"
#include "source/source.h"

/* However it has ended. */
static void
forget_transaction(void)
{
	changes_forget();
	identity_forget();
	source_end_of_transaction();
	stats_end_of_transaction();
}

static void
at_transaction_event(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
			/* deferred triggers have run; other extensions may still come */
			changes_pre_commit();
			break;
		case XACT_EVENT_PRE_PREPARE:
			changes_pre_prepare();
			break;
		case XACT_EVENT_COMMIT:
			changes_commit();
			stats_commit();
			forget_transaction();
			break;
		case XACT_EVENT_ABORT:
			changes_abort();
			forget_transaction();
			break;
		case XACT_EVENT_PREPARE:
			forget_transaction();
			break;
		case XACT_EVENT_PARALLEL_PRE_COMMIT:
		case XACT_EVENT_PARALLEL_COMMIT:
		case XACT_EVENT_PARALLEL_ABORT:
			/* workers change nothing and bind nothing; their leader does */
			break;
	}
}

static void
at_subtransaction_event(SubXactEvent event, SubTransactionId subxact,
						SubTransactionId parent, void *arg)
{
	switch (event)
	{
		case SUBXACT_EVENT_ABORT_SUB:
			changes_abort_sub(subxact);
			stats_abort_sub(subxact);
			identity_abort_sub(subxact);
			break;
		case SUBXACT_EVENT_COMMIT_SUB:
			changes_commit_sub(subxact, parent);
			stats_commit_sub(subxact, parent);
			identity_commit_sub(subxact, parent);
			break;
		case SUBXACT_EVENT_START_SUB:
		case SUBXACT_EVENT_PRE_COMMIT_SUB:
			break;
	}
}

void
transaction_init(void)
{
	RegisterXactCallback(at_transaction_event, NULL);
	RegisterSubXactCallback(at_subtransaction_event, NULL);
}
