/*-------------------------------------------------------------------------
 *
 * session_guard.h
 *		What code in a sandbox must not do to the session that it runs in.
 *
 * A security-restricted operation keeps the role that code runs as, but core lets
 * the code use what the session has under a name or a number: prepared statements,
 * descriptors of large objects, session locks, the mode of constraints; and make
 * functions, operators and the like in the temporary schema, where the session's
 * user may find them by name.  All that is refused in a security-restricted
 * sandbox.  So are functions in the temporary schema, which the session's user may have
 * made for itself.  Cursors: cursors.h.  Settings: undone when the sandbox is left; the
 * timer of transaction_timeout, and what comes next at random, do not heed them before.
 *
 * What is refused is listed in session_guard.c, by function and by statement.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_SESSION_GUARD_H
#define TOKENAUTH_SESSION_GUARD_H

/* At the start of the process. */
extern void session_guard_init(void);

#endif							/* TOKENAUTH_SESSION_GUARD_H */
