/*-------------------------------------------------------------------------
 *
 * directory.c
 *		The sources of this database as this backend knows them; see
 *		directory.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/pepper.h"
#include "base/testpoint.h"
#include "source/directory.h"
#include "source/extension.h"
#include "source/mapping.h"
#include "source/owner_trust.h"
#include "source/registry.h"
#include "source/routes.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

/* The registry in memory. */
typedef struct Registry
{
	MemoryContext context;
	const char *fault;			/* why it could not be read; or NULL */
	List	   *sources;		/* Source * */
	List	   *dropped;		/* tables of sources that are not in there */
	Routes		routes;
	struct Registry *next_retired;
} Registry;

static SourceState registry_state = SOURCE_STALE;
static SourceState routes_state = SOURCE_STALE;	/* of the registry's routes */
static Registry *registry = NULL;
static Registry *retired = NULL;
static MemoryContext retired_facts = NULL;	/* of sources that were read again */
static uint64 messages_heard = 0;	/* that something has changed */

/* See source_id.h.  The chance is 1 in 65,536, and another name helps. */
static void
refuse_equal_ids(const Registry *reg)
{
	for (int i = 0; i < list_length(reg->sources); i++)
		for (int j = 0; j < i; j++)
		{
			Source	   *one = list_nth(reg->sources, i);
			Source	   *other = list_nth(reg->sources, j);

			if (OidIsValid(one->relation) &&
				source_id_equal(one->id, other->id))
				one->fault = other->fault = "another source of its table cannot be told from it by its name";
		}
}

/*
 * A source whose table has been dropped counts as detached; the directory
 * remembers its table only because the drop may be rolled back.
 */
static void
read_registry(Registry *reg)
{
	ListCell   *lc;

	reg->sources = registry_read(extension_refresh(), &reg->dropped, &reg->fault);
	refuse_equal_ids(reg);
	foreach(lc, reg->sources)
		((Source *) lfirst(lc))->registered = reg->sources;
}

/* Put a registry aside until no pointer of this transaction can point into it. */
static void
retire(Registry *reg)
{
	ListCell   *lc;

	foreach(lc, reg->sources)
		((Source *) lfirst(lc))->retired = true;
	reg->next_retired = retired;
	retired = reg;
}

