/*-------------------------------------------------------------------------
 *
 * sandbox.c
 *		Running another role's code, or code as another role; see sandbox.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/sandbox.h"
#include "catalog/pg_type_d.h"
#include "miscadmin.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

/*
 * That we are in a sandbox, as a bit of the security context that core does
 * not use.  Core saves and restores the context as a whole, also when an error
 * aborts the (sub)transaction, and adds its own bits to it for what is called.
 */
#define SECURITY_SANDBOX	0x0100

/* Likewise: no function can be called. */
#define SECURITY_NO_FUNCTIONS	0x0200

void
setting_fix(const char *name, const char *value)
{
	const char *now = GetConfigOption(name, false, false);

	/* some are costly to set: time zones are read from files */
	if (now != NULL && strcmp(now, value) == 0)
		return;
	(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
}

/*
 * Is this role the only one that the session has?  Otherwise there are other
 * rights to return to: by RESET ROLE those of the session's user, by RESET
 * SESSION AUTHORIZATION those of the user that has logged in.
 */
static bool
is_whole_session(Oid role)
{
	return role == GetUserId() && role == GetOuterUserId() &&
		role == GetSessionUserId() && role == GetAuthenticatedUserId();
}

/* Cursors are locked last: PG_TRY() comes only after this. */
static void
become(Sandbox *sandbox, Oid role, bool restricted, int guc_level)
{
	int			context;

	GetUserIdAndSecContext(&sandbox->role, &sandbox->context);
	sandbox->guc_level = guc_level;
	/*
	 * Not SECURITY_NOFORCE_RLS: functions of others that are called would have it,
	 * too, for their tables.
	 */
	context = (sandbox->context & ~SECURITY_NOFORCE_RLS) | SECURITY_SANDBOX |
		SECURITY_LOCAL_USERID_CHANGE;
	if (restricted)
		context |= SECURITY_RESTRICTED_OPERATION;
	memset(&sandbox->cursors, 0, sizeof(sandbox->cursors));
	if (context & SECURITY_RESTRICTED_OPERATION)
		cursors_lock(&sandbox->cursors);
	SetUserIdAndSecContext(role, context);
}

void
sandbox_become(Sandbox *sandbox, Oid role)
{
	become(sandbox, role, !is_whole_session(role), NewGUCNestLevel());
}

static void
enter(Sandbox *sandbox, Oid role, const char *schema, bool restricted)
{
	int			guc_level = NewGUCNestLevel();

	setting_fix("search_path", schema == NULL ? "pg_catalog, pg_temp" :
				psprintf("%s, pg_temp", quote_identifier(schema)));
	become(sandbox, role, restricted, guc_level);
}

void
sandbox_enter(Sandbox *sandbox, Oid role, const char *schema)
{
	enter(sandbox, role, schema, !is_whole_session(role));
}

void
sandbox_admit(Sandbox *sandbox, Portal portal)
{
	cursors_admit(&sandbox->cursors, portal);
}

void
sandbox_leave(Sandbox *sandbox)
{
	cursors_unlock(&sandbox->cursors);
	SetUserIdAndSecContext(sandbox->role, sandbox->context);
	AtEOXact_GUC(false, sandbox->guc_level);
}

void
sandbox_fail(Sandbox *sandbox)
{
	cursors_unlock_after_error(&sandbox->cursors);
}

void
caller_hide(HiddenCaller *hidden)
{
	hidden->query = debug_query_string;
	hidden->context = error_context_stack;
	debug_query_string = NULL;
	error_context_stack = NULL;
}

void
caller_show(const HiddenCaller *hidden)
{
	debug_query_string = hidden->query;
	error_context_stack = hidden->context;
}

static bool
context_has(int bit)
{
	Oid			role;
	int			context;

	GetUserIdAndSecContext(&role, &context);
	return (context & bit) != 0;
}

bool
sandbox_is_entered(void)
{
	return context_has(SECURITY_SANDBOX);
}

void
sandbox_forbid_functions(void)
{
	Oid			role;
	int			context;

	GetUserIdAndSecContext(&role, &context);
	Assert((context & SECURITY_SANDBOX) != 0);
	SetUserIdAndSecContext(role, context | SECURITY_NO_FUNCTIONS);
}

bool
sandbox_forbids_functions(void)
{
	return context_has(SECURITY_NO_FUNCTIONS);
}

QueryResult *
sandbox_execute(Oid role, const char *sql, int nargs, Oid *types,
				Datum *values, const char *nulls)
{
	Sandbox		sandbox;
	QueryResult *result = NULL;

	enter(&sandbox, role, NULL, true);
	PG_TRY();
	{
		result = query_execute(sql, nargs, types, values, nulls, false);
		sandbox_leave(&sandbox);
	}
	SANDBOX_END_TRY(&sandbox);
	return result;
}

ErrorData *
sandbox_try(void (*work) (void *arg), void *arg, bool keep)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData  *volatile error = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		work(arg);
		if (keep)
			ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
	}
	PG_END_TRY();
	if (error != NULL || !keep)
		RollbackAndReleaseCurrentSubTransaction();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return error;
}

