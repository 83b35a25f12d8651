/*
 * replay.pml
 *		Changes that come by messages: steps 4 and 5 of doc/coherence.md, as a
 *		model for spin.  A standby's startup process replays CHANGES changes of
 *		a row; backends come at any time, ask for its token, and miss messages.
 *		COMMIT PREPARED on a primary is the same, with another sender.
 *
 * What must hold (G9): a backend that begins to ask after a change was replayed
 * and its messages sent believes no entry that is older.
 *
 * Publishing is one step here; commit.pml has its parts.  Faults, one at a
 * time: IGNORE_MESSAGES, TRUST_EVERYTHING, FORGIVE_OVERFLOW, MESSAGE_FIRST,
 * TRUST_BEFORE_QUEUE, LATE_STAMP, BELIEVE_RECOVERY.
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

byte visible = 0;				/* the version that a snapshot shows */
byte sent = 0;					/* ... whose messages have been sent */

byte clock = 1;
byte floor = 0;
byte promotion = 0;				/* floor for what was read in recovery */
bool in_recovery = true;

bool present = false;			/* the entry ... */
byte stamp = 0;
byte version = 0;

/* The queue of invalidation messages, as each backend sees it. */
bool listens[BACKENDS];
bool message[BACKENDS];
bool overflow[BACKENDS];

inline raise(what, to)
{
	d_step {
		if
		:: to > what -> what = to
		:: else
		fi
	}
}

inline tick(to)
{
	d_step { clock++; to = clock }
}

/* SIInsertDataEntries() is done under a lock; one too many is an overflow. */
inline send()
{
	atomic {
		for (b : 0 .. BACKENDS - 1) {
			if
			:: listens[b] -> message[b] = true
			:: listens[b] -> message[b] = false; overflow[b] = true
			:: !listens[b]
			fi
		}
	}
}

active proctype startup()
{
	byte b;
	byte i;

	for (i : 1 .. CHANGES) {
#ifdef MESSAGE_FIRST
		send();
		visible++;
#else
		visible++;
		send();
#endif
		sent = i
	}
	in_recovery = false;		/* promoted; what changes now, fences (commit.pml) */
}

inline establish_trust()
{
#ifndef TRUST_EVERYTHING
	tick(now);
	trust = now;
#endif
	known = true;
	missed = false
}

/* AcceptInvalidationMessages(), and the callbacks it calls. */
inline accept_messages()
{
	atomic {
		got = message[me];
		lost = overflow[me];
		message[me] = false;
		overflow[me] = false
	}
#ifndef FORGIVE_OVERFLOW
	if
	:: lost -> missed = true
	:: else
	fi;
#endif
#ifndef IGNORE_MESSAGES
	if
	:: got && known && was_recovery ->	/* one of a replay, to whom they count */
		tick(now);
		raise(floor, now)
	:: else
	fi;
#endif
	recovering = in_recovery;
	if
	:: !known || missed -> establish_trust()
	:: else
	fi;
#ifndef BELIEVE_RECOVERY
	if
	:: !recovering ->
		if
		:: promotion == 0 ->
			tick(now);
			raise(promotion, now)
		:: else
		fi;
		if
		:: promotion > trust -> trust = promotion
		:: else
		fi
	:: else
	fi;
#endif
	was_recovery = recovering
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
	bool was_recovery = true;
	bool recovering;
	bool got;
	bool lost;

#ifdef TRUST_BEFORE_QUEUE
	establish_trust();
#endif
	listens[me] = true;

	/* one asks often, the others fill and tell */
	for (i : 1 .. (me == 0 -> ASKS : 1)) {
		must = sent;
		accept_messages();
		if
		:: d_step { present && stamp >= floor && stamp >= trust -> read = version } ->
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
		fi
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
