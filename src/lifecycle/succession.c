/*-------------------------------------------------------------------------
 *
 * succession.c
 *		A token's successor depends on what the token depended on; see succession.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "judge/lookup.h"
#include "lifecycle/insert_list.h"
#include "lifecycle/kin_columns.h"
#include "lifecycle/lifecycle.h"
#include "lifecycle/shared_row.h"
#include "lifecycle/succession.h"
#include "source/directory.h"
#include "source/generated.h"
#include "source/value.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
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

/*
 * The columns that belong to a token alone, and what is generated from them; also by what
 * another source says of its tokens.
 */
static Bitmapset *
own_columns(const OwnerCall *call, const Source *source)
{
	const TupleConstr *constr = RelationGetDescr(call->table)->constr;
	Bitmapset  *own = bms_union(insert_list_token_alone(call, call->source),
								insert_list_token_alone(call, source));

	return constr != NULL && constr->has_generated_stored ?
		generated_with_uses(source->relation, own) : own;
}

/* The columns in which a successor has what the token has, as one of that source. */
static Bitmapset *
inherited_columns(const OwnerCall *call, const Source *source)
{
	/* a statement before may have had it read again */
	source_require_whole(source);
	return bms_add_members(bms_difference(source->matters,
										  own_columns(call, source)),
						   holding_columns(source));
}

typedef Bitmapset *(*ColumnsOf) (const OwnerCall *call, const Source *source);

/* Those of the source, and of whatever other one of its column a token counts in. */
static Bitmapset *
in_all_sources(const OwnerCall *call, const StoredValue *stored,
			   ColumnsOf columns_of)
{
	Bitmapset  *columns = columns_of(call, call->source);
	ListCell   *lc;

	foreach(lc, source_all_of(call->source->relation))
		if (shared_row_is_kin(call->source, lfirst(lc)) &&
			!shared_row_is_certain(lfirst(lc), stored, NULL, false))
			columns = bms_add_members(columns, columns_of(call, lfirst(lc)));
	return columns;
}

