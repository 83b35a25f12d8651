/*-------------------------------------------------------------------------
 *
 * compat.h
 *		The only place that asks which PostgreSQL this is.
 *
 * Written for the newest API we support; older servers get what they lack.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_COMPAT_H
#define TOKENAUTH_COMPAT_H

#include "access/genam.h"
#include "access/tableam.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "fmgr.h"
#include "storage/lock.h"
#include "storage/proc.h"
#include "utils/acl.h"
#include "utils/guc_tables.h"
#include "utils/wait_event.h"
#if PG_VERSION_NUM >= 160000
#include "nodes/miscnodes.h"
#include "varatt.h"
#endif

#if PG_VERSION_NUM < 150000
#error "tokenauth needs PostgreSQL 15 or newer"
#endif

/*
 * We compile with -fvisibility=hidden, so that our internal names cannot
 * collide with those of another library that the server has loaded.  Before
 * PostgreSQL 16 the fmgr macros do not mark what must stay visible.
 */
#if defined(__GNUC__)
#define TOKENAUTH_EXPORT __attribute__((visibility("default")))
#else
#define TOKENAUTH_EXPORT PGDLLEXPORT
#endif

/* Memory that will be read soon; a hint. */
#if defined(__GNUC__)
#define TOKENAUTH_PREFETCH(address) __builtin_prefetch(address)
#else
#define TOKENAUTH_PREFETCH(address) ((void) (address))
#endif

#define TOKENAUTH_FUNCTION(name) \
	extern TOKENAUTH_EXPORT Datum name(PG_FUNCTION_ARGS); \
	extern TOKENAUTH_EXPORT const Pg_finfo_record *CppConcat(pg_finfo_, name) (void); \
	PG_FUNCTION_INFO_V1(name)

/* The index of this process in anything sized by TOKENAUTH_MAX_PROCS. */
#if PG_VERSION_NUM >= 170000
#define TOKENAUTH_MY_PROC	MyProcNumber
#else
#define TOKENAUTH_MY_PROC	(MyProc->pgprocno)
#endif

/* Regular backends and background workers come first in the array of PGPROCs. */
#define TOKENAUTH_MAX_PROCS (MaxBackends + NUM_AUXILIARY_PROCS)

/* Since PostgreSQL 18 it goes before the declaration. */
#ifndef pg_noreturn
#define pg_noreturn __attribute__((noreturn))
#endif

/* Since PostgreSQL 19: the next case is meant to follow. */
#ifndef pg_fallthrough
#if defined(__GNUC__) && __has_attribute(fallthrough)
#define pg_fallthrough __attribute__((fallthrough))
#else
#define pg_fallthrough ((void) 0)
#endif
#endif

/* Does this input function, one of core's, accept a text? */
#if PG_VERSION_NUM >= 160000
static inline bool
TOKENAUTH_IS_INPUT(FmgrInfo *input, const char *text, Oid parameter)
{
	ErrorSaveContext error = {T_ErrorSaveContext};
	Datum		value;

	return InputFunctionCallSafe(input, unconstify(char *, text), parameter, -1,
								 (Node *) &error, &value);
}
#else
static inline bool
TOKENAUTH_IS_INPUT(FmgrInfo *input, const char *text, Oid parameter)
{
	MemoryContext context = CurrentMemoryContext;
	volatile bool accepted = true;

	PG_TRY();
	{
		(void) InputFunctionCall(input, unconstify(char *, text), parameter, -1);
	}
	PG_CATCH();
	{
		/* it touches nothing that would have to be rolled back */
		if (ERRCODE_TO_CATEGORY(geterrcode()) != ERRCODE_DATA_EXCEPTION)
			PG_RE_THROW();
		MemoryContextSwitchTo(context);
		FlushErrorState();
		accepted = false;
	}
	PG_END_TRY();
	return accepted;
}
#endif

/* What a post_parse_analyze_hook must not change. */
#if PG_VERSION_NUM < 190000
#define TOKENAUTH_JUMBLE_STATE JumbleState
#else
#define TOKENAUTH_JUMBLE_STATE const JumbleState
#endif

/* Virtual generated columns came with PostgreSQL 18. */
#ifdef ATTRIBUTE_GENERATED_VIRTUAL
#define TOKENAUTH_IS_VIRTUAL(attribute) \
	((attribute)->attgenerated == ATTRIBUTE_GENERATED_VIRTUAL)
#else
#define TOKENAUTH_IS_VIRTUAL(attribute) (false)
#endif

/* Does this backend hold this lock on a relation, or a stronger one? */
#if PG_VERSION_NUM < 170000
#define TOKENAUTH_LOCK_HELD(tag, lockmode) lock_held_at_least(tag, lockmode)
static inline bool
lock_held_at_least(const LOCKTAG *tag, LOCKMODE lockmode)
{
	for (LOCKMODE mode = lockmode; mode <= MaxLockMode; mode++)
		if (LockHeldByMe(tag, mode))
			return true;
	return false;
}
#else
#define TOKENAUTH_LOCK_HELD(tag, lockmode) LockHeldByMe(tag, lockmode, true)
#endif

#if PG_VERSION_NUM < 160000
#define TOKENAUTH_OWNS_RELATION(relid, roleid) pg_class_ownercheck(relid, roleid)
#define TOKENAUTH_MAY_EXECUTE(procid, roleid) \
	(pg_proc_aclcheck(procid, roleid, ACL_EXECUTE) == ACLCHECK_OK)
#else
#define TOKENAUTH_OWNS_RELATION(relid, roleid) \
	object_ownercheck(RelationRelationId, relid, roleid)
