/*-------------------------------------------------------------------------
 *
 * new_token.c
 *		The row of a new token.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include "funcapi.h"
#include "judge/lookup.h"
#include "judge/scope.h"
#include "lifecycle/kin.h"
#include "lifecycle/lifecycle.h"
#include "lifecycle/new_token.h"
#include "lifecycle/shared_row.h"
#include "source/flag.h"
#include "source/mapping.h"
#include "source/registry.h"
#include "source/stored.h"
#include "source/value.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#define DISPLAY_LEN			12
#define UUID_TEXT_LEN		36

/* When a row was last written, to object-relational mappers. */
#define UPDATED_COLUMN		"updated_at"

/*
 * A token of our own is random text.  It has no separator, is no number or uuid,
 * and what a lookup makes of it need not be all that its row must have.
 */
static void
check_can_be_stored(const Source *source)
{
	Oid			type = source->column[ROLE_TOKEN].type;
	const char *reason = NULL;

	/* revoking the old token can have had it read again */
	source_require_whole(source);
	if (source->lookup != NULL || source->verify != NULL)
		reason = "Its mapping has a lookup or verify, which do not say what is stored.";
	else if (source->part.kind == PART_AFTER || source->part.kind == PART_BEFORE)
		reason = "Its tokens have a part that tokenauth does not know.";
	else if (type != TEXTOID && type != VARCHAROID && type != BPCHAROID &&
			 type != BYTEAOID)
		reason = psprintf("Its token column is of type %s.", format_type_be(type));
	if (reason != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("tokens of source \"%s\" cannot be issued by tokenauth",
						source->name),
				 errdetail_internal("%s", reason),
				 errhint("Insert their rows as the application does.")));
}

static void
make_token(const Source *source, NewToken *token)
{
	LookupKey	key = {{{0}}};
	StoredValues values;

	if (!token_issue(source->encoding, source->prefix ? source->prefix : "",
					 token->text))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not generate random values")));
	key.token = token->text;
	key.token_len = strlen(token->text);
	check_can_be_stored(source);
	if (!stored_key(source, key.token, key.token_len, &key.digest) ||
		!lookup_search_values(source, &key, &values))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("tokens of source \"%s\" cannot be issued by tokenauth",
						source->name),
				 errdetail("A new one does not fit into its token column.")));
	token->stored = values.value[0];
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
	stored_wipe(&token->stored);
}

/* An INSERT in the making. */
typedef struct InsertList
{
	OwnerCall  *call;
	const Succession *copied;	/* of what token's row it is a copy; or NULL */
	Bitmapset  *others;			/* columns that make tokens of other sources */
	Bitmapset  *given;			/* columns that have a value */
	Bitmapset  *copies;			/* those of them that have the old row's */
	Bitmapset  *arguments;		/* those of them that the caller set by such */
	Bitmapset  *attributes;		/* and by attributes */
	StringInfoData columns;
	StringInfoData values;
} InsertList;

static void
begin_insert(InsertList *list, OwnerCall *call, const Succession *copied)
{
	list->call = call;
	list->copied = copied;
	list->others = shared_row_tokens(call->source);
	list->given = list->copies = list->arguments = list->attributes = NULL;
	initStringInfo(&list->columns);
	initStringInfo(&list->values);
}

static void
give_column(InsertList *list, AttrNumber attnum, const char *value)
{
	Form_pg_attribute attribute;
	const char *separator = list->columns.len > 0 ? ", " : "";

	/* by what the source said before the owner's lookup was called */
	if (attnum <= 0)
		stored_source_changed(list->call->source);
	attribute = TupleDescAttr(RelationGetDescr(list->call->table), attnum - 1);
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

/* The token and its display form. */
static void
give_token(InsertList *list, const NewToken *token)
{
	OwnerCall  *call = list->call;
	const Source *source = call->source;
	Form_pg_attribute display = lifecycle_text_column(call, DISPLAY_COLUMN);
	int			n;

	n = owner_parameter(call, stored_type(source),
							stored_datum(source, &token->stored), false);
	give_column(list, source->column[ROLE_TOKEN].attnum, psprintf("$%d", n));
	if (display != NULL)
	{
		char	   *shown = pstrdup(token->display);

		if (display->atttypmod > VARHDRSZ)
			shown = pnstrdup(shown, display->atttypmod - VARHDRSZ);
		give_column(list, display->attnum,
					psprintf("$%d", owner_text(call, shown)));
	}
}

/* A column that neither the table fills nor what has been given so far. */
static Form_pg_attribute
unfilled_column(const InsertList *list, AttrNumber attnum)
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
	Form_pg_attribute attribute = unfilled_column(list, id->attnum);

	if (attribute == NULL)
		return;
	if (id->type == UUIDOID)
		give_column(list, id->attnum, "pg_catalog.gen_random_uuid()");
	else if (takes_uuid_text(source, attribute))
		give_column(list, id->attnum,
					"CAST(pg_catalog.gen_random_uuid() AS pg_catalog.text)");
}

