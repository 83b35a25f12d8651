/*-------------------------------------------------------------------------
 *
 * extension.h
 *		Where this database's tokenauth is, and SQL with its owner's rights.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_EXTENSION_H
#define TOKENAUTH_EXTENSION_H

#include "base/query.h"
#include "fmgr.h"
#include "source/watch.h"

/* All invalid if the extension is not installed here. */
typedef struct ExtensionInfo
{
	Oid			owner;
	Oid			schema;
	Oid			sources;		/* table tokenauth_source */
	Oid			relation_type;	/* types of its columns */
	Oid			parent_type;
	Oid			guard_function; /* its triggers' */
	Oid			changed_function;
	bool		guarded;		/* they are as they should be */
	Oid			trigger_function;	/* tokenauth_changed() */
	bool		trigger_is_ours;	/* it has not been replaced */
	Oid			hash_function;	/* tokenauth_hash_row() */
} ExtensionInfo;

/* Looks it all up; needs a transaction. */
extern void extension_find(ExtensionInfo *extension);

/*
 * The same, remembered by this backend; and what it remembers, all invalid
 * before the first refresh.  The latter neither reads catalogs nor fails.
 */
extern const ExtensionInfo *extension_refresh(void);
extern const ExtensionInfo *extension_known(void);

/*
 * The trace (watch.h) of all by which the registry of this database is found,
 * read and believed, and of the database itself; as of the last refresh.
 *
 * A session that does not find the registry, for it was renamed or a trigger
 * of it is disabled, does not know what a change of a row concerns.  What was
 * cached before such a time must not be believed after it; and neither must
 * what was cached for a database that had the same OID.
 */
extern uint64 extension_trace(void);

/*
 * May any of that have changed?  For callbacks: neither reads catalogs nor
 * fails.  The first is for messages of a syscache, the second for a relation's
 * (InvalidOid: any).
 */
extern bool extension_hears_syscache(int cacheid, uint32 hash);
extern bool extension_hears_relation(Oid relation);

/* The same where it must be there: a function of it has been called. */
extern void extension_require(ExtensionInfo *extension);

/* A function of the extension's without arguments; InvalidOid if it is gone. */
extern Oid	extension_function(const ExtensionInfo *extension,
							   const char *name);

/*
 * Is a function of the extension's still what the extension made it: this
 * library's, at this address, and called without a detour?
 */
extern bool extension_is_ours(Oid function, PGFunction address);

/* Run a statement as the extension's owner: sandbox_execute(). */
extern QueryResult *extension_execute(const ExtensionInfo *extension,
									  const char *sql, int nargs, Oid *types,
									  Datum *values, const char *nulls);

#endif							/* TOKENAUTH_EXTENSION_H */
