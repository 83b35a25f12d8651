/*-------------------------------------------------------------------------
 *
 * insert_list.c
 *		The INSERT of a token's row, while it is put together.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/tableam.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "lifecycle/life.h"
#include "lifecycle/insert_list.h"
#include "lifecycle/lifecycle.h"
#include "lifecycle/shared_row.h"
#include "source/directory.h"
#include "source/extension.h"
#include "source/flag.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#define UUID_TEXT_LEN		36

/* When a row was last written, to object-relational mappers. */

/* Does the table make the column's values, whatever an INSERT says? */
static bool
makes_its_values(Form_pg_attribute attribute)
{
	return attribute->attgenerated ||
		attribute->attidentity == ATTRIBUTE_IDENTITY_ALWAYS;
}

/* Does it tell another source, and only that, when the row was made? */
static bool
is_created_of_another(const Source *source, Form_pg_attribute attribute)
{
	const char *name = NameStr(attribute->attname);
	bool		is_created = false;
	ListCell   *lc;

	if (bms_is_member(attribute->attnum, source->matters))
		return false;
	foreach(lc, source_all_of(source->relation))
	{
		for (SourceRole role = 0; role < ROLE_COUNT; role++)
			if (role != ROLE_CREATED && source_role_is(lfirst(lc), role, name))
				return false;
		is_created |= source_role_is(lfirst(lc), ROLE_CREATED, name);
	}
	return is_created;
}

/* The column in which a source of the table has when a row was made, if we write it. */
static Form_pg_attribute
created_column(const InsertList *list, const Source *source)
{
	const Source *own = list->call->source;
	const char *name = source->column[ROLE_CREATED].name;
	AttrNumber	attnum = name ? get_attnum(own->relation, name) : InvalidAttrNumber;
	Form_pg_attribute attribute;

	if (attnum <= 0)
		return NULL;
	attribute = TupleDescAttr(RelationGetDescr(list->call->table), attnum - 1);
	return is_timestamp(getBaseType(attribute->atttypid)) &&
		!makes_its_values(attribute) &&
		(source_is_same(source, own) || is_created_of_another(own, attribute)) ?
		attribute : NULL;
}

/*
 * When the transaction began, as all else in the row says that goes by now(): defaults,
 * triggers, constraints.  As all columns that say it can keep it, so that all say the same.
 */
static TimestampTz
begin_of_life(const InsertList *list)
{
	TimestampTz begin = GetCurrentTransactionStartTimestamp();
	ListCell   *lc;

	foreach(lc, source_all_of(list->call->source->relation))
	{
		Form_pg_attribute attribute = created_column(list, lfirst(lc));

		if (attribute != NULL)
			begin = life_as_kept(attribute, begin);
	}
	return begin;
}

void
insert_list_begin(InsertList *list, OwnerCall *call,
				  const Succession *copied)
{
	list->call = call;
	list->copied = copied;
	list->copied_row = 0;
	list->others = shared_row_tokens(call->source);
	list->given = list->arguments = list->attributes = NULL;
	list->begin = begin_of_life(list);
	list->begin_at = 0;
	initStringInfo(&list->columns);
	initStringInfo(&list->values);
}

/* The INSERT would say less. */
static void
check_can_be_written(const Source *source, Form_pg_attribute attribute)
{
	if (makes_its_values(attribute))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("column \"%s\" of token source \"%s\" cannot be set",
						NameStr(attribute->attname), source->name),
				 errdetail("The table generates its values.")));
}

void
insert_list_give(InsertList *list, AttrNumber attnum, const char *value)
{
	/* the source may have been read again by the owner's lookup */
	Form_pg_attribute attribute = owner_attribute(list->call, attnum);
	const char *separator = list->columns.len > 0 ? ", " : "";

	check_can_be_written(list->call->source, attribute);
	list->given = bms_add_member(list->given, attnum);
	appendStringInfo(&list->columns, "%s%s", separator,
					 quote_identifier(NameStr(attribute->attname)));
	appendStringInfo(&list->values, "%s%s", separator, value);
}

/* Has the column a value if the INSERT gives none? */
static bool
fills_itself(Form_pg_attribute attribute)
{
	return attribute->atthasdef || attribute->attidentity ||
		attribute->attgenerated || attribute->attisdropped;
}

Form_pg_attribute
insert_list_unfilled(const InsertList *list, AttrNumber attnum)
{
	Form_pg_attribute attribute;

	if (attnum <= 0 || bms_is_member(attnum, list->given))
		return NULL;
	attribute = TupleDescAttr(RelationGetDescr(list->call->table), attnum - 1);
	return fills_itself(attribute) ? NULL : attribute;
}

/* Is there room for a uuid as text? */
static bool
takes_uuid_text(const Source *source, Form_pg_attribute attribute)
{
	Oid			type = source->column[ROLE_ID].type;

	return (type == TEXTOID || type == VARCHAROID) &&
		(attribute->atttypmod < 0 ||
		 attribute->atttypmod >= VARHDRSZ + UUID_TEXT_LEN);
}