/* The flag or status of a live token, where NULL would not mean live. */
static void
give_live_flag(InsertList *list)
{
	AttrNumber	attnum = list->call->source->column[ROLE_REVOKED].attnum;
	char	   *live;

	if (unfilled_column(list, attnum) == NULL)
		return;
	live = flag_live_sql(list->call);
	if (live != NULL)
		give_column(list, attnum, live);
}

static void
give_now(InsertList *list, AttrNumber attnum)
{
	Form_pg_attribute attribute = unfilled_column(list, attnum);
	Oid			type = attribute ? getBaseType(attribute->atttypid) : InvalidOid;

	if (is_timestamp(type))
		give_column(list, attnum,
					owner_in_timezone(list->call->source, type,
									  "pg_catalog.clock_timestamp()"));
}

/*
 * Values that we know, for columns that the table does not fill by itself, as in
 * tables made by object-relational mappers.
 */
static void
give_known(InsertList *list)
{
	const Source *source = list->call->source;

	give_id(list);
	give_live_flag(list);
	give_now(list, source->column[ROLE_CREATED].attnum);
	give_now(list, get_attnum(source->relation, UPDATED_COLUMN));
}

static int
array_parameter(OwnerCall *call, const List *names)
{
	Datum	   *element = palloc((list_length(names) + 1) * sizeof(Datum));
	int			n = 0;
	ListCell   *lc;

	foreach(lc, names)
		element[n++] = CStringGetTextDatum((char *) lfirst(lc));
	return owner_parameter(call, TEXTARRAYOID,
						   PointerGetDatum(construct_array(element, n, TEXTOID,
														   -1, false,
														   TYPALIGN_INT)),
						   false);
}

/* In a list an empty text is no scope. */
static List *
without_empty(const List *names)
{
	List	   *others = NIL;
	ListCell   *lc;

	foreach(lc, names)
		if (((char *) lfirst(lc))[0] != '\0')
			others = lappend(others, lfirst(lc));
	return others;
}

/*
 * The scopes as their column has them, each as it is; NULL if it cannot have them.  A
 * list is never written as a text in which others are found.
 */
static char *
scopes_sql(OwnerCall *call, List *names)
{
	const SourceColumn *column = &call->source->column[ROLE_SCOPE];
	char	   *text;

	if (column->kind != VALUE_LIST)
		return list_length(names) != 1 ? NULL :
			owner_cast(call, ROLE_SCOPE, linitial(names));
	names = without_empty(names);
	if (call->source->scope_separator != NULL)
	{
		text = scope_join(names, call->source->scope_separator);
		return text == NULL ? NULL : owner_cast(call, ROLE_SCOPE, text);
	}
	return psprintf(column->type == JSONBOID || column->type == JSONOID ?
					"CAST(pg_catalog.to_jsonb($%d) AS %s)" : "CAST($%d AS %s)",
					array_parameter(call, names), owner_type(call, ROLE_SCOPE));
}

/* What stands between spaces. */
static List *
split_scopes(const char *argument)
{
	List	   *names = NIL;

	while (*argument != '\0')
	{
		Size		len = strcspn(argument, " ");

		if (len > 0)
			names = lappend(names, pnstrdup(argument, len));
		argument += len + (argument[len] == ' ');
	}
	return names;
}

/* The argument "scope", for a column that can have several. */
static char *
given_scopes(OwnerCall *call, const char *argument)
{
	char	   *sql = scopes_sql(call, split_scopes(argument));

	if (sql == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"scope\" has a scope that source \"%s\" would take for others",
						call->source->name),
				 errdetail("Column \"%s\" has its scopes with the separator \"%s\" in between.",
						   call->source->column[ROLE_SCOPE].name,
						   call->source->scope_separator),
				 errhint("In the argument, scopes have spaces in between.")));
	return sql;
}

