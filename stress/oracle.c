/*-------------------------------------------------------------------------
 *
 * oracle.c
 *		Which answers about a token can be right; see oracle.h.
 *
 * All of it is lock-free for readers.  The atomics are sequentially
 * consistent, which is what the argument "loaded before the query was sent"
 * rests on.
 *
 *-------------------------------------------------------------------------
 */
#include <stdlib.h>

#include "oracle.h"

/* Flags of a version; the last three come later. */
#define VERSION_VALID		0x01	/* else the token is refused in it */
#define VERSION_TWO_PHASE	0x02
#define VERSION_COMMITTED	0x04
#define VERSION_NEVER		0x08
#define VERSION_WITNESSED	0x10

void
oracle_init(History *history)
{
	atomic_init(&history->attempted, 0);
	atomic_init(&history->acked, 0);
	atomic_init(&history->seen, 0);
	/* mostly never touched, so it takes little memory */
	history->version = calloc(MAX_VERSIONS, sizeof(atomic_uchar));
	if (history->version == NULL)
		abort();
}

static void
raise_to(atomic_uint *value, unsigned to)
{
	unsigned	old = atomic_load(value);

	while (old < to && !atomic_compare_exchange_weak(value, &old, to))
		;						/* old was reloaded */
}

unsigned
oracle_attempt(History *history, bool valid, bool two_phase)
{
	unsigned	version = atomic_load(&history->attempted) + 1;

	if (version >= MAX_VERSIONS)
		return 0;
	atomic_store(&history->version[version],
				 (valid ? VERSION_VALID : 0) |
				 (two_phase ? VERSION_TWO_PHASE : 0));
	atomic_store(&history->attempted, version);
	return version;
}

void
oracle_committed(History *history, unsigned version)
{
	atomic_fetch_or(&history->version[version], VERSION_COMMITTED);
	raise_to(&history->acked, version);
}

bool
oracle_never(History *history, unsigned version)
{
	unsigned char old = atomic_fetch_or(&history->version[version],
										VERSION_NEVER);

	return (old & VERSION_WITNESSED) == 0;
}

static bool
is_never(History *history, unsigned version)
{
	return (atomic_load(&history->version[version]) & VERSION_NEVER) != 0;
}

/*
 * No frontier follows from a phantom that has been seen: one wrong answer is
 * enough.
 */
unsigned
oracle_frontier(History *history, Place place)
{
	unsigned	acked = atomic_load(&history->acked);
	unsigned	seen = atomic_load(&history->seen);

	return place == ON_PRIMARY && seen > acked &&
		!is_never(history, seen) ? seen : acked;
}

/*
 * A reader rests its answer on a version.  Of the reader here and the writer
 * in oracle_never(), the one that comes second finds the other's flag.
 */
static bool
witness(History *history, unsigned version)
{
	unsigned char old = atomic_fetch_or(&history->version[version],
										VERSION_WITNESSED);

	return (old & VERSION_NEVER) == 0;
}

/* The answer was of this version or of a later one. */
static void
publish_seen(History *history, Place place, unsigned version)
{
	if (place == ON_PRIMARY &&
		(atomic_load(&history->version[version]) & VERSION_TWO_PHASE) == 0)
		raise_to(&history->seen, version);
}

static OracleVerdict
judge_valid(History *history, Place place, unsigned frontier,
			unsigned version)
{
	if (version == 0 || version > atomic_load(&history->attempted) ||
		(atomic_load(&history->version[version]) & VERSION_VALID) == 0)
		return ANSWER_UNEXPLAINED;
	if (!witness(history, version))
		return ANSWER_PHANTOM;
	if (version < frontier && !is_never(history, frontier))
		return ANSWER_STALE;
	publish_seen(history, place, version);
	return ANSWER_RIGHT;
}

/* A refusal that nothing from the frontier on explains. */
static OracleVerdict
name_refusal(History *history, unsigned frontier, unsigned latest)
{
	if (is_never(history, frontier))
		return ANSWER_RIGHT;	/* for all we know */
	for (unsigned v = latest; v >= 1; v--)
	{
		unsigned char flags = atomic_load(&history->version[v]);

		if (flags & VERSION_VALID)
			continue;
		if (flags & VERSION_COMMITTED)
			return ANSWER_STALE;
		if (v >= frontier && (flags & VERSION_NEVER))
			return ANSWER_PHANTOM;
	}
	return ANSWER_UNEXPLAINED;
}

static OracleVerdict
judge_refused(History *history, Place place, unsigned frontier,
			  unsigned exact)
{
	unsigned	latest = atomic_load(&history->attempted);
	unsigned	earliest = 0;	/* of the versions that could explain it */
	unsigned	open = 0;
	bool		committed = false;

	if (exact != 0 && exact <= latest)
	{
		unsigned char flags = atomic_load(&history->version[exact]);

		if (flags & VERSION_VALID)
			exact = 0;			/* what refuses it left no trace in the row */
		else if (flags & VERSION_NEVER)
			return ANSWER_PHANTOM;
	}

	for (unsigned v = frontier; v <= latest; v++)
	{
		unsigned char flags = atomic_load(&history->version[v]);

		if ((flags & (VERSION_VALID | VERSION_NEVER)) != 0 ||
			(exact != 0 && v != exact))
			continue;
		if (earliest == 0)
			earliest = v;
		if (flags & VERSION_COMMITTED)
			committed = true;
		else
			open = v;			/* the latest: no other can be open */
	}
	if (earliest == 0)
		return name_refusal(history, frontier, latest);
	if (!committed && !witness(history, open))
		return ANSWER_PHANTOM;
	/* an open version that it did not name is too little to build upon */
	if (committed || exact != 0)
		publish_seen(history, place, earliest);
	return ANSWER_RIGHT;
}

OracleVerdict
oracle_judge(History *history, Place place, unsigned frontier,
			 const Answer *answer)
{
	if (answer->valid)
		return judge_valid(history, place, frontier, answer->version);
	return judge_refused(history, place, frontier, answer->version);
}

const char *
oracle_describe(History *history, unsigned version)
{
	unsigned char flags;

	if (version == 0)
		return "unnamed";
	if (version > atomic_load(&history->attempted))
		return "never attempted";
	flags = atomic_load(&history->version[version]);
	if (flags & VERSION_NEVER)
		return flags & VERSION_VALID ? "valid, never committed" :
			"refused, never committed";
	if (flags & VERSION_COMMITTED)
		return flags & VERSION_VALID ? "valid, committed" :
			"refused, committed";
	return flags & VERSION_VALID ? "valid, open" : "refused, open";
}
