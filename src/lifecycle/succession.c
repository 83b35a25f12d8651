/*-------------------------------------------------------------------------
 *
 * succession.c
 *		A token's successor depends on what the token depended on; see succession.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lifecycle/insert_list.h"
#include "lifecycle/succession.h"
#include "source/generated.h"
#include "source/value.h"
#include "utils/builtins.h"
#include "utils/rel.h"

/* The columns that say whose a token is, or lead to rows that say that, or its end. */
static Bitmapset *
holding_columns(const Source *source)
{
	static const SourceRole role[] = {ROLE_USER, ROLE_TENANT, ROLE_SCOPE};
	Bitmapset  *columns = NULL;

	for (int i = 0; i < lengthof(role); i++)
		if (AttributeNumberIsValid(source->column[role[i]].attnum))
			columns = bms_add_member(columns, source->column[role[i]].attnum);
	for (int i = 0; i < source->nparents; i++)
		if (source->parent[i].via == VIA_TOKEN &&
			AttributeNumberIsValid(source->parent[i].from.attnum))
			columns = bms_add_member(columns, source->parent[i].from.attnum);
	return columns;
}

/* The columns in which a successor has what the token has. */
static Bitmapset *
inherited_columns(const OwnerCall *call)
{
	const Source *source = call->source;
	Bitmapset  *own = generated_with_uses(source->relation,
										  insert_list_token_alone(call));

	/* a statement before may have had it read again */
	source_require_whole(source);
	return bms_add_members(bms_difference(source->matters, own),
						   holding_columns(source));
}

static Form_pg_attribute
column_of(const OwnerCall *call, int attnum)
{
	TupleDesc	desc = RelationGetDescr(call->table);

	if (attnum > desc->natts)
		stored_source_changed(call->source);
	return TupleDescAttr(desc, attnum - 1);
}

void
succession_check_possible(const OwnerCall *call)
{
	Bitmapset  *columns = inherited_columns(call);
	Bitmapset  *own = insert_list_token_alone(call);
	int			attnum = -1;

	while ((attnum = bms_next_member(columns, attnum)) >= 0)
	{
		Form_pg_attribute attribute = column_of(call, attnum);

		if (attribute->attgenerated ||
			(!attribute->attidentity && !bms_is_member(attnum, own)))
			continue;
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("tokens of source \"%s\" cannot be rotated",
						call->source->name),
				 errdetail("What a token says, or how long it lives, depends on column \"%s\", in which a new row has another value.",
						   NameStr(attribute->attname)),
				 errhint("Issue a token, and revoke the old one.")));
	}
}

/* An array of the names of those columns in which the row is not the parameter's. */
static char *
differing_columns(const OwnerCall *call, const Bitmapset *columns, int parameter)
{
	StringInfoData sql;
	int			attnum = -1;

	initStringInfo(&sql);
	while ((attnum = bms_next_member(columns, attnum)) >= 0)
	{
		const char *name = NameStr(column_of(call, attnum)->attname);

		appendStringInfo(&sql,
						 "%sCASE WHEN pg_catalog.record_image_ne(ROW(t.%s), ROW(($%d).%s)) THEN CAST(%s AS pg_catalog.text) END",
						 sql.len > 0 ? ", " : "", quote_identifier(name), parameter,
						 quote_identifier(name),
						 quote_literal_cstr(psprintf("\"%s\"", name)));
	}
	return psprintf("pg_catalog.array_to_string(ARRAY[%s], ', ')", sql.data);
}

/*
 * In which of these columns does the row of the value differ from that one?  "" or NULL:
 * in none.  Of several rows it is the one that differs, or that does not.
 */
static const char *
find_difference(OwnerCall *call, const Bitmapset *columns, Oid row_type,
				Datum row, const StoredValue *stored, bool any)
{
	char	   *differing;
	QueryResult *result;
	const char *names;

	if (bms_is_empty(columns))
		return NULL;
	differing = differing_columns(call, columns,
								  owner_parameter(call, row_type, row, false));
	result = owner_query_latest(call,
								psprintf("SELECT %s FROM ONLY %s AS t WHERE %s ORDER BY 1 %s LIMIT 1",
										 differing, owner_table(call),
										 owner_is_token(call, stored),
										 any ? "DESC" : "ASC"));
	names = result->nrows > 0 ? query_text(result, 0, 1) : NULL;
	query_free(result);
	return names;
}

static void
check_same(OwnerCall *call, Oid row_type, Datum row, const StoredValue *stored,
		   bool any)
{
	Bitmapset  *columns = inherited_columns(call);
	Bitmapset  *copied = bms_intersect(columns, insert_list_copied(call));
	Bitmapset  *others = bms_difference(columns, copied);
	const char *names = find_difference(call, copied, row_type, row, stored, any);

	if (names != NULL && names[0] != '\0')
		ereport(ERROR,
				(errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION),
				 errmsg("the token of source \"%s\" would not say, or depend on, what it did before",
						call->source->name),
				 errdetail("Its row would have other values in: %s.", names),
				 errhint("A trigger, a rule or other code of table \"%s\" changes its row.",
						 RelationGetRelationName(call->table))));
	names = find_difference(call, others, row_type, row, stored, any);
	if (names != NULL && names[0] != '\0')
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the token of source \"%s\" would not say, or depend on, what it did before",
						call->source->name),
				 errdetail("Its row would have other values in: %s, to which tokenauth copies nothing.",
						   names),
				 errhint("Revoke the token, and issue another.")));
}

void
succession_check_made(OwnerCall *call, const Succession *succession,
					  const StoredValue *stored)
{
	check_same(call, succession->row_type, succession->row, stored, true);
}

void
succession_check_kept(OwnerCall *call, Oid row_type, Datum row,
					  const StoredValue *stored)
{
	check_same(call, row_type, row, stored, false);
}
