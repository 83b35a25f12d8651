/*-------------------------------------------------------------------------
 *
 * last_used.h
 *		Uses of tokens that are not yet written into their tables.
 *
 * Ideal model: a bounded map in shared memory from (database, source, token)
 * to the time of its latest use.  A session that judges a token valid notes its
 * use there, at most once a tokenauth.last_used_interval; a worker writes what
 * is noted into the tables and then forgets it.  A use noted again before it is
 * written is merged.  If there is no room, a use is not noted.
 *
 * Real layout: an array of slots of one cache line each.  A token's use
 * stands in one of LAST_USED_WINDOW slots from the one that its hash names;
 * by a race, or after a gap, it may stand in two, which is harmless, because
 * uses are only ever written forward.  A slot has a lock of its own, held for
 * the copying of the slot and nothing else, never while anything can fail.
 * A process that finds a slot busy does not wait but goes on to the next.
 *
 * A use is forgotten only after the transaction that has written it has
 * committed, so a writer may be killed at any time.
 *
 * At a clean stop what is still noted is kept in a file for the next start.  A
 * crash loses what was not yet written, no more than one
 * tokenauth.last_used_flush of it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_LAST_USED_H
#define TOKENAUTH_LAST_USED_H

#include "datatype/timestamp.h"
#include "storage/latch.h"

#define LAST_USED_WINDOW		16
#define LAST_USED_KEY_SIZE		36	/* of a uuid as text, and of a digest */

/*
 * A token, never its text: by its digest where its table holds that, by the
 * text of its row's id where the table holds the token itself.
 */
typedef struct UsedToken
{
	Oid			database;
	Oid			relation;
	uint16		source;			/* which of the table's: SourceId's name */
	bool		by_id;
	uint8		key_len;
	char		key[LAST_USED_KEY_SIZE];
} UsedToken;

typedef struct NotedUse
{
	UsedToken	token;
	TimestampTz at;
	uint32		slot;			/* where it stands */
	uint8		tries;			/* to write it, in vain */
} NotedUse;

extern Size last_used_shmem_size(void);
extern void last_used_shmem_init(void *area, bool found);

/*
 * Note a use.  False if there is no room.  Wakes the writer when room is
 * getting scarce.
 */
extern bool last_used_note(const UsedToken *token, TimestampTz at);

/* The time of a use that is noted and not yet forgotten; 0 if there is none. */
extern TimestampTz last_used_noted(const UsedToken *token);

/*
 * Copy the next noted use of a database (InvalidOid: any) and of a table in it
 * (InvalidOid: any), from *cursor on, which begins at 0.  False at the end.
 */
extern bool last_used_next(Oid database, Oid relation, uint32 *cursor,
						   NotedUse *use);

/* It has been written: forget it, unless the token was used again since. */
extern void last_used_forget(const NotedUse *use);

/*
 * It could not be written now.  After LAST_USED_TRIES such calls it is
 * forgotten all the same, and true is returned.
 */
#define LAST_USED_TRIES			20
extern bool last_used_failed(const NotedUse *use);

/* Slots there are, and slots taken.  Reads them all. */
extern uint32 last_used_capacity(void);
extern uint32 last_used_count(void);

/* The latch to set when room is getting scarce; NULL: none. */
extern void last_used_set_writer(Latch *latch);

/* Has there been no writer for longer than it takes to start one? */
extern bool last_used_lacks_writer(void);

/* Has room been getting scarce since the last such call? */
extern bool last_used_was_scarce(void);

#endif							/* TOKENAUTH_LAST_USED_H */
