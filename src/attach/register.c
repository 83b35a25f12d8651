/*-------------------------------------------------------------------------
 *
 * register.c
 *		Writing the registry of sources; see register.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "attach/register.h"
#include "base/query.h"
#include "base/stats.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "source/mapping_keys.h"
#include "source/names.h"
#include "source/parent_keys.h"
#include "source/registry.h"
#include "source/stored_as.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#define MAX_COLUMNS		32

/* A row, or some columns of one. */
typedef struct NewRow
{
	Oid			table;			/* InvalidOid: it has all the columns */
	int			n;
	Oid			type[MAX_COLUMNS];
	Datum		value[MAX_COLUMNS];
	char		isnull[MAX_COLUMNS];	/* 'n' if it is */
	StringInfoData columns;
	StringInfoData parameters;
} NewRow;

static void
begin_row(NewRow *row, Oid table)
{
	row->table = table;
	row->n = 0;
	initStringInfo(&row->columns);
	initStringInfo(&row->parameters);
}

/*
 * A registry of an older version may lack the column.  Then a null, which means
 * what that version did, need not be written, and nothing else can be.
 */
static bool
is_left_out(const NewRow *row, const char *column, bool isnull)
{
	if (!OidIsValid(row->table) ||
		get_attnum(row->table, column) != InvalidAttrNumber)
		return false;
	if (!isnull)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s\" has no column \"%s\" yet",
						"tokenauth_source", column),
				 errhint("Use ALTER EXTENSION tokenauth UPDATE.")));
	return true;
}

static void
add_value(NewRow *row, const char *column, Oid type, Datum value,
		  bool isnull)
{
	if (is_left_out(row, column, isnull))
		return;
	if (row->n == MAX_COLUMNS)
		elog(ERROR, "too many columns in a row of the registry");
	row->type[row->n] = type;
	row->value[row->n] = value;
	row->isnull[row->n] = isnull ? 'n' : ' ';
	row->n++;
	appendStringInfo(&row->columns, "%s%s", row->n > 1 ? ", " : "", column);
	appendStringInfo(&row->parameters, "%s$%d", row->n > 1 ? ", " : "", row->n);
}

static void
add_relation(NewRow *row, const char *column, Oid relation)
{
	add_value(row, column, REGCLASSOID, ObjectIdGetDatum(relation), false);
}

static void
add_name(NewRow *row, const char *column, const char *value)
{
	Datum		name = (Datum) 0;

	if (value != NULL)
		name = DirectFunctionCall1(namein, CStringGetDatum(value));
	add_value(row, column, NAMEOID, name, value == NULL);
}

static void
add_text(NewRow *row, const char *column, const char *value)
{
	add_value(row, column, TEXTOID,
			  value ? CStringGetTextDatum(value) : (Datum) 0, value == NULL);
}

static void
add_bool(NewRow *row, const char *column, bool value)
{
	add_value(row, column, BOOLOID, BoolGetDatum(value), false);
}

static void
add_oid(NewRow *row, const char *column, Oid value)
{
	add_value(row, column, OIDOID, ObjectIdGetDatum(value), false);
}

/* A list of strings as text[] or name[]; NIL is null. */
static void
add_list(NewRow *row, const char *column, Oid array_type, List *list)
{
	bool		is_name = array_type == NAMEARRAYOID;
	Datum	   *element = palloc(Max(list_length(list), 1) * sizeof(Datum));
	ArrayType  *array;
	ListCell   *lc;

	foreach(lc, list)
		element[foreach_current_index(lc)] = is_name ?
			DirectFunctionCall1(namein, CStringGetDatum(lfirst(lc))) :
			CStringGetTextDatum(lfirst(lc));
	array = construct_array(element, list_length(list),
							is_name ? NAMEOID : TEXTOID,
							is_name ? NAMEDATALEN : -1, false,
							is_name ? TYPALIGN_CHAR : TYPALIGN_INT);
	add_value(row, column, array_type, PointerGetDatum(array), list == NIL);
}

static void
add_interval(NewRow *row, const char *column, Interval *value)
{
	add_value(row, column, INTERVALOID, IntervalPGetDatum(value),
			  value == NULL);
}

static void
add_mapping(NewRow *row, Jsonb *mapping)
{
	add_value(row, "mapping", JSONBOID, JsonbPGetDatum(mapping),
			  mapping == NULL);
}

static void
execute(const ExtensionInfo *extension, const char *sql, NewRow *row)
{
	(void) extension_execute(extension, sql, row->n, row->type, row->value,
							 row->isnull);
}

