/*-------------------------------------------------------------------------
 *
 * coherence.c
 *		What keeps the cache exact.
 *
 * One rule: an entry is believed iff nothing that could have changed it can
 * have happened since it was read.  How that is known, in five steps.
 *
 * 1. One server, changes of rows (G1, G2).
 *
 * A trigger on the token table notes which buckets a transaction's changes
 * touch.  Before the transaction commits it raises the fences of these
 * buckets; once it is visible to others it moves their floors to a new tick
 * of the shared clock, then lifts the fences:
 *
 *		committer			PRE_COMMIT: fence + 1
 *							...WAL flushed, standbys waited for, visible...
 *							COMMIT: floor := max(floor, ++clock); fence - 1
 *		filler				stamp := clock; snapshot; read the table; publish
 *		reader				fence = 0?  stamp >= floor?  the entry
 *
 * Take a reader that believes an entry, and a change that the entry does not
 * show.  The entry was read by a snapshot taken before the change was
 * visible, and its stamp is older still; the change's tick came after it was
 * visible; so the floor that the change leaves behind is above the stamp.
 * The reader saw a lower floor, so it looked before that floor was raised.
 * It had looked at the fence earlier yet, and it was down; the fence was up
 * from before the change was visible until after the floor was raised.  So
 * the reader looked at the fence before the change was visible to anybody,
 * and answering from before the change is right (G2), all the more once its
 * COMMIT has returned (G1).
 *
 * Each "before" in this argument is a barrier in seqlock.h.  Three of them
 * would look harmless to remove, and the tests plant each as a fault: the
 * reader looks at fence, floor, entry in this order; the committer raises
 * the floor before it lifts the fence; the filler reads the clock before it
 * takes its snapshot.  And floors move by maximum: of two committers the one
 * with the earlier tick may come last.
 *
 * Sync replication holds COMMIT back while the change is not yet visible; the
 * fence stays up so long, and the token is judged by the table meanwhile.
 * An error after PRE_COMMIT ends in ABORT, which lifts the fences.  A change
 * made after our PRE_COMMIT, by another extension's, is fenced at once.
 *
 * 2. What a transaction has written itself (G3, G4).
 *
 * The trigger also marks the transaction dirty; a dirty transaction uses the
 * table only, for itself.  So does one that holds the lock of a writer on the
 * table: triggers fire at the end of a statement, which may ask before.  A transaction that has an id publishes nothing: it
 * may have written what no trigger told us of.  Rolling back to a savepoint
 * takes no note back; a note too many costs a table read.
 *
 * 3. What is not a change of a row (G1).
 *
 * An answer depends also on the table's file, our triggers, the index, the
 * columns, the registry: the fingerprint (mapping.c).  All of that changes
 * through catalogs, whose invalidation messages PostgreSQL sends before the
 * COMMIT returns.  A reader accepts messages first, recomputes the
 * fingerprint if one concerned it, and believes only entries that bear it.
 * A filler computes its fingerprint before its snapshot.  So a fingerprint
 * that is still the present one was present when the row was read.
 *
 * Messages are sent after the transaction is visible, though, a few
 * microseconds too late for G2.  For most DDL the table's lock hides that.
 * Not for ALTER TABLE ... DISABLE TRIGGER, UPDATE, ENABLE TRIGGER in one
 * transaction, which nobody need wait for; so a transaction that finds at
 * PRE_COMMIT that it has touched our triggers fences the whole source.
 * Changes of the registry are not changes of rows: they are exact once their
 * COMMIT has returned, and no sooner.
 *
 * 4. Changes that COMMIT without the committer's memory: prepared
 * transactions, and replay on a standby (G1, G9).
 *
 * These speak through PostgreSQL's own invalidation messages, which are kept
 * with a prepared transaction, written to the commit record, and sent by
 * COMMIT PREPARED or by the standby's startup process after the change is
 * visible and before anybody is told so.  Ours (message.c) name buckets, gates,
 * and cells.  Whoever receives one moves the floors named, in the clock of its
 * server.  On a primary only messages of prepared transactions count, since
 * others have done their work through memory.
 *
 * A backend may miss a message: it connected later, or was told (InvalidOid)
 * that the queue has overflowed.  Then it trusts only what was read since:
 * its own floor, `trust`.  That costs new connections a cold start, where
 * messages matter: on standbys, and with max_prepared_transactions > 0.
 * Elsewhere they find the cache warm.
 *
 * Standbys cache no refusals, so an INSERT need send nothing, unless it is
 * prepared: then the primary needs it.
 *
 * 5. Promotion (G9).
 *
 * A message of the last replayed commits may reach a backend after it has
 * become one of a primary, and would be taken for one that does not count.
 * So whatever was read during recovery is trusted by nobody afterwards: the
 * first to notice the end of recovery ticks the clock for the promotion
 * floor, and everybody's trust is at least that.
 *
 * 6. Rows of other tables that a token depends on, its parents.
 *
 * The same again, by key: a parent's row is hashed to a cell, which has a
 * fence and a floor like a bucket, and an entry names the cells of its
 * parents.  A reader finds them in the entry itself, in the same window of
 * the sequence lock, then looks at all fences, then at all floors.  Where in
 * that window the entry is copied does not matter: it is the same throughout.
 *
 * The rest is cost.  Up to MAX_SMALL_NOTES buckets and cells are noted one by
 * one, then the whole source at its gate.  Inserting cannot end a valid token's life
 * where the token column is unique, so an INSERT concerns refusals only and
 * costs no valid entry anything.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/twophase.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "base/compat.h"
#include "base/guc.h"
#include "base/testpoint.h"
#include "commands/trigger.h"
#include "executor/tuptable.h"
#include "judge/coherence.h"
#include "judge/message.h"
#include "miscadmin.h"
#include "replication/walsender.h"
#include "source/mapping.h"
#include "storage/lmgr.h"
#include "storage/sinval.h"
#include "utils/datum.h"
#include "utils/inval.h"
#include "utils/rel.h"
#include "utils/syscache.h"

/* More than these in one transaction: the whole source is noted. */
#define MAX_SMALL_NOTES		32

