/*-------------------------------------------------------------------------
 *
 * issue.c
 *		SQL: tokenauth_issue(), tokenauth_rotate(), tokenauth_renew(),
 *		tokenauth_exchange().
 *
 * What makes or replaces a token.  Each is one transaction's matter and has
 * no race: who replaces or uses up a token locks its row first and judges it
 * then.  The lock is released after the winner's commit has taken effect for
 * all, so whoever waited for it finds the token revoked, or used.
 *
 * The plaintext of a new token is returned once and kept nowhere.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "arguments.h"
#include "compat.h"
#include "funcapi.h"
#include "judge.h"
#include "lifecycle.h"
#include "lookup.h"
#include "mapping.h"
#include "miscadmin.h"
#include "owner.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#define DISPLAY_LEN			12

/* A token that has just been made. */
typedef struct NewToken
{
	char		text[TOKEN_MAX_ISSUED_LEN];
	Datum		stored;			/* for the token column */
	const char *display;
	char	   *id;				/* as text; NULL without an id column */
	bool		has_expiry;
	TimestampTz expires_at;
} NewToken;

/* What a row of a new token is to hold. */
typedef struct IssueRequest
{
	const char *user_id;		/* these may be NULL */
	const char *tenant_id;
	const char *scope;
	Interval   *expires_in;
	Jsonb	   *attributes;
} IssueRequest;

static Jsonb *
attributes_argument(FunctionCallInfo fcinfo, int arg)
{
	Jsonb	   *attributes;

	if (PG_ARGISNULL(arg))
		return NULL;
	attributes = PG_GETARG_JSONB_P(arg);
	if (!JB_ROOT_IS_OBJECT(attributes))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"attributes\" must be a JSON object"),
				 errhint("Its keys are names of columns.")));
	return attributes;
}

/*
 * Lifetimes are reckoned in UTC, where a day has 24 hours, so that they do
 * not depend on the session's time zone.
 */
static TimestampTz
after(TimestampTz from, Interval *interval)
{
	return DatumGetTimestamp(DirectFunctionCall2(timestamp_pl_interval,
												 TimestampGetDatum(from),
												 IntervalPGetDatum(interval)));
}

static char *
in_utc(const char *expression)
{
	return psprintf("pg_catalog.timezone('UTC', %s)", expression);
}

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

/* The text has been handed out; leave nothing of it. */
static void
forget_token(NewToken *token)
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
		*expiry = after(now, lifetime);
		if (*expiry <= now)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("argument \"expires_in\" must be positive")));
		limited = true;
	}
	if (source->max_lifetime != NULL)
	{
		TimestampTz last = after(now, source->max_lifetime);

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
	uint64		rows;

	rows = owner_execute(call,
						 psprintf("INSERT INTO %s (%s) SELECT %s %s RETURNING %s, %s",
								  owner_table(call), list->columns.data,
								  list->values.data, from,
								  owner_read_timestamp(call, ROLE_EXPIRES),
								  has_id ? owner_column(call, ROLE_ID) : "NULL"));
	if (rows != 1)
		ereport(ERROR,
				(errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION),
				 errmsg("the row of the new token was not inserted"),
				 errhint("A trigger or rule of table \"%s\" may have kept it out.",
						 RelationGetRelationName(call->table))));
	token->has_expiry = owner_result_timestamp(0, 1, &token->expires_at);
	token->id = owner_result_text(call, 0, 2);
}

static void
issue(OwnerCall *call, const IssueRequest *request, NewToken *token)
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

/* (token, token_id, token_prefix, expires_at) */
static Datum
token_record(FunctionCallInfo fcinfo, NewToken *token)
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
	forget_token(token);
	return record;
}

/*
 * tokenauth_issue(user_id text, source name, expires_in interval, scope text,
 *				   tenant_id text, attributes jsonb)
 * returns (token text, token_id text, token_prefix text,
 *			expires_at timestamptz)
 */
TOKENAUTH_FUNCTION(tokenauth_issue);
Datum
tokenauth_issue(PG_FUNCTION_ARGS)
{
	Source	   *source = lifecycle_source(name_or_null(fcinfo, 1));
	IssueRequest request = {
		.user_id = text_or_null(fcinfo, 0),
		.expires_in = interval_or_null(fcinfo, 2),
		.scope = text_or_null(fcinfo, 3),
		.tenant_id = text_or_null(fcinfo, 4),
		.attributes = attributes_argument(fcinfo, 5),
	};
	OwnerCall	call;
	NewToken	token;

	if (request.user_id == NULL &&
		source->column[ROLE_USER].kind != VALUE_NONE)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be null", "user_id")));
	owner_begin(&call, source);
	issue(&call, &request, &token);
	owner_end(&call);
	return token_record(fcinfo, &token);
}

