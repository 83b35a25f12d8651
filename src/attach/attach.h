/*-------------------------------------------------------------------------
 *
 * attach.h
 *		Making tables sources: what the SQL functions of this room share.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_ATTACH_H
#define TOKENAUTH_ATTACH_H

#include "attach/options.h"
#include "storage/lockdefs.h"

/*
 * Lock a table that the caller must own, until the transaction ends:
 * ShareRowExclusiveLock against writers and DDL, AccessExclusiveLock to drop a
 * trigger.  Waits as patient_lock.h says.  Throws 42501 if the caller does not
 * own it.
 */
extern void attach_lock_table(Oid relation, LOCKMODE mode);

/* Throws 42809 for what is no ordinary table. */
extern void attach_check_is_table(Oid relation);

/*
 * Check, register and verify what is said of a source; the caller has locked
 * the table.
 */
extern void attach_table(Source *source);

/*
 * What is attached must work: throws what is wrong, so that everything is
 * undone.
 */
extern void attach_verify(const char *source);

#endif							/* TOKENAUTH_ATTACH_H */
