/*-------------------------------------------------------------------------
 *
 * resolve.c
 *		SQL: tokenauth_resolve(), tokenauth_identify(), and both by digest:
 *		tokenauth_resolve_hash(), tokenauth_identify_hash().
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include "judge/straight.h"
#include "source/value.h"

/* What a call in a query keeps for the next row. */
typedef struct ResolveCall
{
	Oid			wanted;			/* the type of the result */
	uint64		checked;		/* the fingerprint of a source that has it; or 0 */
} ResolveCall;

static inline ResolveCall *
resolve_call(FmgrInfo *function)
{
	ResolveCall *call = function->fn_extra;

	if (likely(call != NULL))
		return call;
	call = MemoryContextAlloc(function->fn_mcxt, sizeof(ResolveCall));
	call->wanted = get_fn_expr_rettype(function);
	call->checked = 0;
	function->fn_extra = call;
	return call;
}

static void
check_type_anew(const Source *source, ResolveCall *call)
{
	judge_check_user(source, NULL);
	if (PROBLEM_IS_FATAL(source->problem))
		return;
	source_check_type(source->name, ROLE_USER, &source->column[ROLE_USER],
					  call->wanted);
	call->checked = source->fingerprint;
}

/* A SourceCheck: can this source's user id be returned as that type? */
static inline void
check_user_type(const Source *source, void *arg)
{
	ResolveCall *call = arg;

	if (source->problem != PROBLEM_NONE || call->checked != source->fingerprint)
		check_type_anew(source, call);
}

/* Judge, and return the user id or NULL. */
static pg_attribute_always_inline Datum
resolve(FunctionCallInfo fcinfo, TokenQuery *query)
{
	Judgement	judgement;

	judge_take_options(fcinfo, 2, 3, query);
	query->user_only = true;
	judge_straight(query, check_user_type, resolve_call(fcinfo->flinfo),
				   &judgement);
	if (judgement.verdict.status != TOKEN_VALID ||
		judgement.verdict.field[FIELD_USER].data == NULL)
		PG_RETURN_NULL();
	return verdict_datum(&judgement.verdict, FIELD_USER,
						 judgement.source->column[ROLE_USER].kind);
}

/*
 * tokenauth_resolve(token text, as_type anyelement, source name, scope text)
 * returns anyelement
 *
 * The id of the token's user.  NULL if the token is not valid now.
 */
TOKENAUTH_FUNCTION(tokenauth_resolve);
Datum
tokenauth_resolve(PG_FUNCTION_ARGS)
{
	TokenQuery	query;
	text	   *token;
	Datum		user;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	token = judge_take_token(fcinfo, &query);
	user = resolve(fcinfo, &query);
	token_forget_copy(token, PG_GETARG_DATUM(0));
	return user;
}

/*
 * tokenauth_resolve_hash(digest bytea, as_type anyelement, source name,
 *						  scope text) returns anyelement
 *
 * The same for a caller that has hashed the token.  A digest has no prefix,
 * so the source must be named unless one without a prefix is meant; 42P08 if there
 * is none such.
 */
TOKENAUTH_FUNCTION(tokenauth_resolve_hash);
Datum
tokenauth_resolve_hash(PG_FUNCTION_ARGS)
{
	TokenQuery	query;
	TokenDigest digest;

	if (!judge_take_digest(fcinfo, &query, &digest))
		PG_RETURN_NULL();
	return resolve(fcinfo, &query);
}

/* Always one row. */
static pg_attribute_always_inline Datum
identify(FunctionCallInfo fcinfo, TokenQuery *query)
{
	Judgement	judgement;

	judge_take_options(fcinfo, 1, 2, query);
	judge_straight(query, NULL, NULL, &judgement);
	judge_check_claims(&judgement);
	return judge_identity_record(fcinfo, &judgement);
}

/* Of what can be no token. */
static Datum
identify_nothing(FunctionCallInfo fcinfo)
{
	Judgement	judgement;

	judgement.source = NULL;
	verdict_init(&judgement.verdict, TOKEN_MALFORMED);
	return judge_identity_record(fcinfo, &judgement);
}

/*
 * tokenauth_identify(token text, source name, scope text)
 * returns tokenauth_identity
 *
 * The status of a token and, if it is valid, whose it is.  A valid token without
 * the scope asked for is "forbidden".
 */
TOKENAUTH_FUNCTION(tokenauth_identify);
Datum
tokenauth_identify(PG_FUNCTION_ARGS)
{
	TokenQuery	query;
	text	   *token;
	Datum		record;

	if (PG_ARGISNULL(0))
		return identify_nothing(fcinfo);
	token = judge_take_token(fcinfo, &query);
	record = identify(fcinfo, &query);
	token_forget_copy(token, PG_GETARG_DATUM(0));
	return record;
}

/*
 * tokenauth_identify_hash(digest bytea, source name, scope text)
 * returns tokenauth_identity
 *
 * The same for a caller that has hashed the token, as tokenauth_resolve_hash().
 */
TOKENAUTH_FUNCTION(tokenauth_identify_hash);
Datum
tokenauth_identify_hash(PG_FUNCTION_ARGS)
{
	TokenQuery	query;
	TokenDigest digest;

	if (!judge_take_digest(fcinfo, &query, &digest))
		return identify_nothing(fcinfo);
	return identify(fcinfo, &query);
}
