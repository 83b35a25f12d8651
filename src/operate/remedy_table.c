/*-------------------------------------------------------------------------
 *
 * remedy_table.c
 *		SQL that makes a table fit its source again: triggers, index,
 *		inheritance, types of columns.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "attach/triggers.h"
#include "base/compat.h"
#include "catalog/indexing.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "operate/remedy.h"
#include "operate/remedy_parts.h"
#include "source/extension.h"
#include "source/names.h"
#include "source/mapping.h"
#include "source/own_call.h"
#include "source/statement.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

/* The names, quoted, of a table's triggers that call us. */
static List *
our_triggers(Oid relation)
{
	Relation	table = relation_open(relation, AccessShareLock);
	TriggerDesc *triggers = table->trigdesc;
	List	   *names = NIL;

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
		if (triggers->triggers[i].tgfoid == extension_known()->trigger_function)
			names = lappend(names,
							pstrdup(quote_identifier(triggers->triggers[i].tgname)));
	relation_close(table, AccessShareLock);
	return names;
}

/* Some may be there, incomplete or deferred: begin anew. */
char *
remedy_renew_triggers(Oid relation)
{
	List	   *statements = NIL;
	ListCell   *lc;

	foreach(lc, our_triggers(relation))
		statements = lappend(statements,
							 psprintf("DROP TRIGGER %s ON %s;",
									  (char *) lfirst(lc),
									  quoted_relation(relation)));
	return statements_as_one(list_concat(statements, triggers_sql(relation)));
}

char *
remedy_enable_triggers(Oid relation)
{
	StringInfoData sql;
	ListCell   *lc;
	List	   *names = our_triggers(relation);

	initStringInfo(&sql);
	appendStringInfo(&sql, "ALTER TABLE %s", quoted_relation(relation));
	foreach(lc, names)
		appendStringInfo(&sql, "%s ENABLE ALWAYS TRIGGER %s",
						 foreach_current_index(lc) > 0 ? "," : "",
						 (char *) lfirst(lc));
	appendStringInfoChar(&sql, ';');
	return sql.data;
}

static bool
is_unique_on(Oid index, AttrNumber attnum)
{
	HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
	Form_pg_index form;
	bool		unique;

	if (!HeapTupleIsValid(tuple))
		return false;
	form = (Form_pg_index) GETSTRUCT(tuple);
	unique = form->indisunique && form->indisvalid && form->indnkeyatts == 1 &&
		form->indkey.values[0] == attnum &&
		heap_attisnull(tuple, Anum_pg_index_indpred, NULL);
	ReleaseSysCache(tuple);
	return unique;
}

bool
remedy_has_unique_index(Relation table, AttrNumber attnum)
{
	ListCell   *lc;

	foreach(lc, RelationGetIndexList(table))
		if (is_unique_on(lfirst_oid(lc), attnum))
			return true;
	return false;
}

/* The tables that a table inherits from. */
static List *
inherited_by(Oid relation)
{
	Relation	catalog = table_open(InheritsRelationId, AccessShareLock);
	List	   *parents = NIL;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_inherits_inhrelid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(relation));
	scan = systable_beginscan(catalog, InheritsRelidSeqnoIndexId, true, NULL,
							  1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		parents = lappend_oid(parents,
							  ((Form_pg_inherits) GETSTRUCT(tuple))->inhparent);
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return parents;
}

/* Of more than that the doctor speaks again, once these are none any more. */
#define MAX_CHILDREN_AT_ONCE	100

/* Take a table out of whatever it inherits from or is inherited by. */
char *
remedy_end_inheritance(Oid relation)
{
	List	   *statements = NIL;
	ListCell   *lc;

	foreach(lc, inherited_by(relation))
		statements = lappend(statements,
							 psprintf(get_rel_relispartition(relation) ?
									  "ALTER TABLE %2$s DETACH PARTITION %1$s;" :
									  "ALTER TABLE %1$s NO INHERIT %2$s;",
									  quoted_relation(relation),
									  quoted_relation(lfirst_oid(lc))));
	foreach(lc, mapping_children(relation, MAX_CHILDREN_AT_ONCE))
		statements = lappend(statements,
							 psprintf("ALTER TABLE %s NO INHERIT %s;",
									  quoted_relation(lfirst_oid(lc)),
									  quoted_relation(relation)));
	return statements_as_one(statements);
}

/* A type that fits a role, of those that most values can be cast to. */
static Oid
wanted_type(const Source *source, SourceRole role)
{
	switch (role)
	{
		case ROLE_TOKEN:
			return source->stored_as.form == FORM_BYTEA ? BYTEAOID : TEXTOID;
		case ROLE_EXPIRES:
		case ROLE_USED:
		case ROLE_LAST_USED:
		case ROLE_CREATED:
			return TIMESTAMPTZOID;
		case ROLE_REVOKED:
			return source->active_values == NIL ? BOOLOID : TEXTOID;
		case ROLE_ID:
		case ROLE_USER:
		case ROLE_TENANT:
		case ROLE_SCOPE:
		case ROLE_COUNT:
			break;
	}
	return TEXTOID;
}

/* A cast from a type that is not of pg_catalog can be anybody's function. */
static bool
is_builtin_type(Oid relation, const char *column)
{
	Oid			type = get_atttype(relation, get_attnum(relation, column));
	HeapTuple	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
	bool		is_builtin = false;

	if (HeapTupleIsValid(tuple))
	{
		is_builtin = ((Form_pg_type) GETSTRUCT(tuple))->typnamespace ==
			PG_CATALOG_NAMESPACE;
		ReleaseSysCache(tuple);
	}
	return is_builtin;
}

static char *
qualified_type(Oid type)
{
	return format_type_extended(type, -1, FORMAT_TYPE_FORCE_QUALIFY);
}

static char *
change_column_type(Oid relation, const char *name, Oid type, const char *value)
{
	char	   *sql = psprintf("ALTER TABLE %s ALTER COLUMN %s TYPE %s USING %s;",
							   quoted_relation(relation),
							   quote_identifier(name), qualified_type(type),
							   value);

	if (is_builtin_type(relation, name))
		return sql;
	return sql_with_comment(sql, "as the table's owner: casts of the column's type can run code of whoever owns the type");
}

/*
 * What the values mean that a token is judged by only the user knows: whether
 * 0 is "revoked" or "never", and in which time zone a day begins.
 */
static char *
change_role_type(const Source *source, SourceRole role)
{
	const char *name = source->column[role].name;
	Oid			type = wanted_type(source, role);

	return change_column_type(source->relation, name, type,
							  psprintf("<an expression of type %s that means what %s does>",
									   format_type_be(type),
									   quote_identifier(name)));
}

static char *
cast_column(Oid relation, const char *name, Oid type)
{
	return change_column_type(relation, name, type,
							  psprintf("%s::%s", quote_identifier(name),
									   qualified_type(type)));
}

/*
 * Between a parent's key and the column that refers to it, the key is right.
 */
char *
remedy_change_type(const Source *source)
{
	const char *name = source->problem_column;

	if (source->problem == PROBLEM_COLUMN_TYPE)
		for (int i = 0; i < source->nparents; i++)
			if (source->parent[i].relation == source->problem_relation)
				return cast_column(source_referring_table(source,
														  &source->parent[i]),
								   source->parent[i].from.name,
								   source->parent[i].key.type);
	for (SourceRole role = 0; role < ROLE_COUNT; role++)
		if (source->problem_relation == source->relation &&
			source_role_is(source, role, name))
			return change_role_type(source, role);
	return cast_column(source->problem_relation, name, TEXTOID);
}
