/*-------------------------------------------------------------------------
 *
 * source.c
 *		The token tables of this database as this backend knows them; see
 *		source.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "source/extension.h"
#include "source/mapping.h"
#include "source/source.h"
#include "storage/lmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

/* Columns of the registry, in the order of tokenauth--1.0.sql. */
enum
{
	REG_RELATION = 1,
	REG_SOURCE,
	REG_PREFIX,
	REG_STORED_AS,
	REG_TOKEN_ENCODING,
	REG_FIRST_ROLE,				/* the columns of the roles, in their order */
	REG_ACTIVE_VALUES = REG_FIRST_ROLE + ROLE_COUNT,
	REG_LIVE_WHEN,
	REG_CLAIMS,
	REG_TIMEZONE,
	REG_CHECKSUM,
	REG_SLIDING_TTL,
	REG_SLIDING_THRESHOLD,
	REG_MAX_LIFETIME,
	REG_NATTS = REG_MAX_LIFETIME
};

/* The same of the registry's second table, a row for each parent. */
enum
{
	PAR_RELATION = 1,			/* of the source */
	PAR_PARENT,
	PAR_SOURCE_COLUMN,
	PAR_PARENT_COLUMN,
	PAR_LIVE_WHEN,
	PAR_NATTS = PAR_LIVE_WHEN
};

/*
 * The registry in memory.  Sources with a prefix are found through an open
 * hash table of prefixes, asked once for each length that a prefix has; so
 * the cost depends on how many lengths are in use, not on how many sources.
 * Most often it is the same source again, so that one is tried first.
 */
typedef struct Registry
{
	MemoryContext context;
	List	   *sources;		/* Source * */
	List	   *dropped;		/* tables of sources that are not in there */
	int			nlengths;
	int		   *length;			/* distinct prefix lengths, longest first */
	int			nbuckets;		/* a power of two */
	Source	  **bucket;			/* by prefix, linear probing */
	Source	   *recent;			/* the last found; NULL: look it up */
	Source	   *unprefixed;		/* the first source without a prefix */
	int			nunprefixed;
	struct Registry *next_retired;
} Registry;

static SourceState registry_state = SOURCE_STALE;
static ExtensionInfo extension;
static Registry *registry = NULL;
static Registry *retired = NULL;

static char *
text_or_null(Datum value, bool isnull)
{
	return isnull ? NULL : TextDatumGetCString(value);
}

const char *const source_storages[] = {
	[STORED_SHA256_HEX] = "sha256-hex",
	[STORED_SHA256_BYTEA] = "sha256-bytea",
	[STORED_PLAINTEXT] = "plaintext",
	NULL
};

const char *const source_encodings[] = {
	[TOKEN_TEXT] = "text",
	[TOKEN_BASE64URL] = "base64url",
	[TOKEN_HEX] = "hex",
	NULL
};

/* Which of the choices it is; a CHECK keeps other texts out. */
static int
parse_choice(const char *const *choices, const char *text)
{
	for (int i = 0; choices[i] != NULL; i++)
		if (strcmp(choices[i], text) == 0)
			return i;
	return 0;
}

static char *
name_or_null(Datum value, bool isnull)
{
	return isnull ? NULL : pstrdup(NameStr(*DatumGetName(value)));
}

List *
source_parse_array(Datum value, bool isnull, Oid type)
{
	List	   *list = NIL;
	Datum	   *elements;
	bool	   *nulls;
	int			n;

	if (isnull)
		return NIL;
	if (type == TEXTOID)
		deconstruct_array(DatumGetArrayTypeP(value), TEXTOID, -1, false,
						  TYPALIGN_INT, &elements, &nulls, &n);
	else
		deconstruct_array(DatumGetArrayTypeP(value), NAMEOID, NAMEDATALEN,
						  false, TYPALIGN_CHAR, &elements, &nulls, &n);
	for (int i = 0; i < n; i++)
		if (!nulls[i])
			list = lappend(list, type == TEXTOID ?
						   TextDatumGetCString(elements[i]) :
						   pstrdup(NameStr(*DatumGetName(elements[i]))));
	return list;
}

static Interval *
interval_or_null(Datum value, bool isnull)
{
	Interval   *copy;

	if (isnull)
		return NULL;
	copy = palloc(sizeof(Interval));
	*copy = *DatumGetIntervalP(value);
	return copy;
}

