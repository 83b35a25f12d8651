/*
 * stored.pml
 *		Rows that do not say where their token is cached: step 7 of
 *		doc/coherence.md, as a model for spin.  guards.inc has what must hold.
 *
 * A token is sought by its stored value A; with PEPPERS=2 by A or B, and two live
 * rows refuse it.  Another token can have the same stored values.  Each has a key of
 * its own, and so a bucket, which cannot be told from the row; so their entries stand
 * behind the cells of the stored values, and it does not matter which of both tokens
 * is looked at.
 *
 * TRANSACTIONS insert, delete, kill and revive rows, and give a row the other stored
 * value; each waits for the lock of its row.  A cell has a guard for valid entries and
 * one for refusals, for a new row contradicts refusals only, where one value is sought.
 * With MOVES_ONLY rows are given the other stored value, and the first one again; then
 * both guards are one.
 *
 * Faults, to be defined one at a time; with each of them spin must find that
 * it does not hold: CELL_NOT_NOTED, OLD_NOT_NOTED, NEW_NOT_NOTED, CELL_UNNAMED,
 * REFUSAL_UNNAMED, KEY_DERIVED; and of two peppers: FIRST_VALUE_ONLY,
 * INSERT_REFUSES_ONLY.
 *
 * KEY_DERIVED takes the key for one that is made from the stored value.
 */
#ifndef PEPPERS
#define PEPPERS		1
#endif

/* Stored values as bits, also those of the guards of their cells. */
#define A		1
#define B		2
#define FOR_VALID(values)	(values)
#ifdef MOVES_ONLY
#define FOR_REFUSALS(values)	(values)
#else
#define FOR_REFUSALS(values)	((values) << 2)
#endif
#define BUCKET(token)	(16 << (token))
#define PLACES	6

byte rows;						/* the stored values of live rows */
byte locked = 0;				/* those whose rows are being changed */
byte token;						/* which of both is looked at */

#if PEPPERS == 1
#define SOUGHT	A
#else
#define SOUGHT	(A | B)
#endif

#define VALID	((rows & SOUGHT) == A || (rows & SOUGHT) == B)

#if defined(FIRST_VALUE_ONLY)
#define NAMED_VALUES	A
#elif defined(REFUSAL_UNNAMED)
#define NAMED_VALUES	(VALID -> SOUGHT : 0)
#elif defined(CELL_UNNAMED) || defined(KEY_DERIVED)
#define NAMED_VALUES	0
#else
#define NAMED_VALUES	SOUGHT
#endif

#define CELLS	(VALID -> FOR_VALID(NAMED_VALUES) : FOR_REFUSALS(NAMED_VALUES))
#define OWN		BUCKET(token)

inline change_rows()
{
	rows = rows ^ flips;
	locked = locked & ~flips
}

#include "guards.inc"

inline note_values(values)
{
#if defined(KEY_DERIVED)
	noted = ((values) & A -> BUCKET(0) : 0)
#elif defined(CELL_NOT_NOTED)
	noted = 0
#else
	noted = FOR_VALID(values) | FOR_REFUSALS(values)
#endif
}

inline note_new(values)
{
#if PEPPERS == 1 || defined(INSERT_REFUSES_ONLY)
	note_values(values);
	noted = noted & ~FOR_VALID(A | B)
#else
	note_values(values)
#endif
}

/* To wait for a lock and to note is the transaction's own matter. */
proctype changer()
{
	byte now;
	byte flips;
	byte noted;

	atomic {
		if
#ifndef MOVES_ONLY
		:: !(locked & A) -> flips = A; note_values(A)
		:: !(locked & B) -> flips = B; note_values(B)
		:: !(locked & A) && !(rows & A) -> flips = A; note_new(A)
		:: !(locked & B) && !(rows & B) -> flips = B; note_new(B)
#endif
		:: !locked && (rows == A || rows == B) ->
			flips = A | B;
#if defined(OLD_NOT_NOTED)
			note_values(flips & ~rows)
#elif defined(NEW_NOT_NOTED)
			note_values(rows)
#else
			note_values(flips)
#endif
		fi;
		locked = locked | flips
	};
	commit(noted);
	noted = 0
}

init
{
	byte i;

	atomic {
#ifdef MOVES_ONLY
		i = A;					/* and B is the same, but seen from the token */
#else
		select(i : 0 .. 3);
#endif
		rows = i;
		select(i : 0 .. 1);
		token = i;
		for (i : 1 .. TRANSACTIONS) { run changer() }
		for (i : 1 .. FILLERS) { run filler() }
		run reader()
	}
}
