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

/* What an expression of the role's type is to tell, or NULL if whatever. */
static char *
tells_role(OwnerCall *call, const IssueRequest *request, SourceRole role,
		   const char *expression)
{
	const char *value = role == ROLE_USER ? request->user_id : request->tenant_id;
	bool		carries = role == ROLE_USER ? request->carries_user :
		request->carries_tenant;

	if (role == ROLE_SCOPE)
		return new_scopes_tells(call, request->scope, request->carried, expression);
	if (value != NULL)
		return owner_tells(call, role, expression, value);
	return carries ? psprintf("NOT %s", owner_is_value(expression)) : NULL;
}

/* What was asked for, as the role's column would have it; NULL if nothing was. */
static char *
asked_value(OwnerCall *call, const IssueRequest *request, SourceRole role)
{
	Form_pg_attribute attribute = owner_attribute(call, call->source->column[role].attnum);
	const char *value = role == ROLE_USER ? request->user_id : request->tenant_id;
	char	   *sql = NULL;

	if (role == ROLE_SCOPE && request->scope != NULL)
		sql = new_scopes_given(call, request->scope);
	else if (role == ROLE_SCOPE && request->carried != NULL)
		sql = new_scopes_carried(call, request->carried);
	else if (role != ROLE_SCOPE && value != NULL)
		sql = owner_cast(call, role, value);
	return sql == NULL ? NULL :
		psprintf("CAST(%s AS %s)", sql,
				 format_type_extended(attribute->atttypid, attribute->atttypmod,
									  FORMAT_TYPE_TYPEMOD_GIVEN |
									  FORMAT_TYPE_FORCE_QUALIFY));
}

char *
new_row_untold(OwnerCall *call, const IssueRequest *request, bool by_row)
{
	static const SourceRole roles[] = {ROLE_USER, ROLE_TENANT, ROLE_SCOPE};
	StringInfoData sql;

	initStringInfo(&sql);
	for (int i = 0; i < (int) lengthof(roles); i++)
	{
		const char *expression;
		const char *tells;

		/* a parent may say it, or an expression */
		if (!AttributeNumberIsValid(call->source->column[roles[i]].attnum))
			continue;
		expression = by_row ? owner_column(call, roles[i]) :
			asked_value(call, request, roles[i]);
		tells = expression ? tells_role(call, request, roles[i], expression) : NULL;
		if (tells != NULL)
			appendStringInfo(&sql, " WHEN (%s) IS NOT TRUE THEN %d", tells, roles[i]);
	}
	return sql.len == 0 ? pstrdup("NULL") : psprintf("CASE%s END", sql.data);
}

void
new_row_cannot_tell(const OwnerCall *call, SourceRole role)
{
	const Source *source = call->source;
	const char *what = role == ROLE_USER ? "user" :
		role == ROLE_TENANT ? "tenant" : "scope";
	AttrNumber	attnum = source->column[role].attnum;

	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("column \"%s\" of token source \"%s\" would have another %s than was asked for",
					NameStr(owner_attribute(call, attnum)->attname),
					source->name, what),
			 errdetail("Its type has no room for that, or reads it as another one."),
			 errhint("Write it as the column does, or give the column another type.")));
}

/*
 * Does the condition hold for the new token's row?  A trigger or rule, also one that
 * comes afterwards, can have changed it.  What it has is told as when it was inserted.
 */
static bool
is_new_row(OwnerCall *call, const StoredValue *stored, const char *condition)
{
	QueryResult *rows;
	bool		found;

	call->makes_row = true;
	rows = owner_query_latest(call,
							  psprintf("SELECT FROM ONLY %s WHERE %s AND %s LIMIT 1",
									   owner_table(call),
									   owner_is_token(call, stored),
									   condition));
	call->makes_row = false;
	found = rows->nrows > 0;
	query_free(rows);
	return found;
}

void
new_row_check_issued(OwnerCall *call, const IssueRequest *request,
					 const StoredValue *stored)
{
	char	   *differs = psprintf("%s IS NOT NULL",
								   new_row_untold(call, request, true));

	if (is_new_row(call, stored, differs))
		ereport(ERROR,
				(errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION),
				 errmsg("the new token of source \"%s\" would be of another user, tenant or scope than was asked for",
						call->source->name),
				 errhint("A trigger, a rule or other code of table \"%s\" changes its row.",
						 RelationGetRelationName(call->table))));
}
