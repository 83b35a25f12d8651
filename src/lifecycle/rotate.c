/*-------------------------------------------------------------------------
 *
 * rotate.c
 *		SQL: tokenauth_rotate(), tokenauth_renew().
 *
 * What gives a token a successor, or a longer life.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/arguments.h"
#include "base/compat.h"
#include "catalog/pg_type.h"
#include "common/int.h"
#include "judge/judge.h"
#include "lifecycle/each_source.h"
#include "lifecycle/ending.h"
#include "lifecycle/grace.h"
#include "lifecycle/kin.h"
#include "lifecycle/kin_view.h"
#include "lifecycle/lifecycle.h"
#include "lifecycle/new_token.h"
#include "lifecycle/presented.h"
#include "miscadmin.h"
#include "source/owner.h"
#include "utils/timestamp.h"

/* ---------- rotate ---------- */

/* A successor gets the life of its token, and where it is to be written. */
static void
check_expiry_is_column(const Source *source)
{
	if (source->column[ROLE_EXPIRES].expression != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("tokens of source \"%s\" cannot be rotated",
						source->name),
				 errdetail("When they expire is an expression, to which nothing can be written."),
				 errhint("Issue a token, and revoke the old one.")));
}

/* A grace must be possible: the old token is to expire at its end. */
static void
check_grace(const OwnerCall *call, const Presented *presented)
{
	const Source *source = call->source;
	const char *renews = kin_that_renews(call, presented->views);

	/* renewing would give it a full life again */
	if (source->sliding_ttl != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("tokens of source \"%s\" cannot be rotated with a grace",
						source->name),
				 errdetail("They are renewed by use, and so would the old one be.")));
	if (renews != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("this token of source \"%s\" cannot be rotated with a grace",
						source->name),
				 errdetail("It counts in source \"%s\", too, in which tokens are renewed by use, and so would the old one be.",
						   renews)));
	/* it would not be known which of the two was shortened */
	if (source_parent_with(source, ROLE_EXPIRES) != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("tokens of source \"%s\" cannot be rotated with a grace",
						source->name),
				 errdetail("A parent says when they expire, too.")));
	if (!AttributeNumberIsValid(source->column[ROLE_EXPIRES].attnum))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("token source \"%s\" has no expires_column for the argument \"grace\"",
						source->name)));
}

/*
 * Has its life been cut short while we waited for its row?  Another rotation
 * with a grace does that: the token is still valid, but has its successor.
 */
static bool
was_shortened(const Presented *presented)
{
	const Verdict *before = &presented->before.verdict;
	const Verdict *now = &presented->judgement.verdict;

	return now->has_expiry &&
		(!before->has_expiry || now->expires_at < before->expires_at);
}

/*
 * Lock its row.  False if the token is not valid any more, or has been rotated while we
 * waited, also if it had no longer to live than its grace.  What never expires had.
 */
static bool
lock_first(OwnerCall *call, Presented *presented)
{
	bool		expires = presented->before.verdict.has_expiry;
	const char *before = expires ?
		grace_successors(presented->source, &presented->stored) : NULL;
	const char *now;

	if (!presented_lock(call, presented) || was_shortened(presented))
		return false;
	now = expires ? grace_successors(presented->source, &presented->stored) : NULL;
	return now == NULL || (before != NULL && strcmp(before, now) == 0);
}

/* What the life of a token's successor is made from. */
typedef struct Legacy
{
	bool		is_in_grace;	/* of an earlier rotation */
	Expiry		original;		/* of the token, before any rotation */
	Expiry		limit;			/* of the successor */
} Legacy;

/* The expiry of an earlier successor; false if that one is not live any more. */
static bool
read_successor(OwnerCall *call, Datum successor, Expiry *expiry)
{
	QueryResult *row;
	bool		is_live = false;

	row = owner_query_latest(call,
							 psprintf("SELECT %s, %s FROM ONLY %s WHERE %s LIMIT 1",
									  owner_column(call, ROLE_TOKEN),
									  owner_read_timestamp(call, ROLE_EXPIRES),
									  owner_table(call),
									  grace_is_successor(call, successor)));
	if (row->nrows > 0)
	{
		TokenRows	token = {0};

		expiry->exists = query_timestamp(row, 0, 2, &expiry->at);
		is_live = stored_of_result(row, 0, 1, &token.stored) &&
			ending_is_live(call, &token);
	}
	/* it may be the token itself */
	query_free(row);
	return is_live;
}

