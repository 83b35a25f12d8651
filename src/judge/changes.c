/*-------------------------------------------------------------------------
 *
 * changes.c
 *		What the present transaction has changed; changes.h is the contract.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/testpoint.h"
#include "judge/changes.h"
#include "judge/message.h"
#include "miscadmin.h"
#include "source/directory.h"
#include "source/mapping.h"

/* Relations invalidated in this transaction that are remembered by OID. */
#define MAX_TOUCHED			16

/* A guard that this transaction's changes stand behind. */
typedef struct ChangeNote
{
	bool		is_place;
	uint32		bits;			/* as a message names it */
	int			stats_slot;
	int			classes;		/* of entries that may be contradicted */
	int			fenced;			/* classes whose fence we have raised */
	SubTransactionId told_in;	/* has registered its message; or invalid */
	CacheGuard *guard;			/* NULL without a cache */
} ChangeNote;

/* How far the present transaction has come with its changes. */
typedef enum ChangePhase
{
	CHANGES_NOTED,				/* known to this transaction only */
	CHANGES_FENCED,				/* PRE_COMMIT has worked through them */
	CHANGES_PREPARED			/* PRE_PREPARE has */
} ChangePhase;

/* The present transaction's. */
bool		changes_made = false;
static struct
{
	ChangePhase phase;
	int			nsmall;			/* of buckets and cells */
	ChangeNote	small[CHANGES_MAX_SMALL];
	int			ngates;
	ChangeNote	gate[CACHE_GATES];
	int			ntouched;		/* MAX_TOUCHED + 1: more than are known */
	Oid			touched[MAX_TOUCHED];
}			changes;

/* ---------- notes ---------- */

void
changes_mark_dirty(void)
{
	changes_made = true;
}

/* Raise the fences that a note asks for and has not raised. */
static void
fence_note(ChangeNote *note)
{
	int			missing = note->classes & ~note->fenced;

	if (note->guard == NULL || missing == 0 || TEST_FAULT(no_fence))
		return;
	cache_guard_fence(note->guard, missing);
	note->fenced |= missing;
}

static void
unfence_note(ChangeNote *note)
{
	if (note->fenced != 0)
		cache_guard_unfence(note->guard, note->fenced);
	note->fenced = 0;
}

/*
 * Register a note's message, unless that is done.  Core forgets it with the
 * subtransaction in which it was registered.
 */
static void
send_note(ChangeNote *note, bool prepared)
{
	/* Only a primary caches refusals. */
	bool		matters = prepared ||
		(note->classes & CACHE_CLASS_BIT(CACHE_VALID)) != 0;

	if (!matters || note->told_in != InvalidSubTransactionId)
		return;
	message_send(note->is_place, note->bits, prepared);
	note->told_in = GetCurrentSubTransactionId();
}

/*
 * Do for a note what this transaction's commit, as far as it has come, needs,
 * and what has not been done.
 */
static void
tell_note(ChangeNote *note)
{
	switch (changes.phase)
	{
		case CHANGES_NOTED:
			break;
		case CHANGES_FENCED:
			fence_note(note);
			if (message_standbys_may_replay())
				send_note(note, false);
			break;
		case CHANGES_PREPARED:
			send_note(note, true);
			break;
	}
}

static void
extend_note(ChangeNote *note, int classes)
{
	changes_made = true;
	note->classes |= classes;
	tell_note(note);			/* another extension may change rows so late */
}

static void
init_note(ChangeNote *note, bool is_place, uint32 bits, CacheGuard *guard,
		  int slot)
{
	note->is_place = is_place;
	note->bits = bits;
	note->guard = guard;
	note->stats_slot = slot;
	note->classes = 0;
	note->fenced = 0;
	note->told_in = InvalidSubTransactionId;
}

static void
note_gate(int gate, int slot, int classes)
{
	ChangeNote *note;

	for (int i = 0; i < changes.ngates; i++)
		if (changes.gate[i].bits == MESSAGE_PLACE_OF_GATE(gate))
		{
			extend_note(&changes.gate[i], classes);
			return;
		}

	note = &changes.gate[changes.ngates++];
	init_note(note, true, MESSAGE_PLACE_OF_GATE(gate),
			  cache_is_on() ? cache_gate_guard(gate) : NULL, slot);
	extend_note(note, classes);
}

void
changes_note_source(const Source *source, int classes)
{
	note_gate(source->gate, source->stats_slot, classes);
}

void
changes_note_source_id(SourceId source, int classes)
{
	note_gate(cache_gate(MyDatabaseId, cache_source(source)),
			  stats_slot_if_any(source), classes);
}

void
changes_note_everything(int classes)
{
	bool		all_noted = changes.ngates == CACHE_GATES;

	for (int gate = 0; gate < CACHE_GATES; gate++)
		if (all_noted)
			extend_note(&changes.gate[gate], classes);	/* in any order */
		else
			note_gate(gate, -1, classes);
}

/* A message of the gate's may have gone with a savepoint: see send_note(). */
bool
changes_cover_source(const Source *source, int classes)
{
	for (int i = 0; i < changes.ngates; i++)
		if (changes.gate[i].bits == MESSAGE_PLACE_OF_GATE(source->gate) &&
			(classes & ~changes.gate[i].classes) == 0)
		{
			tell_note(&changes.gate[i]);
			return true;
		}
	return false;
}

