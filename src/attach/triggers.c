/*-------------------------------------------------------------------------
 *
 * triggers.c
 *		Our triggers on tables; see triggers.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "attach/triggers.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "source/directory.h"
#include "source/mapping.h"
#include "source/names.h"
#include "source/source.h"
#include "utils/builtins.h"
#include "utils/rel.h"

/* Users may rename them: mapping.c finds them by their function. */
#define ROW_TRIGGER			"tokenauth_row"
#define TRUNCATE_TRIGGER	"tokenauth_truncate"

List *
triggers_sql(Oid relation)
{
	char	   *table = quoted_relation(relation);
	char	   *function = quoted_own("tokenauth_changed");

	return list_make3(psprintf("CREATE TRIGGER " ROW_TRIGGER
							   " AFTER INSERT OR UPDATE OR DELETE ON %s"
							   " FOR EACH ROW EXECUTE FUNCTION %s();",
							   table, function),
					  psprintf("CREATE TRIGGER " TRUNCATE_TRIGGER
							   " AFTER TRUNCATE ON %s"
							   " FOR EACH STATEMENT EXECUTE FUNCTION %s();",
							   table, function),
					  psprintf("ALTER TABLE %s ENABLE ALWAYS TRIGGER " ROW_TRIGGER
							   ", ENABLE ALWAYS TRIGGER " TRUNCATE_TRIGGER ";",
							   table));
}

void
triggers_create(const ExtensionInfo *extension, Oid relation)
{
	ListCell   *lc;

	source_refresh();
	if (mapping_has_triggers(relation))
		return;
	foreach(lc, triggers_sql(relation))
		extension_execute(extension, lfirst(lc), 0, NULL, NULL, NULL);
}

void
triggers_drop(const ExtensionInfo *extension, Oid relation)
{
	Relation	table;
	TriggerDesc *triggers;

	source_refresh();
	if (source_users_of(relation) != NIL)
		return;
	table = table_open(relation, NoLock);
	triggers = CopyTriggerDesc(table->trigdesc);
	table_close(table, NoLock);
	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		Trigger    *trigger = &triggers->triggers[i];

		if (trigger->tgfoid == extension->trigger_function)
			extension_execute(extension,
							  psprintf("DROP TRIGGER %s ON %s",
									   quote_identifier(trigger->tgname),
									   quoted_relation(relation)),
							  0, NULL, NULL, NULL);
	}
}
