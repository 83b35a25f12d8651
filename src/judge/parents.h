/*-------------------------------------------------------------------------
 *
 * parents.h
 *		What the rows of a source's parents say of a token.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_PARENTS_H
#define TOKENAUTH_PARENTS_H

#include "judge/scan.h"

/*
 * Does what the token's row belongs to exist, and live?  Adds to the verdict the
 * user and the tenant that a parent says; the earliest expiry; and the cells of all
 * rows on the way, whatever they say, for it depends on them.
 *
 * A reference that is NULL leads to no parent, which is no reason to refuse a token,
 * unless that parent says when it expires.
 *
 * each, if it is not NULL, has room for SOURCE_MAX_PARENTS: what is said of each by
 * itself.
 */
extern bool parents_live(const Source *source, const OpenSource *tables,
						 Snapshot snapshot, TupleTableSlot *row,
						 Verdict *verdict, bool *each);

#endif							/* TOKENAUTH_PARENTS_H */
