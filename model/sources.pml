/*
 * sources.pml
 *		A table that is two sources: step 1 of doc/coherence.md for each of them, as
 *		a model for spin.  guards.inc has what must hold.
 *
 * A row has a token of either source, and says of each whether it is valid: for a
 * change can matter to one of them or to both.  Each source has its own key, and so a
 * bucket, and its own gate.  TRANSACTIONS change the row up to ROW_CHANGES times; where
 * there are too many notes to take another one, a source is noted at its gate, and
 * nothing else of it from then on.
 *
 * Faults, to be defined one at a time; with each of them spin must find that
 * it does not hold: FIRST_SOURCE_ONLY, FIRST_COLUMNS_DECIDE, FIRST_GATE_COVERS,
 * GATE_NOT_READ, SAME_KEYS.
 */
#ifndef ROW_CHANGES
#define ROW_CHANGES	2
#endif

#define BUCKET(source)	(1 << (source))
#define GATE(source)	(4 << (source))
#define PLACES	4

byte says;						/* a bit for each source: its token is valid */
byte asked;						/* the source that is asked */

#define VALID	((says >> asked) & 1)
#define CELLS	0

#ifdef GATE_NOT_READ
#define OWN		BUCKET(asked)
#else
#define OWN		(BUCKET(asked) | GATE(asked))
#endif

#ifdef SAME_KEYS
#define ANSWER	((says >> (1 - asked)) & 1)	/* what is cached for the other one */
#endif

inline change_rows()
{
	says = says ^ flips
}

#include "guards.inc"

#ifdef FIRST_GATE_COVERS
#define COVERING(source)	(GATE(0) | GATE(1))
#else
#define COVERING(source)	GATE(source)
#endif

/* What the trigger notes of a change for a source, for which it may matter. */
inline note_for(source, matters)
{
	if
	:: !(matters) || (noted & COVERING(source)) -> skip
	:: else ->
		if
		:: noted = noted | BUCKET(source)
		:: noted = noted | GATE(source)
		fi
	fi
}

proctype changer()
{
	byte now;
	byte flips;
	byte change;
	byte noted;
	byte i;

	atomic {
		for (i : 1 .. ROW_CHANGES) {
			select(change : 1 .. 3);
			flips = flips ^ change;
#if defined(FIRST_COLUMNS_DECIDE)
			note_for(0, change & 1);
			note_for(1, change & 1)
#elif defined(FIRST_SOURCE_ONLY)
			note_for(0, change & 1)
#else
			note_for(0, change & 1);
			note_for(1, change & 2)
#endif
		};
		change = 0;
		i = 0
	};
	commit(noted);
	noted = 0
}

init
{
	byte i;

	atomic {
		select(i : 0 .. 3);
		says = i;
		select(i : 0 .. 1);
		asked = i;
		for (i : 1 .. TRANSACTIONS) { run changer() }
		for (i : 1 .. FILLERS) { run filler() }
		run reader()
	}
}
