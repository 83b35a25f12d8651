/*-------------------------------------------------------------------------
 *
 * registry.h
 *		The registry of sources: the table tokenauth_source.
 *
 * A row of it says all that a source depends on, its parents included, so that
 * no part of a dump and no order of a restore has a source without them.
 *
 * Whatever is in there has been checked for length, NULL and meaning once it
 * is a Source: use sites need not look again.  A row that does not pass is a
 * Source all the same, with its fault set, whose tokens are refused.
 *
 * Columns are found by their names.  A registry with a column that is unknown
 * here was made by a newer version of tokenauth.  It is refused, because the
 * unknown could be a condition that makes a token invalid.  One that lacks a
 * column is of an older version, until ALTER EXTENSION tokenauth UPDATE: a column
 * that came after 1.0 is optional, and read as NULL until it is there.
 *
 * A trigger of the table decides who may write it (attach/guard.c).  While it is
 * not in force, nothing in the registry is believed (registry_guard.h).
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_REGISTRY_H
#define TOKENAUTH_REGISTRY_H

#include "access/htup.h"
#include "base/compat.h"
#include "source/extension.h"
#include "source/source.h"
#include "utils/relcache.h"

/* Limits of what a row can say; lengths are in bytes. */
#define REGISTRY_MAX_CONDITION	10000
#define REGISTRY_MAX_VALUES		100 /* active_values */
#define REGISTRY_MAX_VALUE		255 /* each of them */
#define REGISTRY_MAX_IGNORED	100 /* columns */
#define REGISTRY_MAX_CLAIMS		50	/* jsonb_build_object() takes 100 arguments */

/*
 * What the registry calls the encodings and ways to revoke; each ends with NULL,
 * the last for ON_REVOKE_NOTHING.
 */
extern const char *const source_encodings[];
extern const char *const source_on_revoke[];

/* Which of them a text is; -1 for none. */
extern int	registry_choice(const char *const *choices, const char *text);

/* The registry's column, and tokenauth_attach()'s argument, for a role. */
extern const char *role_argument(SourceRole role);

/* What is wrong with a row, in words for ereport; detail and hint may be NULL. */
typedef struct RegistryFault
{
	int			sqlstate;
	const char *message;
	const char *detail;
	const char *hint;
} RegistryFault;

/*
 * Is what is said of a source and its parents possible at all?  Looks at nothing
 * but the part of it that is from the registry.  If not, sets what is wrong.
 */
extern bool registry_check(const Source *source, RegistryFault *fault);

/* Throw that. */
pg_noreturn extern void registry_report(const RegistryFault *fault);

/*
 * Read the sources, with their parents, in the current memory context; all of
 * them SOURCE_STALE.  Not those whose table has been dropped: its OID is added
 * to dropped.  Sees what is committed now, in every isolation level, and what
 * this transaction has written.  A registry of another version cannot be read:
 * then *fault says why, or else is NULL.  Throws what reading a table may throw.
 */
extern List *registry_read(const ExtensionInfo *extension, List **dropped,
						   const char **fault);

/* Throw 55000 for such a fault. */
pg_noreturn extern void registry_refuse_form(const char *fault);

/* What one row of the open registry says, for its triggers; not more. */
extern Source *registry_row(const ExtensionInfo *extension, Relation table,
							HeapTuple row);

/*
 * A new row with the present owners of its tables, whose right to have its
 * conditions run is thereby vouched for.
 */
extern HeapTuple registry_note_owners(const ExtensionInfo *extension,
									  Relation table, HeapTuple row);

/*
 * The tables that a row of the open registry names, of which none is named by
 * InvalidOid; for its triggers, whatever form the registry has.
 */
extern List *registry_row_tables(const ExtensionInfo *extension,
								 Relation table, HeapTuple row);

/* The source of a row of the open registry, whatever form that has. */
extern SourceId registry_row_id(Relation table, TupleTableSlot *row);

/* The owner of a table; InvalidOid if it is not there. */
extern Oid	registry_table_owner(Oid relation);

/* Has the owner of a table all rights of that of another?  False if one is not there. */
extern bool registry_owner_rules(Oid relation, Oid other);

/* The same of two owners. */
extern bool registry_role_rules(Oid owner, Oid other);

/*
 * The parts of a table's name as the registry has it, qualified and quoted.
 * False, with *schema and *table undefined, if it is not such a name.
 */
extern bool registry_split_name(const char *name, char **schema, char **table);

#endif							/* TOKENAUTH_REGISTRY_H */
