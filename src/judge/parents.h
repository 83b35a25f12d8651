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
 * Does what the row belongs to exist, and live?  The cells of the parents are
 * added to the verdict either way: it depends on them.
 */
extern bool parents_live(const Source *source, const OpenSource *tables,
						 Snapshot snapshot, TupleTableSlot *row,
						 Verdict *verdict);

#endif							/* TOKENAUTH_PARENTS_H */
