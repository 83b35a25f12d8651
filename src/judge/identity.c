/*-------------------------------------------------------------------------
 *
 * identity.c
 *		SQL: tokenauth_authenticate(), tokenauth_bind(), tokenauth_bind_hash(),
 *		and what tells the user who is bound:
 *		tokenauth_user(), tokenauth_tenant(), tokenauth_source(),
 *		tokenauth_token_id(), tokenauth_has_scope(), tokenauth_claims().
 *
 * identity.h has what is promised.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "base/compat.h"
#include "base/sandbox.h"
#include "judge/identity.h"
#include "judge/judge.h"
#include "miscadmin.h"
#include "source/value.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"

/*
 * One binding.  It stands alone, and points to nothing of the source that it
 * is from: that may be altered or detached before the transaction ends.  No
 * token is kept, nor its digest.
 *
 * Bindings form a stack, innermost subtransaction first, at most one for each
 * subtransaction; all of them are of the same user.  Each is one chunk of
 * memory.
 */
typedef struct Identity
{
	struct Identity *outer;		/* what a rollback restores */
	SubTransactionId subxact;	/* ends with this one's rollback */
	Size		size;			/* with what its fields point to */
	bool		is_nobody;		/* it was this user; nobody is bound now */
	Oid			relation;		/* of the source, and */
	NameData	source;			/* its name */
	SourceColumn column[FIELD_COUNT];	/* without names */
	Verdict		verdict;		/* its fields point behind this struct */
} Identity;

static Identity *bound = NULL;

/* Where they are kept; reset at the end of each transaction. */
static MemoryContext identity_memory = NULL;

/* The column that a field of a verdict is from. */
static SourceColumn
field_column(const Source *source, VerdictField field)
{
	static const SourceRole role[] = {
		[FIELD_USER] = ROLE_USER,
		[FIELD_TENANT] = ROLE_TENANT,
		[FIELD_ID] = ROLE_ID,
		[FIELD_SCOPE] = ROLE_SCOPE
	};
	SourceColumn column = {.declared = JSONBOID, .type = JSONBOID,
		.kind = VALUE_JSONB};

	if (field == FIELD_CLAIMS)
		return column;
	column = source->column[role[field]];
	column.name = NULL;
	return column;
}

/* ---------- binding ---------- */

/* A copy of what has been judged, to be bound in this subtransaction. */
static Identity *
make_identity(const Judgement *judgement)
{
	const Source *source = judgement->source;
	const Verdict *verdict = &judgement->verdict;
	Size		size = sizeof(Identity);
	Identity   *identity;
	char	   *next;

	for (int i = 0; i < FIELD_COUNT; i++)
		size += verdict->field[i].len;
	if (identity_memory == NULL)
		identity_memory = AllocSetContextCreate(TopMemoryContext,
												"tokenauth identity",
												ALLOCSET_SMALL_SIZES);
	identity = MemoryContextAlloc(identity_memory, size);

	identity->outer = NULL;
	identity->subxact = GetCurrentSubTransactionId();
	identity->size = size;
	identity->is_nobody = false;
	identity->relation = source->relation;
	namestrcpy(&identity->source, source->name);
	identity->verdict = *verdict;
	next = (char *) (identity + 1);
	for (int i = 0; i < FIELD_COUNT; i++)
	{
		VerdictValue *value = &identity->verdict.field[i];

		identity->column[i] = field_column(source, i);
		if (value->data == NULL)
			continue;
		memcpy(next, value->data, value->len);
		value->data = next;
		next += value->len;
	}
	return identity;
}

static bool
same_field(const Identity *a, const Identity *b, VerdictField field)
{
	const VerdictValue *x = &a->verdict.field[field];
	const VerdictValue *y = &b->verdict.field[field];

	if (x->data == NULL || y->data == NULL)
		return x->data == y->data;
	return a->column[field].kind == b->column[field].kind &&
		x->len == y->len && memcmp(x->data, y->data, x->len) == 0;
}

