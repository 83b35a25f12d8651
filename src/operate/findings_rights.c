/*-------------------------------------------------------------------------
 *
 * findings_rights.c
 *		Roles that can read tokens or their digests.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "operate/findings.h"
#include "operate/remedy.h"
#include "source/own_call.h"
#include "source/stored.h"
#include "source/token_columns.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

static char *
hash_in_place(const Source *source)
{
	OwnCall    *call = own_call("tokenauth_hash_in_place");

	own_call_set(call, "source", source->name);
	return own_call_sql(call);
}

void
finding_plaintext(Doctor *doctor, const Source *source)
{
	if (stored_is_token(source))
		doctor_report(doctor, SEVERITY_WARNING, source,
			   hash_in_place(source),
			   "table \"%s\" holds the tokens themselves: a reader of the table, or of a backup of it, has them",
			   get_rel_name(source->relation));
}

/* Columns of the query below. */
enum
{
	READER_NAME,				/* NULL: PUBLIC */
	READER_COLUMNS				/* NULL: the whole table */
};

/* Are its tokens, or digests, made of other columns, which may be the tokens? */
static bool
is_made_of_columns(const Source *source)
{
	return !bms_is_subset(tokens_origins(source), tokens_columns(source));
}

static const char *
what_is_read(const Source *source)
{
	if (stored_is_token(source))
		return "tokens";
	if (source->verify != NULL)
		return "columns by which tokens are verified";
	return is_made_of_columns(source) ?
		"digests of tokens, or what these are made of," : "digests of tokens";
}

static void
take_reader(Doctor *doctor, const Source *source, char **row)
{
	bool		plaintext = stored_is_token(source) || is_made_of_columns(source);
	const char *what = what_is_read(source);
	const char *table = get_rel_name(source->relation);
	char	   *fix = remedy_hide_token(source, row[READER_NAME],
										row[READER_COLUMNS]);

	if (row[READER_NAME] == NULL)
		doctor_report(doctor, SEVERITY_WARNING, source, fix,
			   "every role can read the %s in table \"%s\"", what, table);
	else
		doctor_report(doctor, plaintext ? SEVERITY_WARNING : SEVERITY_NOTICE, source,
			   fix, "role \"%s\" can read the %s in table \"%s\"",
			   row[READER_NAME], what, table);
}

static Datum
column_numbers(const Bitmapset *columns)
{
	Datum	   *numbers = palloc((bms_num_members(columns) + 1) * sizeof(Datum));
	int			n = 0;
	int			attnum = -1;

	while ((attnum = bms_next_member(columns, attnum)) >= 0)
		numbers[n++] = Int16GetDatum(attnum);
	return PointerGetDatum(construct_array(numbers, n, INT2OID, sizeof(int16),
										   true, TYPALIGN_SHORT));
}

/*
 * Roles that were granted to read a column with tokens, or what these are made of, but
 * for superusers and those that act for the owner anyway.  What they have granted in
 * their turn goes with their own right.
 */
void
finding_readers(Doctor *doctor, const Source *source)
{
	static const char *const sql =
		"SELECT r.rolname, CASE WHEN NOT bool_or(g.name IS NULL)"
		"     THEN string_agg(DISTINCT quote_ident(g.name), ', ') END"
		" FROM (SELECT a.grantee, a.grantor, c.relowner, NULL::name AS name"
		"       FROM pg_class c, aclexplode(c.relacl) a"
		"       WHERE c.oid = $1 AND a.privilege_type = 'SELECT'"
		"       UNION ALL"
		"       SELECT a.grantee, a.grantor, c.relowner, t.attname"
		"       FROM pg_class c JOIN pg_attribute t ON t.attrelid = c.oid,"
		"           aclexplode(t.attacl) a"
		"       WHERE c.oid = $1 AND t.attnum = ANY ($2)"
		"           AND a.privilege_type = 'SELECT') g"
		" LEFT JOIN pg_roles r ON r.oid = g.grantee"
		" WHERE g.grantor = g.relowner"
		"     AND (g.grantee = 0 OR (NOT r.rolsuper"
		"          AND NOT pg_has_role(r.oid, g.relowner, 'USAGE')))"
		" GROUP BY r.rolname ORDER BY r.rolname";
	Oid			types[] = {OIDOID, INT2ARRAYOID};
	Datum		values[] = {
		ObjectIdGetDatum(source->relation),
		column_numbers(tokens_shown(source))
	};

	if (AttributeNumberIsValid(source->column[ROLE_TOKEN].attnum))
		doctor_for_rows(doctor, sql, lengthof(types), types, values, take_reader,
				 source);
}

