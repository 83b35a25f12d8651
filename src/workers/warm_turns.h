/*-------------------------------------------------------------------------
 *
 * warm_turns.h
 *		The launcher's part in loading tokens after a start.
 *
 * In each database of tokenauth.warm_databases, one after the other, each table
 * is loaded by a worker of its own.  What fails is tried again, but not for
 * ever: tokenauth_ready() waits for it, and only speed depends on it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_WARM_TURNS_H
#define TOKENAUTH_WARM_TURNS_H

/* As flush_turns_advance(). */
extern long warm_turns_advance(void);

#endif							/* TOKENAUTH_WARM_TURNS_H */
