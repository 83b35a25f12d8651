/*-------------------------------------------------------------------------
 *
 * kin_columns.h
 *		By which columns of its row a source tells of a token.
 *
 * Of sources of one table that can be read (source_is_readable()).  Looks at what is known of
 * them, and at the catalogs, and takes no lock.  Returns new sets of attribute numbers, in
 * the current memory context.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_KIN_COLUMNS_H
#define TOKENAUTH_KIN_COLUMNS_H

#include "source/source.h"

/* The columns that a source's tokens tell as claims. */
extern Bitmapset *kin_claims(const Source *source);

/*
 * These, and those that lead to the rows of parents that say whose a token is; with the
 * columns that generated ones are made of.
 */
extern Bitmapset *kin_claimed_columns(const Source *source);

/* The columns by which rows count in a source otherwise than in the other one. */
extern Bitmapset *kin_kind_columns(const Source *source, const Source *other);

/* What a source claims that the other one does not tell. */
extern Bitmapset *kin_own_claims(const Source *source, const Source *other);

/* The columns by which a source tells of a token otherwise than the other one. */
extern Bitmapset *kin_telling_columns(const Source *source, const Source *other);

#endif							/* TOKENAUTH_KIN_COLUMNS_H */
