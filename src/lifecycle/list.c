/*-------------------------------------------------------------------------
 *
 * list.c
 *		SQL: tokenauth_list().
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/arguments.h"
#include "base/compat.h"
#include "funcapi.h"
#include "judge/judge.h"
#include "judge/lookup.h"
#include "lifecycle/lifecycle.h"
#include "lifecycle/rows_of.h"
#include "lifecycle/shared_row.h"
#include "nodes/nodeFuncs.h"
#include "source/mapping.h"
#include "source/owner.h"
#include "source/registry.h"
#include "source/stored.h"
#include "source/stored_row.h"
#include "source/value.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/tuplestore.h"
#include "utils/typcache.h"

/* Columns of tokenauth_list(). */
enum
{
	LIST_TOKEN_ID,
	LIST_NAME,
	LIST_TOKEN_PREFIX,
	LIST_SCOPE,
	LIST_CREATED_AT,
	LIST_EXPIRES_AT,
	LIST_LAST_USED_AT,
	LIST_STATUS,
	LIST_CLAIMS,
	LIST_NATTS
};

/*
 * Judge a listed row by what its token column holds: from the cache, if that gives
 * the key, or from the table.
 */
static void
judge_stored(Source *source, const StoredValue *stored, const char *id,
			 Judgement *judgement)
{
	TokenQuery	query = {.found = source};
	TokenDigest digest;
	uint64		stamp;

	judgement->source = NULL;
	verdict_init(&judgement->verdict, TOKEN_UNKNOWN);
	if (!OidIsValid(stored->type))
		return;
	if (stored_is_digest(source))
	{
		query.digest = &digest;
		if (stored_key_of_row(source, stored, &digest))
			judge_token(&query, NULL, NULL, judgement);
		return;
	}
	judgement->source = source;
	if (lookup_stored(source, stored, id, &judgement->verdict, &stamp))
		verdict_settle(&judgement->verdict, GetCurrentTimestamp());
}

/* The rows of a user, in one source. */
static QueryResult *
select_rows(OwnerCall *call, const char *user_id)
{
	const Source *source = call->source;
	bool		has_id = source->column[ROLE_ID].kind != VALUE_NONE;
	bool		has_scope = source->column[ROLE_SCOPE].kind != VALUE_NONE;
	const char *created = owner_read_timestamp(call, ROLE_CREATED);

	return rows_of(call, &(RowsOf) {1, {ROLE_USER}, {user_id}},
				   psprintf("%s, %s, %s, %s, %s, %s, %s, %s, %s",
							has_id ? owner_column(call, ROLE_ID) : "NULL",
							lifecycle_text_column(call, NAME_COLUMN) ? NAME_COLUMN : "NULL",
							lifecycle_text_column(call, DISPLAY_COLUMN) ? DISPLAY_COLUMN : "NULL",
							has_scope ? owner_column(call, ROLE_SCOPE) : "NULL",
							created,
							owner_read_timestamp(call, ROLE_EXPIRES),
							owner_read_timestamp(call, ROLE_LAST_USED),
							owner_column(call, ROLE_TOKEN),
							source_has_role(source, ROLE_USER) ?
							owner_column(call, ROLE_USER) : "NULL"),
				   psprintf("%s ORDER BY %s DESC NULLS LAST",
							shared_row_has_own(call), created));
}

/* Does a parent say that the token expires before its row says so? */
static bool
parent_ends_it(const Judgement *judgement, bool never, TimestampTz expires_at)
{
	const Verdict *verdict = &judgement->verdict;

	return judgement->source != NULL &&
		source_parent_with(judgement->source, ROLE_EXPIRES) != NULL &&
		verdict->has_expiry && (never || verdict->expires_at < expires_at);
}

static void
put_row(ReturnSetInfo *rsinfo, const QueryResult *rows, uint64 row,
		const Judgement *judgement, TimestampTz last_used)
{
	Datum		value[LIST_NATTS] = {0};
	bool		isnull[LIST_NATTS];

	for (int i = LIST_TOKEN_ID; i <= LIST_SCOPE; i++)
	{
		char	   *text = query_text(rows, row, i + 1);

		isnull[i] = text == NULL;
		value[i] = text ? CStringGetTextDatum(text) : (Datum) 0;
	}
	for (int i = LIST_CREATED_AT; i <= LIST_LAST_USED_AT; i++)
	{
		TimestampTz time;

		isnull[i] = !query_timestamp(rows, row, i + 1, &time);
		if (i == LIST_LAST_USED_AT && last_used > time)
		{
			time = last_used;
			isnull[i] = false;
		}
		if (i == LIST_EXPIRES_AT && parent_ends_it(judgement, isnull[i], time))
		{
			time = judgement->verdict.expires_at;
			isnull[i] = false;
		}
		value[i] = TimestampTzGetDatum(time);
	}
	value[LIST_STATUS] =
		CStringGetTextDatum(token_status_name(judgement->verdict.status));
	isnull[LIST_STATUS] = false;
	isnull[LIST_CLAIMS] = judgement->verdict.field[FIELD_CLAIMS].data == NULL;
	if (!isnull[LIST_CLAIMS])
		value[LIST_CLAIMS] = verdict_datum(&judgement->verdict, FIELD_CLAIMS,
										   VALUE_JSONB);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, value, isnull);
}

