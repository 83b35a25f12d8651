/*-------------------------------------------------------------------------
 *
 * by_parent.h
 *		Rows of a token table by the user, or tenant, that a parent says.
 *
 * For rows_of.c, which reads the token rows by the same snapshot as the parents: an
 * answer of the one and a later one of the other could be put together to what never
 * was true.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_BY_PARENT_H
#define TOKENAUTH_BY_PARENT_H

#include "source/owner.h"
#include "utils/snapshot.h"

/* The parents from the one that has the role down to the token, and their tables. */
typedef struct ByParent
{
	SourceRole	role;
	int			n;
	const SourceParent *parent[SOURCE_MAX_PARENTS];
	OwnerCall	call[SOURCE_MAX_PARENTS];
} ByParent;

/*
 * Open these tables, waiting for their locks; so before the snapshot is taken.  n is 0
 * if no parent has the role.  Throws what is wrong with a parent's table.
 */
extern void by_parent_begin(const Source *source, SourceRole role, ByParent *way);
extern void by_parent_end(ByParent *way);

/*
 * "the row leads to a parent's row with that value".  Finds the parents' rows of the
 * snapshot, each table's as its owner.  Throws what that may throw.
 */
extern char *by_parent_has_value(OwnerCall *call, ByParent *way,
								 const char *value, Snapshot snapshot);

#endif							/* TOKENAUTH_BY_PARENT_H */
