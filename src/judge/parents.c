/*-------------------------------------------------------------------------
 *
 * parents.c
 *		What the rows of a source's parents say of a token; see parents.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "judge/parents.h"
#include "source/expression.h"
#include "source/value.h"

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

bool
parents_live(const Source *source, const OpenSource *tables,
			 Snapshot snapshot, TupleTableSlot *row, Verdict *verdict)
{
	bool		live = true;

	for (int i = 0; i < source->nparents; i++)
	{
		const SourceParent *parent = &source->parent[i];
		const OpenTable *open = &tables->table[1 + i];
		ParentSearch search = {parent, open->table, source->timezone, false};
		bool		isnull;
		Datum		key;

		/* the owner of the parent before has had code run */
		if (was_read_again(source, tables))
			return false;
		key = slot_getattr(row, parent->from.attnum, &isnull);
		if (isnull)
			continue;
		verdict->cell[verdict->ncells++] = source_parent_cell(parent, key);
		scan_visit(&(Visit) {open, snapshot, key, visit_parent, &search});
		live &= search.live;
	}
	return live;
}
