/*-------------------------------------------------------------------------
 *
 * remedy_attach.c
 *		SQL that attaches a source's table again, as the table is now.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/relation.h"
#include "operate/remedy.h"
#include "operate/remedy_parts.h"
#include "source/citext.h"
#include "source/mapping.h"
#include "source/mapping_keys.h"
#include "source/names.h"
#include "source/own_call.h"
#include "source/parent_keys.h"
#include "source/registry.h"
#include "source/statement.h"
#include "source/stored_as.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

/*
 * Has the source's table such a column?  If it is not the table that will be
 * attached, it is not asked.
 */
static bool
has_column(const Source *source, const char *name)
{
	return !OidIsValid(source->relation) ||
		(source->problem == PROBLEM_SWAPPED &&
		 source->problem_relation == source->relation) ||
		get_attnum(source->relation, name) > 0;
}

/* Does the source use that column of its table for anything? */
static bool
is_in_use(const Source *source, const char *name)
{
	ListCell   *lc;

	if (source_uses_column(source, name))
		return true;
	for (int i = 0; i < source->nparents; i++)
		if (source->parent[i].via == VIA_TOKEN &&
			strcmp(source->parent[i].from.name, name) == 0)
			return true;
	foreach(lc, source->claims)
		if (strcmp(lfirst(lc), name) == 0)
			return true;
	return false;
}

/* Can that column be what the source's column in a role was? */
static bool
can_be(const Source *source, SourceRole role, Relation table,
	   Form_pg_attribute attribute)
{
	return !attribute->attisdropped &&
		!is_in_use(source, NameStr(attribute->attname)) &&
		mapping_type_fits(source, role, plain_type(attribute->atttypid)) &&
		((role != ROLE_TOKEN && role != ROLE_ID) ||
		 remedy_has_unique_index(table, attribute->attnum));
}

/* What a role's column says, and what it means to have none. */
typedef struct RoleText
{
	const char *is;
	const char *without;		/* NULL: there must be one */
} RoleText;

static RoleText
role_text(const Source *source, SourceRole role)
{
	static const RoleText texts[] = {
		[ROLE_TOKEN] = {"has the tokens or their digests"},
		[ROLE_ID] = {"has the id of the token", "tokens have no id"},
		[ROLE_USER] = {"has the id of the user", "tokens are of no user"},
		[ROLE_TENANT] = {"has the id of the tenant", "tokens have no tenant"},
		[ROLE_SCOPE] = {"has the scope of the token", "tokens have no scope"},
		[ROLE_EXPIRES] = {"has the time when a token expires",
			"all expired tokens are valid again"},
		[ROLE_REVOKED] = {"is true or a time for revoked tokens, and never for live ones",
			"all revoked tokens are valid again"},
		[ROLE_USED] = {"has the time when a token of single use was used",
			"all used tokens are valid again"},
		[ROLE_LAST_USED] = {"is to have the time when a token was last used",
			"last uses are not written"},
		[ROLE_CREATED] = {"has the time when a token was made",
			"no token is known to be old"},
	};
	RoleText	text = texts[role];

	if (role == ROLE_REVOKED && source->active_values != NIL)
		text.is = "is one of active_values for live tokens only";
	return text;
}

/* The columns that can be what the source's column in a role was; "" if none. */
static char *
candidates(const Source *source, SourceRole role)
{
	Relation	table = relation_open(source->relation, AccessShareLock);
	StringInfoData names;

	initStringInfo(&names);
	for (int i = 0; i < RelationGetDescr(table)->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(table), i);

		if (can_be(source, role, table, attribute))
			appendStringInfo(&names, "%s%s", names.len > 0 ? " or " : ", perhaps ",
							 quote_literal_cstr(NameStr(attribute->attname)));
	}
	relation_close(table, AccessShareLock);
	return names.data;
}

/*
 * A place to fill in, for a column that is gone.  Which column it is now nobody
 * can tell but the user: one that looks like it can mean the opposite.
 */