static void
rebuild_registry(void)
{
	MemoryContext context = AllocSetContextCreate(CacheMemoryContext,
												  "tokenauth registry",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Registry   *fresh = palloc0(sizeof(Registry));

	fresh->context = context;
	PG_TRY();
	{
		read_registry(fresh);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(old);
		MemoryContextDelete(context);
		PG_RE_THROW();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(old);

	if (registry != NULL)
		retire(registry);
	registry = fresh;
	registry->routes.context = context;
	routes_state = SOURCE_STALE;
}

/* Owners of tables and memberships of roles change without the registry. */
static void
rebuild_routes(void)
{
	routes_state = SOURCE_BUILDING;
	owner_trust_renew(registry->sources);
	routes_build(&registry->routes, registry->sources);
	if (routes_state == SOURCE_BUILDING)
		routes_state = SOURCE_CURRENT;
}

bool
source_try_refresh(void)
{
	while (registry_state != SOURCE_CURRENT || routes_state != SOURCE_CURRENT)
	{
		if (registry_state == SOURCE_CURRENT)
		{
			rebuild_routes();
			continue;
		}
		registry_state = SOURCE_BUILDING;
		rebuild_registry();
		TEST_POINT(registry_read);
		if (registry_state == SOURCE_BUILDING)
			registry_state = SOURCE_CURRENT;
	}
	/* no invalidation tells of a registry that is yet to be created */
	if (!OidIsValid(extension_known()->sources))
		registry_state = SOURCE_STALE;
	return registry->fault == NULL;
}

void
source_refresh(void)
{
	if (likely(registry_state == SOURCE_CURRENT &&
			   routes_state == SOURCE_CURRENT && registry->fault == NULL))
		return;
	if (!source_try_refresh())
		registry_refuse_form(registry->fault);
}

List *
source_all(void)
{
	return registry->sources;
}

Source *
source_by_name(const char *name)
{
	ListCell   *lc;

	foreach(lc, registry->sources)
	{
		Source	   *source = lfirst(lc);

		if (strcmp(source->name, name) == 0)
			return source;
	}
	return NULL;
}

List *
source_all_of(Oid relation)
{
	List	   *sources = NIL;
	ListCell   *lc;

	if (!OidIsValid(relation))
		return NIL;
	foreach(lc, registry->sources)
		if (((Source *) lfirst(lc))->relation == relation)
			sources = lappend(sources, lfirst(lc));
	return sources;
}

Source *
source_find_again(const Source *source)
{
	Source	   *again = source_by_name(source->name);

	return again != NULL && OidIsValid(again->relation) &&
		source_is_same(again, source) ? again : NULL;
}

/* Is it the source's own table, or a parent's? */
static bool
uses_table(const Source *source, Oid relation)
{
	if (source->relation == relation)
		return true;
	for (int i = 0; i < source->nparents; i++)
		if (source->parent[i].relation == relation)
			return true;
	return false;
}

List *
source_users_of(Oid relation)
{
	List	   *users = NIL;
	ListCell   *lc;

	foreach(lc, registry->sources)
		if (uses_table(lfirst(lc), relation))
			users = lappend(users, lfirst(lc));
	return users;
}

Source *
source_by_token(const char *token, Size len)
{
	return routes_find(&registry->routes, token, len);
}

List *
source_candidates(const char *token, Size len, bool *left_out)
{
	return routes_candidates(&registry->routes, registry->sources, token, len,
							 left_out);
}

/*
 * What was known of a source stays until the transaction ends: somebody up the stack may
 * be judging by it, where code that a condition or a trigger calls has led to here.
 * Nobody judges by a source that could not be read.
 */
static void
retire_facts(const Source *source)
{
	if (!source->whole && !source->being_read)
	{
		MemoryContextDelete(source->facts);
		return;
	}
	if (retired_facts == NULL)
		retired_facts = AllocSetContextCreate(CacheMemoryContext,
											  "tokenauth retired facts",
											  ALLOCSET_SMALL_SIZES);
	MemoryContextSetParent(source->facts, retired_facts);
}

/* Empty room for what is to be known of a source. */
static void
renew_facts(Source *source)
{
	MemoryContext fresh = AllocSetContextCreate(MemoryContextGetParent(source->facts),
												"tokenauth source",
												ALLOCSET_SMALL_SIZES);

	retire_facts(source);
	source->facts = fresh;
}

bool
source_is_as_at_begin(const Source *source)
{
	return source->heard == messages_heard &&
		source->statement == GetCurrentStatementStartTimestamp();
}

static void
note_begin(Source *source)
{
	source->hindered = false;
	source->heard = messages_heard;
	source->statement = GetCurrentStatementStartTimestamp();
}

/* False if its table has been dropped. */
static bool
read_source(Source *source)
{
	bool		is_there;

	source->state = SOURCE_BUILDING;
	source->built++;
	note_begin(source);
	renew_facts(source);
	source->being_read = true;
	PG_TRY();
	{
		is_there = mapping_build(source);
	}
	PG_FINALLY();
	{
		source->being_read = false;
	}
	PG_END_TRY();
	return is_there;
}

/* No message tells that a table inherits, or refers to tokens, no more. */
static bool
has_passing_problem(const Source *source)
{
	return source->problem == PROBLEM_INHERITANCE ||
		source->problem == PROBLEM_TELLS_TOKENS || source->problem_may_pass;
}

bool
source_has_problem_still(const Source *source)
{
	return source->state == SOURCE_STALE && has_passing_problem(source) &&
		source_is_as_at_begin(source);
}

/*
 * So often a source can turn out to have been changed while it was read.  Others can
 * alter its tables meanwhile, but not for ever.
 */
#define MAX_READINGS		100

static void
count_reading(const Source *source, int *readings)
{
	if (++*readings > MAX_READINGS)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("token source \"%s\" changes whenever it is read",
						source->name),
				 errhint("Try again."),
				 errhidestmt(true), errhidecontext(true)));
}

bool
source_revalidate(Source *source)
{
	int			readings = 0;

	while (source->state != SOURCE_CURRENT)
	{
		count_reading(source, &readings);
		if (!read_source(source))
		{
			source->state = SOURCE_STALE;
			registry_state = SOURCE_STALE;
			return false;
		}
		TEST_POINT(source_read);
		if (source->state == SOURCE_BUILDING)
			source->state = SOURCE_CURRENT;
	}
	/* look again */
	if (has_passing_problem(source))
		source->state = SOURCE_STALE;
	return true;
}

bool
source_is_outdated(const Source *source)
{
	return registry_state != SOURCE_CURRENT || source->retired;
}

