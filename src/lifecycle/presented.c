/*-------------------------------------------------------------------------
 *
 * presented.c
 *		A token that a caller presents, to be replaced, extended or used up;
 *		see presented.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/arguments.h"
#include "base/compat.h"
#include "judge/lookup.h"
#include "lifecycle/lifecycle.h"
#include "lifecycle/presented.h"
#include "source/directory.h"
#include "source/problem.h"
#include "source/stored.h"

void
presented_take(FunctionCallInfo fcinfo, int source_arg, Presented *presented)
{
	memset(presented, 0, sizeof(*presented));
	presented->text = judge_take_token(fcinfo, &presented->query);
	presented->query.source_name = name_or_null(fcinfo, source_arg);
}

TokenStatus
presented_judge(Presented *presented)
{
	judge_token(&presented->query, NULL, NULL, &presented->before);
	return presented->before.verdict.status;
}

/* Where several rows have the same stored value, it does not say which is meant. */
static void
check_can_be_replaced(const Source *source)
{
	if (source->verify != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("tokens of source \"%s\" cannot be rotated, renewed or exchanged",
						source->name),
				 errdetail("Its mapping has a verify, so that several rows can be found for a token.")));
}

bool
presented_place(Presented *presented)
{
	LookupKey	key = {{{0}}, presented->query.token, presented->query.token_len};
	const Source *source;

	/* again, if its source is detached while we wait for its table */
	do
	{
		if (presented_judge(presented) != TOKEN_VALID)
			return false;
		source = source_hold_for_change(presented->before.source);
	} while (source == NULL);

	if (PROBLEM_IS_FATAL(source->problem))
		problem_report(source);
	presented->source = source;
	presented->query.found = source;
	/* what it is hashed to may have changed with its source */
	check_can_be_replaced(source);
	if (!stored_key(source, key.token, key.token_len, &key.digest) ||
		!lookup_search_value(source, &key, &presented->stored))
	{
		verdict_init(&presented->before.verdict, TOKEN_MALFORMED);
		return false;
	}
	presented->digest = key.digest;
	return true;
}

bool
presented_lock(OwnerCall *call, Presented *presented)
{
	const char *table = owner_table(call);
	QueryResult *rows;
	bool		isnull;

	rows = owner_query(call,
					   psprintf("SELECT CAST(r.* AS %s), %s FROM ONLY %s AS r WHERE %s FOR UPDATE",
								table, owner_read_timestamp(call, ROLE_CREATED),
								table, owner_is_token(call, presented->stored)));
	judge_token(&presented->query, NULL, NULL, &presented->judgement);
	if (presented->judgement.verdict.status != TOKEN_VALID)
		return false;
	/* the judgement is of now, but the transaction's snapshot may be older */
	if (rows->nrows == 0)
		lifecycle_concurrent_update();
	presented->nrows = rows->nrows;
	presented->row_type = TupleDescAttr(rows->desc, 0)->atttypid;
	presented->row = query_value(rows, 0, 1, &isnull);
	presented->has_created = query_timestamp(rows, 0, 2, &presented->created_at);
	return true;
}

void
presented_forget(FunctionCallInfo fcinfo, Presented *presented)
{
	if (presented->stored != (Datum) 0)
		stored_forget(presented->source, presented->stored);
	if (DatumGetPointer(presented->row) != NULL)
		token_wipe(presented->row);
	token_forget_copy(presented->text, PG_GETARG_DATUM(0));
}

void
presented_refuse(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
			 errmsg("token is not valid"),
			 errhidestmt(true),
			 errhidecontext(true)));
}