/* A Source from a registry row, in the current memory context. */
static Source *
make_source(HeapTuple tuple, TupleDesc desc)
{
	Source	   *source = palloc0(sizeof(Source));
	Datum		value[REG_NATTS];
	bool		isnull[REG_NATTS];

	heap_deform_tuple(tuple, desc, value, isnull);
	source->relation = DatumGetObjectId(value[REG_RELATION - 1]);
	source->name = pstrdup(NameStr(*DatumGetName(value[REG_SOURCE - 1])));
	source->prefix = text_or_null(value[REG_PREFIX - 1],
								  isnull[REG_PREFIX - 1]);
	source->prefix_len = source->prefix ? strlen(source->prefix) : 0;
	source->stored_as =
		parse_choice(source_storages,
					 TextDatumGetCString(value[REG_STORED_AS - 1]));
	source->encoding =
		parse_choice(source_encodings,
					 TextDatumGetCString(value[REG_TOKEN_ENCODING - 1]));
	for (int role = 0; role < ROLE_COUNT; role++)
		source->column[role].name =
			name_or_null(value[REG_FIRST_ROLE + role - 1],
						 isnull[REG_FIRST_ROLE + role - 1]);
	source->active_values = source_parse_array(value[REG_ACTIVE_VALUES - 1],
										isnull[REG_ACTIVE_VALUES - 1],
										TEXTOID);
	source->live_when = text_or_null(value[REG_LIVE_WHEN - 1],
									 isnull[REG_LIVE_WHEN - 1]);
	source->claims = source_parse_array(value[REG_CLAIMS - 1],
								 isnull[REG_CLAIMS - 1], NAMEOID);
	source->timezone = TextDatumGetCString(value[REG_TIMEZONE - 1]);
	source->checksum = DatumGetBool(value[REG_CHECKSUM - 1]);
	source->sliding_ttl = interval_or_null(value[REG_SLIDING_TTL - 1],
										   isnull[REG_SLIDING_TTL - 1]);
	source->sliding_threshold =
		interval_or_null(value[REG_SLIDING_THRESHOLD - 1],
						 isnull[REG_SLIDING_THRESHOLD - 1]);
	source->max_lifetime = interval_or_null(value[REG_MAX_LIFETIME - 1],
											isnull[REG_MAX_LIFETIME - 1]);
	source->registry_xmin = HeapTupleHeaderGetRawXmin(tuple->t_data);

	source->state = SOURCE_STALE;
	source->facts = AllocSetContextCreate(CurrentMemoryContext,
										  "tokenauth source",
										  ALLOCSET_SMALL_SIZES);
	source->gate = cache_gate(MyDatabaseId, source->relation);
	source->stats_slot = stats_slot(source->relation);
	source->counts = stats_mine(source->stats_slot);
	return source;
}

static void
add_parent(Registry *reg, HeapTuple tuple, TupleDesc desc)
{
	Datum		value[PAR_NATTS];
	bool		isnull[PAR_NATTS];
	ListCell   *lc;

	heap_deform_tuple(tuple, desc, value, isnull);
	foreach(lc, reg->sources)
	{
		Source	   *source = lfirst(lc);
		SourceParent *parent;

		if (source->relation != DatumGetObjectId(value[PAR_RELATION - 1]) ||
			source->nparents == SOURCE_MAX_PARENTS)
			continue;
		parent = &source->parent[source->nparents++];
		parent->relation = DatumGetObjectId(value[PAR_PARENT - 1]);
		parent->from.name = name_or_null(value[PAR_SOURCE_COLUMN - 1], false);
		parent->key.name = name_or_null(value[PAR_PARENT_COLUMN - 1], false);
		parent->live_when = text_or_null(value[PAR_LIVE_WHEN - 1],
										 isnull[PAR_LIVE_WHEN - 1]);
		parent->registry_xmin = HeapTupleHeaderGetRawXmin(tuple->t_data);
	}
}

static void
add_source(Registry *reg, HeapTuple tuple, TupleDesc desc)
{
	Source	   *source = make_source(tuple, desc);

	if (get_rel_relkind(source->relation) != '\0')
		reg->sources = lappend(reg->sources, source);
	else
		reg->dropped = lappend_oid(reg->dropped, source->relation);
}

