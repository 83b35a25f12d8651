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
	TransactionId trigger_xmin; /* of its row in pg_proc */
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
 * Has a function of the triggers' changed, perhaps?  hash is what a message of
 * the syscache PROCOID has; 0: any.  Neither reads catalogs nor fails.
 */
extern bool extension_hears_function(uint32 hash);

/* The same where it must be there: a function of it has been called. */
extern void extension_require(ExtensionInfo *extension);

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
