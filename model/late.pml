/*
 * late.pml
 *		Notes, messages and savepoints of one transaction: what changes.h says
 *		of a change that comes late, and step 2 of doc/coherence.md of
 *		savepoints, as a model for spin.
 *
 * One row, whose note has a fence for each class of entries and one message.
 * Before PRE_COMMIT (or PRE_PREPARE), and after it, for other extensions do such
 * things in their own callbacks, the transaction begins, releases and rolls
 * back savepoints, and changes the row: each change speaks against refusals
 * only (an INSERT), or against all entries.  At last it commits, prepares or
 * aborts.  Core keeps a registered message with the savepoint that it was
 * registered in, hands it to the parent, or forgets it.
 *
 * What must hold: when it commits, there is a fence for each class of a change
 * that was not rolled back, and, where messages are needed, a message of the
 * note; when it has ended, no fence is left.
 *
 * Faults, to be defined one at a time; with each of them spin must find that
 * it does not hold: TOLD_FOR_GOOD, TOLD_NOT_HANDED_OVER, NOT_TOLD_LATE,
 * TOLD_UNSENT, INSERT_NOT_SENT, FENCED_FOR_GOOD, FENCES_LEFT.
 */
#ifndef STEPS
#define STEPS	8				/* things done before the end */
#endif
#ifndef DEPTH
#define DEPTH	2				/* of savepoints */
#endif

#define REFUSED			1		/* classes of entries, as bits */
#define ALL				3

#define NOTED			0		/* phases */
#define FENCED			1
#define PREPARED		2

/* Core's: the subtransactions that are open, by their ids, which never return,
 * and for each the messages registered and the changes made in it. */
byte level = 0;
byte id[DEPTH + 1];
byte next_id = 2;
bool message[DEPTH + 1];
byte changed[DEPTH + 1];		/* classes that its changes speak against */

/* The note. */
byte phase = NOTED;
bool standbys;					/* may replay what is written here */
byte classes = 0;
byte fenced = 0;
byte told_in = 0;				/* 0: no message is registered */

byte fence[2];					/* in shared memory */

inline raise_missing()
{
#ifdef FENCED_FOR_GOOD
	missing = (fenced == 0 -> classes : 0);
#else
	missing = classes & (ALL - fenced);
#endif
	fence[0] = fence[0] + (missing & 1);
	fence[1] = fence[1] + (missing >> 1);
	fenced = fenced | missing
}

/* A message is of no use to standbys if they cache none of the classes. */
inline send()
{
#ifdef INSERT_NOT_SENT
	matters = classes != REFUSED;
#else
	matters = phase == PREPARED || classes != REFUSED;
#endif
	if
	:: matters && told_in == 0 ->
		message[level] = true;
		told_in = id[level]
#ifdef TOLD_UNSENT
	:: !matters && told_in == 0 ->
		told_in = id[level]
#endif
	:: else
	fi
}

inline tell()
{
	if
	:: phase == FENCED ->
		raise_missing();
		if
		:: standbys -> send()
		:: else
		fi
	:: phase == PREPARED -> send()
	:: else
	fi
}

/* A change of the row, and what the trigger notes of it. */
inline change(what)
{
	changed[level] = changed[level] | what;
	classes = classes | what;
#ifndef NOT_TOLD_LATE
	tell()
#endif
}

inline begin_savepoint()
{
	level++;
	id[level] = next_id;
	next_id++;
	message[level] = false;
	changed[level] = 0
}

inline release_savepoint()
{
#ifndef TOLD_NOT_HANDED_OVER
	if
	:: told_in == id[level] -> told_in = id[level - 1]
	:: else
	fi;
#endif
	message[level - 1] = message[level - 1] || message[level];
	changed[level - 1] = changed[level - 1] | changed[level];
	level--
}

inline roll_back()
{
#ifndef TOLD_FOR_GOOD
	if
	:: told_in == id[level] -> told_in = 0
	:: else
	fi;
#endif
	level--
}

inline unfence()
{
#ifdef FENCES_LEFT
	fence[0] = fence[0] - (fenced & 1);
#else
	fence[0] = fence[0] - (fenced & 1);
	fence[1] = fence[1] - (fenced >> 1);
#endif
	fenced = 0
}

/* What the transaction's end needs; a savepoint that is open then is released. */
inline finish()
{
	do
	:: level > 0 -> release_savepoint()
	:: else -> break
	od;
	assert(phase == PREPARED ||
		   ((changed[0] & 1) <= fence[0] && (changed[0] >> 1) <= fence[1]));
	assert(phase != PREPARED || changed[0] == 0 || message[0]);
	assert(phase == PREPARED || !standbys || changed[0] < 2 || message[0])
}

active proctype transaction()
{
	byte missing;
	bool matters;
	byte i;

	id[0] = 1;
	if
	:: standbys = true
	:: standbys = false
	fi;

	for (i : 1 .. STEPS) {
		if
		:: change(REFUSED)
		:: change(ALL)
		:: level < DEPTH -> begin_savepoint()
		:: level > 0 -> release_savepoint()
		:: level > 0 -> roll_back()
		:: phase == NOTED && level == 0 -> phase = FENCED; tell()
		:: phase == NOTED && level == 0 -> phase = PREPARED; tell()
		:: phase != NOTED -> break
		fi
	}
	if
	:: phase != NOTED -> finish()
	:: true					/* an error */
	fi;
	unfence();
	assert(fence[0] == 0 && fence[1] == 0)
}
