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

#include "catalog/pg_attribute.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "source/generated.h"
#include "source/references.h"
#include "source/source.h"
#include "source/token_columns.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

static bool
is_part_of_word(char c)
{
	return c == '_' || c == '$' || IS_HIGHBIT_SET(c) ||
		isalnum((unsigned char) c);
}

/*
 * Does an expression, as the server writes them, name a column?  By its words, which
 * one that cannot be parsed any more has, too; a function or a type of that name counts.
 */
static bool
names_column(const char *expression, const char *column)
{
	const char *word = quote_identifier(column);
	Size		len = strlen(word);
	const char *at = expression;

	while ((at = strstr(at, word)) != NULL)
	{
		if (word[0] == '"' ||
			((at == expression || !is_part_of_word(at[-1])) &&
			 !is_part_of_word(at[len])))
			return true;
		at++;
	}
	return false;
}

/* Such values are no token, and no digest of one, but by their role. */
static bool
is_plain_type(Oid type)
{
	char		category;
	bool		preferred;

	type = getBaseType(type);
	get_type_category_preferred(type, &category, &preferred);
	return type == UUIDOID || category == TYPCATEGORY_NUMERIC ||
		category == TYPCATEGORY_DATETIME || category == TYPCATEGORY_BOOLEAN ||
		category == TYPCATEGORY_ENUM;
}

static bool
has_role(const Source *source, const char *column)
{
	for (int role = ROLE_TOKEN; role < ROLE_COUNT; role++)
		if (source->column[role].name != NULL &&
			strcmp(source->column[role].name, column) == 0)
			return true;
	return false;
}

/*
 * The columns that the token must fit, by the source's verify: what one finds the row by
 * may be no secret then, but these are.  The row's number, or its user's, may go into the
 * digest with the token.
 */
static Bitmapset *
add_verified_columns(Bitmapset *columns, const Source *source)
{
	CatCList   *attributes = SearchSysCacheList1(ATTNUM,
												 ObjectIdGetDatum(source->relation));

	for (int i = 0; i < attributes->n_members; i++)
	{
		Form_pg_attribute attribute =
			(Form_pg_attribute) GETSTRUCT(&attributes->members[i]->tuple);
		const char *name = NameStr(attribute->attname);

		if (attribute->attnum > 0 && !attribute->attisdropped &&
			names_column(source->verify, name) &&
			!(is_plain_type(attribute->atttypid) && has_role(source, name)))
			columns = bms_add_member(columns, attribute->attnum);
	}
	ReleaseCatCacheList(attributes);
	return columns;
}

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
		columns = add_verified_columns(columns, source);
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

	return is_plain_type(type) &&
		(getBaseType(type) != UUIDOID ||
		 has_role(source, get_attname(source->relation, attnum, false)));
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
		holder->columns = tokens_origins(holder->source);
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
all_ways(const List *holders)
{
	List	   *references = NIL;
	ListCell   *lc;

	foreach(lc, holders)
		references = add_ways(references, ((const Holder *) lfirst(lc))->source);
	return references;
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

/* Do columns in which its tokens are refer to what is told? */
static bool
refers_to(Holder *holder, const TableColumns *told, const List *references)
{
	ListCell   *lc;

	foreach(lc, references)
	{
		const Reference *reference = lfirst(lc);

		if (reference->from_relation == holder->source->relation &&
			reference->to_relation == told->relation &&
			bms_is_member(reference->to, told->columns) &&
			bms_is_member(reference->from, columns_of(holder)))
			return true;
	}
	return false;
}

/* The first whose tokens are in these columns, or refer to them. */
static const Source *
find_holder(const List *holders, const TableColumns *told,
			const List *references, const List *ways)
{
	ListCell   *lc;

	foreach(lc, holders)
	{
		Holder	   *holder = lfirst(lc);

		CHECK_FOR_INTERRUPTS();
		if ((holder->source->relation == told->relation &&
			 bms_overlap(columns_of(holder), told->columns)) ||
			refers_to(holder, told, references) ||
			refers_to(holder, told, ways))
			return holder->source;
	}
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
	List	   *holders = all_holders(source);
	List	   *tables = tables_of(holders);
	List	   *ways = all_ways(holders);
	const Source *found = NULL;
	ListCell   *lc;

	foreach(lc, references_origins(relation, columns, ways))
	{
		const TableColumns *told = lfirst(lc);

		found = find_holder(holders, told, references_to(told->relation, tables),
							ways);
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
	List	   *ways = all_ways(all_holders(source));
	List	   *columns = references_origins(source->relation,
											 tokens_origins(source), ways);
	ListCell   *lc;

	foreach(lc, references_users(columns, ways))
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
