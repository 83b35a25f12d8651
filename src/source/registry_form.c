/*-------------------------------------------------------------------------
 *
 * registry_form.c
 *		The columns of the registry of sources; see registry_form.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "base/compat.h"
#include "catalog/pg_type.h"
#include "source/registry.h"
#include "source/registry_form.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/typcache.h"

const RegistryColumn registry_source_columns[REG_COUNT] = {
	[REG_SOURCE] = {"source", NAMEOID, true},
	[REG_RELATION] = {"relation", TYPE_RELATION, true},
	[REG_RELATION_NAME] = {"relation_name", TEXTOID, true},
	[REG_RELATION_OWNER] = {"relation_owner", OIDOID, true},
	[REG_PREFIX] = {"prefix", TEXTOID},
	[REG_STORED_AS] = {"stored_as", TEXTOID, true},
	[REG_TOKEN_ENCODING] = {"token_encoding", TEXTOID, true},
	[REG_ACTIVE_VALUES] = {"active_values", TEXTARRAYOID},
	[REG_ON_REVOKE] = {"on_revoke", TEXTOID},
	[REG_LIVE_WHEN] = {"live_when", TEXTOID},
	[REG_CLAIMS] = {"claims", NAMEARRAYOID},
	[REG_MAPPING] = {"mapping", JSONBOID},
	[REG_TIMEZONE] = {"timezone", TEXTOID, true},
	[REG_CHECKSUM] = {"checksum", BOOLOID, true},
	[REG_SLIDING_TTL] = {"sliding_ttl", INTERVALOID},
	[REG_SLIDING_THRESHOLD] = {"sliding_threshold", INTERVALOID},
	[REG_MAX_LIFETIME] = {"max_lifetime", INTERVALOID},
	[REG_PARENTS] = {"parents", TYPE_PARENTS, true},
	[REG_PARENT_MAPPINGS] = {"parent_mappings", JSONBARRAYOID, .optional = true},
	[REG_FIRST_ROLE + ROLE_TOKEN] = {"token_column", NAMEOID, true},
	[REG_FIRST_ROLE + ROLE_ID] = {"id_column", NAMEOID},
	[REG_FIRST_ROLE + ROLE_USER] = {"user_column", NAMEOID},
	[REG_FIRST_ROLE + ROLE_TENANT] = {"tenant_column", NAMEOID},
	[REG_FIRST_ROLE + ROLE_SCOPE] = {"scope_column", NAMEOID},
	[REG_FIRST_ROLE + ROLE_EXPIRES] = {"expires_column", NAMEOID},
	[REG_FIRST_ROLE + ROLE_REVOKED] = {"revoked_column", NAMEOID},
	[REG_FIRST_ROLE + ROLE_USED] = {"used_column", NAMEOID},
	[REG_FIRST_ROLE + ROLE_LAST_USED] = {"last_used_column", NAMEOID},
	[REG_FIRST_ROLE + ROLE_CREATED] = {"created_column", NAMEOID},
};

const RegistryColumn registry_parent_columns[PAR_COUNT] = {
	[PAR_RELATION] = {"parent", TYPE_RELATION, true},
	[PAR_NAME] = {"parent_name", TEXTOID, true},
	[PAR_OWNER] = {"parent_owner", OIDOID, true},
	[PAR_SOURCE_COLUMN] = {"source_column", NAMEOID, true},
	[PAR_PARENT_COLUMN] = {"parent_column", NAMEOID, true},
	[PAR_LIVE_WHEN] = {"live_when", TEXTOID},
};

void
registry_refuse_form(const char *fault)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("table \"%s\" does not have the form that this version of tokenauth expects",
					"tokenauth_source"),
			 errdetail_internal("%s", fault),
			 errhint("Use ALTER EXTENSION tokenauth UPDATE, or restart the server if its library is the older one.")));
}

static Oid
type_of_column(const ExtensionInfo *extension, const RegistryColumn *column)
{
	switch (column->type)
	{
		case TYPE_RELATION:
			return extension->relation_type;
		case TYPE_PARENTS:
			return get_array_type(extension->parent_type);
		default:
			return column->type;
	}
}

/* Which of the columns an attribute is; or -1. */
static int
find_column(const ExtensionInfo *extension, const ColumnMap *map,
			Form_pg_attribute attribute)
{
	for (int i = 0; i < map->ncolumns; i++)
		if (strcmp(map->columns[i].name, NameStr(attribute->attname)) == 0 &&
			type_of_column(extension, &map->columns[i]) == attribute->atttypid)
			return i;
	return -1;
}

/* Returns what is wrong, or NULL. */
static const char *
map_columns(const ExtensionInfo *extension, const RegistryColumn *columns,
			int ncolumns, TupleDesc desc, ColumnMap *map)
{
	memset(map, 0, sizeof(*map));
	map->columns = columns;
	map->ncolumns = ncolumns;
	map->desc = desc;
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);
		int			column;

		if (attribute->attisdropped)
			continue;
		column = find_column(extension, map, attribute);
		if (column < 0)
			return psprintf("Its column \"%s\" of type %s is unknown.",
							NameStr(attribute->attname),
							format_type_be(attribute->atttypid));
		map->attnum[column] = attribute->attnum;
	}
	for (int i = 0; i < ncolumns; i++)
		if (map->attnum[i] == InvalidAttrNumber && !columns[i].optional)
			return psprintf("It has no column \"%s\".", columns[i].name);
	return NULL;
}

void
registry_form_end(RegistryForm *form)
{
	ReleaseTupleDesc(form->parent.desc);
}

const char *
registry_form_begin(const ExtensionInfo *extension, Relation table, RegistryForm *form)
{
	const char *fault;
	TupleDesc	parent_desc;

	if (!OidIsValid(extension->relation_type))
		return "There is no type tokenauth_relation.";
	if (!OidIsValid(extension->parent_type))
		return "There is no type tokenauth_parent.";
	form->extension = extension;
	fault = map_columns(extension, registry_source_columns, REG_COUNT,
						RelationGetDescr(table), &form->source);
	if (fault != NULL)
		return fault;
	parent_desc = lookup_rowtype_tupdesc(extension->parent_type, -1);
	fault = map_columns(extension, registry_parent_columns, PAR_COUNT, parent_desc,
						&form->parent);
	if (fault != NULL)
		registry_form_end(form);
	return fault;
}

void
registry_form_require(const ExtensionInfo *extension, Relation table, RegistryForm *form)
{
	const char *fault = registry_form_begin(extension, table, form);

	if (fault != NULL)
		registry_refuse_form(fault);
}

Datum
registry_form_value(const ColumnMap *map, HeapTuple tuple, int column,
					bool *isnull)
{
	*isnull = true;
	if (map->attnum[column] == InvalidAttrNumber)
		return (Datum) 0;
	return heap_getattr(tuple, map->attnum[column], map->desc, isnull);
}
