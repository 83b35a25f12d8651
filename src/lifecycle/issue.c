/*-------------------------------------------------------------------------
 *
 * issue.c
 *		SQL: tokenauth_issue(), tokenauth_exchange().
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
#include "judge/scope.h"
#include "lifecycle/ending.h"
#include "lifecycle/kin.h"
#include "lifecycle/lifecycle.h"
#include "lifecycle/new_token.h"
#include "lifecycle/presented.h"
#include "lifecycle/shared_row.h"
#include "miscadmin.h"
#include "source/owner.h"
#include "source/registry.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

/*
 * tokenauth_issue(user_id text | uuid | bigint, source name,
 *				   expires_in interval, scope text,
 *				   tenant_id anycompatiblenonarray, attributes jsonb)
 * returns (token text, token_id text, token_prefix text,
 *			expires_at timestamptz)
 */
TOKENAUTH_FUNCTION(tokenauth_issue);
Datum
tokenauth_issue(PG_FUNCTION_ARGS)
{
	IssueRequest request = {
		.user_id = id_or_null(fcinfo, 0),
		.expires_in = interval_or_null(fcinfo, 2),
		.scope = text_or_null(fcinfo, 3),
		.tenant_id = id_or_null(fcinfo, 4),
		.attributes = lifecycle_attributes(fcinfo, 5),
	};
	Source	   *source;
	OwnerCall	call;
	NewToken	token;

	PreventCommandIfReadOnly("tokenauth_issue()");
	source = lifecycle_source(name_or_null(fcinfo, 1), true);
	if (request.user_id == NULL && source_has_role(source, ROLE_USER))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be null", "user_id")));
	owner_begin(&call, source);
	new_token_issue(&call, &request, &token);
	owner_end(&call);
	return new_token_record(fcinfo, &token);
}

/* ---------- exchange ---------- */

/* Columns of the type tokenauth_exchanged. */
enum
{
	EXCHANGED_STATUS,
	EXCHANGED_TOKEN,
	EXCHANGED_TOKEN_ID,
	EXCHANGED_EXPIRES_AT,
	EXCHANGED_NATTS
};

static void
check_single_use(const Source *source, const Source *into)
{
	if (!AttributeNumberIsValid(source->column[ROLE_USED].attnum))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("tokens of source \"%s\" are not for single use",
						source->name),
				 errhint("Attach the table with a used_column.")));
	if (source->column[ROLE_USER].kind == VALUE_NONE &&
		into->column[ROLE_USER].kind != VALUE_NONE)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("tokens of source \"%s\" have no user, which those of source \"%s\" need",
						source->name, into->name)));
}

/* The new token is to be the same user's and tenant's. */
static void
check_takes_holder(const Source *into)
{
	const SourceParent *parent = source_parent_with(into, ROLE_USER);

	if (parent == NULL)
		parent = source_parent_with(into, ROLE_TENANT);
	if (parent != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("no token can be exchanged for one of source \"%s\"",
						into->name),
				 errdetail("Table %s says whose its tokens are, which need not be the holder of the token that is exchanged.",
						   parent->name)));
}

/* Mark a single-use token as used. */
static void
use_token(OwnerCall *call, const Presented *presented)
{
	TimestampTz now = GetCurrentTimestamp();

	for (int i = 0; i < presented->values.n; i++)
		(void) owner_execute(call,
							 psprintf("UPDATE ONLY %s SET %s = %s WHERE %s",
									  owner_table(call),
									  owner_column(call, ROLE_USED),
									  owner_cast_timestamp(call, ROLE_USED, now),
									  owner_is_token(call, &presented->values.value[i])));
	ending_check_dead(call, &presented->values, "use up");
	kin_check_changed(call, &presented->stored, presented->views);
}

/*
 * A source that is not named is found by the token.  Then its owner, who says in his
 * table whose the token is, must be able to make tokens of the other source anyway.
 */
static void
check_may_vouch(const Presented *presented, const Source *into)
{
	if (presented->query.source_name != NULL ||
		has_privs_of_role(registry_table_owner(presented->source->relation),
						  registry_table_owner(into->relation)))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("a token of source \"%s\" is not exchanged for one of \"%s\" of another owner",
					presented->source->name, into->name),
			 errhint("Name the source whose tokens are meant in the argument \"source\".")));
}

/* What a token says, for that which it is exchanged for. */
typedef struct Holder
{
	const char *user;			/* NULL: none */
	const char *tenant;
	bool		has_user;		/* the source tells it; and of what follows */
	bool		has_tenant;
	bool		has_scopes;
	CarriedScopes scopes;
} Holder;

static void
take_scopes(const Judgement *judgement, Holder *holder)
{
	const VerdictValue *value = &judgement->verdict.field[FIELD_SCOPE];
	ValueKind	kind = judgement->source->column[ROLE_SCOPE].kind;

	holder->has_scopes = kind != VALUE_NONE;
	holder->scopes.source = judgement->source->name;
	holder->scopes.names = scope_names(value, kind);
}

