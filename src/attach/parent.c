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
#include "source/owner.h"
#include "source/parent_keys.h"
#include "source/problem.h"
#include "source/registry.h"
#include "source/registry_guard.h"
#include "source/stored.h"

/* A source has few parents. */
static void
check_has_room(const Source *source)
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
}

/* Arguments of tokenauth_attach_parent(), in the order of its SQL declaration. */
enum
{
	ARG_SOURCE,
	ARG_PARENT,
	ARG_SOURCE_COLUMN,
	ARG_PARENT_COLUMN,
	ARG_LIVE_WHEN,
	ARG_MAPPING
};

/* What the caller says of a parent, whose table is locked. */
static void
take_parent(FunctionCallInfo fcinfo, const Source *source,
			SourceParent *parent)
{
	RegistryFault fault;

	parent->name = quoted_relation(parent->relation);
	parent->owner = registry_table_owner(parent->relation);
	parent->from.name = NameStr(*PG_GETARG_NAME(ARG_SOURCE_COLUMN));
	parent->key.name = NameStr(*PG_GETARG_NAME(ARG_PARENT_COLUMN));
	parent->live_when = text_or_null(fcinfo, ARG_LIVE_WHEN);
	if (!PG_ARGISNULL(ARG_MAPPING) &&
		!parent_keys_read(PG_GETARG_JSONB_P(ARG_MAPPING), parent, &fault))
		registry_report(&fault);
	options_resolve_parent(parent);
	parent_find_way(source, source->nparents, parent);
}

/* Does it fit those that the source has? */
static void
check_parent(const Source *source, const SourceParent *parent)
{
	Source	   *with = palloc(sizeof(Source));
	RegistryFault fault;

	*with = *source;
	with->parent[with->nparents++] = *parent;
	if (!registry_check(with, &fault))
		registry_report(&fault);
	/* who attached that one may not be who owns it now */
	if (parent->via != VIA_TOKEN)
		owner_check(source->parent[parent->via].relation);
}

/*
 * tokenauth_attach_parent(source name, parent regclass, source_column name,
 *						   parent_column name, live_when text, mapping jsonb)
 * returns void
 *
 * From now on tokens of the source are disabled unless the row that their column,
 * or that of a parent's row, refers to exists and meets the condition; and it may
 * say whose they are, and until when.  The caller must own all these tables.
 */
TOKENAUTH_FUNCTION(tokenauth_attach_parent);
Datum
tokenauth_attach_parent(PG_FUNCTION_ARGS)
{
	static const char *const arguments[] =
	{"source", "parent", "source_column", "parent_column"};
	Source	   *source;
	SourceParent parent = {0};
	ExtensionInfo extension;

	for (int i = 0; i < (int) lengthof(arguments); i++)
		require_argument(fcinfo, i, arguments[i]);
	source = judge_named_source(NameStr(*PG_GETARG_NAME(ARG_SOURCE)));
	parent.relation = PG_GETARG_OID(ARG_PARENT);
	attach_lock_table(source->relation, ShareRowExclusiveLock);
	attach_lock_table(parent.relation, ShareRowExclusiveLock);
	attach_check_is_table(parent.relation);
	/* under the locks no other session attaches a parent */
	source = judge_named_source(NameStr(*PG_GETARG_NAME(ARG_SOURCE)));
	if (source_validate(source) && PROBLEM_IS_FATAL(source->problem))
		problem_report(source);
	check_has_room(source);
	take_parent(fcinfo, source, &parent);
	check_parent(source, &parent);
	guard_require(&extension, GUARDED_REGISTRY);
	triggers_create(&extension, parent.relation);
	register_parent(&extension, source, &parent);
	attach_verify(NameStr(*PG_GETARG_NAME(ARG_SOURCE)));
	PG_RETURN_VOID();
}
