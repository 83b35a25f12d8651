/*-------------------------------------------------------------------------
 *
 * registry_guard.c
 *		Are the tables of ours as they were made?  See registry_guard.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "base/compat.h"
#include "catalog/indexing.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "source/names.h"
#include "source/registry_guard.h"
#include "source/statement.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

/* For their addresses: no other file calls them. */
extern TOKENAUTH_EXPORT Datum tokenauth_registry_guard(PG_FUNCTION_ARGS);
extern TOKENAUTH_EXPORT Datum tokenauth_registry_changed(PG_FUNCTION_ARGS);
extern TOKENAUTH_EXPORT Datum tokenauth_retiring_guard(PG_FUNCTION_ARGS);

#define ANY_ROW \
	(TRIGGER_TYPE_INSERT | TRIGGER_TYPE_UPDATE | TRIGGER_TYPE_DELETE)

/* A trigger that must be there. */
typedef struct GuardTrigger
{
	GuardedTable table;
	const char *name;
	const char *event;			/* in SQL */
	const char *each;
	const char *function;
	PGFunction	address;
	int16		type;
} GuardTrigger;

static const GuardTrigger guards[] = {
	{GUARDED_REGISTRY, "registry_guard",
	"BEFORE INSERT OR UPDATE OR DELETE", "ROW",
	"tokenauth_registry_guard", tokenauth_registry_guard,
	TRIGGER_TYPE_ROW | TRIGGER_TYPE_BEFORE | ANY_ROW},
	{GUARDED_REGISTRY, "registry_guard_truncate",
	"BEFORE TRUNCATE", "STATEMENT",
	"tokenauth_registry_guard", tokenauth_registry_guard,
	TRIGGER_TYPE_STATEMENT | TRIGGER_TYPE_BEFORE | TRIGGER_TYPE_TRUNCATE},
	{GUARDED_REGISTRY, "registry_changed",
	"AFTER INSERT OR UPDATE OR DELETE", "ROW",
	"tokenauth_registry_changed", tokenauth_registry_changed,
	TRIGGER_TYPE_ROW | TRIGGER_TYPE_AFTER | ANY_ROW},
	{GUARDED_RETIRING, "guard",
	"BEFORE INSERT OR UPDATE", "ROW",
	"tokenauth_retiring_guard", tokenauth_retiring_guard,
	TRIGGER_TYPE_ROW | TRIGGER_TYPE_BEFORE |
	TRIGGER_TYPE_INSERT | TRIGGER_TYPE_UPDATE},
};

static const char *const names[] = {
	[GUARDED_REGISTRY] = "tokenauth_source",
	[GUARDED_RETIRING] = "tokenauth_retiring",
};

StaticAssertDecl(lengthof(names) == GUARDED_TABLES, "each table has a name");

const char *
guarded_name(GuardedTable table)
{
	return names[table];
}

static Oid
relation_of(const ExtensionInfo *extension, GuardedTable table)
{
	return get_relname_relid(names[table], extension->schema);
}

/* What a table turns out to be. */
typedef struct GuardFacts
{
	Oid			function[lengthof(guards)];
	bool		found[lengthof(guards)];
	List	   *others;			/* triggers that are not ours, quoted */
	List	   *rules;			/* quoted */
	bool		has_policies;	/* row-level security is enabled or forced */
} GuardFacts;

/* The triggers' functions, as the extension made them; else InvalidOid. */
static void
find_functions(const ExtensionInfo *extension, GuardFacts *facts)
{
	for (int i = 0; i < (int) lengthof(guards); i++)
	{
		Oid			function = extension_function(extension,
												  guards[i].function);

		if (extension_is_ours(function, guards[i].address))
			facts->function[i] = function;
	}
}

static bool
is_guard(HeapTuple tuple, const GuardTrigger *guard, Oid function)
{
	Form_pg_trigger trigger = (Form_pg_trigger) GETSTRUCT(tuple);

	return OidIsValid(function) && trigger->tgfoid == function &&
		trigger->tgtype == guard->type &&
		trigger->tgenabled == TRIGGER_FIRES_ALWAYS &&
		!trigger->tgdeferrable && trigger->tgattr.dim1 == 0 &&
		heap_attisnull(tuple, Anum_pg_trigger_tgqual, NULL);
}

static void
take_trigger(GuardFacts *facts, GuardedTable table, HeapTuple tuple)
{
	Form_pg_trigger trigger = (Form_pg_trigger) GETSTRUCT(tuple);

	for (int i = 0; i < (int) lengthof(guards); i++)
		if (guards[i].table == table &&
			is_guard(tuple, &guards[i], facts->function[i]))
		{
			facts->found[i] = true;
			return;
		}
	if (!trigger->tgisinternal)
		facts->others = lappend(facts->others,
								pstrdup(quote_identifier(NameStr(trigger->tgname))));
}

