/*-------------------------------------------------------------------------
 *
 * convention.h
 *		What a column is, by its name.
 *
 * A role that is not told goes to the column with a name for it that can be nothing
 * else: expires_at, or expiresAt, revoked, consumed_at.  All other columns that look as if
 * they could make a token invalid (looks.h) and count for nothing are told: for a token
 * would live on where they are overlooked.
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

typedef enum OverlookedWay
{
	WAY_COLUMN,					/* as the role's column */
	WAY_ACTIVE_COLUMN,			/* as the flag that is true for live ones */
	WAY_EXPRESSION,				/* in an expression in the role's place */
	WAY_CONDITION,				/* in live_when */
	WAY_NONE					/* tokens have no begin */
} OverlookedWay;

/* A column that looks as if it could make a token invalid, and does not count. */
typedef struct Overlooked
{
	SourceRole	role;			/* that it would have; ROLE_COUNT: none */
	OverlookedWay way;			/* in which it would count */
	char	   *column;
} Overlooked;

/* All of a source's, which is mapped, but for its ignored ones; Overlooked * */
extern List *convention_overlooked(const Source *source);

/* Notices of them, but for roles of which the caller has said that there is none. */
extern void convention_look(const Source *source, const bool none[ROLE_COUNT]);

#endif							/* TOKENAUTH_CONVENTION_H */
