/*-------------------------------------------------------------------------
 *
 * deletion.c
 *		Is a row of a token table nothing but a token?  See deletion.h.
 *
 * A table of accounts can have a column with a token.  Its rows must not be
 * deleted to revoke a token.  The catalogs tell by what refers to a row, and by
 * what a row is known by.  A row is taken for a token alone if
 *
 *	- no foreign key refers to the table, be it the table's own: a deletion
 *	  would delete or change other rows, or fail;
 *	- each key of the table (a unique index or an exclusion constraint, also a
 *	  partial one or one on expressions) is one that a token has: it contains
 *	  the token or its id; or the user (where no user is known, the tenant) and
 *	  something that tells the tokens of one apart, such as a device's name; or
 *	  it is a foreign key, for then the account is elsewhere.  A primary key that
 *	  is a foreign key is refused: the row extends that account.
 *
 * Any other key can be that of an account: (tenant_id, user_id), lower(email),
 * (tenant_id, email); or of a membership: a user, and a foreign key.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/sysattr.h"
#include "catalog/pg_index.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "nodes/nodes.h"
#include "optimizer/optimizer.h"
#include "source/deletion.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/reltrigger.h"
#include "utils/syscache.h"

/*
 * A table with a foreign key to this one, which may be itself; InvalidOid if
 * there is none.  A foreign key shows as triggers of the table that it refers
 * to.
 */
static Oid
referencing_table(Relation table)
{
	const TriggerDesc *triggers = table->trigdesc;

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		const Trigger *trigger = &triggers->triggers[i];

		if (RI_FKey_trigger_type(trigger->tgfoid) == RI_TRIGGER_PK &&
			OidIsValid(trigger->tgconstrrelid))
			return trigger->tgconstrrelid;
	}
	return InvalidOid;
}

/* Sets of columns are as pull_varattnos() makes them. */
static int
member(AttrNumber attnum)
{
	return attnum - FirstLowInvalidHeapAttributeNumber;
}

static bool
contains(const Bitmapset *columns, AttrNumber attnum)
{
	return AttributeNumberIsValid(attnum) &&
		bms_is_member(member(attnum), columns);
}

/* Do these columns refer to a row of another table? */
static bool
is_foreign_key(Relation table, const Bitmapset *columns)
{
	ListCell   *lc;

	foreach(lc, RelationGetFKeyList(table))
	{
		const ForeignKeyCacheInfo *key = lfirst(lc);
		Bitmapset  *referring = NULL;

		for (int i = 0; i < key->nkeys; i++)
			referring = bms_add_member(referring, member(key->conkey[i]));
		if (bms_equal(referring, columns))
			return true;
	}
	return false;
}

/* A key of the table; false if the index is none. */
typedef struct Key
{
	Bitmapset  *columns;		/* also those in its expressions */
	bool		is_primary;
} Key;

static bool
read_key(Oid index_oid, Key *key)
{
	HeapTuple	tuple = SearchSysCache1(INDEXRELID,
										ObjectIdGetDatum(index_oid));
	Form_pg_index index;
	Datum		expressions;
	bool		isnull;
	bool		is_key;

	if (!HeapTupleIsValid(tuple))
		return false;
	index = (Form_pg_index) GETSTRUCT(tuple);
	is_key = index->indisunique || index->indisexclusion;
	key->is_primary = index->indisprimary;
	key->columns = NULL;
	for (int i = 0; i < index->indnkeyatts; i++)
		if (AttributeNumberIsValid(index->indkey.values[i]))
			key->columns = bms_add_member(key->columns,
										  member(index->indkey.values[i]));
	expressions = SysCacheGetAttr(INDEXRELID, tuple, Anum_pg_index_indexprs,
								  &isnull);
	if (!isnull)
		pull_varattnos(stringToNode(TextDatumGetCString(expressions)), 1,
					   &key->columns);
	ReleaseSysCache(tuple);
	return is_key;
}

/* Can a token have such a key? */
static bool
is_of_token(const Source *source, Relation table, const Key *key)
{
	AttrNumber	user = source->column[ROLE_USER].attnum;
	AttrNumber	tenant = source->column[ROLE_TENANT].attnum;
	AttrNumber	holder = AttributeNumberIsValid(user) ? user : tenant;
	Bitmapset  *rest = bms_copy(key->columns);

	if (contains(key->columns, source->column[ROLE_TOKEN].attnum) ||
		contains(key->columns, source->column[ROLE_ID].attnum))
		return true;
	if (contains(key->columns, holder))
	{
		rest = bms_del_member(rest, member(holder));
		if (AttributeNumberIsValid(tenant))
			rest = bms_del_member(rest, member(tenant));
		if (!bms_is_empty(rest) && !is_foreign_key(table, rest))
			return true;
	}
	return !key->is_primary && is_foreign_key(table, key->columns);
}

static char *
quoted_names(Oid relation, const Bitmapset *columns)
{
	StringInfoData names;
	int			i = -1;

	initStringInfo(&names);
	while ((i = bms_next_member(columns, i)) >= 0)
	{
		AttrNumber	attnum = i + FirstLowInvalidHeapAttributeNumber;

		/* the whole row has no name */
		if (AttributeNumberIsValid(attnum))
			appendStringInfo(&names, "%s\"%s\"", names.len > 0 ? ", " : "",
							 get_attname(relation, attnum, false));
	}
	return names.data;
}

static char *
object_to_key(const Source *source, const Key *key)
{
	char	   *names = quoted_names(source->relation, key->columns);
	bool		is_one = bms_membership(key->columns) == BMS_SINGLETON;

	if (is_one && contains(key->columns, source->column[ROLE_USER].attnum))
		return psprintf("Column %s identifies the user and is unique: the row can be the user's account.",
						names);
	return psprintf("The table has a unique key (%s) that a table of tokens would not have: the row can be an account.%s",
					names[0] != '\0' ? names : "an expression",
					is_one && source->column[ROLE_ID].name == NULL ?
					" If it is the token's own id, name it in the argument \"id_column\"." : "");
}

/* The first key that a token does not have; the result is what is said of it. */
static char *
key_objection(const Source *source, Relation table)
{
	List	   *indexes = RelationGetIndexList(table);
	char	   *objection = NULL;
	ListCell   *lc;

	foreach(lc, indexes)
	{
		Key			key;

		CHECK_FOR_INTERRUPTS();
		if (read_key(lfirst_oid(lc), &key) &&
			!is_of_token(source, table, &key))
		{
			objection = object_to_key(source, &key);
			break;
		}
	}
	list_free(indexes);
	return objection;
}

/* Is the row's id that of the token's holder? */
static bool
is_id_of(const Source *source, SourceRole holder)
{
	return AttributeNumberIsValid(source->column[holder].attnum) &&
		source->column[holder].attnum == source->column[ROLE_ID].attnum;
}

char *
deletion_objection(const Source *source, Relation table)
{
	Oid			referencing = referencing_table(table);

	if (referencing == RelationGetRelid(table))
		return pstrdup("Rows of the table refer to each other by a foreign key.");
	if (OidIsValid(referencing))
		return psprintf("Table \"%s\" has a foreign key that refers to it.",
						get_rel_name(referencing));
	if (is_id_of(source, ROLE_USER))
		return psprintf("Column \"%s\" is the id of the row and of the user: the row is the user's account.",
						source->column[ROLE_USER].name);
	if (is_id_of(source, ROLE_TENANT))
		return psprintf("Column \"%s\" is the id of the row and of the tenant: the row is the tenant's account.",
						source->column[ROLE_TENANT].name);
	return key_objection(source, table);
}
