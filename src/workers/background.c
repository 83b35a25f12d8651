/*-------------------------------------------------------------------------
 *
 * background.c
 *		What the background workers of tokenauth have in common.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "base/compat.h"
#include "catalog/pg_class.h"
#include "catalog/pg_database.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "storage/lmgr.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "workers/background.h"

/* Longer than anything that a worker waits for ought to take. */
#define LOCK_TIMEOUT			"1s"

/*
 * Make the present values of settings win over those that a database or a role
 * brings with the connection: these can only be of settings that a session
 * could set.  A setting of a library that is loaded later is not known yet, and
 * is taken as in every session of the database.
 */
static void
keep_settings(void)
{
	int			count;
	struct config_generic **settings = TOKENAUTH_ALL_SETTINGS(&count);

	for (int i = 0; i < count; i++)
	{
		const struct config_generic *setting = settings[i];
		const char *value;

		if (setting->context != PGC_USERSET && setting->context != PGC_SUSET)
			continue;
		/* set once there is a connection, without which they cannot be set */
		if (strcmp(setting->name, "client_encoding") == 0 ||
			strcmp(setting->name, "session_authorization") == 0)
			continue;
		value = GetConfigOption(setting->name, true, false);
		if (value != NULL)
			(void) set_config_option(setting->name, value, PGC_SUSET,
									 PGC_S_OVERRIDE, GUC_ACTION_SET, true,
									 WARNING, false);
	}
}

static void
use_own_settings(void)
{
	static const struct
	{
		const char *name;
		const char *value;
	}			settings[] = {
		{"default_transaction_isolation", "read committed"},
		{"default_transaction_read_only", "off"},
		{"default_transaction_deferrable", "off"},
		{"lock_timeout", LOCK_TIMEOUT},
		{"session_replication_role", "origin"},
		{"statement_timeout", "0"},
		/* what has been seen must outlive a crash; no standby is waited for */
		{"synchronous_commit", "local"},
#ifdef TOKENAUTH_HAS_TRANSACTION_TIMEOUT
		{"transaction_timeout", "0"},
#endif
	};

	for (int i = 0; i < (int) lengthof(settings); i++)
		SetConfigOption(settings[i].name, settings[i].value, PGC_SUSET,
						PGC_S_OVERRIDE);
}

void
background_connect(Oid database, const char *name)
{
	keep_settings();
	/* for the connecting, too: a database can be locked */
	use_own_settings();
	if (name != NULL)
		BackgroundWorkerInitializeConnection(name, NULL, 0);
	else
		BackgroundWorkerInitializeConnectionByOid(database, InvalidOid, 0);
	SetConfigOption("client_encoding", GetDatabaseEncodingName(), PGC_SUSET,
					PGC_S_OVERRIDE);
}

/* The work of a transaction; arg is the OID of a relation. */
static void
become_owner(void *arg)
{
	Oid			relation = *(Oid *) arg;
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
	char	   *owner;

	if (!HeapTupleIsValid(tuple))
		return;
	owner = GetUserNameFromId(((Form_pg_class) GETSTRUCT(tuple))->relowner,
							  false);
	ReleaseSysCache(tuple);
	SetConfigOption("session_authorization", owner, PGC_SUSET, PGC_S_OVERRIDE);
}

bool
background_become_owner(Oid relation)
{
	return background_in_transaction(become_owner, &relation, true);
}

bool
background_is_owner(Oid relation)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
	bool		is_owner;

	if (!HeapTupleIsValid(tuple))
		return true;
	is_owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner == GetSessionUserId();
	ReleaseSysCache(tuple);
	return is_owner;
}

bool
background_in_transaction(void (*work) (void *arg), void *arg, bool log_error)
{
	MemoryContext caller = CurrentMemoryContext;
	volatile bool done = false;

	PG_TRY();
	{
		StartTransactionCommand();
		PushActiveSnapshot(GetTransactionSnapshot());
		work(arg);
		PopActiveSnapshot();
		CommitTransactionCommand();
		done = true;
	}
	PG_CATCH();
	{
		if (log_error)
			EmitErrorReport();
		AbortCurrentTransaction();
		FlushErrorState();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(caller);
	return done;
}

bool
background_is_unwanted(void)
{
	LOCKTAG		tag;

	SET_LOCKTAG_OBJECT(tag, InvalidOid, DatabaseRelationId, MyDatabaseId, 0);
	if (LockAcquire(&tag, RowExclusiveLock, false, true) == LOCKACQUIRE_NOT_AVAIL)
		return true;
	LockRelease(&tag, RowExclusiveLock, false);
	return false;
}

long
background_ms_since(instr_time start)
{
	instr_time	now;

	INSTR_TIME_SET_CURRENT(now);
	INSTR_TIME_SUBTRACT(now, start);
	return (long) INSTR_TIME_GET_MILLISEC(now);
}
