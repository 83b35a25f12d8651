/*-------------------------------------------------------------------------
 *
 * new_row.h
 *		What the row of a new token is to hold, and whether it does.
 *
 * Code of the table's owner can change a row while it is inserted, or afterwards.  Where
 * that may have been (insert_list.h), the row is compared with what it was to hold when
 * it is there, by the latest state of the table.  The row is known by what it has in the
 * token column.  Where else it counts is told by kin.h.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_NEW_ROW_H
#define TOKENAUTH_NEW_ROW_H

#include "lifecycle/grace.h"
#include "lifecycle/new_scopes.h"
#include "source/owner.h"
#include "utils/jsonb.h"

/*
 * What the row of a token that is issued is to hold.  Attributes, an object of column
 * names and values, cannot set the columns that the other fields are for.  Nor do the
 * table's defaults, triggers and rules change what is asked for.
 */
typedef struct IssueRequest
{
	const char *user_id;		/* these may be NULL */
	const char *tenant_id;
	bool		carries_user;	/* NULL is what another token has: none, too */
	bool		carries_tenant;
	const char *scope;			/* with spaces in between, where there can be several */
	const CarriedScopes *carried;	/* if no scope is given; or NULL */
	Interval   *expires_in;
	Jsonb	   *attributes;
	const List *exchanged;		/* kin_views() of a row of the same column */
} IssueRequest;

/*
 * In SQL, the first role whose column does not tell what was asked for, as an integer;
 * NULL if all do: of the row in question, or, where it is not known who has changed that,
 * of what its columns would make of what was asked for.  It uses parameters of the call.
 */
extern char *new_row_untold(OwnerCall *call, const IssueRequest *request,
							bool by_row);

/* Throw 22023: that role's column cannot. */
pg_noreturn extern void new_row_cannot_tell(const OwnerCall *call,
											SourceRole role);

/* Throws 27000 if the row is of another user, tenant or scope than was asked for. */
extern void new_row_check_issued(OwnerCall *call, const IssueRequest *request,
								 const StoredValue *stored);

#endif							/* TOKENAUTH_NEW_ROW_H */
