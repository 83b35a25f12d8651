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

#include "access/detoast.h"
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/sysattr.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_attrdef.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
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

/* A generated column, and what it is made of. */
typedef struct Generated
{
	AttrNumber	attnum;
	Bitmapset  *origins;
} Generated;

/* Of an expression as the catalog has it; its text and tree are not kept. */
static Bitmapset *
origins_of_expression(Datum expression)
{
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext,
												  "tokenauth generated column",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(scratch);
	Node	   *node = stringToNode(TextDatumGetCString(expression));
	Bitmapset  *origins;

	MemoryContextSwitchTo(old);
	origins = add_columns_of_node(NULL, node);
	MemoryContextDelete(scratch);
	return origins;
}

static Bitmapset *
all_columns(Oid relation)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
	Bitmapset  *all = NULL;

	if (!HeapTupleIsValid(tuple))
		return NULL;
	all = bms_add_range(NULL, 1, ((Form_pg_class) GETSTRUCT(tuple))->relnatts);
	ReleaseSysCache(tuple);
	return all;
}

static bool
is_generated(Oid relation, AttrNumber attnum)
{
	HeapTuple	tuple = SearchSysCache2(ATTNUM, ObjectIdGetDatum(relation),
										Int16GetDatum(attnum));
	bool		generated;

	if (!HeapTupleIsValid(tuple))
		return false;
	generated = ((Form_pg_attribute) GETSTRUCT(tuple))->attgenerated != '\0';
	ReleaseSysCache(tuple);
	return generated;
}

/*
 * Add what a row of pg_attrdef says, if it is of a generated column.  *room is the
 * length of the expressions that are still read.
 */
static List *
add_generated(List *generated, Relation catalog, HeapTuple tuple, Size *room)
{
	Form_pg_attrdef form = (Form_pg_attrdef) GETSTRUCT(tuple);
	Generated  *column;
	bool		isnull;
	Datum		expression = heap_getattr(tuple, Anum_pg_attrdef_adbin,
										  RelationGetDescr(catalog), &isnull);
	Size		len;

	if (isnull || !is_generated(form->adrelid, form->adnum))
		return generated;
	column = palloc(sizeof(Generated));
	column->attnum = form->adnum;
	len = toast_raw_datum_size(expression);	/* does not read it */
	if (len > *room)
	{
		*room = 0;
		column->origins = all_columns(form->adrelid);
	}
	else
	{
		*room -= len;
		column->origins = origins_of_expression(expression);
	}
	return lappend(generated, column);
}

/* All generated columns of a table. */
static List *
generated_columns(Oid relation)
{
	Relation	catalog = table_open(AttrDefaultRelationId, AccessShareLock);
	Size		room = GENERATED_MAX_LEN;
	List	   *generated = NIL;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_attrdef_adrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relation));
	scan = systable_beginscan(catalog, AttrDefaultIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		CHECK_FOR_INTERRUPTS();
		generated = add_generated(generated, catalog, tuple, &room);
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return generated;
}

/* Is one of the columns generated?  Few are, and the catalog's cache knows. */
static bool
has_generated(Oid relation, const Bitmapset *columns)
{
	int			attnum = -1;

	while ((attnum = bms_next_member(columns, attnum)) >= 0)
		if (is_generated(relation, attnum))
			return true;
	return false;
}

Bitmapset *
generated_with_origins(Oid relation, const Bitmapset *columns)
{
	Bitmapset  *all = bms_copy(columns);
	ListCell   *lc;

	if (!has_generated(relation, columns))
		return all;
	foreach(lc, generated_columns(relation))
	{
		const Generated *generated = lfirst(lc);

		if (bms_is_member(generated->attnum, columns))
			all = bms_add_members(all, generated->origins);
	}
	return all;
}

Bitmapset *
generated_with_uses(Oid relation, const Bitmapset *columns)
{
	Bitmapset  *all = bms_copy(columns);
	ListCell   *lc;

	foreach(lc, generated_columns(relation))
	{
		const Generated *generated = lfirst(lc);

		if (bms_overlap(generated->origins, columns))
			all = bms_add_member(all, generated->attnum);
	}
	return all;
}
