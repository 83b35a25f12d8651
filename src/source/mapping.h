/*-------------------------------------------------------------------------
 *
 * mapping.h
 *		From a registry row and the catalogs to what a source is.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_MAPPING_H
#define TOKENAUTH_MAPPING_H

#include "source/source.h"

/*
 * The time zone of this name: UTC, GMT, or one with an area, as in
 * Europe/Berlin.  NULL for any other: it could be an abbreviation.
 */
extern pg_tz *mapping_timezone(const char *name);

/* Can a column of this type play this role? */
extern bool mapping_type_fits(const Source *source, SourceRole role, Oid type);

/*
 * Fill in the catalog side of a source.  Takes AccessShareLock on the table
 * while it reads.  Does not throw for a table that does not fit but sets
 * source->problem.  Returns false if the table does not exist any more.
 */
extern bool mapping_build(Source *source);

/* The tables that inherit from a table, or are its partitions; so many at most. */
extern List *mapping_children(Oid relation, int limit);

/* Does a table have our triggers, ENABLE ALWAYS? */
extern bool mapping_has_triggers(Oid relation);

/*
 * Has this transaction touched, or lost, the triggers that tell us of the
 * table's changes?  Takes no lock on the table.
 */
extern bool mapping_triggers_touched_here(Oid relation);

#endif							/* TOKENAUTH_MAPPING_H */
