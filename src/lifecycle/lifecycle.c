/*-------------------------------------------------------------------------
 *
 * lifecycle.c
 *		SQL: tokenauth_revoke() and its kin, tokenauth_flush() and its kin.
 *
 * Rows are changed as the table's owner: owner.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/compat.h"
#include "catalog/pg_type.h"
#include "judge/coherence.h"
#include "judge/judge.h"
#include "judge/lookup.h"
#include "lifecycle/lifecycle.h"
#include "miscadmin.h"
#include "source/directory.h"
#include "source/mapping.h"
#include "source/owner.h"
#include "source/problem.h"
#include "source/registry.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

/* Now, as a value of a timestamp type. */
static char *
now_as(const Source *source, Oid type)
{
	return owner_in_timezone(source, type, "pg_catalog.clock_timestamp()");
}

/* Where rows are marked as revoked, also the time, if there is a column. */
static const char *
also_set_revoked_at(const Source *source)
{
	AttrNumber	attnum = get_attnum(source->relation, "revoked_at");
	Oid			type;

	if (attnum == InvalidAttrNumber ||
		attnum == source->column[ROLE_REVOKED].attnum)
		return "";
	type = get_atttype(source->relation, attnum);
	return is_timestamp(type) ?
		psprintf(", revoked_at = %s", now_as(source, type)) : "";
}

TimestampTz
lifecycle_after(TimestampTz from, Interval *interval)
{
	return DatumGetTimestamp(DirectFunctionCall2(timestamp_pl_interval,
												 TimestampGetDatum(from),
												 IntervalPGetDatum(interval)));
}

char *
lifecycle_in_utc(const char *expression)
{
	return psprintf("pg_catalog.timezone('UTC', %s)", expression);
}

Source *
lifecycle_source(const char *name)
{
	Source	   *source;
	Source	   *held;

	if (name != NULL)
		source = judge_named_source(name);
	else
	{
		coherence_refresh();
		if (list_length(source_all()) != 1)
			ereport(ERROR,
					(errcode(ERRCODE_AMBIGUOUS_PARAMETER),
					 errmsg("token source is ambiguous"),
					 errdetail("There are %d sources.",
							   list_length(source_all())),
					 errhint("Name one of them in the argument \"source\".")));
		source = linitial(source_all());
	}
	held = source_hold(source);
	if (held == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("the table of token source \"%s\" does not exist any more",
						source->name)));
	if (PROBLEM_IS_FATAL(held->problem))
		problem_report(held);
	return held;
}

Form_pg_attribute
lifecycle_display_column(const OwnerCall *call)
{
	AttrNumber	attnum = get_attnum(call->source->relation, DISPLAY_COLUMN);
	Form_pg_attribute attribute;

	if (attnum <= 0)
		return NULL;
	attribute = TupleDescAttr(RelationGetDescr(call->table), attnum - 1);
	if ((attribute->atttypid != TEXTOID && attribute->atttypid != VARCHAROID) ||
		attribute->attgenerated)
		return NULL;
	return attribute;
}

char *
lifecycle_field_text(const Judgement *judgement, VerdictField field,
					 SourceRole role)
{
	if (judgement->verdict.field[field].data == NULL)
		return NULL;
	return text_to_cstring(verdict_text(&judgement->verdict, field,
										judgement->source->column[role].kind));
}

void
lifecycle_concurrent_update(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
			 errmsg("could not serialize access due to concurrent update")));
}

/* The condition under which a row is not revoked yet. */
static char *
not_revoked(const OwnerCall *call)
{
	const SourceColumn *revoked = &call->source->column[ROLE_REVOKED];
	const char *column;

	if (!AttributeNumberIsValid(revoked->attnum))
		return "true";
	column = owner_column(call, ROLE_REVOKED);
	if (revoked->type == BOOLOID)
		return psprintf("%s IS NOT TRUE", column);
	if (is_timestamp(revoked->type))
		return psprintf("%s IS NULL", column);
	/* an unknown literal takes the column's type, be it an enum */
	return psprintf("%s OPERATOR(pg_catalog.<>) '" REVOKED_STATUS "'", column);
}

/* What a revoked row has in its column. */
static const char *
revoked_value(const OwnerCall *call)
{
	Oid			type = call->source->column[ROLE_REVOKED].type;

	if (type == BOOLOID)
		return "true";
	if (is_timestamp(type))
		return now_as(call->source, type);
	return "'" REVOKED_STATUS "'";
}

