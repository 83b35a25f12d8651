/*-------------------------------------------------------------------------
 *
 * verified.h
 *		What a source's verify compares the token with.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_VERIFIED_H
#define TOKENAUTH_VERIFIED_H

#include "source/source.h"

/* What a column can be, besides what a token is compared with. */
typedef enum Secrecy
{
	NEVER_SECRET,				/* no token, nor digest, is of such a type */
	PERHAPS_SECRET,				/* a number or uuid: part of a digest, or a token */
	LIKELY_SECRET
} Secrecy;

extern Secrecy verified_secrecy(Oid type);

/*
 * The columns that a token must fit by the source's verify, NULL if it has none: what one
 * finds the row by may be no secret then, but these are.  A number or uuid with a role of
 * the source may go into the digest with the token, and is no secret if there is another
 * one.  Looks at the catalogs and the text alone, in whatever state the source is.
 */
extern Bitmapset *verified_columns(const Source *source);

#endif							/* TOKENAUTH_VERIFIED_H */
