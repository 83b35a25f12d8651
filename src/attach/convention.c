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

/* What a column is that has a name. */
typedef enum Strength
{
	IS_IT,						/* that is called so has the role */
	MAY_BE_IT,					/* that is called so may have it: it is told */
	SOUNDS_LIKE_IT				/* with the name as a part of its own may have it, which
								 * is told if nothing else has it */
} Strength;

/* A name without underscores, in lower case, of a role's columns. */
typedef struct Convention
{
	SourceRole	role;
	bool		is_active;		/* true is what is live */
	const char *name;
	Strength	strength;
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
	{ROLE_EXPIRES, false, "ttl", MAY_BE_IT},
	{ROLE_EXPIRES, false, "expir", SOUNDS_LIKE_IT},
	{ROLE_EXPIRES, false, "validuntil", SOUNDS_LIKE_IT},
	{ROLE_EXPIRES, false, "notafter", SOUNDS_LIKE_IT},
	{ROLE_EXPIRES, false, "tokenttl", SOUNDS_LIKE_IT},
	{ROLE_REVOKED, false, "revoked"},
	{ROLE_REVOKED, false, "revokedat"},
	{ROLE_REVOKED, false, "isrevoked", MAY_BE_IT},
	{ROLE_REVOKED, false, "disabled", MAY_BE_IT},
	{ROLE_REVOKED, false, "disabledat", MAY_BE_IT},
	{ROLE_REVOKED, false, "isdisabled", MAY_BE_IT},
	{ROLE_REVOKED, false, "deletedat", MAY_BE_IT},
	{ROLE_REVOKED, false, "deleted", MAY_BE_IT},
	{ROLE_REVOKED, false, "isdeleted", MAY_BE_IT},
	{ROLE_REVOKED, true, "enabled", MAY_BE_IT},
	{ROLE_REVOKED, true, "isenabled", MAY_BE_IT},
	{ROLE_REVOKED, true, "active", MAY_BE_IT},
	{ROLE_REVOKED, true, "isactive", MAY_BE_IT},
	{ROLE_REVOKED, false, "revoke", SOUNDS_LIKE_IT},
	{ROLE_REVOKED, false, "deleted", SOUNDS_LIKE_IT},
	{ROLE_REVOKED, false, "disabled", SOUNDS_LIKE_IT},
	{ROLE_REVOKED, false, "invalidated", SOUNDS_LIKE_IT},
	{ROLE_REVOKED, false, "suspended", SOUNDS_LIKE_IT},
	{ROLE_REVOKED, false, "blocked", SOUNDS_LIKE_IT},
	{ROLE_REVOKED, false, "banned", SOUNDS_LIKE_IT},
	{ROLE_REVOKED, false, "status", SOUNDS_LIKE_IT},
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

static bool
sounds_like(const char *column, const char *name)
{
	char		squeezed[NAMEDATALEN];
	int			length = 0;

	for (; *column != '\0'; column++)
		if (*column != '_')
			squeezed[length++] = pg_ascii_tolower((unsigned char) *column);
	squeezed[length] = '\0';
	return strstr(squeezed, name) != NULL;
}

static bool
fits(const Convention *convention, const char *column)
{
	return convention->strength == SOUNDS_LIKE_IT ?
		sounds_like(column, convention->name) :
		is_called(column, convention->name);
}

/*
 * Would the column have no tokens if it had the role?  That goes by the role, too, of
 * what the source's verify uses.
 */
static bool
is_free_for(const Source *source, SourceRole role, AttrNumber attnum,
			char *column)
{
	Source		with_role = *source;

	with_role.column[role].name = column;
	return tokens_in_column(&with_role, source->relation, attnum) == NULL;
}

/*
 * May it be left out silently if it has tokens?  Then a source tells less; but without
 * what ends tokens, or says whose they are, it would take more.
 */
static bool
can_do_without(SourceRole role)
{
	return role == ROLE_ID || role == ROLE_SCOPE || role == ROLE_LAST_USED ||
		role == ROLE_CREATED;
}

/* The names of a table's columns that fit, and can have the role. */
static List *
find_columns(const Source *source, const Convention *convention)
{
	Relation	table = table_open(source->relation, NoLock);
	List	   *found = NIL;

	for (int i = 0; i < RelationGetDescr(table)->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(table), i);
		char	   *column = NameStr(attribute->attname);

		if (!attribute->attisdropped && fits(convention, column) &&
			(!can_do_without(convention->role) ||
			 is_free_for(source, convention->role, attribute->attnum, column)))
			found = lappend(found, pstrdup(column));
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
		List	   *columns;

		if (convention->role != role || convention->strength != IS_IT)
			continue;
		columns = find_columns(source, convention);
		if (columns == NIL)
			continue;
		source->column[role].name = linitial(columns);
		return;
	}
}

/* Does a column count for a token's life, or tell of it besides? */
static bool
counts(const Source *source, const char *column)
{
	AttrNumber	attnum = get_attnum(source->relation, column);

	if (source_uses_column(source, column))
		return true;
	/* of a revoked token it says since when */
	return bms_is_member(attnum, source->matters) ||
		(is_called(column, "revokedat") && source_has_role(source, ROLE_REVOKED));
}

static bool
is_listed(List *all, const char *column)
{
	ListCell   *lc;

	foreach(lc, all)
		if (strcmp(((Overlooked *) lfirst(lc))->column, column) == 0)
			return true;
	return false;
}

/* Those of one convention, besides all. */
static List *
overlooked_by(const Source *source, const Convention *convention, List *all)
{
	ListCell   *lc;

	if (convention->strength == SOUNDS_LIKE_IT &&
		source_has_role(source, convention->role))
		return all;
	foreach(lc, find_columns(source, convention))
	{
		char	   *column = lfirst(lc);
		Overlooked *one;

		if (counts(source, column) || is_listed(all, column))
			continue;
		one = palloc(sizeof(Overlooked));
		one->role = convention->role;
		one->is_active = convention->is_active;
		one->column = column;
		all = lappend(all, one);
	}
	return all;
}

List *
convention_overlooked(const Source *source)
{
	List	   *all = NIL;

	for (int i = 0; i < (int) lengthof(conventions); i++)
		if (conventions[i].role == ROLE_EXPIRES ||
			conventions[i].role == ROLE_REVOKED)
			all = overlooked_by(source, &conventions[i], all);
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
