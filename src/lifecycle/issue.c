/*-------------------------------------------------------------------------
 *
 * issue.c
 *		SQL: tokenauth_issue(), tokenauth_rotate(), tokenauth_renew(),
 *		tokenauth_exchange().
 *
 * What makes or replaces a token.  Each is one transaction's matter and has
 * no race: it locks the row of the token that it replaces or uses up, and judges
 * it then.  The lock is released after the winner's commit has taken effect for
 * all, so a session that waited for it finds the token revoked, or used.
 *
 * The plaintext of a new token is returned once and kept nowhere.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "base/arguments.h"
#include "base/compat.h"
#include "funcapi.h"
#include "judge/judge.h"
#include "judge/lookup.h"
#include "lifecycle/lifecycle.h"
#include "lifecycle/new_token.h"
#include "source/directory.h"
#include "source/owner.h"
#include "source/problem.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

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
	new_token_forget(token);
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
	new_token_issue(&call, &request, &token);
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
		problem_report(presented->source);
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
 * Lock the token's row, waiting for other lockers, and judge it as it is
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

/* The old token dies now, or at the end of the grace if not sooner. */
static void
retire_token(OwnerCall *call, Presented *presented, Interval *grace)
{
	const Source *source = call->source;
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz end = lifecycle_after(now, grace);
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
	new_token_succeed(&call, presented.stored, &token);
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
						 created, value, lifecycle_in_utc(created), n);
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
	QueryResult *renewed;

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
	if (expires_at > lifecycle_after(now, source->sliding_threshold))
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
	target = renewal_target(&call, lifecycle_after(now, source->sliding_ttl));
	threshold = owner_cast_timestamp(&call, ROLE_EXPIRES,
									 lifecycle_after(now, source->sliding_threshold));
	alive = owner_cast_timestamp(&call, ROLE_EXPIRES, now);
	/* of concurrent renewals the first writes; the rest find it done */
	renewed = owner_query(&call,
						  psprintf("UPDATE ONLY %s SET %s = %s WHERE %s"
								   " AND %s OPERATOR(pg_catalog.<=) %s"
								   " AND %s OPERATOR(pg_catalog.>) %s"
								   " AND %s OPERATOR(pg_catalog.<) %s RETURNING %s",
								   owner_table(&call), column, target,
								   owner_is_token(&call, presented.stored),
								   column, threshold, column, alive, column, target,
								   owner_read_timestamp(&call, ROLE_EXPIRES)));
	if (renewed->nrows > 0)
		(void) query_timestamp(renewed, 0, 1, &expires_at);
	owner_end(&call);

	/* what is true now, whichever session wrote it */
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
 * A single-use token becomes a token of another source; the second caller
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
		bool		placed;

		present(fcinfo, 4, &presented);
		placed = place(&presented);
		judgement.verdict.status = presented.before.verdict.status;
		/* its source may have been detached since it was judged */
		if (!placed && judgement.verdict.status == TOKEN_VALID)
			judgement.verdict.status = TOKEN_UNKNOWN;
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
		new_token_issue(&call, &request, &token);
		owner_end(&call);
		isnull[1] = false;
		value[1] = CStringGetTextDatum(token.text);
		isnull[2] = token.id == NULL;
		value[2] = isnull[2] ? (Datum) 0 : CStringGetTextDatum(token.id);
		isnull[3] = !token.has_expiry;
		value[3] = TimestampTzGetDatum(token.expires_at);
		new_token_forget(&token);
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