/*
 * A rotation within the grace of an earlier one finds the token's life
 * shortened, and the original one remembered.  But its successor lives no longer
 * than the earlier one does by now, which an administrator may have changed; and
 * no longer than the token itself, if that one has been ended.
 */
static Legacy
find_legacy(OwnerCall *call, const Presented *presented)
{
	const Verdict *verdict = &presented->judgement.verdict;
	Legacy		legacy = {.original = {verdict->has_expiry, verdict->expires_at}};
	Grace		grace;

	/*
	 * The successor has the same parents, and their expiry.  A parent that has one may
	 * have been attached within the grace.
	 */
	if (source_parent_with(presented->source, ROLE_EXPIRES) != NULL)
		legacy.original = (Expiry) {presented->has_expiry, presented->expires_at};
	if (!legacy.original.exists ||
		!grace_recall(presented->source, &presented->stored,
					  legacy.original.at, &grace))
		return legacy;
	legacy.is_in_grace = true;
	if (read_successor(call, grace.successor, &legacy.limit))
		legacy.original = grace.original;
	else
		legacy.limit = legacy.original;
	return legacy;
}

static Expiry
earlier(Expiry a, Expiry b)
{
	if (!a.exists || !b.exists)
		return a.exists ? a : b;
	return a.at < b.at ? a : b;
}

/*
 * The successor lives as long as the old token was made for, where that can be told;
 * else it ends when that one would have.
 */
static Life
successor_life(const Presented *presented, const Legacy *legacy)
{
	TimestampTz created = presented->created_at;
	Expiry		old = legacy->original;
	Life		life = {.end = earlier(old, legacy->limit)};

	if (!old.exists || !presented->has_created ||
		TIMESTAMP_NOT_FINITE(old.at) || TIMESTAMP_NOT_FINITE(created) ||
		old.at <= created ||
		pg_sub_s64_overflow(old.at, created, &life.length))
		return life;
	life.has_length = true;
	life.end = legacy->limit;
	return life;
}

/* The old token is to die at the end of the grace, if not sooner. */
static void
shorten_life(OwnerCall *call, const Presented *presented, TimestampTz end)
{
	const char *column = owner_column(call, ROLE_EXPIRES);

	for (int i = 0; i < presented->values.n; i++)
		(void) owner_execute(call,
							 psprintf("UPDATE ONLY %s SET %s = LEAST(%s, %s) WHERE %s",
									  owner_table(call), column, column,
									  owner_cast_timestamp(call, ROLE_EXPIRES, end),
									  owner_is_token(call, &presented->values.value[i])));
}

/*
 * When the old token, with a grace until then, really dies; if exists is false, it is
 * dead.
 */
static Expiry
remaining_life(OwnerCall *call, const Presented *presented, TimestampTz end)
{
	Expiry		expiry = {false};
	Judgement	after;

	presented_judge_now(presented, &after);
	if (after.verdict.status != TOKEN_VALID)
		return expiry;
	if (!after.verdict.has_expiry ||
		after.verdict.expires_at > end + lifecycle_expiry_slack(presented->source))
		ending_prevented(call, "shorten the life of");
	expiry.exists = true;
	expiry.at = after.verdict.expires_at;
	return expiry;
}

/*
 * What the token's life was is kept, and that it has a successor, even if its life was too
 * short to be shortened.
 */
static void
remember(const Presented *presented, const Legacy *legacy, Expiry expiry,
		 const StoredValue *successor)
{
	if (expiry.exists)
		grace_remember(presented->source, &presented->stored, expiry.at,
					   legacy->original, successor);
}

/* Add a hint to an error of a unique index that does not allow both rows. */
pg_noreturn static void
rethrow_with_hint(MemoryContext context, bool has_grace)
{
	ErrorData  *error;

	MemoryContextSwitchTo(context);
	error = CopyErrorData();
	if (error->sqlerrcode == ERRCODE_UNIQUE_VIOLATION && error->hint == NULL)
	{
		FlushErrorState();
		error->hint = has_grace ?
			"During a grace the old token and the new one are both live: rotate without a grace." :
			"The row of the old token stays when it is revoked, unless the table is attached with on_revoke => 'delete'.";
		ReThrowError(error);
	}
	PG_RE_THROW();
}

/* The old token dies at once. */
static void
end_life(OwnerCall *call, const Presented *presented)
{
	for (int i = 0; i < presented->values.n; i++)
		(void) ending_revoke_token(call,
								   &(TokenRows) {presented->values.value[i]});
}

