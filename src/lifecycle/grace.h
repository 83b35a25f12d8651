/*-------------------------------------------------------------------------
 *
 * grace.h
 *		What a token's expiry was before a rotation with a grace shortened it.
 *
 * Within the grace the old token may be rotated again, for the answer of the
 * first rotation may have been lost; its successor must get the same life then.
 * The token's own row does not tell it any more, so it is kept, until the grace
 * is over, in a table of ours: tokenauth_retiring.
 *
 * What was promised then is not promised for ever: an administrator may shorten
 * the lives of all tokens, of which the old one's is short already.  So the
 * latest successor is kept, too, whose row tells what has become of its life.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_GRACE_H
#define TOKENAUTH_GRACE_H

#include "source/owner.h"

/* When a token expires; exists is false if never. */
typedef struct Expiry
{
	bool		exists;
	TimestampTz at;
} Expiry;

typedef struct Grace
{
	Expiry		original;		/* before any rotation */
	Datum		successor;		/* the latest, for grace_is_successor() */
} Grace;

/*
 * Is this expiry of a token what a rotation has shortened its life to?  The
 * token's row is locked.  The token is known by what it has in the token column.
 */
extern bool grace_recall(const Source *source, const StoredValue *token,
						 TimestampTz expiry, Grace *grace);

/*
 * Which successors are kept of a token, by whichever source of its column it was rotated;
 * NULL: it is in no grace.  To be compared: if there is another one, there has been a
 * rotation.
 */
extern char *grace_successors(const Source *source, const StoredValue *token);

/*
 * A rotation has shortened a token's life, to what it was if that is less than the grace,
 * and has inserted a successor with this
 * value in its token column.  The token's row is locked.
 */
extern void grace_remember(const Source *source, const StoredValue *token,
						   TimestampTz shortened, Expiry original,
						   const StoredValue *successor);

/* The condition that finds the row of a successor that was recalled. */
extern char *grace_is_successor(OwnerCall *call, Datum successor);

#endif							/* TOKENAUTH_GRACE_H */
