/*
 * mapping.pml
 *		What counts changes, and changes back: step 3 of doc/coherence.md as a model
 *		for spin.
 *
 * A row has two columns, A and B, and only changes of the one that the mapping
 * names are noted.  The catalogs say at first that A counts, then that B does or
 * (renamed away) neither, then again that A does: in two transactions, or in one
 * that changes the row in between.  Writers change either column meanwhile; what
 * a noted change does is commit.pml's matter, so here it raises the floor at the
 * very moment when it becomes visible.  Messages of a change of the catalogs are
 * sent after it is visible, and before its lock is released.
 *
 * What must hold: a reader that believes the entry tells of no version of the
 * column that counts that is older than the one whose COMMIT had returned when
 * the reader began (G1).
 *
 * Faults, to be defined one at a time; with each of them spin must find that
 * it does not hold: NAMES_ONLY, NO_ACCEPT, UNLOCK_FIRST, NOTE_BEFORE, FILL_UNLOCKED.
 */
#ifndef WRITES
#define WRITES		2
#endif
#ifndef FILLS
#define FILLS		2
#endif

#define A		0
#define B		1
#define NONE	2

/* The catalogs' three states: which column counts (A in the first and the last);
 * and written by which transaction. */
byte counts[3];
byte xmin[3];
byte visible = 0;				/* the state that a look into the catalogs shows */
byte told = 0;					/* the state that messages have told of */

/* The table's lock: writers and fillers share it, a change of the catalogs does not. */
byte shared = 0;
bool exclusive = false;

/* The row's columns: versions that a snapshot shows, and whose COMMIT returned. */
byte version[2];
byte returned[2];

byte clock = 1;
byte floor = 0;

/* The entry. */
bool present = false;
byte entry_fingerprint;
byte entry_stamp;
byte entry_version;

#ifdef NAMES_ONLY
#define FINGERPRINT(state)	counts[state]
#else
#define FINGERPRINT(state)	(4 * xmin[state] + counts[state])
#endif

inline lock_shared()	{ atomic { !exclusive -> shared++ } }
inline lock_exclusive() { atomic { shared == 0 && !exclusive -> exclusive = true } }

/* COMMIT returns to its client. */
inline return_from(column, mine)
{
	atomic {
		if
		:: returned[column] < mine -> returned[column] = mine
		:: else
		fi
	}
}

/* What a session knows of the catalogs: as told at least, maybe newer. */
inline accept_messages(state)
{
#ifdef NO_ACCEPT
	state = 0;
#else
	if
	:: state = told
	:: state = visible
	fi
#endif
}

/* To look under the lock is to know what is visible: messages come before it. */
active proctype alterer()
{
	bool at_once;

	byte mine;

	if
	:: counts[1] = NONE
	:: counts[1] = B
	fi;
	if
	:: at_once = true
	:: at_once = false
	fi;

	lock_exclusive();
	if
	:: at_once ->				/* away, a change, and back, in one transaction */
		atomic { xmin[2] = 1; version[A]++; mine = version[A]; visible = 2 };
#ifdef UNLOCK_FIRST
		exclusive = false;
		told = 2;
#else
		told = 2;
		exclusive = false;
#endif
		return_from(A, mine)
	:: else ->
		atomic { xmin[1] = 1; visible = 1 };
#ifdef UNLOCK_FIRST
		exclusive = false;
		told = 1;
#else
		told = 1;
		exclusive = false;
#endif
		lock_exclusive();
		atomic { xmin[2] = 2; visible = 2 };
		told = 2;
		exclusive = false
	fi
}

active proctype writer()
{
	byte state;
	byte column;
	byte mine;
	byte i;

	for (i : 1 .. WRITES) {
		if
		:: column = A
		:: column = B
		fi;
#ifdef NOTE_BEFORE
		accept_messages(state);
		lock_shared();
#else
		lock_shared();
		accept_messages(state);
#endif
		atomic {				/* visible; the floor, if it is noted */
			version[column]++;
			mine = version[column];
			if
			:: counts[state] == column -> clock++; floor = clock
			:: else
			fi
		};
		shared--;
		return_from(column, mine);
		d_step { mine = 0; state = 0; column = 0 }
	}
}

active proctype filler()
{
	byte state;
	byte at;
	byte read;
	byte i;

	for (i : 1 .. FILLS) {
#ifdef FILL_UNLOCKED
		/* the row is read first, then what it is said to be */
		accept_messages(state);
		at = clock;
		if
		:: counts[state] != NONE -> read = version[counts[state]];
			accept_messages(state)
		:: else
		fi;
#else
		lock_shared();
		accept_messages(state);
		at = clock;
		if
		:: counts[state] != NONE -> read = version[counts[state]]
		:: else
		fi;
#endif
		if
		:: counts[state] != NONE ->
			atomic {
				if
				:: !(present && entry_stamp > at) ->
					present = true;
					entry_fingerprint = FINGERPRINT(state);
					entry_stamp = at;
					entry_version = read
				:: else
				fi
			}
		:: else
		fi;
#ifndef FILL_UNLOCKED
		shared--;
#endif
		d_step { at = 0; read = 0; state = 0 }
	}
}

active proctype reader()
{
	byte must[2];
	byte state;

	d_step { must[A] = returned[A]; must[B] = returned[B] };
	accept_messages(state);
	atomic {
		if
		:: present && counts[state] != NONE &&
			entry_fingerprint == FINGERPRINT(state) && entry_stamp >= floor ->
			assert(entry_version >= must[counts[state]])
		:: else					/* a miss */
		fi
	}
}
