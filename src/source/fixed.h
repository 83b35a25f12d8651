/*-------------------------------------------------------------------------
 *
 * fixed.h
 *		What a condition fixes a column of an index to.
 *
 * Rows of which the condition is true have that value there, so that an index finds
 * them all by it.  Only what is true of them by one of the condition's parts, joined by
 * AND, is understood: column = constant, by the equality and the collation that the
 * index has, and which is the same in all sessions; a boolean column, or NOT of it;
 * column IS NULL.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_FIXED_H
#define TOKENAUTH_FIXED_H

#include "source/source.h"
#include "utils/relcache.h"

/*
 * Does the condition, which may be NULL, fix that column of a btree index, which counts
 * from 0?  The value of the key is the condition's own.
 */
extern bool fixed_by_condition(Node *condition, Relation index, int column,
							   FixedKey *key);

/* "column = $n", or "column IS NULL", to which n does not count. */
extern char *fixed_sql(const FixedKey *key, const char *column, int n);

/* The same key with a value of its own, in the current memory context. */
extern FixedKey fixed_copy(const FixedKey *key);
extern void fixed_free(FixedKey *key);

#endif							/* TOKENAUTH_FIXED_H */
