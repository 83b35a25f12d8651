/*-------------------------------------------------------------------------
 *
 * new_token.c
 *		The row of a new token.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include "judge/lookup.h"
#include "lifecycle/lifecycle.h"
#include "lifecycle/new_token.h"
#include "source/mapping.h"
#include "source/registry.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#define DISPLAY_LEN			12

static void
make_token(const Source *source, NewToken *token)
{
	LookupKey	key = {{{0}}};

	if (!token_issue(source->encoding, source->prefix ? source->prefix : "",
					 token->text))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not generate random values")));
	key.token = token->text;
	key.token_len = strlen(token->text);
	(void) token_digest(source->encoding, key.token, key.token_len,
						&key.digest);
	token->stored = lookup_search_value(source, &key);
	token->display = pnstrdup(token->text,
							  Max(DISPLAY_LEN, source->prefix_len + 4));
	token->id = NULL;
	token->has_expiry = false;
	token->expires_at = 0;
}

void
new_token_forget(NewToken *token)
{
	explicit_bzero(token->text, sizeof(token->text));
	token_wipe(token->stored);
}

/* An INSERT in the making. */
typedef struct InsertList
{
	OwnerCall  *call;
	Bitmapset  *given;			/* columns that have a value */
	StringInfoData columns;
	StringInfoData values;
} InsertList;

static void
begin_insert(InsertList *list, OwnerCall *call)
{
	list->call = call;
	list->given = NULL;
	initStringInfo(&list->columns);
	initStringInfo(&list->values);
}

static void
give_column(InsertList *list, AttrNumber attnum, const char *value)
{
	Form_pg_attribute attribute =
		TupleDescAttr(RelationGetDescr(list->call->table), attnum - 1);
	const char *separator = list->columns.len > 0 ? ", " : "";

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

/* The token, its display form, and an id where the table makes none. */
static void
give_token(InsertList *list, const NewToken *token)
{
	OwnerCall  *call = list->call;
	const Source *source = call->source;
	const SourceColumn *id = &source->column[ROLE_ID];
	TupleDesc	desc = RelationGetDescr(call->table);
	Form_pg_attribute display = lifecycle_display_column(call);
	int			n;

	n = owner_parameter(call, source->stored_as == STORED_SHA256_BYTEA ?
						BYTEAOID : TEXTOID, token->stored, false);
	give_column(list, source->column[ROLE_TOKEN].attnum, psprintf("$%d", n));
	if (display != NULL)
	{
		char	   *shown = pstrdup(token->display);

		if (display->atttypmod > VARHDRSZ)
			shown = pnstrdup(shown, display->atttypmod - VARHDRSZ);
		give_column(list, display->attnum,
					psprintf("$%d", owner_text(call, shown)));
	}
	if (id->kind == VALUE_UUID &&
		!fills_itself(TupleDescAttr(desc, id->attnum - 1)))
		give_column(list, id->attnum, "pg_catalog.gen_random_uuid()");
}

static void
give_role(InsertList *list, SourceRole role, const char *argument,
		  const char *value)
{
	const Source *source = list->call->source;
	const SourceColumn *column = &source->column[role];

	if (value == NULL)
		return;
	if (!AttributeNumberIsValid(column->attnum))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("token source \"%s\" has no %s for the argument \"%s\"",
						source->name, role_argument(role), argument)));
	if (!bms_is_member(column->attnum, list->given))
		give_column(list, column->attnum,
					owner_cast(list->call, role, value));
}

/* When a token made now expires: as asked for, within what the source allows. */
static bool
choose_expiry(const Source *source, Interval *expires_in, TimestampTz *expiry)
{
	Interval   *lifetime = expires_in ? expires_in : source->sliding_ttl;
	TimestampTz now = GetCurrentTimestamp();
	bool		limited = false;

	if (lifetime != NULL)
	{
		if (!AttributeNumberIsValid(source->column[ROLE_EXPIRES].attnum))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("token source \"%s\" has no expires_column for the argument \"expires_in\"",
							source->name)));
		*expiry = lifecycle_after(now, lifetime);
		if (*expiry <= now)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("argument \"expires_in\" must be positive")));
		limited = true;
	}
	if (source->max_lifetime != NULL)
	{
		TimestampTz last = lifecycle_after(now, source->max_lifetime);

		*expiry = limited ? Min(*expiry, last) : last;
		limited = true;
	}
	return limited;
}

