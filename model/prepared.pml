/*
 * prepared.pml
 *		Prepared transactions on a primary: step 4 of doc/coherence.md, as a model
 *		for spin.  replay.pml is the same of a standby, and has promotion.
 *
 * A token is issued (version 1), then changed; each of the CHANGES is committed in
 * one phase, with fences, or by COMMIT PREPARED of another session: the session
 * that prepared it has forgotten its notes, so nothing is done but to send the
 * messages.  An INSERT notes only refusals, an UPDATE all entries.  One-phase
 * commits send messages, too, for standbys.  Backends come at any time, ask, and
 * miss messages.
 *
 * What must hold (G1): a backend that begins to ask after a COMMIT or a COMMIT
 * PREPARED has returned believes no entry that is older.
 *
 * Publishing and the look at the guards are one step each; commit.pml has their
 * parts.  Faults, to be defined one at a time: UNMARKED_MESSAGE, INSERT_UNSENT,
 * MESSAGE_FIRST, TRUST_WHAT_IS_THERE, TRUST_BEFORE_QUEUE, FORGIVE_OVERFLOW,
 * IGNORE_MESSAGES, INSERT_UNNOTED, LATE_STAMP.
 */
#ifndef CHANGES
#define CHANGES		1
#endif
#ifndef BACKENDS
#define BACKENDS	2
#endif
#ifndef ASKS
#define ASKS		2
#endif

#define REFUSED		0			/* classes of entries */
#define VALID		1
#define CLASS(version)	(version == 0 -> REFUSED : VALID)

byte visible = 0;				/* the version that a snapshot shows */
byte returned = 0;				/* ... whose COMMIT has returned */

byte clock = 1;
byte fence[2];
byte floor[2];

bool present = false;			/* the entry ... */
byte stamp = 0;
byte version = 0;

/* The queue of invalidation messages, as each backend sees it. */
bool listens[BACKENDS];
bool marked[BACKENDS];			/* it has one of a prepared transaction */
bool overflow[BACKENDS];

inline tick(to)
{
	d_step { clock++; to = clock }
}

inline raise(class, to)
{
	d_step {
		if
		:: to > floor[class] -> floor[class] = to
		:: else
		fi
	}
}

/* Messages that are not marked change nothing here, but fill the queue. */
inline send(mark)
{
	atomic {
		for (b : 0 .. BACKENDS - 1) {
			if
			:: listens[b] -> marked[b] = marked[b] || mark
			:: listens[b] -> marked[b] = false; overflow[b] = true
			:: !listens[b]
			fi
		}
	}
}

inline commit_in_one_phase(inserts)
{
#ifndef INSERT_UNNOTED
	fence[REFUSED]++;
#endif
	if
	:: !inserts -> fence[VALID]++
	:: else
	fi;
	visible++;
	tick(now);
#ifndef INSERT_UNNOTED
	raise(REFUSED, now);
#endif
	if
	:: !inserts -> raise(VALID, now)
	:: else
	fi;
#ifndef INSERT_UNNOTED
	fence[REFUSED]--;
#endif
	if
	:: !inserts -> fence[VALID]--; send(false)
	:: else
	fi
}

inline commit_prepared(inserts)
{
#ifdef MESSAGE_FIRST
	send(true);
#endif
	visible++;
#ifdef UNMARKED_MESSAGE
	send(false)
#elif defined(INSERT_UNSENT)
	if
	:: !inserts -> send(true)
	:: else
	fi
#elif !defined(MESSAGE_FIRST)
	send(true)
#endif
}

active proctype changer()
{
	byte b;
	byte i;
	byte now;

	for (i : 1 .. CHANGES) {
		if
		:: commit_in_one_phase(i == 1)
		:: commit_prepared(i == 1)
		fi;
		returned = i
	}
}

inline establish_trust()
{
#ifndef TRUST_WHAT_IS_THERE
	tick(now);
	trust = now;
#endif
	known = true;
	missed = false
}

/* AcceptInvalidationMessages(), and trust_refresh() after it. */
inline accept_messages()
{
	d_step {
		got = marked[me];
		lost = overflow[me];
		marked[me] = false;
		overflow[me] = false
	};
#ifndef FORGIVE_OVERFLOW
	missed = missed || lost;
#endif
#ifndef IGNORE_MESSAGES
	if
	:: got && known ->
		tick(now);
		raise(REFUSED, now);
		raise(VALID, now)
	:: else
	fi;
#endif
	if
	:: !known || missed -> establish_trust()
	:: else
	fi
}

proctype backend(byte me)
{
	byte must;
	byte now;
	byte at;
	byte read;
	byte i;
	byte trust = 0;
	bool known = false;
	bool missed = false;
	bool got;
	bool lost;

#ifdef TRUST_BEFORE_QUEUE
	establish_trust();
#endif
	listens[me] = true;

	/* one asks often, the others fill and tell */
	for (i : 1 .. (me == 0 -> ASKS : 1)) {
		must = returned;
		accept_messages();
		if
		:: d_step { present && fence[CLASS(version)] == 0 &&
				stamp >= floor[CLASS(version)] && stamp >= trust -> read = version } ->
			assert(read >= must)
		:: else ->
#ifdef LATE_STAMP
			read = visible;
			at = clock;
#else
			at = clock;
			read = visible;
#endif
			d_step {
				if
				:: !present || stamp <= at ->
					version = read;
					stamp = at;
					present = true
				:: else
				fi
			}
		fi;
		d_step { must = 0; now = 0; at = 0; read = 0; got = false; lost = false }
	}
}

init
{
	byte b;

	atomic {
		for (b : 0 .. BACKENDS - 1) {
			run backend(b)
		}
	}
}
