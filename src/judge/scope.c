/*-------------------------------------------------------------------------
 *
 * scope.c
 *		Several scopes in one value; see scope.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include "catalog/pg_type.h"
#include "judge/scope.h"
#include "lib/stringinfo.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"

static void
add_text(StringInfo list, const char *data, int len)
{
	/* none is the empty scope */
	if (len == 0)
		return;
	appendBinaryStringInfo(list, data, len);
	appendStringInfoChar(list, '\0');
}

static void
add_array(StringInfo list, ArrayType *array)
{
	Datum	   *element;
	bool	   *isnull;
	int			n;

	deconstruct_array(array, ARR_ELEMTYPE(array), -1, false, TYPALIGN_INT,
					  &element, &isnull, &n);
	for (int i = 0; i < n; i++)
		if (!isnull[i])
		{
			text	   *one = DatumGetTextPP(element[i]);

			add_text(list, VARDATA_ANY(one), VARSIZE_ANY_EXHDR(one));
		}
}

/* The strings in a JSON array; whatever else there is, is no scope. */
static void
add_json(StringInfo list, Jsonb *json)
{
	JsonbIterator *iterator;
	JsonbValue	value;
	JsonbIteratorToken token;

	if (!JB_ROOT_IS_ARRAY(json))
		return;
	iterator = JsonbIteratorInit(&json->root);
	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
		if (token == WJB_ELEM && value.type == jbvString)
			add_text(list, value.val.string.val, value.val.string.len);
}

/* What stands between separators. */
static void
add_parts(StringInfo list, const char *data, const char *separator)
{
	const char *end;

	while ((end = strstr(data, separator)) != NULL)
	{
		add_text(list, data, (int) (end - data));
		data = end + strlen(separator);
	}
	add_text(list, data, (int) strlen(data));
}

VerdictValue
scope_list(const Source *source, Oid type, Datum value)
{
	StringInfoData list;

	initStringInfo(&list);
	switch (type)
	{
		case TEXTARRAYOID:
		case VARCHARARRAYOID:
			add_array(&list, DatumGetArrayTypeP(value));
			break;
		case JSONOID:
			value = DirectFunctionCall1(jsonb_in,
										CStringGetDatum(TextDatumGetCString(value)));
			pg_fallthrough;
		case JSONBOID:
			add_json(&list, DatumGetJsonbP(value));
			break;
		default:
			add_parts(&list, verdict_value(VALUE_TEXT, value, type).data,
					  source->scope_separator);
			break;
	}
	return (VerdictValue) {list.data, list.len};
}
