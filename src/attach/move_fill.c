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
#include "attach/row_writer.h"
#include "base/compat.h"
#include "base/tid_range.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "source/owner.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
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
	bool		skipped;		/* a row was locked by another: */
	ItemPointerData skipped_row;
} Pass;

static void
find_columns(const Move *move, Relation table, HashColumns *columns)
{
	hash_row_find(table, NameStr(move->token), NameStr(move->digest),
				  move->encoding, columns);
}

/* Rows from pass->from on that lack their digest; moves pass->from. */
static int
collect_rows(const Move *move, Relation table, Pass *pass,
			 ItemPointerData *rows)
{
	HashColumns columns;
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	TupleTableSlot *slot = table_slot_create(table, NULL);
	TableScanDesc scan = tid_range_begin(table, snapshot, &pass->from, &pass->to);
	int			n = 0;

	if (scan == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("the access method of table \"%s\" cannot read a part of it",
						RelationGetRelationName(table)),
				 errhint("Use ALTER TABLE ... SET ACCESS METHOD heap.")));
	find_columns(move, table, &columns);
	while (n < move->batch &&
		   table_scan_getnextslot_tidrange(scan, ForwardScanDirection, slot))
	{
		CHECK_FOR_INTERRUPTS();
		if (!hash_row_is_filled(&columns, slot))
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
 * Lock rows, in ascending order, and leave those that are locked in the array.
 * We must not wait while we hold another row, or there could be a deadlock with
 * a client that locks rows in another order: of several rows, skip those that
 * others have locked.
 */
static int
lock_rows(OwnerCall *call, ItemPointerData *rows, int n, bool skip)
{
	QueryResult *result;
	int			nlocked;

	(void) owner_parameter(call, TIDARRAYOID, tid_array(rows, n), false);
	result = owner_write(call,
						 psprintf("SELECT ctid FROM ONLY %s"
								  " WHERE ctid OPERATOR(pg_catalog.=) ANY ($1)"
								  " FOR UPDATE %s",
								  owner_table(call),
								  skip ? "SKIP LOCKED" : ""));
	nlocked = (int) result->nrows;
	for (int i = 0; i < nlocked; i++)
	{
		bool		isnull;
		Datum		place = query_value(result, i, 1, &isnull);

		rows[i] = *(ItemPointer) DatumGetPointer(place);
	}
	query_free(result);
	qsort(rows, nlocked, sizeof(ItemPointerData), compare_rows);
	return nlocked;
}

/* Note the first of n rows that was not locked. */
static void
note_skipped(const ItemPointerData *rows, int n,
			 const ItemPointerData *locked, int nlocked, Pass *pass)
{
	for (int i = 0; i < n && !pass->skipped; i++)
		if (bsearch(&rows[i], locked, nlocked, sizeof(ItemPointerData),
					compare_rows) == NULL)
		{
			pass->skipped = true;
			pass->skipped_row = rows[i];
		}
}

static void
fill_row(const HashColumns *columns, RowWriter *writer, ItemPointer place)
{
	bool		isnull;
	Datum		digest;

	if (!row_writer_read(writer, place))
		return;
	digest = hash_row_digest(columns, writer->row, &isnull);
	row_writer_set(writer, columns->digest, digest, isnull);
	if (!isnull)
		pfree(DatumGetPointer(digest));
}

/* Fill rows that are locked. */
static void
fill_rows(Move *move, OwnerCall *call, ItemPointerData *rows, int n)
{
	MemoryContext context = CurrentMemoryContext;
	HashColumns columns;
	RowWriter	writer;

	find_columns(move, call->table, &columns);
	row_writer_begin(&writer, call->table);
	for (int i = 0; i < n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		PG_TRY();
		{
			fill_row(&columns, &writer, &rows[i]);
		}
		PG_CATCH();
		{
			owner_rethrow(call, context);
		}
		PG_END_TRY();
	}
	row_writer_end(&writer);
	move->filled += n;
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

/* Fill those of n rows that are not locked. */
static void
fill_unlocked(Move *move, OwnerCall *call, ItemPointerData *rows, int n,
			  Pass *pass)
{
	ItemPointerData *locked = palloc(Max(n, 1) * sizeof(ItemPointerData));
	int			nlocked = 0;

	memcpy(locked, rows, n * sizeof(ItemPointerData));
	if (n > 0)
		nlocked = lock_rows(call, locked, n, true);
	note_skipped(rows, n, locked, nlocked, pass);
	if (nlocked > 0)
		fill_rows(move, call, locked, nlocked);
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
	fill_unlocked(move, &call, rows, n, pass);
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
	if (lock_rows(&call, &pass->skipped_row, 1, false) > 0)
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