static uint32
prefix_hash(const char *prefix, int len)
{
	return hash_bytes((const unsigned char *) prefix, len);
}

static void
add_length(Registry *reg, int length)
{
	int			i = 0;

	while (i < reg->nlengths && reg->length[i] > length)
		i++;
	if (i < reg->nlengths && reg->length[i] == length)
		return;
	memmove(&reg->length[i + 1], &reg->length[i],
			(reg->nlengths - i) * sizeof(int));
	reg->length[i] = length;
	reg->nlengths++;
}

static void
add_route(Registry *reg, Source *source)
{
	uint32		i;

	if (source->prefix == NULL)
	{
		if (reg->nunprefixed++ == 0)
			reg->unprefixed = source;
		return;
	}
	add_length(reg, source->prefix_len);
	i = prefix_hash(source->prefix, source->prefix_len);
	while (reg->bucket[i & (reg->nbuckets - 1)] != NULL)
		i++;
	reg->bucket[i & (reg->nbuckets - 1)] = source;
}

static Source *
find_prefix(const Registry *reg, const char *token, int len)
{
	uint32		i = prefix_hash(token, len);
	Source	   *source;

	while ((source = reg->bucket[i & (reg->nbuckets - 1)]) != NULL)
	{
		if (source->prefix_len == len &&
			memcmp(source->prefix, token, len) == 0)
			return source;
		i++;
	}
	return NULL;
}

/* Mark the sources whose prefixes this one's begins with. */
static void
mark_extended(const Registry *reg, const Source *source)
{
	for (int i = 0; i < reg->nlengths; i++)
		if (reg->length[i] < source->prefix_len)
		{
			Source	   *shorter = find_prefix(reg, source->prefix,
											  reg->length[i]);

			if (shorter != NULL)
				shorter->prefix_extended = true;
		}
}

static void
build_routes(Registry *reg)
{
	int			nsources = list_length(reg->sources);
	ListCell   *lc;

	reg->nbuckets = 1;
	while (reg->nbuckets < 2 * nsources + 1)
		reg->nbuckets *= 2;
	reg->bucket = palloc0(reg->nbuckets * sizeof(Source *));
	reg->length = palloc0((nsources + 1) * sizeof(int));
	foreach(lc, reg->sources)
		add_route(reg, lfirst(lc));
	foreach(lc, reg->sources)
		mark_extended(reg, lfirst(lc));
}

/*
 * Read one of the registry's tables.  The scan uses a catalog snapshot, which
 * for a table that is no catalog is always a fresh one, in every isolation
 * level.
 */
static void
read_rows(Registry *reg, Oid relation, int natts,
		  void (*add) (Registry *reg, HeapTuple tuple, TupleDesc desc))
{
	Relation	table = table_open(relation, AccessShareLock);
	SysScanDesc scan = systable_beginscan(table, InvalidOid, false, NULL, 0,
										  NULL);
	HeapTuple	tuple;

	if (RelationGetDescr(table)->natts != natts)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s\" does not have the form that this version of tokenauth expects",
						RelationGetRelationName(table)),
				 errhint("Use ALTER EXTENSION tokenauth UPDATE, or restart the server if its library is the older one.")));
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		add(reg, tuple, RelationGetDescr(table));
	systable_endscan(scan);
	table_close(table, AccessShareLock);
}

/*
 * A source whose table has been dropped is as good as detached; its table is
 * remembered only because the drop may be rolled back.
 */
static void
read_registry(Registry *reg)
{
	extension_find(&extension);
	if (OidIsValid(extension.sources) && OidIsValid(extension.parents))
	{
		read_rows(reg, extension.sources, REG_NATTS, add_source);
		read_rows(reg, extension.parents, PAR_NATTS, add_parent);
	}
	build_routes(reg);
}

/* Put a registry aside until nobody in this transaction can point into it. */
static void
retire(Registry *reg)
{
	ListCell   *lc;

	foreach(lc, reg->sources)
		((Source *) lfirst(lc))->retired = true;
	reg->next_retired = retired;
	retired = reg;
}

