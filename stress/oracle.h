/*-------------------------------------------------------------------------
 *
 * oracle.h
 *		Which answers about a token can be right.
 *
 * The history of a token is a row of versions, numbered from 1 and never
 * reused.  Each says whether the token is valid in it, and each has a fate:
 * open, committed, or never (rolled back, or overwritten by its own
 * transaction, so that no other session must ever see it).
 *
 * Rules for writers: hold the token's mutex from before oracle_attempt()
 * until the version's fate is told; attempt a version before the server can
 * hear of it; have at most one open version of a token at a time.  So the
 * versions of a token are committed in the order of their numbers.
 *
 * Rules for readers: take the frontier, ask the server, then judge the
 * answer.  The frontier is the latest version that the answer must not be
 * older than:
 *
 *	acked	its COMMIT had returned to its client (G1, and G9 on a standby);
 *	seen	a session had seen it on the primary, by whatever means (G2).  Only
 *			versions of one-phase commits count, and only for readers on the
 *			primary: G2 promises no more.
 *
 * A valid answer names its version, because each version has a user id of its
 * own.  A refusal often does not: it is right if any version from the
 * frontier on could explain it.
 *
 * An answer from an open version is right if it has become visible, and that
 * shows later: it is marked as witnessed, and if its fate turns out to be
 * never, the answer was a phantom (G3).
 *
 *-------------------------------------------------------------------------
 */
#ifndef STRESS_ORACLE_H
#define STRESS_ORACLE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#define MAX_VERSIONS	(1 << 20)	/* of one token in one run */

typedef enum Place
{
	ON_PRIMARY,
	ON_STANDBY
} Place;

typedef enum OracleVerdict
{
	ANSWER_RIGHT,
	ANSWER_STALE,				/* from before the frontier */
	ANSWER_PHANTOM,				/* from a version that never was */
	ANSWER_UNEXPLAINED			/* from none at all */
} OracleVerdict;

typedef struct History
{
	atomic_uint attempted;		/* the latest version */
	atomic_uint acked;
	atomic_uint seen;
	atomic_uchar *version;		/* [MAX_VERSIONS], flags of oracle.c */
} History;

/* What a server said of a token. */
typedef struct Answer
{
	bool		valid;
	unsigned	version;		/* 0: it does not tell; valid answers must */
} Answer;

extern void oracle_init(History *history);

/* A writer is about to do this; returns the version, or 0 if out of them. */
extern unsigned oracle_attempt(History *history, bool valid, bool two_phase);

/* COMMIT, or COMMIT PREPARED, has returned. */
extern void oracle_committed(History *history, unsigned version);

/* No other session will ever see it; false if one has. */
extern bool oracle_never(History *history, unsigned version);

extern unsigned oracle_frontier(History *history, Place place);

extern OracleVerdict oracle_judge(History *history, Place place,
								  unsigned frontier, const Answer *answer);

/* The fate of a version in words, for reports. */
extern const char *oracle_describe(History *history, unsigned version);

#endif							/* STRESS_ORACLE_H */
