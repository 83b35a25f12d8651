/*-------------------------------------------------------------------------
 *
 * parents.c
 *		What the rows of a source's parents say of a token; see parents.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/testpoint.h"
#include "fmgr.h"
#include "judge/parents.h"
#include "judge/row.h"
#include "source/expression.h"
#include "source/value.h"
#include "utils/datum.h"

/* What a row has in the column that refers to a parent's. */
typedef struct Reference
{
	bool		exists;			/* the row is there, and the value is not NULL */
	Datum		key;
} Reference;

/*
 * Take what a row refers to: the token's, or a parent's.  By copies, as the row of a
 * parent is gone when that of its parent is read.
 */
static void
take_references(const Source *source, int via, TupleTableSlot *row,
				Reference *reference)
{
	for (int i = 0; i < source->nparents; i++)
	{
		const SourceColumn *from = &source->parent[i].from;
		bool		isnull;
		Datum		key;
		Form_pg_attribute attribute;

		if (source->parent[i].via != via)
			continue;
		key = source_column_value(source, from, row, &isnull);
		reference[i].exists = !isnull;
		if (isnull)
			continue;
		attribute = TupleDescAttr(row->tts_tupleDescriptor, from->attnum - 1);
		reference[i].key = attribute->attlen == -1 ?
			PointerGetDatum(PG_DETOAST_DATUM_COPY(key)) :
			datumCopy(key, attribute->attbyval, attribute->attlen);
	}
}

/* A search for a parent's row. */
typedef struct ParentSearch
{
	const Source *source;
	const OpenSource *tables;
	int			n;				/* which parent */
	Verdict    *verdict;
	Reference  *reference;		/* to all parents */
	bool		live;
} ParentSearch;

/* A RowVisitor: a parent's row, of which there is one at the most. */
static bool
visit_parent(TupleTableSlot *row, void *arg)
{
	ParentSearch *search = arg;
	const Source *source = search->source;
	const SourceParent *parent = &source->parent[search->n];
	Relation	table = search->tables->table[1 + search->n].table;
	ExpressionRow over = {table, row, source->timezone};

	/* before code of its owner's can have the source read again */
	take_references(source, search->n, row, search->reference);
	source_require_whole(source);
	search->live = parent->live_when == NULL ||
		expression_holds(&over, parent->condition);
	if (!was_read_again(source, search->tables))
		row_take_parent(source, parent, table, row, search->verdict);
	return false;
}

/* Is a row between the token's and another parent's left out, for a test? */
static bool
is_forgotten(const Source *source, int n)
{
	bool		is_between = false;

	for (int i = n + 1; i < source->nparents; i++)
		is_between |= source->parent[i].via == n;
	return is_between && TEST_FAULT(middle_cell_forgotten);
}

bool
parents_live(const Source *source, const OpenSource *tables,
			 Snapshot snapshot, TupleTableSlot *row, Verdict *verdict,
			 bool *each)
{
	Reference	reference[SOURCE_MAX_PARENTS] = {{0}};
	bool		all = true;

	take_references(source, VIA_TOKEN, row, reference);
	for (int i = 0; i < source->nparents; i++)
	{
		const SourceParent *parent = &source->parent[i];
		Datum		key = reference[i].key;
		ParentSearch search = {source, tables, i, verdict, reference};
		bool		live;

		/* the owner of the parent before has had code run */
		if (was_read_again(source, tables))
			return false;
		if (reference[i].exists)
		{
			if (!is_forgotten(source, i))
				verdict->cell[verdict->ncells++] = source_parent_cell(parent, key);
			scan_visit(&(Visit) {&tables->table[1 + i], snapshot, key,
								 visit_parent, &search});
			live = search.live;
		}
		else
			/* it is not known when the token expires */
			live = !column_is_told(&parent->column[ROLE_EXPIRES]);
		all &= live;
		if (each != NULL)
			each[i] = live;
	}
	return all;
}
