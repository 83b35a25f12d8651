/*
 * parents.pml
 *		Rows of other tables that a token depends on: step 6 of doc/coherence.md,
 *		as a model for spin.  guards.inc has what must hold.
 *
 * A token that belongs to one of two parents, or to both, and is valid while all
 * that it belongs to live.  TRANSACTIONS kill and revive parents, one or both at
 * once; with MOVE another one gives the token to other parents.  An entry says
 * whether the token is valid, and names the cells of its parents; a reader looks
 * at the guards of these cells and at that of the bucket.
 *
 * With CHAIN the token belongs to a session, and the session's row refers to one of
 * two accounts.  Transactions delete the session and make it again, kill and revive
 * accounts, and refer the session to the other account, some of that at once.  An
 * entry names the cells of the session and of the account found in its row, if it has
 * one; the change of a session notes the session's cell, whatever account it refers to.
 * With ONE_EACH a transaction does one of these things only.
 *
 * Faults, to be defined one at a time; with each of them spin must find that
 * it does not hold: FIRST_CELL_ONLY, FLOORS_FIRST, CELLS_TORN, DEAD_UNNAMED,
 * NO_CELL_FENCE, UNFENCE_FIRST; and of a chain: MIDDLE_UNNAMED, FAR_UNNAMED,
 * REFERENCE_NOT_NOTED.
 *
 * To go cell by cell, fence before floor, is no fault (ONE_CELL_AFTER).
 */
byte lives;						/* a bit for each parent, by the place of its cell */
byte refers;					/* those that the token, or the session, refers to */

#ifdef CHAIN

#define SESSION		1
#define ACCOUNTS	6

#define VALID	((lives & (SESSION | refers)) == (SESSION | refers))
#define FOUND	((lives & SESSION) -> refers : 0)

#if defined(MIDDLE_UNNAMED)
#define CELLS	FOUND
#elif defined(FAR_UNNAMED)
#define CELLS	SESSION
#else
#define CELLS	(SESSION | FOUND)
#endif

#define PLACES	4
#define BUCKET	8

#else							/* side by side */

#define VALID	((lives & refers) == refers)

#ifdef DEAD_UNNAMED
#define CELLS	(refers & lives)
#else
#define CELLS	refers
#endif

#define PLACES	3
#define BUCKET	4

#endif

#define OWN		BUCKET

inline change_rows()
{
	lives = lives ^ flips;
	refers = refers ^ turn
}

#include "guards.inc"

#ifdef CHAIN

proctype changer()
{
	byte now;
	byte flips;
	byte turn;					/* from one account to the other */
	byte noted;

	atomic {
#ifdef ONE_EACH
		if
		:: flips = 1
		:: flips = 2
		:: flips = 4
		:: turn = ACCOUNTS
		fi;
#else
		select(flips : 0 .. 7);
		if
		:: turn = 0
		:: turn = ACCOUNTS
		fi;
#endif
		noted = flips;
#ifndef REFERENCE_NOT_NOTED
		if
		:: turn != 0 -> noted = noted | SESSION
		:: else
		fi
#endif
	};
	commit(noted);
	d_step { turn = 0; noted = 0 }
}

#else

/* Parents' keys hash to two cells; a transaction changes one or both of them. */
proctype changer()
{
	byte now;
	byte flips;
	byte turn = 0;

#ifdef MOVE
	flips = 2;
#else
	if
	:: flips = 1
	:: flips = 2
	:: flips = 3
	fi;
#endif
	commit(flips)
}

proctype mover()
{
	byte now;
	byte flips = 0;
	byte turn = 3;

	commit(BUCKET)
}

#endif

init
{
	byte i;

	atomic {
#if defined(CHAIN)
#ifdef ONE_EACH
		if
		:: lives = 3
		:: lives = 7
		fi;
#else
		select(i : 0 .. 7);
		lives = i;
#endif
		refers = 2;				/* the other account is the same */
#elif defined(MOVE)
		lives = 2;
		refers = 1;
		run mover();
#else
		select(i : 0 .. 3);
		lives = i;
		refers = 3;
#endif
		for (i : 1 .. TRANSACTIONS) { run changer() }
		for (i : 1 .. FILLERS) { run filler() }
		run reader()
	}
}
