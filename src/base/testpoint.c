/*-------------------------------------------------------------------------
 *
 * testpoint.c
 *		Pause points and planted faults of a test build; see testpoint.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/testpoint.h"

#ifdef TOKENAUTH_TESTING

#include "access/xact.h"
#include "base/query.h"
#include "common/pg_prng.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/inval.h"
#include "utils/guc.h"
#include "utils/snapmgr.h"

int			testpoint_fault = TESTFAULT_NONE;
static int	testpoint_pause = TESTPOINT_NONE;
static int	testpoint_delay = 0;
static char *testpoint_late = NULL;

static const struct config_enum_entry pause_options[] = {
	{"", TESTPOINT_NONE, false},
#define POINT(number, name) {#name, number, false},
	TESTPOINT_LIST(POINT)
#undef POINT
	{NULL, 0, false}
};

static const struct config_enum_entry fault_options[] = {
	{"", TESTFAULT_NONE, false},
#define FAULT(number, name) {#name, number, false},
	TESTFAULT_LIST(FAULT)
#undef FAULT
	{NULL, 0, false}
};

static void
run_late_statement(XactEvent event, void *arg)
{
	if ((event != XACT_EVENT_PRE_COMMIT && event != XACT_EVENT_PRE_PREPARE) ||
		testpoint_late == NULL || testpoint_late[0] == '\0')
		return;
	PushActiveSnapshot(GetTransactionSnapshot());
	query_execute(testpoint_late, 0, NULL, NULL, NULL, false);
	PopActiveSnapshot();
}

/* Of callbacks of transactions, the one that was registered first is the last. */
void
testpoint_define_settings(void)
{
	RegisterXactCallback(run_late_statement, NULL);
	DefineCustomStringVariable("tokenauth.test_late",
							   "Statement that is run late in a commit.",
							   NULL, &testpoint_late, "", PGC_USERSET, 0,
							   NULL, NULL, NULL);
	DefineCustomEnumVariable("tokenauth.test_pause",
							 "Point at which this session waits.",
							 NULL, &testpoint_pause, TESTPOINT_NONE,
							 pause_options, PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomEnumVariable("tokenauth.test_fault",
							 "Fault that this session commits.",
							 NULL, &testpoint_fault, TESTFAULT_NONE,
							 fault_options, PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("tokenauth.test_delay",
							"Longest random sleep at a point, in microseconds.",
							NULL, &testpoint_delay, 0, 0, 1000000,
							PGC_USERSET, 0, NULL, NULL, NULL);
}

/*
 * Wait at a point if the session asked for it.  A session-level advisory lock
 * serves, because it can be waited for even in a commit callback, where the
 * transaction is over and nothing may fail; that is good enough for a test.
 */
void
testpoint_reach(TestPoint point)
{
	if (testpoint_delay > 0 &&
		pg_prng_uint64_range(&pg_global_prng_state, 0, 7) == 0)
		pg_usleep((long) pg_prng_uint64_range(&pg_global_prng_state, 0,
											  testpoint_delay));

	if (testpoint_pause == point)
	{
		LOCKTAG		tag;

		SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, TESTPOINT_LOCK_CLASS, point, 2);
		(void) LockAcquire(&tag, ShareLock, true, false);
		(void) LockRelease(&tag, ShareLock, true);
		/* as the reading itself may */
		if (point == TESTPOINT_registry_read || point == TESTPOINT_source_read)
			AcceptInvalidationMessages();
	}
}

#endif							/* TOKENAUTH_TESTING */