/* Relations invalidated in this transaction that are remembered by OID. */
#define MAX_TOUCHED			16

/* A message: two bits of kind, and which buckets, gate, or cell it names. */
#define MESSAGE_KIND(message)	((message) >> CACHE_MESSAGE_BITS)
#define MESSAGE_BITS(message)	((message) & ((1 << CACHE_MESSAGE_BITS) - 1))

/* A kind is a sum of these. */
#define MESSAGE_OF_PLACE	1	/* a gate, or a cell; else buckets */
#define MESSAGE_OF_PREPARED 2	/* counts on a primary too */

StaticAssertDecl(CACHE_MESSAGE_BITS + 2 <= MESSAGE_CONTENT_BITS, "messages must fit");

/* Gates and cells share the bits of MESSAGE_OF_PLACE. */
#define PLACE_OF_CELL(cell) (CACHE_GATES + (uint32) (cell))

/* A guard that this transaction's changes stand behind. */
typedef struct ChangeNote
{
	bool		is_place;
	uint32		bits;			/* as a message names it */
	int			stats_slot;
	int			classes;		/* of entries that may be contradicted */
	int			fenced;			/* classes whose fence we have raised */
	CacheGuard *guard;			/* NULL without a cache */
} ChangeNote;

/* How far the present transaction has come with its changes. */
typedef enum ChangePhase
{
	CHANGES_NOTED,				/* still to be told */
	CHANGES_FENCED,				/* PRE_COMMIT has told of them */
	CHANGES_PREPARED			/* PRE_PREPARE has */
} ChangePhase;

/* The present transaction's. */
static struct
{
	bool		dirty;
	ChangePhase phase;
	int			nsmall;			/* of buckets and cells */
	ChangeNote	small[MAX_SMALL_NOTES];
	int			ngates;
	ChangeNote	gate[CACHE_GATES];
	int			ntouched;		/* MAX_TOUCHED + 1: more than are known */
	Oid			touched[MAX_TOUCHED];
}			changes;