#define TOKENAUTH_MAY_EXECUTE(procid, roleid) \
	(object_aclcheck(ProcedureRelationId, procid, roleid, ACL_EXECUTE) == ACLCHECK_OK)
#endif

/* All settings there are, as an array of so many; not to be freed. */
#if PG_VERSION_NUM < 160000
#define TOKENAUTH_ALL_SETTINGS(count) \
	(*(count) = GetNumConfigOptions(), get_guc_variables())
#else
#define TOKENAUTH_ALL_SETTINGS(count) get_guc_variables(count)
#endif

/* Who is asked for rights on a table that a query names. */
#if PG_VERSION_NUM < 160000
#define TOKENAUTH_CHECK_RIGHTS(query) ExecCheckRTPerms((query)->rtable, true)
#define TOKENAUTH_CHECK_AS(query, rte, role) ((rte)->checkAsUser = (role))
#else
#define TOKENAUTH_CHECK_RIGHTS(query) \
	ExecCheckPermissions((query)->rtable, (query)->rteperminfos, true)
#define TOKENAUTH_CHECK_AS(query, rte, role) \
	(getRTEPermissionInfo((query)->rteperminfos, rte)->checkAsUser = (role))
#endif

/* A limit that applies to background workers, too. */
#if PG_VERSION_NUM >= 170000
#define TOKENAUTH_HAS_TRANSACTION_TIMEOUT
#define TOKENAUTH_TRANSACTION_TIMEOUT TRANSACTION_TIMEOUT
#else
#define TOKENAUTH_TRANSACTION_TIMEOUT MAX_TIMEOUTS	/* never asked for */
#endif

/* What a setting that is a number does when it is set; a place, to be replaced. */
#if PG_VERSION_NUM < 190000
#define TOKENAUTH_INT_ASSIGN_HOOK(setting) \
	(&((struct config_int *) (setting))->assign_hook)
#define TOKENAUTH_REAL_ASSIGN_HOOK(setting) \
	(&((struct config_real *) (setting))->assign_hook)
#else
#define TOKENAUTH_INT_ASSIGN_HOOK(setting) (&(setting)->_int.assign_hook)
#define TOKENAUTH_REAL_ASSIGN_HOOK(setting) (&(setting)->_real.assign_hook)
#endif

/* Since PostgreSQL 16 an update can be one that only some indexes must see. */
#if PG_VERSION_NUM < 160000
typedef bool TOKENAUTH_UPDATE_INDEXES;
#define TOKENAUTH_INSERT_INDEX_TUPLES(target, slot, estate, indexes) \
	((indexes) ? (void) ExecInsertIndexTuples(target, slot, estate, false, false, \
											  NULL, NIL) : (void) 0)
#elif PG_VERSION_NUM < 190000
typedef TU_UpdateIndexes TOKENAUTH_UPDATE_INDEXES;
#define TOKENAUTH_INSERT_INDEX_TUPLES(target, slot, estate, indexes) \
	((indexes) != TU_None ? \
	 (void) ExecInsertIndexTuples(target, slot, estate, false, false, NULL, NIL, \
								  (indexes) == TU_Summarizing) : (void) 0)
#else
typedef TU_UpdateIndexes TOKENAUTH_UPDATE_INDEXES;
#define TOKENAUTH_INSERT_INDEX_TUPLES(target, slot, estate, indexes) \
	((indexes) != TU_None ? \
	 (void) ExecInsertIndexTuples(target, estate, (indexes) == TU_Summarizing ? \
								  EIIT_ONLY_SUMMARIZING : 0, slot, NIL, NULL) : (void) 0)
#endif

/*
 * PostgreSQL 18 counts index searches for EXPLAIN; we have no plan node.
 * PostgreSQL 19 takes flags for scans; we have none to give.
 */
#if PG_VERSION_NUM < 180000
#define TOKENAUTH_INDEX_BEGINSCAN(heap, index, snapshot, nkeys) \
	index_beginscan(heap, index, snapshot, nkeys, 0)
#elif PG_VERSION_NUM < 190000
#define TOKENAUTH_INDEX_BEGINSCAN(heap, index, snapshot, nkeys) \
	index_beginscan(heap, index, snapshot, NULL, nkeys, 0)
#else
#define TOKENAUTH_INDEX_BEGINSCAN(heap, index, snapshot, nkeys) \
	index_beginscan(heap, index, snapshot, NULL, nkeys, 0, SO_NONE)
#endif
#if PG_VERSION_NUM < 190000
#define TOKENAUTH_TABLE_BEGINSCAN(table, snapshot, nkeys, key) \
	table_beginscan(table, snapshot, nkeys, key)
#define TOKENAUTH_TABLE_BEGINSCAN_TIDRANGE(table, snapshot, from, to) \
	table_beginscan_tidrange(table, snapshot, from, to)
#else
#define TOKENAUTH_TABLE_BEGINSCAN(table, snapshot, nkeys, key) \
	table_beginscan(table, snapshot, nkeys, key, SO_NONE)
#define TOKENAUTH_TABLE_BEGINSCAN_TIDRANGE(table, snapshot, from, to) \
	table_beginscan_tidrange(table, snapshot, from, to, SO_NONE)
#endif

/* Since PostgreSQL 17 an extension's wait event has a name. */
#if PG_VERSION_NUM >= 170000
#define TOKENAUTH_WAIT_EVENT_LAUNCHER tokenauth_wait_event()
static inline uint32
tokenauth_wait_event(void)
{
	static uint32 event = 0;

	if (event == 0)
		event = WaitEventExtensionNew("TokenauthLauncherMain");
	return event;
}
#else
#define TOKENAUTH_WAIT_EVENT_LAUNCHER PG_WAIT_EXTENSION
#endif

#endif							/* TOKENAUTH_COMPAT_H */
