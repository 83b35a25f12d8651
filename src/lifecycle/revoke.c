/*-------------------------------------------------------------------------
 *
 * revoke.c
 *		SQL: tokenauth_revoke() and its kin.
 *
 * Several sources are tried one by one (each_source.h).  If one is left out,
 * the result must not look like success: it is NULL, and a warning names the
 * source.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/arguments.h"
#include "base/compat.h"
#include "judge/coherence.h"
#include "judge/judge.h"
#include "judge/lookup.h"
#include "lifecycle/each_source.h"
#include "lifecycle/lifecycle.h"
#include "miscadmin.h"
#include "source/directory.h"
#include "source/owner.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

/* ---------- by token ---------- */

typedef struct TokenRevocation
{
	const char *token;
	Size		len;
	uint64		revoked;
} TokenRevocation;

/* Is a token of this source valid now, even if our snapshot is older? */
static bool
is_valid(const Source *source, const TokenRevocation *revocation)
{
	TokenQuery	query = {
		.token = revocation->token,
		.token_len = revocation->len,
		.found = source,
	};
	Judgement	judgement;

	judge_token(&query, NULL, NULL, &judgement);
	return judgement.verdict.status == TOKEN_VALID;
}

/* A SourceWork. */
static bool
revoke_token(Source *source, void *arg)
{
	TokenRevocation *revocation = arg;
	LookupKey	key = {{{0}}, revocation->token, revocation->len};
	OwnerCall	call;
	Datum		stored;
	uint64		revoked;

	if (!source_has_prefix(source, key.token, key.token_len) ||
		!token_digest(source->encoding, key.token, key.token_len, &key.digest))
		return false;
	stored = lookup_search_value(source, &key);
	owner_begin(&call, source);
	revoked = lifecycle_revoke(&call, owner_is_token(&call, stored));
	owner_end(&call);
	token_wipe(stored);
	if (revoked == 0 && IsolationUsesXactSnapshot() &&
		is_valid(source, revocation))
		lifecycle_concurrent_update();
	revocation->revoked += revoked;
	return true;
}

/* All that it could be of, or the one that is named. */
static List *
sources_of_token(const char *name, const TokenRevocation *revocation)
{
	if (name != NULL)
		return each_source_choose(name);
	coherence_refresh();
	return source_candidates(revocation->token, revocation->len);
}

static Datum
revoke_by_token(FunctionCallInfo fcinfo, const char *source_name)
{
	text	   *token;
	TokenRevocation revocation = {0};
	List	   *sources;
	int			concerned;

	PreventCommandIfReadOnly("tokenauth_revoke()");
	token = PG_GETARG_TEXT_PP(0);
	revocation.token = VARDATA_ANY(token);
	revocation.len = VARSIZE_ANY_EXHDR(token);
	sources = sources_of_token(source_name, &revocation);
	concerned = list_length(sources);
	sources = each_source(sources, true, revoke_token, &revocation);
	token_forget_copy(token, PG_GETARG_DATUM(0));
	if (list_length(sources) < concerned)
		PG_RETURN_NULL();
	PG_RETURN_BOOL(revocation.revoked > 0);
}

/*
 * tokenauth_revoke(token text) returns boolean
 *
 * True if this call revoked it; false if it was revoked or unknown before; NULL
 * if a source was left out.  In effect for all once the transaction has
 * committed.
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

/* ---------- by what its row says ---------- */

typedef struct IdRevocation
{
	const char *id;
	const char *user_id;
	bool		named;
	uint64		revoked;
} IdRevocation;

/* Does the source have what revoking by id and user needs? */
static bool
has_id_and_user(const Source *source)
{
	return source->column[ROLE_ID].kind != VALUE_NONE &&
		source->column[ROLE_USER].kind != VALUE_NONE;
}

/* A SourceWork. */
static bool
revoke_id(Source *source, void *arg)
{
	IdRevocation *revocation = arg;
	OwnerCall	call;

	if (revocation->named && !has_id_and_user(source))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("token source \"%s\" does not have an id_column and a user_column",
						source->name),
				 errhint("Attach the table again, with these arguments.")));
	if (!revocation->named &&
		(!each_source_could_have(source, ROLE_ID, revocation->id) ||
		 !each_source_could_have(source, ROLE_USER, revocation->user_id)))
		return false;
	owner_begin(&call, source);
	revocation->revoked +=
		lifecycle_revoke(&call,
						 psprintf("%s AND %s",
								  lifecycle_has_value(&call, ROLE_ID, revocation->id),
								  lifecycle_has_value(&call, ROLE_USER, revocation->user_id)));
	owner_end(&call);
	return true;
}