/* This backend's. */
static struct
{
	bool		known;			/* the others are set */
	bool		missed;			/* messages may have been missed */
	bool		in_recovery;
	uint64		floor;
}			trust;

typedef struct CoherenceShared
{
	Floor		promotion;		/* 0 until someone saw recovery ended */
} CoherenceShared;

static CoherenceShared *shared = NULL;

Size
coherence_shmem_size(void)
{
	return sizeof(CoherenceShared);
}

void
coherence_shmem_init(void *area, bool found)
{
	shared = (CoherenceShared *) area;
	if (!found)
		pg_atomic_init_u64(&shared->promotion, 0);
}

/* ---------- who may believe what ---------- */

static uint64
promotion_floor(void)
{
	if (pg_atomic_read_u64(&shared->promotion) == 0)
		floor_raise(&shared->promotion, clock_tick(cache_clock()));
	return pg_atomic_read_u64(&shared->promotion);
}

static void
establish_trust(bool in_recovery)
{
	bool		messages_matter = in_recovery || max_prepared_xacts > 0;

	if (messages_matter && (!trust.known || trust.missed) &&
		!TEST_FAULT(trust_everything))
		trust.floor = clock_tick(cache_clock());
	if (!in_recovery)
		trust.floor = Max(trust.floor, promotion_floor());
	trust.known = true;
	trust.missed = false;
	trust.in_recovery = in_recovery;
}

void
coherence_refresh(void)
{
	bool		in_recovery;

	AcceptInvalidationMessages();
	if (!cache_is_on())
		return;
	in_recovery = RecoveryInProgress();
	if (!trust.known || trust.missed || trust.in_recovery != in_recovery)
		establish_trust(in_recovery);
}

uint64
coherence_trust(void)
{
	return trust.floor;
}

static bool
may_have_written(Oid relation)
{
	LOCKTAG		tag;

	SET_LOCKTAG_RELATION(tag, MyDatabaseId, relation);
	return TOKENAUTH_LOCK_HELD(&tag, RowExclusiveLock);
}

/*
 * Could this transaction have changed rows of the source's tables?  The
 * trigger says so at a statement's end; before that, as in its RETURNING, the
 * statement's lock does, which is held to the end of the transaction.
 */
static bool
has_own_writes(const Source *source)
{
	if (changes.dirty)
		return true;
	if (!TransactionIdIsValid(GetTopTransactionIdIfAny()))
		return false;
	if (may_have_written(source->relation))
		return true;
	for (int i = 0; i < source->nparents; i++)
		if (may_have_written(source->parent[i].relation))
			return true;
	return false;
}

CacheUse
coherence_may_use(const Source *source)
{
	if (!guc_enabled)
		return CACHE_USE_NO_DISABLED;
	/* a walsender takes messages of the past for those of the present */
	if (!cache_is_on() || !source_is_cacheable(source) || am_walsender)
		return CACHE_USE_NO_SOURCE;
	if (!TEST_FAULT(publish_own_writes) && has_own_writes(source))
		return CACHE_USE_NO_OWN_WRITES;
	return CACHE_USE_YES;
}

bool
coherence_may_publish(const Source *source)
{
	if (TEST_FAULT(publish_own_writes))
		return true;
	return coherence_may_use(source) == CACHE_USE_YES &&
		!TransactionIdIsValid(GetTopTransactionIdIfAny());
}

void
coherence_flush(const Source *source)
{
	if (cache_is_on())
		cache_guard_floor(cache_gate_guard(source->gate), CACHE_ALL_CLASSES,
						  clock_tick(cache_clock()));
}

/* ---------- messages ---------- */

/* Can a standby ever read what this server writes? */
static bool
standbys_can_listen(void)
{
	return XLogStandbyInfoActive() &&
		(max_wal_senders > 0 || XLogArchivingActive());
}