/* A token that a caller presents as argument 0, and its source. */
typedef struct Presented
{
	text	   *text;
	TokenQuery	query;
	Judgement	before;			/* as it was before any lock */
	const Source *source;		/* held; NULL: it can be of none */
	Datum		stored;
} Presented;

static void
present(FunctionCallInfo fcinfo, int source_arg, Presented *presented)
{
	memset(presented, 0, sizeof(*presented));
	presented->text = judge_take_token(fcinfo, &presented->query);
	presented->query.source_name = name_or_null(fcinfo, source_arg);
}

/* Judge it, and find its stored form; false if it is no token of any source. */
static bool
place(Presented *presented)
{
	const TokenQuery *query = &presented->query;
	LookupKey	key = {{{0}}, query->token, query->token_len};

	judge_token(query, NULL, NULL, &presented->before);
	if (presented->before.source != NULL)
		presented->source = source_hold(presented->before.source);
	if (presented->source == NULL ||
		!token_digest(presented->source->encoding, key.token, key.token_len,
					  &key.digest))
		return false;
	if (PROBLEM_IS_FATAL(presented->source->problem))
		mapping_report(presented->source);
	presented->stored = lookup_search_value(presented->source, &key);
	return true;
}

static void
forget_presented(FunctionCallInfo fcinfo, Presented *presented)
{
	if (DatumGetPointer(presented->stored) != NULL)
		token_wipe(presented->stored);
	token_forget_copy(presented->text, PG_GETARG_DATUM(0));
}

/*
 * Lock the token's row, waiting for whoever is at it, and judge it as it is
 * then.
 */
static void
lock_and_judge(OwnerCall *call, Presented *presented, Judgement *judgement)
{
	uint64		locked;

	locked = owner_execute(call,
						   psprintf("SELECT FROM ONLY %s WHERE %s FOR UPDATE",
									owner_table(call),
									owner_is_token(call, presented->stored)));
	judge_token(&presented->query, NULL, NULL, judgement);
	/* the judgement is of now, but the transaction's snapshot may be older */
	if (locked == 0 && judgement->verdict.status == TOKEN_VALID)
		lifecycle_concurrent_update();
}

/* What should have changed the token's row must have. */
static void
check_changed(const OwnerCall *call, uint64 rows)
{
	if (rows == 0)
		ereport(ERROR,
				(errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION),
				 errmsg("the row of the token was not changed"),
				 errhint("A trigger or rule of table \"%s\" may have prevented it.",
						 RelationGetRelationName(call->table))));
}

pg_noreturn static void
refuse_token(void)
{
	/* to tell why would tell an attacker */
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
			 errmsg("token is not valid"),
			 errhidestmt(true),
			 errhidecontext(true)));
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
					   expires, created, in_utc("pg_catalog.clock_timestamp()"),
					   in_utc(expires), in_utc(created), expires);
	return owner_in_timezone(source, source->column[ROLE_EXPIRES].type,
							 expires);
}

static void
insert_successor(OwnerCall *call, Presented *presented, NewToken *token)
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
								  owner_is_token(call, presented->stored)),
				  token);
}

/* The old token dies now, or at the end of the grace if not sooner. */
static void
retire_token(OwnerCall *call, Presented *presented, Interval *grace)
{
	const Source *source = call->source;
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz end = after(now, grace);
	const char *column;
	char	   *limit;

	if (end <= now)
	{
		check_changed(call,
					  lifecycle_revoke(call,
									   owner_is_token(call, presented->stored)));
		return;
	}
	/* renewing would give it a full life again */
	if (source->sliding_ttl != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("tokens of source \"%s\" cannot be rotated with a grace",
						source->name),
				 errdetail("They are renewed by use, and so would the old one be.")));
	if (!AttributeNumberIsValid(source->column[ROLE_EXPIRES].attnum))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("token source \"%s\" has no expires_column for the argument \"grace\"",
						source->name)));
	column = owner_column(call, ROLE_EXPIRES);
	limit = owner_cast_timestamp(call, ROLE_EXPIRES, end);
	check_changed(call,
				  owner_execute(call,
								psprintf("UPDATE ONLY %s SET %s = LEAST(%s, %s) WHERE %s",
										 owner_table(call), column, column, limit,
										 owner_is_token(call,
														presented->stored))));
}

