/*-------------------------------------------------------------------------
 *
 * sandbox.c
 *		Running what is somebody else's, or as somebody else; see sandbox.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/sandbox.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

static void
fix_setting(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
}

void
sandbox_enter(Sandbox *sandbox, Oid role, const char *schema)
{
	GetUserIdAndSecContext(&sandbox->role, &sandbox->context);
	sandbox->guc_level = NewGUCNestLevel();
	fix_setting("search_path", schema == NULL ? "pg_catalog, pg_temp" :
				psprintf("%s, pg_temp", quote_identifier(schema)));
	if (role != sandbox->role)
		SetUserIdAndSecContext(role, sandbox->context |
							   SECURITY_RESTRICTED_OPERATION |
							   SECURITY_NOFORCE_RLS);
	else
		SetUserIdAndSecContext(role, sandbox->context | SECURITY_NOFORCE_RLS);
}

void
sandbox_leave(const Sandbox *sandbox)
{
	SetUserIdAndSecContext(sandbox->role, sandbox->context);
	AtEOXact_GUC(false, sandbox->guc_level);
}

QueryResult *
sandbox_execute(Oid role, const char *sql, int nargs, Oid *types,
				Datum *values, const char *nulls)
{
	Sandbox		sandbox;
	QueryResult *result;

	sandbox_enter(&sandbox, role, NULL);
	result = query_execute(sql, nargs, types, values, nulls, false);
	sandbox_leave(&sandbox);
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

int
fixed_settings_enter(void)
{
	int			guc_level = NewGUCNestLevel();

	fix_setting("TimeZone", "UTC");
	fix_setting("DateStyle", "ISO, YMD");
	fix_setting("IntervalStyle", "postgres");
	fix_setting("bytea_output", "hex");
	fix_setting("extra_float_digits", "1");
	fix_setting("standard_conforming_strings", "on");
	fix_setting("transform_null_equals", "off");
	fix_setting("array_nulls", "on");
	return guc_level;
}

void
fixed_settings_leave(int guc_level)
{
	AtEOXact_GUC(false, guc_level);
}
