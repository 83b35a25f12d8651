/*-------------------------------------------------------------------------
 *
 * registry_guard.h
 *		Are the tables of ours as they were made?
 *
 * They are read and written with the rights of the extension's owner.  Triggers
 * decide who may write them, and tell every session of a change of the registry.
 * Only the extension's owner can take them away; but so does pg_restore, for a
 * while, with --disable-triggers, and it does not put them back as they were.
 * A role that has been granted the right can add a trigger: it would run with
 * the rights of the extension's owner.  A rule, or row-level security, would make
 * what we write another thing, or nothing.
 *
 * A table of ours is added here, and in the list of registry_guard.c; then it is
 * checked before each use, and the doctor watches it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_REGISTRY_GUARD_H
#define TOKENAUTH_REGISTRY_GUARD_H

#include "source/extension.h"

typedef enum GuardedTable
{
	GUARDED_REGISTRY,			/* tokenauth_source */
	GUARDED_RETIRING,			/* tokenauth_retiring */
	GUARDED_TABLES				/* how many */
} GuardedTable;

/* The table's name, unqualified. */
extern const char *guarded_name(GuardedTable table);

/* Are its triggers all there, in force, and no others; and no rules or policies? */
extern bool guard_holds(const ExtensionInfo *extension, GuardedTable table);

/* All triggers of the registry; see watch.h. */
extern void registry_guard_watch(const ExtensionInfo *extension, Watch *watch);

/*
 * Before the table is used: throws 55000 unless that is so.  The lock that it
 * takes on the table keeps it so until the transaction ends.
 */
extern void guard_require(ExtensionInfo *extension, GuardedTable table);

/* SQL that puts it back: see statement.h. */
extern char *guard_sql(const ExtensionInfo *extension, GuardedTable table);

#endif							/* TOKENAUTH_REGISTRY_GUARD_H */
