/*-------------------------------------------------------------------------
 *
 * token_columns.c
 *		Columns that hold tokens, of whatever source; see token_columns.h.
 *
 * They go by what the registry says, for a source that cannot be read now may be
 * mended later.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "source/generated.h"
#include "source/references.h"
#include "source/source.h"
#include "source/token_columns.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

/* Its token column, and what this is made of; NULL if it has none. */
static Bitmapset *
columns_with_token(const Source *source)
{
	const char *name = source->column[ROLE_TOKEN].name;
	AttrNumber	attnum = name == NULL ? InvalidAttrNumber :
		get_attnum(source->relation, name);

	return attnum > 0 ?
		generated_with_origins(source->relation, bms_make_singleton(attnum)) : NULL;
}

/* A source, and the columns of its table in which its tokens are, once asked for. */
typedef struct Holder
{
	const Source *source;
	bool		is_known;
	Bitmapset  *columns;
} Holder;

static const Bitmapset *
columns_of(Holder *holder)
{
	if (!holder->is_known)
		holder->columns = columns_with_token(holder->source);
	holder->is_known = true;
	return holder->columns;
}

static List *
add_holder(List *holders, const Source *source)
{
	Holder	   *holder = palloc(sizeof(Holder));

	*holder = (Holder) {source};
	return lappend(holders, holder);
}

/* The source itself first, and all that it is registered with. */
static List *
all_holders(const Source *source)
{
	List	   *holders = add_holder(NIL, source);
	ListCell   *lc;

	foreach(lc, source->registered)
		holders = add_holder(holders, lfirst(lc));
	return holders;
}

static List *
tables_of(const List *holders)
{
	List	   *relations = NIL;
	ListCell   *lc;

	foreach(lc, holders)
		relations = list_append_unique_oid(relations,
										   ((const Holder *) lfirst(lc))->source->relation);
	return relations;
}

/* Are its tokens in these columns, or do they refer to them? */
static bool
has_tokens_in(Holder *holder, const TableColumns *told,
			  const List *references)
{
	Oid			relation = holder->source->relation;
	ListCell   *lc;

	if (relation == told->relation &&
		bms_overlap(columns_of(holder), told->columns))
		return true;
	foreach(lc, references)
	{
		const Reference *reference = lfirst(lc);

		if (relation == reference->from_relation &&
			bms_is_member(reference->to, told->columns) &&
			bms_is_member(reference->from, columns_of(holder)))
			return true;
	}
	return false;
}

const Source *
tokens_in_columns(const Source *source, Oid relation,
				  const Bitmapset *columns)
{
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext,
												  "tokenauth references",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(scratch);
	List	   *holders = all_holders(source);
	List	   *tables = tables_of(holders);
	const Source *found = NULL;
	ListCell   *told;
	ListCell   *lc;

	foreach(told, references_origins(relation, columns))
	{
		List	   *references =
			references_to(((const TableColumns *) lfirst(told))->relation, tables);

		foreach(lc, holders)
			if (found == NULL &&
				has_tokens_in(lfirst(lc), lfirst(told), references))
				found = ((const Holder *) lfirst(lc))->source;
		if (found != NULL)
			break;
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(scratch);
	return found;
}

List *
tokens_tellers(const Source *source)
{
	List	   *relations = NIL;
	List	   *columns = references_origins(source->relation,
											 columns_with_token(source));
	ListCell   *lc;

	foreach(lc, references_users(columns))
		relations = lappend_oid(relations,
								((const TableColumns *) lfirst(lc))->relation);
	return relations;
}

const Source *
tokens_in_column(const Source *source, Oid relation, AttrNumber attnum)
{
	Bitmapset  *column = bms_make_singleton(attnum);
	const Source *holder = tokens_in_columns(source, relation, column);

	bms_free(column);
	return holder;
}
