/*-------------------------------------------------------------------------
 *
 * watch.h
 *		The rows of the catalogs that an answer depends on.
 *
 * Whoever reads something of the catalogs that an answer depends on has it
 * watched.  Two things come of that:
 *
 * - the trace, a hash over what was read.  It is over the rows themselves, each
 *	by the transaction that wrote it (xmin), and so never comes back: a column
 *	that is renamed away and back has another row than before.
 *
 * - what invalidation messages mean that it may have changed.
 *
 * Watching does not fail; it reads catalogs, so it needs a transaction.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_WATCH_H
#define TOKENAUTH_WATCH_H

#include "access/htup.h"
#include "nodes/pg_list.h"

typedef struct Watch
{
	MemoryContext context;		/* of what follows; NULL: the current one */
	uint64		trace;
	List	   *types;			/* WatchedType * */
	int			nattributes;	/* of composite types, in sum */
	int			nlabels;		/* of enums, in sum */
	const char *excess;			/* of what there is too much; NULL: of nothing */
	List	   *relations;		/* OIDs of the composite types' */
	bool		by_name;		/* something was, or could have been, found by name */
} Watch;

/* Mix a word, and a row of a catalog, into the trace. */
extern void watch_word(Watch *watch, uint64 word);
extern void watch_row(Watch *watch, HeapTuple row);

/* An OID, and the row that a syscache has for it, if there is one. */
extern void watch_oid(Watch *watch, int cacheid, Oid oid);

extern void watch_function(Watch *watch, Oid function);
extern void watch_collation(Watch *watch, Oid collation);

/* The columns of a relation, those that were dropped, too; not their types. */
extern void watch_attributes(Watch *watch, Oid relation);

/*
 * Watch all that the text, or the jsonb, of a type's values depends on.  False
 * for a type where that is not known: one that is written by a function that
 * is not immutable, such as regclass, which is written by the name that the
 * table has now.  False, too, where there are too many types, columns of them or
 * labels of enums, of which no more is read then: a composite type of composite types, a
 * domain over domains.  watch->excess says so.
 */
extern bool watch_type(Watch *watch, Oid type);
extern bool watch_type_as_json(Watch *watch, Oid type);

/*
 * May what is watched have changed?  For callbacks: no catalog access, cannot
 * fail.  The first is for messages of a syscache, the second for a relation's.
 */
extern bool watch_hears_syscache(const Watch *watch, int cacheid,
								 uint32 hashvalue);
extern bool watch_hears_relation(const Watch *watch, Oid relation);

#endif							/* TOKENAUTH_WATCH_H */
