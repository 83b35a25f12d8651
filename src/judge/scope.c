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

List *
scope_names(const VerdictValue *value, ValueKind kind)
{
	List	   *names = NIL;
	const char *end = value->data + value->len;

	if (value->data == NULL)
		return NIL;
	if (kind != VALUE_LIST)
		return list_make1(pnstrdup(value->data, value->len));
	for (const char *next = value->data; next < end;)
	{
		Size		len = strnlen(next, end - next);

		names = lappend(names, pnstrdup(next, len));
		next += len + 1;
	}
	return names;
}

/* Are these the scopes, and no others, that are found in a text? */
static bool
is_read_as(const char *text, const char *separator, const List *names)
{
	StringInfoData list;
	List	   *found;
	ListCell   *a;
	ListCell   *b;
	bool		same;

	initStringInfo(&list);
	add_parts(&list, text, separator);
	found = scope_names(&(VerdictValue) {list.data, list.len}, VALUE_LIST);
	same = list_length(found) == list_length(names);
	forboth(a, found, b, names)
		same &= strcmp(lfirst(a), lfirst(b)) == 0;
	return same;
}

char *
scope_join(const List *names, const char *separator)
{
	StringInfoData text;
	ListCell   *lc;

	initStringInfo(&text);
	foreach(lc, names)
		appendStringInfo(&text, "%s%s", text.len > 0 ? separator : "",
						 (char *) lfirst(lc));
	return is_read_as(text.data, separator, names) ? text.data : NULL;
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
