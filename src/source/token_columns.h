/*-------------------------------------------------------------------------
 *
 * token_columns.h
 *		Columns that hold tokens, of whatever source.
 *
 * A table can have the tokens of several sources, and that of a parent can have
 * tokens, too.  What a source tells of a token, its id, user and claims among them,
 * goes to callers, lists and logs, and must not be another token or its digest.
 * Nor does tokenauth write anything but a token into such a column.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_TOKEN_COLUMNS_H
#define TOKENAUTH_TOKEN_COLUMNS_H

#include "source/source.h"

/*
 * The source, of all that source->registered has, and the source itself, whose tokens
 * are in one of these columns of a table, or in one that such a column is generated
 * from; NULL if there is none.  The caller has a lock on the table.
 */
extern const Source *tokens_in_columns(const Source *source, Oid relation,
									   const Bitmapset *columns);

/* The same of one column. */
extern const Source *tokens_in_column(const Source *source, Oid relation,
									  AttrNumber attnum);

#endif							/* TOKENAUTH_TOKEN_COLUMNS_H */
