/*-------------------------------------------------------------------------
 *
 * registry.c
 *		Reading the registry of sources; see registry.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/detoast.h"
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "base/compat.h"
#include "base/nullable.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "source/mapping_keys.h"
#include "source/parent_keys.h"
#include "source/registry.h"
#include "source/registry_form.h"
#include "source/stored.h"
#include "source/stored_as.h"
#include "utils/array.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/varlena.h"

/* A row, or a parent in it, while it is read. */
typedef struct RowReader
{
	const RegistryColumn *columns;
	NullableDatum field[REG_COUNT];
	const char *fault;			/* the first thing that was wrong; or NULL */
} RowReader;

/* A name with its schema, quoted. */
#define MAX_TABLE_NAME	(2 * (2 * NAMEDATALEN + 2) + 1)

/* More than the longest of what registry_check() lets pass. */
#define MAX_ARRAY_SIZE	(128 * 1024)
#define MAX_MAPPING_SIZE	(128 * 1024)

#define MAX_CHOICE		NAMEDATALEN
#define MAX_TIMEZONE	255

const char *const source_encodings[] = {
	[TOKEN_TEXT] = "text",
	[TOKEN_BASE64URL] = "base64url",
	[TOKEN_HEX] = "hex",
	NULL
};

const char *const source_on_revoke[] = {
	[ON_REVOKE_FLAG] = "flag",
	[ON_REVOKE_DELETE] = "delete",
	[ON_REVOKE_FORGET] = "forget",
	[ON_REVOKE_NOTHING] = NULL
};

const char *
role_argument(SourceRole role)
{
	return registry_source_columns[REG_FIRST_ROLE + role].name;
}

int
registry_choice(const char *const *choices, const char *text)
{
	for (int i = 0; choices[i] != NULL; i++)
		if (strcmp(choices[i], text) == 0)
			return i;
	return -1;
}

Oid
registry_table_owner(Oid relation)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		return InvalidOid;
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	return owner;
}

bool
registry_role_rules(Oid owner, Oid other)
{
	return OidIsValid(owner) && OidIsValid(other) &&
		(owner == other || has_privs_of_role(owner, other));
}

bool
registry_owner_rules(Oid relation, Oid other)
{
	return registry_role_rules(registry_table_owner(relation),
							   registry_table_owner(other));
}

bool
registry_split_name(const char *name, char **schema, char **table)
{
	List	   *parts;

	if (!SplitIdentifierString(pstrdup(name), '.', &parts) ||
		list_length(parts) != 2)
		return false;
	*schema = linitial(parts);
	*table = lsecond(parts);
	return true;
}

/* ---------- one row ---------- */

static void
set_fault(RowReader *reader, const char *fault)
{
	if (reader->fault == NULL)
		reader->fault = fault;
}

static void
begin_row(RowReader *reader, const ColumnMap *map, HeapTuple tuple)
{
	reader->columns = map->columns;
	reader->fault = NULL;
	for (int i = 0; i < map->ncolumns; i++)
	{
		reader->field[i].value = registry_form_value(map, tuple, i,
													 &reader->field[i].isnull);
		if (map->columns[i].required && reader->field[i].isnull)
			set_fault(reader, psprintf("column \"%s\" is null",
									   map->columns[i].name));
	}
}

/* Is a value there, and short enough to be read? */
static bool
is_short(RowReader *reader, int column, Size limit)
{
	const NullableDatum *field = &reader->field[column];

	if (field->isnull)
		return false;
	if (toast_raw_datum_size(field->value) <= limit + VARHDRSZ)
		return true;
	set_fault(reader, psprintf("column \"%s\" is too long",
							   reader->columns[column].name));
	return false;
}

/*
 * Where a value is required and there is none, what is read is empty, so that
 * nobody need look for the fault.
 */
static char *
read_text(RowReader *reader, int column, Size limit)
{
	if (is_short(reader, column, limit))
		return nullable_text(reader->field[column]);
	return reader->columns[column].required ? pstrdup("") : NULL;
}

static char *
read_name(RowReader *reader, int column)
{
	char	   *name = nullable_name(reader->field[column]);

	return name == NULL && reader->columns[column].required ? pstrdup("") : name;
}

static char *
read_table_name(RowReader *reader, int column)
{
	char	   *text = read_text(reader, column, MAX_TABLE_NAME);
	char	   *schema;
	char	   *table;

	if (!registry_split_name(text, &schema, &table))
		set_fault(reader, psprintf("column \"%s\" is not the name of a table with its schema",
								   reader->columns[column].name));
	return text;
}

static Oid
read_oid(RowReader *reader, int column)
{
	return reader->field[column].isnull ? InvalidOid :
		DatumGetObjectId(reader->field[column].value);
}

