/*-------------------------------------------------------------------------
 *
 * findings_code.c
 *		Code that runs when a token table is written: of other roles, with the
 *		rights of the table's owner; rules, instead of what was asked for; and
 *		triggers that run too late.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "nodes/nodeFuncs.h"
#include "operate/findings.h"
#include "source/extension.h"
#include "source/names.h"
#include "source/own_call.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

/* Columns of the query of finding_trigger_rights(). */
enum
{
	MAKER_NAME,					/* NULL: everybody */
	MAKER_TABLE
};

static void
take_trigger_maker(Doctor *doctor, const Source *source, char **row)
{
	const char *name = row[MAKER_NAME];

	doctor_report(doctor, SEVERITY_WARNING, source,
				  psprintf("REVOKE TRIGGER ON %s FROM %s CASCADE;",
						   row[MAKER_TABLE],
						   name ? quote_identifier(name) : "PUBLIC"),
				  "%s can put triggers on table %s: they run with the rights of the table's owner, whenever tokens are issued or revoked or last uses written",
				  name ? psprintf("role \"%s\"", name) : "every role",
				  row[MAKER_TABLE]);
}

/* Roles that may create triggers on the tables, and do not act for the owner. */
static void
find_trigger_rights(Doctor *doctor, const Source *source, Oid table)
{
	static const char *const sql =
		"SELECT r.rolname, c.oid::regclass::text"
		" FROM pg_class c, aclexplode(c.relacl) a"
		"     LEFT JOIN pg_roles r ON r.oid = a.grantee"
		" WHERE c.oid = $1 AND a.privilege_type = 'TRIGGER'"
		"     AND (a.grantee = 0 OR (NOT r.rolsuper"
		"          AND NOT pg_has_role(r.oid, c.relowner, 'USAGE')))"
		" GROUP BY r.rolname, c.oid ORDER BY r.rolname";
	Oid			types[] = {OIDOID};
	Datum		values[] = {ObjectIdGetDatum(table)};

	doctor_for_rows(doctor, sql, lengthof(types), types, values,
					take_trigger_maker, source);
}

/* Columns of the query of find_foreign_code(). */
enum
{
	CODE_FUNCTION,
	CODE_ROLE,
	CODE_TABLE,
	CODE_OWNER,
	CODE_USES
};

static void
take_code(Doctor *doctor, const Source *source, char **row)
{
	doctor_report(doctor, SEVERITY_WARNING, source,
				  sql_with_comment(psprintf("ALTER FUNCTION %s OWNER TO %s;",
											row[CODE_FUNCTION],
											quote_identifier(row[CODE_OWNER])),
								   "once you have read what it does; or drop what calls it"),
				  "function %s, which role \"%s\" can replace, runs with the rights of \"%s\", the owner of table %s: %s",
				  row[CODE_FUNCTION], row[CODE_ROLE], row[CODE_OWNER],
				  row[CODE_TABLE], row[CODE_USES]);
}

static bool
collect_function(Oid function, void *context)
{
	List	  **functions = context;

	*functions = list_append_unique_oid(*functions, function);
	return false;
}

/* A tree walker: the functions that a condition calls. */
static bool
collect_functions(Node *node, void *context)
{
	if (node == NULL)
		return false;
	(void) check_functions_in_node(node, collect_function, context);
	return expression_tree_walker(node, collect_functions, context);
}

List *
condition_functions(Node *condition)
{
	List	   *functions = NIL;

	(void) collect_functions(condition, &functions);
	return functions;
}

static Datum
functions_of_condition(Node *condition)
{
	List	   *functions = condition_functions(condition);
	Datum	   *elements;
	ListCell   *lc;

	elements = palloc(Max(list_length(functions), 1) * sizeof(Datum));
	foreach(lc, functions)
		elements[foreach_current_index(lc)] = ObjectIdGetDatum(lfirst_oid(lc));
	return PointerGetDatum(construct_array(elements, list_length(functions),
										   OIDOID, sizeof(Oid), true,
										   TYPALIGN_INT));
}