/* Each field is read as its column is now, before code of the owner's changes that. */
static void
take_holder(const Presented *presented, Holder *holder)
{
	const Judgement *judgement = &presented->judgement;

	holder->user = lifecycle_field_text(judgement, FIELD_USER, ROLE_USER);
	holder->tenant = lifecycle_field_text(judgement, FIELD_TENANT, ROLE_TENANT);
	holder->has_user = judgement->source->column[ROLE_USER].kind != VALUE_NONE;
	holder->has_tenant = judgement->source->column[ROLE_TENANT].kind != VALUE_NONE;
	take_scopes(judgement, holder);
}

/*
 * Use a token up, if it is still valid when its row is ours; its status and, if it was
 * valid, its holder.
 */
static TokenStatus
use_up(Presented *presented, const Source *into, Holder *holder)
{
	OwnerCall	call;

	if (!presented_place(presented))
		return presented->before.verdict.status;
	check_may_vouch(presented, into);
	check_single_use(presented->source, into);
	owner_begin(&call, presented->source);
	if (presented_lock(&call, presented))
	{
		take_holder(presented, holder);
		use_token(&call, presented);
	}
	owner_end(&call);
	return presented->judgement.verdict.status;
}

/* Again, because inserting the row of the new token runs code of owners, too. */
static void
check_used_up(const Presented *presented)
{
	OwnerCall	call;

	owner_begin(&call, presented->source);
	ending_check_dead(&call, &presented->values, "use up");
	owner_end(&call);
}

/* What the row says, where the new token's source has such a column. */
static const char *
inherited(const char *of_row, const Source *into, SourceRole role)
{
	return into->column[role].kind == VALUE_NONE ? NULL : of_row;
}

/* How sources of the new token's column looked at the row, if that has such a token. */
static const List *
views_of_column(const Presented *presented, const Source *into)
{
	return source_is_same(presented->source, into) ||
		shared_row_is_kin(presented->source, into) ? presented->views : NIL;
}

/* The token's tenant is that of its successor. */
static const char *
choose_tenant(const char *of_row, const char *argument)
{
	if (of_row != NULL && argument != NULL && strcmp(of_row, argument) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" is not the tenant of the token",
						"tenant_id"),
				 errhint("Leave it out: the new token is for the same tenant.")));
	return of_row != NULL ? of_row : argument;
}

/* Fill what is told of the new token, and wipe the token. */
static void
tell_exchanged(NewToken *token, Datum *value, bool *isnull)
{
	value[EXCHANGED_TOKEN] = CStringGetTextDatum(token->text);
	isnull[EXCHANGED_TOKEN] = false;
	isnull[EXCHANGED_TOKEN_ID] = token->id == NULL;
	if (token->id != NULL)
		value[EXCHANGED_TOKEN_ID] = CStringGetTextDatum(token->id);
	isnull[EXCHANGED_EXPIRES_AT] = !token->has_expiry;
	value[EXCHANGED_EXPIRES_AT] = TimestampTzGetDatum(token->expires_at);
	new_token_forget(token);
}

/*
 * tokenauth_exchange(token text, into_source name, expires_in interval,
 *					  attributes jsonb, source name, scope text,
 *					  tenant_id anycompatiblenonarray)
 * returns (status text, token text, token_id text, expires_at timestamptz)
 *
 * A single-use token becomes a token of another source, of the same user and
 * tenant, and of the same scope unless one is given; the second caller gets
 * "used".
 */
TOKENAUTH_FUNCTION(tokenauth_exchange);
Datum
tokenauth_exchange(PG_FUNCTION_ARGS)
{
	Datum		value[EXCHANGED_NATTS] = {0};
	bool		isnull[EXCHANGED_NATTS] = {false, true, true, true};
	TokenStatus status = TOKEN_MALFORMED;
	Presented	presented;
	Holder		holder = {0};
	Source	   *into;
	TupleDesc	desc;
	Datum		record;

	PreventCommandIfReadOnly("tokenauth_exchange()");
	if (PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be null", "into_source")));
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	into = lifecycle_source(name_or_null(fcinfo, 1), true);
	check_takes_holder(into);
	if (!PG_ARGISNULL(0))
	{
		presented_take(fcinfo, 4, &presented);
		status = use_up(&presented, into, &holder);
	}
	if (status == TOKEN_VALID)
	{
		IssueRequest request = {
			.user_id = holder.user,
			.tenant_id = choose_tenant(inherited(holder.tenant, into,
												 ROLE_TENANT),
									   id_or_null(fcinfo, 6)),
			.carries_user = holder.has_user,
			.carries_tenant = holder.has_tenant,
			.scope = text_or_null(fcinfo, 5),
			.carried = holder.has_scopes ? &holder.scopes : NULL,
			.expires_in = interval_or_null(fcinfo, 2),
			.attributes = lifecycle_attributes(fcinfo, 3),
			.exchanged = views_of_column(&presented, into),
		};
		OwnerCall	call;
		NewToken	token;

		owner_begin(&call, into);
		new_token_issue(&call, &request, &token);
		owner_end(&call);
		check_used_up(&presented);
		tell_exchanged(&token, value, isnull);
	}
	value[EXCHANGED_STATUS] = CStringGetTextDatum(token_status_name(status));
	record = HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), value,
											   isnull));
	if (!isnull[EXCHANGED_TOKEN])
		token_wipe(value[EXCHANGED_TOKEN]);
	if (!PG_ARGISNULL(0))
		presented_forget(fcinfo, &presented);
	return record;
}