static int
read_choice(RowReader *reader, int column, const char *const *choices)
{
	char	   *text = read_text(reader, column, MAX_CHOICE);
	int			choice = registry_choice(choices, text);

	if (choice >= 0)
		return choice;
	set_fault(reader, psprintf("column \"%s\" has the value \"%s\"",
							   reader->columns[column].name, text));
	return 0;
}

static void
read_stored_as(RowReader *reader, Source *source)
{
	char	   *text = read_text(reader, REG_STORED_AS, MAX_CHOICE);

	if (!stored_as_read(text, &source->stored_as))
		set_fault(reader, psprintf("column \"%s\" has the value \"%s\"",
								   reader->columns[REG_STORED_AS].name, text));
}

static List *
read_list(RowReader *reader, int column, Oid type)
{
	NullableDatum array;

	if (!is_short(reader, column, MAX_ARRAY_SIZE))
		return NIL;
	array.isnull = false;
	array.value = PointerGetDatum(DatumGetArrayTypeP(reader->field[column].value));
	if (array_contains_nulls(DatumGetArrayTypeP(array.value)))
		set_fault(reader, psprintf("column \"%s\" has a null in it",
								   reader->columns[column].name));
	return nullable_list(array, type);
}

/* After the columns, for it says also what is in place of some. */
static void
read_mapping(RowReader *reader, Source *source)
{
	RegistryFault fault;

	if (is_short(reader, REG_MAPPING, MAX_MAPPING_SIZE) &&
		!mapping_keys_read(DatumGetJsonbP(reader->field[REG_MAPPING].value),
						   source, &fault))
		set_fault(reader, fault.message);
}

static void
read_parent(RowReader *row, const RegistryForm *form, HeapTupleHeader header,
			SourceParent *parent)
{
	HeapTupleData tuple = {HeapTupleHeaderGetDatumLength(header)};
	RowReader	reader;

	tuple.t_data = header;
	begin_row(&reader, &form->parent, &tuple);
	parent->relation = read_oid(&reader, PAR_RELATION);
	parent->name = read_table_name(&reader, PAR_NAME);
	parent->owner = read_oid(&reader, PAR_OWNER);
	parent->from.name = read_name(&reader, PAR_SOURCE_COLUMN);
	parent->key.name = read_name(&reader, PAR_PARENT_COLUMN);
	parent->live_when = read_text(&reader, PAR_LIVE_WHEN,
								  REGISTRY_MAX_CONDITION);
	if (reader.fault != NULL)
		set_fault(row, reader.fault);
}

/* What the parents say besides; NULL, in a row of before: nothing. */
static void
read_parent_mappings(RowReader *reader, Source *source)
{
	Datum	   *element;
	bool	   *isnull;
	int			n;
	RegistryFault fault;

	if (!is_short(reader, REG_PARENT_MAPPINGS, MAX_ARRAY_SIZE))
		return;
	deconstruct_array(DatumGetArrayTypeP(reader->field[REG_PARENT_MAPPINGS].value),
					  JSONBOID, -1, false, TYPALIGN_INT, &element, &isnull, &n);
	if (n != source->nparents)
	{
		set_fault(reader, "column \"parent_mappings\" has not one element for each parent");
		return;
	}
	for (int i = 0; i < n; i++)
		if (!isnull[i] &&
			!parent_keys_read(DatumGetJsonbP(element[i]), &source->parent[i],
							  &fault))
			set_fault(reader, fault.message);
}

static void
read_parents(RowReader *reader, const RegistryForm *form, Source *source)
{
	Datum	   *element;
	bool	   *isnull;
	int			n;

	if (!is_short(reader, REG_PARENTS, MAX_ARRAY_SIZE))
		return;
	deconstruct_array(DatumGetArrayTypeP(reader->field[REG_PARENTS].value),
					  form->extension->parent_type, -1, false,
					  TYPALIGN_DOUBLE, &element, &isnull, &n);
	if (n > SOURCE_MAX_PARENTS)
	{
		set_fault(reader, psprintf("there are more than %d parents",
								   SOURCE_MAX_PARENTS));
		return;
	}
	for (int i = 0; i < n; i++)
		if (isnull[i])
			set_fault(reader, "column \"parents\" has a null in it");
		else
			read_parent(reader, form, DatumGetHeapTupleHeader(element[i]),
						&source->parent[source->nparents++]);
	read_parent_mappings(reader, source);
	for (int i = 0; i < source->nparents; i++)
		parent_find_way(source, i, &source->parent[i]);
}

/* Tokens are led to a source with a fault, too, but only by a sound prefix. */
static void
read_prefix(RowReader *reader, Source *source)
{
	const char *fault = reader->fault;

	reader->fault = NULL;
	source->prefix = read_text(reader, REG_PREFIX, TOKEN_MAX_PREFIX_LEN);
	source->prefix_len = source->prefix ? strlen(source->prefix) : 0;
	source->unroutable = reader->fault != NULL;
	if (fault != NULL)
		reader->fault = fault;
}

