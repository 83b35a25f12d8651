/*-------------------------------------------------------------------------
 *
 * scan.c
 *		A source's tables, open and locked, and the rows in them that have a value;
 *		see scan.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/tableam.h"
#include "base/compat.h"
#include "base/sandbox.h"
#include "judge/scan.h"
#include "miscadmin.h"
#include "source/directory.h"
#include "source/problem.h"
#include "storage/procarray.h"
#include "utils/datum.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

void
scan_close(OpenSource *open)
{
	while (open->ntables > 0)
	{
		OpenTable  *table = &open->table[--open->ntables];

		if (table->index != NULL)
			relation_close(table->index, AccessShareLock);
		relation_close(table->table, AccessShareLock);
	}
}

/* False if the table is gone, or its index, which can go CONCURRENTLY. */
static bool
open_table(Oid relation, AttrNumber attnum, const RowFinder *finder,
		   OpenSource *open)
{
	OpenTable  *table = &open->table[open->ntables];

	table->table = try_relation_open(relation, AccessShareLock);
	if (table->table == NULL)
		return false;
	open->ntables++;
	table->index = NULL;
	table->attnum = attnum;
	table->finder = *finder;
	if (!OidIsValid(finder->index))
		return true;
	table->index = try_relation_open(finder->index, AccessShareLock);
	return table->index != NULL;
}

static bool
open_tables(const Source *source, bool parents, OpenSource *open)
{
	open->ntables = 0;
	if (!open_table(source->relation, source->column[ROLE_TOKEN].attnum,
					&source->finder, open))
		return false;
	for (int i = 0; parents && i < source->nparents; i++)
		if (!open_table(source->parent[i].relation,
						source->parent[i].key.attnum, &source->parent[i].finder, open))
			return false;
	return true;
}

bool
scan_open(Source *source, bool parents, OpenSource *open)
{
	for (;;)
	{
		bool		opened;

		if (!source_validate(source) || source_is_outdated(source))
			return false;
		if (PROBLEM_IS_FATAL(source->problem))
			problem_report(source);

		opened = open_tables(source, parents, open);
		if (opened && source->state == SOURCE_CURRENT)
		{
			open->built = source->built;
			return true;
		}
		source->state = SOURCE_STALE;
		scan_close(open);
	}
}

/*
 * A snapshot of now.  GetLatestSnapshot() would refuse in parallel mode, in
 * which a leader may well call us, so we keep a struct of our own for
 * GetSnapshotData(), as snapmgr.c does.
 */
Snapshot
scan_snapshot(void)
{
	static SnapshotData latest = {SNAPSHOT_MVCC};

	return RegisterSnapshot(GetSnapshotData(&latest));
}

/* A collation may call equal what is not the same. */
static bool
is_sought(const Visit *visit, TupleTableSlot *slot)
{
	AttrNumber	attnum = visit->open->attnum;
	Form_pg_attribute attribute =
		TupleDescAttr(slot->tts_tupleDescriptor, attnum - 1);
	bool		isnull;
	Datum		value = slot_getattr(slot, attnum, &isnull);

	return !isnull && datum_image_eq(value, visit->sought, attribute->attbyval,
									 attribute->attlen);
}

/* By index, or without one in the whole table. */
static void
scan_rows(const Visit *visit)
{
	const OpenTable *open = visit->open;
	TupleTableSlot *slot = table_slot_create(open->table, NULL);
	IndexScanDesc index_scan = NULL;
	TableScanDesc table_scan = NULL;
	ScanKeyData key;

	ScanKeyEntryInitialize(&key, 0, open->index ? 1 : open->attnum,
						   open->index ? open->finder.strategy : 0,
						   InvalidOid, open->finder.collation,
						   open->finder.equality, visit->sought);
	if (open->index != NULL)
	{
		index_scan = TOKENAUTH_INDEX_BEGINSCAN(open->table, open->index,
											   visit->snapshot, 1);
		index_rescan(index_scan, &key, 1, NULL, 0);
	}
	else
		table_scan = TOKENAUTH_TABLE_BEGINSCAN(open->table, visit->snapshot, 1,
											   &key);

	while (index_scan
		   ? index_getnext_slot(index_scan, ForwardScanDirection, slot)
		   : table_scan_getnextslot(table_scan, ForwardScanDirection, slot))
	{
		CHECK_FOR_INTERRUPTS();
		if (is_sought(visit, slot) && !visit->visit(slot, visit->arg))
			break;
	}

	if (index_scan)
		index_endscan(index_scan);
	else
		table_endscan(table_scan);
	ExecDropSingleTupleTableSlot(slot);
}

void
scan_visit(const Visit *visit)
{
	Sandbox		sandbox;

	sandbox_become(&sandbox, visit->open->table->rd_rel->relowner);
	PG_TRY();
	{
		scan_rows(visit);
		sandbox_leave(&sandbox);
	}
	SANDBOX_END_TRY(&sandbox);
}
