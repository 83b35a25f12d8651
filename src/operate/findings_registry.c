/*-------------------------------------------------------------------------
 *
 * findings_registry.c
 *		What is wrong with the registry of sources, and other tables of ours, or
 *		missing in them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "operate/findings.h"
#include "source/directory.h"
#include "source/names.h"
#include "source/own_call.h"
#include "source/registry_guard.h"
#include "source/routes.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

/* What the tables of ours are, and what follows if they are not guarded. */
static const struct
{
	const char *is;
	Severity	severity;
	const char *consequence;
}			table_texts[] = {
	[GUARDED_REGISTRY] = {"the registry of token sources", SEVERITY_ERROR,
		"no source's tokens can be judged"},
	[GUARDED_RETIRING] = {"the table of tokens in their grace", SEVERITY_WARNING,
		"tokens that expire can be neither rotated nor renewed"},
};

StaticAssertDecl(lengthof(table_texts) == GUARDED_TABLES,
				 "each table has a text");

/* Nothing in them is believed, nor are they written, then. */
void
finding_guards(Doctor *doctor)
{
	const ExtensionInfo *extension = extension_known();

	for (GuardedTable table = 0; table < GUARDED_TABLES; table++)
		if (!guard_holds(extension, table))
			doctor_report(doctor, table_texts[table].severity, NULL,
						  guard_sql(extension, table),
						  "\"%s\", %s, has not the triggers that it was made with, enabled ALWAYS, or it has others, rules or row-level security: %s",
						  guarded_name(table), table_texts[table].is,
						  table_texts[table].consequence);
}

/* The table of a trigger; InvalidOid if it is gone. */
static Oid
table_of_trigger(Oid trigger)
{
	Relation	pg_trigger = table_open(TriggerRelationId, AccessShareLock);
	Oid			table = InvalidOid;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_trigger_oid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(trigger));
	scan = systable_beginscan(pg_trigger, TriggerOidIndexId, true, NULL, 1,
							  &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		table = ((Form_pg_trigger) GETSTRUCT(tuple))->tgrelid;
	systable_endscan(scan);
	table_close(pg_trigger, AccessShareLock);
	return table;
}

/*
 * The tables that have triggers of ours.  They are found through what depends
 * on the triggers' function, for pg_trigger has no index by function.
 */
static List *
tables_with_triggers(void)
{
	Relation	pg_depend = table_open(DependRelationId, AccessShareLock);
	List	   *tables = NIL;
	ScanKeyData key[2];
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key[0], Anum_pg_depend_refclassid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(ProcedureRelationId));
	ScanKeyInit(&key[1], Anum_pg_depend_refobjid, BTEqualStrategyNumber,
				F_OIDEQ,
				ObjectIdGetDatum(extension_known()->trigger_function));
	scan = systable_beginscan(pg_depend, DependReferenceIndexId, true, NULL,
							  2, key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend depend = (Form_pg_depend) GETSTRUCT(tuple);

		CHECK_FOR_INTERRUPTS();
		if (depend->classid == TriggerRelationId)
			tables = lappend_oid(tables, table_of_trigger(depend->objid));
	}
	systable_endscan(scan);
	table_close(pg_depend, AccessShareLock);
	list_sort(tables, list_oid_cmp);
	list_deduplicate_oid(tables);
	return tables;
}

static char *
attach_somehow(Oid table)
{
	OwnCall    *call = own_call("tokenauth_attach");

	own_call_set(call, "relation", quoted_relation(table));
	return own_call_incomplete_sql(call);
}

/*
 * A table that calls us and belongs to no source: what the registry said of it
 * is lost, and perhaps a source that depended on it.  But whoever can attach can
 * put our trigger on a table of its own, so no other source is less ready by that.
 */
void
finding_lost_sources(Doctor *doctor)
{
	ListCell   *lc;

	foreach(lc, tables_with_triggers())
	{
		Oid			table = lfirst_oid(lc);

		if (OidIsValid(table) && get_rel_relkind(table) != '\0' &&
			source_users_of(table) == NIL)
			doctor_report(doctor, SEVERITY_ERROR, NULL,
						  sql_with_comment(attach_somehow(table),
										   "as it was attached before, or as a parent; else drop its triggers of tokenauth"),
						  "table \"%s\" has triggers of tokenauth but belongs to no token source: its tokens are unknown",
						  get_rel_name(table));
	}
}

/* A token that is presented without its source's name does not reach it. */
void
finding_by_name_only(Doctor *doctor, const Source *source)
{
	const Source *other = routes_hindrance(source, source_all());

	if (other == NULL)
		return;
	doctor_report(doctor, SEVERITY_WARNING, source,
				  sql_with_comment(detach_sql(source->name),
								   "and attach it with a prefix that does not begin as that of the other does, or give both tables the same owner"),
				  "its tokens are found by its name only: its mapping shows tokens to the table's owner, and they could be of token source \"%s\", which has another owner",
				  other->name);
}