/*
 * Has its life been cut short while we waited for its row?  Another rotation
 * with a grace does that: the token is still valid, but has its successor.
 */
static bool
was_shortened(const Presented *presented, const Verdict *now)
{
	const Verdict *before = &presented->before.verdict;

	return now->has_expiry &&
		(!before->has_expiry || now->expires_at < before->expires_at);
}

/*
 * tokenauth_rotate(token text, grace interval, source name)
 * returns (token text, token_id text, token_prefix text,
 *			expires_at timestamptz)
 *
 * Throws 28000 if the token is not valid, or if another rotation won.
 */
TOKENAUTH_FUNCTION(tokenauth_rotate);
Datum
tokenauth_rotate(PG_FUNCTION_ARGS)
{
	Presented	presented;
	Judgement	judgement;
	OwnerCall	call;
	NewToken	token;
	Interval	no_grace = {0};

	if (PG_ARGISNULL(0))
		refuse_token();
	present(fcinfo, 2, &presented);
	if (!place(&presented))
		refuse_token();
	owner_begin(&call, presented.source);
	lock_and_judge(&call, &presented, &judgement);
	if (judgement.verdict.status != TOKEN_VALID ||
		was_shortened(&presented, &judgement.verdict))
		refuse_token();
	insert_successor(&call, &presented, &token);
	retire_token(&call, &presented,
				 PG_ARGISNULL(1) ? &no_grace : PG_GETARG_INTERVAL_P(1));
	owner_end(&call);
	forget_presented(fcinfo, &presented);
	return token_record(fcinfo, &token);
}

/*
 * To when a token is renewed, as a value of its column: not past the end of
 * its longest life, and nowhere if its beginning is not known.
 */
static char *
renewal_target(OwnerCall *call, TimestampTz target)
{
	const Source *source = call->source;
	char	   *value = psprintf("$%d", owner_timestamp(call, target));

	if (source->max_lifetime != NULL)
	{
		char	   *created = owner_read_timestamp(call, ROLE_CREATED);
		int			n = owner_parameter(call, INTERVALOID,
										IntervalPGetDatum(source->max_lifetime),
										false);

		value = psprintf("CASE WHEN %s IS NOT NULL THEN"
						 " LEAST(%s, pg_catalog.timezone('UTC', %s OPERATOR(pg_catalog.+) $%d)) END",
						 created, value, in_utc(created), n);
	}
	return owner_in_timezone(source, source->column[ROLE_EXPIRES].type, value);
}

/*
 * tokenauth_renew(token text, source name) returns timestamptz
 *
 * When the token expires from now on; NULL if it is not valid.  Writes only
 * if less than the source's threshold is left and more can be had.
 */
TOKENAUTH_FUNCTION(tokenauth_renew);
Datum
tokenauth_renew(PG_FUNCTION_ARGS)
{
	Presented	presented;
	Judgement	judgement;
	OwnerCall	call;
	const Source *source;
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz expires_at;
	char	   *target;
	char	   *threshold;
	char	   *alive;
	const char *column;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	present(fcinfo, 1, &presented);
	if (!place(&presented) || presented.before.verdict.status != TOKEN_VALID)
	{
		forget_presented(fcinfo, &presented);
		PG_RETURN_NULL();
	}
	source = presented.source;
	if (source->sliding_ttl == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("tokens of source \"%s\" cannot be renewed", source->name),
				 errhint("Attach the table with the arguments sliding_ttl and sliding_threshold.")));
	if (!presented.before.verdict.has_expiry)
	{
		forget_presented(fcinfo, &presented);
		PG_RETURN_NULL();
	}
	expires_at = presented.before.verdict.expires_at;
	/* most calls end here, having written nothing */
	if (expires_at > after(now, source->sliding_threshold))
	{
		forget_presented(fcinfo, &presented);
		PG_RETURN_TIMESTAMPTZ(expires_at);
	}

	/* a token that dies meanwhile, or is renewed by another, is not written */
	owner_begin(&call, source);
	lock_and_judge(&call, &presented, &judgement);
	if (judgement.verdict.status != TOKEN_VALID)
	{
		owner_end(&call);
		forget_presented(fcinfo, &presented);
		PG_RETURN_NULL();
	}
	column = owner_column(&call, ROLE_EXPIRES);
	target = renewal_target(&call, after(now, source->sliding_ttl));
	threshold = owner_cast_timestamp(&call, ROLE_EXPIRES,
									 after(now, source->sliding_threshold));
	alive = owner_cast_timestamp(&call, ROLE_EXPIRES, now);
	/* of concurrent renewals the first writes; the rest find it done */
	if (owner_execute(&call,
					  psprintf("UPDATE ONLY %s SET %s = %s WHERE %s"
							   " AND %s OPERATOR(pg_catalog.<=) %s"
							   " AND %s OPERATOR(pg_catalog.>) %s"
							   " AND %s OPERATOR(pg_catalog.<) %s RETURNING %s",
							   owner_table(&call), column, target,
							   owner_is_token(&call, presented.stored),
							   column, threshold, column, alive, column, target,
							   owner_read_timestamp(&call, ROLE_EXPIRES))) > 0)
		(void) owner_result_timestamp(0, 1, &expires_at);
	owner_end(&call);

	/* what is true now, whoever wrote it */
	judge_token(&presented.query, NULL, NULL, &judgement);
	forget_presented(fcinfo, &presented);
	if (judgement.verdict.status != TOKEN_VALID)
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(judgement.verdict.has_expiry ?
						  judgement.verdict.expires_at : expires_at);
}

