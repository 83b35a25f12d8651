/*-------------------------------------------------------------------------
 *
 * identity.h
 *		The identity bound to a transaction: the user that is asking.
 *
 * Row-level security policies ask for it, so this must hold (G11):
 *
 *	- It is set by tokenauth_authenticate(), tokenauth_bind() and
 *	  tokenauth_bind_hash() alone, which need a valid token, or its digest.
 *	  It is kept in this process's memory, not in a setting, a table or
 *	  anything else that SQL can write, and does not depend on the role.
 *	- It is set by the transaction's own statements: not in triggers, nor in
 *	  what we or core run as another role, such as sources' conditions.
 *	- It ends with its transaction, however that ends: COMMIT (also in a
 *	  procedure, also AND CHAIN), ROLLBACK, an error, PREPARE TRANSACTION.  So
 *	  the next client of a pooled connection finds nothing bound.
 *	- It follows savepoints: rolling back to one, as an exception block does,
 *	  restores what was bound, or that nothing was, when it was set.
 *	- A transaction serves one user: once a user is bound another one, or the
 *	  same one of another tenant or source, is refused.  The same user can be
 *	  bound again, by a newer token.
 *	- tokenauth_bind() of a token that is not valid leaves nobody bound, whoever
 *	  was before.
 *	- Where it is not known, in a parallel worker, that is an error and not
 *	  NULL.
 *
 * It is that of the moment of authentication: a token that is revoked, or
 * expires, later in the transaction does not end it, until it is shown again.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_IDENTITY_H
#define TOKENAUTH_IDENTITY_H

/*
 * For transaction.c; none can fail.  At a transaction's end, however it ends:
 * nothing is bound any more.
 */
extern void identity_forget(void);

/* A subtransaction's bindings end if it is rolled back. */
extern void identity_abort_sub(SubTransactionId subxact);

/* Else what it has bound becomes its parent's, in place of the parent's own. */
extern void identity_commit_sub(SubTransactionId subxact,
								SubTransactionId parent);

#endif							/* TOKENAUTH_IDENTITY_H */
