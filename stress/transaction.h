/*-------------------------------------------------------------------------
 *
 * transaction.h
 *		Transactions of all kinds, which change tokens.
 *
 *-------------------------------------------------------------------------
 */
#ifndef STRESS_TRANSACTION_H
#define STRESS_TRANSACTION_H

#include "session.h"

#define ESCALATION			32	/* more tokens: tokenauth notes the whole table */

/* One transaction, of a random kind and size, told to the oracle. */
extern void run_transaction(Session *session);

/* Any table that has our triggers, of any source. */
extern const char *pick_table(Session *session);

/* ALTER TABLE ... how TRIGGER; false after an error that may happen. */
extern bool set_trigger(Session *session, const char *table, const char *how);

#endif							/* STRESS_TRANSACTION_H */