static void
send_note(const ChangeNote *note, bool prepared)
{
	uint32		kind;

	/* Only a primary caches refusals. */
	if (!prepared && (note->classes & CACHE_CLASS_BIT(CACHE_VALID)) == 0)
		return;
	kind = (note->is_place ? MESSAGE_OF_PLACE : 0) |
		(prepared ? MESSAGE_OF_PREPARED : 0);
	message_send(kind << CACHE_MESSAGE_BITS | note->bits);
}

/* A MessageReceiver. */
static void
receive_message(uint32 message)
{
	uint32		kind = MESSAGE_KIND(message);
	uint32		bits = MESSAGE_BITS(message);
	uint64		cursor = 0;
	uint64		now;
	CacheGuard *guard;

	/* Who believes nothing yet need not be told. */
	if (!cache_is_on() || !trust.known || am_walsender ||
		TEST_FAULT(ignore_messages))
		return;
	if ((kind & MESSAGE_OF_PREPARED) == 0 && !trust.in_recovery)
		return;

	now = clock_tick(cache_clock());
	if (kind & MESSAGE_OF_PLACE)
		cache_guard_floor(bits < CACHE_GATES ? cache_gate_guard((int) bits) :
						  cache_cell_guard((uint16) (bits - CACHE_GATES)),
						  CACHE_ALL_CLASSES, now);
	else
		while ((guard = cache_message_guard(bits, &cursor)) != NULL)
			cache_guard_floor(guard, CACHE_ALL_CLASSES, now);
}

/*
 * A relation has been invalidated, by another session or by this one.  No
 * catalog access, no error.
 */
static void
relcache_callback(Datum arg, Oid relation)
{
	if (!OidIsValid(relation))
		trust.missed = true;
	source_invalidate(relation);

	if (changes.ntouched <= MAX_TOUCHED)
	{
		if (OidIsValid(relation) && changes.ntouched < MAX_TOUCHED)
			changes.touched[changes.ntouched++] = relation;
		else
			changes.ntouched = MAX_TOUCHED + 1;
	}
}

/* ---------- notes of changes ---------- */

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

