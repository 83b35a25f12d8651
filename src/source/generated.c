/*-------------------------------------------------------------------------
 *
 * generated.c
 *		The columns that generated columns are made of; see generated.h.
 *
 * An expression that is altered needs no watch of its own: the table is rewritten,
 * and has another file.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/sysattr.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_attrdef.h"
#include "catalog/pg_attribute.h"
#include "optimizer/optimizer.h"
#include "source/generated.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"

Bitmapset *
add_columns_of_node(Bitmapset *columns, Node *node)
{
	Bitmapset  *used = NULL;
	int			i = -1;

	pull_varattnos(node, 1, &used);
	while ((i = bms_next_member(used, i)) >= 0)
		if (i + FirstLowInvalidHeapAttributeNumber > 0)
			columns = bms_add_member(columns,
									 i + FirstLowInvalidHeapAttributeNumber);
	bms_free(used);
	return columns;
}

/* Add the columns that an expression of the catalog uses. */
static Bitmapset *
add_columns_of(Bitmapset *columns, const char *expression)
{
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext,
												  "tokenauth generated column",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(scratch);
	Node	   *node = stringToNode(expression);

	MemoryContextSwitchTo(old);
	columns = add_columns_of_node(columns, node);
	MemoryContextDelete(scratch);
	return columns;
}

/* Those of some columns that are generated. */
static Bitmapset *
generated_among(Oid relation, const Bitmapset *columns)
{
	Bitmapset  *generated = NULL;
	int			attnum = -1;

	while ((attnum = bms_next_member(columns, attnum)) >= 0)
	{
		HeapTuple	tuple = SearchSysCache2(ATTNUM, ObjectIdGetDatum(relation),
											Int16GetDatum(attnum));

		if (!HeapTupleIsValid(tuple))
			continue;
		if (((Form_pg_attribute) GETSTRUCT(tuple))->attgenerated != '\0')
			generated = bms_add_member(generated, attnum);
		ReleaseSysCache(tuple);
	}
	return generated;
}

Bitmapset *
generated_with_origins(Oid relation, const Bitmapset *columns)
{
	Bitmapset  *all = bms_copy(columns);
	Bitmapset  *generated = generated_among(relation, columns);
	Relation	catalog;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	if (bms_is_empty(generated))
		return all;
	catalog = table_open(AttrDefaultRelationId, AccessShareLock);
	ScanKeyInit(&key, Anum_pg_attrdef_adrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relation));
	scan = systable_beginscan(catalog, AttrDefaultIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		bool		isnull;
		Datum		expression;

		if (!bms_is_member(((Form_pg_attrdef) GETSTRUCT(tuple))->adnum,
						   generated))
			continue;
		expression = heap_getattr(tuple, Anum_pg_attrdef_adbin,
								  RelationGetDescr(catalog), &isnull);
		if (!isnull)
			all = add_columns_of(all, TextDatumGetCString(expression));
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return all;
}
