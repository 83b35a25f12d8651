/*-------------------------------------------------------------------------
 *
 * remedy_attach.c
 *		SQL that attaches a source's table again, as the table is now.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/relation.h"
#include "operate/remedy.h"
#include "operate/remedy_parts.h"
#include "source/mapping.h"
#include "source/names.h"
#include "source/own_call.h"
#include "source/registry.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

/*
 * Has the source's table such a column?  If it is not the table that will be
 * attached, it is not asked.
 */
static bool
has_column(const Source *source, const char *name)
{
	return !OidIsValid(source->relation) ||
		(source->problem == PROBLEM_SWAPPED &&
		 source->problem_relation == source->relation) ||
		get_attnum(source->relation, name) > 0;
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
		 remedy_has_unique_index(table, attribute->attnum));
}

/*
 * The column in a role, as the table has it now.  If it is gone, the only one
 * that can have become of it; '' for none; if there are several, all of them,
 * so that it is refused until the user has chosen.
 */
static char *
column_now(const Source *source, SourceRole role)
{
	Relation	table;
	StringInfoData names;

	if (source->column[role].name == NULL)
		return "";
	if (has_column(source, source->column[role].name))
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
set_interval(OwnCall *call, const char *name, Interval *value)
{
	if (value != NULL)
		own_call_set(call, name,
					 DatumGetCString(DirectFunctionCall1(interval_out,
														 IntervalPGetDatum(value))));
}

/* A column that has a role may have another use as well. */
static char *
name_now(const Source *source, char *name)
{
	if (!has_column(source, name))
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

		if (has_column(source, name))
			claims = lappend(claims, name);
	}
	return claims;
}

/* What is told of a source beside its columns. */
static void
set_options(OwnCall *call, const Source *source)
{
	List	   *claims = claims_now(source);

	own_call_set(call, "prefix", source->prefix);
	own_call_set(call, "stored_as", source_storages[source->stored_as]);
	own_call_set(call, "token_encoding", source_encodings[source->encoding]);
	if (source->active_values != NIL)
		own_call_set_array(call, "active_values", source->active_values);
	own_call_set(call, "on_revoke", source_on_revoke[source->on_revoke]);
	own_call_set(call, "live_when", source->live_when);
	if (claims != NIL)
		own_call_set_array(call, "claims", claims);
	own_call_set(call, "timezone", source->timezone);
	own_call_set(call, "checksum", source->checksum ? "true" : "false");
	set_interval(call, "sliding_ttl", source->sliding_ttl);
	set_interval(call, "sliding_threshold", source->sliding_threshold);
	set_interval(call, "max_lifetime", source->max_lifetime);
}

/*
 * A table, as the fix names it: by its name of now, unless it is gone or its
 * name is another's; then by the name that it had.
 */
static char *
table_now(const Source *source, Oid relation, char *name)
{
	if (get_rel_relkind(relation) == '\0' ||
		(source->problem == PROBLEM_SWAPPED &&
		 source->problem_relation == relation))
		return name;
	return quoted_relation(relation);
}

/* One that is gone, too: the fix fails then, for tokens depend on it. */
static char *
attach_parent(const Source *source, const SourceParent *parent)
{
	OwnCall    *call = own_call("tokenauth_attach_parent");

	own_call_set(call, "source", source->name);
	own_call_set(call, "parent",
				 table_now(source, parent->relation, parent->name));
	own_call_set(call, "source_column", name_now(source, parent->from.name));
	own_call_set(call, "parent_column", parent->key.name);
	own_call_set(call, "live_when", parent->live_when);
	return own_call_sql(call);
}

/*
 * The stored conditions leave types of pg_catalog unqualified, and are read by
 * this search_path whenever they are.
 */
char *
remedy_attach_again(const Source *source)
{
	OwnCall    *call = own_call("tokenauth_attach");
	StringInfoData sql;

	own_call_set(call, "relation",
				 table_now(source, source->relation, source->relation_name));
	own_call_set(call, "source", source->name);
	for (SourceRole role = 0; role < ROLE_COUNT; role++)
		own_call_set(call, role_argument(role), column_now(source, role));
	set_options(call, source);
	initStringInfo(&sql);
	appendStringInfo(&sql, "BEGIN; SET LOCAL search_path = pg_catalog, pg_temp;"
					 " %s %s", detach_sql(source->name),
					 own_call_sql(call));
	for (int i = 0; i < source->nparents; i++)
		appendStringInfo(&sql, " %s", attach_parent(source, &source->parent[i]));
	appendStringInfoString(&sql, " COMMIT;");
	return sql.data;
}
