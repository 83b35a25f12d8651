/*-------------------------------------------------------------------------
 *
 * revoke.c
 *		SQL: tokenauth_revoke() and its kin.
 *
 * Their arguments and answers.  A token that is presented is revoked by revoke_token.h,
 * rows are by revoke_rows.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/arguments.h"
#include "base/compat.h"
#include "judge/judge.h"
#include "lifecycle/revoke_rows.h"
#include "lifecycle/revoke_token.h"
#include "miscadmin.h"

static Datum
revoke_by_token(FunctionCallInfo fcinfo, const char *source_name)
{
	text	   *token;
	NullableDatum result;

	PreventCommandIfReadOnly("tokenauth_revoke()");
	token = PG_GETARG_TEXT_PP(0);
	result = revoke_token_by_text(VARDATA_ANY(token), VARSIZE_ANY_EXHDR(token),
								  source_name);
	token_forget_copy(token, PG_GETARG_DATUM(0));
	fcinfo->isnull = result.isnull;
	return result.value;
}

/*
 * tokenauth_revoke(token text) returns boolean
 *
 * True if this call revoked it; false if there was nothing to revoke, for it was
 * revoked or unknown before; NULL if a source was left out.  If it is neither, it
 * is not live any more; one that cannot be revoked is an error.  In effect for all
 * once the transaction has committed.
 */
TOKENAUTH_FUNCTION(tokenauth_revoke_token);
Datum
tokenauth_revoke_token(PG_FUNCTION_ARGS)
{
	return revoke_by_token(fcinfo, NULL);
}

/*
 * tokenauth_revoke(token text, source name) returns boolean
 *
 * The same in that source.
 */
TOKENAUTH_FUNCTION(tokenauth_revoke_token_of);
Datum
tokenauth_revoke_token_of(PG_FUNCTION_ARGS)
{
	return revoke_by_token(fcinfo, NameStr(*PG_GETARG_NAME(1)));
}

/*
 * tokenauth_revoke_hash(digest bytea, source name) returns boolean
 *
 * The same by digest: in the source named, or in all.  Throws 22023 if it is no
 * digest, which would be no success; 0A000, or leaves the source out, where the
 * table holds the tokens themselves.
 */
TOKENAUTH_FUNCTION(tokenauth_revoke_hash);
Datum
tokenauth_revoke_hash(PG_FUNCTION_ARGS)
{
	TokenQuery	query;
	TokenDigest digest;
	NullableDatum result;

	PreventCommandIfReadOnly("tokenauth_revoke_hash()");
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	if (!judge_take_digest(fcinfo, &query, &digest))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"digest\" must have %d bytes",
						TOKEN_DIGEST_LEN),
				 errhint("It is the SHA-256 as bytea: sha256(...), or decode(..., 'hex').")));
	result = revoke_token_by_digest(&digest, name_or_null(fcinfo, 1));
	fcinfo->isnull = result.isnull;
	return result.value;
}

/*
 * tokenauth_revoke(id text | uuid | bigint, user_id text | uuid | bigint,
 *					source name)
 * returns boolean
 *
 * The same by the row's id, if it is that user's; in the source named, or in
 * each with ids and user ids of such a form.
 */
TOKENAUTH_FUNCTION(tokenauth_revoke_id);
Datum
tokenauth_revoke_id(PG_FUNCTION_ARGS)
{
	const char *name = name_or_null(fcinfo, 2);
	RowsOf		rows = {
		2, {ROLE_ID, ROLE_USER}, {id_or_null(fcinfo, 0), id_or_null(fcinfo, 1)}
	};
	uint64		ended;

	PreventCommandIfReadOnly("tokenauth_revoke()");
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_BOOL(false);
	if (!revoke_rows_wherever(&rows, name, &ended))
		PG_RETURN_NULL();
	PG_RETURN_BOOL(ended > 0);
}

static Datum
revoke_everywhere(FunctionCallInfo fcinfo, SourceRole role)
{
	const char *name = name_or_null(fcinfo, 1);
	const char *value = id_or_null(fcinfo, 0);
	RowsOf		rows = {1, {role}, {value}};
	uint64		ended;

	if (value == NULL)
		PG_RETURN_INT64(0);
	if (!revoke_rows_wherever(&rows, name, &ended))
		PG_RETURN_NULL();
	PG_RETURN_INT64((int64) ended);
}

/*
 * tokenauth_revoke_user(user_id anycompatiblenonarray, source name) returns bigint
 *
 * Revoke all tokens of a user; how many this call has ended, or NULL if a
 * source was left out.
 */
TOKENAUTH_FUNCTION(tokenauth_revoke_user);
Datum
tokenauth_revoke_user(PG_FUNCTION_ARGS)
{
	PreventCommandIfReadOnly("tokenauth_revoke_user()");
	return revoke_everywhere(fcinfo, ROLE_USER);
}

/*
 * tokenauth_revoke_tenant(tenant_id anycompatiblenonarray, source name) returns bigint
 */
TOKENAUTH_FUNCTION(tokenauth_revoke_tenant);
Datum
tokenauth_revoke_tenant(PG_FUNCTION_ARGS)
{
	PreventCommandIfReadOnly("tokenauth_revoke_tenant()");
	return revoke_everywhere(fcinfo, ROLE_TENANT);
}