/* watch is NULL where the facts are all that is asked for. */
static void
collect_triggers(Oid relation, GuardFacts *facts, GuardedTable table,
				 Watch *watch)
{
	Relation	pg_trigger = table_open(TriggerRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_trigger_tgrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relation));
	scan = systable_beginscan(pg_trigger, TriggerRelidNameIndexId, true, NULL,
							  1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		if (watch != NULL)
			watch_row(watch, tuple);
		take_trigger(facts, table, tuple);
	}
	systable_endscan(scan);
	table_close(pg_trigger, AccessShareLock);
}

static void
collect_rules(Oid relation, GuardFacts *facts)
{
	Relation	pg_rewrite = table_open(RewriteRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_rewrite_ev_class, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relation));
	scan = systable_beginscan(pg_rewrite, RewriteRelRulenameIndexId, true,
							  NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_rewrite rule = (Form_pg_rewrite) GETSTRUCT(tuple);

		facts->rules = lappend(facts->rules,
							   pstrdup(quote_identifier(NameStr(rule->rulename))));
	}
	systable_endscan(scan);
	table_close(pg_rewrite, AccessShareLock);
}

static void
collect_guard_facts(const ExtensionInfo *extension, GuardedTable table,
					GuardFacts *facts, Watch *watch)
{
	Oid			relation = relation_of(extension, table);
	HeapTuple	tuple;
	Form_pg_class form;

	memset(facts, 0, sizeof(*facts));
	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
	if (!HeapTupleIsValid(tuple))
		return;
	find_functions(extension, facts);
	collect_triggers(relation, facts, table, watch);
	form = (Form_pg_class) GETSTRUCT(tuple);
	facts->has_policies = form->relrowsecurity || form->relforcerowsecurity;
	if (form->relhasrules)
		collect_rules(relation, facts);
	ReleaseSysCache(tuple);
}

bool
guard_holds(const ExtensionInfo *extension, GuardedTable table)
{
	GuardFacts	facts;

	collect_guard_facts(extension, table, &facts, NULL);
	for (int i = 0; i < (int) lengthof(guards); i++)
		if (guards[i].table == table && !facts.found[i])
			return false;
	return facts.others == NIL && facts.rules == NIL && !facts.has_policies;
}

void
registry_guard_watch(const ExtensionInfo *extension, Watch *watch)
{
	GuardFacts	facts;

	collect_guard_facts(extension, GUARDED_REGISTRY, &facts, watch);
}

void
guard_require(ExtensionInfo *extension, GuardedTable table)
{
	Oid			relation;

	extension_require(extension);
	relation = relation_of(extension, table);
	if (OidIsValid(relation))
		LockRelationOid(relation, RowExclusiveLock);
	extension_require(extension);
	if (relation != relation_of(extension, table) ||
		!guard_holds(extension, table))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s\" is not protected by its triggers",
						names[table]),
				 errhint("The function tokenauth_doctor() tells how to put them back.")));
}

static List *
drop_foreign(const GuardFacts *facts, const char *table)
{
	List	   *statements = NIL;
	ListCell   *lc;

	foreach(lc, facts->others)
		statements = lappend(statements,
							 psprintf("DROP TRIGGER %s ON %s;",
									  (char *) lfirst(lc), table));
	foreach(lc, facts->rules)
		statements = lappend(statements,
							 psprintf("DROP RULE %s ON %s;",
									  (char *) lfirst(lc), table));
	if (facts->has_policies)
		statements = lappend(statements,
							 psprintf("ALTER TABLE %s DISABLE ROW LEVEL SECURITY,"
									  " NO FORCE ROW LEVEL SECURITY;", table));
	return statements;
}

/* Made anew, for it may be there in another form. */
static List *
make_guard(const GuardTrigger *guard)
{
	char	   *table = quoted_own(names[guard->table]);
	char	   *function = quoted_own(guard->function);

	return list_make4(psprintf("DROP TRIGGER IF EXISTS %s ON %s;",
							   guard->name, table),
					  psprintf("CREATE OR REPLACE FUNCTION %s()"
							   " RETURNS pg_catalog.trigger"
							   " AS '$libdir/tokenauth' LANGUAGE C;", function),
					  psprintf("CREATE TRIGGER %s %s ON %s FOR EACH %s"
							   " EXECUTE FUNCTION %s();",
							   guard->name, guard->event, table, guard->each,
							   function),
					  psprintf("ALTER TABLE %s ENABLE ALWAYS TRIGGER %s;",
							   table, guard->name));
}

char *
guard_sql(const ExtensionInfo *extension, GuardedTable table)
{
	List	   *statements;
	GuardFacts	facts;

	collect_guard_facts(extension, table, &facts, NULL);
	statements = drop_foreign(&facts, quoted_own(names[table]));
	for (int i = 0; i < (int) lengthof(guards); i++)
		if (guards[i].table == table)
			statements = list_concat(statements, make_guard(&guards[i]));
	return statements_as_one(statements);
}