static void
take_data_reader(Doctor *doctor, const Source *source, char **row)
{
	bool		plaintext = false;
	ListCell   *lc;

	foreach(lc, doctor->sources)
		plaintext |= stored_is_token(lfirst(lc));
	doctor_report(doctor, plaintext ? SEVERITY_WARNING : SEVERITY_NOTICE, NULL,
		   psprintf("REVOKE pg_read_all_data FROM %s%s;",
					quote_identifier(row[0]), row[1]),
		   "role \"%s\" can read all tables, tokens or their digests among them, as a member of pg_read_all_data",
		   row[0]);
}

void
finding_data_readers(Doctor *doctor)
{
	if (doctor->sources != NIL)
		doctor_for_rows(doctor,
				 "SELECT r.rolname,"
				 "    coalesce(' GRANTED BY ' || quote_ident(g.rolname), '')"
				 " FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.member"
				 "     LEFT JOIN pg_roles g ON g.oid = m.grantor"
				 " WHERE m.roleid = 'pg_read_all_data'::regrole"
				 "     AND NOT r.rolsuper ORDER BY r.rolname",
				 0, NULL, NULL, take_data_reader, NULL);
}

static void
take_missing(Doctor *doctor, const Source *source, char **row)
{
	doctor_report(doctor, SEVERITY_WARNING, source, row[1],
				  "the owner of table \"%s\" has no right %s: tokenauth cannot write it, nor revoke tokens, for it does so as the owner",
				  get_rel_name(source->relation), row[0]);
}

/* What we do in the table we do as its owner, who can lack rights, too. */
void
finding_owner(Doctor *doctor, const Source *source)
{
	static const char *const sql =
		"SELECT 'USAGE on its schema',"
		"     format('GRANT USAGE ON SCHEMA %I TO %I;', n.nspname, r.rolname)"
		" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
		"     JOIN pg_roles r ON r.oid = c.relowner"
		" WHERE c.oid = $1 AND NOT has_schema_privilege(r.oid, n.oid, 'USAGE')"
		" UNION ALL"
		" SELECT string_agg(p.name, ', ') || ' on it',"
		"     format('GRANT %s ON %I.%I TO %I;', string_agg(p.name, ', '),"
		"         n.nspname, c.relname, r.rolname)"
		" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
		"     JOIN pg_roles r ON r.oid = c.relowner, unnest($2) p (name)"
		" WHERE c.oid = $1 AND NOT has_table_privilege(r.oid, c.oid, p.name)"
		" GROUP BY n.nspname, c.relname, r.rolname"
		" UNION ALL"
		" SELECT DISTINCT 'EXECUTE on function ' || f.oid::regprocedure || ', which a default, constraint or index of it calls',"
		"     format('GRANT EXECUTE ON FUNCTION %s TO %I;', f.oid::regprocedure, r.rolname)"
		" FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner, ("
		"         SELECT 'pg_attrdef'::regclass, oid FROM pg_attrdef WHERE adrelid = $1"
		"         UNION ALL SELECT 'pg_constraint'::regclass, oid FROM pg_constraint WHERE conrelid = $1"
		"         UNION ALL SELECT 'pg_class'::regclass, indexrelid FROM pg_index WHERE indrelid = $1) o (classid, oid)"
		"     JOIN pg_depend d ON d.classid = o.classid AND d.objid = o.oid"
		"     LEFT JOIN pg_operator x ON d.refclassid = 'pg_operator'::regclass AND x.oid = d.refobjid"
		"     JOIN pg_proc f ON f.oid = CASE WHEN d.refclassid = 'pg_proc'::regclass THEN d.refobjid ELSE x.oprcode END"
		" WHERE c.oid = $1 AND NOT has_function_privilege(r.oid, f.oid, 'EXECUTE')";
	Datum		needed[3] = {CStringGetTextDatum("SELECT")};
	int			n = 1;
	Oid			types[] = {OIDOID, TEXTARRAYOID};
	Datum		values[2];

	if (PROBLEM_IS_FATAL(source->problem))
		return;
	if (source->keeps_last_use || source->on_revoke == ON_REVOKE_FLAG)
		needed[n++] = CStringGetTextDatum("UPDATE");
	if (source->on_revoke == ON_REVOKE_DELETE)
		needed[n++] = CStringGetTextDatum("DELETE");
	values[0] = ObjectIdGetDatum(source->relation);
	values[1] = PointerGetDatum(construct_array(needed, n, TEXTOID, -1, false,
												TYPALIGN_INT));
	doctor_for_rows(doctor, sql, lengthof(types), types, values, take_missing,
					source);
}
