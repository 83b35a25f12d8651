/*-------------------------------------------------------------------------
 *
 * finder.c
 *		How to find rows of a table by one of its columns; see finder.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/stratnum.h"
#include "catalog/pg_am.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_index.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "source/finder.h"
#include "source/fixed.h"
#include "source/names.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

static bool
is_valid(Form_pg_index index)
{
	return index->indisvalid && index->indisready && index->indislive;
}

/* Is every row in it, by its columns? */
static bool
has_all(HeapTuple tuple)
{
	return heap_attisnull(tuple, Anum_pg_index_indpred, NULL) &&
		heap_attisnull(tuple, Anum_pg_index_indexprs, NULL);
}

/* After how many others the column comes in its keys; -1 if it is none of them. */
static int
find_key(Form_pg_index index, AttrNumber attnum)
{
	for (int i = 0; i < index->indnkeyatts; i++)
		if (index->indkey.values[i] == attnum)
			return i;
	return -1;
}

/* Can no two rows be alike in all columns up to this one? */
static bool
is_unique_to(Form_pg_index index, int key)
{
	/* A deferred constraint lets a transaction see duplicates of its own. */
	return index->indisunique && index->indimmediate && index->indnkeyatts == key + 1;
}

/*
 * Rank an index for finding tokens: 0 unfit; with others before it 1, or 2 if unique;
 * without 3, or 4.
 */
static int
index_rank(Form_pg_index index, HeapTuple tuple, int key)
{
	if (key < 0 || key > FINDER_MAX_FIXED || !is_valid(index) || !has_all(tuple))
		return 0;
	return (key == 0 ? 3 : 1) + (is_unique_to(index, key) ? 1 : 0);
}

static bool
fix_columns(Relation index, int n, Node *condition, RowFinder *finder)
{
	if (n > FINDER_MAX_FIXED || (n > 0 && index->rd_rel->relam != BTREE_AM_OID))
		return false;
	for (finder->nfixed = 0; finder->nfixed < n; finder->nfixed++)
	{
		FixedKey   *key = &finder->fixed[finder->nfixed];

		if (!fixed_by_condition(condition, index, finder->nfixed, key))
			return false;
		/* to a unique index, several NULLs need not be the same */
		finder->finds_one &= !key->is_null;
	}
	return true;
}

/* How to ask this index for equality in that key; false if it cannot be asked. */
static bool
index_equality(Oid index_oid, int key, Node *condition, RowFinder *finder)
{
	Relation	index = index_open(index_oid, AccessShareLock);
	Oid			operator = InvalidOid;

	finder->index = index_oid;
	finder->finds_one = is_unique_to(index->rd_index, key);
	finder->unique = finder->finds_one && key == 0;
	finder->strategy = index->rd_rel->relam == HASH_AM_OID ?
		HTEqualStrategyNumber : BTEqualStrategyNumber;
	if ((index->rd_rel->relam == BTREE_AM_OID ||
		 index->rd_rel->relam == HASH_AM_OID) &&
		fix_columns(index, key, condition, finder))
		operator = get_opfamily_member(index->rd_opfamily[key],
									   index->rd_opcintype[key],
									   index->rd_opcintype[key],
									   finder->strategy);
	finder->equality = OidIsValid(operator) ? get_opcode(operator) : InvalidOid;
	finder->collation = index->rd_indcollation[key];
	index_close(index, AccessShareLock);
	return OidIsValid(finder->equality);
}

/* The equality of a type that tokens and parents' keys can have. */
static Oid
default_equality(Oid type)
{
	switch (type)
	{
		case BYTEAOID:
			return F_BYTEAEQ;
		case BPCHAROID:
			return F_BPCHAREQ;
		case UUIDOID:
			return F_UUID_EQ;
		case INT4OID:
			return F_INT4EQ;
		case INT8OID:
			return F_INT8EQ;
		default:
			return F_TEXTEQ;
	}
}

/*
 * So many indexes are opened in search of one; each that is stays in the session's
 * memory.  Indexes by which no value is found count, for their owner makes as many of
 * them as he likes.
 */
#define MAX_OPENED		100

void
finder_choose(Relation table, const SourceColumn *column, Node *condition,
			  RowFinder *finder, Watch *watch)
{
	List	   *indexes = RelationGetIndexList(table);
	int			best = 0;
	int			opened = 0;
	ListCell   *lc;

	memset(finder, 0, sizeof(*finder));
	finder->equality = default_equality(column->type);
	finder->collation = C_COLLATION_OID;

	foreach(lc, indexes)
	{
		Oid			index = lfirst_oid(lc);
		HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
		RowFinder	candidate;
		int			key;
		int			rank;

		if (!HeapTupleIsValid(tuple))
			continue;
		key = find_key((Form_pg_index) GETSTRUCT(tuple), column->attnum);
		rank = index_rank((Form_pg_index) GETSTRUCT(tuple), tuple, key);
		ReleaseSysCache(tuple);
		CHECK_FOR_INTERRUPTS();
		if (rank <= best || ++opened > MAX_OPENED ||
			!index_equality(index, key, condition, &candidate))
			continue;
		best = rank;
		*finder = candidate;
	}
	list_free(indexes);

	watch_word(watch, ((uint64) best << 32) | finder->index);
}