/* User ids of two sources may be equal and mean two users. */
static bool
same_user(const Identity *a, const Identity *b)
{
	return a->relation == b->relation &&
		strcmp(NameStr(a->source), NameStr(b->source)) == 0 &&
		same_field(a, b, FIELD_USER) && same_field(a, b, FIELD_TENANT);
}

/* Bind in this subtransaction, in place of what it has bound before. */
static void
bind_identity(Identity *identity)
{
	identity->outer = bound;
	if (bound != NULL && bound->subxact == identity->subxact)
	{
		identity->outer = bound->outer;
		pfree(bound);
	}
	bound = identity;
}

/*
 * Nobody is bound from here on.  Who was is kept, because one transaction is not
 * to serve two users, one after the other.
 */
static void
bind_nobody(void)
{
	Identity   *nobody;

	if (bound == NULL || bound->is_nobody)
		return;
	nobody = MemoryContextAlloc(identity_memory, bound->size);
	memcpy(nobody, bound, bound->size);
	for (int i = 0; i < FIELD_COUNT; i++)
		if (nobody->verdict.field[i].data != NULL)
			nobody->verdict.field[i].data = (char *) nobody +
				(bound->verdict.field[i].data - (char *) bound);
	nobody->subxact = GetCurrentSubTransactionId();
	nobody->is_nobody = true;
	bind_identity(nobody);
}

/* A trigger's code is running; event triggers, which are superusers', aside. */
static bool
is_in_trigger(void)
{
	return DatumGetInt32(OidFunctionCall0(F_PG_TRIGGER_DEPTH)) > 0;
}

/*
 * A transaction's identity is what the transaction's own statements say it is.
 * Triggers, conditions of sources and what core runs in security-restricted
 * operations are another role's code, which could choose the caller's identity.
 */
static void
check_may_bind(const char *function)
{
	PreventCommandIfParallelMode(function);
	if (InSecurityRestrictedOperation() || sandbox_is_entered() ||
		is_in_trigger())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("cannot authenticate within a trigger, a condition or a security-restricted operation"),
				 errhint("Call %s in a statement of the transaction itself.", function),
				 errhidestmt(true), errhidecontext(true)));
}

/*
 * Tell no reason, and no token: not in the message, and not in the server's
 * log, which would show the statement.
 */
pg_noreturn static void
refuse_token(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
			 errmsg("token is not valid"),
			 errhidestmt(true), errhidecontext(true)));
}

/*
 * Not 28000: the token is valid, and the mistake is in the application, which
 * shares a transaction between users.  The statement is hidden because it may
 * have that valid token in it.
 */
pg_noreturn static void
refuse_second_user(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("another user is authenticated in this transaction"),
			 errhint("End the transaction first."),
			 errhidestmt(true), errhidecontext(true)));
}

/* Judge a token whose user is to be bound; without one it cannot be valid. */
static void
judge_for_binding(FunctionCallInfo fcinfo, TokenQuery *query,
				  Judgement *judgement)
{
	judge_take_options(fcinfo, 1, 2, query);
	judge_token(query, judge_check_user, NULL, judgement);
	judge_check_claims(judgement);
	if (judgement->verdict.status == TOKEN_VALID &&
		judgement->verdict.field[FIELD_USER].data == NULL)
		verdict_init(&judgement->verdict, TOKEN_DISABLED);
}

/* Bind the user of a valid token. */
static const Identity *
bind_user(const Judgement *judgement)
{
	Identity   *identity = make_identity(judgement);

	if (bound != NULL && !same_user(bound, identity))
	{
		pfree(identity);
		refuse_second_user();
	}
	bind_identity(identity);
	return identity;
}

/*
 * tokenauth_authenticate(token text, source name, scope text) returns text
 *
 * Bind the token's identity to this transaction and return the user's id.
 * Throws 28000 if the token is not valid now, 55000 if another user, or the
 * same one of another tenant or source, is bound already, 42501 in triggers,
 * conditions of sources and security-restricted operations.
 */
