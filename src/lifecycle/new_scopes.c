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

/* "CAST(text AS type of the column)" if that has room for it */
static char *
text_sql(OwnerCall *call, const char *text)
{
	owner_check_fits(call, ROLE_SCOPE, text);
	return owner_cast(call, ROLE_SCOPE, text);
}

static char *
array_sql(OwnerCall *call, const List *names)
{
	Oid			type = call->source->column[ROLE_SCOPE].type;
	ListCell   *lc;

	foreach(lc, names)
		owner_check_fits(call, ROLE_SCOPE, lfirst(lc));
	return psprintf(type == JSONBOID || type == JSONOID ?
					"CAST(pg_catalog.to_jsonb($%d) AS %s)" : "CAST($%d AS %s)",
					array_parameter(call, names), owner_type(call, ROLE_SCOPE));
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

/*
 * The scopes as their column has them, each as it is; NULL if it cannot have them.  A
 * list is never written as a text in which others are found.
 */
static char *
scopes_sql(OwnerCall *call, List *names)
{
	const SourceColumn *column = &call->source->column[ROLE_SCOPE];
	char	   *text;

	if (column->kind != VALUE_LIST)
		return list_length(names) != 1 ? NULL : text_sql(call, linitial(names));
	names = without_empty(names);
	if (call->source->scope_separator != NULL)
	{
		text = scope_join(names, call->source->scope_separator);
		return text == NULL ? NULL : text_sql(call, text);
	}
	return array_sql(call, names);
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

char *
new_scopes_given(OwnerCall *call, const char *argument)
{
	char	   *sql = scopes_sql(call, split_scopes(argument));

	if (sql == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"scope\" has a scope that source \"%s\" would take for others",
						call->source->name),
				 errdetail("Column \"%s\" has its scopes with the separator \"%s\" in between.",
						   call->source->column[ROLE_SCOPE].name,
						   call->source->scope_separator),
				 errhint("In the argument, scopes have spaces in between.")));
	return sql;
}

char *
new_scopes_carried(OwnerCall *call, const CarriedScopes *carried)
{
	AttrNumber	attnum = call->source->column[ROLE_SCOPE].attnum;

	if (!AttributeNumberIsValid(attnum))
		return NULL;
	if (carried->names == NIL && !owner_attribute(call, attnum)->attnotnull)
		return pstrdup("NULL");
	return scopes_sql(call, carried->names);
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
