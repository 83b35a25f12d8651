/*-------------------------------------------------------------------------
 *
 * flush.h
 *		Writing all last uses that are noted of a database.
 *
 * Tables and their triggers are the users'.  If one of them fails each time, or
 * sleeps, that must not cost others their last uses: a batch has a time limit,
 * and one that fails is split, until the rows that cannot be written are alone.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_FLUSH_H
#define TOKENAUTH_FLUSH_H

/*
 * Write what is noted of the database connected to, in transactions of its
 * own; for a background worker, outside of a transaction.  Does not wait for
 * tables and rows that are locked; errors are logged.
 */
extern void flush_database(void);

#endif							/* TOKENAUTH_FLUSH_H */
