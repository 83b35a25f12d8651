/*-------------------------------------------------------------------------
 *
 * background.h
 *		What the background workers of tokenauth have in common.
 *
 * They work for everybody, so nobody may have to wait for them, and what fails
 * in one table or database is no reason to leave another one undone.
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
 * error, which is logged, if so wished, and no more.
 */
extern bool background_in_transaction(void (*work) (void *arg), void *arg,
									  bool log_error);

/*
 * Is somebody dropping, or otherwise busy with, the database as a whole?  Then
 * leave.  Needs no transaction.
 */
extern bool background_is_unwanted(void);

/* Milliseconds since then. */
extern long background_ms_since(instr_time start);

#endif							/* TOKENAUTH_BACKGROUND_H */
