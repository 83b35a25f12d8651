/*-------------------------------------------------------------------------
 *
 * map_column.c
 *		A column of a source or of a parent, as its table is now; see map_column.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include "catalog/pg_type.h"
#include "nodes/nodeFuncs.h"
#include "source/citext.h"
#include "source/flag.h"
#include "source/generated.h"
#include "source/map_column.h"
#include "source/map_expression.h"
#include "source/mapping.h"
#include "source/problem.h"
#include "source/registry.h"
#include "source/stored.h"
#include "source/token_columns.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

static ValueKind
kind_of_type(Oid type)
{
	switch (type)
	{
		case UUIDOID:
			return VALUE_UUID;
		case INT4OID:
			return VALUE_INT4;
		case INT8OID:
			return VALUE_INT8;
		default:
			return VALUE_TEXT;
	}
}

/* Types of which one value has several scopes. */
static bool
is_list(Oid type)
{
	return type == TEXTARRAYOID || type == VARCHARARRAYOID ||
		type == JSONBOID || type == JSONOID;
}

/* Of other arrays the text would be taken for one scope. */
static bool
scope_type_fits(Oid type)
{
	return is_list(type) || !OidIsValid(get_element_type(type));
}

static ValueKind
kind_of_scope(const Source *source, Oid type)
{
	return is_list(type) || source->scope_separator != NULL ? VALUE_LIST :
		VALUE_TEXT;
}

/* Can an expression of this type play this role? */
static bool
expression_fits(SourceRole role, Oid type)
{
	switch (role)
	{
		case ROLE_USER:
		case ROLE_TENANT:
			return is_text_type(type) || kind_of_type(type) != VALUE_TEXT;
		case ROLE_EXPIRES:
			return is_timestamp(type) || type == DATEOID;
		case ROLE_SCOPE:
			return scope_type_fits(type);
		case ROLE_ID:
			return true;
		default:
			return false;
	}
}

bool
mapping_type_fits(const Source *source, SourceRole role, Oid type)
{
	switch (role)
	{
		case ROLE_TOKEN:
			return stored_type_fits(source, type);
		case ROLE_USER:
		case ROLE_TENANT:
			return is_text_type(type) || kind_of_type(type) != VALUE_TEXT;
		case ROLE_EXPIRES:
		case ROLE_USED:
		case ROLE_LAST_USED:
		case ROLE_CREATED:
			return is_timestamp(type);
		case ROLE_REVOKED:
			return flag_type_fits(source, type);
		case ROLE_SCOPE:
			return scope_type_fits(type);
		case ROLE_ID:
		case ROLE_COUNT:
			break;
	}
	return true;
}

/*
 * Look a column up by its name.  False if the table has no such column, or one
 * that is not in its rows.
 */
static bool
find_column(Source *source, Oid relation, SourceColumn *column)
{
	HeapTuple	tuple = SearchSysCacheAttName(relation, column->name);
	Form_pg_attribute attribute;
	bool		is_virtual;

	if (!HeapTupleIsValid(tuple))
		return problem_set(source, PROBLEM_NO_COLUMN, relation, column->name);
	attribute = (Form_pg_attribute) GETSTRUCT(tuple);
	is_virtual = TOKENAUTH_IS_VIRTUAL(attribute);
	column->attnum = attribute->attnum;
	column->declared = attribute->atttypid;
	column->is_exact = !is_citext(attribute->atttypid) &&
		(!OidIsValid(attribute->attcollation) ||
		 get_collation_isdeterministic(attribute->attcollation));
	watch_row(&source->watch, tuple);
	ReleaseSysCache(tuple);

	if (is_virtual)
		return problem_set(source, PROBLEM_VIRTUAL_COLUMN, relation,
						   column->name);
	if (column->attnum <= 0)
		return problem_set(source, PROBLEM_COLUMN_TYPE, relation,
						   column->name);
	column->type = plain_type(column->declared);
	column->kind = kind_of_type(column->type);
	watch_word(&source->watch, column->attnum);
	return true;
}

