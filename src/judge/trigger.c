/*-------------------------------------------------------------------------
 *
 * trigger.c
 *		SQL: the trigger functions on token tables, their parents and the
 *		registry.
 *
 * They note (changes.h) what a change may contradict.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/relation.h"
#include "base/compat.h"
#include "base/testpoint.h"
#include "commands/trigger.h"
#include "executor/tuptable.h"
#include "judge/changes.h"
#include "source/directory.h"
#include "source/extension.h"
#include "source/hold.h"
#include "source/registry.h"
#include "source/stored.h"
#include "source/stored_row.h"
#include "source/value.h"
#include "storage/lmgr.h"
#include "utils/datum.h"
#include "utils/inval.h"
#include "utils/rel.h"

/* Has a column the same value in both, to the byte? */
static bool
same_value(TupleTableSlot *old, TupleTableSlot *new, AttrNumber attnum)
{
	Form_pg_attribute attribute =
		TupleDescAttr(old->tts_tupleDescriptor, attnum - 1);
	bool		old_isnull;
	bool		new_isnull;
	Datum		old_value = slot_getattr(old, attnum, &old_isnull);
	Datum		new_value = slot_getattr(new, attnum, &new_isnull);

	if (old_isnull || new_isnull)
		return old_isnull == new_isnull;
	return datum_image_eq(old_value, new_value, attribute->attbyval,
						  attribute->attlen);
}

/* Does an UPDATE change any column that a verdict depends on? */
static bool
update_matters(const Bitmapset *matters, TupleTableSlot *old,
			   TupleTableSlot *new)
{
	int			attnum = bms_prev_member(matters, -1);

	/* up to the last one at once, rather than column by column */
	if (attnum > 0)
	{
		slot_getsomeattrs(old, attnum);
		slot_getsomeattrs(new, attnum);
	}
	attnum = -1;
	while ((attnum = bms_next_member(matters, attnum)) >= 0)
		if (!same_value(old, new, attnum))
			return true;
	return false;
}

/* As if what is stored were the token, for a test: a key, and nobody's. */
static void
note_false_key(const Source *source, const StoredValue *stored, int classes)
{
	text	   *value = DatumGetTextPP(stored_text(source, stored));
	TokenDigest digest;

	if (token_digest(TOKEN_TEXT, VARDATA_ANY(value),
					 VARSIZE_ANY_EXHDR(value), &digest))
		changes_note_token(source, &digest, classes);
}

static void
note_token_row(const Source *source, TupleTableSlot *row, int classes)
{
	TokenDigest digest;
	StoredValue stored;

	if (!stored_of_slot(source, row, &stored))
		return;
	if (stored_gives_key(source))
	{
		if (stored_key_of_row(source, &stored, &digest))
			changes_note_token(source, &digest, classes);
	}
	else if (TEST_FAULT(key_taken_for_derivable))
		note_false_key(source, &stored, classes);
	else if (!TEST_FAULT(own_cell_not_noted))
		changes_note_cell(source, stored_cell(source, &stored), classes);
}

/* Is an UPDATE's token noted, once the row before it has been? */
static bool
keeps_token(const Source *source, const TriggerData *trigger)
{
	AttrNumber	attnum = source->column[ROLE_TOKEN].attnum;

	return !TEST_FAULT(old_cell_forgotten) && attnum > 0 &&
		same_value(trigger->tg_trigslot, trigger->tg_newslot, attnum);
}

static void
note_parent_row(const Source *source, const SourceParent *parent,
				TupleTableSlot *row, int classes)
{
	bool		isnull;
	Datum		key = source_column_value(source, &parent->key, row, &isnull);

	if (!isnull)
		changes_note_cell(source, source_parent_cell(parent, key), classes);
}

/*
 * A row of a source's own table (parent is NULL) or of a parent's.  A row that
 * is new in a unique column contradicts refusals only: no valid answer can
 * have depended on its absence.  But with several peppers a token can have a row
 * for each, and two that are live refuse it.
 */
static void
note_row_event(const Source *source, const SourceParent *parent,
			   TriggerData *trigger)
{
	TriggerEvent event = trigger->tg_event;
	bool		updated = TRIGGER_FIRED_BY_UPDATE(event);
	bool		unique = parent ? parent->finder.unique :
		source->finder.finds_one && source->npeppers <= 1;
	int			classes = CACHE_ALL_CLASSES;

	if (TRIGGER_FIRED_BY_INSERT(event) && unique)
		classes = CACHE_CLASS_BIT(CACHE_REFUSED);
	if (updated &&
		!update_matters(parent ? parent->matters : source->matters,
						trigger->tg_trigslot, trigger->tg_newslot))
		return;

	changes_mark_dirty();
	if (changes_cover_source(source, classes))
		return;
	if (parent != NULL)
	{
		note_parent_row(source, parent, trigger->tg_trigslot, classes);
		if (updated)
			note_parent_row(source, parent, trigger->tg_newslot, classes);
	}
	else
	{
		if (!updated || !TEST_FAULT(old_cell_forgotten))
			note_token_row(source, trigger->tg_trigslot, classes);
		if (updated && !keeps_token(source, trigger))
			note_token_row(source, trigger->tg_newslot, classes);
	}
}

