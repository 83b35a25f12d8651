/*-------------------------------------------------------------------------
 *
 * verification.h
 *		How many tokens of a source are verified at once.
 *
 * To verify a token can cost a slow hash, and whoever has none that is valid can have
 * that done as often as he likes, by another bad token each time.  So at most
 * tokenauth.max_verifications processes verify tokens of a source at once.  Whoever
 * comes then waits if it is for the same token, for which the cache has an answer
 * soon; else he waits only as long as a comparison takes, for what waits holds a
 * connection, which those whose tokens are cached need.
 *
 * The places are locks of the server's lock manager, under names that no SQL can
 * lock.  So they are given back whenever the (sub)transaction fails or the process
 * ends, and need no shared memory of ours.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_VERIFICATION_H
#define TOKENAUTH_VERIFICATION_H

#include "source/source.h"
#include "storage/lock.h"

/* What a process holds while it verifies one token; all zero at first. */
typedef struct Verification
{
	bool		has_begun;
	bool		has_place;
	bool		has_token;		/* it is the one whom others wait for */
	LOCKTAG		place;
	LOCKTAG		token;
} Verification;

/*
 * Take a place, unless it has been taken already.  False if there is none: then
 * nothing is held, and verification_wait() is to be called.
 */
extern bool verification_begin(Verification *verification,
							   const Source *source, const TokenDigest *key);
extern void verification_end(const Verification *verification);

/*
 * Wait until it is worth to ask the cache again, and then the table: for the how
 * many-th time, counting from 1.  Throws 53400 if it is not.  With nothing open, so
 * that what others do to the table need not wait, too.
 */
extern void verification_wait(const Source *source, const TokenDigest *key,
							  int attempt);

#endif							/* TOKENAUTH_VERIFICATION_H */
