/*-------------------------------------------------------------------------
 *
 * move.h
 *		A source that is being moved from plaintext to digests.
 *
 * tokenauth_hash_in_place() takes many transactions, between which everything
 * may change: the table, its columns, its owner, whether the source is there
 * at all.  So each of them begins with move_find_source() or
 * move_lock_source(), and what they fill in holds for that transaction only.
 *
 * All of this is for a procedure that was called outside of a transaction
 * block, in the memory context move->step.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_MOVE_H
#define TOKENAUTH_MOVE_H

#include "datatype/timestamp.h"
#include "source/source.h"
#include "storage/lockdefs.h"

/* A move under way; outlives the transactions that it takes. */
typedef struct Move
{
	NameData	source;
	int			batch;
	MemoryContext step;			/* of one transaction */

	/* Of the present transaction, found anew in each. */
	Oid			relation;
	NameData	token;			/* the columns */
	NameData	digest;
	TokenEncoding encoding;
	bool		unique;
	bool		not_null;

	NameData	triggers;		/* a hash of pg_trigger, by prepare */
	uint64		filled;
	bool		told_to_wait;
	TimestampTz told_progress;
} Move;

/* Commit, and begin another transaction; what was allocated in it is gone. */
extern void move_next_transaction(Move *move);

/*
 * The source to be moved, as it is in this transaction; fills in the move's
 * part that depends on it.  Throws if it cannot be moved, or not by this user.
 */
extern Source *move_find_source(Move *move);

/*
 * Lock the table, as the first lock of a transaction, and find the source
 * under it.  May take several transactions.
 */
extern Source *move_lock_source(Move *move, LOCKMODE mode);

/* As the table's owner; what fails is told as it is, for there is no row. */
extern void move_execute(const Move *move, const char *sql);

/* ... ALTER TABLE with this action. */
extern void move_alter_table(const Move *move, const char *action);

/* A row of at most two columns, as text; found is false if there is none. */
typedef struct MoveAnswer
{
	bool		found;
	char	   *value[2];
} MoveAnswer;

/*
 * Ask the catalogs: $1 is the table, $2 and $3 are the plaintext and the
 * digest column's number.  Returns the first row.
 */
extern MoveAnswer move_ask(const Move *move, const char *sql);

/*
 * The name of the constraint on the digest column by which we know that we have
 * made it.
 */
extern char *move_check_name(const Move *move);

/* Remember the table's triggers; have they been touched since? */
extern void move_trace_triggers(Move *move);
extern bool move_triggers_were_touched(const Move *move);

#endif							/* TOKENAUTH_MOVE_H */
