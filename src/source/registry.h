/*-------------------------------------------------------------------------
 *
 * registry.h
 *		The registry of sources: tables tokenauth_source and
 *		tokenauth_source_parent.
 *
 * Columns are found by their names.  A registry with a column or value that is
 * unknown here, or without one that is expected, was made by another version
 * of tokenauth.  It is refused, because the unknown could be a condition that
 * makes a token invalid.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_REGISTRY_H
#define TOKENAUTH_REGISTRY_H

#include "source/extension.h"
#include "source/source.h"

/* What the registry calls the storages and encodings; each ends with NULL. */
extern const char *const source_storages[];
extern const char *const source_encodings[];

/* The registry's column, and tokenauth_attach()'s argument, for a role. */
extern const char *role_argument(SourceRole role);

/*
 * Read the sources whose tables exist, with their parents, in the current
 * memory context; all of them SOURCE_STALE.  The OIDs of tables that do not
 * exist are added to dropped.  Sees what is committed now, in every isolation
 * level, and what this transaction has written.  Throws 55000 for a registry
 * of another version, and what reading a table may throw.
 */
extern List *registry_read(const ExtensionInfo *extension, List **dropped);

#endif							/* TOKENAUTH_REGISTRY_H */
