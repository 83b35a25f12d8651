/*-------------------------------------------------------------------------
 *
 * ending.h
 *		Ending the life of tokens.
 *
 * A statement that was carried out need not have had its effect: a trigger can
 * keep the old value, put it back, or skip the row, and a rule can do something
 * else instead; or the transaction's snapshot is too old to show the row.  So
 * whatever ends a token's life judges its row again afterwards, by the latest
 * state of the table, and throws an error if it is still live.  A row is live if
 * it says so itself: that its parents are suspended does not count, because they
 * need not stay so.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_ENDING_H
#define TOKENAUTH_ENDING_H

#include "lifecycle/rows_of.h"
#include "source/owner.h"
#include "source/stored_value.h"

/*
 * The rows of a token: by what they have in the token column and, where that is not
 * of one token only, because the source has a verify, by its id, as text; else NULL.
 */
typedef struct TokenRows
{
	StoredValue stored;
	const char *id;
} TokenRows;

/*
 * Revoke a token, as the source was told to when its table was attached, and
 * judge it again; it is not live then.  Returns how many rows were written.
 * Throws 55000 if there is a row to revoke and the source was told no way, or
 * rows are to be deleted and are more than tokens (deletion.h); 27000 if the
 * token is still live; 40001 if the transaction's snapshot is too old to see its
 * row.
 */
extern uint64 ending_revoke_token(OwnerCall *call, const TokenRows *token);

/*
 * Where a token's row is known by its id, a trigger can give it another one, and
 * leave it alive.  So the ids of the rows of a stored value that are live and that
 * this transaction has written are noted before it is revoked; NIL where no id is
 * needed.  Afterwards there must be none besides: else throws 27000.
 */
extern List *ending_written(const OwnerCall *call, const StoredValue *stored);
extern void ending_check_written(const OwnerCall *call,
								 const StoredValue *stored,
								 const List *before);

/*
 * Throws 55000 unless one row at the most, as a statement of now sees them, has the id
 * and one of these values: what is done to the row of that id would be done to others.
 */
extern void ending_check_id(OwnerCall *call, const StoredValues *values,
							const char *id);

/*
 * Revoking the rows of a user, say, takes these steps, and other sources may have their
 * turn in between.  ending_tokens_of() locks those that are not revoked, of now, in every
 * isolation level, and notes their tokens: rows_of_locked(), so that no other session
 * gives them to another user meanwhile.  ending_revoke_noted() writes the rows, where they
 * are as they were, and returns how many.  ending_revoke_moved() then revokes, of those
 * noted, the live ones that do not meet the condition any more, and would not be found
 * another time: a trigger can have moved a row to another user, or copied it.
 * ending_revoke_live() judges the tokens that were noted, not the rows that meet the
 * condition then; it revokes those that are live all the same, one by one, and adds of how
 * many it has written a row.  That can bring others back to life, so that the tokens are
 * to be judged again, those of all sources, until this returns false: there was no live
 * one, and it has done nothing but look.  Unless there is to be another time (again), a
 * live one is the error 27000.  Errors as above.
 */
extern QueryResult *ending_tokens_of(OwnerCall *call, const RowsOf *rows);
extern uint64 ending_revoke_noted(OwnerCall *call, const QueryResult *tokens);
extern void ending_revoke_moved(OwnerCall *call, const QueryResult *tokens,
								const RowsOf *rows, uint64 *revoked);
extern bool ending_revoke_live(OwnerCall *call, QueryResult *tokens,
							   bool again, uint64 *revoked);

/* How many different ones there are. */
extern uint64 ending_distinct(const OwnerCall *call, const QueryResult *tokens);

/* Is a row of the token live now? */
extern bool ending_is_live(const OwnerCall *call, const TokenRows *token);

/* Throws 27000 if there is a live row of one of these values: as below. */
extern void ending_check_dead(const OwnerCall *call,
							  const StoredValues *values, const char *what);

/* Throw 27000: it could not be done to a token, for example "revoke". */
pg_noreturn extern void ending_prevented(const OwnerCall *call,
										 const char *what);

#endif							/* TOKENAUTH_ENDING_H */