/* Make a note work for this transaction's commit, as far as it has come. */
static void
tell_note(ChangeNote *note)
{
	switch (changes.phase)
	{
		case CHANGES_NOTED:
			break;
		case CHANGES_FENCED:
			fence_note(note);
			if (standbys_can_listen())
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
	changes.dirty = true;
	if ((classes & ~note->classes) == 0)
		return;
	note->classes |= classes;
	tell_note(note);			/* late, if another extension's doing */
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
}

static void
note_gate(int gate, int slot, int classes)
{
	ChangeNote *note;

	for (int i = 0; i < changes.ngates; i++)
		if (changes.gate[i].bits == (uint32) gate)
		{
			extend_note(&changes.gate[i], classes);
			return;
		}

	note = &changes.gate[changes.ngates++];
	init_note(note, true, gate, cache_is_on() ? cache_gate_guard(gate) : NULL,
			  slot);
	extend_note(note, classes);
}

static void
note_source(const Source *source, int classes)
{
	note_gate(source->gate, source->stats_slot, classes);
}

/* Is the whole source noted, for all of these classes? */
static bool
source_is_noted(const Source *source, int classes)
{
	for (int i = 0; i < changes.ngates; i++)
		if (changes.gate[i].bits == (uint32) source->gate)
			return (classes & ~changes.gate[i].classes) == 0;
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

	if (changes.nsmall == MAX_SMALL_NOTES)
	{
		note_source(source, classes);
		return;
	}
	note = &changes.small[changes.nsmall++];
	init_note(note, is_place, bits, guard, source->stats_slot);
	extend_note(note, classes);
}

static void
note_token(const Source *source, const TokenDigest *digest, int classes)
{
	cache_prefetch(digest);		/* comes while the statement ends */
	note_small(source, false, cache_message_bits(digest),
			   cache_is_on() ? cache_bucket_guard(digest) : NULL, classes);
}

static void
note_cell(const Source *source, uint16 cell, int classes)
{
	note_small(source, true, PLACE_OF_CELL(cell),
			   cache_is_on() ? cache_cell_guard(cell) : NULL, classes);
}

/* ---------- the trigger ---------- */

/* Does an UPDATE change any column that a verdict depends on? */
static bool
update_matters(const Bitmapset *matters, TupleTableSlot *old,
			   TupleTableSlot *new)
{
	int			attnum = -1;

	while ((attnum = bms_next_member(matters, attnum)) >= 0)
	{
		Form_pg_attribute attribute =
			TupleDescAttr(old->tts_tupleDescriptor, attnum - 1);
		bool		old_isnull;
		bool		new_isnull;
		Datum		old_value = slot_getattr(old, attnum, &old_isnull);
		Datum		new_value = slot_getattr(new, attnum, &new_isnull);

		if (old_isnull != new_isnull)
			return true;
		if (!old_isnull && !datum_image_eq(old_value, new_value,
										   attribute->attbyval,
										   attribute->attlen))
			return true;
	}
	return false;
}

static void
note_token_row(const Source *source, TupleTableSlot *row, int classes)
{
	TokenDigest digest;
	bool		isnull;
	Datum		value = slot_getattr(row, source->column[ROLE_TOKEN].attnum,
									 &isnull);

	if (source_digest_of_value(source, value, isnull, &digest))
		note_token(source, &digest, classes);
}

static void
note_parent_row(const Source *source, const SourceParent *parent,
				TupleTableSlot *row, int classes)
{
	bool		isnull;
	Datum		key = slot_getattr(row, parent->key.attnum, &isnull);

	if (!isnull)
		note_cell(source, source_parent_cell(parent, key), classes);
}

/*
 * A row of a source's own table (parent is NULL) or of a parent's.  A new row
 * in a unique column contradicts refusals only.
 */
static void
note_row_event(const Source *source, const SourceParent *parent,
			   TriggerData *trigger)
{
	TriggerEvent event = trigger->tg_event;
	bool		updated = TRIGGER_FIRED_BY_UPDATE(event);
	bool		unique = parent ? parent->finder.unique : source->finder.unique;
	int			classes = CACHE_ALL_CLASSES;

	if (TRIGGER_FIRED_BY_INSERT(event) && unique)
		classes = CACHE_CLASS_BIT(CACHE_REFUSED);
	if (updated &&
		!update_matters(parent ? parent->matters : source->matters,
						trigger->tg_trigslot, trigger->tg_newslot))
		return;

	changes.dirty = true;
	if (source_is_noted(source, classes))
		return;
	if (parent != NULL)
	{
		note_parent_row(source, parent, trigger->tg_trigslot, classes);
		if (updated)
			note_parent_row(source, parent, trigger->tg_newslot, classes);
	}
	else
	{
		note_token_row(source, trigger->tg_trigslot, classes);
		if (updated)
			note_token_row(source, trigger->tg_newslot, classes);
	}
}

/* What an event means to a source that has this table, as own or parent's. */
static void
note_event(Source *source, const SourceParent *parent, TriggerData *trigger)
{
	if (!source_validate(source))
		return;
	if (TRIGGER_FIRED_FOR_ROW(trigger->tg_event) &&
		!PROBLEM_IS_FATAL(source->problem))
		note_row_event(source, parent, trigger);
	else
		note_source(source, CACHE_ALL_CLASSES);
}

/*
 * tokenauth_changed()
 *
 * AFTER trigger, for each row and for TRUNCATE, of token tables and of their
 * parents: notes what the change may contradict.
 */
TOKENAUTH_FUNCTION(tokenauth_changed);
Datum
tokenauth_changed(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	Oid			relation;
	bool		known = false;
	ListCell   *lc;

	if (!CALLED_AS_TRIGGER(fcinfo) ||
		!TRIGGER_FIRED_AFTER(trigger->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("tokenauth_changed() must be called as an AFTER trigger")));

	source_refresh();
	relation = RelationGetRelid(trigger->tg_relation);
	foreach(lc, source_all())
	{
		Source	   *source = lfirst(lc);

		if (source->relation == relation)
		{
			note_event(source, NULL, trigger);
			known = true;
		}
		for (int i = 0; i < source->nparents; i++)
			if (source->parent[i].relation == relation)
			{
				note_event(source, &source->parent[i], trigger);
				known = true;
			}
	}

	/* To be on the safe side, should others know of a source that we do not. */
	if (!known)
		note_gate(cache_gate(MyDatabaseId, relation), -1, CACHE_ALL_CLASSES);
	return PointerGetDatum(NULL);
}

/*
 * tokenauth_registry_changed()
 *
 * AFTER trigger, for each row, of the registry of sources: whatever changes
 * it, however, every session hears that it has changed.
 */
TOKENAUTH_FUNCTION(tokenauth_registry_changed);
Datum
tokenauth_registry_changed(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	TupleTableSlot *row;
	Oid			relation;
	bool		isnull;

	if (!CALLED_AS_TRIGGER(fcinfo) ||
		!TRIGGER_FIRED_FOR_ROW(trigger->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("tokenauth_registry_changed() must be called as a row trigger")));

	CacheInvalidateRelcache(trigger->tg_relation);
	row = trigger->tg_trigslot;
	relation = DatumGetObjectId(slot_getattr(row, 1, &isnull));
	note_gate(cache_gate(MyDatabaseId, relation), stats_slot(relation),
			  CACHE_ALL_CLASSES);
	return PointerGetDatum(NULL);
}

/* ---------- the transaction ---------- */

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
		note_source(source, CACHE_ALL_CLASSES);
}

