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
#include "lifecycle/insert_arguments.h"
#include "lifecycle/insert_list.h"
#include "lifecycle/kin.h"
#include "lifecycle/life.h"
#include "lifecycle/lifecycle.h"
#include "lifecycle/new_token.h"
#include "lifecycle/shared_row.h"
#include "source/defaults.h"
#include "source/stored.h"
#include "source/value.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#define DISPLAY_LEN			12

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
	insert_list_give(list, source->column[ROLE_TOKEN].attnum, psprintf("$%d", n));
	if (display != NULL)
	{
		char	   *shown = pstrdup(token->display);

		if (display->atttypmod > VARHDRSZ)
			shown = pnstrdup(shown, display->atttypmod - VARHDRSZ);
		insert_list_give(list, display->attnum,
						 psprintf("$%d", owner_text(call, shown)));
	}
}

/* When a token expires that begins then: as asked for, or by sliding_ttl. */
static Expiry
expiry_from(const Source *source, TimestampTz begin, Interval *expires_in)
{
	Interval   *lifetime = expires_in ? expires_in : source->sliding_ttl;
	Expiry		expiry = {false, 0};

	if (lifetime != NULL)
	{
		if (!AttributeNumberIsValid(source->column[ROLE_EXPIRES].attnum))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("token source \"%s\" has no expires_column for the argument \"expires_in\"",
							source->name)));
		expiry.exists = true;
		expiry.at = lifecycle_after(begin, lifetime);
		if (expiry.at <= begin)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("argument \"expires_in\" must be positive")));
	}
	return expiry;
}

/* No new token lives longer than max_lifetime, a successor neither. */
static Expiry
at_most(const Source *source, TimestampTz begin, Expiry expiry)
{
	TimestampTz last;

	if (source->max_lifetime == NULL)
		return expiry;
	last = lifecycle_after(begin, source->max_lifetime);
	expiry.at = expiry.exists ? Min(expiry.at, last) : last;
	expiry.exists = true;
	return expiry;
}

/* Returns what is given. */
static Expiry
give_expiry(InsertList *list, Expiry expiry)
{
	AttrNumber	attnum = list->call->source->column[ROLE_EXPIRES].attnum;

	expiry = at_most(list->call->source, list->begin, expiry);
	if (!expiry.exists)
		return expiry;
	expiry.at = life_as_kept(owner_attribute(list->call, attnum), expiry.at);
	if (expiry.at <= GetCurrentTimestamp())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the new token of source \"%s\" would have expired already",
						list->call->source->name),
				 errdetail("Its life began when the transaction did."),
				 errhint("Make it in a transaction that is not as old as that.")));
	insert_list_give(list, attnum,
					 owner_cast_timestamp(list->call, ROLE_EXPIRES, expiry.at));
	list->arguments = bms_add_member(list->arguments, attnum);
	return expiry;
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

/*
 * A successor lives as long as the old token was made for.  One that slides lives as long
 * as any that is used then.
 */
static void
hold_life(InsertList *list, Expiry given, NewToken *token)
{
	Expiry		expiry;

	if (list->copied == NULL || list->call->source->sliding_ttl != NULL ||
		!given.exists || TIMESTAMP_NOT_FINITE(given.at))
		return;
	expiry = life_hold(list->call, &token->stored, &list->copied->life, given);
	token->has_expiry = expiry.exists;
	token->expires_at = expiry.at;
}

/*
 * Does the row that was inserted tell what was asked for?  If other code may have changed
 * it, that is seen when such code has ended.
 */
static void
check_tells(const InsertList *list, bool by_row, const QueryResult *inserted)
{
	bool		isnull;
	Datum		role = query_value(inserted, 0, INSERTED_MORE, &isnull);

	if (!isnull && !(by_row && list->suspect))
		new_row_cannot_tell(list->call, (SourceRole) DatumGetInt32(role));
}

/*
 * Run the INSERT of one row, take what it returns, and see where the row counts.  A copy
 * has no request.
 */
static void
finish_insert(InsertList *list, const char *from, Expiry given,
			  const IssueRequest *request, const List *views, NewToken *token)
{
	OwnerCall  *call = list->call;
	bool		has_kinds = shared_row_has_kinds(call->source);
	Bitmapset  *decided = has_kinds ?
		kin_decided_columns(call, list->arguments) : NULL;
	Bitmapset  *chosen = defaults_by_session(call->table,
											 bms_difference(list->others,
															list->given));
	bool		by_row = !insert_list_runs_code(call->table);
	QueryResult *result = insert_list_run(list, from, request == NULL ? "NULL" :
										  new_row_untold(call, request, by_row));

	if (request != NULL)
		check_tells(list, by_row, result);
	token->has_expiry = query_timestamp(result, 0, INSERTED_EXPIRY,
										&token->expires_at);
	token->id = query_text(result, 0, INSERTED_ID);
	hold_life(list, given, token);
	shared_row_check_chosen(call, &token->stored, chosen);
	if (list->copied)
	{
		kin_check_made(call, &token->stored, views, list->attributes,
					   list->begin);
		shared_row_check_apart(call, &token->stored, list->copied->row_type,
							   list->copied->row);
	}
	else
		/* of a source that is attached meanwhile, nothing is known */
		kin_check_issued(call, &token->stored, decided, list->attributes,
						 list->changed || !has_kinds, views, list->begin);
	tell_parents_expiry(call->source, token);
}

void
new_token_issue(OwnerCall *call, const IssueRequest *request, NewToken *token)
{
	const Source *source = call->source;
	InsertList	list;
	Expiry		expiry;
	const char *from;

	make_token(source, token);
	insert_list_begin(&list, call, NULL);
	give_token(&list, token);
	insert_arguments_give(&list, ROLE_USER, "user_id", request->user_id);
	insert_arguments_give(&list, ROLE_TENANT, "tenant_id", request->tenant_id);
	if (request->user_id == NULL && request->carries_user)
		insert_arguments_give_none(&list, ROLE_USER);
	if (request->tenant_id == NULL && request->carries_tenant)
		insert_arguments_give_none(&list, ROLE_TENANT);
	insert_arguments_give(&list, ROLE_SCOPE, "scope", request->scope);
	if (request->scope == NULL)
		insert_arguments_give_carried(&list, request->carried);
	expiry = give_expiry(&list, expiry_from(source, list.begin, request->expires_in));
	insert_list_give_created(&list);
	from = insert_arguments_give_attributes(&list, request->attributes);
	insert_list_give_known(&list);
	insert_arguments_check_complete(&list);
	finish_insert(&list, from, expiry, request, request->exchanged, token);
	/* where other rows can have the same token, code can have inserted one of these */
	if (list.suspect || !source->finder.unique)
		new_row_check_issued(call, request, &token->stored);
}

void
new_token_succeed(OwnerCall *call, const Succession *succession,
				  NewToken *token)
{
	const Source *source = call->source;
	InsertList	list;
	Expiry		expiry;
	const char *from;

	make_token(source, token);
	insert_list_begin(&list, call, succession);
	give_token(&list, token);
	expiry = give_expiry(&list, source->sliding_ttl != NULL ?
						 expiry_from(source, list.begin, NULL) :
						 life_end(&succession->life, list.begin));
	insert_list_give_created(&list);
	from = insert_arguments_give_attributes(&list, succession->attributes);
	insert_list_give_copies(&list);
	insert_list_give_known(&list);
	insert_arguments_check_complete(&list);
	finish_insert(&list, from, expiry, NULL, succession->views, token);
	succession_check_made(call, succession, &token->stored);
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
