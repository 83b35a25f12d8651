/*
 * flush.pml
 *		The publish floor: cache_flush_matching() of src/cache/walk.c, as a model
 *		for spin.
 *
 * tokenauth_flush_user() stops the belief in what was read before it was called,
 * whatever no trigger has noted.  It looks for entries that match, and raises
 * the floor of their bucket.  A fill that has read the table and not published
 * yet would not be found, so a gate has a publish floor.  FILLERS fill the one
 * entry of a bucket while something that no fence knows of changes and is
 * flushed.
 *
 * What must hold: a reader that begins when the flush has returned believes
 * nothing that was read before the flush was called.
 *
 * Faults, to be defined one at a time; with each of them spin must find that
 * it does not hold: NO_PUBLISH_FLOOR, LOOK_BEFORE_ODD, WALK_FIRST, NO_TICK,
 * SKIP_BUSY, LATE_STAMP.
 */
#ifndef FILLERS
#define FILLERS		2
#endif

byte visible = 0;
bool flushed = false;

byte clock = 1;
byte floor = 0;					/* of the bucket */
byte publish = 0;				/* the gate's publish floor */

byte sequence = 0;
bool present = false;			/* the entry ... */
byte stamp = 0;
byte version = 0;

active proctype flusher()
{
	byte now;
	byte began;
	bool found;

	visible = 1;
#ifdef NO_TICK
	now = clock;
#else
	d_step { clock++; now = clock };
#endif
#ifndef WALK_FIRST
	publish = now;
#endif
	do
	:: began = sequence;
		if
		:: began % 2 == 0 ->
			found = present;
			if
			:: sequence == began -> break
			:: else
			fi
		:: else
#ifdef SKIP_BUSY
			-> break
#endif
		fi
	od;
	if
	:: found -> floor = now		/* one flusher, so no maximum */
	:: else
	fi;
#ifdef WALK_FIRST
	publish = now;
#endif
	flushed = true
}

active [FILLERS] proctype filler()
{
	byte at;
	byte read;
	bool may = true;
	bool mine = false;

#ifdef LATE_STAMP
	read = visible;
	at = clock;
#else
	at = clock;
	read = visible;
#endif
#ifdef LOOK_BEFORE_ODD
	may = at >= publish;
#endif
	atomic {					/* seqlock_try_write() */
		if
		:: sequence % 2 == 0 -> sequence++; mine = true
		:: else
		fi
	}
#if !defined(LOOK_BEFORE_ODD) && !defined(NO_PUBLISH_FLOOR)
	may = at >= publish;
#endif
	if
	:: mine && may && !(present && stamp > at) ->
		version = read;
		stamp = at;
		present = true
	:: else
	fi;
	if
	:: mine -> sequence++
	:: else
	fi;
	d_step { at = 0; read = 0; mine = false; may = true }
}

active proctype reader()
{
	byte began;
	byte copy_version;
	byte copy_stamp;
	bool copy_present;
	byte low;

	flushed;
	began = sequence;
	atomic { copy_present = present; copy_version = version };
	copy_stamp = stamp;
	low = floor;
	atomic {
		if
		:: copy_present && began % 2 == 0 && sequence == began && copy_stamp >= low ->
			assert(copy_version == 1)
		:: else
		fi
	}
}
