/*-------------------------------------------------------------------------
 *
 * shared_row.c
 *		What other sources of the same table have in a row; see shared_row.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "judge/lookup.h"
#include "lifecycle/shared_row.h"
#include "source/directory.h"
#include "source/token_columns.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

const Source *
shared_row_user(const Source *source, const char *column, bool except_id,
				SourceRole *role)
{
	ListCell   *lc;

	foreach(lc, source_all_of(source->relation))
	{
		const Source *other = lfirst(lc);

		if (source_is_same(other, source))
			continue;
		for (*role = ROLE_TOKEN; *role < ROLE_COUNT; (*role)++)
			if (source_role_is(other, *role, column) && !(except_id && *role == ROLE_ID))
				return other;
	}
	return NULL;
}

bool
shared_row_has_token(const Source *source, const char *column)
{
	ListCell   *lc;

	foreach(lc, source_all_of(source->relation))
		if (!source_is_same(lfirst(lc), source) &&
			source_role_is(lfirst(lc), ROLE_TOKEN, column))
			return true;
	return false;
}

Bitmapset *
shared_row_tokens(const Source *source)
{
	Bitmapset  *columns = NULL;
	ListCell   *lc;

	foreach(lc, source_all_of(source->relation))
		if (!source_is_same(lfirst(lc), source))
			columns = bms_add_members(columns, tokens_origins(lfirst(lc)));
	return columns;
}

const Source *
shared_row_made_of(const Source *source, AttrNumber attnum)
{
	ListCell   *lc;

	foreach(lc, source_all_of(source->relation))
		if (!source_is_same(lfirst(lc), source) &&
			bms_is_member(attnum, tokens_origins(lfirst(lc))))
			return lfirst(lc);
	return NULL;
}

/* "row.column" for each of some columns, with a comma between. */
static char *
columns_of_row(Oid relation, const Bitmapset *columns, const char *row)
{
	StringInfoData list;
	int			attnum = -1;

	initStringInfo(&list);
	while ((attnum = bms_next_member(columns, attnum)) >= 0)
		appendStringInfo(&list, "%s%s.%s", list.len > 0 ? ", " : "", row,
						 quote_identifier(get_attname(relation, attnum, false)));
	return list.data;
}

/*
 * "the other source has the same token in both rows".  What its verify compares with can
 * be empty in both, and is none then.
 */
static char *
is_same_token(const OwnerCall *call, const Source *other, const char *old_row)
{
	Oid			relation = call->source->relation;
	Bitmapset  *columns = tokens_columns(other);
	AttrNumber	attnum = other->column[ROLE_TOKEN].name == NULL ? InvalidAttrNumber :
		get_attnum(relation, other->column[ROLE_TOKEN].name);
	Bitmapset  *secret = bms_copy(columns);

	if (attnum <= 0)
		return "false";
	secret = bms_del_member(secret, attnum);
	return psprintf("t.%s IS NOT NULL%s AND pg_catalog.record_image_eq(ROW(%s), ROW(%s))",
					quote_identifier(other->column[ROLE_TOKEN].name),
					bms_is_empty(secret) ? "" :
					psprintf(" AND pg_catalog.num_nonnulls(%s) OPERATOR(pg_catalog.>) 0",
							 columns_of_row(relation, secret, "t")),
					columns_of_row(relation, columns, "t"),
					columns_of_row(relation, columns, old_row));
}

static void
check_apart(OwnerCall *call, const Source *other, const StoredValue *stored,
			Oid row_type, Datum row)
{
	char	   *old_row = psprintf("($%d)", owner_parameter(call, row_type, row, false));
	QueryResult *result;

	result = owner_query_latest(call,
								psprintf("SELECT FROM ONLY %s AS t WHERE %s AND %s LIMIT 1",
										 owner_table(call),
										 owner_is_token(call, stored),
										 is_same_token(call, other, old_row)));
	if (result->nrows > 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the new row of the token of source \"%s\" would have the old row's token of source \"%s\"",
						call->source->name, other->name),
				 errdetail("It is carried over by a column by which the source's own tokens are judged, or by a default, a trigger or a rule of the table."),
				 errhint("Revoke the token, and issue another.")));
	query_free(result);
}

void
shared_row_check_apart(OwnerCall *call, const StoredValue *stored,
					   Oid row_type, Datum row)
{
	ListCell   *lc;

	foreach(lc, source_all_of(call->source->relation))
	{
		const Source *other = lfirst(lc);

		if (!source_is_same(other, call->source) &&
			!shared_row_is_kin(call->source, other))
			check_apart(call, other, stored, row_type, row);
	}
}

/* Has the row with that token anything in that column? */
static bool
is_filled(OwnerCall *call, const StoredValue *stored, AttrNumber attnum)
{
	Form_pg_attribute attribute = owner_attribute(call, attnum);
	QueryResult *result;
	bool		found;

	result = owner_query_latest(call,
								psprintf("SELECT FROM ONLY %s WHERE %s AND %s IS NOT NULL LIMIT 1",
										 owner_table(call),
										 owner_is_token(call, stored),
										 quote_identifier(NameStr(attribute->attname))));
	found = result->nrows > 0;
	query_free(result);
	return found;
}

static void
check_chosen(OwnerCall *call, const StoredValue *stored, AttrNumber attnum)
{
	const Source *other = shared_row_made_of(call->source, attnum);

	if (other == NULL || !is_filled(call, stored, attnum))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("the caller could choose a token of source \"%s\" in the new row",
					other->name),
			 errdetail("The default of column \"%s\" could go by the session.",
					   NameStr(owner_attribute(call, attnum)->attname)),
			 errhint("Give the column no default, or one of random values, such as 'rt_' || gen_random_uuid()::text.")));
}

void
shared_row_check_chosen(OwnerCall *call, const StoredValue *stored,
						const Bitmapset *columns)
{
	int			attnum = -1;

	while ((attnum = bms_next_member(columns, attnum)) >= 0)
		check_chosen(call, stored, attnum);
}

const char *
shared_row_has_own(OwnerCall *call)
{
	return list_length(source_all_of(call->source->relation)) > 1 ?
		psprintf(" AND %s IS NOT NULL", owner_column(call, ROLE_TOKEN)) : "";
}

bool
shared_row_has_kinds(const Source *source)
{
	return shared_row_has_token(source, source->column[ROLE_TOKEN].name);
}

bool
shared_row_is_kin(const Source *source, const Source *other)
{
	return other->relation == source->relation &&
		!source_is_same(other, source) &&
		source_role_is(other, ROLE_TOKEN, source->column[ROLE_TOKEN].name);
}

bool
shared_row_is_certain(Source *source, const StoredValue *stored,
					  const char *id, bool meets)
{
	bool		met;

	return source_is_readable(source) &&
		lookup_condition(source, stored, id, &met) && met == meets;
}

bool
shared_row_is_others(const Source *source, const StoredValue *stored,
					 const char *id)
{
	ListCell   *lc;

	if (!shared_row_has_kinds(source) ||
		!shared_row_is_certain(unconstify(Source *, source), stored, id, false))
		return false;
	foreach(lc, source_all_of(source->relation))
		if (shared_row_is_kin(source, lfirst(lc)) &&
			shared_row_is_certain(lfirst(lc), stored, id, true))
			return true;
	return false;
}