/*
 * Step 3 above: if this transaction has touched triggers of ours, it may
 * have changed rows of which we were not told.
 */
static void
note_touched_sources(void)
{
	ListCell   *lc;

	if (changes.ntouched == 0 || !cache_is_on() ||
		!OidIsValid(MyDatabaseId) ||
		!TransactionIdIsValid(GetTopTransactionIdIfAny()))
		return;
	source_refresh();
	foreach(lc, source_all())
	{
		Source	   *source = lfirst(lc);

		note_if_touched(source, source->relation);
		for (int i = 0; i < source->nparents; i++)
			note_if_touched(source, source->parent[i].relation);
	}
}

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

static void
pre_commit(void)
{
	note_touched_sources();
	if (changes.dirty)
		TEST_POINT(commit_before_fence);
	changes.phase = CHANGES_FENCED;
	for_each_note(tell_note);
	if (changes.dirty)
		TEST_POINT(commit_fenced);
}

static void
pre_prepare(void)
{
	note_touched_sources();
	changes.phase = CHANGES_PREPARED;
	for_each_note(tell_note);
}

static void
forget_changes(void)
{
	changes.dirty = false;
	changes.phase = CHANGES_NOTED;
	changes.nsmall = 0;
	changes.ngates = 0;
	changes.ntouched = 0;
	source_end_of_transaction();
}

/* It is too late to fail: no palloc, no ereport, from here. */
static void
committed(void)
{
	if (changes.dirty)
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
	forget_changes();
}

static void
aborted(void)
{
	for_each_note(unfence_note);
	forget_changes();
}

static void
transaction_callback(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
			pre_commit();
			break;
		case XACT_EVENT_PRE_PREPARE:
			pre_prepare();
			break;
		case XACT_EVENT_COMMIT:
			committed();
			break;
		case XACT_EVENT_ABORT:
			aborted();
			break;
		case XACT_EVENT_PREPARE:
			forget_changes();
			break;
		case XACT_EVENT_PARALLEL_PRE_COMMIT:
		case XACT_EVENT_PARALLEL_COMMIT:
		case XACT_EVENT_PARALLEL_ABORT:
			/* workers change nothing; their leader speaks for them */
			break;
	}
}

/* A label of some enum has changed: fingerprints may have. */
static void
enum_callback(Datum arg, int cacheid, uint32 hashvalue)
{
	source_invalidate_facts();
}

void
coherence_init(void)
{
	CacheRegisterSyscacheCallback(ENUMOID, enum_callback, (Datum) 0);
	RegisterXactCallback(transaction_callback, NULL);
	CacheRegisterRelcacheCallback(relcache_callback, (Datum) 0);
	message_init(receive_message);
}