/* When a grace that begins then ends; it does, or the old token would not be replaced. */
static TimestampTz
end_of_grace(TimestampTz begin, Interval *grace)
{
	TimestampTz end = grace ? lifecycle_after(begin, grace) : begin;

	if (TIMESTAMP_IS_NOEND(end))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"grace\" must not be infinite")));
	return end;
}

static void
rotate(OwnerCall *call, const Presented *presented, Interval *grace,
	   Jsonb *attributes, NewToken *token)
{
	MemoryContext context = CurrentMemoryContext;
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz end = end_of_grace(now, grace);
	bool		has_grace = end > now;
	Legacy		legacy = find_legacy(call, presented);
	Expiry		expiry = {false};
	List	   *kept = NIL;
	Succession	succession = {
		.row_type = presented->row_type,
		.row = presented->row,
		.views = presented->views,
		.life = successor_life(presented, &legacy),
		.attributes = attributes,
	};

	check_expiry_is_column(presented->source);
	succession_check_possible(call);
	if (has_grace)
		check_grace(call, presented);
	/* first, because a unique index may allow only one live token of a user */
	if (has_grace)
	{
		kept = succession_rows(call, &presented->stored);
		shorten_life(call, presented, end);
	}
	else
		end_life(call, presented);
	PG_TRY();
	{
		new_token_succeed(call, &succession, token);
	}
	PG_CATCH();
	{
		rethrow_with_hint(context, has_grace);
	}
	PG_END_TRY();
	/* last, because inserting the new row runs code of the owner's, too */
	if (has_grace)
		expiry = remaining_life(call, presented, end);
	else
		ending_check_dead(call, &presented->values, "revoke");
	kin_check_changed(call, &presented->stored, presented->views);
	if (has_grace)
		succession_check_kept(call, presented->row_type, kept,
							  &presented->stored);
	remember(presented, &legacy, expiry, &token->stored);
}

pg_noreturn static void
refuse_rows(const Presented *presented)
{
	ereport(ERROR,
			(errcode(ERRCODE_CARDINALITY_VIOLATION),
			 errmsg("the token has %llu rows in the table of token source \"%s\"",
					(unsigned long long) presented->nrows,
					presented->source->name),
			 errhint("Delete all but one of them.")));
}

/* The row of the successor is a copy of one row. */
static void
check_one_row(const Presented *presented)
{
	if (presented->nrows > 1)
		refuse_rows(presented);
}

/*
 * tokenauth_rotate(token text, grace interval, source name, attributes jsonb)
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
	OwnerCall	call;
	NewToken	token;

	PreventCommandIfReadOnly("tokenauth_rotate()");
	if (PG_ARGISNULL(0))
		presented_refuse();
	presented_take(fcinfo, 2, &presented);
	if (!presented_place(&presented))
		presented_refuse();
	owner_begin(&call, presented.source);
	if (!lock_first(&call, &presented))
		presented_refuse();
	check_one_row(&presented);
	rotate(&call, &presented, interval_or_null(fcinfo, 1),
		   lifecycle_attributes(fcinfo, 3), &token);
	owner_end(&call);
	presented_forget(fcinfo, &presented);
	return new_token_record(fcinfo, &token);
}

/* The source of a token that is named by its id and user; throws if there can be none. */
static Source *
source_of_named(const char *name, const char *id, const char *user_id)
{
	Source	   *source = lifecycle_source(name, true);

	(void) each_source_has_role(source, ROLE_ID, true);
	(void) each_source_has_role(source, ROLE_USER, true);
	if (id == NULL || user_id == NULL ||
		!each_source_could_have(source, ROLE_ID, id) ||
		!each_source_could_have(source, ROLE_USER, user_id))
		presented_refuse_id();
	return source;
}

/*
 * tokenauth_rotate(id text | uuid | bigint, user_id text | uuid | bigint,
 *					grace interval, source name, attributes jsonb)
 * returns (token text, token_id text, token_prefix text,
 *			expires_at timestamptz)
 *
 * The same by the row's id, if it is that user's.  Throws P0002 if the user has no
 * valid token of that id, or if another rotation won.
 */
