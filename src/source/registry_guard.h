/*-------------------------------------------------------------------------
 *
 * registry_guard.h
 *		Are the triggers on the registry as they should be?
 *
 * They decide who may write it, and tell every session of it.  Only the
 * extension's owner can take them away; but so does pg_restore, for a while,
 * with --disable-triggers, and it does not put them back as they were.  Who
 * has been granted the right can add one: it would run with the rights of the
 * extension's owner.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_REGISTRY_GUARD_H
#define TOKENAUTH_REGISTRY_GUARD_H

#include "source/extension.h"

/* Are they all there, in force, and no others? */
extern bool registry_is_guarded(const ExtensionInfo *extension);

/* All triggers of the registry; see watch.h. */
extern void registry_guard_watch(const ExtensionInfo *extension, Watch *watch);

/*
 * Before the registry is written: throws 55000 unless that is so.  The lock
 * that it takes on the registry keeps it so until the transaction ends.
 */
extern void registry_require_guard(ExtensionInfo *extension);

/* SQL that puts them back, and drops others. */
extern char *registry_guard_sql(const ExtensionInfo *extension);

#endif							/* TOKENAUTH_REGISTRY_GUARD_H */
