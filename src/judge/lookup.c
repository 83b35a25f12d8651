/*-------------------------------------------------------------------------
 *
 * lookup.c
 *		A miss: what the table says of a token.
 *
 * The order is: locks, metadata, clock, snapshot, scan.  A snapshot from
 * before the lock would find nothing behind a TRUNCATE or a rewrite that we
 * waited for; a clock reading from after the snapshot would let an entry
 * outlive a change that it does not show (step 1 of doc/coherence.md).
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
#include "base/testpoint.h"
#include "executor/tuptable.h"
#include "judge/lookup.h"
#include "judge/row.h"
#include "miscadmin.h"
#include "source/directory.h"
#include "source/expression.h"
#include "source/problem.h"
#include "source/stored.h"
#include "source/value.h"
#include "storage/procarray.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/* A table and the index to find rows in it by, opened and locked. */
typedef struct OpenTable
{
	Relation	table;
	Relation	index;			/* NULL: none, read the whole table */
	AttrNumber	attnum;			/* the column, and how; as they were then: */
	RowFinder	finder;			/* the source may be read again meanwhile */
} OpenTable;

/* A source's own table, then its parents'. */
typedef struct OpenSource
{
	uint64		built;			/* source->built, when it was opened */
	int			ntables;
	OpenTable	table[1 + SOURCE_MAX_PARENTS];
} OpenSource;

static void
close_source(OpenSource *open)
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

/*
 * Open a source, with or without its parents, such that its metadata is current
 * under the locks.  False if its table is gone, or if the registry has changed:
 * while we waited for the lock, the source may have moved to another column.
 */
static bool
open_source(Source *source, bool parents, OpenSource *open)
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
		close_source(open);
	}
}

/*
 * Code of an owner's that is called can have the source read again, while rows are
 * judged by what it was.  Then nothing is known of them, and what was taken from the
 * source before must not be used together with what it says now.
 */
static bool
was_read_again(const Source *source, const OpenSource *open)
{
	return source->built != open->built;
}

/*
 * A snapshot of now.  GetLatestSnapshot() would refuse in parallel mode, in
 * which a leader may well call us, so we keep a struct of our own for
 * GetSnapshotData(), as snapmgr.c does.
 */
static Snapshot
take_snapshot(void)
{
	static SnapshotData latest = {SNAPSHOT_MVCC};

	return RegisterSnapshot(GetSnapshotData(&latest));
}

bool
lookup_search_value(const Source *source, const LookupKey *key,
					StoredValue *stored)
{
	if (!stored_is_digest(source))
		return stored_value(source, key->token, key->token_len, stored);
	*stored = stored_value_of_digest(source, &key->digest);
	return true;
}

/* One scan's business: called for each row found until it returns false. */
typedef bool (*RowVisitor) (TupleTableSlot *row, void *arg);

/* The rows whose column is, to the byte, the value sought, and their visitor. */
typedef struct Visit
{
	const OpenTable *open;
	Snapshot	snapshot;
	Datum		sought;
	RowVisitor	visit;
	void	   *arg;
} Visit;

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

/* As the table's owner: types and operators of the columns need not be core's. */
static void
visit_rows(const Visit *visit)
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

/*
 * All rows of a token, of which there is more than one only where its column
 * is not unique.  Two live ones refuse it: it could belong to either user.
 */
typedef struct Finding
{
	int			nrows;
	int			nlive;
	Verdict		spokesman;
} Finding;

/* Everything that the judging of one token's rows needs. */
typedef struct Scene
{
	const Source *source;
	const OpenSource *open;
	Snapshot	snapshot;
	TimestampTz now;
	bool		without_parents;	/* they are not open, and do not count */
	const LookupKey *key;		/* to be verified; NULL: nothing is, */
	const char *id;				/* and the row is known by its id */
	Finding		finding;
} Scene;

/* A search for a parent's row. */
typedef struct ParentSearch
{
	const SourceParent *parent;
	Relation	table;
	const char *timezone;
	bool		live;
} ParentSearch;

/* A RowVisitor: a parent's row, of which there is one at the most. */
static bool
visit_parent(TupleTableSlot *row, void *arg)
{
	ParentSearch *search = arg;
	ExpressionRow over = {search->table, row, search->timezone};

	search->live = search->parent->condition == NULL ||
		expression_holds(&over, search->parent->condition);
	return false;
}

/*
 * Does what the row belongs to exist, and live?  The cells of the parents are
 * added to the verdict either way: it depends on them.
 */
static bool
parents_live(const Scene *scene, TupleTableSlot *row, Verdict *verdict)
{
	const Source *source = scene->source;
	bool		live = true;

	for (int i = 0; i < source->nparents; i++)
	{
		const SourceParent *parent = &source->parent[i];
		const OpenTable *open = &scene->open->table[1 + i];
		ParentSearch search = {parent, open->table, source->timezone, false};
		bool		isnull;
		Datum		key;

		/* the owner of the parent before has had code run */
		if (was_read_again(source, scene->open))
			return false;
		key = slot_getattr(row, parent->from.attnum, &isnull);
		if (isnull)
			continue;
		verdict->cell[verdict->ncells++] = source_parent_cell(parent, key);
		visit_rows(&(Visit) {open, scene->snapshot, key, visit_parent, &search});
		live &= search.live;
	}
	return live;
}

