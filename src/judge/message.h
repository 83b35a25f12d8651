/*-------------------------------------------------------------------------
 *
 * message.h
 *		Messages to all sessions of a database, sent by a transaction's end.
 *
 * A message of MESSAGE_CONTENT_BITS bits rides on PostgreSQL's own
 * invalidation messages: it is kept with a prepared transaction, written to
 * the commit record, and sent by COMMIT, COMMIT PREPARED, or a standby's
 * startup process, after the transaction is visible and before anybody is
 * told so.  A transaction that aborts sends nothing.
 *
 * Sessions hear of it where they accept invalidation messages, and may miss
 * it: if they connect later, or if the queue has overflowed, of which core
 * tells every relcache callback by InvalidOid.  A message may also come that
 * nobody has sent (see message.c), so it must be harmless to hear.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_MESSAGE_H
#define TOKENAUTH_MESSAGE_H

#define MESSAGE_CONTENT_BITS	20

/* Must not fail, nor read catalogs. */
typedef void (*MessageReceiver) (uint32 content);

/* Call once in each process, or in the postmaster for all. */
extern void message_init(MessageReceiver receiver);

/*
 * Register a message with the present transaction.  Needs the catalogs, so
 * no later than PRE_COMMIT or PRE_PREPARE; may throw.
 */
extern void message_send(uint32 content);

#endif							/* TOKENAUTH_MESSAGE_H */
