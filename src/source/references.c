/*-------------------------------------------------------------------------
 *
 * references.c
 *		Columns that have the values of others, by foreign keys; see references.h.
 *
 * Of a partitioned table each partition has the foreign keys itself, and there are
 * such to each partition.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "source/generated.h"
#include "source/references.h"
#include "utils/fmgroids.h"
#include "utils/syscache.h"

/* Add what a row of pg_constraint says, if it is of a foreign key. */
static List *
add_references(List *references, HeapTuple tuple)
{
	Form_pg_constraint form = (Form_pg_constraint) GETSTRUCT(tuple);
	AttrNumber	from[INDEX_MAX_KEYS];
	AttrNumber	to[INDEX_MAX_KEYS];
	int			n;

	if (form->contype != CONSTRAINT_FOREIGN)
		return references;
	DeconstructFkConstraintRow(tuple, &n, from, to, NULL, NULL, NULL, NULL,
							   NULL);
	for (int i = 0; i < n; i++)
	{
		Reference  *reference = palloc(sizeof(Reference));

		*reference = (Reference) {form->conrelid, from[i], form->confrelid, to[i]};
		references = lappend(references, reference);
	}
	return references;
}

/* The references of columns of a table. */
static List *
references_from(Oid relation)
{
	Relation	catalog = table_open(ConstraintRelationId, AccessShareLock);
	List	   *references = NIL;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_constraint_conrelid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(relation));
	scan = systable_beginscan(catalog, ConstraintRelidTypidNameIndexId, true,
							  NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		CHECK_FOR_INTERRUPTS();
		references = add_references(references, tuple);
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return references;
}

static List *
add_references_of(List *references, Oid constraint)
{
	HeapTuple	tuple = SearchSysCache1(CONSTROID,
										ObjectIdGetDatum(constraint));

	if (!HeapTupleIsValid(tuple))
		return references;
	references = add_references(references, tuple);
	ReleaseSysCache(tuple);
	return references;
}

/* Found by the triggers that a foreign key has on the table that it refers to. */
static List *
references_to(Oid relation)
{
	Relation	catalog = table_open(TriggerRelationId, AccessShareLock);
	List	   *references = NIL;
	List	   *constraints = NIL;
	ListCell   *lc;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_trigger_tgrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relation));
	scan = systable_beginscan(catalog, TriggerRelidNameIndexId, true, NULL, 1,
							  &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_trigger form = (Form_pg_trigger) GETSTRUCT(tuple);

		CHECK_FOR_INTERRUPTS();
		if (OidIsValid(form->tgconstraint) &&
			RI_FKey_trigger_type(form->tgfoid) == RI_TRIGGER_PK)
			constraints = lappend_oid(constraints, form->tgconstraint);
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	/* each has two triggers */
	list_sort(constraints, list_oid_cmp);
	list_deduplicate_oid(constraints);
	foreach(lc, constraints)
		references = add_references_of(references, lfirst_oid(lc));
	return references;
}

/* ---------- and so on ---------- */

/* The columns of one table that have been reached, and where they lead. */
typedef struct Reached
{
	TableColumns columns;
	Bitmapset  *followed;		/* those of them whose references have been */
	bool		is_read;
	List	   *references;		/* of the table's columns, or to them */
} Reached;

static Reached *
reached_in(List **all, Oid relation)
{
	Reached    *reached;
	ListCell   *lc;

	foreach(lc, *all)
	{
		reached = lfirst(lc);
		if (reached->columns.relation == relation)
			return reached;
	}
	reached = palloc0(sizeof(Reached));
	reached->columns.relation = relation;
	*all = lappend(*all, reached);
	return reached;
}

static void
reach(List **all, Oid relation, const Bitmapset *columns, bool backwards)
{
	Reached    *reached = reached_in(all, relation);

	reached->columns.columns =
		bms_add_members(reached->columns.columns, backwards ?
						generated_with_uses(relation, columns) :
						generated_with_origins(relation, columns));
}

/* From what has been reached in a table, by references of its columns or of others. */
static void
follow_each(List **all, const Reached *reached, const List *references,
			bool backwards)
{
	Oid			relation = reached->columns.relation;
	ListCell   *lc;

	foreach(lc, references)
	{
		const Reference *reference = lfirst(lc);

		CHECK_FOR_INTERRUPTS();
		if (backwards && reference->to_relation == relation &&
			bms_is_member(reference->to, reached->followed))
			reach(all, reference->from_relation,
				  bms_make_singleton(reference->from), backwards);
		if (!backwards && reference->from_relation == relation &&
			bms_is_member(reference->from, reached->followed))
			reach(all, reference->to_relation,
				  bms_make_singleton(reference->to), backwards);
	}
}

/* Follow the references of what has been reached in a table, perhaps to itself. */
static void
follow(List **all, Reached *reached, const List *ways, bool backwards)
{
	if (!reached->is_read)
		reached->references = backwards ?
			references_to(reached->columns.relation) :
			references_from(reached->columns.relation);
	reached->is_read = true;
	reached->followed = bms_copy(reached->columns.columns);
	follow_each(all, reached, reached->references, backwards);
	follow_each(all, reached, ways, backwards);
}

/* All that can be reached; a Reached begins with its TableColumns. */
static List *
follow_all(List *all, const List *ways, bool backwards)
{
	bool		again = true;

	while (again)
	{
		again = false;
		for (int i = 0; i < list_length(all); i++)
		{
			Reached    *reached = list_nth(all, i);

			if (bms_equal(reached->followed, reached->columns.columns))
				continue;
			follow(&all, reached, ways, backwards);
			again = true;
		}
	}
	return all;
}

List *
references_origins(Oid relation, const Bitmapset *columns, const List *ways)
{
	List	   *all = NIL;

	reach(&all, relation, columns, false);
	return follow_all(all, ways, false);
}

List *
references_users(const List *columns, const List *ways)
{
	List	   *all = NIL;
	ListCell   *lc;

	foreach(lc, columns)
	{
		const TableColumns *one = lfirst(lc);

		reach(&all, one->relation, one->columns, true);
	}
	return follow_all(all, ways, true);
}
