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

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "source/generated.h"
#include "source/references.h"
#include "source/registry.h"
#include "source/source.h"
#include "source/token_columns.h"
#include "source/verified.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

Bitmapset *
tokens_columns(const Source *source)
{
	const char *name = source->column[ROLE_TOKEN].name;
	AttrNumber	attnum = name == NULL ? InvalidAttrNumber :
		get_attnum(source->relation, name);
	Bitmapset  *columns = NULL;

	if (attnum > 0)
		columns = bms_make_singleton(attnum);
	if (source->verify != NULL)
		columns = bms_add_members(columns, verified_columns(source));
	return columns;
}

Bitmapset *
tokens_origins(const Source *source)
{
	return generated_with_origins(source->relation, tokens_columns(source));
}

/* Is one of the columns that a token is made of not what is secret? */
static bool
is_public_origin(const Source *source, AttrNumber attnum)
{
	Oid			type = get_atttype(source->relation, attnum);

	return verified_secrecy(type) != LIKELY_SECRET &&
		(getBaseType(type) != UUIDOID ||
		 source_uses_column(source,
							get_attname(source->relation, attnum, false)));
}

Bitmapset *
tokens_shown(const Source *source)
{
	Bitmapset  *columns = tokens_columns(source);
	Bitmapset  *origins = bms_difference(tokens_origins(source), columns);
	Bitmapset  *secret = NULL;
	int			attnum = -1;

	while ((attnum = bms_next_member(origins, attnum)) >= 0)
		if (!is_public_origin(source, attnum))
			secret = bms_add_member(secret, attnum);
	columns = bms_add_members(columns, secret != NULL ? secret : origins);
	return generated_with_uses(source->relation, columns);
}

/* A source, and where its tokens are, once asked for. */
typedef struct Holder
{
	const Source *source;
	bool		is_trusted;		/* its owner could change the other source anyway */
	bool		is_known;
	TableColumns own;			/* of its table */
	List	   *origins;		/* TableColumns *: what those refer to, and so on; NIL
								 * if they have not been asked for */
} Holder;

static const TableColumns *
own_columns(Holder *holder)
{
	if (!holder->is_known)
		holder->own = (TableColumns) {holder->source->relation,
		tokens_origins(holder->source)};
	holder->is_known = true;
	return &holder->own;
}

static List *
origins_of(Holder *holder, const List *ways)
{
	const TableColumns *own = own_columns(holder);

	if (holder->origins == NIL)
		holder->origins = references_origins(own->relation, own->columns, ways);
	return holder->origins;
}

static List *
add_holder(List *holders, const Source *holder, const Source *source)
{
	Holder	   *one = palloc0(sizeof(Holder));

	one->source = holder;
	one->is_trusted = holder == source ||
		registry_owner_rules(holder->relation, source->relation);
	return lappend(holders, one);
}

/* The source itself first, and all that it is registered with. */
static List *
all_holders(const Source *source)
{
	List	   *holders = add_holder(NIL, source, source);
	ListCell   *lc;

	foreach(lc, source->registered)
		holders = add_holder(holders, lfirst(lc), source);
	return holders;
}

/* Its columns by which it finds the rows of parents: they have what these are keyed by. */
static List *
add_ways(List *references, const Source *source)
{
	for (int i = 0; i < source->nparents; i++)
	{
		const SourceParent *parent = &source->parent[i];
		Reference  *way = palloc(sizeof(Reference));

		way->from_relation = source_referring_table(source, parent);
		way->from = get_attnum(way->from_relation, parent->from.name);
		way->to_relation = parent->relation;
		way->to = get_attnum(parent->relation, parent->key.name);
		if (way->from > 0 && way->to > 0)
			references = lappend(references, way);
	}
	return references;
}

static List *
trusted_ways(const List *holders)
{
	List	   *references = NIL;
	ListCell   *lc;

	foreach(lc, holders)
	{
		const Holder *holder = lfirst(lc);

		if (holder->is_trusted)
			references = add_ways(references, holder->source);
	}
	return references;
}

static bool
is_among(const TableColumns *columns, const List *all)
{
	ListCell   *lc;

	foreach(lc, all)
	{
		const TableColumns *one = lfirst(lc);

		if (one->relation == columns->relation &&
			bms_overlap(one->columns, columns->columns))
			return true;
	}
	return false;
}

/*
 * Are its tokens in what is told?  If it is trusted, they are in what its columns refer
 * to, too: by a mere foreign key of his, others' columns would be another owner's.
 */
static bool
has_tokens_in(Holder *holder, const List *told, const List *ways)
{
	ListCell   *lc;

	if (is_among(own_columns(holder), told))
		return true;
	foreach(lc, holder->is_trusted ? origins_of(holder, ways) : NIL)
		if (is_among(lfirst(lc), told))
			return true;
	return false;
}

/* The first; better one of the very columns than of what these refer to. */
static const Source *
find_holder(const List *holders, const TableColumns *columns,
			const List *told, const List *ways)
{
	const List *itself = list_make1(unconstify(TableColumns *, columns));
	ListCell   *lc;

	foreach(lc, holders)
	{
		CHECK_FOR_INTERRUPTS();
		if (is_among(own_columns(lfirst(lc)), itself))
			return ((const Holder *) lfirst(lc))->source;
	}
	foreach(lc, holders)
	{
		CHECK_FOR_INTERRUPTS();
		if (has_tokens_in(lfirst(lc), told, ways))
			return ((const Holder *) lfirst(lc))->source;
	}
	return NULL;
}

struct TokenSearch
{
	MemoryContext context;
	List	   *holders;		/* Holder * */
	List	   *ways;			/* Reference *, those that are trusted */
};

TokenSearch *
tokens_search(const Source *source)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "tokenauth token search",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	TokenSearch *search = palloc(sizeof(TokenSearch));

	search->context = context;
	search->holders = all_holders(source);
	search->ways = trusted_ways(search->holders);
	MemoryContextSwitchTo(old);
	return search;
}

void
tokens_search_end(TokenSearch *search)
{
	MemoryContextDelete(search->context);
}

const Source *
tokens_find(TokenSearch *search, Oid relation, const Bitmapset *columns)
{
	MemoryContext old = MemoryContextSwitchTo(search->context);
	TableColumns *asked = palloc(sizeof(TableColumns));
	const Source *found;

	*asked = (TableColumns) {relation, bms_copy(columns)};
	found = find_holder(search->holders, asked,
						references_origins(relation, asked->columns, search->ways),
						search->ways);
	MemoryContextSwitchTo(old);
	return found;
}

const Source *
tokens_in_column(const Source *source, Oid relation, AttrNumber attnum)
{
	TokenSearch *search = tokens_search(source);
	Bitmapset  *column = bms_make_singleton(attnum);
	const Source *holder = tokens_find(search, relation, column);

	bms_free(column);
	tokens_search_end(search);
	return holder;
}

List *
tokens_tellers(const Source *source)
{
	List	   *relations = NIL;
	List	   *ways = trusted_ways(all_holders(source));
	List	   *columns = references_origins(source->relation,
											 tokens_origins(source), ways);
	ListCell   *lc;

	foreach(lc, references_users(columns, ways))
		relations = lappend_oid(relations,
								((const TableColumns *) lfirst(lc))->relation);
	return relations;
}
