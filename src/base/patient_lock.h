/*-------------------------------------------------------------------------
 *
 * patient_lock.h
 *		Waiting for a strong lock on a table without making others wait long.
 *
 * Every session that comes after us in the queue for a lock waits with us, also
 * those that only read.  So we stand in the queue only for a while, but long
 * enough to move autovacuum out of the way, then let others pass, and try again.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_PATIENT_LOCK_H
#define TOKENAUTH_PATIENT_LOCK_H

#include "storage/lockdefs.h"

/* Is that what the session wants?  Not if it has a lock_timeout. */
extern bool patient_lock_is_wanted(void);

/*
 * Stand in the queue for a while, until the transaction's end holds the lock;
 * false if it was not to be had.  In a subtransaction, so not in parallel mode.
 */
extern bool patient_lock_try(Oid relation, LOCKMODE mode);

/* Let others pass. */
extern void patient_lock_pause(void);

/*
 * The lock, for which we wait so, unless the session has a lock_timeout, with its
 * meaning.  Throws what waiting for a lock may throw.
 */
extern void patient_lock(Oid relation, LOCKMODE mode);

#endif							/* TOKENAUTH_PATIENT_LOCK_H */
