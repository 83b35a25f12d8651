/*-------------------------------------------------------------------------
 *
 * deletion.c
 *		Is a row of a token table nothing but a token?  See deletion.h.
 *
 * A table of accounts can have a column with a token.  Its rows must not be
 * deleted to revoke a token.  Such a table shows by its keys: other tables refer
 * to it, or it has one row for each user.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "catalog/pg_index.h"
#include "commands/trigger.h"
#include "source/deletion.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/reltrigger.h"
#include "utils/syscache.h"

/*
 * Another table with a foreign key to this one; InvalidOid if there is none.
 * A foreign key shows as triggers of the table that it refers to.
 */
static Oid
referencing_table(Relation table)
{
	const TriggerDesc *triggers = table->trigdesc;

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		const Trigger *trigger = &triggers->triggers[i];

		if (RI_FKey_trigger_type(trigger->tgfoid) == RI_TRIGGER_PK &&
			OidIsValid(trigger->tgconstrrelid) &&
			trigger->tgconstrrelid != RelationGetRelid(table))
			return trigger->tgconstrrelid;
	}
	return InvalidOid;
}

/* Does a column of the table, by itself, refer to another table? */
static bool
is_foreign_key(Relation table, AttrNumber attnum)
{
	ListCell   *lc;

	foreach(lc, RelationGetFKeyList(table))
	{
		const ForeignKeyCacheInfo *key = lfirst(lc);

		if (key->nkeys == 1 && key->conkey[0] == attnum &&
			key->confrelid != RelationGetRelid(table))
			return true;
	}
	return false;
}

/* Can the table have one row only for each value of a column? */
static bool
is_unique(Relation table, AttrNumber attnum, bool *is_primary)
{
	List	   *indexes = RelationGetIndexList(table);
	bool		found = false;
	ListCell   *lc;

	*is_primary = false;
	foreach(lc, indexes)
	{
		HeapTuple	tuple = SearchSysCache1(INDEXRELID,
											ObjectIdGetDatum(lfirst_oid(lc)));
		Form_pg_index index;

		if (!HeapTupleIsValid(tuple))
			continue;
		index = (Form_pg_index) GETSTRUCT(tuple);
		if (index->indisunique && index->indnkeyatts == 1 &&
			index->indkey.values[0] == attnum &&
			heap_attisnull(tuple, Anum_pg_index_indpred, NULL))
		{
			found = true;
			*is_primary |= index->indisprimary;
		}
		ReleaseSysCache(tuple);
	}
	list_free(indexes);
	return found;
}

char *
deletion_objection(const Source *source, Relation table)
{
	Oid			referencing = referencing_table(table);
	AttrNumber	user = source->column[ROLE_USER].attnum;
	const char *user_name = source->column[ROLE_USER].name;
	bool		is_primary;

	if (OidIsValid(referencing))
		return psprintf("Table \"%s\" has a foreign key that refers to it.",
						get_rel_name(referencing));
	if (!AttributeNumberIsValid(user))
		return NULL;
	if (user == source->column[ROLE_ID].attnum)
		return psprintf("Column \"%s\" is the id of the row and of the user: the row is the user's account.",
						user_name);
	if (is_unique(table, user, &is_primary) &&
		(is_primary || !is_foreign_key(table, user)))
		return psprintf("Column \"%s\" identifies the user and is unique: the row can be the user's account.",
						user_name);
	return NULL;
}
