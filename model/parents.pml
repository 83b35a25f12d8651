/*
 * parents.pml
 *		Rows of other tables that a token depends on: step 6 of doc/coherence.md,
 *		as a model for spin.
 *
 * A token that belongs to one of two parents, or to both, and is valid while all
 * that it belongs to live.  TRANSACTIONS kill and revive parents, one or both at
 * once; with MOVE another one gives the token to other parents.  An entry says
 * whether the token is valid, and names the cells of its parents; a reader looks
 * at the guards of these cells and at that of the bucket.
 *
 * What must hold: the answer of a reader that believes the entry was true at some
 * moment since it began (G2).
 *
 * Publishing is one step here, for commit.pml has its parts; but what is read of
 * an entry can be torn by it.
 *
 * Faults, to be defined one at a time; with each of them spin must find that
 * it does not hold: FIRST_CELL_ONLY, FLOORS_FIRST, CELLS_TORN, DEAD_UNNAMED,
 * NO_CELL_FENCE, UNFENCE_FIRST.
 *
 * To go cell by cell, fence before floor, is no fault (ONE_CELL_AFTER).
 */
#ifndef TRANSACTIONS
#define TRANSACTIONS	2
#endif
#ifndef FILLERS
#define FILLERS			1
#endif

/* The table, and what a snapshot shows of it. */
byte lives;						/* a bit for each parent */
byte belongs;					/* a bit for each parent that the token has */

#define VALID	((lives & belongs) == belongs)

/* The answers that were true since the reader began: bits 1 (no), 2 (yes). */
byte true_since = 0;

byte clock = 1;
byte fence[3];					/* of the cells of both parents, and of the bucket */
byte floor[3];
#define BUCKET	2

byte sequence = 0;				/* of the bucket */
bool present = false;			/* the entry ... */
byte stamp = 0;
byte cells = 0;
bool valid = false;

inline raise_fence(place, on)
{
	if
	:: on -> fence[place]++
	:: else
	fi
}

inline lift_fence(place, on)
{
	if
	:: on -> fence[place]--
	:: else
	fi
}

inline raise_floor(place, on)
{
	if
	:: on ->
		d_step { clock++; now = clock };
		d_step {
			if
			:: now > floor[place] -> floor[place] = now
			:: else
			fi
		}
	:: else
	fi
}

inline become_visible(new_lives, new_belongs)
{
	d_step {
		lives = new_lives;
		belongs = new_belongs;
		true_since = true_since | (1 << VALID)
	}
}

/* Parents' keys hash to two cells; a transaction changes one or both of them. */
proctype changer()
{
	byte now;
	byte flips;
	byte noted;

#ifdef MOVE
	flips = 2;
#else
	if
	:: flips = 1
	:: flips = 2
	:: flips = 3
	fi;
#endif
	noted = flips;
#ifndef NO_CELL_FENCE
	raise_fence(0, noted & 1);
	raise_fence(1, noted & 2);
#endif
	become_visible(lives ^ flips, belongs);
#ifdef UNFENCE_FIRST
	lift_fence(0, noted & 1);
	lift_fence(1, noted & 2);
#endif
	raise_floor(0, noted & 1);
	raise_floor(1, noted & 2);
#if !defined(NO_CELL_FENCE) && !defined(UNFENCE_FIRST)
	lift_fence(0, noted & 1);
	lift_fence(1, noted & 2);
#endif
	d_step { now = 0; flips = 0; noted = 0 }
}

proctype mover()
{
	byte now;

	fence[BUCKET]++;
	become_visible(lives, 3 - belongs);
	raise_floor(BUCKET, true);
	fence[BUCKET]--
}

proctype filler()
{
	byte at;
	byte names;
	bool found;

	at = clock;
	d_step {
		found = VALID;
		names = belongs;
#ifdef DEAD_UNNAMED
		names = belongs & lives;
#endif
	}
	d_step {
		if
		:: !(present && stamp > at) ->
			sequence++;
			present = true;
			stamp = at;
			cells = names;
			valid = found
		:: else
		fi
	};
	d_step { at = 0; names = 0; found = false }
}

inline look_at_fence(place, on)
{
	if
	:: on -> fenced = fenced || fence[place] > 0
	:: else
	fi
}

inline look_at_floor(place, on)
{
	if
	:: (on) && floor[place] > low -> low = floor[place]
	:: else
	fi
}

proctype reader()
{
	byte began;
	byte copy_cells;
	byte copy_stamp;
	bool copy_valid;
	byte low = 0;
	bool fenced = false;
	bool whole;

	true_since = 1 << VALID;
	began = sequence;
	copy_cells = cells;
	d_step {
		if
		:: present -> copy_stamp = stamp; copy_valid = valid
		:: else -> fenced = true
		fi
	};
#ifdef FIRST_CELL_ONLY
	copy_cells = (copy_cells == 3 -> 1 : copy_cells);
#endif
#if defined(FLOORS_FIRST)
	look_at_floor(BUCKET, true);
	look_at_floor(0, copy_cells & 1);
	look_at_floor(1, copy_cells & 2);
	look_at_fence(BUCKET, true);
	look_at_fence(0, copy_cells & 1);
	look_at_fence(1, copy_cells & 2);
#elif defined(ONE_CELL_AFTER)
	look_at_fence(BUCKET, true);
	look_at_floor(BUCKET, true);
	look_at_fence(0, copy_cells & 1);
	look_at_floor(0, copy_cells & 1);
	look_at_fence(1, copy_cells & 2);
	look_at_floor(1, copy_cells & 2);
#else
	look_at_fence(BUCKET, true);
	look_at_fence(0, copy_cells & 1);
	look_at_fence(1, copy_cells & 2);
	look_at_floor(BUCKET, true);
	look_at_floor(0, copy_cells & 1);
	look_at_floor(1, copy_cells & 2);
#endif
	d_step {
#ifdef CELLS_TORN
		whole = true;
#else
		whole = sequence == began;
#endif
		if
		:: whole && !fenced && copy_stamp >= low ->
			assert(true_since & (1 << copy_valid))
		:: else
		fi
	}
}

init
{
	byte i;

	atomic {
#ifdef MOVE
		lives = 2;
		belongs = 1;
		run mover();
#else
		do
		:: lives < 3 -> lives++
		:: break
		od;
		belongs = 3;
#endif
		for (i : 1 .. TRANSACTIONS) { run changer() }
		for (i : 1 .. FILLERS) { run filler() }
		run reader()
	}
}