/* The scopes of the exchanged token, in SQL; NULL if the column cannot have them. */
static char *
carried_sql(const InsertList *list, const CarriedScopes *carried)
{
	AttrNumber	attnum = list->call->source->column[ROLE_SCOPE].attnum;
	TupleDesc	desc = RelationGetDescr(list->call->table);

	if (!AttributeNumberIsValid(attnum))
		return NULL;
	if (attnum > desc->natts)
		stored_source_changed(list->call->source);
	if (carried->names == NIL && !TupleDescAttr(desc, attnum - 1)->attnotnull)
		return pstrdup("NULL");
	return scopes_sql(list->call, carried->names);
}

static char *
why_not_carried(const Source *source, const CarriedScopes *carried)
{
	const SourceColumn *column = &source->column[ROLE_SCOPE];

	if (!AttributeNumberIsValid(column->attnum))
		return pstrdup("An expression says which its tokens have.");
	if (column->kind == VALUE_LIST)
		return psprintf("One of them would be taken for others, with the separator \"%s\" in between.",
						source->scope_separator);
	return psprintf(carried->names == NIL ?
					"It has none, and column \"%s\" must have one." :
					"They are several, and column \"%s\" has one.", column->name);
}

/* None, too, if it has none: then the column's default is not for the new token. */
static void
give_carried(InsertList *list, const CarriedScopes *carried)
{
	const Source *source = list->call->source;
	AttrNumber	attnum = source->column[ROLE_SCOPE].attnum;
	char	   *sql;

	if (carried == NULL || source->column[ROLE_SCOPE].kind == VALUE_NONE)
		return;
	sql = carried_sql(list, carried);
	if (sql == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("the scopes of a token of source \"%s\" cannot be written as they are into a token of source \"%s\"",
						carried->source, source->name),
				 errdetail_internal("%s", why_not_carried(source, carried)),
				 AttributeNumberIsValid(attnum) ?
				 errhint("Say in the argument \"scope\" which the new token is to have.") :
				 errhint("Exchange it for a token of a source with a scope_column.")));
	list->arguments = bms_add_member(list->arguments, attnum);
	if (!bms_is_member(attnum, list->given))
		give_column(list, attnum, sql);
}

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

static void
give_role(InsertList *list, SourceRole role, const char *argument,
		  const char *value)
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
		give_column(list, column->attnum,
					column->kind == VALUE_LIST ? given_scopes(list->call, value) :
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

/* As another token has none, then the column's default is not for the new one. */
static void
give_none(InsertList *list, SourceRole role)
{
	const Source *source = list->call->source;
	AttrNumber	attnum = source->column[role].attnum;

	if (!AttributeNumberIsValid(attnum) || bms_is_member(attnum, list->given))
		return;
	give_column(list, attnum, "NULL");
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

Expiry
new_token_expiry(const Source *source, Interval *expires_in)
{
	Interval   *lifetime = expires_in ? expires_in : source->sliding_ttl;
	TimestampTz now = GetCurrentTimestamp();
	Expiry		expiry = {false, 0};

	if (lifetime != NULL)
	{
		if (!AttributeNumberIsValid(source->column[ROLE_EXPIRES].attnum))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("token source \"%s\" has no expires_column for the argument \"expires_in\"",
							source->name)));
		expiry.exists = true;
		expiry.at = lifecycle_after(now, lifetime);
		if (expiry.at <= now)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("argument \"expires_in\" must be positive")));
	}
	return expiry;
}

/* No new token lives longer than max_lifetime, a successor neither. */
static Expiry
at_most(const Source *source, Expiry expiry)
{
	TimestampTz last;

	if (source->max_lifetime == NULL)
		return expiry;
	last = lifecycle_after(GetCurrentTimestamp(), source->max_lifetime);
	expiry.at = expiry.exists ? Min(expiry.at, last) : last;
	expiry.exists = true;
	return expiry;
}

static void
give_expiry(InsertList *list, Expiry expiry)
{
	AttrNumber	attnum = list->call->source->column[ROLE_EXPIRES].attnum;

	expiry = at_most(list->call->source, expiry);
	if (!expiry.exists)
		return;
	give_column(list, attnum,
				owner_cast_timestamp(list->call, ROLE_EXPIRES, expiry.at));
	list->arguments = bms_add_member(list->arguments, attnum);
}

