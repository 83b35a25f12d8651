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
#include "source/names.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

void
register_begin(NewRow *row)
{
	row->n = 0;
	initStringInfo(&row->columns);
	initStringInfo(&row->parameters);
}

static void
add_value(NewRow *row, const char *column, Oid type, Datum value,
		  bool isnull)
{
	if (row->n == REGISTER_MAX_COLUMNS)
		elog(ERROR, "too many columns in a row of the registry");
	row->type[row->n] = type;
	row->value[row->n] = value;
	row->isnull[row->n] = isnull ? 'n' : ' ';
	row->n++;
	appendStringInfo(&row->columns, "%s%s", row->n > 1 ? ", " : "", column);
	appendStringInfo(&row->parameters, "%s$%d", row->n > 1 ? ", " : "", row->n);
}

void
register_relation(NewRow *row, const char *column, Oid relation)
{
	add_value(row, column, REGCLASSOID, ObjectIdGetDatum(relation), false);
}

void
register_name(NewRow *row, const char *column, const char *value)
{
	Datum		name = (Datum) 0;

	if (value != NULL)
		name = DirectFunctionCall1(namein, CStringGetDatum(value));
	add_value(row, column, NAMEOID, name, value == NULL);
}

void
register_text(NewRow *row, const char *column, const char *value)
{
	add_value(row, column, TEXTOID,
			  value ? CStringGetTextDatum(value) : (Datum) 0, value == NULL);
}

void
register_bool(NewRow *row, const char *column, bool value)
{
	add_value(row, column, BOOLOID, BoolGetDatum(value), false);
}

void
register_array(NewRow *row, const char *column, Oid type, ArrayType *value)
{
	add_value(row, column, type, PointerGetDatum(value), value == NULL);
}

void
register_interval(NewRow *row, const char *column, Interval *value)
{
	add_value(row, column, INTERVALOID, IntervalPGetDatum(value),
			  value == NULL);
}

void
register_write(const ExtensionInfo *extension, const char *table,
			   NewRow *row)
{
	extension_execute(extension,
					  psprintf("INSERT INTO %s (%s) VALUES (%s)",
							   quoted_own(table), row->columns.data,
							   row->parameters.data),
					  row->n, row->type, row->value, row->isnull);
}

void
register_remove(const ExtensionInfo *extension, Oid relation)
{
	Oid			type = OIDOID;
	Datum		value = ObjectIdGetDatum(relation);

	/* its parents go with it, by the foreign key */
	extension_execute(extension,
					  psprintf("DELETE FROM %s"
							   " WHERE relation OPERATOR(pg_catalog.=) $1",
							   quoted_own("tokenauth_source")),
					  1, &type, &value, NULL);
}

void
register_remove_dropped(const ExtensionInfo *extension)
{
	QueryResult *dropped =
		extension_execute(extension,
						  psprintf("DELETE FROM %s s WHERE NOT EXISTS"
								   " (SELECT FROM pg_catalog.pg_class c WHERE c.oid"
								   " OPERATOR(pg_catalog.=) s.relation)"
								   " RETURNING relation::pg_catalog.oid",
								   quoted_own("tokenauth_source")),
						  0, NULL, NULL, NULL);

	for (uint64 i = 0; i < dropped->nrows; i++)
	{
		bool		isnull;

		stats_forget(DatumGetObjectId(query_value(dropped, i, 1, &isnull)));
	}
}