/* A row's status and expiry, but for what the time of day says. */
static void
judge_life(const Scene *scene, TupleTableSlot *row, Verdict *verdict)
{
	const Source *source = scene->source;
	Relation	table = scene->open->table[0].table;

	row_judge_state(source, row, verdict);
	if (verdict->status == TOKEN_VALID &&
		((!scene->without_parents && !parents_live(scene, row, verdict)) ||
		 !row_meets_condition(source, table, row)))
		verdict->status = TOKEN_DISABLED;
	row_take_expiry(source, table, row, verdict);
}

static bool
is_live(const Verdict *verdict, TimestampTz now)
{
	return verdict->status == TOKEN_VALID &&
		!(verdict->has_expiry && verdict->expires_at <= now);
}

/*
 * Which of two rows of one token speaks for it.  The order must not depend on
 * the time of day: a cached answer and the table's would part as it passes.
 */
static bool
speaks_before(const Verdict *a, const Verdict *b)
{
	static const int rank[] = {
		[TOKEN_VALID] = 4,
		[TOKEN_DISABLED] = 3,
		[TOKEN_USED] = 2,
		[TOKEN_REVOKED] = 1,
	};

	if (rank[a->status] != rank[b->status])
		return rank[a->status] > rank[b->status];
	return b->has_expiry &&
		(!a->has_expiry || a->expires_at > b->expires_at);
}

/* A row's id as text, or NULL. */
static char *
id_of(const Scene *scene, TupleTableSlot *row)
{
	const Source *source = scene->source;
	Verdict		verdict;

	verdict_init(&verdict, TOKEN_VALID);
	row_take_fields(source, scene->open->table[0].table, row, &verdict);
	if (was_read_again(source, scene->open))
		return NULL;
	return verdict.field[FIELD_ID].data == NULL ? NULL :
		text_to_cstring(verdict_text(&verdict, FIELD_ID,
									 source->column[ROLE_ID].kind));
}

/* Is it the row of the id that is known?  Without one, whatever row it is. */
static bool
has_id(const Scene *scene, TupleTableSlot *row)
{
	const char *id;

	if (scene->id == NULL)
		return true;
	id = id_of(scene, row);
	return id != NULL && strcmp(id, scene->id) == 0;
}

/* Is it the row of the token that was presented? */
static bool
is_verified(const Scene *scene, TupleTableSlot *row)
{
	const Source *source = scene->source;
	const LookupKey *key = scene->key;
	ExpressionRow over = {scene->open->table[0].table, row, source->timezone};
	Datum		verified;
	bool		found;

	if (source->verify_node == NULL)
		return true;
	if (key == NULL)
		return has_id(scene, row);
	over.token = cstring_to_text_with_len(key->token, (int) key->token_len);
	found = expression_try(&over, source->verify_node, &verified);
	token_wipe(PointerGetDatum(over.token));
	return found && DatumGetBool(verified);
}

/* A RowVisitor: a row of the token table. */
static bool
visit_token(TupleTableSlot *row, void *arg)
{
	Scene	   *scene = arg;
	Finding    *finding = &scene->finding;
	Verdict		verdict;

	bool		unique = scene->open->table[0].finder.unique;

	if (!is_verified(scene, row))
		return !unique;
	if (!was_read_again(scene->source, scene->open))
		judge_life(scene, row, &verdict);
	if (was_read_again(scene->source, scene->open))
		return false;
	row_take_fields(scene->source, scene->open->table[0].table, row, &verdict);
	if (is_live(&verdict, scene->now))
		finding->nlive++;
	if (finding->nrows++ == 0 || speaks_before(&verdict, &finding->spokesman))
		finding->spokesman = verdict;
	return !unique;
}

static void
conclude(const Source *source, const Finding *finding, Verdict *verdict)
{
	if (finding->nrows > 0)
		*verdict = finding->spokesman;
	else
		verdict_init(verdict, TOKEN_UNKNOWN);

	/* a token that should have a user and has none is not valid */
	if (verdict->status == TOKEN_VALID &&
		source->column[ROLE_USER].kind != VALUE_NONE &&
		!source->user_is_optional &&
		verdict->field[FIELD_USER].data == NULL)
		verdict->status = TOKEN_DISABLED;
	if (finding->nlive > 1)
	{
		/* until one of them expires */
		verdict_init(verdict, TOKEN_UNKNOWN);
		verdict->transient = true;
	}
	/* the others may come to life with parents that the verdict lacks */
	if (finding->nrows > 1 && source->nparents > 0)
		verdict->transient = true;
}

