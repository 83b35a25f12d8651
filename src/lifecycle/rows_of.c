/*-------------------------------------------------------------------------
 *
 * rows_of.c
 *		Rows of a token table by whose they are; see rows_of.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "lifecycle/by_parent.h"
#include "lifecycle/lifecycle.h"
#include "lifecycle/rows_of.h"
#include "storage/itemptr.h"
#include "utils/array.h"
#include "utils/snapmgr.h"

/* So often rows are locked, and found to be others by then. */
#define MAX_LOCKINGS	10

/* ---------- at a moment ---------- */

static void
add_condition(StringInfo sql, OwnerCall *call, ByParent *way,
			  const char *value, Snapshot snapshot)
{
	appendStringInfoString(sql, way->n > 0 ?
						   by_parent_has_value(call, way, value, snapshot) :
						   owner_has_value(call, way->role, value));
}

static QueryResult *
select_by(OwnerCall *call, const RowsOf *rows, ByParent *way,
		  const char *columns, const char *more, Snapshot snapshot)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT %s FROM ONLY %s WHERE ", columns,
					 owner_table(call));
	for (int i = 0; i < rows->n; i++)
	{
		if (i > 0)
			appendStringInfoString(&sql, " AND ");
		add_condition(&sql, call, &way[i], rows->value[i], snapshot);
	}
	appendStringInfoString(&sql, more);
	return owner_query_by(call, sql.data, snapshot);
}

static QueryResult *
select_rows(OwnerCall *call, const RowsOf *rows, const char *columns,
			const char *more, bool latest)
{
	ByParent	way[lengthof(rows->role)];
	Snapshot	snapshot;
	QueryResult *found;

	for (int i = 0; i < rows->n; i++)
		by_parent_begin(call->source, rows->role[i], &way[i]);
	/* after the tables' locks have been waited for */
	snapshot = RegisterSnapshot(latest ? GetLatestSnapshot() :
								GetTransactionSnapshot());
	found = select_by(call, rows, way, columns, more, snapshot);
	UnregisterSnapshot(snapshot);
	for (int i = rows->n - 1; i >= 0; i--)
		by_parent_end(&way[i]);
	return found;
}

QueryResult *
rows_of(OwnerCall *call, const RowsOf *rows, const char *columns,
		const char *more)
{
	/* it sees what has been done so far */
	CommandCounterIncrement();
	return select_rows(call, rows, columns, more, false);
}

QueryResult *
rows_of_latest(OwnerCall *call, const RowsOf *rows, const char *columns,
			   const char *more)
{
	return select_rows(call, rows, columns, more, true);
}

/* ---------- locked ---------- */

/* Where rows are, which their last column tells. */
typedef struct Places
{
	Datum	   *place;			/* each an ItemPointer */
	uint64		n;
} Places;

static Places
places_of(const QueryResult *found)
{
	Places		places = {NULL, found->nrows};

	places.place = MemoryContextAllocHuge(CurrentMemoryContext,
										  Max(found->nrows, 1) * sizeof(Datum));
	for (uint64 i = 0; i < found->nrows; i++)
	{
		bool		isnull;

		places.place[i] = query_value(found, i, found->desc->natts, &isnull);
	}
	return places;
}

static char *
is_at(OwnerCall *call, const Places *places)
{
	ArrayType  *array = construct_array(places->place, (int) places->n, TIDOID,
										sizeof(ItemPointerData), false,
										TYPALIGN_SHORT);

	return psprintf("ctid OPERATOR(pg_catalog.=) ANY ($%d)",
					owner_parameter(call, TIDARRAYOID, PointerGetDatum(array),
									false));
}

char *
rows_of_is_at(OwnerCall *call, const QueryResult *found)
{
	Places		places = places_of(found);

	return is_at(call, &places);
}

char *
rows_of_is_at_one(OwnerCall *call, const QueryResult *found, uint64 row)
{
	bool		isnull;
	Datum		place = query_value(found, row, found->desc->natts, &isnull);

	return is_at(call, &(Places) {&place, 1});
}

/* Lock rows, waiting for them.  Where those are that are where they were is told. */
static QueryResult *
lock(OwnerCall *call, const QueryResult *found)
{
	/* no expression of the owner's: that could write */
	return owner_write(call,
					   psprintf("SELECT ctid FROM ONLY %s WHERE %s FOR NO KEY UPDATE",
								owner_table(call), rows_of_is_at(call, found)));
}

/* For qsort() and bsearch(). */
static int
compare_places(const void *a, const void *b)
{
	return ItemPointerCompare((ItemPointer) DatumGetPointer(*(const Datum *) a),
							  (ItemPointer) DatumGetPointer(*(const Datum *) b));
}

static bool
are_locked(const QueryResult *found, const QueryResult *locked)
{
	Places		all = places_of(found);
	Places		ours;
	bool		are = true;

	if (locked == NULL)
		return found->nrows == 0;
	ours = places_of(locked);
	qsort(ours.place, ours.n, sizeof(Datum), compare_places);
	for (uint64 i = 0; are && i < all.n; i++)
		are = bsearch(&all.place[i], ours.place, ours.n, sizeof(Datum),
					  compare_places) != NULL;
	pfree(ours.place);
	pfree(all.place);
	return are;
}

QueryResult *
rows_of_locked(OwnerCall *call, const RowsOf *rows, const char *columns,
			   const char *more)
{
	const char *and_place = psprintf("%s, ctid", columns);
	QueryResult *locked = NULL;

	for (int i = 0; i <= MAX_LOCKINGS; i++)
	{
		QueryResult *found = rows_of_latest(call, rows, and_place, more);

		if (are_locked(found, locked) ||
			(locked != NULL && IsolationUsesXactSnapshot()))
			return found;
		if (locked != NULL)
			query_free(locked);
		locked = lock(call, found);
		query_free(found);
	}
	lifecycle_concurrent_update();
}
