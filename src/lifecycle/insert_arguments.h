/*-------------------------------------------------------------------------
 *
 * insert_arguments.h
 *		What a caller gives for a new row: arguments and attributes.
 *
 * An argument sets the column of a role; an attribute sets a column by its name, but
 * none that decides about the token.  What does not fit, or is missing, is said by the
 * name of the argument or column.  The columns that were set are noted in the list, as
 * set by arguments or by attributes: what they do in other sources is judged when the
 * row is there (kin.h).
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_INSERT_ARGUMENTS_H
#define TOKENAUTH_INSERT_ARGUMENTS_H

#include "lifecycle/insert_list.h"
#include "lifecycle/new_scopes.h"
#include "utils/jsonb.h"

/*
 * The value of an argument for a role's column; NULL: none is given.  Throws 0A000 if a
 * parent says it, 22023 if the source has no such column.
 */
extern void insert_arguments_give(InsertList *list, SourceRole role,
								  const char *argument, const char *value);

/*
 * As another token has none, then the column's default is not for the new one.  For the
 * user or tenant; throws 0A000 if the new token must have one, or an expression says it.
 */
extern void insert_arguments_give_none(InsertList *list, SourceRole role);

/*
 * The scopes of another token; NULL: there is none.  None, too, if it has none: then
 * the column's default is not for the new token.  Throws 0A000 if the column cannot have
 * them.
 */
extern void insert_arguments_give_carried(InsertList *list,
										  const CarriedScopes *carried);

/*
 * Columns by name: "r.column" for each attribute.  Returns the FROM clause that
 * r comes from.  Throws 42703 if there is no such column, 22023 if it is one that
 * attributes must not set.
 */
extern const char *insert_arguments_give_attributes(InsertList *list,
													Jsonb *attributes);

/*
 * All has been given.  Say which column lacks a value, before the INSERT says less:
 * throws 23502.
 */
extern void insert_arguments_check_complete(const InsertList *list);

#endif							/* TOKENAUTH_INSERT_ARGUMENTS_H */
