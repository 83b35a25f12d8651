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
 * Set, for this process, what a database or the configuration file may have
 * set for sessions of users.
 */
extern void background_use_own_settings(void);

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
