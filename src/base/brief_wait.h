/*-------------------------------------------------------------------------
 *
 * brief_wait.h
 *		Waiting for locks only for a moment.
 *
 * To try the locks that are known beforehand is not enough where catalogs are read:
 * core opens indexes, and the tables whose row types an expression uses.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_BRIEF_WAIT_H
#define TOKENAUTH_BRIEF_WAIT_H

/*
 * Do something that waits for no lock longer than so many milliseconds: else throws
 * 55P03, or whatever waiting for a lock may throw.  In a subtransaction of the caller's,
 * which an error undoes.
 */
extern void brief_wait_do(void (*work) (void *arg), void *arg, int milliseconds);

/*
 * The same in a subtransaction of its own.  False if a lock was not to be had; other
 * errors are raised.
 */
extern bool brief_wait_try(void (*work) (void *arg), void *arg, int milliseconds);

#endif							/* TOKENAUTH_BRIEF_WAIT_H */