void
succession_check_possible(const OwnerCall *call)
{
	Bitmapset  *columns = inherited_columns(call, call->source);
	Bitmapset  *own = insert_list_token_alone(call, call->source);
	int			attnum = -1;

	while ((attnum = bms_next_member(columns, attnum)) >= 0)
	{
		Form_pg_attribute attribute = owner_attribute(call, attnum);

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

/* What a row is to be the same as, in some columns, and which row. */
typedef struct Model
{
	Oid			row_type;
	const List *rows;			/* one of these will do */
	const StoredValue *stored;	/* the row is where the index has this token; NULL: */
	ItemPointer place;			/* it is there */
} Model;

/* "ROW(...)" of those columns of what has that name in SQL */
static char *
row_of(const OwnerCall *call, const Bitmapset *columns, const char *prefix)
{
	StringInfoData sql;
	int			attnum = -1;

	initStringInfo(&sql);
	while ((attnum = bms_next_member(columns, attnum)) >= 0)
		appendStringInfo(&sql, "%s%s.%s", sql.len > 0 ? ", " : "ROW(", prefix,
						 quote_identifier(NameStr(owner_attribute(call, attnum)->attname)));
	appendStringInfoChar(&sql, ')');
	return sql.data;
}

/* "the row is that one"; wherever it is of those with the token, or in the index */
static char *
is_row(OwnerCall *call, const Model *model, bool in_index)
{
	if (model->stored == NULL)
		return psprintf("t.ctid OPERATOR(pg_catalog.=) $%d",
						owner_parameter(call, TIDOID,
										PointerGetDatum(model->place), false));
	return psprintf("%s%s", owner_is_token(call, model->stored),
					in_index ? owner_is_in_index(call, "t") : "");
}

/* "the row is the same as one of the model's in those columns" */
static char *
is_like_model(OwnerCall *call, const Bitmapset *columns, const Model *model)
{
	StringInfoData sql;
	ListCell   *lc;

	initStringInfo(&sql);
	foreach(lc, model->rows)
	{
		int			n = owner_parameter(call, model->row_type,
										PointerGetDatum(lfirst(lc)), false);

		appendStringInfo(&sql, "%spg_catalog.record_image_eq(%s, %s)",
						 sql.len > 0 ? " OR " : "",
						 row_of(call, columns, "t"),
						 row_of(call, columns, psprintf("($%d)", n)));
	}
	return sql.len > 0 ? sql.data : "false";
}

/*
 * Is the row another one than the model in those columns?  So it is, too, if it is not
 * found.
 */
static bool
differs(OwnerCall *call, const Bitmapset *columns, const Model *model,
		bool in_index)
{
	char	   *like = is_like_model(call, columns, model);
	QueryResult *result;
	bool		found;

	result = owner_query_latest(call,
								psprintf("SELECT FROM ONLY %s AS t WHERE %s HAVING pg_catalog.bool_and(%s) IS NOT TRUE",
										 owner_table(call),
										 is_row(call, model, in_index), like));
	found = result->nrows > 0;
	query_free(result);
	return found;
}

/* The names of those columns in which it does, wherever it is, in quotes. */
static char *
differing_names(OwnerCall *call, const Bitmapset *columns, const Model *model)
{
	StringInfoData names;
	int			attnum = -1;

	initStringInfo(&names);
	while ((attnum = bms_next_member(columns, attnum)) >= 0)
		if (differs(call, bms_make_singleton(attnum), model, false))
			appendStringInfo(&names, "%s\"%s\"", names.len > 0 ? ", " : "",
							 NameStr(owner_attribute(call, attnum)->attname));
	return names.data;
}

static void
check_same(OwnerCall *call, const Source *source, const Bitmapset *columns,
		   const Model *model)
{
	Bitmapset  *copied;
	char	   *names;

	if (bms_is_empty(columns) || !differs(call, columns, model, true))
		return;
	copied = insert_list_copied(call);
	names = differing_names(call, bms_intersect(columns, copied), model);
	if (names[0] != '\0')
		ereport(ERROR,
				(errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION),
				 errmsg("the token of source \"%s\" would not say, or depend on, what it did before",
						source->name),
				 errdetail("Its row would have other values in: %s.", names),
				 errhint("A trigger, a rule or other code of table \"%s\" changes its row.",
						 RelationGetRelationName(call->table))));
	names = differing_names(call, bms_difference(columns, copied), model);
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("the token of source \"%s\" would not say, or depend on, what it did before",
					source->name),
			 names[0] == '\0' ? errdetail("None of its rows is what it was.") :
			 errdetail("Its row would have other values in: %s, to which tokenauth copies nothing.",
					   names),
			 errhint("Revoke the token, and issue another.")));
}

void
succession_check_made(OwnerCall *call, const Succession *succession,
					  const StoredValue *stored)
{
	check_same(call, call->source,
			   in_all_sources(call, stored, inherited_columns),
			   &(Model) {succession->row_type,
			   list_make1(DatumGetPointer(succession->row)), stored});
}

/* ---------- a token's own rows ---------- */

/* Add the columns of a row that change while its token lives on, as a source has them. */
static Bitmapset *
add_changing(Bitmapset *columns, const Source *source)
{
	static const SourceRole role[] = {ROLE_EXPIRES, ROLE_LAST_USED};

	for (int i = 0; i < lengthof(role); i++)
		if (AttributeNumberIsValid(source->column[role[i]].attnum))
			columns = bms_add_member(columns, source->column[role[i]].attnum);
	return columns;
}

/* These, and when it was written, and what is generated from them. */
static Bitmapset *
changing_columns(const OwnerCall *call, const Source *source)
{
	AttrNumber	updated = get_attnum(source->relation, UPDATED_COLUMN);
	Bitmapset  *columns = add_changing(NULL, source);

	columns = add_changing(columns, call->source);
	if (updated > 0)
		columns = bms_add_member(columns, updated);
	return generated_with_uses(source->relation, columns);
}

