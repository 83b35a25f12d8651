/*-------------------------------------------------------------------------
 *
 * watch.c
 *		The rows of the catalogs that an answer depends on; see watch.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/indexing.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_cast.h"
#include "catalog/pg_enum.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "source/watch.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

/*
 * Types are made of types, as deep as their owner likes.  So many are watched; each one
 * costs look-ups whenever its source is read, by whoever does that.
 */
#define MAX_TYPES		256
#define MAX_ATTRIBUTES	2000	/* of composite types, in sum */
#define MAX_LABELS		2000	/* of enums, in sum */

static const char too_many[] =
"they are more than 256 types, or have more than 2000 columns, or labels, in all";

typedef struct WatchedType
{
	Oid			type;
	bool		as_json;
	bool		understood;
	uint32		hash;			/* as messages of the syscache name it */
} WatchedType;

void
watch_word(Watch *watch, uint64 word)
{
	watch->trace = hash_bytes_extended((unsigned char *) &word, sizeof(word),
									   watch->trace);
}

void
watch_row(Watch *watch, HeapTuple row)
{
	watch_word(watch, HeapTupleHeaderGetRawXmin(row->t_data));
}

void
watch_oid(Watch *watch, int cacheid, Oid oid)
{
	HeapTuple	tuple = SearchSysCache1(cacheid, ObjectIdGetDatum(oid));

	watch_word(watch, oid);
	if (!HeapTupleIsValid(tuple))
		return;
	watch_row(watch, tuple);
	ReleaseSysCache(tuple);
}

void
watch_function(Watch *watch, Oid function)
{
	watch->by_name = true;
	watch_oid(watch, PROCOID, function);
}

void
watch_collation(Watch *watch, Oid collation)
{
	watch->by_name = true;
	watch_oid(watch, COLLOID, collation);
}

static bool
give_up(Watch *watch)
{
	watch->excess = too_many;
	return false;
}

/*
 * A renamed label has another row.  They are not read through the syscache, which would
 * read, and keep, all that there are.
 */