/*
 * Functions that are called when a row of the table is written, or judged, and
 * that belong to a role which cannot act for the table's owner.  So it is after
 * ALTER TABLE ... OWNER TO: what the former owner has put there, stays.
 */
static void
find_foreign_code(Doctor *doctor, const Source *source, Oid table,
				  Node *condition, List *expressions)
{
	static const char *const sql =
		"WITH caller (classid, objid, what) AS ("
		"    SELECT 'pg_trigger'::regclass, oid, 'trigger ' || quote_ident(tgname)"
		"        FROM pg_trigger WHERE tgrelid = $1 AND NOT tgisinternal"
		"    UNION ALL SELECT 'pg_attrdef'::regclass, d.oid, 'column ' || quote_ident(a.attname)"
		"        FROM pg_attrdef d JOIN pg_attribute a"
		"            ON a.attrelid = d.adrelid AND a.attnum = d.adnum"
		"        WHERE d.adrelid = $1"
		"    UNION ALL SELECT 'pg_constraint'::regclass, oid, 'constraint ' || quote_ident(conname)"
		"        FROM pg_constraint WHERE conrelid = $1"
		"    UNION ALL SELECT 'pg_rewrite'::regclass, oid, 'rule ' || quote_ident(rulename)"
		"        FROM pg_rewrite WHERE ev_class = $1"
		"    UNION ALL SELECT 'pg_class'::regclass, indexrelid, 'index ' || indexrelid::regclass"
		"        FROM pg_index WHERE indrelid = $1),"
		" use (function, what) AS ("
		"    SELECT d.refobjid, c.what FROM caller c JOIN pg_depend d"
		"        ON d.classid = c.classid AND d.objid = c.objid"
		"    WHERE d.refclassid = 'pg_proc'::regclass"
		"    UNION ALL SELECT f, 'live_when' FROM unnest($2::oid[]) f"
		"    UNION ALL SELECT f, 'mapping' FROM unnest($5::oid[]) f)"
		"SELECT p.oid::regprocedure::text, r.rolname, t.oid::regclass::text,"
		"    o.rolname, string_agg(DISTINCT u.what, ', ' ORDER BY u.what)"
		" FROM use u JOIN pg_proc p ON p.oid = u.function"
		"     JOIN pg_roles r ON r.oid = p.proowner"
		"     JOIN pg_class t ON t.oid = $1 JOIN pg_roles o ON o.oid = t.relowner"
		" WHERE NOT r.rolsuper AND NOT pg_has_role(r.oid, o.oid, 'USAGE')"
		"     AND p.oid <> $3 AND p.oid <> $4"
		" GROUP BY p.oid, r.rolname, t.oid, o.rolname ORDER BY p.oid::regprocedure::text";
	Oid			types[] = {OIDOID, OIDARRAYOID, OIDOID, OIDOID, OIDARRAYOID};
	Datum		values[] = {
		ObjectIdGetDatum(table),
		functions_of_condition(condition),
		ObjectIdGetDatum(extension_known()->trigger_function),
		ObjectIdGetDatum(extension_known()->hash_function),
		functions_of_condition((Node *) expressions)
	};

	doctor_for_rows(doctor, sql, lengthof(types), types, values, take_code,
					source);
}

void
finding_trigger_rights(Doctor *doctor, const Source *source)
{
	find_trigger_rights(doctor, source, source->relation);
	for (int i = 0; i < source->nparents; i++)
		find_trigger_rights(doctor, source, source->parent[i].relation);
}

static List *
add_expressions(List *expressions, const SourceColumn *column)
{
	for (SourceRole role = 0; role < ROLE_COUNT; role++)
		if (column[role].node != NULL)
			expressions = lappend(expressions, column[role].node);
	return expressions;
}

void
finding_foreign_code(Doctor *doctor, const Source *source)
{
	List	   *expressions = list_make2(source->lookup_node,
										 source->verify_node);

	find_foreign_code(doctor, source, source->relation, source->condition,
					  add_expressions(expressions, source->column));
	for (int i = 0; i < source->nparents; i++)
		find_foreign_code(doctor, source, source->parent[i].relation,
						  source->parent[i].condition,
						  add_expressions(NIL, source->parent[i].column));
}

