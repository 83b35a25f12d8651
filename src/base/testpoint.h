/*-------------------------------------------------------------------------
 *
 * testpoint.h
 *		Named points at which a test build can be made to wait, and faults
 *		that it can be told to commit.
 *
 * In a normal build all of this compiles to nothing.  With `make TESTING=1`:
 *
 * tokenauth.test_pause = 'name': this session, on reaching the point, waits
 *		for the advisory lock (TESTPOINT_LOCK_CLASS, number of the point) and
 *		releases it at once; so another session that holds the lock decides
 *		how long.  isolationtester sees such a session as blocked.
 * tokenauth.test_delay = n: at every point, now and then, sleep up to n
 *		microseconds: makes narrow races wide for the stress test.
 * tokenauth.test_late = 'statement': run it at PRE_COMMIT or PRE_PREPARE, after
 *		our own work there, as another extension might.
 * tokenauth.test_fault = 'name': break the protocol in one place, to show
 *		that the tests would notice.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_TESTPOINT_H
#define TOKENAUTH_TESTPOINT_H

#define TESTPOINT_LOCK_CLASS	7466	/* first key of the advisory locks */

/* Number, name, where. */
#define TESTPOINT_LIST(POINT) \
	POINT(1, fill_before_stamp)		/* lookup: locked, clock not yet read */ \
	POINT(2, fill_before_snapshot)	/* lookup: clock read, no snapshot yet */ \
	POINT(3, fill_after_snapshot)	/* lookup: snapshot taken, nothing read */ \
	POINT(4, fill_before_publish)	/* judge: judged, not yet in the cache */ \
	POINT(5, commit_before_fence)	/* changes: PRE_COMMIT reached */ \
	POINT(6, commit_fenced)			/* changes: fences up, not committed */ \
	POINT(7, commit_visible)		/* changes: visible, floors not raised */ \
	POINT(8, commit_floored)		/* changes: floors raised, fences up */ \
	POINT(9, hit_before_fence)		/* cache: about to look at the fence */ \
	POINT(10, hit_after_fence)		/* cache: fence seen, not the floor */ \
	POINT(11, hit_after_floor)		/* cache: floor seen, not the entry */ \
	POINT(12, commit_ticked)		/* changes: clock read for the floor */ \
	POINT(13, registry_read)		/* directory: read, not yet believed */ \
	POINT(14, source_read)			/* directory: mapped, not yet believed */ \
	POINT(15, verify_begun)			/* lookup: about to verify a row */

#define TESTFAULT_LIST(FAULT) \
	FAULT(1, reader_floor_first)	/* floor looked at before the fence */ \
	FAULT(2, committer_unfences_first)	/* fence lifted before the floor rises */ \
	FAULT(3, filler_stamps_late)	/* clock read after the snapshot */ \
	FAULT(4, floor_plain_store)		/* floor stored, not raised to the maximum */ \
	FAULT(5, no_fence)				/* committers do not fence */ \
	FAULT(6, trust_everything)		/* a new backend believes all it finds */ \
	FAULT(7, ignore_messages)		/* messages do not raise floors */ \
	FAULT(8, publish_own_writes)	/* dirty transactions use the cache */ \
	FAULT(9, no_own_cell)			/* entries lack their stored value's cell */ \
	FAULT(10, own_cell_not_noted)	/* the trigger does not note it */ \
	FAULT(11, old_cell_forgotten)	/* nor that of the value before an UPDATE */ \
	FAULT(12, first_source_only)	/* a row is noted for one of its sources */ \
	FAULT(13, middle_cell_forgotten)	/* entries lack a parent's child's cell */ \
	FAULT(14, key_taken_for_derivable)	/* the trigger makes a key that rows lack */ \
	FAULT(15, expressions_write)	/* expressions are not read-only */

#ifdef TOKENAUTH_TESTING

typedef enum TestPoint
{
	TESTPOINT_NONE = 0,
#define POINT(number, name) TESTPOINT_##name = number,
	TESTPOINT_LIST(POINT)
#undef POINT
} TestPoint;

typedef enum TestFault
{
	TESTFAULT_NONE = 0,
#define FAULT(number, name) TESTFAULT_##name = number,
	TESTFAULT_LIST(FAULT)
#undef FAULT
} TestFault;

extern int	testpoint_fault;	/* a TestFault */

extern void testpoint_define_settings(void);
extern void testpoint_reach(TestPoint point);

#define TEST_POINT(name)	testpoint_reach(TESTPOINT_##name)
#define TEST_FAULT(name)	(testpoint_fault == TESTFAULT_##name)

#else

#define TEST_POINT(name)	((void) 0)
#define TEST_FAULT(name)	(false)

#endif							/* TOKENAUTH_TESTING */

#endif							/* TOKENAUTH_TESTPOINT_H */