static bool
watch_labels(Watch *watch, Oid type)
{
	Relation	catalog = table_open(EnumRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_enum_enumtypid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(type));
	scan = systable_beginscan(catalog, EnumTypIdLabelIndexId, true, NULL, 1,
							  &key);
	while (watch->nlabels <= MAX_LABELS &&
		   HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		watch_row(watch, tuple);
		watch->nlabels++;
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return watch->nlabels <= MAX_LABELS || give_up(watch);
}

/* Where the lists are kept. */
static MemoryContext
enter_context(const Watch *watch)
{
	return MemoryContextSwitchTo(watch->context ? watch->context :
								 CurrentMemoryContext);
}

static bool watch_any_type(Watch *watch, Oid type, bool as_json);

static HeapTuple
attribute_row(Oid relation, int attnum)
{
	return SearchSysCache2(ATTNUM, ObjectIdGetDatum(relation),
						   Int16GetDatum(attnum));
}

void
watch_attributes(Watch *watch, Oid relation)
{
	MemoryContext old = enter_context(watch);
	HeapTuple	tuple;

	watch->relations = list_append_unique_oid(watch->relations, relation);
	MemoryContextSwitchTo(old);
	for (int attnum = 1;
		 HeapTupleIsValid(tuple = attribute_row(relation, attnum)); attnum++)
	{
		watch_row(watch, tuple);
		ReleaseSysCache(tuple);
		CHECK_FOR_INTERRUPTS();
	}
}

/* A composite type, by its relation. */
static bool
watch_composite(Watch *watch, Oid relation, bool as_json)
{
	bool		understood = true;
	HeapTuple	tuple;

	if (watch->nattributes > MAX_ATTRIBUTES)
		return give_up(watch);
	watch_attributes(watch, relation);
	for (int attnum = 1;
		 HeapTupleIsValid(tuple = attribute_row(relation, attnum)); attnum++)
	{
		Form_pg_attribute attribute = (Form_pg_attribute) GETSTRUCT(tuple);

		if (++watch->nattributes > MAX_ATTRIBUTES)
			understood = give_up(watch);
		else if (!attribute->attisdropped)
			understood &= watch_any_type(watch, attribute->atttypid, as_json);
		ReleaseSysCache(tuple);
	}
	return understood;
}

/* Is it written by settings alone?  Those are fixed where that is done. */
static bool
depends_on_settings(Oid type)
{
	switch (type)
	{
		case DATEOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
		case INTERVALOID:
			return true;
		default:
			return false;
	}
}

/* What to_jsonb() goes by, if it is there; not where the type is built in. */
static bool
watch_json_cast(Watch *watch, Oid type)
{
	HeapTuple	tuple;
	Oid			function;

	if (type < FirstNormalObjectId)
		return true;
	watch->by_name = true;
	tuple = SearchSysCache2(CASTSOURCETARGET, ObjectIdGetDatum(type),
							ObjectIdGetDatum(JSONOID));
	if (!HeapTupleIsValid(tuple))
		return true;
	watch_row(watch, tuple);
	function = ((Form_pg_cast) GETSTRUCT(tuple))->castfunc;
	ReleaseSysCache(tuple);
	if (!OidIsValid(function))
		return true;
	watch_function(watch, function);
	return func_volatile(function) == PROVOLATILE_IMMUTABLE;
}

/* One that is not made of others. */
static bool
watch_base_type(Watch *watch, Oid type, Oid output)
{
	if (type >= FirstNormalObjectId)
		watch_function(watch, output);
	return func_volatile(output) == PROVOLATILE_IMMUTABLE ||
		depends_on_settings(type);
}

static bool
watch_parts(Watch *watch, Oid type, Form_pg_type form, bool as_json)
{
	switch (form->typtype)
	{
		case TYPTYPE_BASE:
			if (IsTrueArrayType(form))
				return watch_any_type(watch, form->typelem, as_json);
			return watch_base_type(watch, type, form->typoutput) &&
				(!as_json || watch_json_cast(watch, type));
		case TYPTYPE_ENUM:
			return watch_labels(watch, type) &&
				(!as_json || watch_json_cast(watch, type));
		case TYPTYPE_DOMAIN:
			return watch_any_type(watch, form->typbasetype, as_json);
		case TYPTYPE_COMPOSITE:
			return watch_composite(watch, form->typrelid, as_json);
		case TYPTYPE_RANGE:
			return watch_any_type(watch, get_range_subtype(type), false) &&
				(!as_json || watch_json_cast(watch, type));
		case TYPTYPE_MULTIRANGE:
			return watch_any_type(watch, get_multirange_range(type), false) &&
				(!as_json || watch_json_cast(watch, type));
		default:
			return false;
	}
}

static bool
watch_any_type(Watch *watch, Oid type, bool as_json)
{
	WatchedType *watched;
	HeapTuple	tuple;
	MemoryContext old;
	ListCell   *lc;

	check_stack_depth();
	foreach(lc, watch->types)
	{
		watched = lfirst(lc);
		if (watched->type == type && watched->as_json == as_json)
			return watched->understood;
	}
	if (list_length(watch->types) >= MAX_TYPES)
		return give_up(watch);

	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
	if (!HeapTupleIsValid(tuple))
		return false;
	old = enter_context(watch);
	watched = palloc(sizeof(WatchedType));
	watched->type = type;
	watched->as_json = as_json;
	watched->hash = GetSysCacheHashValue1(TYPEOID, ObjectIdGetDatum(type));
	watched->understood = false;
	watch->types = lappend(watch->types, watched);
	MemoryContextSwitchTo(old);

	watch_word(watch, type);
	watch_row(watch, tuple);
	watched->understood = watch_parts(watch, type,
									  (Form_pg_type) GETSTRUCT(tuple),
									  as_json);
	ReleaseSysCache(tuple);
	return watched->understood;
}

bool
watch_type(Watch *watch, Oid type)
{
	return watch_any_type(watch, type, false);
}

bool
watch_type_as_json(Watch *watch, Oid type)
{
	return watch_any_type(watch, type, true);
}

/*
 * Types are made all the time, with temporary tables; so these are told apart.
 * Anything else changes rarely.
 */
bool
watch_hears_syscache(const Watch *watch, int cacheid, uint32 hashvalue)
{
	ListCell   *lc;

	if (cacheid != TYPEOID)
		return watch->by_name || (cacheid == ENUMOID && watch->types != NIL);
	foreach(lc, watch->types)
		if (hashvalue == 0 || ((WatchedType *) lfirst(lc))->hash == hashvalue)
			return true;
	return false;
}

bool
watch_hears_relation(const Watch *watch, Oid relation)
{
	return list_member_oid(watch->relations, relation);
}