/* Search and judge the rows of a token, of which there may be none. */
static void
find_rows(Scene *scene, const StoredValue *sought)
{
	Datum		value = stored_datum(scene->source, sought);

	scene->snapshot = take_snapshot();
	TEST_POINT(fill_after_snapshot);
	scene->now = GetCurrentTimestamp();
	visit_rows(&(Visit) {&scene->open->table[0], scene->snapshot, value,
						 visit_token, scene});
	UnregisterSnapshot(scene->snapshot);
}

/*
 * Where the key cannot be made from the row, the entry stands behind the cell of
 * the stored value: the trigger notes that one.
 */
static void
add_own_cell(const Source *source, const StoredValue *sought,
			 Verdict *verdict)
{
	if (stored_gives_key(source) || TEST_FAULT(no_own_cell))
		return;
	Assert(verdict->ncells < CACHE_MAX_CELLS);
	verdict->cell[verdict->ncells++] = stored_cell(source, sought);
}

/*
 * With the source open: what its table says of a stored value.  False if the source
 * was read again meanwhile.
 */
static bool
judge_stored(Scene *scene, const StoredValue *sought, Verdict *verdict,
			 uint64 *stamp)
{
	TEST_POINT(fill_before_stamp);
	*stamp = cache_is_on() ? clock_read(cache_clock()) : 0;
	TEST_POINT(fill_before_snapshot);
	find_rows(scene, sought);
	if (TEST_FAULT(filler_stamps_late))
		*stamp = clock_read(cache_clock());
	if (was_read_again(scene->source, scene->open))
		return false;
	conclude(scene->source, &scene->finding, verdict);
	add_own_cell(scene->source, sought, verdict);
	return true;
}

bool
lookup_token(Source *source, const LookupKey *key, Verdict *verdict,
			 uint64 *stamp)
{
	OpenSource	open;
	Scene		scene = {source, &open,.key = key};
	StoredValue sought;
	bool		judged = false;

	if (!open_source(source, true, &open))
		return false;
	if (lookup_search_value(source, key, &sought))
	{
		if (!was_read_again(source, &open))
			judged = judge_stored(&scene, &sought, verdict, stamp);
		stored_forget(&sought);
	}
	else
	{
		/* whatever the table has, now and later */
		*stamp = cache_is_on() ? clock_read(cache_clock()) : 0;
		verdict_init(verdict, TOKEN_UNKNOWN);
		judged = !was_read_again(source, &open);
	}
	close_source(&open);
	return judged;
}

bool
lookup_stored(Source *source, const StoredValue *stored, const char *id,
			  Verdict *verdict, uint64 *stamp)
{
	OpenSource	open;
	Scene		scene = {source, &open,.id = id};
	bool		judged;

	if (!open_source(source, true, &open))
		return false;
	judged = judge_stored(&scene, stored, verdict, stamp);
	close_source(&open);
	return judged;
}

/* A RowVisitor, until a row is live. */
static bool
visit_life(TupleTableSlot *row, void *arg)
{
	Scene	   *scene = arg;
	Verdict		verdict;

	if (!is_verified(scene, row))
		return true;
	if (!was_read_again(scene->source, scene->open))
		judge_life(scene, row, &verdict);
	if (was_read_again(scene->source, scene->open))
		return false;
	if (is_live(&verdict, scene->now))
		scene->finding.nlive++;
	return scene->finding.nlive == 0;
}

bool
lookup_is_live(Source *source, const StoredValue *stored, const char *id)
{
	OpenSource	open;
	Scene		scene = {source, &open,.without_parents = true,.id = id};
	Datum		value;

	/* what cannot be looked at is not known to be dead */
	if (!open_source(source, false, &open))
		return true;
	value = stored_datum(source, stored);
	scene.snapshot = take_snapshot();
	scene.now = GetCurrentTimestamp();
	visit_rows(&(Visit) {&open.table[0], scene.snapshot, value, visit_life, &scene});
	UnregisterSnapshot(scene.snapshot);
	close_source(&open);
	return scene.finding.nlive > 0 || was_read_again(source, &open);
}

/* The scene, and the ids that are found. */
typedef struct IdSearch
{
	Scene		scene;
	List	   *ids;
} IdSearch;

/* A RowVisitor. */
static bool
visit_id(TupleTableSlot *row, void *arg)
{
	IdSearch   *search = arg;

	if (is_verified(&search->scene, row))
		search->ids = lappend(search->ids, id_of(&search->scene, row));
	return true;
}

bool
lookup_ids(Source *source, const LookupKey *key, List **ids)
{
	OpenSource	open;
	IdSearch	search = {{source, &open,.without_parents = true,.key = key}};
	StoredValue sought;

	if (!open_source(source, false, &open))
		return false;
	if (lookup_search_value(source, key, &sought))
	{
		Datum		value;

		if (was_read_again(source, &open))
			stored_source_changed(source);
		value = stored_datum(source, &sought);
		search.scene.snapshot = take_snapshot();
		visit_rows(&(Visit) {&open.table[0], search.scene.snapshot, value,
							 visit_id, &search});
		UnregisterSnapshot(search.scene.snapshot);
		stored_forget(&sought);
	}
	close_source(&open);
	*ids = search.ids;
	return !was_read_again(source, &open);
}