/* ---------- where there is none ---------- */

static const char *const not_valid = "is not valid";

/* One of the columns before it; NULL if that has no name. */
static char *
unfixed_column(Form_pg_index index, const RowFinder *finder)
{
	AttrNumber	attnum = index->indkey.values[finder->nfixed];

	return AttributeNumberIsValid(attnum) ?
		get_attname(index->indrelid, attnum, true) : NULL;
}

/* The index begins with others that the condition does not fix. */
static const char *
what_comes_before(Form_pg_index index, int key, Node *condition)
{
	RowFinder	finder = {0};
	char	   *column;

	if (key > FINDER_MAX_FIXED)
		return "has too many columns before it";
	if (condition != NULL && index_equality(index->indexrelid, key, condition, &finder))
		return NULL;
	column = condition == NULL ? NULL : unfixed_column(index, &finder);
	return column == NULL ? "does not begin with it" :
		psprintf("begins with column \"%s\", which the live_when does not fix", column);
}

/* What an index that has the column lacks to find rows by it; else NULL. */
static const char *
what_it_lacks(Form_pg_index index, HeapTuple tuple, AttrNumber attnum,
			  Node *condition)
{
	int			key = find_key(index, attnum);
	RowFinder	finder;
	const char *before;

	if (key < 0)
		return NULL;
	if (!heap_attisnull(tuple, Anum_pg_index_indpred, NULL))
		return "has a WHERE clause";
	if (!has_all(tuple))
		return key > 0 ? "does not begin with it" : "has expressions";
	before = key > 0 ? what_comes_before(index, key, condition) : NULL;
	if (before != NULL)
		return before;
	if (!index_equality(index->indexrelid, key, condition, &finder))
		return "is neither a btree nor a hash index";
	return is_valid(index) ? "is not unique" : not_valid;
}

/* What the indexes that have a column are like. */
typedef struct NearMiss
{
	Oid			index;			/* the first; InvalidOid: none */
	const char *lacks;
	Oid			invalid;		/* one that is not valid, but would do; */
	bool		invalid_unique; /* also where it must be unique */
	bool		repeats;		/* by one, a value can be in several rows */
	int			looked;			/* at so many that have the column */
} NearMiss;

static void
look_at_index(Form_pg_index index, HeapTuple tuple, AttrNumber attnum,
			  Node *condition, NearMiss *miss)
{
	const char *lacks = miss->looked >= MAX_OPENED ? NULL :
		what_it_lacks(index, tuple, attnum, condition);

	if (lacks == NULL)
		return;
	miss->looked++;
	if (lacks == not_valid)
	{
		miss->invalid = index->indexrelid;
		miss->invalid_unique = index->indisunique && index->indnkeyatts == 1;
	}
	else if (index->indisunique)
		miss->repeats = true;
	if (miss->lacks == NULL)
	{
		miss->index = index->indexrelid;
		miss->lacks = lacks;
	}
}

static NearMiss
look_at_indexes(Relation table, AttrNumber attnum, Node *condition)
{
	List	   *indexes = RelationGetIndexList(table);
	NearMiss	miss = {0};
	ListCell   *lc;

	foreach(lc, indexes)
	{
		HeapTuple	tuple = SearchSysCache1(INDEXRELID,
											ObjectIdGetDatum(lfirst_oid(lc)));

		if (!HeapTupleIsValid(tuple))
			continue;
		look_at_index((Form_pg_index) GETSTRUCT(tuple), tuple, attnum, condition,
					  &miss);
		ReleaseSysCache(tuple);
		CHECK_FOR_INTERRUPTS();
	}
	list_free(indexes);
	return miss;
}

char *
finder_near_miss(Relation table, AttrNumber attnum, Node *condition)
{
	NearMiss	miss = look_at_indexes(table, attnum, condition);
	char	   *name = OidIsValid(miss.index) ? get_rel_name(miss.index) : NULL;

	return name == NULL ? NULL :
		psprintf("index \"%s\" %s", name, miss.lacks);
}

char *
finder_index_sql(const Source *source)
{
	Oid			relation = source->problem_relation;
	Relation	table = relation_open(relation, AccessShareLock);
	bool		is_parent = relation != source->relation;
	NearMiss	miss;
	bool		unique;

	miss = look_at_indexes(table, get_attnum(relation, source->problem_column),
						   is_parent ? NULL : source->condition);
	relation_close(table, AccessShareLock);
	if (OidIsValid(miss.invalid) && (miss.invalid_unique || !is_parent))
		return psprintf("REINDEX INDEX CONCURRENTLY %s;",
						quoted_relation(miss.invalid));
	/* what is verified is found by what several tokens can have */
	unique = is_parent || (source->verify == NULL && !miss.repeats);
	return psprintf("CREATE %sINDEX CONCURRENTLY ON %s (%s);",
					unique ? "UNIQUE " : "", quoted_relation(relation),
					quote_identifier(source->problem_column));
}
