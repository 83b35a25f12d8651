/*-------------------------------------------------------------------------
 *
 * session_guard.c
 *		What code in a sandbox must not do to the session that it runs in; see
 *		session_guard.h.
 *
 * Functions are refused when the executor is about to call them, which it asks a
 * hook about: in expressions of all kinds, as operators, casts, aggregates and in
 * FROM, by the fast path, from procedural languages.  It does not ask for functions
 * that are called as part of a type, an operator class or a trigger; only a
 * superuser can make one of these listed here such a part.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "base/compat.h"
#include "base/sandbox.h"
#include "base/session_guard.h"
#include "catalog/namespace.h"
#include "catalog/objectaccess.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "tcop/utility.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/regproc.h"
#include "utils/snapmgr.h"
#include "utils/timeout.h"

static object_access_hook_type prev_object_access_hook = NULL;
static ProcessUtility_hook_type prev_utility_hook = NULL;

static bool
is_guarded(void)
{
	return InSecurityRestrictedOperation() && sandbox_is_entered();
}

/* ---------- objects in the temporary schema ---------- */

/*
 * The schema of an object that has just been made or changed, which no cache has
 * yet; InvalidOid: it has none.
 */
static Oid
schema_of(Oid class, Oid object)
{
	AttrNumber	attnum = is_objectclass_supported(class) ?
		get_object_attnum_namespace(class) : InvalidAttrNumber;
	Oid			schema = InvalidOid;
	Relation	catalog;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	if (attnum == InvalidAttrNumber)
		return InvalidOid;
	catalog = table_open(class, AccessShareLock);
	ScanKeyInit(&key, get_object_attnum_oid(class), BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(object));
	scan = systable_beginscan(catalog, get_object_oid_index(class), true,
							  SnapshotSelf, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		bool		isnull;

		schema = DatumGetObjectId(heap_getattr(tuple, attnum,
											   RelationGetDescr(catalog),
											   &isnull));
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return schema;
}

/*
 * Core refuses tables there in a security-restricted operation, and since some minor
 * releases types.  But the session's user would find also a function or an operator
 * there by its name, or by calling one of its own with other types of arguments; a
 * domain "text" wherever it writes text.  What it calls runs with its rights.  The
 * text for types is core's.
 */
static void
refuse_temporary(Oid class, Oid object)
{
	if (isAnyTempNamespace(schema_of(class, object)))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 class == TypeRelationId ?
				 errmsg("cannot create a type in a temporary schema within security-restricted operation") :
				 errmsg("cannot create or change an object in a temporary schema within security-restricted operation")));
}

/* ---------- functions ---------- */

static bool
concerns_session(Oid function)
{
	switch (function)
	{
			/* the texts of the session's statements, in which tokens may stand */
		case F_PG_CURSOR:
		case F_PG_PREPARED_STATEMENT:
		case F_CURSOR_TO_XML:
		case F_CURSOR_TO_XMLSCHEMA:
		case F_PG_LISTENING_CHANNELS:
			/* its transaction, which cannot be prepared then */
		case F_PG_EXPORT_SNAPSHOT:
			/* large objects that it has open, by number */
		case F_LO_OPEN:
		case F_LO_CLOSE:
		case F_LOREAD:
		case F_LOWRITE:
		case F_LO_LSEEK:
		case F_LO_LSEEK64:
		case F_LO_TELL:
		case F_LO_TELL64:
		case F_LO_TRUNCATE:
		case F_LO_TRUNCATE64:
			/* locks that it holds, until it or the session ends them */
		case F_PG_ADVISORY_LOCK_INT8:
		case F_PG_ADVISORY_LOCK_INT4_INT4:
		case F_PG_ADVISORY_LOCK_SHARED_INT8:
		case F_PG_ADVISORY_LOCK_SHARED_INT4_INT4:
		case F_PG_TRY_ADVISORY_LOCK_INT8:
		case F_PG_TRY_ADVISORY_LOCK_INT4_INT4:
		case F_PG_TRY_ADVISORY_LOCK_SHARED_INT8:
		case F_PG_TRY_ADVISORY_LOCK_SHARED_INT4_INT4:
		case F_PG_ADVISORY_UNLOCK_INT8:
		case F_PG_ADVISORY_UNLOCK_INT4_INT4:
		case F_PG_ADVISORY_UNLOCK_SHARED_INT8:
		case F_PG_ADVISORY_UNLOCK_SHARED_INT4_INT4:
		case F_PG_ADVISORY_UNLOCK_ALL:
			/* what comes next at random */
		case F_SETSEED:
			return true;
		default:
			return false;
	}
}

/* What is in the temporary schema is the session's, and may have its user's rights. */
static bool
is_temporary(Oid function)
{
	return isAnyTempNamespace(get_func_namespace(function));
}

static void
refuse_function(Oid function)
{
	if (is_temporary(function) || concerns_session(function))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("function %s cannot be called by code of a token table's owner that tokenauth runs",
						format_procedure(function)),
				 errdetail("It reads or changes what belongs to the caller's session.")));
}

