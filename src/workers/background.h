/*-------------------------------------------------------------------------
 *
 * background.h
 *		What the background workers of tokenauth have in common.
 *
 * They work beside the sessions of users, so no session may have to wait for
 * them, and a failure in one table or database must not keep them from others.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_BACKGROUND_H
#define TOKENAUTH_BACKGROUND_H

#include "portability/instr_time.h"

/*
 * Connect to a database, by OID or by name if there is one, as the bootstrap
 * superuser.  The process has the settings of the configuration file, and some
 * of our own; those of the database and of roles do not apply, because they can
 * be set without being a superuser.
 */
extern void background_connect(Oid database, const char *name);

/*
 * Make the owner of a table the session's user, until the next call.  Changes
 * nothing if there is no such table.  Outside of a transaction.  False after an
 * error, which is logged.
 */
extern bool background_become_owner(Oid relation);

/*
 * Is the session's user (still) the owner of this table, if there is one?  In a
 * transaction that has a lock on it.
 */
extern bool background_is_owner(Oid relation);

/*
 * Do something in a transaction of its own, with a snapshot.  False after an
 * error, which is logged if log_error says so, and not thrown.
 */
extern bool background_in_transaction(void (*work) (void *arg), void *arg,
									  bool log_error);

/*
 * Does a session wait to drop the database, or to change it as a whole?  Then
 * leave it.  Needs no transaction.
 */
extern bool background_is_unwanted(void);

/* Milliseconds since then. */
extern long background_ms_since(instr_time start);

#endif							/* TOKENAUTH_BACKGROUND_H */
