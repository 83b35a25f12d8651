/*-------------------------------------------------------------------------
 *
 * insert_arguments.c
 *		What a caller gives for a new row: arguments and attributes.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lifecycle/insert_arguments.h"
#include "lifecycle/shared_row.h"
#include "source/registry.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

/* Another table says it, of the row that the token's is to refer to. */
static void
refuse_to_write_parent(const Source *source, const SourceParent *parent,
					   const char *argument)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("argument \"%s\" must be null for token source \"%s\"",
					argument, source->name),
			 errdetail("Table %s says it, by column \"%s\".",
					   parent->name, parent->path),
			 parent->via == VIA_TOKEN ?
			 errhint("Give that column in the argument \"attributes\".") : 0));
}

void
insert_arguments_give(InsertList *list, SourceRole role,
					  const char *argument, const char *value)
{
	const Source *source = list->call->source;
	const SourceColumn *column = &source->column[role];

	if (value == NULL)
		return;
	if (source_parent_with(source, role) != NULL)
		refuse_to_write_parent(source, source_parent_with(source, role),
							   argument);
	if (!AttributeNumberIsValid(column->attnum))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("token source \"%s\" has no %s for the argument \"%s\"",
						source->name, role_argument(role), argument)));
	list->arguments = bms_add_member(list->arguments, column->attnum);
	if (!bms_is_member(column->attnum, list->given))
		insert_list_give(list, column->attnum,
						 role == ROLE_SCOPE ?
						 new_scopes_given(list->call, value) :
						 owner_cast(list->call, role, value));
}

/* The argument that sets a role's column, or NULL. */
static const char *
argument_of_role(SourceRole role)
{
	switch (role)
	{
		case ROLE_USER:
			return "user_id";
		case ROLE_TENANT:
			return "tenant_id";
		case ROLE_SCOPE:
			return "scope";
		case ROLE_EXPIRES:
			return "expires_in";
		default:
			return NULL;
	}
}

/* What an expression makes of a row can be a user or tenant, by a default, too. */
static void
refuse_to_give_none(const Source *source, SourceRole role)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("the token has no %s, which cannot be written so into a token of source \"%s\"",
					role == ROLE_USER ? "user" : "tenant", source->name),
			 errdetail("An expression says which its tokens have."),
			 errhint("Exchange it for a token of a source with a %s.",
					 role_argument(role))));
}

void
insert_arguments_give_none(InsertList *list, SourceRole role)
{
	const Source *source = list->call->source;
	AttrNumber	attnum = source->column[role].attnum;

	if (source->column[role].expression != NULL)
		refuse_to_give_none(source, role);
	if (!AttributeNumberIsValid(attnum) || bms_is_member(attnum, list->given))
		return;
	insert_list_give(list, attnum, "NULL");
	list->arguments = bms_add_member(list->arguments, attnum);
	if (TupleDescAttr(RelationGetDescr(list->call->table), attnum - 1)->attnotnull ||
		(role == ROLE_USER && !source->user_is_optional))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("the token has no %s, which those of source \"%s\" need",
						role == ROLE_USER ? "user" : "tenant", source->name),
				 role == ROLE_USER ? 0 :
				 errhint("Give the argument \"%s\".", argument_of_role(role))));
}

void
insert_arguments_give_carried(InsertList *list,
							  const CarriedScopes *carried)
{
	const Source *source = list->call->source;
	AttrNumber	attnum = source->column[ROLE_SCOPE].attnum;
	char	   *sql;

	if (carried == NULL || source->column[ROLE_SCOPE].kind == VALUE_NONE)
		return;
	sql = new_scopes_carried(list->call, carried);
	if (sql == NULL)
		new_scopes_not_carried(source, carried);
	list->arguments = bms_add_member(list->arguments, attnum);
	if (!bms_is_member(attnum, list->given))
		insert_list_give(list, attnum, sql);
}

/* The argument that sets a column, or NULL. */
static const char *
argument_of_column(const Source *source, AttrNumber attnum)
{
	const char *argument = NULL;

	for (SourceRole role = insert_list_role_of(source, attnum);
		 role < ROLE_COUNT && argument == NULL;
		 role = insert_list_next_role(source, attnum, role + 1))
		argument = argument_of_role(role);
	return argument;
}

/* Is it the id of the row, and nothing else by which a token is judged? */
static bool
is_id_alone(const Source *source, AttrNumber attnum)
{
	if (source->column[ROLE_ID].attnum != attnum ||
		insert_list_next_role(source, attnum, ROLE_TOKEN) != ROLE_ID ||
		insert_list_next_role(source, attnum, ROLE_ID + 1) != ROLE_COUNT ||
		bms_is_member(attnum, source->made_of))
		return false;
	for (int i = 0; i < source->nparents; i++)
		if (source->parent[i].via == VIA_TOKEN &&
			source->parent[i].from.attnum == attnum)
			return false;
	return true;
}

