/*-------------------------------------------------------------------------
 *
 * registry_guard.c
 *		Are the triggers on the registry in force?  See registry_guard.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "base/compat.h"
#include "catalog/indexing.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "source/names.h"
#include "source/registry_guard.h"
#include "source/statement.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"

/* For their addresses: no other file calls them. */
extern TOKENAUTH_EXPORT Datum tokenauth_registry_guard(PG_FUNCTION_ARGS);
extern TOKENAUTH_EXPORT Datum tokenauth_registry_changed(PG_FUNCTION_ARGS);

#define ANY_ROW \
	(TRIGGER_TYPE_INSERT | TRIGGER_TYPE_UPDATE | TRIGGER_TYPE_DELETE)

/* A trigger that must be there. */
typedef struct GuardTrigger
{
	const char *name;
	const char *event;			/* in SQL */
	const char *each;
	const char *function;
	PGFunction	address;
	int16		type;
} GuardTrigger;

static const GuardTrigger guards[] = {
	{"registry_guard", "BEFORE INSERT OR UPDATE OR DELETE", "ROW",
	"tokenauth_registry_guard", tokenauth_registry_guard,
	TRIGGER_TYPE_ROW | TRIGGER_TYPE_BEFORE | ANY_ROW},
	{"registry_guard_truncate", "BEFORE TRUNCATE", "STATEMENT",
	"tokenauth_registry_guard", tokenauth_registry_guard,
	TRIGGER_TYPE_STATEMENT | TRIGGER_TYPE_BEFORE | TRIGGER_TYPE_TRUNCATE},
	{"registry_changed", "AFTER INSERT OR UPDATE OR DELETE", "ROW",
	"tokenauth_registry_changed", tokenauth_registry_changed,
	TRIGGER_TYPE_ROW | TRIGGER_TYPE_AFTER | ANY_ROW},
};

static bool
is_guard(HeapTuple tuple, const GuardTrigger *guard, Oid function)
{
	Form_pg_trigger trigger = (Form_pg_trigger) GETSTRUCT(tuple);

	return trigger->tgfoid == function && trigger->tgtype == guard->type &&
		trigger->tgenabled == TRIGGER_FIRES_ALWAYS &&
		!trigger->tgdeferrable && trigger->tgattr.dim1 == 0 &&
		heap_attisnull(tuple, Anum_pg_trigger_tgqual, NULL);
}

/* Which of the guards a trigger is; -1 for none. */
static int
which_guard(HeapTuple tuple, const ExtensionInfo *extension)
{
	const Oid	function[lengthof(guards)] = {
		extension->guard_function, extension->guard_function,
		extension->changed_function
	};

	for (int i = 0; i < (int) lengthof(guards); i++)
		if (is_guard(tuple, &guards[i], function[i]))
			return i;
	return -1;
}

/* What the triggers of the registry turn out to be. */
typedef struct GuardFacts
{
	bool		found[lengthof(guards)];
	List	   *others;			/* their names, quoted */
} GuardFacts;

/* watch is NULL where the facts are all that is asked for. */
static void
collect_guard_facts(const ExtensionInfo *extension, GuardFacts *facts,
					Watch *watch)
{
	Relation	pg_trigger = table_open(TriggerRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	memset(facts, 0, sizeof(*facts));
	ScanKeyInit(&key, Anum_pg_trigger_tgrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(extension->sources));
	scan = systable_beginscan(pg_trigger, TriggerRelidNameIndexId, true, NULL,
							  1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_trigger trigger = (Form_pg_trigger) GETSTRUCT(tuple);
		int			guard = which_guard(tuple, extension);

		if (watch != NULL)
			watch_row(watch, tuple);
		if (guard >= 0)
			facts->found[guard] = true;
		else if (!trigger->tgisinternal)
			facts->others = lappend(facts->others,
									pstrdup(quote_identifier(NameStr(trigger->tgname))));
	}
	systable_endscan(scan);
	table_close(pg_trigger, AccessShareLock);
}

bool
registry_is_guarded(const ExtensionInfo *extension)
{
	GuardFacts	facts;
	bool		guarded;

	collect_guard_facts(extension, &facts, NULL);
	guarded = facts.others == NIL;
	for (int i = 0; i < (int) lengthof(guards); i++)
		guarded &= facts.found[i];
	return guarded &&
		extension_is_ours(extension->guard_function,
						  tokenauth_registry_guard) &&
		extension_is_ours(extension->changed_function,
						  tokenauth_registry_changed);
}

void
registry_guard_watch(const ExtensionInfo *extension, Watch *watch)
{
	GuardFacts	facts;

	collect_guard_facts(extension, &facts, watch);
}

void
registry_require_guard(ExtensionInfo *extension)
{
	extension_require(extension);
	LockRelationOid(extension->sources, RowExclusiveLock);
	extension_require(extension);
	if (!extension->guarded)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the registry of token sources is not protected by its triggers"),
				 errhint("The function tokenauth_doctor() tells how to put them back.")));
}

char *
registry_guard_sql(const ExtensionInfo *extension)
{
	char	   *table = quoted_own("tokenauth_source");
	List	   *statements = NIL;
	GuardFacts	facts;
	ListCell   *lc;

	collect_guard_facts(extension, &facts, NULL);
	foreach(lc, facts.others)
		statements = lappend(statements,
							 psprintf("DROP TRIGGER %s ON %s;",
									  (char *) lfirst(lc), table));
	for (int i = 0; i < (int) lengthof(guards); i++)
	{
		const GuardTrigger *guard = &guards[i];
		char	   *function = quoted_own(guard->function);

		statements = lappend(statements,
							 psprintf("DROP TRIGGER IF EXISTS %s ON %s;"
									  " CREATE OR REPLACE FUNCTION %s()"
									  " RETURNS pg_catalog.trigger"
									  " AS '$libdir/tokenauth' LANGUAGE C;"
									  " CREATE TRIGGER %s %s ON %s FOR EACH %s"
									  " EXECUTE FUNCTION %s();"
									  " ALTER TABLE %s ENABLE ALWAYS TRIGGER %s;",
									  guard->name, table, function, guard->name,
									  guard->event, table, guard->each,
									  function, table, guard->name));
	}
	return statements_as_one(statements);
}
