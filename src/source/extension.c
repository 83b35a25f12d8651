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
#include "base/compat.h"
#include "base/sandbox.h"
#include "catalog/indexing.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "source/extension.h"
#include "source/registry_guard.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"

/* For its address: no other file calls it. */
extern TOKENAUTH_EXPORT Datum tokenauth_changed(PG_FUNCTION_ARGS);

static ExtensionInfo known;
static Watch known_watch;		/* in a context of its own */
static uint32 known_hash[3];	/* of its functions, in the syscache PROCOID */
static uint32 database_hash;	/* in the syscache DATABASEOID */

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

Oid
extension_function(const ExtensionInfo *extension, const char *name)
{
	return GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid,
						   CStringGetDatum(name),
						   PointerGetDatum(buildoidvector(NULL, 0)),
						   ObjectIdGetDatum(extension->schema));
}

bool
extension_is_ours(Oid function, PGFunction address)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	bool		is_c;
	FmgrInfo	info;

	if (!HeapTupleIsValid(tuple))
		return false;
	is_c = ((Form_pg_proc) GETSTRUCT(tuple))->prolang == ClanguageId;
	ReleaseSysCache(tuple);
	if (!is_c)
		return false;
	/* where settings or another role go with it, that is core's function */
	fmgr_info(function, &info);
	return info.fn_addr == address;
}

static Oid
find_type(const ExtensionInfo *extension, const char *name)
{
	return GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid,
						   CStringGetDatum(name),
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
	extension->relation_type = find_type(extension, "tokenauth_relation");
	extension->parent_type = find_type(extension, "tokenauth_parent");
	extension->guard_function = extension_function(extension,
												   "tokenauth_registry_guard");
	extension->changed_function = extension_function(extension,
												   "tokenauth_registry_changed");
	extension->guarded = guard_holds(extension, GUARDED_REGISTRY);
	extension->trigger_function = extension_function(extension,
												   "tokenauth_changed");
	extension->trigger_is_ours = extension_is_ours(extension->trigger_function,
												   tokenauth_changed);
	extension->hash_function = extension_function(extension,
												  "tokenauth_hash_row");
}

static void
watch_extension(const ExtensionInfo *extension, Watch *watch)
{
	watch_oid(watch, DATABASEOID, MyDatabaseId);
	if (!OidIsValid(extension->sources))
		return;
	watch_oid(watch, RELOID, extension->sources);
	watch_attributes(watch, extension->sources);
	registry_guard_watch(extension, watch);
	watch_type(watch, extension->relation_type);
	watch_type(watch, extension->parent_type);
	watch_function(watch, extension->guard_function);
	watch_function(watch, extension->changed_function);
	watch_function(watch, extension->trigger_function);
}

/* Make this the watch that is known. */
static void
remember_watch(const Watch *watch)
{
	MemoryContext old = known_watch.context;

	known_watch = *watch;
	MemoryContextSetParent(known_watch.context, CacheMemoryContext);
	if (old != NULL)
		MemoryContextDelete(old);
}

static uint32
hash_of_function(Oid function)
{
	return GetSysCacheHashValue1(PROCOID, ObjectIdGetDatum(function));
}

const ExtensionInfo *
extension_refresh(void)
{
	ExtensionInfo found;
	Watch		watch = {AllocSetContextCreate(CurrentMemoryContext,
											   "tokenauth extension",
											   ALLOCSET_SMALL_SIZES)};

	extension_find(&found);
	watch_extension(&found, &watch);
	known = found;
	remember_watch(&watch);
	known_hash[0] = hash_of_function(known.trigger_function);
	known_hash[1] = hash_of_function(known.guard_function);
	known_hash[2] = hash_of_function(known.changed_function);
	database_hash = GetSysCacheHashValue1(DATABASEOID,
										  ObjectIdGetDatum(MyDatabaseId));
	return &known;
}

uint64
extension_trace(void)
{
	return known_watch.trace;
}

/* One that is not there now may have been given its name back. */
static bool
hears_function(uint32 hash)
{
	if (hash == 0 || !OidIsValid(known.trigger_function) ||
		!OidIsValid(known.guard_function) ||
		!OidIsValid(known.changed_function))
		return true;
	for (int i = 0; i < (int) lengthof(known_hash); i++)
		if (hash == known_hash[i])
			return true;
	return false;
}

static bool
hears_type(uint32 hash)
{
	return !OidIsValid(known.relation_type) ||
		!OidIsValid(known.parent_type) ||
		watch_hears_syscache(&known_watch, TYPEOID, hash);
}

bool
extension_hears_syscache(int cacheid, uint32 hash)
{
	switch (cacheid)
	{
		case DATABASEOID:
			return hash == 0 || hash == database_hash;
		case PROCOID:
			return hears_function(hash);
		case TYPEOID:
			return hears_type(hash);
		default:
			return false;
	}
}

bool
extension_hears_relation(Oid relation)
{
	return !OidIsValid(relation) || relation == known.sources ||
		watch_hears_relation(&known_watch, relation);
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
