/*-------------------------------------------------------------------------
 *
 * scan.h
 *		A source's tables, open and locked, and the rows in them that have a value.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_SCAN_H
#define TOKENAUTH_SCAN_H

#include "executor/tuptable.h"
#include "source/source.h"
#include "utils/relcache.h"
#include "utils/snapshot.h"

/* A table and the index to find rows in it by, opened and locked. */
typedef struct OpenTable
{
	Relation	table;
	Relation	index;			/* NULL: none, read the whole table */
	AttrNumber	attnum;			/* the column, and how; as they were then: */
	RowFinder	finder;			/* the source may be read again meanwhile */
} OpenTable;

/* A source's own table, then its parents'. */
typedef struct OpenSource
{
	uint64		built;			/* source->built, when it was opened */
	int			ntables;
	OpenTable	table[1 + SOURCE_MAX_PARENTS];
} OpenSource;

/*
 * Open a source, with or without its parents, such that its metadata is current
 * under the locks.  False if its table is gone, or if the registry has changed:
 * while we waited for the lock, the source may have moved to another column.
 * Throws source->problem if that makes the table unreadable.
 */
extern bool scan_open(Source *source, bool parents, OpenSource *open);
extern void scan_close(OpenSource *open);

/*
 * Code of an owner's that is called can have the source read again, while rows are
 * judged by what it was.  Then nothing is known of them, and what was taken from the
 * source before must not be used together with what it says now.
 */
static inline bool
was_read_again(const Source *source, const OpenSource *open)
{
	return source->built != open->built;
}

/* A snapshot of now. */
extern Snapshot scan_snapshot(void);

/* One scan's business: called for each row found until it returns false. */
typedef bool (*RowVisitor) (TupleTableSlot *row, void *arg);

/*
 * The rows whose column is, to the byte, the value sought, and their visitor.  Where the
 * index begins with columns that the live_when fixes, rows that have other values there
 * are not visited, unless that is asked for: the whole index is read for them.
 */
typedef struct Visit
{
	const OpenTable *open;
	Snapshot	snapshot;
	Datum		sought;
	RowVisitor	visit;
	void	   *arg;
	bool		everywhere;
} Visit;

/* As the table's owner: types and operators of the columns need not be core's. */
extern void scan_visit(const Visit *visit);

#endif							/* TOKENAUTH_SCAN_H */
