/*-------------------------------------------------------------------------
 *
 * kin_columns.c
 *		By which columns of its row a source tells of a token; see kin_columns.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lifecycle/kin_columns.h"
#include "lifecycle/lifecycle.h"
#include "source/generated.h"
#include "utils/lsyscache.h"

/* Does the parent, or one that it leads to, say whose a token is, or how long? */
static bool
leads_to_role(const Source *source, int parent)
{
	for (int role = 0; role < ROLE_COUNT; role++)
		if (column_is_told(&source->parent[parent].column[role]))
			return true;
	for (int i = parent + 1; i < source->nparents; i++)
		if (source->parent[i].via == parent && leads_to_role(source, i))
			return true;
	return false;
}

Bitmapset *
kin_claims(const Source *source)
{
	Bitmapset  *columns = NULL;
	ListCell   *lc;

	foreach(lc, source->claims)
	{
		AttrNumber	attnum = get_attnum(source->relation, lfirst(lc));

		if (attnum > 0)
			columns = bms_add_member(columns, attnum);
	}
	return columns;
}

Bitmapset *
kin_claimed_columns(const Source *source)
{
	Bitmapset  *given = kin_claims(source);

	for (int i = 0; i < source->nparents; i++)
		if (source->parent[i].via == VIA_TOKEN &&
			AttributeNumberIsValid(source->parent[i].from.attnum) &&
			leads_to_role(source, i))
			given = bms_add_member(given, source->parent[i].from.attnum);
	return generated_with_origins(source->relation, given);
}

/* Add the column of a role, unless it has the same role in the other source. */
static Bitmapset *
add_own_role(Bitmapset *columns, const Source *source, SourceRole role,
			 const Source *other)
{
	AttrNumber	attnum = source->column[role].attnum;

	return AttributeNumberIsValid(attnum) &&
		attnum != other->column[role].attnum ?
		bms_add_member(columns, attnum) : columns;
}

static bool
have_same_parents(const Source *a, const Source *b)
{
	if (a->nparents != b->nparents)
		return false;
	for (int i = 0; i < a->nparents; i++)
		if (a->parent[i].relation != b->parent[i].relation ||
			strcmp(a->parent[i].path, b->parent[i].path) != 0 ||
			!lifecycle_is_same_text(a->parent[i].live_when, b->parent[i].live_when))
			return false;
	return true;
}

Bitmapset *
kin_kind_columns(const Source *source, const Source *other)
{
	Bitmapset  *columns = add_columns_of_node(NULL, source->condition);

	columns = add_columns_of_node(columns, source->verify_node);
	columns = add_own_role(columns, source, ROLE_REVOKED, other);
	columns = add_own_role(columns, source, ROLE_USED, other);
	for (int i = 0; i < source->nparents; i++)
		if (source->parent[i].via == VIA_TOKEN &&
			AttributeNumberIsValid(source->parent[i].from.attnum) &&
			!have_same_parents(source, other))
			columns = bms_add_member(columns, source->parent[i].from.attnum);
	return generated_with_origins(source->relation, columns);
}

/*
 * What a source claims that the other one does not tell: no user, tenant or scope, which
 * are compared, no life, nor what is the same of the row to both.
 */
Bitmapset *
kin_own_claims(const Source *source, const Source *other)
{
	Bitmapset  *columns = bms_difference(kin_claimed_columns(source),
										 kin_claimed_columns(other));

	for (int role = 0; role < ROLE_COUNT; role++)
		if (AttributeNumberIsValid(source->column[role].attnum) &&
			source->column[role].attnum == other->column[role].attnum)
			columns = bms_del_member(columns, source->column[role].attnum);
	return columns;
}

Bitmapset *
kin_telling_columns(const Source *source, const Source *other)
{
	Bitmapset  *columns = bms_union(source->made_of, kin_claimed_columns(source));

	columns = add_own_role(columns, source, ROLE_USER, other);
	columns = add_own_role(columns, source, ROLE_TENANT, other);
	return add_own_role(columns, source, ROLE_SCOPE, other);
}
