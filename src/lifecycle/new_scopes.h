/*-------------------------------------------------------------------------
 *
 * new_scopes.h
 *		The scopes of a new token.
 *
 * A column can hold one scope, or several in an array, a JSON array, or a text with
 * separators.  What is made here is SQL for the value of the source's column, in which
 * exactly these scopes are found.  It uses parameters of the call, so it is for the
 * call's next statement.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_NEW_SCOPES_H
#define TOKENAUTH_NEW_SCOPES_H

#include "source/owner.h"

/* The scopes of a token of another source, or of this one, for the new token. */
typedef struct CarriedScopes
{
	const char *source;
	List	   *names;			/* strings; NIL: none */
} CarriedScopes;

/* The argument "scope".  Throws 22023 if the column cannot have them. */
extern char *new_scopes_given(OwnerCall *call, const char *argument);

/*
 * The scopes of the exchanged token, in SQL; NULL if the column cannot have them, or
 * there is no column.  Then the other throws 0A000, which says why.
 */
extern char *new_scopes_carried(OwnerCall *call, const CarriedScopes *carried);
pg_noreturn extern void new_scopes_not_carried(const Source *source,
											   const CarriedScopes *carried);

/*
 * "a value of the column tells exactly these": the argument, or else those that are
 * carried (owner_tells()).  NULL if none are given, or the column cannot have them.
 */
extern char *new_scopes_tells(OwnerCall *call, const char *argument,
							  const CarriedScopes *carried,
							  const char *expression);

#endif							/* TOKENAUTH_NEW_SCOPES_H */