/*
 * What an event means to a source that has this table, as own or parent's.  Whoever
 * changes a row of it does not wait for who has locked another table of the source's.
 */
static void
note_event(Source *source, const SourceParent *parent, TriggerData *trigger)
{
	bool		hindered;
	bool		valid = source_try_validate(source, &hindered);

	if (!valid && !hindered)
		return;					/* its table has been dropped */
	if (valid && TRIGGER_FIRED_FOR_ROW(trigger->tg_event) &&
		!PROBLEM_IS_FATAL(source->problem))
		note_row_event(source, parent, trigger);
	else
		changes_note_source(source, CACHE_ALL_CLASSES);
}

/* Is the registry where it should be, and to be believed, so that it knows all? */
static bool
registry_is_in_sight(bool could_be_read)
{
	const ExtensionInfo *extension = extension_known();

	return could_be_read && OidIsValid(extension->sources) &&
		extension->guarded;
}

/*
 * tokenauth_changed()
 *
 * AFTER trigger, for each row and for TRUNCATE, of token tables and of their
 * parents: notes what the change may contradict.  Whoever owns another table can
 * put it there, or leave it behind, too: then there is nothing to be noted.
 */
TOKENAUTH_FUNCTION(tokenauth_changed);
Datum
tokenauth_changed(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	Oid			relation;
	bool		in_sight;
	bool		known = false;
	ListCell   *lc;

	if (!CALLED_AS_TRIGGER(fcinfo) ||
		!TRIGGER_FIRED_AFTER(trigger->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("tokenauth_changed() must be called as an AFTER trigger")));

	in_sight = registry_is_in_sight(source_try_refresh());
	relation = RelationGetRelid(trigger->tg_relation);
	foreach(lc, source_all())
	{
		Source	   *source = lfirst(lc);

		if (source->relation == relation &&
			!(known && TEST_FAULT(first_source_only)))
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

	/*
	 * The registry may be out of sight, or of another version, and back before
	 * this transaction ends.  Then others know of sources that depend on this
	 * table.  One that is in sight lacks no such source, and will have none that
	 * was judged before this transaction ends: see step 3 of doc/coherence.md.
	 */
	if (!known && !in_sight)
		changes_note_everything(CACHE_ALL_CLASSES);
	return PointerGetDatum(NULL);
}

static bool
has_our_trigger(const ExtensionInfo *extension, Oid relation)
{
	Relation	table = try_relation_open(relation, AccessShareLock);
	TriggerDesc *triggers;
	bool		found = false;

	if (table == NULL)
		return false;
	triggers = table->trigdesc;
	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
		found |= triggers->triggers[i].tgfoid == extension->trigger_function;
	relation_close(table, AccessShareLock);
	return found;
}

/*
 * Wait for the transactions that have changed rows of the tables that a row of
 * the registry names, and keep others from it until ours ends.  They note
 * changes by what the registry says for them, and a column may count from now
 * on that did not for them.  Where there is no trigger of ours yet, as while a
 * dump is restored, CREATE TRIGGER will wait for them.
 */
static void
lock_tables(const ExtensionInfo *extension, Relation registry, HeapTuple row)
{
	List	   *tables = registry_row_tables(extension, registry, row);
	ListCell   *lc;

	list_sort(tables, list_oid_cmp);
	foreach(lc, tables)
		if (has_our_trigger(extension, lfirst_oid(lc)))
			LockRelationOid(lfirst_oid(lc), ShareRowExclusiveLock);
}

/* The row that a registry's trigger leaves behind; NULL after DELETE. */
static HeapTuple
row_left(const TriggerData *trigger)
{
	if (TRIGGER_FIRED_BY_DELETE(trigger->tg_event))
		return NULL;
	return TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ?
		trigger->tg_newtuple : trigger->tg_trigtuple;
}

/*
 * tokenauth_registry_changed()
 *
 * AFTER trigger, for each row, of the registry of sources: tells every session
 * that the registry has changed, by whatever statement, and locks the tables
 * that a row names, if they have triggers of ours, in SHARE ROW EXCLUSIVE mode,
 * as tokenauth_attach() does.
 */
TOKENAUTH_FUNCTION(tokenauth_registry_changed);
Datum
tokenauth_registry_changed(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	ExtensionInfo extension;
	HeapTuple	row;

	if (!CALLED_AS_TRIGGER(fcinfo) ||
		!TRIGGER_FIRED_FOR_ROW(trigger->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("tokenauth_registry_changed() must be called as a row trigger")));

	extension_require(&extension);
	row = row_left(trigger);
	if (row != NULL)
		lock_tables(&extension, trigger->tg_relation, row);

	CacheInvalidateRelcache(trigger->tg_relation);
	changes_note_source_id(registry_row_id(trigger->tg_relation,
										   trigger->tg_trigslot),
						   CACHE_ALL_CLASSES);
	return PointerGetDatum(NULL);
}