TOKENAUTH_FUNCTION(tokenauth_authenticate);
Datum
tokenauth_authenticate(PG_FUNCTION_ARGS)
{
	TokenQuery	query;
	Judgement	judgement;
	const Identity *identity;
	text	   *token;

	check_may_bind("tokenauth_authenticate()");
	if (PG_ARGISNULL(0))
		refuse_token();
	token = judge_take_token(fcinfo, &query);
	judge_for_binding(fcinfo, &query, &judgement);
	token_forget_copy(token, PG_GETARG_DATUM(0));
	if (judgement.verdict.status != TOKEN_VALID)
		refuse_token();
	identity = bind_user(&judgement);
	PG_RETURN_TEXT_P(verdict_text(&identity->verdict, FIELD_USER,
								  identity->column[FIELD_USER].kind));
}

/* Bind a valid token's user, else nobody; without a query, nobody. */
static Datum
bind_or_unbind(FunctionCallInfo fcinfo, TokenQuery *query)
{
	Judgement	judgement;

	judgement.source = NULL;
	verdict_init(&judgement.verdict, TOKEN_MALFORMED);
	if (query != NULL)
		judge_for_binding(fcinfo, query, &judgement);
	if (judgement.verdict.status == TOKEN_VALID)
		(void) bind_user(&judgement);
	else
		bind_nobody();
	return judge_identity_record(fcinfo, &judgement);
}

/*
 * tokenauth_bind(token text, source name, scope text)
 * returns tokenauth_identity
 *
 * tokenauth_authenticate() for a caller who wants the reason, and no error, if
 * the token is not valid: then nobody is bound, whoever was before.  Returns what
 * tokenauth_identify() does.  Throws 55000 and 42501 as tokenauth_authenticate().
 */
TOKENAUTH_FUNCTION(tokenauth_bind);
Datum
tokenauth_bind(PG_FUNCTION_ARGS)
{
	TokenQuery	query;
	text	   *token;
	Datum		record;

	check_may_bind("tokenauth_bind()");
	if (PG_ARGISNULL(0))
		return bind_or_unbind(fcinfo, NULL);
	token = judge_take_token(fcinfo, &query);
	record = bind_or_unbind(fcinfo, &query);
	token_forget_copy(token, PG_GETARG_DATUM(0));
	return record;
}

/*
 * tokenauth_bind_hash(digest bytea, source name, scope text)
 * returns tokenauth_identity
 *
 * The same for a caller that has hashed the token, as tokenauth_resolve_hash().
 */
TOKENAUTH_FUNCTION(tokenauth_bind_hash);
Datum
tokenauth_bind_hash(PG_FUNCTION_ARGS)
{
	TokenQuery	query;
	TokenDigest digest;

	check_may_bind("tokenauth_bind_hash()");
	return bind_or_unbind(fcinfo, judge_take_digest(fcinfo, &query, &digest) ?
						  &query : NULL);
}

/* ---------- telling ---------- */

/*
 * What is bound, or NULL.  A worker does not know; NULL would be a guess, to
 * which a policy may give a meaning.
 */
static const Identity *
bound_identity(void)
{
	if (IsParallelWorker())
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TRANSACTION_STATE),
				 errmsg("a parallel worker does not know who is authenticated"),
				 errhint("Functions that ask must be PARALLEL RESTRICTED or PARALLEL UNSAFE.")));
	return bound != NULL && !bound->is_nobody ? bound : NULL;
}

/*
 * A field as the type that the caller asks for; NULL if the caller wants that
 * of another source (argument 1) than what is bound is from.
 */
static Datum
tell_as_type(FunctionCallInfo fcinfo, VerdictField field, SourceRole role)
{
	const Identity *identity = bound_identity();
	const SourceColumn *column;

	if (identity == NULL || identity->column[field].kind == VALUE_NONE)
		PG_RETURN_NULL();
	if (!PG_ARGISNULL(1) &&
		strcmp(NameStr(*PG_GETARG_NAME(1)), NameStr(identity->source)) != 0)
		PG_RETURN_NULL();
	column = &identity->column[field];
	source_check_type(NameStr(identity->source), role, column,
					  get_fn_expr_rettype(fcinfo->flinfo));
	if (identity->verdict.field[field].data == NULL)
		PG_RETURN_NULL();
	return verdict_datum(&identity->verdict, field, column->kind);
}