static void
give_id(InsertList *list)
{
	const Source *source = list->call->source;
	const SourceColumn *id = &source->column[ROLE_ID];
	Form_pg_attribute attribute = insert_list_unfilled(list, id->attnum);

	if (attribute == NULL)
		return;
	if (id->type == UUIDOID)
		insert_list_give(list, id->attnum, "pg_catalog.gen_random_uuid()");
	else if (takes_uuid_text(source, attribute))
		insert_list_give(list, id->attnum,
						 "CAST(pg_catalog.gen_random_uuid() AS pg_catalog.text)");
}

/* The flag or status of a live token, where NULL would not mean live. */
static void
give_live_flag(InsertList *list)
{
	AttrNumber	attnum = list->call->source->column[ROLE_REVOKED].attnum;
	char	   *live;

	if (insert_list_unfilled(list, attnum) == NULL)
		return;
	live = flag_live_sql(list->call);
	if (live != NULL)
		insert_list_give(list, attnum, live);
}

static void
give_now(InsertList *list, AttrNumber attnum)
{
	Form_pg_attribute attribute = insert_list_unfilled(list, attnum);
	Oid			type = attribute ? getBaseType(attribute->atttypid) : InvalidOid;

	if (is_timestamp(type))
		insert_list_give(list, attnum,
						 owner_in_timezone(list->call->source, type,
										   "pg_catalog.clock_timestamp()"));
}

/* Has another source of the table a role for it that this one has not? */
static bool
has_other_role(const Source *source, const char *column)
{
	ListCell   *lc;

	foreach(lc, source_all_of(source->relation))
		for (SourceRole role = 0; role < ROLE_COUNT; role++)
			if (source_role_is(lfirst(lc), role, column) &&
				!source_role_is(source, role, column))
				return true;
	return false;
}

void
insert_list_give_known(InsertList *list)
{
	const Source *source = list->call->source;

	give_id(list);
	give_live_flag(list);
	if (!has_other_role(source, UPDATED_COLUMN))
		give_now(list, get_attnum(source->relation, UPDATED_COLUMN));
}

SourceRole
insert_list_next_role(const Source *source, AttrNumber attnum, SourceRole role)
{
	while (role < ROLE_COUNT && source->column[role].attnum != attnum)
		role++;
	return role;
}

SourceRole
insert_list_role_of(const Source *source, AttrNumber attnum)
{
	return insert_list_next_role(source, attnum, ROLE_TOKEN);
}

/* What is made anew for each token, and says nothing that a successor would inherit. */
static bool
is_of_token_alone(const Source *source, Form_pg_attribute attribute)
{
	const char *name = NameStr(attribute->attname);

	switch (insert_list_role_of(source, attribute->attnum))
	{
		case ROLE_TOKEN:
		case ROLE_ID:
		case ROLE_EXPIRES:
		case ROLE_USED:
		case ROLE_LAST_USED:
		case ROLE_CREATED:
			return true;
		case ROLE_REVOKED:
			/* a status is that of a live token, even if there is a default */
			return false;
		default:
			if (has_other_role(source, name))
				return is_created_of_another(source, attribute);
			return strcmp(name, DISPLAY_COLUMN) == 0 ||
				strcmp(name, UPDATED_COLUMN) == 0 ||
				strcmp(name, "revoked_at") == 0;
	}
}

/* "($n)", the old row */
static char *
copied_row(InsertList *list)
{
	if (list->copied_row == 0)
		list->copied_row = owner_parameter(list->call, list->copied->row_type,
										   list->copied->row, false);
	return psprintf("($%d)", list->copied_row);
}

static void
give_begin(InsertList *list, const Source *source)
{
	Form_pg_attribute attribute = created_column(list, source);
	char	   *value;

	if (attribute == NULL || bms_is_member(attribute->attnum, list->given))
		return;
	/* the table can have any number of such columns */
	if (list->begin_at == 0)
		list->begin_at = owner_timestamp(list->call, list->begin);
	value = owner_in_timezone(source, getBaseType(attribute->atttypid),
							  psprintf("$%d", list->begin_at));
	if (!source_is_same(source, list->call->source))
	{
		if (list->copied != NULL)
			value = psprintf("CASE WHEN %s.%s IS NOT NULL THEN %s END",
							 copied_row(list),
							 quote_identifier(NameStr(attribute->attname)), value);
		else if (!attribute->atthasdef)
			return;
	}
	insert_list_give(list, attribute->attnum, value);
}

void
insert_list_give_created(InsertList *list)
{
	ListCell   *lc;

	give_begin(list, list->call->source);
	foreach(lc, source_all_of(list->call->source->relation))
		if (!source_is_same(lfirst(lc), list->call->source))
			give_begin(list, lfirst(lc));
}

