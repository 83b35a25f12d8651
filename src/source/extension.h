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

/* All invalid if the extension is not installed here. */
typedef struct ExtensionInfo
{
	Oid			owner;
	Oid			schema;
	Oid			sources;		/* table tokenauth_source */
	Oid			parents;		/* table tokenauth_source_parent */
	Oid			trigger_function;	/* tokenauth_changed() */
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

/* The same where it must be there: a function of it has been called. */
extern void extension_require(ExtensionInfo *extension);

/* Run a statement as the extension's owner: sandbox_execute(). */
extern QueryResult *extension_execute(const ExtensionInfo *extension,
									  const char *sql, int nargs, Oid *types,
									  Datum *values, const char *nulls);

#endif							/* TOKENAUTH_EXTENSION_H */
