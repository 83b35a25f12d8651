/*-------------------------------------------------------------------------
 *
 * owner_trust.c
 *		Whose tables' owners are trusted to speak of a source; see owner_trust.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "miscadmin.h"
#include "source/owner_trust.h"
#include "source/registry.h"

/* An owner of sources, and hashes of which these are, and whose are trusted with them. */
typedef struct OwnerTrust
{
	Oid			owner;
	uint64		sources;
	uint64		trust;
} OwnerTrust;

static OwnerTrust *
trust_of(OwnerTrust *owners, int *nowners, Oid owner)
{
	for (int i = 0; i < *nowners; i++)
		if (owners[i].owner == owner)
			return &owners[i];
	owners[*nowners] = (OwnerTrust) {owner};
	return &owners[(*nowners)++];
}

/* By the one who rules first: core remembers what one role is a member of. */
static void
add_rulers(OwnerTrust *owners, int nowners)
{
	for (int i = 0; i < nowners; i++)
	{
		CHECK_FOR_INTERRUPTS();
		for (int j = 0; j < nowners; j++)
			if (registry_role_rules(owners[i].owner, owners[j].owner))
				owners[j].trust = hash_combine64(owners[j].trust, owners[i].sources);
	}
}

void
owner_trust_renew(const List *sources)
{
	int			n = list_length(sources);
	OwnerTrust *owners = palloc(Max(n, 1) * sizeof(OwnerTrust));
	OwnerTrust **of = palloc(Max(n, 1) * sizeof(OwnerTrust *));
	int			nowners = 0;

	for (int i = 0; i < n; i++)
	{
		const Source *source = list_nth(sources, i);

		of[i] = trust_of(owners, &nowners, registry_table_owner(source->relation));
		of[i]->sources = hash_combine64(of[i]->sources, i);
	}
	add_rulers(owners, nowners);
	for (int i = 0; i < n; i++)
	{
		Source	   *source = list_nth(sources, i);

		if (source->trust != of[i]->trust)
			source->state = SOURCE_STALE;
		source->trust = of[i]->trust;
	}
	pfree(of);
	pfree(owners);
}