/* What a row says, and its fault, if it has one. */
static Source *
read_row(const RegistryForm *form, HeapTuple tuple)
{
	Source	   *source = palloc0(sizeof(Source));
	RowReader	reader;
	RegistryFault fault;

	begin_row(&reader, &form->source, tuple);
	source->registry_xmin = HeapTupleHeaderGetRawXmin(tuple->t_data);
	source->registry_tid = tuple->t_self;
	source->name = read_name(&reader, REG_SOURCE);
	source->relation = read_oid(&reader, REG_RELATION);
	source->relation_name = read_table_name(&reader, REG_RELATION_NAME);
	source->owner = read_oid(&reader, REG_RELATION_OWNER);
	read_stored_as(&reader, source);
	source->encoding = read_choice(&reader, REG_TOKEN_ENCODING,
								   source_encodings);
	for (SourceRole role = 0; role < ROLE_COUNT; role++)
		source->column[role].name = read_name(&reader, REG_FIRST_ROLE + role);
	read_mapping(&reader, source);
	source->active_values = read_list(&reader, REG_ACTIVE_VALUES, TEXTOID);
	source->on_revoke = reader.field[REG_ON_REVOKE].isnull ?
		ON_REVOKE_NOTHING :
		read_choice(&reader, REG_ON_REVOKE, source_on_revoke);
	source->live_when = read_text(&reader, REG_LIVE_WHEN,
								  REGISTRY_MAX_CONDITION);
	source->claims = read_list(&reader, REG_CLAIMS, NAMEOID);
	source->timezone = read_text(&reader, REG_TIMEZONE, MAX_TIMEZONE);
	source->checksum = !reader.field[REG_CHECKSUM].isnull &&
		DatumGetBool(reader.field[REG_CHECKSUM].value);
	source->sliding_ttl = nullable_interval(reader.field[REG_SLIDING_TTL]);
	source->sliding_threshold =
		nullable_interval(reader.field[REG_SLIDING_THRESHOLD]);
	source->max_lifetime = nullable_interval(reader.field[REG_MAX_LIFETIME]);
	read_parents(&reader, form, source);
	read_prefix(&reader, source);
	if (reader.fault == NULL && !registry_check(source, &fault))
		set_fault(&reader, fault.message);
	source->fault = reader.fault;
	return source;
}

Source *
registry_row(const ExtensionInfo *extension, Relation table, HeapTuple row)
{
	RegistryForm form;
	Source	   *source;

	registry_form_require(extension, table, &form);
	source = read_row(&form, row);
	registry_form_end(&form);
	return source;
}

/* ---------- all rows ---------- */

/* One whose attach may be rolled back is given none of its own. */
static int
slot_of(const Source *source)
{
	if (!OidIsValid(source->relation))
		return -1;
	return TransactionIdIsCurrentTransactionId(source->registry_xmin) ?
		stats_slot_if_any(source->id) : stats_slot(source->id);
}

/* What a source has beside what the registry says of it. */
static void
complete_source(Source *source)
{
	source->state = SOURCE_STALE;
	source->facts = AllocSetContextCreate(CurrentMemoryContext,
										  "tokenauth source",
										  ALLOCSET_SMALL_SIZES);
	source->is_usual = stored_is_digest(source) &&
		source->part.kind == PART_WHOLE && source->encoding == TOKEN_TEXT;
	source->id = source_id(source->relation, source->name);
	source->cached_as = cache_source(source->id);
	source->gate = cache_gate(MyDatabaseId, source->cached_as);
	source->stats_slot = slot_of(source);
	source->counts = stats_mine(source->stats_slot);
}

/*
 * The scan uses a catalog snapshot, which for a table that is no catalog is
 * always a fresh one, in every isolation level.
 */
List *
registry_read(const ExtensionInfo *extension, List **dropped,
			  const char **fault)
{
	List	   *sources = NIL;
	RegistryForm form;
	Relation	table;
	SysScanDesc scan;
	HeapTuple	tuple;

	if (!OidIsValid(extension->sources))
		return NIL;
	table = table_open(extension->sources, AccessShareLock);
	*fault = registry_form_begin(extension, table, &form);
	if (*fault != NULL)
	{
		table_close(table, AccessShareLock);
		return NIL;
	}
	scan = systable_beginscan(table, InvalidOid, false, NULL, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Source	   *source = read_row(&form, tuple);

		CHECK_FOR_INTERRUPTS();
		if (OidIsValid(source->relation) &&
			get_rel_relkind(source->relation) == '\0')
		{
			*dropped = lappend_oid(*dropped, source->relation);
			continue;
		}
		complete_source(source);
		sources = lappend(sources, source);
	}
	systable_endscan(scan);
	registry_form_end(&form);
	table_close(table, AccessShareLock);
	return sources;
}
