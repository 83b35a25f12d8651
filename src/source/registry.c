/*-------------------------------------------------------------------------
 *
 * registry.c
 *		Reading the registry of sources; see registry.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "base/compat.h"
#include "base/nullable.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "source/registry.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

typedef struct RegistryColumn
{
	const char *name;
	Oid			type;
	bool		required;		/* never NULL */
} RegistryColumn;

/* Columns of tokenauth_source; those of the roles in the roles' order. */
enum
{
	REG_RELATION,
	REG_SOURCE,
	REG_PREFIX,
	REG_STORED_AS,
	REG_TOKEN_ENCODING,
	REG_ACTIVE_VALUES,
	REG_LIVE_WHEN,
	REG_CLAIMS,
	REG_TIMEZONE,
	REG_CHECKSUM,
	REG_SLIDING_TTL,
	REG_SLIDING_THRESHOLD,
	REG_MAX_LIFETIME,
	REG_FIRST_ROLE,
	REG_COUNT = REG_FIRST_ROLE + ROLE_COUNT
};

static const RegistryColumn source_columns[REG_COUNT] = {
	[REG_RELATION] = {"relation", REGCLASSOID, true},
	[REG_SOURCE] = {"source", NAMEOID, true},
	[REG_PREFIX] = {"prefix", TEXTOID},
	[REG_STORED_AS] = {"stored_as", TEXTOID, true},
	[REG_TOKEN_ENCODING] = {"token_encoding", TEXTOID, true},
	[REG_ACTIVE_VALUES] = {"active_values", TEXTARRAYOID},
	[REG_LIVE_WHEN] = {"live_when", TEXTOID},
	[REG_CLAIMS] = {"claims", NAMEARRAYOID},
	[REG_TIMEZONE] = {"timezone", TEXTOID, true},
	[REG_CHECKSUM] = {"checksum", BOOLOID, true},
	[REG_SLIDING_TTL] = {"sliding_ttl", INTERVALOID},
	[REG_SLIDING_THRESHOLD] = {"sliding_threshold", INTERVALOID},
	[REG_MAX_LIFETIME] = {"max_lifetime", INTERVALOID},
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

/* Columns of tokenauth_source_parent, which has a row for each parent. */
enum
{
	PAR_RELATION,				/* of the source */
	PAR_PARENT,
	PAR_SOURCE_COLUMN,
	PAR_PARENT_COLUMN,
	PAR_LIVE_WHEN,
	PAR_COUNT
};

static const RegistryColumn parent_columns[PAR_COUNT] = {
	[PAR_RELATION] = {"relation", REGCLASSOID, true},
	[PAR_PARENT] = {"parent", REGCLASSOID, true},
	[PAR_SOURCE_COLUMN] = {"source_column", NAMEOID, true},
	[PAR_PARENT_COLUMN] = {"parent_column", NAMEOID, true},
	[PAR_LIVE_WHEN] = {"live_when", TEXTOID},
};

/* Both tables have fewer columns than this. */
#define MAX_COLUMNS		REG_COUNT

/* A row of either table: its fields in the order of the lists above. */
typedef struct RegistryRow
{
	Relation	table;
	NullableDatum field[MAX_COLUMNS];
	TransactionId xmin;
} RegistryRow;

/* What has been read so far. */
typedef struct RegistryReader
{
	List	   *sources;		/* Source * */
	List	   *dropped;		/* OIDs of tables */
} RegistryReader;

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

const char *
role_argument(SourceRole role)
{
	return source_columns[REG_FIRST_ROLE + role].name;
}

pg_noreturn static void
refuse(Relation table, const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("table \"%s\" does not have the form that this version of tokenauth expects",
					RelationGetRelationName(table)),
			 errdetail_internal("%s", detail),
			 errhint("Use ALTER EXTENSION tokenauth UPDATE, or restart the server if its library is the older one.")));
}

/* Which of the choices the text in a column is. */
static int
parse_choice(const RegistryRow *row, int column, const char *const *choices)
{
	const char *text = nullable_text(row->field[column]);

	for (int i = 0; choices[i] != NULL; i++)
		if (strcmp(choices[i], text) == 0)
			return i;
	refuse(row->table, psprintf("Its column \"%s\" has the unknown value \"%s\".",
								source_columns[column].name, text));
}