/* While it is being built, it is not known yet what it depends on. */
static bool
depends_on_relation(const Source *source, Oid relation)
{
	return source->state == SOURCE_BUILDING ||
		uses_table(source, relation) ||
		watch_hears_relation(&source->watch, relation);
}

/*
 * With debug_discard_caches a server forgets what it knows at each look at a
 * catalog, though nothing has changed, and reading would never end.  Core does not
 * hear that either while it builds a relation's entry.
 */
static bool
is_debug_discard(bool everything)
{
	return everything && debug_discard_caches > 0;
}

void
source_invalidate(Oid relation)
{
	ListCell   *lc;

	if (is_debug_discard(!OidIsValid(relation)))
		return;
	messages_heard++;
	if (registry_state == SOURCE_BUILDING || extension_hears_relation(relation))
		registry_state = SOURCE_STALE;
	if (registry == NULL)
		return;
	if (list_member_oid(registry->dropped, relation))
		registry_state = SOURCE_STALE;
	foreach(lc, registry->sources)
	{
		Source	   *source = lfirst(lc);

		/* its owner may be another */
		if (!OidIsValid(relation) || source->relation == relation)
			routes_state = SOURCE_STALE;
		if (source->state != SOURCE_STALE &&
			(!OidIsValid(relation) || depends_on_relation(source, relation)))
			source->state = SOURCE_STALE;
	}
}

/* A condition that cannot be read may be cured by whatever is made. */
static bool
depends_on_syscache(const Source *source, int cacheid, uint32 hashvalue)
{
	if (cacheid == DATABASEOID)
		return source->state == SOURCE_BUILDING;
	/* tables have names by schemas, too */
	if (cacheid == RELNAMENSP || cacheid == NAMESPACEOID)
		return source->state == SOURCE_BUILDING || hashvalue == 0 ||
			cacheid == NAMESPACEOID ||
			list_member_int(source->namesakes, (int) hashvalue);
	return source->state == SOURCE_BUILDING ||
		source->problem == PROBLEM_CONDITION ||
		watch_hears_syscache(&source->watch, cacheid, hashvalue);
}

/* For the syscache callbacks: no catalog access, no error. */
static void
catalog_callback(Datum arg, int cacheid, uint32 hashvalue)
{
	ListCell   *lc;

	if (is_debug_discard(hashvalue == 0))
		return;
	messages_heard++;
	if (registry_state == SOURCE_BUILDING ||
		extension_hears_syscache(cacheid, hashvalue))
		registry_state = SOURCE_STALE;
	if (registry == NULL)
		return;
	foreach(lc, registry->sources)
	{
		Source	   *source = lfirst(lc);

		if (source->state != SOURCE_STALE &&
			depends_on_syscache(source, cacheid, hashvalue))
			source->state = SOURCE_STALE;
	}
}

/* Called where the settings are reloaded: no catalog access, no error. */
static void
pepper_callback(void)
{
	ListCell   *lc;

	messages_heard++;
	if (registry == NULL)
		return;
	foreach(lc, registry->sources)
	{
		Source	   *source = lfirst(lc);

		if (source->npeppers > 0)
			source->state = SOURCE_STALE;
	}
}

/* The same for what decides which owner may act for which. */
static void
role_callback(Datum arg, int cacheid, uint32 hashvalue)
{
	if (is_debug_discard(hashvalue == 0))
		return;
	routes_state = SOURCE_STALE;
	pepper_callback();			/* their owners go by name */
}

void
source_init(void)
{
	static const int caches[] = {
		CASTSOURCETARGET, COLLOID, DATABASEOID, ENUMOID, NAMESPACEOID,
		OPEROID, PROCOID, RELNAMENSP, TYPEOID
	};

	for (int i = 0; i < (int) lengthof(caches); i++)
		CacheRegisterSyscacheCallback(caches[i], catalog_callback, (Datum) 0);
	pepper_on_change(pepper_callback);
	CacheRegisterSyscacheCallback(AUTHOID, role_callback, (Datum) 0);
	CacheRegisterSyscacheCallback(AUTHMEMROLEMEM, role_callback, (Datum) 0);
}

void
source_end_of_transaction(void)
{
	while (retired != NULL)
	{
		Registry   *reg = retired;

		retired = reg->next_retired;
		MemoryContextDelete(reg->context);
	}
	if (retired_facts != NULL)
		MemoryContextDelete(retired_facts);
	retired_facts = NULL;
	/* a worker, or a procedure that commits, begins no other statement */
	messages_heard++;
}
