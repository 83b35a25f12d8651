/*-------------------------------------------------------------------------
 *
 * registry_rows.c
 *		Rows of the registry as its triggers have them; see registry.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "base/compat.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "source/registry.h"
#include "source/registry_form.h"
#include "utils/array.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

/* A column of a row, if there is such a column; (Datum) 0 for NULL. */
static Datum
value_of_slot(Relation table, TupleTableSlot *row, int column)
{
	AttrNumber	attnum = get_attnum(RelationGetRelid(table),
									registry_source_columns[column].name);
	bool		isnull = true;
	Datum		value = attnum > 0 ? slot_getattr(row, attnum, &isnull) : (Datum) 0;

	return isnull ? (Datum) 0 : value;
}

SourceId
registry_row_id(Relation table, TupleTableSlot *row)
{
	Datum		relation = value_of_slot(table, row, REG_RELATION);
	Datum		name = value_of_slot(table, row, REG_SOURCE);

	return source_id(DatumGetObjectId(relation),
					 DatumGetPointer(name) ? NameStr(*DatumGetName(name)) : "");
}

static List *
add_table(List *tables, Datum relation, bool isnull)
{
	if (isnull || !OidIsValid(DatumGetObjectId(relation)))
		return tables;
	return list_append_unique_oid(tables, DatumGetObjectId(relation));
}

/* A column's value, if it is there and of this type. */
static Datum
value_if_there(Relation table, HeapTuple row, const char *column, Oid type,
			   bool *isnull)
{
	AttrNumber	attnum = get_attnum(RelationGetRelid(table), column);

	*isnull = true;
	if (attnum <= 0 || get_atttype(RelationGetRelid(table), attnum) != type)
		return (Datum) 0;
	return heap_getattr(row, attnum, RelationGetDescr(table), isnull);
}

List *
registry_row_tables(const ExtensionInfo *extension, Relation table,
					HeapTuple row)
{
	Oid			parent_type = extension->parent_type;
	Datum		value;
	bool		isnull;
	List	   *tables;
	Datum	   *element;
	bool	   *element_isnull;
	int			n;

	value = value_if_there(table, row, registry_source_columns[REG_RELATION].name,
						   extension->relation_type, &isnull);
	tables = add_table(NIL, value, isnull);
	value = value_if_there(table, row, registry_source_columns[REG_PARENTS].name,
						   get_array_type(parent_type), &isnull);
	if (isnull)
		return tables;
	deconstruct_array(DatumGetArrayTypeP(value), parent_type, -1, false,
					  TYPALIGN_DOUBLE, &element, &element_isnull, &n);
	for (int i = 0; i < n; i++)
	{
		if (element_isnull[i])
			continue;
		value = GetAttributeByName(DatumGetHeapTupleHeader(element[i]),
								   registry_parent_columns[PAR_RELATION].name, &isnull);
		tables = add_table(tables, value, isnull);
	}
	return tables;
}

/* The owner, of now, of the table that a row, or a parent in it, names. */
static Datum
owner_of_named(const ColumnMap *map, HeapTuple row, int column)
{
	bool		isnull;
	Datum		relation = registry_form_value(map, row, column, &isnull);

	return ObjectIdGetDatum(isnull ? InvalidOid :
							registry_table_owner(DatumGetObjectId(relation)));
}

/* The same element of the column "parents", with the parent's owner of now. */
static Datum
note_parent_owner(const ColumnMap *map, HeapTupleHeader header)
{
	HeapTupleData tuple = {HeapTupleHeaderGetDatumLength(header)};
	int			column = map->attnum[PAR_OWNER];
	Datum		owner;
	bool		isnull = false;

	tuple.t_data = header;
	owner = owner_of_named(map, &tuple, PAR_RELATION);
	return heap_copy_tuple_as_datum(heap_modify_tuple_by_cols(&tuple, map->desc,
															  1, &column,
															  &owner, &isnull),
									map->desc);
}

static Datum
note_parent_owners(const RegistryForm *form, Datum parents)
{
	Oid			type = form->extension->parent_type;
	Datum	   *element;
	bool	   *isnull;
	int			n;
	int			lower_bound = 1;

	deconstruct_array(DatumGetArrayTypeP(parents), type, -1, false,
					  TYPALIGN_DOUBLE, &element, &isnull, &n);
	for (int i = 0; i < n; i++)
		if (!isnull[i])
			element[i] = note_parent_owner(&form->parent,
										   DatumGetHeapTupleHeader(element[i]));
	return PointerGetDatum(construct_md_array(element, isnull, 1, &n,
											  &lower_bound, type, -1, false,
											  TYPALIGN_DOUBLE));
}

HeapTuple
registry_note_owners(const ExtensionInfo *extension, Relation table,
					 HeapTuple row)
{
	RegistryForm form;
	int			columns[2];
	Datum		value[2];
	bool		isnull[2] = {false};

	registry_form_require(extension, table, &form);
	columns[0] = form.source.attnum[REG_RELATION_OWNER];
	value[0] = owner_of_named(&form.source, row, REG_RELATION);
	columns[1] = form.source.attnum[REG_PARENTS];
	value[1] = registry_form_value(&form.source, row, REG_PARENTS, &isnull[1]);
	if (!isnull[1])
		value[1] = note_parent_owners(&form, value[1]);
	row = heap_modify_tuple_by_cols(row, form.source.desc, 2, columns, value,
									isnull);
	registry_form_end(&form);
	return row;
}