/* Columns of the query below. */
enum
{
	WRITER_NAME,				/* NULL: everybody */
	WRITER_RIGHTS,
	WRITER_TABLE
};

static const char *
what_table_is(const char *name)
{
	for (GuardedTable table = 0; table < GUARDED_TABLES; table++)
		if (strcmp(name, guarded_name(table)) == 0)
			return table_texts[table].is;
	return table_texts[GUARDED_REGISTRY].is;
}

static void
take_writer(Doctor *doctor, const Source *source, char **row)
{
	const char *name = row[WRITER_NAME];
	bool		may_be_meant = strcmp(row[WRITER_RIGHTS], "INSERT") == 0 &&
		strcmp(row[WRITER_TABLE], guarded_name(GUARDED_REGISTRY)) == 0;

	doctor_report(doctor, may_be_meant ? SEVERITY_NOTICE : SEVERITY_WARNING,
				  NULL,
				  psprintf("REVOKE %s ON %s FROM %s CASCADE;",
						   row[WRITER_RIGHTS], quoted_own(row[WRITER_TABLE]),
						   name ? quote_identifier(name) : "PUBLIC"),
				  "%s has rights on \"%s\", %s, that only its owner needs%s: %s",
				  name ? psprintf("role \"%s\"", name) : "everybody",
				  row[WRITER_TABLE], what_table_is(row[WRITER_TABLE]),
				  may_be_meant ? ", unless it restores dumps" : "",
				  row[WRITER_RIGHTS]);
}

/* The tables of ours that are guarded, by name. */
static Datum
guarded_names(void)
{
	Datum		names[GUARDED_TABLES];

	for (GuardedTable table = 0; table < GUARDED_TABLES; table++)
		names[table] = CStringGetTextDatum(guarded_name(table));
	return PointerGetDatum(construct_array(names, lengthof(names), TEXTOID, -1,
										   false, TYPALIGN_INT));
}

/*
 * A right to write a table of ours lets nobody write it, for its trigger asks
 * who it is.  One to add a trigger would stop all sources, or all rotations.
 * Neither is granted but by mistake, with rights on all tables of a schema.
 */
void
finding_writers(Doctor *doctor)
{
	static const char *const sql =
		"SELECT r.rolname,"
		"     string_agg(DISTINCT g.privilege_type, ', ' ORDER BY g.privilege_type),"
		"     c.relname::text"
		" FROM pg_class c, LATERAL ("
		"         SELECT a.grantee, a.privilege_type FROM aclexplode(c.relacl) a"
		"         UNION ALL"
		"         SELECT a.grantee, a.privilege_type"
		"         FROM pg_attribute t, aclexplode(t.attacl) a"
		"         WHERE t.attrelid = c.oid) g"
		"     LEFT JOIN pg_roles r ON r.oid = g.grantee"
		" WHERE c.relnamespace = $1 AND c.relname = ANY ($2)"
		"     AND g.privilege_type NOT IN ('SELECT', 'MAINTAIN')"
		"     AND (g.grantee = 0 OR NOT pg_has_role(g.grantee, c.relowner, 'USAGE'))"
		" GROUP BY r.rolname, c.relname ORDER BY c.relname, r.rolname";
	Oid			types[] = {OIDOID, TEXTARRAYOID};
	Datum		values[] = {
		ObjectIdGetDatum(extension_known()->schema),
		guarded_names()
	};

	doctor_for_rows(doctor, sql, lengthof(types), types, values, take_writer,
					NULL);
}

/* Columns: the table that refers to ours, its constraint, our table. */
static void
take_reference(Doctor *doctor, const Source *source, char **row)
{
	doctor_report(doctor, SEVERITY_WARNING, NULL,
				  psprintf("ALTER TABLE %s DROP CONSTRAINT %s;", row[0], row[1]),
				  "table %s has a foreign key to \"%s\", %s: it can keep its rows from being deleted, and run triggers of its own when they are",
				  row[0], row[2], what_table_is(row[2]));
}

/* They stay when the right to create them is revoked. */
void
finding_references(Doctor *doctor)
{
	static const char *const sql =
		"SELECT quote_ident(n.nspname) || '.' || quote_ident(t.relname),"
		"     quote_ident(f.conname), c.relname::text"
		" FROM pg_constraint f JOIN pg_class c ON c.oid = f.confrelid"
		"     JOIN pg_class t ON t.oid = f.conrelid"
		"     JOIN pg_namespace n ON n.oid = t.relnamespace"
		" WHERE f.contype = 'f' AND f.conparentid = 0"
		"     AND c.relnamespace = $1 AND c.relname = ANY ($2)"
		" ORDER BY 3, 1, 2";
	Oid			types[] = {OIDOID, TEXTARRAYOID};
	Datum		values[] = {
		ObjectIdGetDatum(extension_known()->schema),
		guarded_names()
	};

	doctor_for_rows(doctor, sql, lengthof(types), types, values,
					take_reference, NULL);
}