static void
rebuild_registry(void)
{
	MemoryContext context = AllocSetContextCreate(CacheMemoryContext,
												  "tokenauth registry",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Registry   *fresh = palloc0(sizeof(Registry));

	fresh->context = context;
	PG_TRY();
	{
		read_registry(fresh);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(old);
		MemoryContextDelete(context);
		PG_RE_THROW();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(old);

	if (registry != NULL)
		retire(registry);
	registry = fresh;
}

void
source_refresh(void)
{
	/* No invalidation tells of a registry that is yet to be created. */
	if (!OidIsValid(extension.sources))
		registry_state = SOURCE_STALE;
	while (registry_state != SOURCE_CURRENT)
	{
		registry_state = SOURCE_BUILDING;
		rebuild_registry();
		if (registry_state == SOURCE_BUILDING)
			registry_state = SOURCE_CURRENT;
	}
}

Oid
source_trigger_function(void)
{
	return extension.trigger_function;
}

List *
source_all(void)
{
	return registry->sources;
}

Source *
source_by_name(const char *name)
{
	ListCell   *lc;

	foreach(lc, registry->sources)
	{
		Source	   *source = lfirst(lc);

		if (strcmp(source->name, name) == 0)
			return source;
	}
	return NULL;
}

Source *
source_by_relation(Oid relation)
{
	ListCell   *lc;

	foreach(lc, registry->sources)
	{
		Source	   *source = lfirst(lc);

		if (source->relation == relation)
			return source;
	}
	return NULL;
}

/* Is it the source's own table, or a parent's? */
static bool
uses_table(const Source *source, Oid relation)
{
	if (source->relation == relation)
		return true;
	for (int i = 0; i < source->nparents; i++)
		if (source->parent[i].relation == relation)
			return true;
	return false;
}

bool
source_uses_table(Oid relation)
{
	ListCell   *lc;

	foreach(lc, registry->sources)
		if (uses_table(lfirst(lc), relation))
			return true;
	return false;
}

static Source *
find_longest_prefix(const char *token, Size len)
{
	Source	   *source = registry->recent;

	if (source != NULL && source_has_prefix(source, token, len))
		return source;
	for (int i = 0; i < registry->nlengths; i++)
	{
		if ((Size) registry->length[i] > len)
			continue;
		source = find_prefix(registry, token, registry->length[i]);
		if (source != NULL)
		{
			if (!source->prefix_extended)
				registry->recent = source;
			return source;
		}
	}
	return NULL;
}

Source *
source_by_token(const char *token, Size len)
{
	Source	   *source = find_longest_prefix(token, len);

	if (source != NULL)
		return source;
	if (registry->nunprefixed > 1)
		ereport(ERROR,
				(errcode(ERRCODE_AMBIGUOUS_PARAMETER),
				 errmsg("token source is ambiguous"),
				 errdetail("%d sources have no prefix.", registry->nunprefixed),
				 errhint("Name one of them in the argument \"source\".")));
	return registry->unprefixed;
}

List *
source_candidates(const char *token, Size len)
{
	Source	   *prefixed = find_longest_prefix(token, len);
	List	   *candidates = prefixed ? list_make1(prefixed) : NIL;
	ListCell   *lc;

	foreach(lc, registry->sources)
	{
		Source	   *source = lfirst(lc);

		if (source->prefix == NULL)
			candidates = lappend(candidates, source);
	}
	return candidates;
}

bool
source_revalidate(Source *source)
{
	while (source->state != SOURCE_CURRENT)
	{
		source->state = SOURCE_BUILDING;
		if (!mapping_build(source))
		{
			source->state = SOURCE_STALE;
			registry_state = SOURCE_STALE;
			return false;
		}
		if (source->state == SOURCE_BUILDING)
			source->state = SOURCE_CURRENT;
	}
	return true;
}

Source *
source_hold(const Source *source)
{
	Oid			relation = source->relation;
	Source	   *held;

	LockRelationOid(relation, AccessShareLock);
	do
	{
		source_refresh();
		held = source_by_relation(relation);
		if (held == NULL)
		{
			UnlockRelationOid(relation, AccessShareLock);
			return NULL;
		}
	} while (!source_validate(held));
	return held;
}

bool
source_is_outdated(const Source *source)
{
	return registry_state != SOURCE_CURRENT || source->retired;
}

/* Can a type hold the values of a column? */
static bool
type_matches(const SourceColumn *column, Oid wanted)
{
	switch (column->kind)
	{
		case VALUE_UUID:
			return wanted == UUIDOID;
		case VALUE_INT4:
			return wanted == INT4OID;
		case VALUE_INT8:
			return wanted == INT8OID;
		case VALUE_TEXT:
			return wanted == TEXTOID || wanted == VARCHAROID;
		case VALUE_JSONB:
		case VALUE_NONE:
			break;
	}
	return false;
}

void
source_check_type(const char *source, SourceRole role,
				  const SourceColumn *column, Oid wanted)
{
	const char *type;

	if (type_matches(column, wanted))
		return;
	type = format_type_be(column->type);
	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 role == ROLE_TENANT ?
			 errmsg("token source \"%s\" has tenant ids of type %s, not %s",
					source, type, format_type_be(wanted)) :
			 errmsg("token source \"%s\" has user ids of type %s, not %s",
					source, type, format_type_be(wanted)),
			 errhint("Pass NULL::%s as the argument \"as_type\".", type)));
}

