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
 *	- Nor does it live longer in another source than that one allows, unless the row that
 *	  it came from lived as long there: than its max_lifetime, from now, or from when a row
 *	  began that is changed; and, if it is not issued, than its sliding_ttl from now.  Nor
 *	  for ever, if that one did not.  A source without either bounds no lives, for its own
 *	  tokens can be issued for as long as one likes.
 *
 * A row counts if it is live by what it says itself: parents that are suspended need
 * not stay so.  A source that cannot be read is taken for one in which it counts.
 * What the table's owner has deferred to the end of the transaction comes later.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_KIN_H
#define TOKENAUTH_KIN_H

#include "source/owner.h"
#include "source/stored_value.h"

/*
 * What the source, and all others with the same token column, make of the row of a
 * value now; a list for kin_check_made() and kin_check_changed().
 */
extern List *kin_views(const OwnerCall *call, const StoredValue *stored);

/*
 * The row of this value has been changed by us since, and how it was looked at before
 * is given.  Throws 55000 if it counts in a source in which it did not, or otherwise.
 */
extern void kin_check_changed(const OwnerCall *call, const StoredValue *stored,
							  const List *before);

/*
 * The name of another source, of those views, in which the token counts and by which it
 * could be renewed when this one has shortened its life; NULL: there is none.
 */
extern const char *kin_that_renews(const OwnerCall *call, const List *views);

/*
 * Where other sources with that column are not revoked in, too: what can be told of the
 * token's life in them, before it is revoked, a list for the other.  Its rows must be
 * locked, or what they say need not be so any more then.  It cannot be told
 * where expressions fail, or a table is locked.  Parents do not count, so that nobody
 * waits for them.
 *
 * Once the token has been revoked, the other throws 55000 if it lives in one of them in
 * which it was dead, except some.  To those of which that cannot be told it adds, once
 * for each.  To revoke it was no success then, and kin_warn_untold() says so.
 */
extern List *kin_lives(const OwnerCall *call, const StoredValue *stored);
extern void kin_check_revoked(const OwnerCall *call, const StoredValue *stored,
							  const List *before, const List *except,
							  List **untold);

/* Warn of them, except of sources of which somebody has warned. */
extern void kin_warn_untold(const List *untold, const List *warned);

/*
 * kin_check_changed() of a row that was made from that one.  Throws 22023 if one of the
 * attributes, a set of columns, counts for another source that may take the row.
 */
extern void kin_check_made(const OwnerCall *call, const StoredValue *stored,
						   const List *before, const Bitmapset *attributes);

/*
 * The columns about which the caller of an INSERT decides: those that his arguments set,
 * and those that a default fills by what he has set in his session.  To be asked before
 * it, for code that it runs can alter a default.
 */
extern Bitmapset *kin_decided_columns(const OwnerCall *call,
									  const Bitmapset *arguments);

/*
 * The row of this value was issued, and the caller has decided about these columns, by
 * attributes about those; code of the table's owner may have changed it.  Throws 22023 if
 * they decide about another source, or how long it lives there is more than that one
 * allows.  If it was made in exchange for a row with the same token column, which was
 * looked at so, throws 55000 if it counts in another source in which that one did not, or
 * otherwise.
 */
extern void kin_check_issued(const OwnerCall *call, const StoredValue *stored,
							 const Bitmapset *decided,
							 const Bitmapset *attributes, bool changed,
							 const List *exchanged);

/* The columns that a source's tokens tell as claims. */
extern Bitmapset *kin_claims(const Source *source);

#endif							/* TOKENAUTH_KIN_H */
