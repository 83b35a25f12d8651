/*-------------------------------------------------------------------------
 *
 * by_parent.h
 *		Rows of a token table by the user, or tenant, that a parent says.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_BY_PARENT_H
#define TOKENAUTH_BY_PARENT_H

#include "source/owner.h"

/*
 * "the row leads to a parent's row with that value", of a role that a parent has.
 * Finds the parents' rows of now, in every isolation level, each table's as its
 * owner; a statement with this condition finds the token rows that refer to these.
 * Throws what that may throw, and what is wrong with a parent's table.
 */
extern char *by_parent_has_value(OwnerCall *call, SourceRole role,
								 const char *value);

#endif							/* TOKENAUTH_BY_PARENT_H */