/* A Source from a registry row, in the current memory context. */
static Source *
make_source(const RegistryRow *row)
{
	const NullableDatum *field = row->field;
	Source	   *source = palloc0(sizeof(Source));

	source->relation = DatumGetObjectId(field[REG_RELATION].value);
	source->name = nullable_name(field[REG_SOURCE]);
	source->prefix = nullable_text(field[REG_PREFIX]);
	source->prefix_len = source->prefix ? strlen(source->prefix) : 0;
	source->stored_as = parse_choice(row, REG_STORED_AS, source_storages);
	source->encoding = parse_choice(row, REG_TOKEN_ENCODING, source_encodings);
	for (int role = 0; role < ROLE_COUNT; role++)
		source->column[role].name = nullable_name(field[REG_FIRST_ROLE + role]);
	source->active_values = nullable_list(field[REG_ACTIVE_VALUES], TEXTOID);
	source->live_when = nullable_text(field[REG_LIVE_WHEN]);
	source->claims = nullable_list(field[REG_CLAIMS], NAMEOID);
	source->timezone = nullable_text(field[REG_TIMEZONE]);
	source->checksum = DatumGetBool(field[REG_CHECKSUM].value);
	source->sliding_ttl = nullable_interval(field[REG_SLIDING_TTL]);
	source->sliding_threshold = nullable_interval(field[REG_SLIDING_THRESHOLD]);
	source->max_lifetime = nullable_interval(field[REG_MAX_LIFETIME]);
	source->registry_xmin = row->xmin;

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
add_source(RegistryReader *reader, const RegistryRow *row)
{
	Source	   *source = make_source(row);

	if (get_rel_relkind(source->relation) != '\0')
		reader->sources = lappend(reader->sources, source);
	else
		reader->dropped = lappend_oid(reader->dropped, source->relation);
}

static void
add_parent(RegistryReader *reader, const RegistryRow *row)
{
	const NullableDatum *field = row->field;
	ListCell   *lc;

	foreach(lc, reader->sources)
	{
		Source	   *source = lfirst(lc);
		SourceParent *parent;

		if (source->relation != DatumGetObjectId(field[PAR_RELATION].value) ||
			source->nparents == SOURCE_MAX_PARENTS)
			continue;
		parent = &source->parent[source->nparents++];
		parent->relation = DatumGetObjectId(field[PAR_PARENT].value);
		parent->from.name = nullable_name(field[PAR_SOURCE_COLUMN]);
		parent->key.name = nullable_name(field[PAR_PARENT_COLUMN]);
		parent->live_when = nullable_text(field[PAR_LIVE_WHEN]);
		parent->registry_xmin = row->xmin;
	}
}

/* Which of the columns an attribute is. */
static int
find_column(const RegistryColumn *columns, int ncolumns, Relation table,
			Form_pg_attribute attribute)
{
	for (int i = 0; i < ncolumns; i++)
		if (strcmp(columns[i].name, NameStr(attribute->attname)) == 0 &&
			columns[i].type == attribute->atttypid)
			return i;
	refuse(table, psprintf("Its column \"%s\" of type %s is unknown.",
						   NameStr(attribute->attname),
						   format_type_be(attribute->atttypid)));
}

/* Find the attribute of each column. */
static void
map_columns(const RegistryColumn *columns, int ncolumns, Relation table,
			AttrNumber *attnum)
{
	TupleDesc	desc = RelationGetDescr(table);

	memset(attnum, 0, ncolumns * sizeof(AttrNumber));
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);

		if (!attribute->attisdropped)
			attnum[find_column(columns, ncolumns, table, attribute)] =
				attribute->attnum;
	}
	for (int i = 0; i < ncolumns; i++)
		if (attnum[i] == InvalidAttrNumber)
			refuse(table, psprintf("It has no column \"%s\".",
								   columns[i].name));
}

static void
read_row(HeapTuple tuple, const RegistryColumn *columns, int ncolumns,
		 const AttrNumber *attnum, RegistryRow *row)
{
	for (int i = 0; i < ncolumns; i++)
	{
		row->field[i].value = heap_getattr(tuple, attnum[i],
										   RelationGetDescr(row->table),
										   &row->field[i].isnull);
		if (columns[i].required && row->field[i].isnull)
			refuse(row->table, psprintf("Its column \"%s\" is null.",
										columns[i].name));
	}
	row->xmin = HeapTupleHeaderGetRawXmin(tuple->t_data);
}

/*
 * Read one of the registry's tables.  The scan uses a catalog snapshot, which
 * for a table that is no catalog is always a fresh one, in every isolation
 * level.
 */
static void
read_rows(RegistryReader *reader, Oid relation, const RegistryColumn *columns,
		  int ncolumns,
		  void (*add) (RegistryReader *reader, const RegistryRow *row))
{
	Relation	table = table_open(relation, AccessShareLock);
	AttrNumber	attnum[MAX_COLUMNS];
	SysScanDesc scan;
	HeapTuple	tuple;

	map_columns(columns, ncolumns, table, attnum);
	scan = systable_beginscan(table, InvalidOid, false, NULL, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		RegistryRow row = {table};

		read_row(tuple, columns, ncolumns, attnum, &row);
		add(reader, &row);
	}
	systable_endscan(scan);
	table_close(table, AccessShareLock);
}

List *
registry_read(const ExtensionInfo *extension, List **dropped)
{
	RegistryReader reader = {NIL, NIL};

	if (OidIsValid(extension->sources) && OidIsValid(extension->parents))
	{
		read_rows(&reader, extension->sources, source_columns, REG_COUNT,
				  add_source);
		read_rows(&reader, extension->parents, parent_columns, PAR_COUNT,
				  add_parent);
	}
	*dropped = list_concat(*dropped, reader.dropped);
	return reader.sources;
}
