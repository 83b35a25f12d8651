/*-------------------------------------------------------------------------
 *
 * message.h
 *		Messages to all sessions of a database, sent by a transaction's end:
 *		entries behind some guards may be out of date.
 *
 * A message rides on PostgreSQL's own invalidation messages: it is kept with
 * a prepared transaction, written to the commit record, and sent by COMMIT,
 * COMMIT PREPARED, or a standby's startup process, after the transaction is
 * visible and before any client is told so.  A transaction that aborts sends
 * nothing.
 *
 * Sessions receive it where they accept invalidation messages, and then raise
 * the floors that it names, if it concerns them (trust.h).  They may miss it:
 * if they connect later, or if the queue has overflowed, of which core tells
 * every relcache callback by InvalidOid.  A session may also receive one that
 * was never sent (see message.c); all that costs is table reads.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_MESSAGE_H
#define TOKENAUTH_MESSAGE_H

#include "cache/cache.h"

/* What a message names: buckets, by cache_message_bits(), or a place. */
#define MESSAGE_PLACE_OF_GATE(gate) ((uint32) (gate))
#define MESSAGE_PLACE_OF_CELL(cell) (CACHE_GATES + (uint32) (cell))

/* Receive messages from now on.  Call once in each process. */
extern void message_init(void);

/*
 * May a standby ever replay what this server writes?  It need not be connected
 * now, nor need there be a way to: the WAL may reach it as files, later.
 */
extern bool message_standbys_may_replay(void);

/*
 * Register a message with the present transaction; prepared is that it is
 * going to be a prepared one.  Needs the catalogs, so no later than
 * PRE_COMMIT or PRE_PREPARE; may throw.
 */
extern void message_send(bool is_place, uint32 bits, bool prepared);

#endif							/* TOKENAUTH_MESSAGE_H */
