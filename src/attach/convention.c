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
#include "attach/looks.h"
#include "base/compat.h"
#include "catalog/pg_type.h"
#include "source/directory.h"
#include "source/generated.h"
#include "source/registry.h"
#include "source/token_columns.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

/* A name without underscores, in lower case, of the column that has a role. */
typedef struct Convention
{
	SourceRole	role;
	const char *name;
} Convention;

/*
 * Of one role the first comes first.  What revoking, renewing or using up a token would
 * write to is here only if it can be nothing else.
 */
static const Convention conventions[] = {
	{ROLE_ID, "id"},
	{ROLE_USER, "userid"},
	{ROLE_TENANT, "tenantid"},
	{ROLE_SCOPE, "scope"},
	{ROLE_EXPIRES, "expiresat"},
	{ROLE_EXPIRES, "expires"},
	{ROLE_EXPIRES, "expireson"},
	{ROLE_EXPIRES, "expiredat"},
	{ROLE_EXPIRES, "expiry"},
	{ROLE_EXPIRES, "expirydate"},
	{ROLE_EXPIRES, "expire"},
	{ROLE_EXPIRES, "expiration"},
	{ROLE_EXPIRES, "expirationdate"},
	{ROLE_EXPIRES, "expirationtime"},
	{ROLE_EXPIRES, "expiresin"},
	{ROLE_EXPIRES, "validuntil"},
	{ROLE_EXPIRES, "validtill"},
	{ROLE_EXPIRES, "validto"},
	{ROLE_EXPIRES, "notafter"},
	{ROLE_REVOKED, "revoked"},
	{ROLE_REVOKED, "revokedat"},
	{ROLE_REVOKED, "isrevoked"},
	{ROLE_REVOKED, "revokedon"},
	{ROLE_USED, "usedat"},
	{ROLE_USED, "consumedat"},
	{ROLE_USED, "redeemedat"},
	{ROLE_USED, "usedon"},
	{ROLE_LAST_USED, "lastusedat"},
	{ROLE_CREATED, "createdat"},
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

/* The first of a table's columns that has the name, and can have the role; or NULL. */
static char *
find_column(const Source *source, const Convention *convention)
{
	Relation	table = table_open(source->relation, NoLock);
	char	   *found = NULL;

	for (int i = 0; found == NULL && i < RelationGetDescr(table)->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(table), i);
		char	   *column = NameStr(attribute->attname);

		if (!attribute->attisdropped && is_called(column, convention->name) &&
			(!can_do_without(convention->role) ||
			 is_free_for(source, convention->role, attribute->attnum, column)))
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
		if (conventions[i].role != role)
			continue;
		source->column[role].name = find_column(source, &conventions[i]);
		if (source->column[role].name != NULL)
			return;
	}
}

/* ---------- what counts for nothing ---------- */

/*
 * The columns that have a role, or that a role, condition or parent is found by.  A claim
 * is only told.
 */
static Bitmapset *
columns_that_count(const Source *source)
{
	Bitmapset  *columns = bms_copy(source->made_of);

	for (int role = 0; role < ROLE_COUNT; role++)
		if (AttributeNumberIsValid(source->column[role].attnum))
			columns = bms_add_member(columns, source->column[role].attnum);
	for (int i = 0; i < source->nparents; i++)
		if (source->parent[i].via == VIA_TOKEN &&
			AttributeNumberIsValid(source->parent[i].from.attnum))
			columns = bms_add_member(columns, source->parent[i].from.attnum);
	columns = add_columns_of_node(columns, source->condition);
	columns = add_columns_of_node(columns, source->verify_node);
	return generated_with_origins(source->relation, columns);
}

/* Is it until when another token of the row lives, or when that was used? */
static bool
is_of_another_token(const Source *source, SourceRole role, const char *column)
{
	ListCell   *lc;

	if (role != ROLE_EXPIRES && role != ROLE_USED)
		return false;
	foreach(lc, source_all_of(source->relation))
	{
		const Source *other = lfirst(lc);

		if (source_role_is(other, role, column) &&
			!source_role_is(other, ROLE_TOKEN, source->column[ROLE_TOKEN].name))
			return true;
	}
	return false;
}

static bool
is_ignored(const Source *source, const char *column)
{
	ListCell   *lc;

	foreach(lc, source->ignored)
		if (strcmp(lfirst(lc), column) == 0)
			return true;
	return false;
}

static bool
is_moment(Form_pg_attribute attribute)
{
	Oid			type = getBaseType(attribute->atttypid);

	return type == TIMESTAMPTZOID || type == TIMESTAMPOID || type == DATEOID;
}

/* The role that a column which looks so would have; ROLE_COUNT if there is none. */
static SourceRole
role_of(Looks looks)
{
	switch (looks)
	{
		case LOOKS_LIKE_END:
		case LOOKS_LIKE_LIFE:
			return ROLE_REVOKED;
		case LOOKS_LIKE_USE:
			return ROLE_USED;
		case LOOKS_LIKE_EXPIRY:
			return ROLE_EXPIRES;
		default:
			return ROLE_COUNT;
	}
}

/* A table's columns, of which those that count, and what each looks like. */
typedef struct Columns
{
	const Source *source;
	TupleDesc	desc;
	Bitmapset  *counting;
	ColumnLooks *looks;
} Columns;

static bool
is_same_word(const ColumnLooks *a, const ColumnLooks *b)
{
	return a->stem != NULL && b->stem != NULL && strcmp(a->stem, b->stem) == 0;
}

