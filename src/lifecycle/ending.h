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

#include "source/owner.h"

/*
 * Revoke a token, as the source was told to when its table was attached, and
 * judge it again; it is not live then.  Returns how many rows were written.
 * Throws 55000 if there is a row to revoke and the source was told no way, or
 * rows are to be deleted and are more than tokens (deletion.h); 27000 if the
 * token is still live; 40001 if the transaction's snapshot is too old to see its
 * row.
 */
extern uint64 ending_revoke_token(OwnerCall *call, Datum stored);

/* Rows by what they have in the columns of one or two roles. */
typedef struct RowsOf
{
	int			n;
	SourceRole	role[2];
	const char *value[2];
} RowsOf;

/*
 * Revoke such rows, in two steps, between which other sources may have their
 * turn: write them, then find those that are live all the same and revoke them
 * one by one.  Both return how many they have written; so if ending_sweep()
 * returns 0, none of these rows is live.  Errors as above.
 */
extern uint64 ending_revoke_rows(OwnerCall *call, const RowsOf *rows);
extern uint64 ending_sweep(OwnerCall *call, const RowsOf *rows);

/* Is a row of the token live now? */
extern bool ending_is_live(const OwnerCall *call, Datum stored);

/* Throw 27000: it could not be done to a token, for example "revoke". */
pg_noreturn extern void ending_prevented(const OwnerCall *call,
										 const char *what);

#endif							/* TOKENAUTH_ENDING_H */
