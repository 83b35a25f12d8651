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

/* Are its tokens in these columns, or do they refer to them? */
static bool
has_tokens_in(const Source *source, const TableColumns *told,
			  const List *references)
{
	ListCell   *lc;

	if (source->relation == told->relation &&
		bms_overlap(columns_with_token(source), told->columns))
		return true;
	foreach(lc, references)
	{
		const Reference *reference = lfirst(lc);

		if (source->relation == reference->from_relation &&
			bms_is_member(reference->to, told->columns) &&
			bms_is_member(reference->from, columns_with_token(source)))
			return true;
	}
	return false;
}

/* The first of some sources whose tokens are in the columns of one table. */
static const Source *
holder_among(const List *sources, const TableColumns *told)
{
	List	   *relations = NIL;
	List	   *references;
	ListCell   *lc;

	foreach(lc, sources)
		relations = list_append_unique_oid(relations,
										   ((const Source *) lfirst(lc))->relation);
	references = references_to(told->relation, relations);
	foreach(lc, sources)
		if (has_tokens_in(lfirst(lc), told, references))
			return lfirst(lc);
	return NULL;
}

const Source *
tokens_in_columns(const Source *source, Oid relation,
				  const Bitmapset *columns)
{
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext,
												  "tokenauth references",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(scratch);
	List	   *sources = lcons(unconstify(Source *, source),
								list_copy(source->registered));
	const Source *holder = NULL;
	ListCell   *lc;

	foreach(lc, references_origins(relation, columns))
	{
		holder = holder_among(sources, lfirst(lc));
		if (holder != NULL)
			break;
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(scratch);
	return holder;
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
