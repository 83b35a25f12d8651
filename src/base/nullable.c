/*-------------------------------------------------------------------------
 *
 * nullable.c
 *		Reading values that may be NULL; see nullable.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/nullable.h"
#include "catalog/pg_type.h"
#include "utils/array.h"

List *
nullable_list(NullableDatum datum, Oid type)
{
	List	   *list = NIL;
	Datum	   *elements;
	bool	   *nulls;
	int			n;

	if (datum.isnull)
		return NIL;
	if (type == TEXTOID)
		deconstruct_array(DatumGetArrayTypeP(datum.value), TEXTOID, -1, false,
						  TYPALIGN_INT, &elements, &nulls, &n);
	else
		deconstruct_array(DatumGetArrayTypeP(datum.value), NAMEOID,
						  NAMEDATALEN, false, TYPALIGN_CHAR, &elements, &nulls,
						  &n);
	for (int i = 0; i < n; i++)
		if (!nulls[i])
			list = lappend(list, type == TEXTOID ?
						   TextDatumGetCString(elements[i]) :
						   pstrdup(NameStr(*DatumGetName(elements[i]))));
	return list;
}