/* The first role that a column has, of these and what follows; ROLE_COUNT if none. */
static SourceRole
next_role(const Source *source, AttrNumber attnum, SourceRole role)
{
	while (role < ROLE_COUNT && source->column[role].attnum != attnum)
		role++;
	return role;
}

static SourceRole
role_of_column(const Source *source, AttrNumber attnum)
{
	return next_role(source, attnum, ROLE_TOKEN);
}

/* The argument that sets a column, or NULL. */
static const char *
argument_of_column(const Source *source, AttrNumber attnum)
{
	const char *argument = NULL;

	for (SourceRole role = role_of_column(source, attnum);
		 role < ROLE_COUNT && argument == NULL;
		 role = next_role(source, attnum, role + 1))
		argument = argument_of_role(role);
	return argument;
}

/* Is it the id of the row, and nothing else by which a token is judged? */
static bool
is_id_alone(const Source *source, AttrNumber attnum)
{
	if (source->column[ROLE_ID].attnum != attnum ||
		next_role(source, attnum, ROLE_TOKEN) != ROLE_ID ||
		next_role(source, attnum, ROLE_ID + 1) != ROLE_COUNT ||
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
	SourceRole	role = role_of_column(source, attnum);
	const char *argument = argument_of_column(source, attnum);
	const Source *other = NULL;
	const Source *made = NULL;
	SourceRole	other_role;
	bool		allowed = false;

	if (role == ROLE_ID)
	{
		other = shared_row_user(source, name, true, &other_role);
		allowed = other == NULL && is_id_alone(source, attnum) &&
			unfilled_column(list, attnum) != NULL;
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

/*
 * Columns by name: "r.column" for each attribute.  Returns the FROM clause that
 * r comes from.
 */
static const char *
give_attributes(InsertList *list, Jsonb *attributes)
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
		give_column(list, attnum, psprintf("r.%s", quote_identifier(name)));
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

/* Say which column lacks a value, before the INSERT says less. */
static void
check_complete(const InsertList *list)
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
			unfilled_column(list, attribute->attnum) == NULL)
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

/* A parent of the new row may say less than the row itself. */
static void
tell_parents_expiry(const Source *source, NewToken *token)
{
	Verdict		verdict;
	uint64		stamp;

	if (source_parent_with(source, ROLE_EXPIRES) == NULL)
		return;
	if (!lookup_stored(unconstify(Source *, source), &token->stored, NULL,
					   &verdict, &stamp))
		stored_source_changed(source);
	token->has_expiry = verdict.has_expiry;
	token->expires_at = verdict.expires_at;
}

/* Run the INSERT of one row, take what it returns, and see where the row counts. */
static void
finish_insert(InsertList *list, const char *from, const List *views,
			  NewToken *token)
{
	OwnerCall  *call = list->call;
	bool		has_id = call->source->column[ROLE_ID].kind != VALUE_NONE;
	QueryResult *result;

	call->makes_row = true;
	result = owner_write(call,
						 psprintf("INSERT INTO %s (%s) SELECT %s %s RETURNING %s, %s",
								  owner_table(call), list->columns.data,
								  list->values.data, from,
								  owner_read_timestamp(call, ROLE_EXPIRES),
								  has_id ? owner_column(call, ROLE_ID) : "NULL"));
	call->makes_row = false;
	if (result->nrows != 1)
		ereport(ERROR,
				(errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION),
				 errmsg("the row of the new token was not inserted"),
				 errhint("A trigger or rule of table \"%s\" may have kept it out.",
						 RelationGetRelationName(call->table))));
	token->has_expiry = query_timestamp(result, 0, 1, &token->expires_at);
	token->id = query_text(result, 0, 2);
	if (list->copied)
	{
		kin_check_made(call, &token->stored, views, list->attributes);
		shared_row_check_apart(call, &token->stored, list->copied->row_type,
							   list->copied->row);
	}
	else
		kin_check_issued(call, &token->stored, list->arguments,
						 list->attributes, views);
	tell_parents_expiry(call->source, token);
}

/* "the row has what was asked for, or nothing was"; a parent may say it, or an expression */
static char *
has_asked(OwnerCall *call, SourceRole role, const char *value, bool carries)
{
	if (!AttributeNumberIsValid(call->source->column[role].attnum))
		return pstrdup("true");
	if (value != NULL)
		return owner_has_value(call, role, value);
	return carries ? psprintf("%s IS NULL", owner_column(call, role)) :
		pstrdup("true");
}

/* The same of the scopes.  Of the type json there is no equality. */
static char *
has_asked_scopes(const InsertList *list, const IssueRequest *request)
{
	OwnerCall  *call = list->call;
	const SourceColumn *column = &call->source->column[ROLE_SCOPE];
	char	   *value = NULL;

	if (!AttributeNumberIsValid(column->attnum))
		return pstrdup("true");
	if (request->scope != NULL)
		value = column->kind == VALUE_LIST ? given_scopes(call, request->scope) :
			owner_cast(call, ROLE_SCOPE, request->scope);
	else if (request->carried != NULL)
		value = carried_sql(list, request->carried);
	if (value == NULL)
		return pstrdup("true");
	if (strcmp(value, "NULL") == 0)
		return psprintf("%s IS NULL", owner_column(call, ROLE_SCOPE));
	return psprintf(column->type == JSONOID ?
					"CAST(%s AS pg_catalog.jsonb) OPERATOR(pg_catalog.=) CAST(%s AS pg_catalog.jsonb)" :
					"%s OPERATOR(pg_catalog.=) %s",
					owner_column(call, ROLE_SCOPE), value);
}

/*
 * Does the condition hold for the new token's row?  A trigger or rule, also one that
 * comes afterwards, can have changed it.
 */
static bool
is_new_row(OwnerCall *call, const NewToken *token, const char *condition)
{
	QueryResult *rows = owner_query_latest(call,
										   psprintf("SELECT FROM ONLY %s WHERE %s AND %s LIMIT 1",
													owner_table(call),
													owner_is_token(call, &token->stored),
													condition));
	bool		found = rows->nrows > 0;

	query_free(rows);
	return found;
}

static void
check_issued(const InsertList *list, const IssueRequest *request,
			 const NewToken *token)
{
	OwnerCall  *call = list->call;
	char	   *differs = psprintf("(%s AND %s AND %s) IS NOT TRUE",
								   has_asked(call, ROLE_USER, request->user_id,
											 request->carries_user),
								   has_asked(call, ROLE_TENANT, request->tenant_id,
											 request->carries_tenant),
								   has_asked_scopes(list, request));

	if (is_new_row(call, token, differs))
		ereport(ERROR,
				(errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION),
				 errmsg("the new token of source \"%s\" would be of another user, tenant or scope than was asked for",
						call->source->name),
				 errhint("A trigger or rule of table \"%s\" changes its row.",
						 RelationGetRelationName(call->table))));
}

