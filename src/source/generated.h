/*-------------------------------------------------------------------------
 *
 * generated.h
 *		The columns that generated columns are made of.
 *
 * What writes a column writes those that are generated from it, and what shows a
 * generated column shows what it is made of.  Whoever asks which columns decide
 * something, or are told, asks for these, too.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_GENERATED_H
#define TOKENAUTH_GENERATED_H

#include "nodes/bitmapset.h"

/*
 * Some columns of a table, and the columns that the generation expressions of those
 * among them use; a new set of attribute numbers, in the current memory context.  A
 * generated column is never made of another one.  Takes AccessShareLock while it
 * looks; if the table is gone, the set has the columns alone.
 */
extern Bitmapset *generated_with_origins(Oid relation,
										 const Bitmapset *columns);

#endif							/* TOKENAUTH_GENERATED_H */
