/*-------------------------------------------------------------------------
 *
 * routes.c
 *		Which source a token is led to, if none is named; see routes.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "source/registry.h"
#include "source/routes.h"
#include "storage/lmgr.h"
#include "utils/acl.h"

/* ---------- sources that share tokens ---------- */

static bool
share_tokens(const Source *a, const Source *b)
{
	return !a->unroutable && !b->unroutable &&
		(a->prefix == NULL || b->prefix == NULL ||
		 strncmp(a->prefix, b->prefix,
				 Min(a->prefix_len, b->prefix_len)) == 0);
}

/* Who owns no table that is there acts for nobody. */
static bool
may_act_for(Oid role, const Source *other)
{
	return OidIsValid(role) &&
		has_privs_of_role(role, registry_table_owner(other->relation));
}

/* Would the source's code see tokens of another, which its owner may not? */
static bool
would_see_tokens_of(const Source *source, const Source *other)
{
	return source_sees_tokens(source) && share_tokens(source, other) &&
		!may_act_for(registry_table_owner(source->relation), other);
}

const Source *
routes_hindrance(const Source *source, List *sources)
{
	ListCell   *lc;

	if (!source_sees_tokens(source))
		return NULL;
	foreach(lc, sources)
	{
		CHECK_FOR_INTERRUPTS();
		if (lfirst(lc) != source && would_see_tokens_of(source, lfirst(lc)))
			return lfirst(lc);
	}
	return NULL;
}

static void
warn_by_name_only(const Source *source, const Source *other)
{
	ereport(WARNING,
			(errmsg("token source \"%s\" is asked by its name only",
					source->name),
			 errdetail("Expressions of its mapping see the token, which can be one of token source \"%s\" of another owner.",
					   other->name),
			 errhint("Attach one of them with a prefix that does not begin as the other's does.")));
}

/* The longer of two prefixes takes tokens away from the source of the shorter one. */
static void
refuse_shared_tokens(const Source *source, const Source *other)
{
	const char *longer = source->prefix_len > other->prefix_len ?
		source->prefix : other->prefix;

	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("token source \"%s\" would share tokens with \"%s\" of another owner",
					source->name, other->name),
			 longer != NULL ?
			 errdetail("A token that begins with \"%s\" could be of both.", longer) :
			 errdetail("Neither has a prefix, so that a token could be of both."),
			 errhint("Take a prefix that does not begin as another owner's does, or let a superuser attach the table.")));
}

/* It is about to be forgotten. */
static bool
table_is_dropped(const Source *source)
{
	return OidIsValid(source->relation) &&
		!OidIsValid(registry_table_owner(source->relation));
}

/* A lock of its own: one on the table would be stronger than who is there already has. */
void
routes_lock(const ExtensionInfo *extension)
{
	LockDatabaseObject(RelationRelationId, extension->sources, 1,
					   ExclusiveLock);
}

void
routes_check(const Source *source, const Source *other)
{
	if (!share_tokens(source, other) || table_is_dropped(other))
		return;
	if (!may_act_for(GetUserId(), other) &&
		registry_table_owner(source->relation) != registry_table_owner(other->relation))
		refuse_shared_tokens(source, other);
	if (would_see_tokens_of(source, other))
		warn_by_name_only(source, other);
	if (would_see_tokens_of(other, source))
		warn_by_name_only(other, source);
}

/* ---------- making the routes ---------- */

static uint32
prefix_hash(const char *prefix, int len)
{
	return hash_bytes((const unsigned char *) prefix, len);
}

static void
add_length(Routes *routes, int length)
{
	int			i = 0;

	while (i < routes->nlengths && routes->length[i] > length)
		i++;
	if (i < routes->nlengths && routes->length[i] == length)
		return;
	memmove(&routes->length[i + 1], &routes->length[i],
			(routes->nlengths - i) * sizeof(int));
	routes->length[i] = length;
	routes->nlengths++;
}

static Source *
find_prefix(const Routes *routes, const char *token, int len)
{
	uint32		i = prefix_hash(token, len);
	Source	   *source;

	while ((source = routes->bucket[i & (routes->nbuckets - 1)]) != NULL)
	{
		if (source->prefix_len == len &&
			memcmp(source->prefix, token, len) == 0)
			return source;
		i++;
	}
	return NULL;
}

static void
add_route(Routes *routes, Source *source)
{
	Source	   *other;
	uint32		i;

	source->prefix_extended = false;
	if (source->unroutable || source->by_name_only)
		return;
	if (source->prefix == NULL)
	{
		if (routes->nunprefixed++ == 0)
			routes->unprefixed = source;
		return;
	}
	other = find_prefix(routes, source->prefix, source->prefix_len);
	if (other != NULL)
		other->fault = source->fault = "its prefix is another source's, too";
	add_length(routes, source->prefix_len);
	i = prefix_hash(source->prefix, source->prefix_len);
	while (routes->bucket[i & (routes->nbuckets - 1)] != NULL)
		i++;
	routes->bucket[i & (routes->nbuckets - 1)] = source;
}