void
new_token_issue(OwnerCall *call, const IssueRequest *request, NewToken *token)
{
	const Source *source = call->source;
	InsertList	list;
	const char *from;

	make_token(source, token);
	begin_insert(&list, call, NULL);
	give_token(&list, token);
	give_role(&list, ROLE_USER, "user_id", request->user_id);
	give_role(&list, ROLE_TENANT, "tenant_id", request->tenant_id);
	if (request->user_id == NULL && request->carries_user)
		give_none(&list, ROLE_USER);
	if (request->tenant_id == NULL && request->carries_tenant)
		give_none(&list, ROLE_TENANT);
	give_role(&list, ROLE_SCOPE, "scope", request->scope);
	if (request->scope == NULL)
		give_carried(&list, request->carried);
	give_expiry(&list, new_token_expiry(source, request->expires_in));
	from = give_attributes(&list, request->attributes);
	give_known(&list);
	check_complete(&list);
	finish_insert(&list, from, request->exchanged, token);
	if (kin_runs_code(call->table))
		check_issued(&list, request, token);
}

/* Does it have a token of another source, or part of one, and no say about ours? */
static bool
is_of_another(const InsertList *list, AttrNumber attnum)
{
	const Source *source = list->call->source;

	return bms_is_member(attnum, list->others) &&
		role_of_column(source, attnum) == ROLE_COUNT &&
		!bms_is_member(attnum, source->matters);
}