/* A field of a verdict is this text; either may be NULL. */
static bool
field_is(const Judgement *judgement, VerdictField field, SourceRole role,
		 const char *text)
{
	const char *judged = lifecycle_field_text(judgement, field, role);

	return judged != NULL && text != NULL && strcmp(judged, text) == 0;
}

static Oid
collation_of(const SourceParent *parent, const SourceColumn *column)
{
	Oid			type;
	int32		typmod;
	Oid			collation;

	if (column->node != NULL)
		return exprCollation(column->node);
	get_atttypetypmodcoll(parent->relation, column->attnum, &type, &typmod,
						  &collation);
	return collation;
}

/* Are two texts the same user to the parent that says whose a token is? */
static bool
is_same_user(const SourceParent *parent, const char *a, const char *b)
{
	const SourceColumn *column = &parent->column[ROLE_USER];
	TypeCacheEntry *type;
	Oid			input;
	Oid			parameter;

	/* it has been read again, and was not understood */
	if (!OidIsValid(column->declared))
		return strcmp(a, b) == 0;
	type = lookup_type_cache(getBaseType(column->declared), TYPECACHE_EQ_OPR_FINFO);
	getTypeInputInfo(column->type, &input, &parameter);
	return DatumGetBool(FunctionCall2Coll(&type->eq_opr_finfo,
										  collation_of(parent, column),
										  OidInputFunctionCall(input, pstrdup(a), parameter, -1),
										  OidInputFunctionCall(input, pstrdup(b), parameter, -1)));
}

/* A row of those that a user was asked for by that text, which can be equal only. */
typedef struct ListedRow
{
	const Source *source;
	const QueryResult *rows;
	uint64		row;
	const char *asked;
} ListedRow;

/*
 * Is the verdict's user the row's?  As the row has it, for what was asked for can be
 * written otherwise and be equal; or else one whom the parent calls equal to that.
 */
static bool
has_user_of_row(const Judgement *judgement, const ListedRow *listed)
{
	const SourceParent *parent = source_parent_with(listed->source, ROLE_USER);
	const char *judged = lifecycle_field_text(judgement, FIELD_USER, ROLE_USER);

	if (parent == NULL)
		return field_is(judgement, FIELD_USER, ROLE_USER,
						query_text(listed->rows, listed->row, LIST_LAST_USED_AT + 3));
	return judged != NULL && is_same_user(parent, judged, listed->asked);
}

/*
 * Where a token has several rows the verdict may be another's, and so would
 * its claims be.
 */
static bool
is_of_row(const Judgement *judgement, const ListedRow *listed)
{
	const Source *source = judgement->source;
	char	   *id;

	if (source == NULL || source->finder.unique ||
		judgement->verdict.status != TOKEN_VALID)
		return true;
	id = query_text(listed->rows, listed->row, 1);
	return has_user_of_row(judgement, listed) &&
		(id == NULL || field_is(judgement, FIELD_ID, ROLE_ID, id));
}

/* When the token was last used, if that need not be in its row yet; or 0. */
static TimestampTz
unwritten_use(const Source *source, const StoredValue *stored,
			  const Judgement *judgement)
{
	TokenDigest digest = {{0}};
	UsedToken	used;

	if (!source->keeps_last_use ||
		(stored_is_digest(source) &&
		 !stored_key_of_row(source, stored, &digest)) ||
		!judge_used_token(source, &digest, &judgement->verdict, &used))
		return 0;
	return last_used_noted(&used);
}

static void
list_source(ReturnSetInfo *rsinfo, Source *source, const char *user_id,
			bool include_dead)
{
	OwnerCall	call;
	QueryResult *rows;

	owner_begin(&call, source);
	rows = select_rows(&call, user_id);
	owner_end(&call);
	for (uint64 i = 0; i < rows->nrows; i++)
	{
		Judgement	judgement;
		StoredValue stored;

		if (stored_of_result(rows, i, LIST_LAST_USED_AT + 2, &stored) &&
			shared_row_is_others(source, &stored, query_text(rows, i, 1)))
			continue;
		judge_stored(source, &stored, query_text(rows, i, 1), &judgement);
		if (!is_of_row(&judgement, &(ListedRow) {source, rows, i, user_id}))
			verdict_init(&judgement.verdict, TOKEN_UNKNOWN);
		if (include_dead || judgement.verdict.status == TOKEN_VALID)
			put_row(rsinfo, rows, i, &judgement,
					unwritten_use(source, &stored, &judgement));
	}
	query_free(rows);
}

/*
 * tokenauth_list(user_id anycompatiblenonarray, source name,
 *				  include_dead boolean)
 * returns table (token_id text, name text, token_prefix text, scope text,
 *				  created_at timestamptz, expires_at timestamptz,
 *				  last_used_at timestamptz, status text, claims jsonb)
 *
 * A user's tokens, newest first; never a token or its digest.
 */
TOKENAUTH_FUNCTION(tokenauth_list);
Datum
tokenauth_list(PG_FUNCTION_ARGS)
{
	Source	   *source;

	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(0))
		return (Datum) 0;
	source = lifecycle_source(name_or_null(fcinfo, 1), false);
	if (source->column[ROLE_USER].kind == VALUE_NONE)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("token source \"%s\" has no %s", source->name,
						role_argument(ROLE_USER)),
				 errhint("Attach the table again, with this argument.")));
	list_source((ReturnSetInfo *) fcinfo->resultinfo, source,
				id_or_null(fcinfo, 0),
				!PG_ARGISNULL(2) && PG_GETARG_BOOL(2));
	return (Datum) 0;
}