static char *
column_place(const Source *source, SourceRole role)
{
	RoleText	text = role_text(source, role);

	return psprintf("the column that %s, now that %s is gone%s%s",
					text.is, quote_literal_cstr(source->column[role].name),
					candidates(source, role),
					text.without == NULL ? "" :
					psprintf(", or %s: then %s", "''", text.without));
}

static void
set_interval(OwnCall *call, const char *name, Interval *value)
{
	if (value != NULL)
		own_call_set(call, name,
					 DatumGetCString(DirectFunctionCall1(interval_out,
														 IntervalPGetDatum(value))));
}

static void
set_column(OwnCall *call, const Source *source, SourceRole role)
{
	const char *name = source->column[role].name;

	/* the mapping has what is in its place */
	if (source->column[role].expression != NULL ||
		(role == ROLE_REVOKED && source->flag_is_active))
	{
		own_call_set(call, role_argument(role), "");
		return;
	}

	if (role == ROLE_REVOKED && name == NULL &&
		source->on_revoke == ON_REVOKE_FLAG)
		own_call_set_place(call, role_argument(role),
						   "a column, added if need be, that is true or a time for revoked tokens, and never for live ones, or '': then tokenauth revokes none");
	else if (name != NULL && !has_column(source, name))
		own_call_set_place(call, role_argument(role),
						   column_place(source, role));
	else
		own_call_set(call, role_argument(role), name != NULL ? name : "");
}

static void
set_claims(OwnCall *call, const Source *source)
{
	ListCell   *lc;

	if (source->claims == NIL)
		return;
	foreach(lc, source->claims)
		if (!has_column(source, lfirst(lc)))
		{
			own_call_set_place(call, "claims",
							   psprintf("the columns that are claims, now that %s is gone",
										quote_literal_cstr(lfirst(lc))));
			return;
		}
	own_call_set_array(call, "claims", source->claims);
}

static void
set_timezone(OwnCall *call, const Source *source)
{
	if (mapping_timezone(source->timezone) != NULL)
		own_call_set(call, "timezone", source->timezone);
	else
		own_call_set_place(call, "timezone",
						   psprintf("the full name of the time zone that %s was",
									quote_literal_cstr(source->timezone)));
}

/* One that names a column that is gone fails, and says so. */
static void
set_mapping(OwnCall *call, Jsonb *mapping)
{
	if (mapping != NULL)
		own_call_set(call, "mapping",
					 JsonbToCString(NULL, &mapping->root, VARSIZE(mapping)));
}

/* What is told of a source beside its columns. */
static void
set_options(OwnCall *call, const Source *source)
{
	own_call_set(call, "prefix", source->prefix);
	own_call_set(call, "stored_as", stored_as_name(source->stored_as));
	own_call_set(call, "token_encoding", source_encodings[source->encoding]);
	if (source->active_values != NIL)
		own_call_set_array(call, "active_values", source->active_values);
	own_call_set(call, "on_revoke", source_on_revoke[source->on_revoke]);
	own_call_set(call, "live_when", source->live_when);
	set_claims(call, source);
	set_mapping(call, mapping_keys_write(source));
	set_timezone(call, source);
	own_call_set(call, "checksum", source->checksum ? "true" : "false");
	set_interval(call, "sliding_ttl", source->sliding_ttl);
	set_interval(call, "sliding_threshold", source->sliding_threshold);
	set_interval(call, "max_lifetime", source->max_lifetime);
}

/*
 * A table, as the fix names it: by its name of now or, if it is gone, by the
 * name that it had.  A place to fill in if it is not known which is meant.
 */
static void
set_table(OwnCall *call, const char *argument, const Source *source,
		  Oid relation, const char *name)
{
	char	   *now;

	if (get_rel_relkind(relation) == '\0')
	{
		own_call_set(call, argument, name);
		return;
	}
	now = quoted_relation(relation);
	if (source->problem == PROBLEM_SWAPPED &&
		relation == source->problem_relation)
		own_call_set_place(call, argument,
						   psprintf("%s if the table of that name now is meant, or %s, which was attached",
									quote_literal_cstr(name),
									quote_literal_cstr(now)));
	else if (source->problem == PROBLEM_NO_TRIGGERS &&
			 relation == source->problem_relation)
		own_call_set_place(call, argument,
						   psprintf("%s if that is the table that was attached",
									quote_literal_cstr(now)));
	else
		own_call_set(call, argument, now);
}

