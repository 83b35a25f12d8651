/*-------------------------------------------------------------------------
 *
 * token_columns.h
 *		Columns that hold tokens, of whatever source.
 *
 * A table can have the tokens of several sources, and that of a parent can have
 * tokens, too.  What a source's verify compares the token with are tokens (verified.h).
 * A column that refers to one with tokens, by a foreign key or because a source finds
 * its parents so, has tokens, and so has one that token columns and it itself refer to,
 * by whatever steps.  What a source tells of a token, its id, user and claims among them,
 * goes to callers, lists and logs, and must not be another token or its digest.  Nor
 * does tokenauth write anything but a token into such a column.
 *
 * Who cannot change a source must not keep it from being read.  So what the tokens of
 * another owner's source refer to, and how it finds its parents, does not count, unless
 * he has all rights of the source's owner.  Who owns a table that told columns refer to
 * can still say that it has tokens.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_TOKEN_COLUMNS_H
#define TOKENAUTH_TOKEN_COLUMNS_H

#include "source/source.h"

/*
 * The columns of its table that hold a source's tokens, a new set; NULL if there are
 * none.  The second adds those that these are generated from.
 */
extern Bitmapset *tokens_columns(const Source *source);
extern Bitmapset *tokens_origins(const Source *source);

/*
 * The columns of its table that show a source's tokens, or their digests, to whoever can
 * read them: those that hold them, what these are made of, and what is generated from
 * either.  A number among several origins, or an id or user, is not what is secret.
 */
extern Bitmapset *tokens_shown(const Source *source);

/*
 * Where the tokens are of a source and of all that source->registered has, found once
 * for many questions, in the current memory context.  Foreign keys are those of now: of
 * one that is made between other tables no message tells, so it is seen when the source
 * is read the next time.
 */
typedef struct TokenSearch TokenSearch;

extern TokenSearch *tokens_search(const Source *source);
extern void tokens_search_end(TokenSearch *search);

/*
 * Whose tokens are in one of these columns of a table, as above: the source itself or
 * another; NULL if there are none.
 */
extern const Source *tokens_find(TokenSearch *search, Oid relation,
								 const Bitmapset *columns);

/* The same of one column, and for one question. */
extern const Source *tokens_in_column(const Source *source, Oid relation,
									  AttrNumber attnum);

/* The tables, a list of OIDs, in which there can be columns with a source's tokens. */
extern List *tokens_tellers(const Source *source);

#endif							/* TOKENAUTH_TOKEN_COLUMNS_H */
