/*-------------------------------------------------------------------------
 *
 * convention.c
 *		What a column is, by its name; see convention.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "attach/convention.h"
#include "base/compat.h"
#include "source/registry.h"
#include "source/token_columns.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

/* A name without underscores, in lower case, of a role's columns. */
typedef struct Convention
{
	SourceRole	role;
	bool		is_active;		/* true is what is live */
	const char *name;
	bool		is_weak;		/* it may be something else, so it is told only */
} Convention;

/* Of one role the first comes first. */
static const Convention conventions[] = {
	{ROLE_ID, false, "id"},
	{ROLE_USER, false, "userid"},
	{ROLE_TENANT, false, "tenantid"},
	{ROLE_SCOPE, false, "scope"},
	{ROLE_EXPIRES, false, "expiresat"},
	{ROLE_EXPIRES, false, "expires"},
	{ROLE_EXPIRES, false, "expireson"},
	{ROLE_EXPIRES, false, "expiredat"},
	{ROLE_EXPIRES, false, "expiry"},
	{ROLE_EXPIRES, false, "expirydate"},
	{ROLE_EXPIRES, false, "expire"},
	{ROLE_EXPIRES, false, "expiration"},
	{ROLE_EXPIRES, false, "expirationdate"},
	{ROLE_EXPIRES, false, "expirationtime"},
	{ROLE_EXPIRES, false, "expiresin"},
	{ROLE_EXPIRES, false, "validuntil"},
	{ROLE_EXPIRES, false, "validto"},
	{ROLE_EXPIRES, false, "notafter"},
	{ROLE_REVOKED, false, "revoked"},
	{ROLE_REVOKED, false, "revokedat"},
	{ROLE_REVOKED, false, "isrevoked", true},
	{ROLE_REVOKED, false, "disabled", true},
	{ROLE_REVOKED, false, "disabledat", true},
	{ROLE_REVOKED, false, "isdisabled", true},
	{ROLE_REVOKED, false, "deletedat", true},
	{ROLE_REVOKED, false, "deleted", true},
	{ROLE_REVOKED, false, "isdeleted", true},
	{ROLE_REVOKED, true, "enabled", true},
	{ROLE_REVOKED, true, "isenabled", true},
	{ROLE_REVOKED, true, "active", true},
	{ROLE_REVOKED, true, "isactive", true},
	{ROLE_USED, false, "usedat"},
	{ROLE_LAST_USED, false, "lastusedat"},
	{ROLE_CREATED, false, "createdat"},
};

static bool
is_called(const char *column, const char *name)
{
	for (; *column != '\0'; column++)
	{
		if (*column == '_')
			continue;
		if (pg_ascii_tolower((unsigned char) *column) != (unsigned char) *name)
			return false;
		name++;
	}
	return *name == '\0';
}

/*
 * Would the column have no tokens if it had the role?  That goes by the role, too, of
 * what the source's verify uses.
 */
static bool
is_free_for(const Source *source, SourceRole role, Form_pg_attribute attribute)
{
	Source		with_role = *source;

	with_role.column[role].name = NameStr(attribute->attname);
	return tokens_in_column(&with_role, source->relation,
							attribute->attnum) == NULL;
}

/* The column of a table that is called so, and holds no tokens; or NULL. */
static char *
find_column(const Source *source, const Convention *convention)
{
	Relation	table = table_open(source->relation, NoLock);
	char	   *found = NULL;

	for (int i = 0; i < RelationGetDescr(table)->natts && found == NULL; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(table), i);
		const char *column = NameStr(attribute->attname);

		if (!attribute->attisdropped && is_called(column, convention->name) &&
			is_free_for(source, convention->role, attribute))
			found = pstrdup(column);
	}
	table_close(table, NoLock);
	return found;
}

void
convention_choose(Source *source, SourceRole role)
{
	for (int i = 0; i < (int) lengthof(conventions); i++)
	{
		const Convention *convention = &conventions[i];
		char	   *column;

		if (convention->role != role || convention->is_weak)
			continue;
		column = find_column(source, convention);
		if (column == NULL)
			continue;
		source->column[role].name = column;
		return;
	}
}

/* Does a column count for a token's life, or tell of it besides? */
static bool
counts(const Source *source, const char *column)
{
	AttrNumber	attnum = get_attnum(source->relation, column);

	for (SourceRole role = 0; role < ROLE_COUNT; role++)
		if (source->column[role].name != NULL &&
			strcmp(source->column[role].name, column) == 0)
			return true;
	/* of a revoked token it says since when */
	return bms_is_member(attnum, source->matters) ||
		(is_called(column, "revokedat") && source_has_role(source, ROLE_REVOKED));
}

List *
convention_overlooked(const Source *source)
{
	List	   *all = NIL;

	for (int i = 0; i < (int) lengthof(conventions); i++)
	{
		const Convention *convention = &conventions[i];
		Overlooked *one;
		char	   *column;

		if (convention->role != ROLE_EXPIRES &&
			convention->role != ROLE_REVOKED)
			continue;
		column = find_column(source, convention);
		if (column == NULL || counts(source, column))
			continue;
		one = palloc(sizeof(Overlooked));
		one->role = convention->role;
		one->is_active = convention->is_active;
		one->column = column;
		all = lappend(all, one);
	}
	return all;
}

void
convention_look(const Source *source, const bool told[ROLE_COUNT])
{
	ListCell   *lc;

	foreach(lc, convention_overlooked(source))
	{
		const Overlooked *one = lfirst(lc);

		if (told[one->role])
			continue;
		ereport(NOTICE,
				(errmsg("column \"%s\" does not count for the tokens of source \"%s\"",
						one->column, source->name),
				 errdetail("By its name it could end their life."),
				 errhint("If it does, name it as %s, or use it in live_when.",
						 one->is_active ?
						 "the active_column of the mapping" :
						 role_argument(one->role))));
	}
}