Bitmapset *
insert_list_token_alone(const OwnerCall *call, const Source *source)
{
	TupleDesc	desc = RelationGetDescr(call->table);
	Bitmapset  *columns = NULL;

	for (int i = 0; i < desc->natts; i++)
		if (is_of_token_alone(source, TupleDescAttr(desc, i)))
			columns = bms_add_member(columns, i + 1);
	return columns;
}

/* Does it have a token of another source, or part of one, and no say about ours? */
static bool
is_of_another(const Source *source, const Bitmapset *others, AttrNumber attnum)
{
	return bms_is_member(attnum, others) &&
		insert_list_role_of(source, attnum) == ROLE_COUNT &&
		!bms_is_member(attnum, source->matters);
}

/*
 * Is this column copied when a token is rotated?  Not one with a token of another
 * source, which stays in the row that it is in: it would have two.  Nor what such a
 * token is made of, unless the new row would be no copy without it; then the token must
 * be another one all the same (shared_row_check_apart()).
 */
static bool
is_copied(const Source *source, const Bitmapset *others,
		  Form_pg_attribute attribute)
{
	return !attribute->attisdropped && !attribute->attgenerated &&
		!attribute->attidentity &&
		!is_of_token_alone(source, attribute) &&
		!shared_row_has_token(source, NameStr(attribute->attname)) &&
		!is_of_another(source, others, attribute->attnum);
}

Bitmapset *
insert_list_copied(const OwnerCall *call)
{
	TupleDesc	desc = RelationGetDescr(call->table);
	Bitmapset  *others = shared_row_tokens(call->source);
	Bitmapset  *columns = NULL;

	for (int i = 0; i < desc->natts; i++)
		if (is_copied(call->source, others, TupleDescAttr(desc, i)))
			columns = bms_add_member(columns, i + 1);
	return columns;
}

void
insert_list_give_copies(InsertList *list)
{
	Bitmapset  *copied = bms_del_members(insert_list_copied(list->call),
										 list->given);
	TupleDesc	desc = RelationGetDescr(list->call->table);
	char	   *row = copied_row(list);
	int			attnum = -1;

	while ((attnum = bms_next_member(copied, attnum)) >= 0)
		insert_list_give(list, attnum,
						 psprintf("%s.%s", row,
								  quote_identifier(NameStr(TupleDescAttr(desc, attnum - 1)->attname))));
}

bool
insert_list_runs_code(Relation table)
{
	const TriggerDesc *triggers = table->trigdesc;

	if (table->rd_rules != NULL)
		return true;
	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		const Trigger *trigger = &triggers->triggers[i];

		if (!trigger->tgisinternal &&
			trigger->tgfoid != extension_known()->trigger_function &&
			trigger->tgenabled != TRIGGER_DISABLED &&
			TRIGGER_FOR_INSERT(trigger->tgtype))
			return true;
	}
	return false;
}

/* Is that version of a row the one that counts? */
static bool
is_latest(Relation table, ItemPointer tid)
{
	TupleTableSlot *row = table_slot_create(table, NULL);
	bool		is_there = table_tuple_fetch_row_version(table, tid, SnapshotSelf, row);

	ExecDropSingleTupleTableSlot(row);
	return is_there;
}

/* Has code of the table's owner taken part in what the row is? */
static bool
has_changed(const OwnerCall *call, const QueryResult *result)
{
	bool		isnull;
	Datum		tid = query_value(result, 0, INSERTED_PLACE, &isnull);

	return isnull || insert_list_runs_code(call->table) ||
		!is_latest(call->table, (ItemPointer) DatumGetPointer(tid));
}

/*
 * May it have, for the table had such code only meanwhile?  A default's can create a
 * trigger.  Others can have analysed the table as well, so nothing is refused for that.
 */
static bool
may_have_changed(const Source *source, uint64 built)
{
	return source->built != built || source->state != SOURCE_CURRENT;
}

QueryResult *
insert_list_run(InsertList *list, const char *from, const char *more)
{
	OwnerCall  *call = list->call;
	bool		has_id = call->source->column[ROLE_ID].kind != VALUE_NONE;
	/* what needs no subquery is planned faster */
	char	   *row = psprintf(from[0] == '\0' ? "VALUES (%s)%s" : "SELECT %s %s",
							   list->values.data, from);
	uint64		built = call->source->built;
	QueryResult *result;

	call->makes_row = true;
	result = owner_write(call,
						 psprintf("INSERT INTO %s (%s) %s RETURNING %s, %s, %s, %s",
								  owner_table(call), list->columns.data, row,
								  owner_read_timestamp(call, ROLE_EXPIRES),
								  has_id ? owner_column(call, ROLE_ID) : "NULL",
								  insert_list_runs_code(call->table) ? "NULL" : "ctid",
								  more));
	call->makes_row = false;
	if (result->nrows != 1)
		ereport(ERROR,
				(errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION),
				 errmsg("the row of the new token was not inserted"),
				 errhint("A trigger or rule of table \"%s\" may have kept it out.",
						 RelationGetRelationName(call->table))));
	list->changed = has_changed(call, result);
	list->suspect = list->changed || may_have_changed(call->source, built);
	return result;
}
