/*-------------------------------------------------------------------------
 *
 * extension.c
 *		Where this database's tokenauth is; see extension.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "base/sandbox.h"
#include "catalog/indexing.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_proc.h"
#include "source/extension.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

static ExtensionInfo known;

static bool
find_schema(ExtensionInfo *extension)
{
	Relation	catalog = table_open(ExtensionRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_extension_extname, BTEqualStrategyNumber,
				F_NAMEEQ, CStringGetDatum("tokenauth"));
	scan = systable_beginscan(catalog, ExtensionNameIndexId, true, NULL, 1,
							  &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		Form_pg_extension form = (Form_pg_extension) GETSTRUCT(tuple);

		extension->owner = form->extowner;
		extension->schema = form->extnamespace;
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return OidIsValid(extension->schema);
}

/* A function of the extension's without arguments. */
static Oid
find_function(const ExtensionInfo *extension, const char *name)
{
	return GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid,
						   CStringGetDatum(name),
						   PointerGetDatum(buildoidvector(NULL, 0)),
						   ObjectIdGetDatum(extension->schema));
}

void
extension_find(ExtensionInfo *extension)
{
	memset(extension, 0, sizeof(*extension));
	if (!find_schema(extension))
		return;
	extension->sources = get_relname_relid("tokenauth_source",
										   extension->schema);
	extension->parents = get_relname_relid("tokenauth_source_parent",
										   extension->schema);
	extension->trigger_function = find_function(extension,
												"tokenauth_changed");
	extension->hash_function = find_function(extension, "tokenauth_hash_row");
}

const ExtensionInfo *
extension_refresh(void)
{
	ExtensionInfo found;

	extension_find(&found);
	known = found;
	return &known;
}

const ExtensionInfo *
extension_known(void)
{
	return &known;
}

void
extension_require(ExtensionInfo *extension)
{
	extension_find(extension);
	if (!OidIsValid(extension->schema))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("extension \"%s\" does not exist", "tokenauth")));
}

QueryResult *
extension_execute(const ExtensionInfo *extension, const char *sql, int nargs,
				  Oid *types, Datum *values, const char *nulls)
{
	return sandbox_execute(extension->owner, sql, nargs, types, values, nulls);
}
