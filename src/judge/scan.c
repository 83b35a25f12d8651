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
#include "source/fixed.h"
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

		for (int i = 0; i < table->finder.nfixed; i++)
			fixed_free(&table->finder.fixed[i]);
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
	for (int i = 0; i < finder->nfixed; i++)
		table->finder.fixed[i] = fixed_copy(&finder->fixed[i]);
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

/* What an index is asked for, by its columns in their order. */
typedef struct IndexKeys
{
	int			n;
	ScanKeyData key[FINDER_MAX_FIXED + 1];
} IndexKeys;

static void
add_fixed_key(IndexKeys *keys, AttrNumber column, const FixedKey *fixed)
{
	ScanKeyEntryInitialize(&keys->key[keys->n++],
						   fixed->is_null ? SK_ISNULL | SK_SEARCHNULL : 0,
						   column,
						   fixed->is_null ? InvalidStrategy : BTEqualStrategyNumber,
						   fixed->subtype, fixed->collation, fixed->equality,
						   fixed->value);
}

static void
make_index_keys(const Visit *visit, IndexKeys *keys)
{
	const RowFinder *finder = &visit->open->finder;

	keys->n = 0;
	for (int i = 0; i < finder->nfixed && !visit->everywhere; i++)
		add_fixed_key(keys, i + 1, &finder->fixed[i]);
	ScanKeyEntryInitialize(&keys->key[keys->n++], 0, finder->nfixed + 1,
						   finder->strategy, InvalidOid, finder->collation,
						   finder->equality, visit->sought);
}

/* By index, or without one in the whole table. */
static void
scan_rows(const Visit *visit)
{
	const OpenTable *open = visit->open;
	TupleTableSlot *slot = table_slot_create(open->table, NULL);
	IndexScanDesc index_scan = NULL;
	TableScanDesc table_scan = NULL;
	IndexKeys	keys;
	ScanKeyData key;

	if (open->index != NULL)
	{
		make_index_keys(visit, &keys);
		index_scan = TOKENAUTH_INDEX_BEGINSCAN(open->table, open->index,
											   visit->snapshot, keys.n);
		index_rescan(index_scan, keys.key, keys.n, NULL, 0);
	}
	else
	{
		ScanKeyEntryInitialize(&key, 0, open->attnum, InvalidStrategy,
							   InvalidOid, open->finder.collation,
							   open->finder.equality, visit->sought);
		table_scan = TOKENAUTH_TABLE_BEGINSCAN(open->table, visit->snapshot, 1,
											   &key);
	}

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
