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

/* Is every row in it, in an order that begins with the column? */
static bool
has_all_by(Form_pg_index index, HeapTuple tuple, AttrNumber attnum)
{
	return index->indkey.values[0] == attnum &&
		heap_attisnull(tuple, Anum_pg_index_indpred, NULL) &&
		heap_attisnull(tuple, Anum_pg_index_indexprs, NULL);
}

/* Rank an index for finding tokens: 0 unfit, 1 plain, 2 unique. */
static int
index_rank(Form_pg_index index, HeapTuple tuple, AttrNumber attnum)
{
	if (!is_valid(index) || !has_all_by(index, tuple, attnum))
		return 0;
	/* A deferred constraint lets a transaction see duplicates of its own. */
	if (index->indisunique && index->indimmediate && index->indnkeyatts == 1)
		return 2;
	return 1;
}

/* How to ask this index for equality; false if it cannot be asked. */
static bool
index_equality(Oid index_oid, RowFinder *finder)
{
	Relation	index = index_open(index_oid, AccessShareLock);
	Oid			operator = InvalidOid;

	finder->index = index_oid;
	finder->strategy = index->rd_rel->relam == HASH_AM_OID ?
		HTEqualStrategyNumber : BTEqualStrategyNumber;
	if (index->rd_rel->relam == BTREE_AM_OID ||
		index->rd_rel->relam == HASH_AM_OID)
		operator = get_opfamily_member(index->rd_opfamily[0],
									   index->rd_opcintype[0],
									   index->rd_opcintype[0],
									   finder->strategy);
	finder->equality = OidIsValid(operator) ? get_opcode(operator) : InvalidOid;
	finder->collation = index->rd_indcollation[0];
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
finder_choose(Relation table, const SourceColumn *column, RowFinder *finder,
			  Watch *watch)
{
	List	   *indexes = RelationGetIndexList(table);
	int			best = 0;
	int			opened = 0;
	ListCell   *lc;

	finder->index = InvalidOid;
	finder->unique = false;
	finder->equality = default_equality(column->type);
	finder->collation = C_COLLATION_OID;

	foreach(lc, indexes)
	{
		Oid			index = lfirst_oid(lc);
		HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
		RowFinder	candidate;
		int			rank;

		if (!HeapTupleIsValid(tuple))
			continue;
		rank = index_rank((Form_pg_index) GETSTRUCT(tuple), tuple,
						  column->attnum);
		ReleaseSysCache(tuple);
		CHECK_FOR_INTERRUPTS();
		if (rank <= best || ++opened > MAX_OPENED ||
			!index_equality(index, &candidate))
			continue;
		best = rank;
		*finder = candidate;
		finder->unique = rank == 2;
	}
	list_free(indexes);

	watch_word(watch, ((uint64) best << 32) | finder->index);
}

/* ---------- where there is none ---------- */

static bool
has_key(Form_pg_index index, AttrNumber attnum)
{
	for (int i = 0; i < index->indnkeyatts; i++)
		if (index->indkey.values[i] == attnum)
			return true;
	return false;
}

static const char *const not_valid = "is not valid";

/* What an index that has the column lacks to find rows by it; else NULL. */
static const char *
what_it_lacks(Form_pg_index index, HeapTuple tuple, AttrNumber attnum)
{
	RowFinder	finder;

	if (!has_key(index, attnum))
		return NULL;
	if (!heap_attisnull(tuple, Anum_pg_index_indpred, NULL))
		return "has a WHERE clause";
	if (index->indkey.values[0] != attnum)
		return "does not begin with it";
	if (!has_all_by(index, tuple, attnum))
		return "has expressions";
	if (!index_equality(index->indexrelid, &finder))
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
			  NearMiss *miss)
{
	const char *lacks = miss->looked >= MAX_OPENED ? NULL :
		what_it_lacks(index, tuple, attnum);

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
look_at_indexes(Relation table, AttrNumber attnum)
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
		look_at_index((Form_pg_index) GETSTRUCT(tuple), tuple, attnum, &miss);
		ReleaseSysCache(tuple);
		CHECK_FOR_INTERRUPTS();
	}
	list_free(indexes);
	return miss;
}

char *
finder_near_miss(Relation table, AttrNumber attnum)
{
	NearMiss	miss = look_at_indexes(table, attnum);
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

	miss = look_at_indexes(table, get_attnum(relation, source->problem_column));
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
