/*-------------------------------------------------------------------------
 *
 * owner_trust.h
 *		Whose tables' owners are trusted to speak of a source.
 *
 * What is read of a source depends on which owners of other sources have all rights of its
 * own one.  By whom it was trusted when it was read may not be so any more: owners of tables
 * and memberships of roles change without the registry.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_OWNER_TRUST_H
#define TOKENAUTH_OWNER_TRUST_H

#include "source/source.h"

/*
 * Given all sources, make those stale of which other owners are trusted to speak than at the
 * last call.  Reads catalogs, locks no table.  May throw what reading catalogs may throw; then
 * it must be called again before a source is used.
 */
extern void owner_trust_renew(const List *sources);

#endif							/* TOKENAUTH_OWNER_TRUST_H */
