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
#include "base/patient_lock.h"
#include "base/compat.h"
#include "base/stats.h"
#include "judge/judge.h"
#include "miscadmin.h"
#include "source/registry_guard.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"

/* A source without a table is nobody's but the extension's. */
static void
check_may_detach_any(const ExtensionInfo *extension, const Source *source)
{
	if (!has_privs_of_role(GetUserId(), extension->owner))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("table %s of token source \"%s\" does not exist",
						source->relation_name, source->name),
				 errhint("The owner of the extension can detach the source.")));
}

/*
 * tokenauth_detach(source name) returns void
 *
 * The inverse: the tables stay, our triggers go from those that no other source
 * needs.  The caller must own the token table.
 */
TOKENAUTH_FUNCTION(tokenauth_detach);
Datum
tokenauth_detach(PG_FUNCTION_ARGS)
{
	Source	   *source = judge_named_source(NameStr(*PG_GETARG_NAME(0)));
	Oid			relation = source->relation;
	ExtensionInfo extension;

	if (OidIsValid(relation))
		attach_lock_table(relation, AccessExclusiveLock);
	guard_require(&extension, GUARDED_REGISTRY);
	if (!OidIsValid(relation))
		check_may_detach_any(&extension, source);

	register_remove(&extension, source);
	if (OidIsValid(relation))
		triggers_drop(&extension, relation);
	/* the Source is retired by now, and good until the transaction's end */
	for (int i = 0; i < source->nparents; i++)
		if (get_rel_relkind(source->parent[i].relation) != '\0')
		{
			patient_lock(source->parent[i].relation, AccessExclusiveLock);
			triggers_drop(&extension, source->parent[i].relation);
		}
	stats_forget(source->id);
	PG_RETURN_VOID();
}
