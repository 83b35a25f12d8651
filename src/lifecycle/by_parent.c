/*-------------------------------------------------------------------------
 *
 * by_parent.c
 *		Rows of a token table by the user, or tenant, that a parent says; see
 *		by_parent.h.
 *
 * A join would read the parent's table as the token table's owner, who need not be
 * let in there, and whom the parent's expressions are not written for.  So each
 * table is asked by itself, from the parent that has the role down to the token.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "lifecycle/by_parent.h"
#include "source/citext.h"
#include "source/directory.h"
#include "source/problem.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

/* Keys of a parent's rows, as an array. */
typedef struct Keys
{
	Oid			type;			/* of the array */
	Datum		array;
} Keys;

/* Texts are compared as text, whatever the columns' lengths. */
static Oid
key_type(const SourceParent *parent)
{
	return is_text_type(parent->key.type) ? TEXTOID : parent->key.type;
}

/* The keys of the rows of a parent that meet a condition. */
static Keys
select_keys(OwnerCall *call, const SourceParent *parent, const char *condition,
			Snapshot snapshot)
{
	Oid			type = key_type(parent);
	const char *column = quote_identifier(parent->key.name);
	QueryResult *rows;
	Keys		keys = {get_array_type(type)};
	ArrayBuildState *array = initArrayResult(type, CurrentMemoryContext, false);

	rows = owner_query_by(call,
						  psprintf("SELECT CAST(%s AS %s) FROM ONLY %s WHERE %s IS NOT NULL AND %s",
								   column,
								   format_type_extended(type, -1,
														FORMAT_TYPE_FORCE_QUALIFY),
								   owner_table(call), column, condition),
						  snapshot);
	for (uint64 i = 0; i < rows->nrows; i++)
	{
		bool		isnull;
		Datum		key = query_value(rows, i, 1, &isnull);

		array = accumArrayResult(array, key, isnull, type,
								 CurrentMemoryContext);
	}
	keys.array = makeArrayResult(array, CurrentMemoryContext);
	query_free(rows);
	return keys;
}

/* "the row refers to one of these", to the byte, as tokens are judged. */
static char *
refers_to(OwnerCall *call, const SourceParent *parent, const Keys *keys)
{
	const char *from = quote_identifier(parent->from.name);
	int			n = owner_parameter(call, keys->type, keys->array, false);

	char	   *found;

	if (is_citext(parent->from.declared))
		found = citext_equal_any_sql(parent->from.declared, from, psprintf("$%d", n));
	else
		found = psprintf("%s OPERATOR(pg_catalog.=) ANY ($%d)", from, n);
	if (keys->type != TEXTARRAYOID)
		return found;
	return psprintf("%s AND %s COLLATE pg_catalog.\"C\" OPERATOR(pg_catalog.=) ANY ($%d)",
					found, from, n);
}

/* Open a parent's table, as the source knows it now. */
static void
begin_parent(OwnerCall *call, const Source *source,
			 const SourceParent *parent)
{
	owner_begin_parent(call, source, parent);
	if (!source_validate(unconstify(Source *, source)) ||
		source_is_outdated(source))
		stored_source_changed(source);
	if (PROBLEM_IS_FATAL(source->problem))
		problem_report(source);
}

void
by_parent_begin(const Source *source, SourceRole role, ByParent *way)
{
	const SourceParent *parent = source_parent_with(source, role);

	way->role = role;
	way->n = 0;
	while (parent != NULL)
	{
		Assert(way->n < SOURCE_MAX_PARENTS);
		begin_parent(&way->call[way->n], source, parent);
		way->parent[way->n++] = parent;
		parent = parent->via == VIA_TOKEN ? NULL : &source->parent[parent->via];
	}
}

void
by_parent_end(ByParent *way)
{
	while (way->n > 0)
		owner_end(&way->call[--way->n]);
}

char *
by_parent_has_value(OwnerCall *call, ByParent *way, const char *value,
					Snapshot snapshot)
{
	Keys		keys;

	keys = select_keys(&way->call[0], way->parent[0],
					   owner_has_value(&way->call[0], way->role, value),
					   snapshot);
	for (int i = 1; i < way->n; i++)
		keys = select_keys(&way->call[i], way->parent[i],
						   refers_to(&way->call[i], way->parent[i - 1], &keys),
						   snapshot);
	return refers_to(call, way->parent[way->n - 1], &keys);
}