uint64
lifecycle_revoke(OwnerCall *call, const char *condition)
{
	const Source *source = call->source;

	if (!AttributeNumberIsValid(source->column[ROLE_REVOKED].attnum))
		return owner_execute(call, psprintf("DELETE FROM ONLY %s WHERE %s",
											owner_table(call), condition));
	return owner_execute(call,
						 psprintf("UPDATE ONLY %s SET %s = %s%s WHERE %s AND %s",
								  owner_table(call),
								  owner_column(call, ROLE_REVOKED),
								  revoked_value(call),
								  also_set_revoked_at(source),
								  not_revoked(call), condition));
}

/*
 * The source, held; NULL if it cannot be read.  If the caller has named it,
 * that is an error; if it is one of several, it must not keep others from
 * being revoked.
 */
static Source *
prepare_source(const Source *candidate, bool named)
{
	Source	   *source = source_hold(candidate);

	if (source == NULL || !PROBLEM_IS_FATAL(source->problem))
		return source;
	if (named)
		problem_report(source);
	ereport(WARNING,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("token source \"%s\" is passed over, because it cannot be read",
					source->name),
			 errdetail_internal("%s", problem_explain(source))));
	return NULL;
}

/* Is a token of this source valid now, whatever this transaction sees? */
static bool
is_valid(const Source *source, const char *token, Size len)
{
	TokenQuery	query = {token, NULL, len, source->name};
	Judgement	judgement;

	judge_token(&query, NULL, NULL, &judgement);
	return judgement.verdict.status == TOKEN_VALID;
}

static uint64
revoke_by_token(const Source *candidate, const char *token, Size len,
				bool named)
{
	const Source *source = prepare_source(candidate, named);
	LookupKey	key = {{{0}}, token, len};
	OwnerCall	call;
	Datum		stored;
	uint64		revoked;

	if (source == NULL ||
		!token_digest(source->encoding, token, len, &key.digest))
		return 0;
	stored = lookup_search_value(source, &key);
	owner_begin(&call, source);
	revoked = lifecycle_revoke(&call, owner_is_token(&call, stored));
	owner_end(&call);
	token_wipe(stored);
	if (revoked == 0 && IsolationUsesXactSnapshot() &&
		is_valid(source, token, len))
		lifecycle_concurrent_update();
	return revoked;
}

/*
 * tokenauth_revoke(token text) returns boolean
 *
 * True if this call revoked it; false if it was revoked or unknown before.
 * In effect for all once the transaction has committed.
 */
TOKENAUTH_FUNCTION(tokenauth_revoke_token);
Datum
tokenauth_revoke_token(PG_FUNCTION_ARGS)
{
	text	   *token = PG_GETARG_TEXT_PP(0);
	const char *data = VARDATA_ANY(token);
	Size		len = VARSIZE_ANY_EXHDR(token);
	uint64		revoked = 0;
	List	   *candidates;
	ListCell   *lc;

	coherence_refresh();
	candidates = source_candidates(data, len);
	foreach(lc, candidates)
		revoked += revoke_by_token(lfirst(lc), data, len,
								   list_length(candidates) == 1);
	token_forget_copy(token, PG_GETARG_DATUM(0));
	PG_RETURN_BOOL(revoked > 0);
}

/*
 * Could this text be a value of the column's type?  Where no source is named,
 * sources whose ids look otherwise are passed over; what slips through is for
 * the type's own input function to refuse.
 */
static bool
could_be(const char *text, const SourceColumn *column)
{
	char	   *end;
	int			digits = 0;
	int64		number;

	switch (column->kind)
	{
		case VALUE_UUID:
			for (const char *c = text; *c; c++)
				if (isxdigit((unsigned char) *c))
					digits++;
				else if (strchr("-{}", *c) == NULL)
					return false;
			return digits == 32;
		case VALUE_INT4:
		case VALUE_INT8:
			errno = 0;
			number = strtoll(text, &end, 10);
			return errno == 0 && end != text && *end == '\0' &&
				(column->kind == VALUE_INT8 ||
				 (number >= PG_INT32_MIN && number <= PG_INT32_MAX));
		case VALUE_TEXT:
			return true;
		case VALUE_NONE:
		case VALUE_JSONB:
			break;
	}
	return false;
}

/* Does the source have what revoking by id and user needs? */
static bool
has_id_and_user(const Source *source)
{
	return source->column[ROLE_ID].kind != VALUE_NONE &&
		source->column[ROLE_USER].kind != VALUE_NONE;
}

