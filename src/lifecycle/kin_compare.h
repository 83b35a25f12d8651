/*-------------------------------------------------------------------------
 *
 * kin_compare.h
 *		What a source makes of a row, compared with what it made of one before.
 *
 * Given are two views of one source (kin_view.h): of the row now, and of it before it was
 * changed, or of the row that it came from; NULL: the source was not looked at then.
 *
 *	- A row that counts now did before, and is no other user's or tenant's, nor of another
 *	  scope.
 *
 *	- Nor does it live longer in another source than that one allows, unless the row that
 *	  it came from lived as long there: than its max_lifetime, from now, or from when a row
 *	  began that is changed; and, if it is not issued, than its sliding_ttl from now.  Nor
 *	  for ever, if that one did not.  A source without either bounds no lives, for its own
 *	  tokens can be issued for as long as one likes.
 *
 * Looks at nothing but the views and the clock.  The call is that of the source which was
 * asked, for the messages.  Throws 55000; and 22023 if a row that came from none lives too
 * long.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_KIN_COMPARE_H
#define TOKENAUTH_KIN_COMPARE_H

#include "lifecycle/kin_view.h"
#include "source/owner.h"

/*
 * Does it count as it did?  A scope can also be that of a third view: of the new row, by
 * the source from which it was asked for; NULL: none was asked for.
 */
extern void kin_check_view(const OwnerCall *call, const KinView *before,
						   const KinView *now, const KinView *asked);

/* How long it lives, from when it began; NULL: that is not known. */
extern void kin_check_end(const OwnerCall *call, const KinView *before,
						  const KinView *now, const TimestampTz *begin);
extern void kin_check_issued_end(const OwnerCall *call, const KinView *before,
								 const KinView *now, const TimestampTz *begin);

/*
 * How long the successors of a row live that was made from another one, and began then.
 * It has passed kin_check_view().
 */
extern void kin_check_begin(const OwnerCall *call, const KinView *before,
							const KinView *now, TimestampTz begin);

#endif							/* TOKENAUTH_KIN_COMPARE_H */
