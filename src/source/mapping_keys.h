/*-------------------------------------------------------------------------
 *
 * mapping_keys.h
 *		The argument "mapping" of tokenauth_attach(), and the registry's column of
 *		that name: what is said of a table that few tables need.
 *
 * It is a JSON object of strings, and of arrays of them.  A key that is not known is
 * refused, because it could be a condition that makes a token invalid: at attach by an
 * error, in the registry by a fault of the source.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_MAPPING_KEYS_H
#define TOKENAUTH_MAPPING_KEYS_H

#include "source/registry.h"
#include "utils/jsonb.h"

/*
 * Read a mapping into a source, in the current memory context.  False, with what
 * is wrong, if it is not a mapping.
 */
extern bool mapping_keys_read(Jsonb *mapping, Source *source,
							  RegistryFault *fault);

/* The inverse; NULL if there is nothing to be said. */
extern Jsonb *mapping_keys_write(const Source *source);

#endif							/* TOKENAUTH_MAPPING_KEYS_H */
