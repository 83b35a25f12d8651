/*-------------------------------------------------------------------------
 *
 * remedy.c
 *		SQL that cures; see remedy.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "base/compat.h"
#include "catalog/indexing.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "source/expression.h"
#include "source/extension.h"
#include "source/mapping.h"
#include "source/remedy.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/varlena.h"

/* Whatever they are called later, mapping.c knows them by their function. */
#define ROW_TRIGGER			"tokenauth_row"
#define TRUNCATE_TRIGGER	"tokenauth_truncate"

#define AND_RESTART			" -- then restart the server"

char *
remedy_relation(Oid relation)
{
	return quote_qualified_identifier(get_namespace_name(get_rel_namespace(relation)),
									  get_rel_name(relation));
}

char *
remedy_our_name(const char *name)
{
	ExtensionInfo extension;

	extension_find(&extension);
	return quote_qualified_identifier(get_namespace_name(extension.schema),
									  name);
}

char *
remedy_create_triggers(Oid relation)
{
	char	   *table = remedy_relation(relation);
	char	   *function = remedy_our_name("tokenauth_changed");

	return psprintf("CREATE TRIGGER " ROW_TRIGGER
					" AFTER INSERT OR UPDATE OR DELETE ON %s"
					" FOR EACH ROW EXECUTE FUNCTION %s();"
					" CREATE TRIGGER " TRUNCATE_TRIGGER " AFTER TRUNCATE ON %s"
					" FOR EACH STATEMENT EXECUTE FUNCTION %s();"
					" ALTER TABLE %s ENABLE ALWAYS TRIGGER " ROW_TRIGGER
					", ENABLE ALWAYS TRIGGER " TRUNCATE_TRIGGER ";",
					table, function, table, function, table);
}

/*
 * For each trigger of a table that calls us, a text with its name in it,
 * whatever that is.
 */
static char *
for_our_triggers(Oid relation, const char *before, const char *after)
{
	Relation	table = relation_open(relation, AccessShareLock);
	TriggerDesc *triggers = table->trigdesc;
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
		if (triggers->triggers[i].tgfoid == source_trigger_function())
			appendStringInfo(&text, "%s%s%s", before,
							 quote_identifier(triggers->triggers[i].tgname),
							 after);
	relation_close(table, AccessShareLock);
	return text.data;
}

/* Some may be there, incomplete or deferred: begin anew. */
static char *
renew_triggers(Oid relation)
{
	return psprintf("BEGIN;%s %s COMMIT;",
					for_our_triggers(relation, " DROP TRIGGER ",
									 psprintf(" ON %s;",
											  remedy_relation(relation))),
					remedy_create_triggers(relation));
}

static char *
enable_triggers(Oid relation)
{
	char	   *actions = for_our_triggers(relation, " ENABLE ALWAYS TRIGGER ",
										   ",");

	actions[strlen(actions) - 1] = ';';
	return psprintf("ALTER TABLE %s%s", remedy_relation(relation), actions);
}

typedef enum IndexState
{
	INDEX_OTHER,				/* not for finding rows by this column */
	INDEX_INVALID,
	INDEX_UNIQUE
} IndexState;

static IndexState
index_state(Oid index, AttrNumber attnum)
{
	HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
	Form_pg_index form;
	IndexState	state = INDEX_OTHER;

	if (!HeapTupleIsValid(tuple))
		return state;
	form = (Form_pg_index) GETSTRUCT(tuple);
	if (form->indisunique && form->indnkeyatts == 1 &&
		form->indkey.values[0] == attnum &&
		heap_attisnull(tuple, Anum_pg_index_indpred, NULL))
		state = form->indisvalid ? INDEX_UNIQUE : INDEX_INVALID;
	ReleaseSysCache(tuple);
	return state;
}

/* A unique index on a column in that state, or InvalidOid. */
static Oid
find_index(Relation table, AttrNumber attnum, IndexState state)
{
	ListCell   *lc;

	foreach(lc, RelationGetIndexList(table))
		if (index_state(lfirst_oid(lc), attnum) == state)
			return lfirst_oid(lc);
	return InvalidOid;
}