uint16
source_parent_cell(const SourceParent *parent, Datum key)
{
	VerdictValue value = verdict_value(parent->key.kind, key,
									   parent->key.type);

	return cache_cell(MyDatabaseId, parent->relation, value.data, value.len);
}

bool
source_digest_of_value(const Source *source, Datum value, bool isnull,
					   TokenDigest *digest)
{
	struct varlena *packed;
	bool		found = false;

	if (isnull)
		return false;
	packed = PG_DETOAST_DATUM_PACKED(value);
	switch (source->stored_as)
	{
		case STORED_SHA256_HEX:
			found = token_digest_from_hex(VARDATA_ANY(packed),
										  VARSIZE_ANY_EXHDR(packed), digest);
			break;
		case STORED_SHA256_BYTEA:
			found = VARSIZE_ANY_EXHDR(packed) == TOKEN_DIGEST_LEN;
			if (found)
				memcpy(digest->bytes, VARDATA_ANY(packed), TOKEN_DIGEST_LEN);
			break;
		case STORED_PLAINTEXT:
			found = token_digest(source->encoding, VARDATA_ANY(packed),
								 VARSIZE_ANY_EXHDR(packed), digest);
			break;
	}
	token_forget_copy(packed, value);
	return found;
}

/* While it is being built, it is not known yet what it depends on. */
static bool
depends_on_relation(const Source *source, Oid relation)
{
	return source->state == SOURCE_BUILDING ||
		uses_table(source, relation) ||
		watch_hears_relation(&source->watch, relation);
}

void
source_invalidate(Oid relation)
{
	ListCell   *lc;

	if (!OidIsValid(relation) || relation == extension.sources ||
		relation == extension.parents)
		registry_state = SOURCE_STALE;
	if (registry == NULL)
		return;
	if (list_member_oid(registry->dropped, relation))
		registry_state = SOURCE_STALE;
	foreach(lc, registry->sources)
	{
		Source	   *source = lfirst(lc);

		if (source->state != SOURCE_STALE &&
			(!OidIsValid(relation) || depends_on_relation(source, relation)))
			source->state = SOURCE_STALE;
	}
}

/* A condition that cannot be read may be cured by whatever is made. */
static bool
depends_on_syscache(const Source *source, int cacheid, uint32 hashvalue)
{
	return source->state == SOURCE_BUILDING ||
		source->problem == PROBLEM_CONDITION ||
		watch_hears_syscache(&source->watch, cacheid, hashvalue);
}

/* For the syscache callbacks: no catalog access, no error. */
static void
catalog_callback(Datum arg, int cacheid, uint32 hashvalue)
{
	ListCell   *lc;

	if (registry == NULL)
		return;
	foreach(lc, registry->sources)
	{
		Source	   *source = lfirst(lc);

		if (source->state != SOURCE_STALE &&
			depends_on_syscache(source, cacheid, hashvalue))
			source->state = SOURCE_STALE;
	}
}

void
source_init(void)
{
	static const int caches[] = {
		CASTSOURCETARGET, ENUMOID, NAMESPACEOID, OPEROID, PROCOID, TYPEOID
	};

	for (int i = 0; i < (int) lengthof(caches); i++)
		CacheRegisterSyscacheCallback(caches[i], catalog_callback, (Datum) 0);
}

void
source_end_of_transaction(void)
{
	while (retired != NULL)
	{
		Registry   *reg = retired;

		retired = reg->next_retired;
		MemoryContextDelete(reg->context);
	}
}