/* In the source named, or in each with ids and user ids of such a form. */
static Datum
revoke_by_id(FunctionCallInfo fcinfo, const char *id, const char *user_id)
{
	const char *name = name_or_null(fcinfo, 2);
	IdRevocation revocation = {id, user_id, name != NULL, 0};
	List	   *sources;
	int			concerned;

	PreventCommandIfReadOnly("tokenauth_revoke()");
	sources = each_source_choose(name);
	concerned = list_length(sources);
	sources = each_source(sources, true, revoke_id, &revocation);
	if (list_length(sources) < concerned)
		PG_RETURN_NULL();
	PG_RETURN_BOOL(revocation.revoked > 0);
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
	return revoke_by_id(fcinfo, id[0], id[1]);
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
	return revoke_by_id(fcinfo, text_or_null(fcinfo, 0),
						text_or_null(fcinfo, 1));
}

/* All tokens of one user or tenant. */
typedef struct MassRevocation
{
	SourceRole	role;
	const char *value;
	bool		named;
	uint64		revoked;
	uint64		left;
} MassRevocation;

static bool
is_concerned(const Source *source, const MassRevocation *revocation)
{
	return each_source_has_role(source, revocation->role, revocation->named) &&
		(revocation->named ||
		 each_source_could_have(source, revocation->role, revocation->value));
}

/* A SourceWork. */
static bool
revoke_all_of(Source *source, void *arg)
{
	MassRevocation *revocation = arg;
	OwnerCall	call;

	if (!is_concerned(source, revocation))
		return false;
	owner_begin(&call, source);
	revocation->revoked +=
		lifecycle_revoke(&call, lifecycle_has_value(&call, revocation->role,
													revocation->value));
	owner_end(&call);
	return true;
}

/*
 * A SourceWork: is anything left to revoke, for a snapshot that is newer than
 * the last?
 */
static bool
count_left_of(Source *source, void *arg)
{
	MassRevocation *revocation = arg;
	OwnerCall	call;

	if (!is_concerned(source, revocation))
		return false;
	owner_begin(&call, source);
	revocation->left +=
		owner_execute(&call,
					  psprintf("SELECT FROM ONLY %s WHERE %s AND %s LIMIT 1",
							   owner_table(&call), lifecycle_not_revoked(&call),
							   lifecycle_has_value(&call, revocation->role,
												   revocation->value)));
	owner_end(&call);
	return true;
}

#define MAX_PASSES		10

/*
 * Revoke all tokens of a user or tenant.  A rotation or exchange that was
 * under way may have committed a new one while we waited for the row of the
 * old one, which our snapshot was too old to show; so look again, until
 * nothing is left.
 */
static List *
revoke_in_passes(List *sources, MassRevocation *revocation)
{
	for (int pass = 0; pass < MAX_PASSES; pass++)
	{
		sources = each_source(sources, true, revoke_all_of, revocation);
		revocation->left = 0;
		sources = each_source(sources, true, count_left_of, revocation);
		if (revocation->left == 0)
			return sources;
	}
	ereport(ERROR,
			(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
			 errmsg("could not revoke all tokens"),
			 errdetail("After %d passes there were still some that are not revoked.",
					   MAX_PASSES),
			 errhint("Retry; if that does not help, look for a trigger or rule that prevents it.")));
}

static Datum
revoke_everywhere(FunctionCallInfo fcinfo, SourceRole role)
{
	const char *name = name_or_null(fcinfo, 1);
	MassRevocation revocation = {role, text_or_null(fcinfo, 0), name != NULL};
	List	   *sources;
	int			concerned;

	if (revocation.value == NULL)
		PG_RETURN_INT64(0);
	sources = each_source_choose(name);
	concerned = list_length(sources);
	sources = revoke_in_passes(sources, &revocation);
	if (list_length(sources) < concerned)
		PG_RETURN_NULL();
	PG_RETURN_INT64((int64) revocation.revoked);
}

/*
 * tokenauth_revoke_user(user_id text, source name) returns bigint
 *
 * Revoke all tokens of a user; how many this call has revoked, or NULL if a
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
 * tokenauth_revoke_tenant(tenant_id text, source name) returns bigint
 */
TOKENAUTH_FUNCTION(tokenauth_revoke_tenant);
Datum
tokenauth_revoke_tenant(PG_FUNCTION_ARGS)
{
	PreventCommandIfReadOnly("tokenauth_revoke_tenant()");
	return revoke_everywhere(fcinfo, ROLE_TENANT);
}
