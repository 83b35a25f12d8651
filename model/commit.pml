/*
 * commit.pml
 *		Changes of rows on one server: step 1 of doc/coherence.md, with the
 *		sequence lock of src/cache/seqlock.h, as a model for spin.
 *
 * One bucket with one entry, of a token whose row changes CHANGES times; its
 * neighbour is changed meanwhile by another process, which uses the same fence
 * and floor; FILLERS read the table and publish.  Each line outside of an atomic
 * is one access to shared memory, or one thing that others can see; everything
 * may come in between any two of them.  Memory is sequentially consistent here:
 * barriers are to keep the accesses in order, and some faults below are what
 * would happen without them.
 *
 * What must hold: a reader that believes the entry tells of no version older
 * than the one that was visible when it began.  That is more than G1 (a version
 * whose COMMIT has returned is visible) and it is G2 (a version that was seen is
 * visible).
 *
 * Faults, to be defined one at a time; with each of them spin must find that
 * it does not hold: NO_FENCE, LATE_FENCE, FLOOR_READ_FIRST, UNFENCE_FIRST,
 * PLAIN_STORE, NO_TICK, EARLY_TICK, LATE_STAMP, READ_TORN, WRITE_TORN.
 */
#ifndef CHANGES
#define CHANGES		2
#endif
#ifndef FILLERS
#define FILLERS		1
#endif

byte visible = 0;				/* the version that a snapshot shows */

byte clock = 1;
byte fence = 0;
byte floor = 0;

byte sequence = 0;				/* of the bucket */
bool present = false;			/* the entry ... */
byte stamp = 0;
byte version = 0;

/* floor_raise(): a loop around a compare-and-swap, so one step. */
inline raise_floor(to)
{
#ifdef PLAIN_STORE
	floor = to;
#else
	d_step {
		if
		:: to > floor -> floor = to
		:: else
		fi
	}
#endif
}

inline tick(to)
{
#ifdef NO_TICK
	to = clock;
#else
	d_step { clock++; to = clock }
#endif
}

/* A transaction that changes the row, or its neighbour's. */
inline commit(changes_row)
{
#if !defined(NO_FENCE) && !defined(LATE_FENCE)
	fence++;
#endif
#ifdef EARLY_TICK
	tick(now);
#endif
	if
	:: changes_row -> visible++
	:: else
	fi;
#ifdef LATE_FENCE
	fence++;
#endif
#ifndef EARLY_TICK
	tick(now);
#endif
#ifdef UNFENCE_FIRST
	fence--;
	raise_floor(now);
#else
	raise_floor(now);
#ifndef NO_FENCE
	fence--;
#endif
#endif
}

/* A row's changes come one after the other: a change locks the row. */
active proctype revoker()
{
	byte now;
	byte i;

	for (i : 1 .. CHANGES) {
		commit(true)
	}
}

active proctype neighbour()
{
	byte now;

	commit(false)
}

/* A miss: clock, snapshot, publish. */
active [FILLERS] proctype filler()
{
	byte at;
	byte read;
	bool mine = false;

#ifdef LATE_STAMP
	read = visible;
	at = clock;
#else
	at = clock;
	read = visible;
#endif

#ifdef WRITE_TORN
	mine = true;
#else
	atomic {					/* seqlock_try_write(): a compare-and-swap */
		if
		:: sequence % 2 == 0 -> sequence++; mine = true
		:: else					/* another writer: publishing may be left out */
		fi
	}
#endif
	if
	:: mine && !(present && stamp > at) ->
		version = read;
		stamp = at;
		present = true
	:: else
	fi;
#ifndef WRITE_TORN
	if
	:: mine -> sequence++
	:: else
	fi;
#endif
	d_step { at = 0; read = 0; mine = false }	/* fewer states to tell apart */
}

active proctype reader()
{
	byte must;
	byte began;
	byte copy_version;
	byte copy_stamp;
	bool copy_present;
	bool fenced;
	bool whole;
	byte low;

	must = visible;
	began = sequence;
	atomic { copy_present = present; copy_version = version };
	copy_stamp = stamp;
#ifdef FLOOR_READ_FIRST
	low = floor;
	fenced = fence > 0;
#else
	fenced = fence > 0;
	low = floor;
#endif
	atomic {
#ifdef READ_TORN
	whole = true;
#else
	whole = began % 2 == 0 && sequence == began;
#endif
	if
	:: copy_present && whole && !fenced && copy_stamp >= low ->
		assert(copy_version >= must)
	:: else						/* a miss */
	fi
	};
	d_step { must = 0; began = 0; copy_version = 0; copy_stamp = 0; low = 0; copy_present = false; fenced = false; whole = false }
}
