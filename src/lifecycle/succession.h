/*-------------------------------------------------------------------------
 *
 * succession.h
 *		A token's successor depends on what the token depended on.
 *
 * Whose a token is, what it claims and how long it lives is said by columns of its row,
 * and by the rows of parents to which some of them lead.  A successor has the same in
 * all of these, but for what belongs to a token alone: its id, its times, its display
 * form, and what is generated from them.  Where one of those leads to a parent, or tells
 * the user, tenant or scope, there can be no successor.
 *
 * That is so in each source of the token column in which the row counts (kin_view.h).
 *
 * It is no matter who fills a column: tokenauth copies it, the table numbers its rows by
 * it, or generates it, or code of the table's owner changes it.  So what the row holds is
 * compared when it is there, image by image, and the table is not asked what code it has.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_SUCCESSION_H
#define TOKENAUTH_SUCCESSION_H

#include "lifecycle/life.h"
#include "source/owner.h"
#include "utils/jsonb.h"

/* What the row of a token's successor is made from. */
typedef struct Succession
{
	Oid			row_type;
	Datum		row;			/* the old token's row, as it was while it lived */
	const List *views;			/* its kin_views(), of then */
	Life		life;
	Jsonb	   *attributes;		/* may be NULL */
} Succession;

/* Throws 55000 if the catalog says that no row can have what another one has. */
extern void succession_check_possible(const OwnerCall *call);

/*
 * The row of the successor has been inserted.  Throws 27000 if it has not what was
 * copied into it, 55000 if it has not what was not copied either.
 */
extern void succession_check_made(OwnerCall *call, const Succession *succession,
								  const StoredValue *stored);

/*
 * The token's own rows in which it lives, in each source of the column, as they are before
 * it is written.  Its rows are locked.
 */
extern List *succession_rows(OwnerCall *call, const StoredValue *stored);

/*
 * The token lives on and has been written: in each source, whose it is, its scope and
 * claims, and to which parents it refers must be what a row in which it lived there said.
 * Throws as above.  A column that its live_when uses may count how often it is written.
 * The rows of before are in none of our memory afterwards.
 */
extern void succession_check_kept(OwnerCall *call, Oid row_type, List *kept,
								  const StoredValue *stored);

#endif							/* TOKENAUTH_SUCCESSION_H */
