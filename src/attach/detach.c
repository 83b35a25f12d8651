/*-------------------------------------------------------------------------
 *
 * detach.c
 *		SQL: tokenauth_detach().
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "attach/attach.h"
#include "attach/register.h"
#include "attach/triggers.h"
#include "base/compat.h"
#include "base/stats.h"
#include "judge/judge.h"
#include "source/extension.h"
#include "storage/lmgr.h"
#include "utils/lsyscache.h"

/*
 * tokenauth_detach(source name) returns void
 *
 * The inverse: the tables stay, our triggers go.  The caller must own the
 * token table.
 */
TOKENAUTH_FUNCTION(tokenauth_detach);
Datum
tokenauth_detach(PG_FUNCTION_ARGS)
{
	Source	   *source = judge_named_source(NameStr(*PG_GETARG_NAME(0)));
	Oid			relation = source->relation;
	ExtensionInfo extension;

	attach_lock_table(relation);
	extension_require(&extension);

	register_remove(&extension, relation);
	triggers_drop(&extension, relation);
	/* the Source is retired by now, and good until the transaction's end */
	for (int i = 0; i < source->nparents; i++)
		if (get_rel_relkind(source->parent[i].relation) != '\0')
		{
			LockRelationOid(source->parent[i].relation, ShareRowExclusiveLock);
			triggers_drop(&extension, source->parent[i].relation);
		}
	stats_forget(relation);
	PG_RETURN_VOID();
}
