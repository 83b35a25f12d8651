/*-------------------------------------------------------------------------
 *
 * new_scopes.c
 *		The scopes of a new token.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "judge/scope.h"
#include "lifecycle/new_scopes.h"
#include "utils/array.h"
#include "utils/builtins.h"

static int
array_parameter(OwnerCall *call, const List *names)
{
	Datum	   *element = palloc((list_length(names) + 1) * sizeof(Datum));
	int			n = 0;
	ListCell   *lc;

	foreach(lc, names)
		element[n++] = CStringGetTextDatum((char *) lfirst(lc));
	return owner_parameter(call, TEXTARRAYOID,
						   PointerGetDatum(construct_array(element, n, TEXTOID,
														   -1, false,
														   TYPALIGN_INT)),
						   false);
}

/* In a list an empty text is no scope. */
static List *
without_empty(const List *names)
{
	List	   *others = NIL;
	ListCell   *lc;

	foreach(lc, names)
		if (((char *) lfirst(lc))[0] != '\0')
			others = lappend(others, lfirst(lc));
	return others;
}

/* Scopes as their column is to have them. */
typedef struct Written
{
	const char *text;			/* one, or a list with separators; NULL: an array of names */
	List	   *names;
} Written;

/*
 * Each as it is; false if the column cannot have them.  A list is never written as a text
 * in which others are found.
 */
static bool
write_scopes(const Source *source, List *names, Written *written)
{
	*written = (Written) {NULL, names};
	if (source->column[ROLE_SCOPE].kind != VALUE_LIST)
	{
		if (list_length(names) == 1)
			written->text = linitial(names);
		return written->text != NULL;
	}
	written->names = without_empty(names);
	if (source->scope_separator == NULL)
		return true;
	written->text = scope_join(written->names, source->scope_separator);
	return written->text != NULL;
}

/* The array of names as a value of such a type. */
static char *
array_sql(OwnerCall *call, const Written *written, const char *type)
{
	Oid			column = call->source->column[ROLE_SCOPE].type;

	return psprintf(column == JSONBOID || column == JSONOID ?
					"CAST(pg_catalog.to_jsonb($%d) AS %s)" : "CAST($%d AS %s)",
					array_parameter(call, written->names), type);
}

static char *
value_sql(OwnerCall *call, const Written *written)
{
	return written->text != NULL ? owner_cast(call, ROLE_SCOPE, written->text) :
		array_sql(call, written, owner_type(call, ROLE_SCOPE));
}

/* Of two texts of the type json it does not matter how they are written. */
static char *
tells_sql(OwnerCall *call, const Written *written, const char *expression)
{
	Oid			column = call->source->column[ROLE_SCOPE].type;
	const char *type = column == JSONBOID || column == JSONOID ?
		"pg_catalog.jsonb" : "pg_catalog.text[]";

	if (written->text != NULL)
		return owner_tells(call, ROLE_SCOPE, expression, written->text);
	return psprintf("pg_catalog.record_image_eq(ROW(CAST(%s AS %s)), ROW(%s))",
					expression, type, array_sql(call, written, type));
}

/* What stands between spaces. */
static List *
split_scopes(const char *argument)
{
	List	   *names = NIL;

	while (*argument != '\0')
	{
		Size		len = strcspn(argument, " ");

		if (len > 0)
			names = lappend(names, pnstrdup(argument, len));
		argument += len + (argument[len] == ' ');
	}
	return names;
}

/* One is as it is given; several have spaces in between. */
static void
take_given(const Source *source, const char *argument, Written *written)
{
	if (source->column[ROLE_SCOPE].kind != VALUE_LIST)
		*written = (Written) {argument, NIL};
	else if (!write_scopes(source, split_scopes(argument), written))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"scope\" has a scope that source \"%s\" would take for others",
						source->name),
				 errdetail("Column \"%s\" has its scopes with the separator \"%s\" in between.",
						   source->column[ROLE_SCOPE].name,
						   source->scope_separator),
				 errhint("In the argument, scopes have spaces in between.")));
}

char *
new_scopes_given(OwnerCall *call, const char *argument)
{
	Written		written;

	take_given(call->source, argument, &written);
	return value_sql(call, &written);
}

/* Is there none, which a column can say by NULL? */
static bool
are_null(const OwnerCall *call, const CarriedScopes *carried)
{
	return carried->names == NIL &&
		!owner_attribute(call, call->source->column[ROLE_SCOPE].attnum)->attnotnull;
}

char *
new_scopes_carried(OwnerCall *call, const CarriedScopes *carried)
{
	Written		written;

	if (!AttributeNumberIsValid(call->source->column[ROLE_SCOPE].attnum))
		return NULL;
	if (are_null(call, carried))
		return pstrdup("NULL");
	if (!write_scopes(call->source, carried->names, &written))
		return NULL;
	return value_sql(call, &written);
}

char *
new_scopes_tells(OwnerCall *call, const char *argument,
				 const CarriedScopes *carried, const char *expression)
{
	Written		written;

	if (argument != NULL)
		take_given(call->source, argument, &written);
	else if (carried == NULL)
		return NULL;
	else if (are_null(call, carried))
		return psprintf("NOT %s", owner_is_value(expression));
	else if (!write_scopes(call->source, carried->names, &written))
		return NULL;
	return tells_sql(call, &written, expression);
}

static char *
why_not_carried(const Source *source, const CarriedScopes *carried)
{
	const SourceColumn *column = &source->column[ROLE_SCOPE];

	if (!AttributeNumberIsValid(column->attnum))
		return pstrdup("An expression says which its tokens have.");
	if (column->kind == VALUE_LIST)
		return psprintf("One of them would be taken for others, with the separator \"%s\" in between.",
						source->scope_separator);
	return psprintf(carried->names == NIL ?
					"It has none, and column \"%s\" must have one." :
					"They are several, and column \"%s\" has one.", column->name);
}

void
new_scopes_not_carried(const Source *source, const CarriedScopes *carried)
{
	AttrNumber	attnum = source->column[ROLE_SCOPE].attnum;

	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("the scopes of a token of source \"%s\" cannot be written as they are into a token of source \"%s\"",
					carried->source, source->name),
			 errdetail_internal("%s", why_not_carried(source, carried)),
			 AttributeNumberIsValid(attnum) ?
			 errhint("Say in the argument \"scope\" which the new token is to have.") :
			 errhint("Exchange it for a token of a source with a scope_column.")));
}
