/*-------------------------------------------------------------------------
 *
 * convention.h
 *		What a column is, by its name.
 *
 * Names are compared without regard to case and underscores: expiresAt is
 * expires_at.  What ends the life of a token is looked for under more names than
 * the rest, because a token would live on where it is overlooked; and where none of
 * these is there, by words in a name, such as "deleted" in soft_deleted_at.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_CONVENTION_H
#define TOKENAUTH_CONVENTION_H

#include "source/source.h"

/*
 * Give a role of the source, which has none yet, the column that has it by its
 * name, if there is one; but not the token's.
 */
extern void convention_choose(Source *source, SourceRole role);

/* A column that looks as if it ended the life of a token, and does not count. */
typedef struct Overlooked
{
	SourceRole	role;			/* that it would have */
	bool		is_active;		/* true is what is live */
	char	   *column;
} Overlooked;

/* All of a source's; Overlooked * */
extern List *convention_overlooked(const Source *source);

/*
 * Notices for columns that look as if they ended the life of a token, and do not
 * count.  told says for which roles the caller has named a column, or none.
 */
extern void convention_look(const Source *source, const bool told[ROLE_COUNT]);

#endif							/* TOKENAUTH_CONVENTION_H */