/* Columns of the query of finding_foreign_types(). */
enum
{
	TYPE_NAME,
	TYPE_ROLE,
	TYPE_TABLE,
	TYPE_OWNER,
	TYPE_IS						/* TYPE; TABLE: the type of its rows */
};

static void
take_type(Doctor *doctor, const Source *source, char **row)
{
	doctor_report(doctor, SEVERITY_WARNING, source,
				  sql_with_comment(psprintf("ALTER %s %s OWNER TO %s;",
											row[TYPE_IS], row[TYPE_NAME],
											quote_identifier(row[TYPE_OWNER])),
								   "once you have read its constraints and casts"),
				  "type %s belongs to role \"%s\", whose constraints, defaults and casts for it run with the rights of \"%s\", the owner of table %s, which has columns of it",
				  row[TYPE_NAME], row[TYPE_ROLE], row[TYPE_OWNER],
				  row[TYPE_TABLE]);
}

/*
 * Types of columns, and those that these are made of, that belong to a role which cannot act
 * for the table's owner.  A domain has code of its owner's, and whoever owns a type can
 * make a cast from text to it, by which what is asked for is read.
 */
void
finding_foreign_types(Doctor *doctor, const Source *source)
{
	static const char *const sql =
		"WITH RECURSIVE used (type) AS ("
		"    SELECT atttypid FROM pg_attribute"
		"        WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped"
		"    UNION SELECT part.type"
		"        FROM used u JOIN pg_type t ON t.oid = u.type, LATERAL ("
		"            SELECT t.typbasetype UNION SELECT t.typelem"
		"            UNION SELECT rngsubtype FROM pg_range WHERE rngtypid = t.oid"
		"            UNION SELECT rngtypid FROM pg_range WHERE rngmultitypid = t.oid"
		"            UNION SELECT atttypid FROM pg_attribute"
		"                WHERE attrelid = t.typrelid AND attnum > 0 AND NOT attisdropped"
		"        ) part (type) WHERE part.type <> 0)"
		"SELECT t.oid::regtype::text, r.rolname, owned.oid::regclass::text, o.rolname,"
		"    CASE WHEN c.relkind <> 'c' THEN 'TABLE' ELSE 'TYPE' END"
		" FROM used u JOIN pg_type t ON t.oid = u.type"
		"     LEFT JOIN pg_class c ON c.oid = t.typrelid"
		"     JOIN pg_roles r ON r.oid = t.typowner"
		"     JOIN pg_class owned ON owned.oid = $1 JOIN pg_roles o ON o.oid = owned.relowner"
		" WHERE NOT r.rolsuper AND NOT pg_has_role(r.oid, o.oid, 'USAGE')"
		"     AND NOT (t.typtype = 'b' AND t.typcategory = 'A') AND t.typtype <> 'm'"
		" ORDER BY t.oid::regtype::text";
	Oid			types[] = {OIDOID};
	Datum		values[] = {ObjectIdGetDatum(source->relation)};

	doctor_for_rows(doctor, sql, lengthof(types), types, values, take_type,
					source);
}

/* Columns of the query below. */
enum
{
	RULE_NAME,
	RULE_TABLE,
	RULE_EVENT,
	RULE_CONSEQUENCE			/* NULL: it does something besides */
};

static void
take_rule(Doctor *doctor, const Source *source, char **row)
{
	char	   *fix = sql_with_comment(psprintf("DROP RULE %s ON %s;",
												row[RULE_NAME], row[RULE_TABLE]),
									   "once nothing else needs it");

	if (row[RULE_CONSEQUENCE] != NULL)
		doctor_report(doctor, SEVERITY_WARNING, source, fix,
					  "rule %s does something else instead of %s on table %s: by tokenauth %s",
					  row[RULE_NAME], row[RULE_EVENT], row[RULE_TABLE],
					  row[RULE_CONSEQUENCE]);
	else
		doctor_report(doctor, SEVERITY_NOTICE, source, fix,
					  "rule %s does something else, too, for each %s on table %s",
					  row[RULE_NAME], row[RULE_EVENT], row[RULE_TABLE]);
}