void
register_source(const ExtensionInfo *extension, const Source *source)
{
	NewRow		row;

	begin_row(&row, extension->sources);
	add_name(&row, "source", source->name);
	add_relation(&row, "relation", source->relation);
	add_text(&row, "relation_name", source->relation_name);
	add_oid(&row, "relation_owner", source->owner);
	add_text(&row, "prefix", source->prefix);
	add_text(&row, "stored_as", stored_as_name(source->stored_as));
	add_text(&row, "token_encoding", source_encodings[source->encoding]);
	for (SourceRole role = 0; role < ROLE_COUNT; role++)
		add_name(&row, role_argument(role),
				 role == ROLE_REVOKED && source->flag_is_active ? NULL :
				 source->column[role].name);
	add_mapping(&row, mapping_keys_write(source));
	add_list(&row, "active_values", TEXTARRAYOID, source->active_values);
	add_text(&row, "on_revoke", source_on_revoke[source->on_revoke]);
	add_text(&row, "live_when", source->live_when);
	add_list(&row, "claims", NAMEARRAYOID, source->claims);
	add_text(&row, "timezone", source->timezone);
	add_bool(&row, "checksum", source->checksum);
	add_interval(&row, "sliding_ttl", source->sliding_ttl);
	add_interval(&row, "sliding_threshold", source->sliding_threshold);
	add_interval(&row, "max_lifetime", source->max_lifetime);
	execute(extension, psprintf("INSERT INTO %s (%s) VALUES (%s)",
								quoted_own("tokenauth_source"),
								row.columns.data, row.parameters.data),
			&row);
}

/* What all parents say, the new one last: one for each, or NULL if none says any. */
static ArrayType *
parent_mappings(const Source *source, const SourceParent *parent)
{
	int			n = source->nparents + 1;
	int			lower_bound = 1;
	Datum		element[SOURCE_MAX_PARENTS] = {0};
	bool		isnull[SOURCE_MAX_PARENTS];
	bool		any = false;

	for (int i = 0; i < n; i++)
	{
		Jsonb	   *mapping = parent_keys_write(i == n - 1 ? parent :
												&source->parent[i]);

		isnull[i] = mapping == NULL;
		element[i] = PointerGetDatum(mapping);
		any |= !isnull[i];
	}
	return !any ? NULL :
		construct_md_array(element, isnull, 1, &n, &lower_bound, JSONBOID, -1,
						   false, TYPALIGN_INT);
}

void
register_parent(const ExtensionInfo *extension, const Source *source,
				const SourceParent *parent)
{
	ArrayType  *mappings = parent_mappings(source, parent);
	NewRow		row;

	begin_row(&row, InvalidOid);
	add_relation(&row, "parent", parent->relation);
	add_text(&row, "parent_name", parent->name);
	add_oid(&row, "parent_owner", parent->owner);
	add_name(&row, "source_column", parent->from.name);
	add_name(&row, "parent_column", parent->key.name);
	add_text(&row, "live_when", parent->live_when);
	add_name(&row, "source", source->name);
	row.table = extension->sources;
	add_value(&row, "parent_mappings", JSONBARRAYOID, PointerGetDatum(mappings),
			  mappings == NULL);
	execute(extension,
			psprintf("UPDATE %s SET parents = pg_catalog.array_append(parents,"
					 " CAST(ROW($1, $2, $3, $4, $5, $6) AS %s))%s"
					 " WHERE source OPERATOR(pg_catalog.=) $7",
					 quoted_own("tokenauth_source"),
					 quoted_own("tokenauth_parent"),
					 row.n == 8 ? ", parent_mappings = $8" : ""),
			&row);
}

void
register_remove(const ExtensionInfo *extension, const Source *source)
{
	NewRow		row;

	begin_row(&row, InvalidOid);
	add_name(&row, "source", source->name);
	execute(extension,
			psprintf("DELETE FROM %s WHERE source OPERATOR(pg_catalog.=) $1",
					 quoted_own("tokenauth_source")),
			&row);
}

void
register_remove_dropped(const ExtensionInfo *extension)
{
	QueryResult *dropped =
		extension_execute(extension,
						  psprintf("DELETE FROM %s s WHERE relation"
								   " OPERATOR(pg_catalog.<>) 0::pg_catalog.oid"
								   " AND NOT EXISTS"
								   " (SELECT FROM pg_catalog.pg_class c WHERE c.oid"
								   " OPERATOR(pg_catalog.=) s.relation)"
								   " RETURNING relation::pg_catalog.oid, source",
								   quoted_own("tokenauth_source")),
						  0, NULL, NULL, NULL);

	for (uint64 i = 0; i < dropped->nrows; i++)
	{
		bool		isnull;

		stats_forget(source_id(DatumGetObjectId(query_value(dropped, i, 1, &isnull)),
							   query_text(dropped, i, 2)));
	}
}
