/*-------------------------------------------------------------------------
 *
 * mapping_json.h
 *		A mapping as a JSON object of strings.
 *
 * A key that is not known is refused, because it could be a condition that makes
 * a token invalid: at attach by an error, in the registry by a fault of the
 * source.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_MAPPING_JSON_H
#define TOKENAUTH_MAPPING_JSON_H

#include "source/registry.h"
#include "utils/jsonb.h"

/* Take what is said under a key; false, with what is wrong, if that cannot be. */
typedef bool (*MappingTake) (void *arg, int key, char *value,
							 RegistryFault *fault);

/* The inverse; NULL if nothing is said. */
typedef const char *(*MappingTell) (const void *arg, int key);

/* The same of keys that can be an array of strings; NIL for one of anything else. */
typedef bool (*MappingTakeList) (void *arg, int key, List *values,
								 RegistryFault *fault);
typedef List *(*MappingTellList) (const void *arg, int key);

/* The keys that a mapping can have. */
typedef struct MappingForm
{
	const char *function;		/* whose argument it is */
	const char *const *names;
	int			n;
	bool		(*is_argument) (const char *key);	/* of that function */
	MappingTake take;
	MappingTell tell;
	bool		(*is_list) (int key);	/* can be an array; NULL: none can; with: */
	MappingTakeList take_list;
	MappingTellList tell_list;
} MappingForm;

/* Sets the fault, and returns false. */
extern bool mapping_json_fail(RegistryFault *fault, const char *message,
							  const char *hint);

/*
 * Read a mapping, in the current memory context.  False, with what is wrong, if it
 * is not one of that form.
 */
extern bool mapping_json_read(const MappingForm *form, Jsonb *mapping,
							  void *arg, RegistryFault *fault);

/* The inverse; NULL if there is nothing to be said. */
extern Jsonb *mapping_json_write(const MappingForm *form, const void *arg);

#endif							/* TOKENAUTH_MAPPING_JSON_H */