/*
 * Is this column copied when a token is rotated?  Not one with a token of another
 * source, which stays in the row that it is in: it would have two.  Nor what such a
 * token is made of, unless the new row would be no copy without it; then the token must
 * be another one all the same (shared_row_check_apart()).
 */
static bool
is_copied(const InsertList *list, Form_pg_attribute attribute)
{
	const Source *source = list->call->source;
	const char *name = NameStr(attribute->attname);

	if (attribute->attisdropped || attribute->attgenerated ||
		attribute->attidentity || shared_row_has_token(source, name) ||
		is_of_another(list, attribute->attnum))
		return false;
	switch (role_of_column(source, attribute->attnum))
	{
		case ROLE_TOKEN:
		case ROLE_ID:
		case ROLE_EXPIRES:
		case ROLE_USED:
		case ROLE_LAST_USED:
		case ROLE_CREATED:
			return false;
		case ROLE_REVOKED:
			/* a status is that of a live token, even if there is a default */
			return true;
		default:
			return strcmp(name, DISPLAY_COLUMN) != 0 &&
				strcmp(name, UPDATED_COLUMN) != 0 &&
				strcmp(name, "revoked_at") != 0;
	}
}

/* What the old row has in its columns. */
static void
give_copies(InsertList *list)
{
	TupleDesc	desc = RelationGetDescr(list->call->table);
	int			n = owner_parameter(list->call, list->copied->row_type,
									list->copied->row, false);

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);

		if (is_copied(list, attribute) &&
			!bms_is_member(attribute->attnum, list->given))
		{
			give_column(list, attribute->attnum,
						psprintf("($%d).%s", n,
								 quote_identifier(NameStr(attribute->attname))));
			list->copies = bms_add_member(list->copies, attribute->attnum);
		}
	}
}

/* A trigger or rule can have changed what a successor claims; see kin.h for the rest. */
static void
check_claims(const InsertList *list, const NewToken *token)
{
	OwnerCall  *call = list->call;
	Bitmapset  *columns = bms_int_members(kin_claimed_columns(call->source, true),
										  list->copies);
	StringInfoData now;
	StringInfoData then;
	int			attnum = -1;
	int			n;

	if (bms_is_empty(columns))
		return;
	initStringInfo(&now);
	initStringInfo(&then);
	n = owner_parameter(call, list->copied->row_type, list->copied->row, false);
	while ((attnum = bms_next_member(columns, attnum)) >= 0)
	{
		const char *name = quote_identifier(get_attname(call->source->relation,
														attnum, false));

		appendStringInfo(&now, "%s%s", now.len > 0 ? ", " : "", name);
		appendStringInfo(&then, "%s($%d).%s", then.len > 0 ? ", " : "", n, name);
	}
	if (is_new_row(call, token,
				   psprintf("NOT pg_catalog.record_image_eq(ROW(%s), ROW(%s))",
							now.data, then.data)))
		ereport(ERROR,
				(errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION),
				 errmsg("the new token of source \"%s\" would not claim what the old one does",
						call->source->name),
				 errhint("A trigger or rule of table \"%s\" changes its row.",
						 RelationGetRelationName(call->table))));
}

void
new_token_succeed(OwnerCall *call, const Succession *succession,
				  NewToken *token)
{
	InsertList	list;
	const char *from;

	make_token(call->source, token);
	begin_insert(&list, call, succession);
	give_token(&list, token);
	give_expiry(&list, succession->expiry);
	from = give_attributes(&list, succession->attributes);
	give_copies(&list);
	give_known(&list);
	check_complete(&list);
	finish_insert(&list, from, succession->views, token);
	if (kin_runs_code(call->table))
		check_claims(&list, token);
}

/* ---------- what is handed out ---------- */

Datum
new_token_record(FunctionCallInfo fcinfo, NewToken *token)
{
	Datum		value[4];
	bool		isnull[4] = {0};
	TupleDesc	desc;
	Datum		record;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	value[0] = CStringGetTextDatum(token->text);
	isnull[1] = token->id == NULL;
	value[1] = isnull[1] ? (Datum) 0 : CStringGetTextDatum(token->id);
	value[2] = CStringGetTextDatum(token->display);
	isnull[3] = !token->has_expiry;
	value[3] = TimestampTzGetDatum(token->expires_at);
	record = HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), value,
											   isnull));
	token_wipe(value[0]);
	new_token_forget(token);
	return record;
}
