/*-------------------------------------------------------------------------
 *
 * mapping_json.c
 *		A mapping as a JSON object of strings; see mapping_json.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "source/mapping_json.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/varlena.h"

bool
mapping_json_fail(RegistryFault *fault, const char *message, const char *hint)
{
	fault->sqlstate = ERRCODE_INVALID_PARAMETER_VALUE;
	fault->message = message;
	fault->detail = NULL;
	fault->hint = hint;
	return false;
}

/* The known key that a text is most like, or NULL. */
static const char *
closest_key(const MappingForm *form, const char *text)
{
	const char *closest = NULL;
	int			least = 5;		/* more are no slip of the hand */

	if (strlen(text) > NAMEDATALEN)
		return NULL;
	for (int i = 0; i < form->n; i++)
	{
		int			distance =
			varstr_levenshtein_less_equal(text, (int) strlen(text),
										  form->names[i],
										  (int) strlen(form->names[i]),
										  1, 1, 1, least, true);

		if (distance >= least)
			continue;
		least = distance;
		closest = form->names[i];
	}
	return closest;
}

static bool
fail_unknown(const MappingForm *form, const char *key, RegistryFault *fault)
{
	const char *closest = closest_key(form, key);
	char	   *hint;

	if (form->is_argument(key))
		hint = psprintf("It is an argument of its own: %s => ...", key);
	else if (closest != NULL)
		hint = psprintf("Perhaps you mean \"%s\".", closest);
	else
		hint = psprintf("The keys are told in the documentation of %s().",
						form->function);
	return mapping_json_fail(fault,
							 psprintf("the mapping has an unknown key \"%s\"",
									  pnstrdup(key, pg_mbcliplen(key, (int) strlen(key),
																 NAMEDATALEN))),
							 hint);
}

static int
find_key(const MappingForm *form, const char *name)
{
	for (int i = 0; i < form->n; i++)
		if (strcmp(form->names[i], name) == 0)
			return i;
	return -1;
}

static bool
read_list(const MappingForm *form, int key, JsonbContainer *array, void *arg,
		  RegistryFault *fault)
{
	JsonbIterator *iterator = JsonbIteratorInit(array);
	JsonbIteratorToken token;
	JsonbValue	value;
	List	   *values = NIL;

	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		if (token != WJB_ELEM)
			continue;
		if (value.type != jbvString)
			return form->take_list(arg, key, NIL, fault);
		values = lappend(values, pnstrdup(value.val.string.val,
										  value.val.string.len));
	}
	return form->take_list(arg, key, values, fault);
}

/* One key with its value. */
static bool
read_pair(const MappingForm *form, const JsonbValue *name,
		  const JsonbValue *value, void *arg, RegistryFault *fault)
{
	char	   *key = pnstrdup(name->val.string.val, name->val.string.len);
	int			known = find_key(form, key);

	if (known < 0)
		return fail_unknown(form, key, fault);
	if (form->is_list != NULL && form->is_list(known) &&
		value->type == jbvBinary &&
		JsonContainerIsArray(value->val.binary.data))
		return read_list(form, known, value->val.binary.data, arg, fault);
	if (value->type != jbvString)
		return mapping_json_fail(fault,
								 psprintf("the value of key \"%s\" of the mapping is not a string",
										  key), NULL);
	if (value->val.string.len == 0 ||
		value->val.string.len > REGISTRY_MAX_CONDITION)
		return mapping_json_fail(fault,
								 psprintf("the value of key \"%s\" of the mapping has not 1 to %d bytes",
										  key, REGISTRY_MAX_CONDITION), NULL);
	return form->take(arg, known,
					  pnstrdup(value->val.string.val, value->val.string.len),
					  fault);
}

bool
mapping_json_read(const MappingForm *form, Jsonb *mapping, void *arg,
				  RegistryFault *fault)
{
	JsonbIterator *iterator;
	JsonbValue	name;
	JsonbValue	value;

	if (!JB_ROOT_IS_OBJECT(mapping))
		return mapping_json_fail(fault, "the mapping is not a JSON object", NULL);
	iterator = JsonbIteratorInit(&mapping->root);
	(void) JsonbIteratorNext(&iterator, &name, false);
	while (JsonbIteratorNext(&iterator, &name, true) == WJB_KEY)
	{
		(void) JsonbIteratorNext(&iterator, &value, true);
		if (!read_pair(form, &name, &value, arg, fault))
			return false;
	}
	return true;
}

static void
write_key(StringInfo json, const char *name)
{
	appendStringInfo(json, "%c\"%s\":", json->len == 0 ? '{' : ',', name);
}

static void
write_list(const char *name, List *values, StringInfo json)
{
	ListCell   *lc;

	if (values == NIL)
		return;
	write_key(json, name);
	foreach(lc, values)
	{
		appendStringInfoChar(json, foreach_current_index(lc) == 0 ? '[' : ',');
		escape_json(json, lfirst(lc));
	}
	appendStringInfoChar(json, ']');
}

Jsonb *
mapping_json_write(const MappingForm *form, const void *arg)
{
	StringInfoData json;

	initStringInfo(&json);
	for (int key = 0; key < form->n; key++)
	{
		const char *value = form->tell(arg, key);

		if (form->is_list != NULL && form->is_list(key))
			write_list(form->names[key], form->tell_list(arg, key), &json);
		if (value == NULL)
			continue;
		write_key(&json, form->names[key]);
		escape_json(&json, value);
	}
	if (json.len == 0)
		return NULL;
	appendStringInfoChar(&json, '}');
	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in,
											  CStringGetDatum(json.data)));
}