TOKENAUTH_FUNCTION(tokenauth_rotate_id);
Datum
tokenauth_rotate_id(PG_FUNCTION_ARGS)
{
	const char *id = id_or_null(fcinfo, 0);
	const char *user_id = id_or_null(fcinfo, 1);
	Source	   *source;
	Presented	presented;
	OwnerCall	call;
	NewToken	token;

	PreventCommandIfReadOnly("tokenauth_rotate()");
	source = source_of_named(name_or_null(fcinfo, 3), id, user_id);
	owner_begin(&call, source);
	if (!presented_find(&call, id, user_id, &presented) ||
		!lock_first(&call, &presented))
		presented_refuse_id();
	check_one_row(&presented);
	rotate(&call, &presented, interval_or_null(fcinfo, 2),
		   lifecycle_attributes(fcinfo, 4), &token);
	owner_end(&call);
	presented_forget(fcinfo, &presented);
	return new_token_record(fcinfo, &token);
}

/* ---------- renew ---------- */

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

static void
extend_row(OwnerCall *call, const StoredValue *stored, ItemPointer place)
{
	const Source *source = call->source;
	TimestampTz now = GetCurrentTimestamp();
	const char *column = owner_column(call, ROLE_EXPIRES);
	char	   *target = renewal_target(call, lifecycle_after(now, source->sliding_ttl));
	char	   *threshold = owner_cast_timestamp(call, ROLE_EXPIRES,
												 lifecycle_after(now, source->sliding_threshold));
	int			n = owner_parameter(call, TIDOID, PointerGetDatum(place), false);

	/* of concurrent renewals the first writes; the rest find it done */
	(void) owner_execute(call,
						 psprintf("UPDATE ONLY %s SET %s = %s"
								  " WHERE ctid OPERATOR(pg_catalog.=) $%d AND %s"
								  " AND %s OPERATOR(pg_catalog.<=) %s"
								  " AND %s OPERATOR(pg_catalog.<) %s",
								  owner_table(call), column, target, n,
								  owner_is_token(call, stored),
								  column, threshold, column, target));
}

/*
 * Extend a token whose row is locked, unless another session has done so: not rows of
 * other kinds that have the same token.  Nor one in its grace, which has been rotated in
 * another source, or before its own was attached as one that slides.
 */
static void
extend(OwnerCall *call, const Presented *presented)
{
	const StoredValue *stored = &presented->stored;
	List	   *kept;

	if (grace_successors(call->source, stored) != NULL)
		return;
	/* where rows are told apart by their parents alone, the others are not to be extended */
	if (list_length(presented->places) > 1)
		refuse_rows(presented);
	kept = succession_rows(call, stored);
	extend_row(call, stored, linitial(presented->places));
	kin_check_changed(call, stored, presented->views);
	succession_check_kept(call, presented->row_type, kept, stored);
}

static void
check_renewable(const Source *source)
{
	if (source->sliding_ttl == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("tokens of source \"%s\" cannot be renewed", source->name),
				 errhint("Attach the table with the arguments sliding_ttl and sliding_threshold.")));
}

/* Renew a token that is due; the judgement is of afterwards. */
static void
renew(Presented *presented, Judgement *judgement)
{
	OwnerCall	call;

	PreventCommandIfReadOnly("tokenauth_renew()");
	if (presented_place(presented))
	{
		check_renewable(presented->source);
		owner_begin(&call, presented->source);
		/* a token that dies meanwhile is not written */
		if (presented_lock(&call, presented))
			extend(&call, presented);
		owner_end(&call);
	}
	judge_token(&presented->query, NULL, NULL, judgement);
}

/* Is so little left that it should be renewed? */
static bool
is_due(const Judgement *judgement)
{
	return judgement->verdict.has_expiry &&
		judgement->verdict.expires_at <=
		lifecycle_after(GetCurrentTimestamp(),
						judgement->source->sliding_threshold);
}

/*
 * tokenauth_renew(token text, source name) returns timestamptz
 *
 * When the token expires from now on; NULL if it is not valid, or does not
 * expire.  Writes only if less than the source's threshold is left and more can
 * be had.
 */
TOKENAUTH_FUNCTION(tokenauth_renew);
Datum
tokenauth_renew(PG_FUNCTION_ARGS)
{
	Presented	presented;
	Judgement	judgement;
	const Verdict *verdict = &presented.before.verdict;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	presented_take(fcinfo, 1, &presented);
	if (presented_judge(&presented) == TOKEN_VALID)
	{
		check_renewable(presented.before.source);
		/* most calls have nothing to write */
		if (is_due(&presented.before))
		{
			renew(&presented, &judgement);
			verdict = &judgement.verdict;
		}
	}
	presented_forget(fcinfo, &presented);
	if (verdict->status != TOKEN_VALID || !verdict->has_expiry)
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(verdict->expires_at);
}