/* Note a bucket or a cell, or if there are too many the whole source. */
static void
note_small(const Source *source, bool is_place, uint32 bits,
		   CacheGuard *guard, int classes)
{
	ChangeNote *note;

	for (int i = 0; i < changes.nsmall; i++)
	{
		note = &changes.small[i];
		if (note->is_place == is_place && note->bits == bits &&
			note->guard == guard)
		{
			extend_note(note, classes);
			return;
		}
	}

	if (changes.nsmall == CHANGES_MAX_SMALL)
	{
		changes_note_source(source, classes);
		return;
	}
	note = &changes.small[changes.nsmall++];
	init_note(note, is_place, bits, guard, source->stats_slot);
	extend_note(note, classes);
}

void
changes_note_token(const Source *source, const TokenDigest *digest, int classes)
{
	cache_prefetch(digest);		/* comes while the statement ends */
	note_small(source, false, cache_message_bits(digest),
			   cache_is_on() ? cache_bucket_guard(digest) : NULL, classes);
}

void
changes_note_cell(const Source *source, uint16 cell, int classes)
{
	note_small(source, true, MESSAGE_PLACE_OF_CELL(cell),
			   cache_is_on() ? cache_cell_guard(cell) : NULL, classes);
}

/* ---------- relations invalidated ---------- */

void
changes_relation_invalidated(Oid relation)
{
	if (changes.ntouched <= MAX_TOUCHED)
	{
		if (OidIsValid(relation) && changes.ntouched < MAX_TOUCHED)
			changes.touched[changes.ntouched++] = relation;
		else
			changes.ntouched = MAX_TOUCHED + 1;
	}
}

static bool
was_touched(Oid relation)
{
	if (changes.ntouched > MAX_TOUCHED)
		return true;
	for (int i = 0; i < changes.ntouched; i++)
		if (changes.touched[i] == relation)
			return true;
	return false;
}

static void
note_if_touched(const Source *source, Oid relation)
{
	if (was_touched(relation) && mapping_triggers_touched_here(relation))
		changes_note_source(source, CACHE_ALL_CLASSES);
}

/*
 * Step 3 of doc/coherence.md: if this transaction has touched triggers of
 * ours, it may have changed rows of which we were not told.  While the registry is
 * that of another version, any table may be a source's.  The transaction of
 * somebody who may not know of tokenauth does not fail for it.
 */
static void
note_touched_sources(void)
{
	ListCell   *lc;

	if (changes.ntouched == 0 || !cache_is_on() ||
		!OidIsValid(MyDatabaseId) ||
		!TransactionIdIsValid(GetTopTransactionIdIfAny()))
		return;
	if (!source_try_refresh())
		changes_note_everything(CACHE_ALL_CLASSES);
	foreach(lc, source_all())
	{
		Source	   *source = lfirst(lc);

		note_if_touched(source, source->relation);
		for (int i = 0; i < source->nparents; i++)
			note_if_touched(source, source->parent[i].relation);
	}
}

/* ---------- the transaction ---------- */

static void
for_each_note(void (*act) (ChangeNote *note))
{
	for (int i = 0; i < changes.nsmall; i++)
		act(&changes.small[i]);
	for (int i = 0; i < changes.ngates; i++)
		act(&changes.gate[i]);
}

static void
floor_note(ChangeNote *note)
{
	if (note->guard != NULL)
	{
		uint64		now = clock_tick(cache_clock());

		TEST_POINT(commit_ticked);
		cache_guard_floor(note->guard, note->classes, now);
	}
	stats_mine(note->stats_slot)->n[STATS_INVALIDATIONS]++;
}

void
changes_pre_commit(void)
{
	note_touched_sources();
	if (changes_made)
		TEST_POINT(commit_before_fence);
	changes.phase = CHANGES_FENCED;
	for_each_note(tell_note);
	if (changes_made)
		TEST_POINT(commit_fenced);
}

void
changes_pre_prepare(void)
{
	note_touched_sources();
	changes.phase = CHANGES_PREPARED;
	for_each_note(tell_note);
}

void
changes_commit(void)
{
	if (changes_made)
	{
		TEST_POINT(commit_visible);
		if (TEST_FAULT(committer_unfences_first))
		{
			for_each_note(unfence_note);
			TEST_POINT(commit_floored);
		}
		for_each_note(floor_note);
		TEST_POINT(commit_floored);
		for_each_note(unfence_note);
	}
}

void
changes_abort(void)
{
	for_each_note(unfence_note);
}

/*
 * A subtransaction has ended: its messages are now its parent's, or nobody's
 * (InvalidSubTransactionId).
 */
static void
hand_over(SubTransactionId subxact, SubTransactionId heir)
{
	for (int i = 0; i < changes.nsmall; i++)
		if (changes.small[i].told_in == subxact)
			changes.small[i].told_in = heir;
	for (int i = 0; i < changes.ngates; i++)
		if (changes.gate[i].told_in == subxact)
			changes.gate[i].told_in = heir;
}

void
changes_commit_sub(SubTransactionId subxact, SubTransactionId parent)
{
	hand_over(subxact, parent);
}

void
changes_abort_sub(SubTransactionId subxact)
{
	hand_over(subxact, InvalidSubTransactionId);
}

void
changes_forget(void)
{
	changes_made = false;
	changes.phase = CHANGES_NOTED;
	changes.nsmall = 0;
	changes.ngates = 0;
	changes.ntouched = 0;
}
