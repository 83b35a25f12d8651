/*-------------------------------------------------------------------------
 *
 * routes.h
 *		Which source a token is led to, if none is named.
 *
 * A source without a prefix is one with the empty prefix: every token begins
 * with it.  Two sources share tokens if one's prefix begins with the other's.
 *
 * A source sees tokens if its mapping has expressions over the token (lookup,
 * verify), which are code of its table's owner.  If it shares tokens with a source
 * whose owner it may not act for, it is asked by its name only: no token is led to
 * it.  Attaching and restoring refuse such a pair to all but superusers; but it can
 * come about later, by a new owner of a table or by memberships of roles.  So it is
 * decided where the registry is read, by the owners of now.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_ROUTES_H
#define TOKENAUTH_ROUTES_H

#include "source/extension.h"
#include "source/source.h"

/*
 * Sources with a prefix are found through an open hash table of prefixes, asked
 * once for each length that a prefix has; so the cost depends on how many lengths
 * are in use, not on how many sources.  Most often it is the same source again, so
 * that one is tried first.
 */
typedef struct Routes
{
	MemoryContext context;
	int			nlengths;
	int		   *length;			/* distinct prefix lengths, longest first */
	int			nbuckets;		/* a power of two */
	Source	  **bucket;			/* by prefix, linear probing */
	Source	   *recent;			/* the last found; NULL: look it up */
	Source	   *quick;			/* the same, if its prefix fits into a word; or NULL */
	uint64		quick_begin;	/* that prefix, */
	uint64		quick_mask;		/* and the bits that it has */
	Source	   *unprefixed;		/* the first source without a prefix */
	int			nunprefixed;
} Routes;

/*
 * Make the routes, which are zero but for their context, to these sources; or make
 * them again to the same ones.  Throws what reading catalogs may throw; then they
 * must be made again before they are used.
 */
extern void routes_build(Routes *routes, List *sources);

/* routes_find() where it is not the same source again. */
extern Source *routes_find_other(Routes *routes, const char *token, Size len);

/*
 * The source of a token, by its prefix; the longest one wins.  NULL if there
 * is none; throws 42P08 if several sources without a prefix could be meant, or one
 * that would see tokens of others.
 */
static inline Source *
routes_find(Routes *routes, const char *token, Size len)
{
	uint64		begin;

	if (routes->quick != NULL && len >= sizeof(begin))
	{
		memcpy(&begin, token, sizeof(begin));
		if (((begin ^ routes->quick_begin) & routes->quick_mask) == 0)
			return routes->quick;
	}
	return routes_find_other(routes, token, len);
}

/*
 * All sources that it could be of: those of its prefixes, longest first, and all
 * without one; but not those whose owner's code would see tokens of others:
 * *left_out is set then.
 */
extern List *routes_candidates(const Routes *routes, List *sources,
							   const char *token, Size len, bool *left_out);

/* Because of which of the others a source is asked by its name only; or NULL. */
extern const Source *routes_hindrance(const Source *source, List *sources);

/*
 * Before the registry is read for the next: wait for others who attach, and keep those
 * waiting who come later, until the transaction ends.  What they register is not seen
 * before it is committed, and the two could share tokens.
 */
extern void routes_lock(const ExtensionInfo *extension);

/*
 * May the current user add a source beside another?  Throws 42501 if they share
 * tokens and he may not act for the other's owner.  Warns if he may, but one of the
 * two is asked by its name only then.  Nothing is checked of one whose table has been
 * dropped.
 */
extern void routes_check(const Source *source, const Source *other);

#endif							/* TOKENAUTH_ROUTES_H */
