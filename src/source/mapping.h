/*-------------------------------------------------------------------------
 *
 * mapping.h
 *		From a registry row and the catalogs to what a source is.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_MAPPING_H
#define TOKENAUTH_MAPPING_H

#include "base/compat.h"
#include "source/source.h"

/* The argument and registry column that names a role's column. */
extern const char *role_argument(SourceRole role);

/* Can a column of this type play this role? */
extern bool mapping_type_fits(const Source *source, SourceRole role, Oid type);

/*
 * Fill in the catalog side of a source.  Takes AccessShareLock on the table
 * while it reads.  Does not throw for a table that does not fit but sets
 * source->problem.  Returns false if the table does not exist any more.
 */
extern bool mapping_build(Source *source);

/* Does a table have our triggers, ENABLE ALWAYS? */
extern bool mapping_has_triggers(Oid relation);

/*
 * Has this transaction touched, or lost, the triggers that tell us of the
 * table's changes?  Takes no lock on the table.
 */
extern bool mapping_triggers_touched_here(Oid relation);

/* Report source->problem, which must be set, as an error. */
pg_noreturn extern void mapping_report(const Source *source);

/* The same as text, for a view; and what is wrong alone, without a hint. */
extern char *mapping_problem_text(const Source *source);
extern char *mapping_problem_message(const Source *source);

#endif							/* TOKENAUTH_MAPPING_H */
