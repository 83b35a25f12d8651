/*-------------------------------------------------------------------------
 *
 * presented.c
 *		A token that a caller presents, or names by its id; see presented.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/arguments.h"
#include "base/compat.h"
#include "judge/lookup.h"
#include "lifecycle/kin_view.h"
#include "lifecycle/lifecycle.h"
#include "lifecycle/presented.h"
#include "lifecycle/rows_of.h"
#include "source/hold.h"
#include "source/problem.h"
#include "source/stored.h"
#include "source/stored_row.h"

void
presented_take(FunctionCallInfo fcinfo, int source_arg, Presented *presented)
{
	memset(presented, 0, sizeof(*presented));
	presented->text = judge_take_token(fcinfo, &presented->query);
	presented->query.source_name = name_or_null(fcinfo, source_arg);
}

/* Judge one that is named by what its row has, for its text need not be known. */
static void
judge_named(const Presented *presented, Judgement *judgement)
{
	Source	   *source = unconstify(Source *, presented->source);
	uint64		stamp;

	judgement->source = source;
	verdict_init(&judgement->verdict, TOKEN_UNKNOWN);
	/* not to know is not that it is dead */
	if (!lookup_stored(source, &presented->stored, presented->id,
					   &judgement->verdict, &stamp))
		stored_source_changed(source);
	verdict_settle(&judgement->verdict, GetCurrentTimestamp());
}

void
presented_judge_now(const Presented *presented, Judgement *judgement)
{
	if (presented->id != NULL)
		judge_named(presented, judgement);
	else
		judge_token(&presented->query, NULL, NULL, judgement);
}

TokenStatus
presented_judge(Presented *presented)
{
	presented_judge_now(presented, &presented->before);
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

/* Is the row of this value alone, with its parents, a valid token now? */
static bool
is_valid(const Source *source, const StoredValue *stored)
{
	Verdict		verdict;
	uint64		stamp;

	if (!lookup_stored(unconstify(Source *, source), stored, NULL, &verdict,
					   &stamp))
		return false;
	verdict_settle(&verdict, GetCurrentTimestamp());
	return verdict.status == TOKEN_VALID;
}

/* Of several peppers' values, that by whose row the token is valid: there is one. */
static StoredValue
judged_value(const Source *source, const StoredValues *values)
{
	int			judged = 0;

	while (judged < values->n - 1 &&
		   !is_valid(source, &values->value[judged]))
		judged++;
	return values->value[judged];
}

/* A row of another pepper may have become the valid one meanwhile. */
static bool
is_other_valid(const Presented *presented)
{
	return presented->values.n > 1 &&
		!is_valid(presented->source, &presented->stored);
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
		!lookup_search_values(source, &key, &presented->values))
	{
		presented->values.n = 0;
		verdict_init(&presented->before.verdict, TOKEN_MALFORMED);
		return false;
	}
	presented->stored = judged_value(source, &presented->values);
	return true;
}

static RowsOf
named_rows(const Presented *presented)
{
	return (RowsOf)
	{
		2, {ROLE_ID, ROLE_USER}, {presented->id, presented->user_id}
	};
}

/* What the named row has in its token column, of now; false if that is nothing. */
static bool
read_named(OwnerCall *call, Presented *presented)
{
	RowsOf		named = named_rows(presented);
	QueryResult *rows;

	rows = rows_of_latest(call, &named, owner_column(call, ROLE_TOKEN),
						  " LIMIT 2");
	if (rows->nrows == 0)
		return false;
	if (rows->nrows > 1)
		ereport(ERROR,
				(errcode(ERRCODE_CARDINALITY_VIOLATION),
				 errmsg("the user has several tokens of that id in token source \"%s\"",
						call->source->name),
				 errhint("Make its id_column unique, or rotate by the token.")));
	if (!stored_of_result(rows, 0, 1, &presented->stored))
		return false;
	presented->values = (StoredValues) {1, {presented->stored}};
	return true;
}

/* A text that does not begin as the source's tokens do is none, wherever it stands. */
static bool
could_be_presented(const Presented *presented)
{
	const Source *source = presented->source;
	text	   *token;

	if (!stored_is_token(source) || source->part.kind != PART_WHOLE ||
		stored_type(source) != TEXTOID)
		return true;
	token = DatumGetTextPP(stored_datum(source, &presented->stored));
	return source_has_prefix(source, VARDATA_ANY(token),
							 VARSIZE_ANY_EXHDR(token));
}

