/*-------------------------------------------------------------------------
 *
 * new_row.c
 *		What the row of a new token is to hold, and whether it does.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lifecycle/new_row.h"
#include "utils/builtins.h"
#include "utils/rel.h"

/*
 * "the row has that in the role's column", image by image: there is not an equality for
 * each type, and some call equal what is not the same.  Of two texts of the type json it
 * does not matter how they are written.
 */
static char *
has_image(const OwnerCall *call, SourceRole role, const char *value)
{
	const SourceColumn *column = &call->source->column[role];
	Form_pg_attribute attribute = owner_attribute(call, column->attnum);
	const char *type = column->type == JSONOID ?
		"pg_catalog.jsonb" :
		format_type_extended(attribute->atttypid, attribute->atttypmod,
							 FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY);

	return psprintf("pg_catalog.record_image_eq(ROW(CAST(%s AS %s)), ROW(CAST(%s AS %s)))",
					owner_column(call, role), type, value, type);
}

/* "the row has what was asked for, or nothing was"; a parent may say it, or an expression */
static char *
has_asked(OwnerCall *call, SourceRole role, const char *value, bool carries)
{
	if (!AttributeNumberIsValid(call->source->column[role].attnum))
		return pstrdup("true");
	if (value != NULL)
		return has_image(call, role, owner_cast(call, role, value));
	return carries ? psprintf("%s IS NULL", owner_column(call, role)) :
		pstrdup("true");
}

/* The same of the scopes. */
static char *
has_asked_scopes(OwnerCall *call, const IssueRequest *request)
{
	const SourceColumn *column = &call->source->column[ROLE_SCOPE];
	char	   *value = NULL;

	if (!AttributeNumberIsValid(column->attnum))
		return pstrdup("true");
	if (request->scope != NULL)
		value = column->kind == VALUE_LIST ?
			new_scopes_given(call, request->scope) :
			owner_cast(call, ROLE_SCOPE, request->scope);
	else if (request->carried != NULL)
		value = new_scopes_carried(call, request->carried);
	if (value == NULL)
		return pstrdup("true");
	if (strcmp(value, "NULL") == 0)
		return psprintf("%s IS NULL", owner_column(call, ROLE_SCOPE));
	return has_image(call, ROLE_SCOPE, value);
}

/*
 * Does the condition hold for the new token's row?  A trigger or rule, also one that
 * comes afterwards, can have changed it.
 */
static bool
is_new_row(OwnerCall *call, const StoredValue *stored, const char *condition)
{
	QueryResult *rows = owner_query_latest(call,
										   psprintf("SELECT FROM ONLY %s WHERE %s AND %s LIMIT 1",
													owner_table(call),
													owner_is_token(call, stored),
													condition));
	bool		found = rows->nrows > 0;

	query_free(rows);
	return found;
}

void
new_row_check_issued(OwnerCall *call, const IssueRequest *request,
					 const StoredValue *stored)
{
	char	   *differs = psprintf("(%s AND %s AND %s) IS NOT TRUE",
								   has_asked(call, ROLE_USER, request->user_id,
											 request->carries_user),
								   has_asked(call, ROLE_TENANT, request->tenant_id,
											 request->carries_tenant),
								   has_asked_scopes(call, request));

	if (is_new_row(call, stored, differs))
		ereport(ERROR,
				(errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION),
				 errmsg("the new token of source \"%s\" would be of another user, tenant or scope than was asked for",
						call->source->name),
				 errhint("A trigger, a rule or other code of table \"%s\" changes its row.",
						 RelationGetRelationName(call->table))));
}
