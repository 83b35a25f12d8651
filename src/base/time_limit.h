/*-------------------------------------------------------------------------
 *
 * time_limit.h
 *		Trying something for a limited time.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_TIME_LIMIT_H
#define TOKENAUTH_TIME_LIMIT_H

/*
 * Do something in a subtransaction, as sandbox_try() does, and cancel it when it
 * has taken so many milliseconds (0: no limit).  Returns the error, or NULL;
 * *timed_out tells whether it is that of this limit, and not if statement_timeout has
 * struck meanwhile, too, or the statement has been cancelled by somebody else.  Within
 * another one, which the code that is limited may bring about by calling us, the one
 * that is over first counts.
 *
 * Code that catches the cancellation is cancelled again.  If it has not ended
 * after so many milliseconds more, it never will, and the session is terminated.
 */
#define TIME_LIMIT_GRACE_MS	5000

extern ErrorData *time_limit_try(void (*work) (void *arg), void *arg,
								 int milliseconds, bool *timed_out);

#endif							/* TOKENAUTH_TIME_LIMIT_H */