/*
 * All that the parser, the input and output of types, and casts look at.  Not
 * in here are those of types that are refused where text is made of them
 * (lc_monetary), or that only stable functions look at, which are refused
 * (lc_time, default_text_search_config).
 */
int
fixed_settings_enter(void)
{
	static const char *const settings[][2] = {
		{"TimeZone", "UTC"},
		{"timezone_abbreviations", "Default"},
		{"DateStyle", "ISO, YMD"},
		{"IntervalStyle", "postgres"},
		{"bytea_output", "hex"},
		{"extra_float_digits", "1"},
		{"xmlbinary", "base64"},
		{"xmloption", "content"},
		{"array_nulls", "on"},
		{"standard_conforming_strings", "on"},
		{"backslash_quote", "safe_encoding"},
		{"transform_null_equals", "off"},
		{"quote_all_identifiers", "off"},
	};
	int			guc_level = NewGUCNestLevel();

	for (int i = 0; i < (int) lengthof(settings); i++)
		setting_fix(settings[i][0], settings[i][1]);
	return guc_level;
}

void
fixed_settings_leave(int guc_level)
{
	AtEOXact_GUC(false, guc_level);
}

bool
type_depends_on_settings(Oid type)
{
	switch (type)
	{
		case TEXTOID:
		case VARCHAROID:
		case NAMEOID:
		case UUIDOID:
		case BOOLOID:
		case INT2OID:
		case INT4OID:
		case INT8OID:
			return false;
		default:
			return true;
	}
}

/*
 * Errors that functions in a procedural language raise have another domain; those
 * of other extensions need not.
 */
bool
sandbox_was_interrupted(const ErrorData *error)
{
	if (error->domain == NULL ||
		strcmp(error->domain, PG_TEXTDOMAIN("postgres")) != 0)
		return false;
	switch (ERRCODE_TO_CATEGORY(error->sqlerrcode))
	{
		case ERRCODE_OPERATOR_INTERVENTION:
		case ERRCODE_INSUFFICIENT_RESOURCES:
		case ERRCODE_TRANSACTION_ROLLBACK:
			return true;
		default:
			return error->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE;
	}
}

/*
 * An owner's code raises what SQLSTATE it likes, and provokes genuine errors of
 * most classes: it can fill the memory, exceed a limit, or run into a deadlock
 * with a session of its own.  It can neither cancel the statement nor, unless the
 * transaction has one snapshot for all of its statements, make it fail to
 * serialize.  So these two are believed if the server itself has raised them;
 * that shows by the source file, which no procedural language lets its functions
 * choose.  The error's domain would not do, because extensions that pass on the
 * errors of other servers (dblink, postgres_fdw) have the server's own.
 */
static bool
is_raised_in(const ErrorData *error, const char *const *files, int nfiles)
{
	if (error->filename == NULL)
		return false;
	for (int i = 0; i < nfiles; i++)
		if (strcmp(error->filename, files[i]) == 0)
			return true;
	return false;
}

bool
sandbox_concerns_all(const ErrorData *error)
{
	static const char *const cancelling[] = {"postgres.c"};
	static const char *const serializing[] = {
		"nodeModifyTable.c", "nodeLockRows.c", "trigger.c",
		"heapam_handler.c", "predicate.c",
		"lifecycle.c"			/* ours */
	};

	switch (error->sqlerrcode)
	{
		case ERRCODE_QUERY_CANCELED:
			return is_raised_in(error, cancelling, lengthof(cancelling));
		case ERRCODE_T_R_SERIALIZATION_FAILURE:
			return IsolationUsesXactSnapshot() &&
				is_raised_in(error, serializing, lengthof(serializing));
		default:
			return false;
	}
}
