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

#include "access/relation.h"
#include "access/sysattr.h"
#include "optimizer/optimizer.h"
#include "source/generated.h"
#include "utils/memutils.h"
#include "utils/rel.h"

/* Add the columns that an expression of the catalog uses. */
static Bitmapset *
add_columns_of(Bitmapset *columns, const char *expression)
{
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext,
												  "tokenauth generated column",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(scratch);
	Bitmapset  *used = NULL;
	int			i = -1;

	pull_varattnos(stringToNode(expression), 1, &used);
	MemoryContextSwitchTo(old);
	while ((i = bms_next_member(used, i)) >= 0)
		if (i + FirstLowInvalidHeapAttributeNumber > 0)
			columns = bms_add_member(columns,
									 i + FirstLowInvalidHeapAttributeNumber);
	MemoryContextDelete(scratch);
	return columns;
}

Bitmapset *
generated_with_origins(Oid relation, const Bitmapset *columns)
{
	Bitmapset  *all = bms_copy(columns);
	Relation	table = bms_is_empty(columns) ? NULL :
		try_relation_open(relation, AccessShareLock);
	TupleDesc	desc;

	if (table == NULL)
		return all;
	desc = RelationGetDescr(table);
	for (int i = 0; desc->constr != NULL && i < desc->constr->num_defval; i++)
	{
		const AttrDefault *value = &desc->constr->defval[i];

		if (TupleDescAttr(desc, value->adnum - 1)->attgenerated &&
			bms_is_member(value->adnum, columns))
			all = add_columns_of(all, value->adbin);
	}
	relation_close(table, AccessShareLock);
	return all;
}
