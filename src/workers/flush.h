/*-------------------------------------------------------------------------
 *
 * flush.h
 *		Writing all last uses that are noted of a table.
 *
 * Tables and their triggers are the users'.  If one of them fails each time, or
 * sleeps, that must not cost others their last uses: a batch has a time limit,
 * one that fails is split, until the rows that cannot be written are alone, and
 * the whole has a time limit.  If a trigger catches even its cancellation, the
 * launcher ends the worker (job.h).
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_FLUSH_H
#define TOKENAUTH_FLUSH_H

/*
 * Write what is noted of a table of the database connected to, in transactions
 * of its own; for a background worker, outside of a transaction, whose
 * session's user is the table's owner.  Does not wait for a table or rows that
 * are locked; errors are logged.  False if the time was too short.
 */
extern bool flush_table(Oid table);

/* A turn takes no longer, unless a trigger catches its cancellation. */
#define FLUSH_TURN_MS		12000

#endif							/* TOKENAUTH_FLUSH_H */