static uint64
revoke_by_id(Source *source, const char *id, const char *user_id)
{
	OwnerCall	call;
	uint64		revoked;

	owner_begin(&call, source);
	revoked = lifecycle_revoke(&call, psprintf("%s OPERATOR(pg_catalog.=) %s AND %s OPERATOR(pg_catalog.=) %s",
										  owner_column(&call, ROLE_ID),
										  owner_cast(&call, ROLE_ID, id),
										  owner_column(&call, ROLE_USER),
										  owner_cast(&call, ROLE_USER, user_id)));
	owner_end(&call);
	return revoked;
}

/* The source named, or all; refreshed. */
static List *
choose_sources(const char *name)
{
	if (name != NULL)
		return list_make1(judge_named_source(name));
	coherence_refresh();
	return source_all();
}

/* In the source named, or in each whose ids and user ids look like these. */
static bool
revoke_id(const char *id, const char *user_id, const char *source_name)
{
	uint64		revoked = 0;
	List	   *sources = choose_sources(source_name);
	ListCell   *lc;

	foreach(lc, sources)
	{
		Source	   *source = prepare_source(lfirst(lc), source_name != NULL);

		if (source == NULL)
			continue;
		if (source_name != NULL && !has_id_and_user(source))
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("token source \"%s\" does not have an id_column and a user_column",
							source->name),
					 errhint("Attach the table again, with these arguments.")));
		if (source_name != NULL ||
			(could_be(id, &source->column[ROLE_ID]) &&
			 could_be(user_id, &source->column[ROLE_USER])))
			revoked += revoke_by_id(source, id, user_id);
	}
	return revoked > 0;
}

/*
 * tokenauth_revoke(id uuid, user_id uuid, source name) returns boolean
 *
 * The same by the row's id, if it is that user's.
 */
TOKENAUTH_FUNCTION(tokenauth_revoke_id);
Datum
tokenauth_revoke_id(PG_FUNCTION_ARGS)
{
	char	   *id[2];

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_BOOL(false);
	for (int i = 0; i < 2; i++)
		id[i] = DatumGetCString(DirectFunctionCall1(uuid_out,
													PG_GETARG_DATUM(i)));
	PG_RETURN_BOOL(revoke_id(id[0], id[1], PG_ARGISNULL(2) ? NULL :
							 NameStr(*PG_GETARG_NAME(2))));
}

/*
 * tokenauth_revoke(id text, user_id text, source name) returns boolean
 *
 * The same where ids are not uuids.
 */
TOKENAUTH_FUNCTION(tokenauth_revoke_text_id);
Datum
tokenauth_revoke_text_id(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_BOOL(false);
	PG_RETURN_BOOL(revoke_id(text_to_cstring(PG_GETARG_TEXT_PP(0)),
							 text_to_cstring(PG_GETARG_TEXT_PP(1)),
							 PG_ARGISNULL(2) ? NULL :
							 NameStr(*PG_GETARG_NAME(2))));
}

/* What to do with a source in which a role's column has a value. */
typedef uint64 (*SourceAction) (Source *source, SourceRole role,
								const char *value);

/*
 * Apply an action to the source named, which must have such a column, or to
 * all that have one.  Returns the sum of what the actions return.
 */
static uint64
for_sources_with(FunctionCallInfo fcinfo, SourceRole role, SourceAction act)
{
	char	   *value;
	uint64		sum = 0;
	bool		named = !PG_ARGISNULL(1);
	List	   *sources;
	ListCell   *lc;

	if (PG_ARGISNULL(0))
		return 0;
	value = text_to_cstring(PG_GETARG_TEXT_PP(0));
	sources = choose_sources(named ? NameStr(*PG_GETARG_NAME(1)) : NULL);
	foreach(lc, sources)
	{
		Source	   *source = prepare_source(lfirst(lc), named);

		if (source == NULL)
			continue;
		if (named && source->column[role].kind == VALUE_NONE)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("token source \"%s\" has no %s",
							source->name, role_argument(role)),
					 errhint("Attach the table again, with this argument.")));
		if (named || could_be(value, &source->column[role]))
			sum += act(source, role, value);
	}
	return sum;
}

static char *
has_value(OwnerCall *call, SourceRole role, const char *value)
{
	return psprintf("%s OPERATOR(pg_catalog.=) %s", owner_column(call, role),
					owner_cast(call, role, value));
}

static uint64
revoke_all_of(Source *source, SourceRole role, const char *value)
{
	OwnerCall	call;
	uint64		revoked;

	owner_begin(&call, source);
	revoked = lifecycle_revoke(&call, has_value(&call, role, value));
	owner_end(&call);
	return revoked;
}