/* Mark the sources whose prefixes this one's begins with. */
static void
mark_extended(const Routes *routes, const Source *source)
{
	for (int i = 0; i < routes->nlengths; i++)
		if (routes->length[i] < source->prefix_len)
		{
			Source	   *shorter = find_prefix(routes, source->prefix,
											  routes->length[i]);

			if (shorter != NULL)
				shorter->prefix_extended = true;
		}
}

/* None yet, with room for so many. */
static void
clear_routes(Routes *routes, int nsources)
{
	if (routes->bucket == NULL)
	{
		routes->nbuckets = 1;
		while (routes->nbuckets < 2 * nsources + 1)
			routes->nbuckets *= 2;
		routes->length = MemoryContextAlloc(routes->context,
											(nsources + 1) * sizeof(int));
		routes->bucket = MemoryContextAlloc(routes->context,
											routes->nbuckets * sizeof(Source *));
	}
	memset(routes->bucket, 0, routes->nbuckets * sizeof(Source *));
	routes->nlengths = routes->nunprefixed = 0;
	routes->recent = routes->quick = routes->unprefixed = NULL;
}

void
routes_build(Routes *routes, List *sources)
{
	ListCell   *lc;

	clear_routes(routes, list_length(sources));
	foreach(lc, sources)
	{
		Source	   *source = lfirst(lc);

		source->by_name_only = routes_hindrance(source, sources) != NULL;
		add_route(routes, source);
	}
	foreach(lc, sources)
		mark_extended(routes, lfirst(lc));
}

/* ---------- following them ---------- */

/* Try it first from now on: no token that begins as its own is led to another. */
static void
note_recent(Routes *routes, Source *source)
{
	routes->recent = source;
	routes->quick = NULL;
	if (source->prefix_len > (int) sizeof(uint64))
		return;
	routes->quick = source;
	routes->quick_begin = routes->quick_mask = 0;
	if (source->prefix == NULL)
		return;
	memcpy(&routes->quick_begin, source->prefix, source->prefix_len);
	memset(&routes->quick_mask, 0xFF, source->prefix_len);
}

static Source *
find_longest_prefix(Routes *routes, const char *token, Size len)
{
	Source	   *source = routes->recent;

	if (source != NULL && source_has_prefix(source, token, len))
		return source;
	for (int i = 0; i < routes->nlengths; i++)
	{
		if ((Size) routes->length[i] > len)
			continue;
		source = find_prefix(routes, token, routes->length[i]);
		if (source != NULL)
		{
			if (!source->prefix_extended)
				note_recent(routes, source);
			return source;
		}
	}
	return NULL;
}

Source *
routes_find_other(Routes *routes, const char *token, Size len)
{
	Source	   *source = find_longest_prefix(routes, token, len);

	if (source != NULL)
		return source;
	if (routes->nunprefixed == 1 && source_sees_tokens(routes->unprefixed))
		ereport(ERROR,
				(errcode(ERRCODE_AMBIGUOUS_PARAMETER),
				 errmsg("token source \"%s\" must be named",
						routes->unprefixed->name),
				 errdetail("Expressions of its mapping see the token, which can be one of another source."),
				 errhint("Name it in the argument \"source\", or attach it with a prefix.")));
	if (routes->nunprefixed > 1)
		ereport(ERROR,
				(errcode(ERRCODE_AMBIGUOUS_PARAMETER),
				 errmsg("token source is ambiguous"),
				 errdetail("%d sources have no prefix.", routes->nunprefixed),
				 errhint("Name one of them in the argument \"source\".")));
	if (routes->nlengths == 0 && routes->unprefixed != NULL)
		note_recent(routes, routes->unprefixed);
	return routes->unprefixed;
}

/* Must a token not be shown to it, though it could be its own? */
static bool
must_be_named(const Source *source, const char *token, Size len)
{
	return source_has_prefix(source, token, len) &&
		(source->by_name_only ||
		 (source->prefix == NULL && source_sees_tokens(source)));
}

List *
routes_candidates(const Routes *routes, List *sources, const char *token,
				  Size len, bool *left_out)
{
	List	   *candidates = NIL;
	ListCell   *lc;

	for (int i = 0; i < routes->nlengths; i++)
	{
		Source	   *source = (Size) routes->length[i] > len ? NULL :
			find_prefix(routes, token, routes->length[i]);

		if (source != NULL)
			candidates = lappend(candidates, source);
	}
	foreach(lc, sources)
	{
		Source	   *source = lfirst(lc);

		if (must_be_named(source, token, len))
			*left_out = true;
		else if (source->prefix == NULL)
			candidates = lappend(candidates, source);
	}
	return candidates;
}
