/*-------------------------------------------------------------------------
 *
 * parent.c
 *		SQL: tokenauth_attach_parent().
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "attach/attach.h"
#include "attach/options.h"
#include "attach/register.h"
#include "attach/triggers.h"
#include "base/arguments.h"
#include "base/compat.h"
#include "judge/judge.h"
#include "source/directory.h"
#include "source/names.h"
#include "source/problem.h"
#include "source/registry.h"
#include "source/registry_guard.h"
#include "source/stored.h"

/* A source has few parents, and one for a column. */
static void
check_parent_is_new(const Source *source, const char *column)
{
	/* an entry can stand behind so many cells */
	int			limit = CACHE_MAX_CELLS - stored_ncells(source);

	if (source->nparents >= limit)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("token source \"%s\" has %d parents already",
						source->name, limit),
				 source->npeppers > 1 ?
				 errdetail("It has %d peppers; parents and peppers are %d at most.",
						   source->npeppers, CACHE_MAX_CELLS) : 0,
				 errhint("Combine conditions, or maintain a column of the token table.")));
	for (int i = 0; i < source->nparents; i++)
		if (strcmp(source->parent[i].from.name, column) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_OBJECT),
					 errmsg("column \"%s\" of token source \"%s\" has a parent already",
							source->parent[i].from.name, source->name),
					 errhint("To change it, detach the source and attach the table again.")));
}

/*
 * tokenauth_attach_parent(source name, parent regclass, source_column name,
 *						   parent_column name, live_when text) returns void
 *
 * From now on tokens of the source are disabled unless the row that their
 * column refers to exists and meets the condition.  The caller must own both
 * tables.
 */
TOKENAUTH_FUNCTION(tokenauth_attach_parent);
Datum
tokenauth_attach_parent(PG_FUNCTION_ARGS)
{
	static const char *const arguments[] =
	{"source", "parent", "source_column", "parent_column"};
	Source	   *source;
	SourceParent parent = {0};
	RegistryFault fault;
	ExtensionInfo extension;

	for (int i = 0; i < (int) lengthof(arguments); i++)
		require_argument(fcinfo, i, arguments[i]);
	source = judge_named_source(NameStr(*PG_GETARG_NAME(0)));
	parent.relation = PG_GETARG_OID(1);
	attach_lock_table(source->relation, ShareRowExclusiveLock);
	attach_lock_table(parent.relation, ShareRowExclusiveLock);
	attach_check_is_table(parent.relation);
	/* under the locks no other session attaches a parent */
	source = judge_named_source(NameStr(*PG_GETARG_NAME(0)));
	if (source_validate(source) && PROBLEM_IS_FATAL(source->problem))
		problem_report(source);
	check_parent_is_new(source, NameStr(*PG_GETARG_NAME(2)));

	parent.name = quoted_relation(parent.relation);
	parent.owner = registry_table_owner(parent.relation);
	parent.from.name = NameStr(*PG_GETARG_NAME(2));
	parent.key.name = NameStr(*PG_GETARG_NAME(3));
	parent.live_when = options_resolve_condition(parent.relation,
												 text_or_null(fcinfo, 4));
	if (!registry_check_parent(&parent, &fault))
		registry_report(&fault);
	guard_require(&extension, GUARDED_REGISTRY);
	triggers_create(&extension, parent.relation);
	register_parent(&extension, source, &parent);
	attach_verify(NameStr(*PG_GETARG_NAME(0)));
	PG_RETURN_VOID();
}