/* Is anything left to revoke, for a snapshot that is newer than the last? */
static uint64
any_left_of(Source *source, SourceRole role, const char *value)
{
	OwnerCall	call;
	uint64		left;

	owner_begin(&call, source);
	left = owner_execute(&call,
						 psprintf("SELECT FROM ONLY %s WHERE %s AND %s LIMIT 1",
								  owner_table(&call), not_revoked(&call),
								  has_value(&call, role, value)));
	owner_end(&call);
	return left;
}

#define MAX_PASSES		10

/*
 * Revoke all tokens of a user or tenant.  A rotation or exchange that was
 * under way may have committed a new one while we waited for the row of the
 * old one, which our snapshot was too old to show; so look again, until
 * nothing is left.
 */
static uint64
revoke_everywhere(FunctionCallInfo fcinfo, SourceRole role)
{
	uint64		revoked = 0;

	for (int pass = 0; pass < MAX_PASSES; pass++)
	{
		revoked += for_sources_with(fcinfo, role, revoke_all_of);
		if (for_sources_with(fcinfo, role, any_left_of) == 0)
			return revoked;
	}
	ereport(ERROR,
			(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
			 errmsg("could not revoke all tokens"),
			 errdetail("After %d passes there were still some that are not revoked.",
					   MAX_PASSES),
			 errhint("Retry; if that does not help, look for a trigger or rule that prevents it.")));
}

/*
 * tokenauth_revoke_user(user_id text, source name) returns bigint
 *
 * Revoke all tokens of a user; how many this call has revoked.
 */
TOKENAUTH_FUNCTION(tokenauth_revoke_user);
Datum
tokenauth_revoke_user(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64((int64) revoke_everywhere(fcinfo, ROLE_USER));
}

/*
 * tokenauth_revoke_tenant(tenant_id text, source name) returns bigint
 */
TOKENAUTH_FUNCTION(tokenauth_revoke_tenant);
Datum
tokenauth_revoke_tenant(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64((int64) revoke_everywhere(fcinfo, ROLE_TENANT));
}

/* An id to look for in the cache, as an entry has it. */
typedef struct FieldMatch
{
	VerdictField field;
	VerdictValue value;
} FieldMatch;

/* A CacheMatch. */
static bool
field_matches(const CacheItem *item, void *arg)
{
	const FieldMatch *match = arg;
	Verdict		verdict;
	VerdictValue *value;

	verdict_unpack(item, &verdict);
	value = &verdict.field[match->field];
	return value->data != NULL && value->len == match->value.len &&
		memcmp(value->data, match->value.data, value->len) == 0;
}

static uint64
flush_all_of(Source *source, SourceRole role, const char *value)
{
	const SourceColumn *column = &source->column[role];
	FieldMatch	match;
	Oid			input;
	Oid			parameter;

	if (!cache_is_on())
		return 0;
	getTypeInputInfo(column->type, &input, &parameter);
	match.field = role == ROLE_USER ? FIELD_USER : FIELD_TENANT;
	match.value = verdict_value(column->kind,
								OidInputFunctionCall(input,
													 unconstify(char *, value),
													 parameter, -1),
								column->type);
	cache_flush_matching(MyDatabaseId, source->relation, field_matches, &match);
	return 0;
}

/*
 * tokenauth_flush_user(user_id text, source name) returns void
 *
 * Stop believing what is cached for a user: after a change of state that
 * tokenauth is not told of.
 */
TOKENAUTH_FUNCTION(tokenauth_flush_user);
Datum
tokenauth_flush_user(PG_FUNCTION_ARGS)
{
	(void) for_sources_with(fcinfo, ROLE_USER, flush_all_of);
	PG_RETURN_VOID();
}

/*
 * tokenauth_flush_tenant(tenant_id text, source name) returns void
 */
TOKENAUTH_FUNCTION(tokenauth_flush_tenant);
Datum
tokenauth_flush_tenant(PG_FUNCTION_ARGS)
{
	(void) for_sources_with(fcinfo, ROLE_TENANT, flush_all_of);
	PG_RETURN_VOID();
}

/*
 * tokenauth_flush(source name) returns void
 *
 * Stop believing what is cached for a source, or for all of this database.
 * Nothing but speed depends on it; it is not undone by ROLLBACK.
 */
TOKENAUTH_FUNCTION(tokenauth_flush);
Datum
tokenauth_flush(PG_FUNCTION_ARGS)
{
	ListCell   *lc;

	if (!PG_ARGISNULL(0))
	{
		coherence_flush(judge_named_source(NameStr(*PG_GETARG_NAME(0))));
		PG_RETURN_VOID();
	}
	source_refresh();
	foreach(lc, source_all())
		coherence_flush(lfirst(lc));
	PG_RETURN_VOID();
}