/* One that is gone, too: the fix fails then, for tokens depend on it. */
static char *
attach_parent(const Source *source, const SourceParent *parent)
{
	OwnCall    *call = own_call("tokenauth_attach_parent");

	own_call_set(call, "source", source->name);
	set_table(call, "parent", source, parent->relation, parent->name);
	if (parent->via != VIA_TOKEN || has_column(source, parent->from.name))
		own_call_set(call, "source_column", parent->from.name);
	else
		own_call_set_place(call, "source_column",
						   psprintf("the column that refers to it, now that %s is gone",
									quote_literal_cstr(parent->from.name)));
	own_call_set(call, "parent_column", parent->key.name);
	own_call_set(call, "live_when", parent->live_when);
	set_mapping(call, parent_keys_write(parent));
	return own_call_perform_sql(call);
}

static char *
detach(const Source *source)
{
	OwnCall    *call = own_call("tokenauth_detach");

	own_call_set(call, "source", source->name);
	return own_call_perform_sql(call);
}

/*
 * The stored conditions leave types of pg_catalog unqualified, and are read by
 * this search_path whenever they are.  An argument, if there is one, is a place.
 */
static char *
attach_again(const Source *source, const char *argument, const char *place)
{
	OwnCall    *call = own_call("tokenauth_attach");
	List	   *statements;

	set_table(call, "relation", source, source->relation,
			  source->relation_name);
	own_call_set(call, "source", source->name);
	for (SourceRole role = 0; role < ROLE_COUNT; role++)
		set_column(call, source, role);
	set_options(call, source);
	if (argument != NULL)
		own_call_set_place(call, argument, place);
	statements = list_make2(detach(source), own_call_perform_sql(call));
	for (int i = 0; i < source->nparents; i++)
		statements = lappend(statements,
							 attach_parent(source, &source->parent[i]));
	return statements_in_path(statements, "pg_catalog, pg_temp");
}

char *
remedy_attach_again(const Source *source)
{
	return attach_again(source, NULL, NULL);
}

char *
remedy_stored_form(const Source *source)
{
	return attach_again(source, "stored_as",
						psprintf("the form that the values have, instead of %s",
								 quote_literal_cstr(stored_as_name(source->stored_as))));
}

static char *
place_overlooked(const Overlooked *one, const char *now)
{
	const char *column = quote_literal_cstr(one->column);
	char	   *ignored = psprintf("%s as now, with %s in the ignored_columns of the mapping",
								   now, column);

	switch (one->way)
	{
		case WAY_COLUMN:
			return psprintf("%s if that ends the life of tokens, or %s",
							column, ignored);
		case WAY_ACTIVE_COLUMN:
			return psprintf("'' if column %s is true for live tokens, with that as active_column in the mapping; or %s",
							column, ignored);
		case WAY_EXPRESSION:
			return psprintf("'' if column %s says when tokens end, with an expires_expression in the mapping; or %s",
							column, ignored);
		case WAY_CONDITION:
			return psprintf("a condition with column %s if that ends the life of tokens, or %s",
							column, ignored);
		case WAY_NONE:
			return ignored;
	}
	pg_unreachable();
}

char *
remedy_overlooked(const Source *source, const Overlooked *one)
{
	const char *name;

	if (one->way == WAY_CONDITION || one->way == WAY_NONE)
		return attach_again(source, "live_when",
							place_overlooked(one, source->live_when == NULL ? "NULL" :
											 quote_literal_cstr(source->live_when)));
	name = one->role == ROLE_REVOKED && source->flag_is_active ? NULL :
		source->column[one->role].name;
	return attach_again(source, role_argument(one->role),
						place_overlooked(one, quote_literal_cstr(name != NULL ? name : "")));
}

char *
remedy_keep_rows(const Source *source)
{
	Source		flagged = *source;

	flagged.on_revoke = ON_REVOKE_FLAG;
	return remedy_attach_again(&flagged);
}
