/*-------------------------------------------------------------------------
 *
 * guard.c
 *		SQL: tokenauth_registry_guard(), who may write the registry of
 *		sources.
 *
 * A row of it makes tokens valid, and its conditions run with the rights of
 * the owners of the tables that it names.  So a right to write the table is
 * not enough.  These may write:
 *
 *	- the extension's owner, as which tokenauth_attach() and its kin write, and
 *	  superusers, for example to restore a dump;
 *	- for INSERT alone, for the same, a role that could have attached the source:
 *	  it owns the tables, may execute tokenauth_attach(), and the source would share no
 *	  tokens with another owner's (routes.h).
 *
 * In each new row, the owners of its tables are noted, as they are now.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include "catalog/pg_proc.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "source/directory.h"
#include "source/registry.h"
#include "source/routes.h"
#include "source/source.h"
#include "utils/acl.h"
#include "utils/catcache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

pg_noreturn static void
refuse(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("the registry of token sources is written by tokenauth_attach() and tokenauth_detach() alone"),
			 errhint("To restore a source without being superuser, own its tables and have EXECUTE on tokenauth_attach() and tokenauth_attach_parent().")));
}

/* May the current user execute a function of the extension's? */
static bool
may_execute(const ExtensionInfo *extension, const char *name)
{
	CatCList   *list = SearchSysCacheList1(PROCNAMEARGSNSP,
										   CStringGetDatum(name));
	bool		may = false;

	for (int i = 0; i < list->n_members; i++)
	{
		Form_pg_proc form = (Form_pg_proc) GETSTRUCT(&list->members[i]->tuple);

		if (form->pronamespace == extension->schema)
			may |= TOKENAUTH_MAY_EXECUTE(form->oid, GetUserId());
	}
	ReleaseSysCacheList(list);
	return may;
}

/* Does the current user own the table, and is it there? */
static bool
owns(Oid relation)
{
	return OidIsValid(relation) &&
		TOKENAUTH_OWNS_RELATION(relation, GetUserId());
}

/* Could the current user have attached this source? */
static bool
could_attach(const ExtensionInfo *extension, const Source *source)
{
	if (!owns(source->relation) || !may_execute(extension, "tokenauth_attach"))
		return false;
	for (int i = 0; i < source->nparents; i++)
		if (!owns(source->parent[i].relation) ||
			!may_execute(extension, "tokenauth_attach_parent"))
			return false;
	return true;
}

static void
check_insert(const ExtensionInfo *extension, TriggerData *trigger)
{
	Source	   *source = registry_row(extension, trigger->tg_relation,
									  trigger->tg_trigtuple);
	ListCell   *lc;

	if (source->fault != NULL || !could_attach(extension, source))
		refuse();
	routes_lock(extension);
	source_refresh();
	foreach(lc, source_all())
		routes_check(source, lfirst(lc));
}

/*
 * tokenauth_registry_guard()
 *
 * BEFORE trigger, for each row and for TRUNCATE, of the registry of sources.
 */
TOKENAUTH_FUNCTION(tokenauth_registry_guard);
Datum
tokenauth_registry_guard(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	ExtensionInfo extension;
	bool		is_insert;

	extension_require(&extension);
	if (!CALLED_AS_TRIGGER(fcinfo) ||
		!TRIGGER_FIRED_BEFORE(trigger->tg_event) ||
		RelationGetRelid(trigger->tg_relation) != extension.sources)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("tokenauth_registry_guard() must be called as a BEFORE trigger of the registry")));

	is_insert = TRIGGER_FIRED_FOR_ROW(trigger->tg_event) &&
		TRIGGER_FIRED_BY_INSERT(trigger->tg_event);
	if (!has_privs_of_role(GetUserId(), extension.owner))
	{
		if (!is_insert)
			refuse();
		check_insert(&extension, trigger);
	}
	if (!TRIGGER_FIRED_FOR_ROW(trigger->tg_event))
		return PointerGetDatum(NULL);
	if (is_insert)
		return PointerGetDatum(registry_note_owners(&extension,
													trigger->tg_relation,
													trigger->tg_trigtuple));
	return PointerGetDatum(TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ?
						   trigger->tg_newtuple : trigger->tg_trigtuple);
}