/* Is that the role's flag, or a status that can say what such a flag does? */
static bool
says_whether(const Columns *columns, SourceRole role, int attnum,
			 const ColumnLooks *looks)
{
	const Source *source = columns->source;

	return attnum == source->column[role].attnum &&
		(is_same_word(&columns->looks[attnum - 1], looks) ||
		 (source->active_values != NIL && strcmp(looks->stem, "revok") == 0));
}

/*
 * Is there a column that counts, beside which this one only tells more of the same:
 * revoked_by and, where the flag of that name, or a status, has the role, since when?
 * That a flag is beside a time does not say that it is set whenever that is.
 */
static bool
tells_more(const Columns *columns, Form_pg_attribute attribute)
{
	const ColumnLooks *looks = &columns->looks[attribute->attnum - 1];
	SourceRole	role = role_of(looks->looks);
	bool		is_since = is_moment(attribute) && !looks->is_future &&
		(role == ROLE_REVOKED || role == ROLE_USED);
	int			attnum = -1;

	if (!looks->is_detail && !is_since)
		return false;
	while ((attnum = bms_next_member(columns->counting, attnum)) >= 0)
	{
		if (attnum <= 0)
			continue;
		if (looks->is_detail && is_same_word(&columns->looks[attnum - 1], looks))
			return true;
		if (is_since && !is_moment(TupleDescAttr(columns->desc, attnum - 1)) &&
			says_whether(columns, role, attnum, looks))
			return true;
	}
	return false;
}

static OverlookedWay
way_of(Looks looks, Form_pg_attribute attribute)
{
	switch (looks)
	{
		case LOOKS_LIKE_LIFE:
			return is_moment(attribute) ? WAY_CONDITION : WAY_ACTIVE_COLUMN;
		case LOOKS_LIKE_USE:
			return is_moment(attribute) ? WAY_COLUMN : WAY_CONDITION;
		case LOOKS_LIKE_EXPIRY:
			return is_moment(attribute) ? WAY_COLUMN : WAY_EXPRESSION;
		case LOOKS_LIKE_LIMIT:
			return WAY_CONDITION;
		case LOOKS_LIKE_BEGIN:
			return WAY_NONE;
		default:
			return WAY_COLUMN;
	}
}

/* One column, or NULL if it is not overlooked. */
static Overlooked *
look_at(const Columns *columns, Form_pg_attribute attribute)
{
	const Source *source = columns->source;
	const char *name = NameStr(attribute->attname);
	Looks		looks = columns->looks[attribute->attnum - 1].looks;
	Overlooked *one;

	if (attribute->attisdropped || looks == LOOKS_LIKE_NOTHING ||
		bms_is_member(attribute->attnum, columns->counting) ||
		is_ignored(source, name) || tells_more(columns, attribute))
		return NULL;
	/* that it has expired, rather than when */
	if (looks == LOOKS_LIKE_EXPIRY && getBaseType(attribute->atttypid) == BOOLOID)
		looks = LOOKS_LIKE_END;
	if (is_of_another_token(source, role_of(looks), name))
		return NULL;
	one = palloc(sizeof(Overlooked));
	one->role = role_of(looks);
	one->way = way_of(looks, attribute);
	one->column = pstrdup(name);
	return one;
}

List *
convention_overlooked(const Source *source)
{
	Relation	table = table_open(source->relation, NoLock);
	Columns		columns = {source, RelationGetDescr(table)};
	List	   *all = NIL;

	columns.counting = columns_that_count(source);
	columns.looks = palloc(sizeof(ColumnLooks) * columns.desc->natts);
	for (int i = 0; i < columns.desc->natts; i++)
		columns.looks[i] = column_looks(NameStr(TupleDescAttr(columns.desc, i)->attname));
	for (int i = 0; i < columns.desc->natts; i++)
	{
		Overlooked *one = look_at(&columns, TupleDescAttr(columns.desc, i));

		if (one != NULL)
			all = lappend(all, one);
	}
	table_close(table, NoLock);
	return all;
}

static const char *
way_out(const Overlooked *one)
{
	const char *name = "";

	switch (one->way)
	{
		case WAY_COLUMN:
			name = psprintf("name it as %s, or ", role_argument(one->role));
			break;
		case WAY_ACTIVE_COLUMN:
			name = "name it as the active_column of the mapping, or ";
			break;
		case WAY_EXPRESSION:
			name = "use it in the expires_expression of the mapping, or ";
			break;
		case WAY_CONDITION:
			break;
		case WAY_NONE:
			return "Tokens count from when they are in the table, whatever it says; so";
	}
	return psprintf("If it does, %suse it in live_when; if not,", name);
}

void
convention_look(const Source *source, const bool none[ROLE_COUNT])
{
	ListCell   *lc;

	foreach(lc, convention_overlooked(source))
	{
		const Overlooked *one = lfirst(lc);

		if (one->role != ROLE_COUNT && none[one->role] &&
			!source_has_role(source, one->role))
			continue;
		ereport(NOTICE,
				(errmsg("column \"%s\" does not count for the tokens of source \"%s\"",
						one->column, source->name),
				 one->way == WAY_NONE ?
				 errdetail("By its name it could be when their life begins.") :
				 errdetail("By its name it could end their life."),
				 errhint("%s name it in the ignored_columns of the mapping.",
						 way_out(one))));
	}
}
