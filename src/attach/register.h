/*-------------------------------------------------------------------------
 *
 * register.h
 *		Writing the registry of sources, with the rights of the extension's
 *		owner.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_REGISTER_H
#define TOKENAUTH_REGISTER_H

#include "source/extension.h"
#include "source/source.h"

/*
 * The caller has seen to it that the registry is guarded: registry_guard.h.
 *
 * The row of a new source, whose condition is resolved; another parent in it;
 * and no more a row.
 */
extern void register_source(const ExtensionInfo *extension,
							const Source *source);
extern void register_parent(const ExtensionInfo *extension,
							const Source *source,
							const SourceParent *parent);
extern void register_remove(const ExtensionInfo *extension,
							const Source *source);

/*
 * Remove what is registered for tables that have been dropped, so that their
 * names, prefixes and statistics slots are free again.
 */
extern void register_remove_dropped(const ExtensionInfo *extension);

#endif							/* TOKENAUTH_REGISTER_H */