bool
map_strange_type(Source *source, Oid relation, const char *column)
{
	bool		is_first = source->problem == PROBLEM_NONE;

	problem_set(source, PROBLEM_STRANGE_TYPE, relation, column);
	if (is_first)
		source->problem_detail = source->watch.excess;
	return false;
}

bool
map_readable_column(Source *source, Oid relation, SourceColumn *column)
{
	if (!find_column(source, relation, column))
		return false;
	if (!watch_type(&source->watch, column->declared))
		(void) map_strange_type(source, relation, column->name);
	return true;
}

bool
map_is_no_token(Source *source, Oid relation, const char *argument,
				const char *told, const Bitmapset *columns)
{
	const Source *holder = tokens_find(source->token_search, relation, columns);

	if (holder == NULL)
		return true;
	problem_set(source, PROBLEM_TELLS_TOKENS, relation, told);
	source->problem_detail = psprintf("those of source \"%s\"%s, as the %s of \"%s\"",
									  holder->name,
									  holder->relation == relation ? "" :
									  ", by a reference",
									  argument, source->name);
	return false;
}

static bool
refuse_expression(Source *source, Relation table, SourceProblem problem,
				  const SourceColumn *column, const char *detail)
{
	problem_set(source, problem, RelationGetRelid(table), column->expression);
	source->problem_detail = detail;
	return false;
}

/* The value of an expression is told by its text, as that of a column is. */
static bool
map_role_expression(Source *source, Relation table, SourceRole role,
					SourceColumn *column, Bitmapset **made_of)
{
	Bitmapset  *used = NULL;

	if (!map_expression(source, table, column->expression, EXPRESSION_VALUE,
						&used, &column->node))
		return false;
	*made_of = bms_add_members(*made_of,
							   generated_with_origins(RelationGetRelid(table),
													  used));
	if (!map_is_no_token(source, RelationGetRelid(table), role_argument(role),
						 column->expression, used))
		return false;
	column->declared = exprType(column->node);
	column->type = plain_type(column->declared);
	column->is_exact = !is_citext(column->declared);
	if (!expression_fits(role, column->type) ||
		!watch_type(&source->watch, column->declared))
		return refuse_expression(source, table, PROBLEM_EXPRESSION_TYPE,
								 column, source->watch.excess);
	column->kind = role == ROLE_SCOPE ? kind_of_scope(source, column->type) :
		kind_of_type(column->type);
	return true;
}

/* The columns that a generated one is made of, without itself; or none. */
static Bitmapset *
origins_of(Oid relation, AttrNumber attnum)
{
	Bitmapset  *column = bms_make_singleton(attnum);

	return bms_del_members(generated_with_origins(relation, column), column);
}

bool
map_role(Source *source, Relation table, SourceRole role,
		 SourceColumn *column, Bitmapset **made_of)
{
	Oid			relation = RelationGetRelid(table);

	column->attnum = InvalidAttrNumber;
	column->kind = VALUE_NONE;
	column->node = NULL;
	if (column->expression != NULL)
		return map_role_expression(source, table, role, column, made_of);
	if (column->name == NULL)
		return true;
	if (!map_readable_column(source, relation, column))
		return false;
	*made_of = bms_add_members(*made_of, origins_of(relation, column->attnum));
	if (role != ROLE_TOKEN &&
		!map_is_no_token(source, relation, role_argument(role), column->name,
						 bms_make_singleton(column->attnum)))
		return false;
	if (!mapping_type_fits(source, role, column->type))
		return problem_set(source, PROBLEM_COLUMN_TYPE, relation, column->name);
	/* 'Revoked' could be one of the active values, and equal to 'revoked' */
	if (role == ROLE_REVOKED && !column->is_exact)
		return problem_set(source, PROBLEM_COLLATION, relation, column->name);
	if (role == ROLE_SCOPE)
		column->kind = kind_of_scope(source, column->type);
	return true;
}