/* Whoever made the function: one of core's can call those of others. */
static void
refuse_any_function(Oid function)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("function %s would be called while an expression is read",
					format_procedure(function)),
			 errdetail("Reading a literal of its type calls functions, as for a domain with a CHECK.")));
}

/* An object_access_hook. */
static void
guard_objects(ObjectAccessType access, Oid class, Oid object, int column,
			  void *arg)
{
	if (prev_object_access_hook)
		prev_object_access_hook(access, class, object, column, arg);
	if (access == OAT_FUNCTION_EXECUTE && sandbox_forbids_functions())
		refuse_any_function(object);
	if (!is_guarded())
		return;
	switch (access)
	{
		case OAT_POST_CREATE:
		case OAT_POST_ALTER:
			refuse_temporary(class, object);
			break;
		case OAT_FUNCTION_EXECUTE:
			refuse_function(object);
			break;
		default:
			break;
	}
}

/* ---------- statements ---------- */

/* That which is explained, or makes a table, is not run as a statement itself. */
static Node *
statement_within(Node *statement)
{
	Node	   *within = NULL;

	if (IsA(statement, ExplainStmt))
		within = ((ExplainStmt *) statement)->query;
	else if (IsA(statement, CreateTableAsStmt))
		within = ((CreateTableAsStmt *) statement)->query;
	if (within != NULL && IsA(within, Query))
		within = ((Query *) within)->utilityStmt;
	return within;
}

/* Core refuses PREPARE, DEALLOCATE, LISTEN, UNLISTEN, DISCARD, CLOSE. */
static void
refuse_statement(Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_ExecuteStmt:
		case T_ConstraintsSetStmt:
		case T_LoadStmt:
			ereport(ERROR,
					(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					 errmsg("%s cannot be executed by code of a token table's owner that tokenauth runs",
							CreateCommandName(statement)),
					 errdetail("It uses or changes what belongs to the caller's session.")));
		default:
			break;
	}
}

/* A ProcessUtility_hook. */
static void
guard_statements(PlannedStmt *statement, const char *query, bool read_only_tree,
				 ProcessUtilityContext context, ParamListInfo params,
				 QueryEnvironment *environment, DestReceiver *dest,
				 QueryCompletion *completion)
{
	if (is_guarded())
		for (Node *node = statement->utilityStmt; node != NULL;
			 node = statement_within(node))
			refuse_statement(node);
	(prev_utility_hook ? prev_utility_hook : standard_ProcessUtility)
		(statement, query, read_only_tree, context, params, environment, dest,
		 completion);
}

/* ---------- settings that do more than is undone ---------- */

static GucIntAssignHook core_assign_limit = NULL;

/* When the caller's transaction is over, if code in a sandbox may have lifted that. */
static TimestampTz limit_end = 0;

/*
 * The assign hook of transaction_timeout.  Core's starts and stops the timer at once,
 * and the end of the timer is the end of the session.  That a setting is undone later
 * does not undo that.  So within a sandbox the setting can change, but the timer is
 * the caller's; there is no hook that could refuse the change by RESET.
 */
static void
assign_limit(int milliseconds, void *extra)
{
	const TimeoutId timer = TOKENAUTH_TRANSACTION_TIMEOUT;

	if (is_guarded() && get_timeout_active(timer))
		limit_end = get_timeout_finish_time(timer);
	/* it ended while the setting was 0 */
	else if (limit_end != 0 && milliseconds > 0 && IsTransactionState() &&
			 !get_timeout_active(timer))
		enable_timeout_at(timer, limit_end);
	else if (!is_guarded() && core_assign_limit != NULL)
		core_assign_limit(milliseconds, extra);
	if (!is_guarded())
		limit_end = 0;
}

static GucRealAssignHook core_assign_seed = NULL;

/* The assign hook of seed, which is setseed() by another name. */
static void
assign_seed(double seed, void *extra)
{
	if (!is_guarded() && core_assign_seed != NULL)
		core_assign_seed(seed, extra);
}

/* Before PostgreSQL 17 there is no limit of transactions. */
static void
guard_settings(void)
{
	int			count;
	struct config_generic **settings = TOKENAUTH_ALL_SETTINGS(&count);

	for (int i = 0; i < count; i++)
		if (strcmp(settings[i]->name, "transaction_timeout") == 0)
		{
			GucIntAssignHook *hook = TOKENAUTH_INT_ASSIGN_HOOK(settings[i]);

			core_assign_limit = *hook;
			*hook = assign_limit;
		}
		else if (strcmp(settings[i]->name, "seed") == 0)
		{
			GucRealAssignHook *hook = TOKENAUTH_REAL_ASSIGN_HOOK(settings[i]);

			core_assign_seed = *hook;
			*hook = assign_seed;
		}
}

void
session_guard_init(void)
{
	guard_settings();
	prev_object_access_hook = object_access_hook;
	object_access_hook = guard_objects;
	prev_utility_hook = ProcessUtility_hook;
	ProcessUtility_hook = guard_statements;
}