/*
 * A rule keeps nothing from being judged, for that looks at the rows.  But it can
 * make nothing of a revocation.  Rules that sessions do not obey are left out.
 */
void
finding_rules(Doctor *doctor, const Source *source)
{
	static const char *const sql =
		"SELECT quote_ident(r.rulename), r.ev_class::regclass::text, e.event,"
		"     CASE WHEN r.is_instead THEN e.consequence END"
		" FROM pg_rewrite r JOIN (VALUES"
		"         ('2'::\"char\", 'UPDATE', 'tokens are not revoked, rotated or renewed, nor last uses written'),"
		"         ('3', 'INSERT', 'tokens are not issued, rotated or exchanged'),"
		"         ('4', 'DELETE', 'tokens are not revoked or rotated')) e (type, event, consequence)"
		"     ON e.type = r.ev_type"
		" WHERE r.ev_class = $1 AND r.ev_enabled IN ('O', 'A')"
		"     AND ($2 OR r.ev_type <> '4')"
		" ORDER BY r.ev_type, r.rulename";
	Oid			types[] = {OIDOID, BOOLOID};
	Datum		values[] = {
		ObjectIdGetDatum(source->relation),
		BoolGetDatum(source->on_revoke == ON_REVOKE_DELETE)
	};

	if (!PROBLEM_IS_FATAL(source->problem))
		doctor_for_rows(doctor, sql, lengthof(types), types, values, take_rule,
						source);
}

/* Columns of the query of finding_deferred(). */
enum
{
	DEFERRED_NAME,
	DEFERRED_TABLE,
	DEFERRED_IS_FOREIGN_KEY
};

static void
take_deferred(Doctor *doctor, const Source *source, char **row)
{
	if (row[DEFERRED_IS_FOREIGN_KEY] != NULL)
		doctor_report(doctor, SEVERITY_WARNING, source,
					  psprintf("ALTER TABLE %s ALTER CONSTRAINT %s DEFERRABLE INITIALLY IMMEDIATE;",
							   row[DEFERRED_TABLE], row[DEFERRED_NAME]),
					  "foreign key %s of table %s is looked at only at COMMIT: only a session that its owner has logged in to can issue, rotate or exchange tokens",
					  row[DEFERRED_NAME], row[DEFERRED_TABLE]);
	else
		doctor_report(doctor, SEVERITY_WARNING, source,
					  sql_with_comment(psprintf("DROP TRIGGER %s ON %s;",
												row[DEFERRED_NAME],
												row[DEFERRED_TABLE]),
									   "and make it again INITIALLY IMMEDIATE"),
					  "trigger %s of table %s runs only at COMMIT: only a session that its owner has logged in to can change tokens by tokenauth, and what it changes then is not seen by tokenauth_revoke()",
					  row[DEFERRED_NAME], row[DEFERRED_TABLE]);
}

/*
 * Core refuses deferred triggers in a security-restricted operation, as which the
 * statements of tokenauth run in all sessions but the owner's.
 */
void
finding_deferred(Doctor *doctor, const Source *source)
{
	static const char *const sql =
		"SELECT DISTINCT quote_ident(coalesce(c.conname, t.tgname)),"
		"     t.tgrelid::regclass::text, CASE WHEN t.tgisinternal THEN 'yes' END"
		" FROM pg_trigger t LEFT JOIN pg_constraint c"
		"     ON c.oid = t.tgconstraint AND t.tgisinternal"
		" WHERE t.tgrelid = $1 AND t.tginitdeferred AND t.tgenabled IN ('O', 'A')"
		"     AND (NOT t.tgisinternal OR c.contype = 'f')"
		" ORDER BY 1";
	Oid			types[] = {OIDOID};
	Datum		values[] = {ObjectIdGetDatum(source->relation)};

	if (!PROBLEM_IS_FATAL(source->problem))
		doctor_for_rows(doctor, sql, lengthof(types), types, values,
						take_deferred, source);
}
