/*-------------------------------------------------------------------------
 *
 * parent_keys.h
 *		The argument "mapping" of tokenauth_attach_parent(), and an element of the
 *		registry's column "parent_mappings": what a parent says beside living.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_PARENT_KEYS_H
#define TOKENAUTH_PARENT_KEYS_H

#include "source/registry.h"
#include "utils/jsonb.h"

/*
 * Read a mapping into a parent, in the current memory context.  False, with what is
 * wrong, if it is not one of a parent's.
 */
extern bool parent_keys_read(Jsonb *mapping, SourceParent *parent,
							 RegistryFault *fault);

/* The inverse; NULL if there is nothing to be said. */
extern Jsonb *parent_keys_write(const SourceParent *parent);

/*
 * Once its mapping is read: find the parent that it is reached through, among the
 * first n of a source, and name it by its path.  Without such a one it is VIA_TOKEN
 * all the same: registry_check() refuses it.
 */
extern void parent_find_way(const Source *source, int n, SourceParent *parent);

#endif							/* TOKENAUTH_PARENT_KEYS_H */
