/*-------------------------------------------------------------------------
 *
 * peek.h
 *		Looking at a source without waiting for anybody.
 *
 * Who watches sources must see all that can be seen, whatever the owner of one
 * does: a table's lock is not the only one that reading a source can wait for.
 * Core opens indexes, and the tables whose row types a condition uses.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_PEEK_H
#define TOKENAUTH_PEEK_H

#include "source/source.h"

/*
 * Do something in a subtransaction that waits for a lock only for a moment, and is
 * cancelled after tokenauth.source_timeout (0: no limit).  Returns the error, or NULL;
 * raises an error that concerns the whole call (sandbox_concerns_all()).  Not in
 * parallel mode.
 */
extern ErrorData *peek_try(void (*work) (void *arg), void *arg);

/* Does such an error only say that something was locked, or took too long? */
extern bool peek_was_hindered(const ErrorData *error);

typedef struct Peek
{
	bool		is_there;		/* false: its table is gone */
	bool		is_read;		/* the source is up to date, and was looked at */
	ErrorData  *error;			/* why it is not read; NULL if a lock is why */
} Peek;

typedef void (*PeekLook) (const Source *source, void *arg);

/*
 * Bring a source up to date in that way, and call look (NULL: nothing) while its
 * tables are locked against DDL; what it does that can wait or fail it does by
 * peek_try().  All is done in a subtransaction that is rolled back, so no lock of
 * whatever it comes across stays, and an owner can alter his table while the
 * transaction of who watches goes on.
 */
extern void peek_source(Source *source, PeekLook look, void *arg, Peek *peek);

#endif							/* TOKENAUTH_PEEK_H */