/*
 * Columns by name: "r.column" for each attribute, and the column definitions
 * of r for jsonb_to_record().
 */
static void
give_attributes(InsertList *list, Jsonb *attributes, StringInfo definitions)
{
	const Source *source = list->call->source;
	JsonbIterator *iterator = JsonbIteratorInit(&attributes->root);
	JsonbIteratorToken token;
	JsonbValue	key;

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
		if (bms_is_member(attnum, list->given) ||
			attnum == source->column[ROLE_REVOKED].attnum ||
			attnum == source->column[ROLE_USED].attnum ||
			(source->max_lifetime != NULL &&
			 attnum == source->column[ROLE_CREATED].attnum))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("argument \"attributes\" must not set column \"%s\"",
							name),
					 errhint("It is set by another argument, or by tokenauth.")));
		attribute = TupleDescAttr(RelationGetDescr(list->call->table),
								  attnum - 1);
		give_column(list, attnum, psprintf("r.%s", quote_identifier(name)));
		appendStringInfo(definitions, "%s%s %s",
						 definitions->len > 0 ? ", " : "",
						 quote_identifier(name),
						 format_type_extended(attribute->atttypid,
											  attribute->atttypmod,
											  FORMAT_TYPE_TYPEMOD_GIVEN |
											  FORMAT_TYPE_FORCE_QUALIFY));
	}
}

/* Say which column lacks a value, before the INSERT says less. */
static void
check_complete(const InsertList *list)
{
	TupleDesc	desc = RelationGetDescr(list->call->table);

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);

		if (attribute->attnotnull && !fills_itself(attribute) &&
			!bms_is_member(attribute->attnum, list->given))
			ereport(ERROR,
					(errcode(ERRCODE_NOT_NULL_VIOLATION),
					 errmsg("column \"%s\" of table \"%s\" needs a value",
							NameStr(attribute->attname),
							RelationGetRelationName(list->call->table)),
					 attribute->attnum == list->call->source->column[ROLE_EXPIRES].attnum ?
					 errhint("Give the argument \"expires_in\".") :
					 errhint("Give it in the argument \"attributes\", as {\"%s\": ...}.",
							 NameStr(attribute->attname))));
	}
}

/* Run the INSERT of one row, and take what it returns. */
static void
finish_insert(InsertList *list, const char *from, NewToken *token)
{
	OwnerCall  *call = list->call;
	bool		has_id = call->source->column[ROLE_ID].kind != VALUE_NONE;
	QueryResult *result;

	result = owner_query(call,
						 psprintf("INSERT INTO %s (%s) SELECT %s %s RETURNING %s, %s",
								  owner_table(call), list->columns.data,
								  list->values.data, from,
								  owner_read_timestamp(call, ROLE_EXPIRES),
								  has_id ? owner_column(call, ROLE_ID) : "NULL"));
	if (result->nrows != 1)
		ereport(ERROR,
				(errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION),
				 errmsg("the row of the new token was not inserted"),
				 errhint("A trigger or rule of table \"%s\" may have kept it out.",
						 RelationGetRelationName(call->table))));
	token->has_expiry = query_timestamp(result, 0, 1, &token->expires_at);
	token->id = query_text(result, 0, 2);
}

