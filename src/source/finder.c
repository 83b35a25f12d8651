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
#include "access/stratnum.h"
#include "catalog/pg_am.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_index.h"
#include "catalog/pg_type.h"
#include "source/finder.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

/* Rank an index for finding tokens: 0 unfit, 1 plain, 2 unique. */
static int
index_rank(Form_pg_index index, HeapTuple tuple, AttrNumber attnum)
{
	if (!index->indisvalid || !index->indisready || !index->indislive ||
		index->indkey.values[0] != attnum ||
		!heap_attisnull(tuple, Anum_pg_index_indpred, NULL) ||
		!heap_attisnull(tuple, Anum_pg_index_indexprs, NULL))
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

void
finder_choose(Relation table, const SourceColumn *column, RowFinder *finder,
			  Watch *watch)
{
	List	   *indexes = RelationGetIndexList(table);
	int			best = 0;
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
		if (rank <= best || !index_equality(index, &candidate))
			continue;
		best = rank;
		*finder = candidate;
		finder->unique = rank == 2;
	}
	list_free(indexes);

	watch_word(watch, ((uint64) best << 32) | finder->index);
}
