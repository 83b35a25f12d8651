/*-------------------------------------------------------------------------
 *
 * kin.h
 *		A token that is written counts where it was meant to, and nowhere else.
 *
 * Several sources can have the tokens of one column (shared_row.h), and each says by
 * columns of its own which rows count, until when, and whose they are.  So what is
 * written for one of them can count in another: that is seen by the row when it is
 * there, because defaults, triggers and generated columns decide, too.
 *
 *	- A row that is made from another one, or changed, counts in no source in which
 *	  that one did not, and is no other user's or tenant's there, nor of another scope.
 *	  But what is exchanged can have the scope there that was asked for.
 *	- A row that is issued may count in another source, for that may take rows of all
 *	  kinds.  But nothing that the caller gives, or his session has set, decides that,
 *	  nor what is told there.
 *
 *	- Nor does it live longer in another source than that one allows (kin_compare.h).
 *
 * kin_view.h says when a row counts.  What the table's owner has deferred to the end
 * of the transaction comes later.
 *
 * The row is known by its value in the token column, and this transaction has written it.
 * The source of the call is held (hold.h).  Each throws what kin_view.h says, too.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_KIN_H
#define TOKENAUTH_KIN_H

#include "source/owner.h"
#include "source/stored_value.h"

/*
 * The row of this value has been changed by us since, and how it was looked at before,
 * by kin_views(), is given.  Throws 55000 if it counts in a source in which it did not, or
 * otherwise.
 */
extern void kin_check_changed(const OwnerCall *call, const StoredValue *stored,
							  const List *before);

/*
 * kin_check_changed() of a row that was made from that one, and began then.  Throws 22023
 * if one of the attributes, a set of columns, counts for another source that may take the
 * row.
 */
extern void kin_check_made(const OwnerCall *call, const StoredValue *stored,
						   const List *before, const Bitmapset *attributes,
						   TimestampTz begin);

/*
 * The columns about which the caller of an INSERT decides: those that his arguments set,
 * and those that a default fills by what he has set in his session.  To be asked before
 * it, for code that it runs can alter a default.
 */
extern Bitmapset *kin_decided_columns(const OwnerCall *call,
									  const Bitmapset *arguments);

/*
 * The row of this value was issued, and began then; the caller has decided about these
 * columns, by attributes about those; code of the table's owner may have changed it.  Throws 22023 if
 * they decide about another source, or how long it lives there is more than that one
 * allows.  If it was made in exchange for a row with the same token column, which was
 * looked at so, throws 55000 if it counts in another source in which that one did not, or
 * otherwise.
 */
extern void kin_check_issued(const OwnerCall *call, const StoredValue *stored,
							 const Bitmapset *decided,
							 const Bitmapset *attributes, bool changed,
							 const List *exchanged, TimestampTz begin);

#endif							/* TOKENAUTH_KIN_H */