/* Mark a single-use token as used. */
static void
use_token(OwnerCall *call, Presented *presented)
{
	char	   *now = owner_cast_timestamp(call, ROLE_USED,
										   GetCurrentTimestamp());

	check_changed(call,
				  owner_execute(call,
								psprintf("UPDATE ONLY %s SET %s = %s WHERE %s",
										 owner_table(call),
										 owner_column(call, ROLE_USED), now,
										 owner_is_token(call,
														presented->stored))));
}

/*
 * tokenauth_exchange(token text, into_source name, expires_in interval,
 *					  attributes jsonb)
 * returns (status text, token text, token_id text, expires_at timestamptz)
 *
 * A single-use token becomes a token of another source; whoever comes second
 * is told "used".
 */
TOKENAUTH_FUNCTION(tokenauth_exchange);
Datum
tokenauth_exchange(PG_FUNCTION_ARGS)
{
	Datum		value[4] = {0};
	bool		isnull[4] = {false, true, true, true};
	Source	   *into;
	Presented	presented;
	Judgement	judgement = {0};
	OwnerCall	call;
	NewToken	token;
	TupleDesc	desc;
	Datum		record;

	if (PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be null", "into_source")));
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	into = lifecycle_source(name_or_null(fcinfo, 1));

	verdict_init(&judgement.verdict, TOKEN_MALFORMED);
	if (!PG_ARGISNULL(0))
	{
		present(fcinfo, 4, &presented);
		(void) place(&presented);
		judgement.verdict.status = presented.before.verdict.status;
	}
	if (judgement.verdict.status == TOKEN_VALID)
	{
		if (!AttributeNumberIsValid(presented.source->column[ROLE_USED].attnum))
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("tokens of source \"%s\" are not for single use",
							presented.source->name),
					 errhint("Attach the table with a used_column.")));
		owner_begin(&call, presented.source);
		lock_and_judge(&call, &presented, &judgement);
		if (judgement.verdict.status == TOKEN_VALID)
			use_token(&call, &presented);
		owner_end(&call);
	}
	if (judgement.verdict.status == TOKEN_VALID)
	{
		IssueRequest request = {
			.user_id = lifecycle_field_text(&judgement, FIELD_USER, ROLE_USER),
			.tenant_id = into->column[ROLE_TENANT].kind == VALUE_NONE ? NULL :
			lifecycle_field_text(&judgement, FIELD_TENANT, ROLE_TENANT),
			.expires_in = interval_or_null(fcinfo, 2),
			.attributes = attributes_argument(fcinfo, 3),
		};

		owner_begin(&call, into);
		issue(&call, &request, &token);
		owner_end(&call);
		isnull[1] = false;
		value[1] = CStringGetTextDatum(token.text);
		isnull[2] = token.id == NULL;
		value[2] = isnull[2] ? (Datum) 0 : CStringGetTextDatum(token.id);
		isnull[3] = !token.has_expiry;
		value[3] = TimestampTzGetDatum(token.expires_at);
		forget_token(&token);
	}
	value[0] = CStringGetTextDatum(token_status_name(judgement.verdict.status));
	record = HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), value,
											   isnull));
	if (!isnull[1])
		token_wipe(value[1]);
	if (!PG_ARGISNULL(0))
		forget_presented(fcinfo, &presented);
	return record;
}