bool
presented_find(OwnerCall *call, const char *id, const char *user_id,
			   Presented *presented)
{
	const Source *source = call->source;
	TokenDigest key;

	memset(presented, 0, sizeof(*presented));
	check_can_be_replaced(source);
	presented->id = id;
	presented->user_id = user_id;
	presented->source = source;
	return read_named(call, presented) && could_be_presented(presented) &&
		(!stored_gives_key(source) ||
		 stored_key_of_row(source, &presented->stored, &key)) &&
		presented_judge(presented) == TOKEN_VALID;
}

/* The rows of all peppers, in their order. */
static void
lock_all(OwnerCall *call, const Presented *presented)
{
	if (presented->values.n > 1)
		for (int i = 0; i < presented->values.n; i++)
			(void) owner_write(call,
							   psprintf("SELECT FROM ONLY %s WHERE %s FOR NO KEY UPDATE",
										owner_table(call),
										owner_is_token(call, &presented->values.value[i])));
}

/*
 * Is a row of the token, which is locked, still that of the id and user?  Asked as late
 * as can be, and not by the statement that locks it: what that had read of a parent
 * would be of before it waited.
 */
static bool
is_named(OwnerCall *call, const Presented *presented)
{
	RowsOf		named = named_rows(presented);
	QueryResult *rows;
	bool		is;

	if (presented->id == NULL)
		return true;
	rows = rows_of_latest(call, &named, "",
						  psprintf(" AND %s LIMIT 1",
								   owner_is_token(call, &presented->stored)));
	is = rows->nrows > 0;
	query_free(rows);
	return is;
}

/* Which of the rows that are locked is in that place; as many as there are: none. */
static uint64
row_at(const QueryResult *rows, ItemPointer place)
{
	uint64		row = 0;
	bool		isnull;

	while (row < rows->nrows &&
		   !ItemPointerEquals(place,
							  (ItemPointer) DatumGetPointer(query_value(rows, row, 4,
																		&isnull))))
		row++;
	return row;
}

/*
 * Take the row in which the token lives, by the latest state, from those that are locked.
 * False if it is none of these: it got the token while we waited, or after the
 * transaction's snapshot.
 */
static bool
take_live_row(Presented *presented, const QueryResult *rows)
{
	Source	   *source = unconstify(Source *, presented->source);
	List	   *places;
	ListCell   *lc;
	uint64		row;
	bool		isnull;

	if (!lookup_live_rows(source, &presented->stored, &places))
		stored_source_changed(source);
	foreach(lc, places)
		if (row_at(rows, lfirst(lc)) == rows->nrows)
			return false;
	if (places == NIL)
		return false;
	row = row_at(rows, linitial(places));
	presented->places = places;
	presented->row = query_value(rows, row, 1, &isnull);
	presented->has_created = query_timestamp(rows, row, 2, &presented->created_at);
	presented->has_expiry = query_timestamp(rows, row, 3, &presented->expires_at);
	return true;
}

bool
presented_lock(OwnerCall *call, Presented *presented)
{
	const char *table = owner_table(call);
	const char *expires = source_parent_with(call->source, ROLE_EXPIRES) == NULL ?
		"NULL::pg_catalog.timestamptz" : owner_read_timestamp(call, ROLE_EXPIRES);
	QueryResult *rows;

	lock_all(call, presented);
	rows = owner_write(call,
					   psprintf("SELECT CAST(r.* AS %s), %s, %s, r.ctid FROM ONLY %s AS r WHERE %s FOR NO KEY UPDATE",
								table, owner_read_timestamp(call, ROLE_CREATED),
								expires, table, owner_is_token(call, &presented->stored)));
	presented_judge_now(presented, &presented->judgement);
	if (presented->judgement.verdict.status != TOKEN_VALID)
		return false;
	/* the judgement is of now, but the transaction's snapshot may be older */
	if (rows->nrows == 0 || is_other_valid(presented) ||
		!take_live_row(presented, rows))
		lifecycle_concurrent_update();
	presented->nrows = rows->nrows;
	presented->row_type = TupleDescAttr(rows->desc, 0)->atttypid;
	presented->views = kin_views(call, &presented->stored);
	return is_named(call, presented);
}

void
presented_forget(FunctionCallInfo fcinfo, Presented *presented)
{
	if (DatumGetPointer(presented->row) != NULL)
		token_wipe(presented->row);
	if (presented->id == NULL)
	{
		stored_forget_all(&presented->values);
		token_forget_copy(presented->text, PG_GETARG_DATUM(0));
	}
	else
		stored_wipe(&presented->stored);	/* its row's */
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

/* The statement may have a token in the place of the id. */
void
presented_refuse_id(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_NO_DATA_FOUND),
			 errmsg("the user has no valid token of that id"),
			 errhidestmt(true),
			 errhidecontext(true)));
}