/*
 * The columns that a verdict tells, and what these are generated from; not what else
 * decides if there is one.
 */
static Bitmapset *
told_columns(const OwnerCall *call, const Source *source)
{
	Bitmapset  *claims;

	source_require_whole(source);
	claims = generated_with_origins(source->relation, kin_claims(source));
	return bms_add_members(bms_difference(claims, changing_columns(call, source)),
						   holding_columns(source));
}

/* Those in which it lives in one source. */
typedef struct KeptRows
{
	const char *source;			/* its name */
	List	   *rows;
} KeptRows;

/* The whole rows in those places. */
static List *
rows_at(OwnerCall *call, const List *places)
{
	char	   *table = owner_table(call);
	List	   *rows = NIL;
	ListCell   *lc;

	foreach(lc, places)
	{
		int			n = owner_parameter(call, TIDOID,
										PointerGetDatum(lfirst(lc)), false);
		QueryResult *result;
		bool		isnull;

		result = owner_query_latest(call,
									psprintf("SELECT CAST(t.* AS %s) FROM ONLY %s AS t WHERE t.ctid OPERATOR(pg_catalog.=) $%d",
											 table, table, n));
		if (result->nrows > 0)
			rows = lappend(rows, DatumGetPointer(query_value(result, 0, 1, &isnull)));
	}
	return rows;
}

/* What cannot be read has no rows; kin.h has what it could come to. */
static List *
live_places(const OwnerCall *call, Source *source, const StoredValue *stored)
{
	List	   *places = NIL;

	if (!source_is_same(source, call->source) &&
		(!shared_row_is_kin(call->source, source) || !source_is_readable(source)))
		return NIL;
	if (!lookup_live_rows(source, stored, &places))
		stored_source_changed(source);
	return places;
}

List *
succession_rows(OwnerCall *call, const StoredValue *stored)
{
	List	   *kept = NIL;
	ListCell   *lc;

	foreach(lc, source_all_of(call->source->relation))
	{
		List	   *places = live_places(call, lfirst(lc), stored);
		KeptRows   *one;

		if (places == NIL)
			continue;
		one = palloc(sizeof(KeptRows));
		one->source = pstrdup(((Source *) lfirst(lc))->name);
		one->rows = rows_at(call, places);
		kept = lappend(kept, one);
	}
	return kept;
}

static const List *
rows_of(const List *kept, const Source *source)
{
	ListCell   *lc;

	foreach(lc, kept)
	{
		const KeptRows *one = lfirst(lc);

		if (strcmp(one->source, source->name) == 0)
			return one->rows;
	}
	return NIL;
}

/* They have what is in the table's columns, so what it has of tokens. */
static void
forget_rows(List *kept)
{
	ListCell   *lc;
	ListCell   *row;

	foreach(lc, kept)
		foreach(row, ((KeptRows *) lfirst(lc))->rows)
			token_wipe(PointerGetDatum(lfirst(row)));
}

void
succession_check_kept(OwnerCall *call, Oid row_type, List *kept,
					  const StoredValue *stored)
{
	ListCell   *lc;
	ListCell   *place;

	source_refresh();
	foreach(lc, source_all_of(call->source->relation))
	{
		Source	   *source = lfirst(lc);
		List	   *places = live_places(call, source, stored);

		foreach(place, places)
			check_same(call, source, told_columns(call, source),
					   &(Model) {row_type, rows_of(kept, source), NULL,
					   lfirst(place)});
		/* where it does not live any more, it is to be the same for another day */
		if (places == NIL && source_is_same(source, call->source))
			check_same(call, source, told_columns(call, source),
					   &(Model) {row_type, rows_of(kept, source), stored});
	}
	forget_rows(kept);
}
