/*-------------------------------------------------------------------------
 *
 * map_expression.h
 *		A stored expression of a source, as its table is now; for mapping.c.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_MAP_EXPRESSION_H
#define TOKENAUTH_MAP_EXPRESSION_H

#include "source/expression.h"
#include "source/source.h"

/*
 * Read an expression, which may be NULL, into *node, and add the columns that it
 * uses to those that matter.  False, with source->problem set, if it does not fit
 * the table any more: that must not be an error of a statement that writes into
 * the table.
 */
extern bool map_expression(Source *source, Relation table, const char *text,
						   ExpressionUse use, Bitmapset **matters,
						   Node **node);

#endif							/* TOKENAUTH_MAP_EXPRESSION_H */
