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
#include "nodes/nodes.h"

/*
 * So long can the generation expressions of one table be, as the catalog has them, in
 * bytes.  Of one beyond that it is not read what it is made of: it counts as made of all
 * columns.  For whoever may create a table can make them as long as he likes, and others
 * would wait.  Those of real tables have some hundreds of bytes each.
 */
#define GENERATED_MAX_LEN	(256 * 1024)

/* Add the columns of its row that an expression, or NULL, uses. */
extern Bitmapset *add_columns_of_node(Bitmapset *columns, Node *node);

/*
 * Some columns of a table, and the columns that the generation expressions of those
 * among them use; a new set of attribute numbers, in the current memory context.  A
 * generated column is never made of another one.  Looks at the catalogs alone, and
 * takes no lock on the table; if it is gone, the set has the columns alone.
 */
extern Bitmapset *generated_with_origins(Oid relation,
										 const Bitmapset *columns);

/* The same, of some columns and those that are generated from them. */
extern Bitmapset *generated_with_uses(Oid relation, const Bitmapset *columns);

#endif							/* TOKENAUTH_GENERATED_H */
