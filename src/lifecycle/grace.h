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
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_GRACE_H
#define TOKENAUTH_GRACE_H

#include "source/source.h"

/* When a token expires; exists is false if never. */
typedef struct Expiry
{
	bool		exists;
	TimestampTz at;
} Expiry;

/*
 * If this expiry of a token is what a rotation has shortened its life to, put
 * the original one in its place.  The token's row is locked.
 */
extern void grace_recall(const Source *source, const TokenDigest *digest,
						 Expiry *expiry);

/* A rotation has shortened a token's life; its row is locked. */
extern void grace_remember(const Source *source, const TokenDigest *digest,
						   TimestampTz shortened, Expiry original);

#endif							/* TOKENAUTH_GRACE_H */