/*
 * tokenauth_user(as_type anyelement, source name) returns anyelement
 *
 * The user bound to this transaction, or NULL; also if the token is not of
 * the source named.
 */
TOKENAUTH_FUNCTION(tokenauth_user);
Datum
tokenauth_user(PG_FUNCTION_ARGS)
{
	return tell_as_type(fcinfo, FIELD_USER, ROLE_USER);
}

/*
 * tokenauth_tenant(as_type anyelement, source name) returns anyelement
 *
 * The tenant bound to this transaction, or NULL, also if the token has none,
 * or is not of the source named.
 */
TOKENAUTH_FUNCTION(tokenauth_tenant);
Datum
tokenauth_tenant(PG_FUNCTION_ARGS)
{
	return tell_as_type(fcinfo, FIELD_TENANT, ROLE_TENANT);
}

/*
 * tokenauth_source() returns name
 *
 * The source of the token that was bound, or NULL.
 */
TOKENAUTH_FUNCTION(tokenauth_source);
Datum
tokenauth_source(PG_FUNCTION_ARGS)
{
	const Identity *identity = bound_identity();
	Name		source;

	if (identity == NULL)
		PG_RETURN_NULL();
	source = palloc(NAMEDATALEN);
	*source = identity->source;
	PG_RETURN_NAME(source);
}

/*
 * tokenauth_token_id() returns text
 *
 * The id of the row of the token that was bound, or NULL.
 */
TOKENAUTH_FUNCTION(tokenauth_token_id);
Datum
tokenauth_token_id(PG_FUNCTION_ARGS)
{
	const Identity *identity = bound_identity();

	if (identity == NULL || identity->verdict.field[FIELD_ID].data == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(verdict_text(&identity->verdict, FIELD_ID,
								  identity->column[FIELD_ID].kind));
}

/*
 * tokenauth_has_scope(scope text) returns boolean
 *
 * Does the token that was bound have that scope?  Never NULL.
 */
TOKENAUTH_FUNCTION(tokenauth_has_scope);
Datum
tokenauth_has_scope(PG_FUNCTION_ARGS)
{
	const Identity *identity = bound_identity();
	text	   *scope;

	if (identity == NULL || PG_ARGISNULL(0))
		PG_RETURN_BOOL(false);
	scope = PG_GETARG_TEXT_PP(0);
	PG_RETURN_BOOL(verdict_has_scope(&identity->verdict,
									 identity->column[FIELD_SCOPE].kind,
									 VARDATA_ANY(scope),
									 VARSIZE_ANY_EXHDR(scope)));
}

/*
 * tokenauth_claims() returns jsonb
 *
 * The claims of the token that was bound, or NULL.
 */
TOKENAUTH_FUNCTION(tokenauth_claims);
Datum
tokenauth_claims(PG_FUNCTION_ARGS)
{
	const Identity *identity = bound_identity();

	if (identity == NULL || identity->verdict.field[FIELD_CLAIMS].data == NULL)
		PG_RETURN_NULL();
	return verdict_datum(&identity->verdict, FIELD_CLAIMS, VALUE_JSONB);
}

/* ---------- the transaction ---------- */

void
identity_forget(void)
{
	if (bound == NULL)
		return;
	bound = NULL;
	MemoryContextReset(identity_memory);
}

void
identity_abort_sub(SubTransactionId subxact)
{
	while (bound != NULL && bound->subxact == subxact)
	{
		Identity   *outer = bound->outer;

		pfree(bound);
		bound = outer;
	}
}

void
identity_commit_sub(SubTransactionId subxact, SubTransactionId parent)
{
	Identity   *outer;

	if (bound == NULL || bound->subxact != subxact)
		return;
	bound->subxact = parent;
	outer = bound->outer;
	if (outer != NULL && outer->subxact == parent)
	{
		bound->outer = outer->outer;
		pfree(outer);
	}
}
