/*-------------------------------------------------------------------------
 *
 * move_fill.c
 *		Digests for the rows that were there before the trigger.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/tableam.h"
#include "attach/hash_row.h"
#include "attach/move_fill.h"
#include "base/compat.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "source/owner.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

/* Between words of progress. */
#define PROGRESS_MS			10000

/* One pass over the table. */
typedef struct Pass
{
	Oid			file;
	ItemPointerData from;
	ItemPointerData to;
	bool		skipped;		/* a row that somebody has locked: */
	ItemPointerData skipped_row;
} Pass;

/* Rows from pass->from on that lack their digest; moves pass->from. */
static int
collect_rows(const Move *move, Relation table, Pass *pass,
			 ItemPointerData *rows)
{
	AttrNumber	token = get_attnum(move->relation, NameStr(move->token));
	AttrNumber	digest = get_attnum(move->relation, NameStr(move->digest));
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	TupleTableSlot *slot = table_slot_create(table, NULL);
	TableScanDesc scan = table_beginscan_tidrange(table, snapshot,
												  &pass->from, &pass->to);
	int			n = 0;

	if (digest == InvalidAttrNumber)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("table \"%s\" has no column \"%s\"",
						RelationGetRelationName(table), NameStr(move->digest))));
	while (n < move->batch &&
		   table_scan_getnextslot_tidrange(scan, ForwardScanDirection, slot))
	{
		Datum		value[2];
		bool		isnull[2];

		CHECK_FOR_INTERRUPTS();
		value[0] = slot_getattr(slot, token, &isnull[0]);
		value[1] = slot_getattr(slot, digest, &isnull[1]);
		if (!hash_row_is_filled(move->encoding, value[0], isnull[0], value[1], isnull[1]))
			rows[n++] = slot->tts_tid;
	}
	pass->from = n == move->batch ? rows[n - 1] : pass->to;
	ItemPointerInc(&pass->from);
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	UnregisterSnapshot(snapshot);
	return n;
}

static Datum
tid_array(ItemPointerData *rows, int n)
{
	Datum	   *elements = palloc(n * sizeof(Datum));

	for (int i = 0; i < n; i++)
		elements[i] = PointerGetDatum(&rows[i]);
	return PointerGetDatum(construct_array(elements, n, TIDOID,
										   sizeof(ItemPointerData), false,
										   TYPALIGN_SHORT));
}

static int
compare_rows(const void *a, const void *b)
{
	return ItemPointerCompare((ItemPointer) a, (ItemPointer) b);
}

/*
 * Lock what nobody else has locked of n rows, in ascending order, and leave
 * these in the array.  We wait for nobody while we hold a row: so there is no
 * deadlock with those who lock rows in an order of their own.
 */
static int
lock_rows(OwnerCall *call, ItemPointerData *rows, int n, Pass *pass)
{
	ItemPointerData *locked;
	QueryResult *result;
	int			nlocked;

	(void) owner_parameter(call, TIDARRAYOID, tid_array(rows, n), false);
	result = owner_query(call,
						 psprintf("SELECT ctid FROM ONLY %s"
								  " WHERE ctid OPERATOR(pg_catalog.=) ANY ($1)"
								  " FOR UPDATE SKIP LOCKED",
								  owner_table(call)));
	nlocked = (int) result->nrows;
	locked = palloc(Max(nlocked, 1) * sizeof(ItemPointerData));
	for (int i = 0; i < nlocked; i++)
	{
		bool		isnull;
		Datum		place = query_value(result, i, 1, &isnull);

		locked[i] = *(ItemPointer) DatumGetPointer(place);
	}
	qsort(locked, nlocked, sizeof(ItemPointerData), compare_rows);
	for (int i = 0; i < n && !pass->skipped; i++)
		if (bsearch(&rows[i], locked, nlocked, sizeof(ItemPointerData),
					compare_rows) == NULL)
		{
			pass->skipped = true;
			pass->skipped_row = rows[i];
		}
	memcpy(rows, locked, nlocked * sizeof(ItemPointerData));
	return nlocked;
}

/* Have the trigger fill these rows: it does whatever is written there. */
static void
fill_rows(Move *move, OwnerCall *call, ItemPointerData *rows, int n)
{
	int			level = NewGUCNestLevel();

	(void) set_config_option("session_replication_role", "replica", PGC_SUSET,
							 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	(void) owner_parameter(call, TIDARRAYOID, tid_array(rows, n), false);
	move->filled +=
		owner_execute(call,
					  psprintf("UPDATE ONLY %s SET %s = NULL"
							   " WHERE ctid OPERATOR(pg_catalog.=) ANY ($1)",
							   owner_table(call),
							   quote_identifier(NameStr(move->digest))));
	AtEOXact_GUC(false, level);
}

/*
 * Begin to work on rows.  False if the triggers are not those of prepare any
 * more: from here on they cannot be touched until the transaction ends.
 */
static bool
begin_rows(Move *move, OwnerCall *call)
{
	const Source *source;

	(void) move_find_source(move);
	LockRelationOid(move->relation, RowExclusiveLock);
	source = move_find_source(move);
	if (move_triggers_were_touched(move))
		return false;
	owner_begin(call, source);
	return true;
}

static void
end_rows(Move *move, OwnerCall *call)
{
	owner_end(call);
	move_next_transaction(move);
}

static void
tell_progress(Move *move)
{
	TimestampTz now = GetCurrentTimestamp();

	if (!TimestampDifferenceExceeds(move->told_progress, now, PROGRESS_MS))
		return;
	move->told_progress = now;
	ereport(NOTICE,
			(errmsg("token source \"%s\": %llu rows hashed so far",
					NameStr(move->source),
					(unsigned long long) move->filled)));
}

/* What a pass begins with. */
static void
begin_pass(Relation table, Pass *pass)
{
	BlockNumber blocks = RelationGetNumberOfBlocks(table);

	pass->file = table->rd_rel->relfilenode;
	pass->skipped = false;
	ItemPointerSet(&pass->from, 0, FirstOffsetNumber);
	ItemPointerSet(&pass->to, Max(blocks, 1) - 1, MaxOffsetNumber);
}

/* One batch; false as begin_rows(). */
static bool
fill_batch(Move *move, Pass *pass)
{
	ItemPointerData *rows;
	OwnerCall	call;
	int			n;

	if (!begin_rows(move, &call))
		return false;
	/* CLUSTER and its kind move rows about */
	if (call.table->rd_rel->relfilenode != pass->file)
		begin_pass(call.table, pass);
	rows = palloc(move->batch * sizeof(ItemPointerData));
	n = collect_rows(move, call.table, pass, rows);
	if (n > 0)
		n = lock_rows(&call, rows, n, pass);
	if (n > 0)
		fill_rows(move, &call, rows, n);
	end_rows(move, &call);
	tell_progress(move);
	return true;
}

/* One row, for whose lock we wait, holding no other; false likewise. */
static bool
fill_skipped(Move *move, Pass *pass)
{
	OwnerCall	call;

	if (!begin_rows(move, &call))
		return false;
	fill_rows(move, &call, &pass->skipped_row, 1);
	end_rows(move, &call);
	return true;
}

bool
move_fill(Move *move)
{
	Pass		pass;

	do
	{
		pass.file = InvalidOid;
		do
		{
			if (!fill_batch(move, &pass))
				return false;
		} while (ItemPointerCompare(&pass.from, &pass.to) <= 0);
		if (pass.skipped && !fill_skipped(move, &pass))
			return false;
	} while (pass.skipped);
	return true;
}