static char *
make_index(Oid relation, const char *column)
{
	Relation	table = relation_open(relation, AccessShareLock);
	Oid			index = find_index(table, get_attnum(relation, column),
								   INDEX_INVALID);

	relation_close(table, AccessShareLock);
	if (OidIsValid(index))
		return psprintf("REINDEX INDEX CONCURRENTLY %s;",
						remedy_relation(index));
	return psprintf("CREATE UNIQUE INDEX CONCURRENTLY ON %s (%s);",
					remedy_relation(relation), quote_identifier(column));
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

/* Take a table out of whatever it inherits from or is inherited by. */
static char *
end_inheritance(Oid relation)
{
	StringInfoData text;
	ListCell   *lc;

	initStringInfo(&text);
	foreach(lc, inherited_by(relation))
		appendStringInfo(&text, get_rel_relispartition(relation) ?
						 "ALTER TABLE %2$s DETACH PARTITION %1$s;\n" :
						 "ALTER TABLE %1$s NO INHERIT %2$s;\n",
						 remedy_relation(relation),
						 remedy_relation(lfirst_oid(lc)));
	foreach(lc, find_inheritance_children(relation, NoLock))
		appendStringInfo(&text, "ALTER TABLE %s NO INHERIT %s;\n",
						 remedy_relation(lfirst_oid(lc)),
						 remedy_relation(relation));
	if (text.len > 0)
		text.data[text.len - 1] = '\0';
	return text.data;
}

/* A type that fits a role, of those that most values can be cast to. */
static Oid
wanted_type(const Source *source, SourceRole role)
{
	switch (role)
	{
		case ROLE_TOKEN:
			return source->stored_as == STORED_SHA256_BYTEA ? BYTEAOID : TEXTOID;
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

static char *
change_column_type(const Source *source, const char *name, Oid type)
{
	const char *column = quote_identifier(name);

	return psprintf("ALTER TABLE %s ALTER COLUMN %s TYPE %s USING %s::%s;",
					remedy_relation(source->relation), column,
					format_type_be(type), column, format_type_be(type));
}

/*
 * Between a parent's key and the column that refers to it, the key is right.
 */
static char *
change_type(const Source *source)
{
	for (int i = 0; i < source->nparents; i++)
		if (source->parent[i].relation == source->problem_relation)
			return change_column_type(source, source->parent[i].from.name,
									  source->parent[i].key.type);
	for (SourceRole role = 0; role < ROLE_COUNT; role++)
		if (source->column[role].name != NULL &&
			strcmp(source->column[role].name, source->problem_column) == 0)
			return change_column_type(source, source->problem_column,
									  wanted_type(source, role));
	return remedy_attach_again(source);
}

char *
remedy_problem(const Source *source)
{
	Oid			relation = source->problem_relation;

	switch (source->problem)
	{
		case PROBLEM_NONE:
			break;
		case PROBLEM_NOT_PERMANENT:
			return psprintf("ALTER TABLE %s SET LOGGED;",
							remedy_relation(relation));
		case PROBLEM_NO_TRIGGER:
			return renew_triggers(relation);
		case PROBLEM_TRIGGER_NOT_ALWAYS:
			return enable_triggers(relation);
		case PROBLEM_NO_INDEX:
			return make_index(relation, source->problem_column);
		case PROBLEM_INHERITANCE:
			return end_inheritance(relation);
		case PROBLEM_COLUMN_TYPE:
			return change_type(source);
		case PROBLEM_STRANGE_TYPE:
		case PROBLEM_NO_CLAIM:
		case PROBLEM_NO_PARENT:
		case PROBLEM_NO_COLUMN:
		case PROBLEM_VIRTUAL_COLUMN:
		case PROBLEM_TIMEZONE:
		case PROBLEM_CONDITION:
			return remedy_attach_again(source);
		case PROBLEM_NOT_A_TABLE:
			return psprintf("SELECT %s(%s);",
							remedy_our_name("tokenauth_detach"),
							quote_literal_cstr(source->name));
	}
	pg_unreachable();
}

/* Is there such a column? */
static bool
is_there(Oid relation, const char *name)
{
	return get_attnum(relation, name) > 0;
}

/* Does the source use that column of its table for anything? */
static bool
is_in_use(const Source *source, const char *name)
{
	ListCell   *lc;

	for (int role = 0; role < ROLE_COUNT; role++)
		if (source->column[role].name != NULL &&
			strcmp(source->column[role].name, name) == 0)
			return true;
	for (int i = 0; i < source->nparents; i++)
		if (strcmp(source->parent[i].from.name, name) == 0)
			return true;
	foreach(lc, source->claims)
		if (strcmp(lfirst(lc), name) == 0)
			return true;
	return false;
}

/* Can that column be what the source's column in a role was? */
static bool
can_be(const Source *source, SourceRole role, Relation table,
	   Form_pg_attribute attribute)
{
	return !attribute->attisdropped &&
		!is_in_use(source, NameStr(attribute->attname)) &&
		mapping_type_fits(source, role, getBaseType(attribute->atttypid)) &&
		((role != ROLE_TOKEN && role != ROLE_ID) ||
		 OidIsValid(find_index(table, attribute->attnum, INDEX_UNIQUE)));
}

/*
 * The column in a role, as the table has it now.  If it is gone, the only one
 * that can have become of it; '' for none; if there are several, all of them,
 * so that it is refused until somebody has chosen.
 */
static char *
column_now(const Source *source, SourceRole role)
{
	Relation	table;
	StringInfoData names;

	if (source->column[role].name == NULL)
		return "";
	if (is_there(source->relation, source->column[role].name))
		return source->column[role].name;

	initStringInfo(&names);
	table = relation_open(source->relation, AccessShareLock);
	for (int i = 0; i < RelationGetDescr(table)->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(table), i);

		if (can_be(source, role, table, attribute))
			appendStringInfo(&names, "%s%s", names.len > 0 ? " or " : "",
							 NameStr(attribute->attname));
	}
	relation_close(table, AccessShareLock);
	return names.data;
}

static void
add_argument(StringInfo call, const char *name, const char *value)
{
	appendStringInfo(call, ", %s => %s", name, quote_literal_cstr(value));
}

static void
add_array(StringInfo call, const char *name, List *values)
{
	ListCell   *lc;

	if (values == NIL)
		return;
	appendStringInfo(call, ", %s => ARRAY[", name);
	foreach(lc, values)
		appendStringInfo(call, "%s%s", foreach_current_index(lc) > 0 ? ", " : "",
						 quote_literal_cstr(lfirst(lc)));
	appendStringInfoChar(call, ']');
}

static void
add_interval(StringInfo call, const char *name, Interval *value)
{
	if (value != NULL)
		add_argument(call, name,
					 DatumGetCString(DirectFunctionCall1(interval_out,
														 IntervalPGetDatum(value))));
}

/* A column that has a role may have another use as well. */
static char *
name_now(const Source *source, char *name)
{
	if (!is_there(source->relation, name))
		for (SourceRole role = 0; role < ROLE_COUNT; role++)
			if (source->column[role].name != NULL &&
				strcmp(source->column[role].name, name) == 0)
				return column_now(source, role);
	return name;
}

static List *
claims_now(const Source *source)
{
	List	   *claims = NIL;
	ListCell   *lc;

	foreach(lc, source->claims)
	{
		char	   *name = name_now(source, lfirst(lc));

		if (is_there(source->relation, name))
			claims = lappend(claims, name);
	}
	return claims;
}

/* What is told of a source beside its columns, where it is not the default. */
static void
add_options(StringInfo call, const Source *source)
{
	if (source->prefix != NULL)
		add_argument(call, "prefix", source->prefix);
	if (source->stored_as != STORED_SHA256_HEX)
		add_argument(call, "stored_as", source_storages[source->stored_as]);
	if (source->encoding != TOKEN_TEXT)
		add_argument(call, "token_encoding", source_encodings[source->encoding]);
	add_array(call, "active_values", source->active_values);
	if (source->live_when != NULL)
		add_argument(call, "live_when", source->live_when);
	add_array(call, "claims", claims_now(source));
	if (strcmp(source->timezone, "UTC") != 0)
		add_argument(call, "timezone", source->timezone);
	if (source->checksum)
		appendStringInfoString(call, ", checksum => true");
	add_interval(call, "sliding_ttl", source->sliding_ttl);
	add_interval(call, "sliding_threshold", source->sliding_threshold);
	add_interval(call, "max_lifetime", source->max_lifetime);
}

static void
add_parent(StringInfo sql, const Source *source, const SourceParent *parent)
{
	if (get_rel_relkind(parent->relation) == '\0')
		return;
	appendStringInfo(sql, " SELECT %s(%s, %s",
					 remedy_our_name("tokenauth_attach_parent"),
					 quote_literal_cstr(source->name),
					 quote_literal_cstr(remedy_relation(parent->relation)));
	add_argument(sql, "source_column", name_now(source, parent->from.name));
	add_argument(sql, "parent_column", parent->key.name);
	if (parent->live_when != NULL)
		add_argument(sql, "live_when", parent->live_when);
	appendStringInfoString(sql, ");");
}

char *
remedy_attach_again(const Source *source)
{
	StringInfoData sql;
	char	   *name = quote_literal_cstr(source->name);

	initStringInfo(&sql);
	appendStringInfo(&sql, "BEGIN; SELECT %s(%s); SELECT %s(%s, source => %s",
					 remedy_our_name("tokenauth_detach"), name,
					 remedy_our_name("tokenauth_attach"),
					 quote_literal_cstr(remedy_relation(source->relation)),
					 name);
	for (SourceRole role = 0; role < ROLE_COUNT; role++)
		add_argument(&sql, role_argument(role), column_now(source, role));
	add_options(&sql, source);
	appendStringInfoString(&sql, ");");
	for (int i = 0; i < source->nparents; i++)
		add_parent(&sql, source, &source->parent[i]);
	appendStringInfoString(&sql, " COMMIT;");
	return sql.data;
}

/* All columns of the source's table but that of the token; "" if none. */
static char *
other_columns(const Source *source)
{
	Relation	table = relation_open(source->relation, AccessShareLock);
	StringInfoData names;

	initStringInfo(&names);
	for (int i = 0; i < RelationGetDescr(table)->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(table), i);

		if (!attribute->attisdropped &&
			attribute->attnum != source->column[ROLE_TOKEN].attnum)
			appendStringInfo(&names, "%s%s", names.len > 0 ? ", " : "",
							 quote_identifier(NameStr(attribute->attname)));
	}
	relation_close(table, AccessShareLock);
	return names.data;
}

/* A role keeps what else it could read; everybody does not. */
char *
remedy_hide_token(const Source *source, const char *role, bool whole_table)
{
	char	   *table = remedy_relation(source->relation);
	const char *grantee = role ? quote_identifier(role) : "PUBLIC";
	char	   *others;

	if (!whole_table)
		return psprintf("REVOKE SELECT (%s) ON %s FROM %s CASCADE;",
						quote_identifier(source->column[ROLE_TOKEN].name),
						table, grantee);
	others = other_columns(source);
	if (role == NULL || others[0] == '\0')
		return psprintf("REVOKE SELECT ON %s FROM %s CASCADE;", table, grantee);
	return psprintf("BEGIN; REVOKE SELECT ON %s FROM %s CASCADE;"
					" GRANT SELECT (%s) ON %s TO %s; COMMIT;",
					table, grantee, others, table, grantee);
}

char *
remedy_preload(void)
{
	List	   *libraries = NIL;
	StringInfoData sql;
	ListCell   *lc;

	initStringInfo(&sql);
	appendStringInfoString(&sql, "ALTER SYSTEM SET shared_preload_libraries = ");
	if (SplitDirectoriesString(pstrdup(shared_preload_libraries_string), ',',
							   &libraries))
		foreach(lc, libraries)
			appendStringInfo(&sql, "%s, ", quote_literal_cstr(lfirst(lc)));
	appendStringInfoString(&sql, "'tokenauth';" AND_RESTART);
	return sql.data;
}

char *
remedy_cache_size(int megabytes)
{
	return psprintf("ALTER SYSTEM SET tokenauth.cache_size = '%dMB';"
					AND_RESTART, megabytes);
}
