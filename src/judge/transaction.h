/*-------------------------------------------------------------------------
 *
 * transaction.h
 *		What happens at the end of a transaction or subtransaction.
 *
 * transaction.c has the one list of it: which module does what at which
 * event, in which order.  A module that keeps something for a transaction
 * adds its line there instead of a callback of its own.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_TRANSACTION_H
#define TOKENAUTH_TRANSACTION_H

/* Register the transaction callbacks of this process; once. */
extern void transaction_init(void);

#endif							/* TOKENAUTH_TRANSACTION_H */
