/*-------------------------------------------------------------------------
 *
 * remedy_parts.h
 *		What remedy.c puts its SQL together from.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_REMEDY_PARTS_H
#define TOKENAUTH_REMEDY_PARTS_H

#include "source/source.h"
#include "utils/relcache.h"

/* Our triggers on a table: made anew, and enabled. */
extern char *remedy_renew_triggers(Oid relation);
extern char *remedy_enable_triggers(Oid relation);

/* Is there a valid unique index on a column? */
extern bool remedy_has_unique_index(Relation table, AttrNumber attnum);

/* Take a table out of whatever it inherits from or is inherited by. */
extern char *remedy_end_inheritance(Oid relation);

/* Give source->problem_column a type that fits. */
extern char *remedy_change_type(const Source *source);

#endif							/* TOKENAUTH_REMEDY_PARTS_H */