/*
 * Attributes do not set the user, the tenant, the scope or the life of a token,
 * because an application may take them from its user; nor a token of another
 * source of the table, or what a column says there of it.  Whether they make the new
 * token one of another source is seen when the row is there.  They can set an id that
 * only the application can make, if it is the id of the row and no more.
 */
static void
check_attribute(const InsertList *list, AttrNumber attnum, const char *name)
{
	const Source *source = list->call->source;
	SourceRole	role = insert_list_role_of(source, attnum);
	const char *argument = argument_of_column(source, attnum);
	const Source *other = NULL;
	const Source *made = NULL;
	SourceRole	other_role;
	bool		allowed = false;

	if (role == ROLE_ID)
	{
		other = shared_row_user(source, name, true, &other_role);
		allowed = other == NULL && is_id_alone(source, attnum) &&
			insert_list_unfilled(list, attnum) != NULL;
	}
	else if (role == ROLE_COUNT)
	{
		other = shared_row_user(source, name, false, &other_role);
		allowed = other == NULL &&
			!bms_is_member(attnum, source->made_of) &&
			!(list->copied && bms_is_member(attnum, source->matters));
	}
	if (bms_is_member(attnum, list->others))
		made = shared_row_made_of(source, attnum);
	if (allowed && made == NULL && !bms_is_member(attnum, list->given))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("argument \"attributes\" must not set column \"%s\"", name),
			 other != NULL ?
			 errhint("It is the %s of token source \"%s\".",
					 role_argument(other_role), other->name) :
			 made != NULL ?
			 errhint("Tokens of token source \"%s\" are made of it.",
					 made->name) :
			 list->copied ?
			 errhint("It is that of the old token, or set by tokenauth.") :
			 argument != NULL ?
			 errhint("It is set by the argument \"%s\".", argument) :
			 errhint("It is set by tokenauth.")));
}

const char *
insert_arguments_give_attributes(InsertList *list, Jsonb *attributes)
{
	const Source *source = list->call->source;
	StringInfoData definitions;
	JsonbIterator *iterator;
	JsonbIteratorToken token;
	JsonbValue	key;

	if (attributes == NULL)
		return "";
	initStringInfo(&definitions);
	iterator = JsonbIteratorInit(&attributes->root);
	while ((token = JsonbIteratorNext(&iterator, &key, true)) != WJB_DONE)
	{
		char	   *name;
		AttrNumber	attnum;
		Form_pg_attribute attribute;

		if (token != WJB_KEY)
			continue;
		name = pnstrdup(key.val.string.val, key.val.string.len);
		attnum = get_attnum(source->relation, name);
		if (attnum <= 0)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("table \"%s\" has no column \"%s\"",
							get_rel_name(source->relation), name),
					 errhint("The keys of the argument \"attributes\" are names of columns.")));
		check_attribute(list, attnum, name);
		list->attributes = bms_add_member(list->attributes, attnum);
		attribute = TupleDescAttr(RelationGetDescr(list->call->table),
								  attnum - 1);
		insert_list_give(list, attnum, psprintf("r.%s", quote_identifier(name)));
		appendStringInfo(&definitions, "%s%s %s",
						 definitions.len > 0 ? ", " : "",
						 quote_identifier(name),
						 format_type_extended(attribute->atttypid,
											  attribute->atttypmod,
											  FORMAT_TYPE_TYPEMOD_GIVEN |
											  FORMAT_TYPE_FORCE_QUALIFY));
	}
	if (definitions.len == 0)
		return "";
	return psprintf("FROM pg_catalog.jsonb_to_record($%d) AS r(%s)",
					owner_parameter(list->call, JSONBOID,
									JsonbPGetDatum(attributes), false),
					definitions.data);
}

void
insert_arguments_check_complete(const InsertList *list)
{
	TupleDesc	desc = RelationGetDescr(list->call->table);

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);
		const char *name = NameStr(attribute->attname);
		const char *argument;
		const Source *other;
		const Source *made;
		SourceRole	role;

		if (!attribute->attnotnull ||
			insert_list_unfilled(list, attribute->attnum) == NULL)
			continue;
		argument = argument_of_column(list->call->source, attribute->attnum);
		other = shared_row_user(list->call->source, name, false, &role);
		made = bms_is_member(attribute->attnum, list->others) ?
			shared_row_made_of(list->call->source, attribute->attnum) : NULL;
		ereport(ERROR,
				(errcode(ERRCODE_NOT_NULL_VIOLATION),
				 errmsg("column \"%s\" of table \"%s\" needs a value", name,
						RelationGetRelationName(list->call->table)),
				 argument == NULL && other != NULL ?
				 errhint("It is the %s of token source \"%s\": insert the row as the application does.",
						 role_argument(role), other->name) :
				 argument == NULL && made != NULL ?
				 errhint("Tokens of token source \"%s\" are made of it: insert the row as the application does.",
						 made->name) :
				 argument != NULL ?
				 errhint("Give the argument \"%s\".", argument) :
				 errhint("Give it in the argument \"attributes\", as {\"%s\": ...}.",
						 name)));
	}
}
