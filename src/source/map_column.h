/*-------------------------------------------------------------------------
 *
 * map_column.h
 *		A column of a source or of a parent, as its table is now; for mapping.c.
 *
 * These return false, with source->problem set, for one that does not fit.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_MAP_COLUMN_H
#define TOKENAUTH_MAP_COLUMN_H

#include "source/source.h"
#include "utils/relcache.h"

/*
 * Look a column up by its name, whose values' text is told, or compared with
 * another.
 */
extern bool map_readable_column(Source *source, Oid relation,
								SourceColumn *column);

/* A column's type is none that can be watched; false. */
extern bool map_strange_type(Source *source, Oid relation, const char *column);

/*
 * What has a role in the rows of a table, if anything has.  The columns that an
 * expression uses, or a generated column, are added to made_of.
 */
extern bool map_role(Source *source, Relation table, SourceRole role,
					 SourceColumn *column, Bitmapset **made_of);

/*
 * These columns are told, by a name or an expression that is written so, for an
 * argument of tokenauth_attach().  They must hold no token, of whatever source.
 */
extern bool map_is_no_token(Source *source, Oid relation,
							const char *argument, const char *told,
							const Bitmapset *columns);

#endif							/* TOKENAUTH_MAP_COLUMN_H */
