/*-------------------------------------------------------------------------
 *
 * references.h
 *		Columns that have the values of others, by foreign keys.
 *
 * A column that refers to another one has its values, and so has a generated column
 * those of which it is made.  What says which columns there are looks at the catalogs
 * alone, and takes no lock on the tables: they may be anybody's.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_REFERENCES_H
#define TOKENAUTH_REFERENCES_H

#include "access/attnum.h"
#include "nodes/bitmapset.h"
#include "nodes/pg_list.h"

/* Some columns of a table. */
typedef struct TableColumns
{
	Oid			relation;
	Bitmapset  *columns;
} TableColumns;

/* A column, of a foreign key perhaps, and that to which it refers. */
typedef struct Reference
{
	Oid			from_relation;
	AttrNumber	from;
	Oid			to_relation;
	AttrNumber	to;
} Reference;

/*
 * The columns, whatever their tables, that have the values of some columns of a table:
 * these themselves, those that they refer to or are made of, and so on.  A list of
 * TableColumns in the current memory context, one for each table.  They refer to others
 * by foreign keys and by these ways, a list of References.
 */
extern List *references_origins(Oid relation, const Bitmapset *columns,
								const List *ways);

/* Such columns, and all that refer to them or are made of them, and so on. */
extern List *references_users(const List *columns, const List *ways);

#endif							/* TOKENAUTH_REFERENCES_H */
