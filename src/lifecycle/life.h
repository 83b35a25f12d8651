/*-------------------------------------------------------------------------
 *
 * life.h
 *		A token's successor lives as long as the token was made for.
 *
 * How long that is tells the token's row: from when it was made to when it expires.  So
 * the successor's row is the measure for the next one, and whatever makes the time from
 * the one to the other longer than it was meant to be makes it longer each time.
 *
 *	- Both are reckoned from the transaction's start, and we write both.  So they agree
 *	  with each other, and with what defaults, triggers and constraints make of now().
 *	  In a transaction that is old, less of the life is left.
 *	- Neither is rounded such that the life gets longer.
 *	- When the row is there, it is measured, whoever has filled it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_LIFE_H
#define TOKENAUTH_LIFE_H

#include "lifecycle/grace.h"
#include "source/owner.h"

typedef struct Life
{
	bool		has_length;
	int64		length;			/* from when the row says that it was made */
	Expiry		end;			/* no later than then, if that exists */
} Life;

/* When it ends if it begins then. */
extern Expiry life_end(const Life *life, TimestampTz begin);

/* The latest time that a timestamp column of such a type can keep, not after that one. */
extern TimestampTz life_as_kept(Form_pg_attribute attribute, TimestampTz time);

/*
 * The row of this value in the token column has been made, and was given that expiry, a
 * finite one.  If it lives longer, its expiry is moved; returned is what it says then.
 * Throws 27000 if that is of no avail.
 *
 * If nothing that is written moves its expiry, the table's owner says when tokens expire,
 * whatever we give.
 */
extern Expiry life_hold(OwnerCall *call, const StoredValue *stored,
						const Life *life, Expiry given);

#endif							/* TOKENAUTH_LIFE_H */