void
new_token_issue(OwnerCall *call, const IssueRequest *request, NewToken *token)
{
	const Source *source = call->source;
	StringInfoData definitions;
	InsertList	list;
	TimestampTz expiry = 0;
	const char *from = "";

	make_token(source, token);
	begin_insert(&list, call);
	give_token(&list, token);
	give_role(&list, ROLE_USER, "user_id", request->user_id);
	give_role(&list, ROLE_TENANT, "tenant_id", request->tenant_id);
	give_role(&list, ROLE_SCOPE, "scope", request->scope);
	if (choose_expiry(source, request->expires_in, &expiry))
		give_column(&list, source->column[ROLE_EXPIRES].attnum,
					owner_cast_timestamp(call, ROLE_EXPIRES, expiry));
	initStringInfo(&definitions);
	if (request->attributes != NULL)
		give_attributes(&list, request->attributes, &definitions);
	if (definitions.len > 0)
		from = psprintf("FROM pg_catalog.jsonb_to_record($%d) AS r(%s)",
						owner_parameter(call, JSONBOID,
										JsonbPGetDatum(request->attributes),
										false),
						definitions.data);
	check_complete(&list);
	finish_insert(&list, from, token);
}

/* Is this column copied when a token is rotated? */
static bool
is_copied(const Source *source, Form_pg_attribute attribute)
{
	static const SourceRole fresh[] =
	{ROLE_TOKEN, ROLE_ID, ROLE_EXPIRES, ROLE_REVOKED, ROLE_USED,
	ROLE_LAST_USED, ROLE_CREATED};
	const char *name = NameStr(attribute->attname);

	for (int i = 0; i < (int) lengthof(fresh); i++)
		if (source->column[fresh[i]].attnum == attribute->attnum)
			/* a status is that of a live token, whatever the default is */
			return fresh[i] == ROLE_REVOKED;
	return !attribute->attisdropped && !attribute->attgenerated &&
		!attribute->attidentity && strcmp(name, DISPLAY_COLUMN) != 0 &&
		strcmp(name, "revoked_at") != 0;
}

/*
 * When the successor expires: it lives as long as the old one was made for,
 * where that can be told.
 */
static char *
successor_expiry(OwnerCall *call)
{
	const Source *source = call->source;
	const char *expires = owner_read_timestamp(call, ROLE_EXPIRES);
	const char *created = owner_read_timestamp(call, ROLE_CREATED);
	TimestampTz expiry;

	if (source->sliding_ttl != NULL)
	{
		(void) choose_expiry(source, NULL, &expiry);
		return owner_cast_timestamp(call, ROLE_EXPIRES, expiry);
	}
	if (!AttributeNumberIsValid(source->column[ROLE_CREATED].attnum))
		return pstrdup(owner_column(call, ROLE_EXPIRES));
	expires = psprintf("CASE WHEN pg_catalog.isfinite(%s) AND pg_catalog.isfinite(%s)"
					   " THEN pg_catalog.timezone('UTC', %s OPERATOR(pg_catalog.+)"
					   " (%s OPERATOR(pg_catalog.-) %s)) ELSE %s END",
					   expires, created, lifecycle_in_utc("pg_catalog.clock_timestamp()"),
					   lifecycle_in_utc(expires), lifecycle_in_utc(created), expires);
	return owner_in_timezone(source, source->column[ROLE_EXPIRES].type,
							 expires);
}

void
new_token_succeed(OwnerCall *call, Datum stored, NewToken *token)
{
	const Source *source = call->source;
	TupleDesc	desc = RelationGetDescr(call->table);
	InsertList	list;

	make_token(source, token);
	begin_insert(&list, call);
	give_token(&list, token);
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);

		if (is_copied(source, attribute) &&
			!bms_is_member(attribute->attnum, list.given))
			give_column(&list, attribute->attnum,
						quote_identifier(NameStr(attribute->attname)));
	}
	if (AttributeNumberIsValid(source->column[ROLE_EXPIRES].attnum))
		give_column(&list, source->column[ROLE_EXPIRES].attnum,
					successor_expiry(call));
	check_complete(&list);
	finish_insert(&list, psprintf("FROM ONLY %s WHERE %s", owner_table(call),
								  owner_is_token(call, stored)),
				  token);
}
