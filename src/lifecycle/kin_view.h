/*-------------------------------------------------------------------------
 *
 * kin_view.h
 *		What the sources of a token column make of a row.
 *
 * Several sources can have the tokens of one column (shared_row.h).  A row counts in one if
 * it is live by what it says itself: parents that are suspended need not stay so.  A source
 * that cannot be read is taken for one in which it counts.
 *
 * The row is known by its value in the token column.  It must be locked, or written, by this
 * transaction, or what is told need not be so any more then: nothing here locks it.  The
 * source of the call is held (hold.h), and so their common table is.
 *
 * Throws what lookup_stored() and lookup_is_live() throw, and 55000 if a source changes
 * meanwhile.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_KIN_VIEW_H
#define TOKENAUTH_KIN_VIEW_H

#include "source/owner.h"
#include "source/stored_value.h"

typedef struct KinView
{
	const char *source;			/* its name */
	bool		is_known;		/* what follows could be read */
	bool		is_live;
	char	   *user;			/* as text; NULL: none is told */
	char	   *tenant;
	char	   *scope;			/* all of them, quoted */
	bool		is_kin;			/* another source; else what follows is of no concern */
	Interval   *max_lifetime;	/* NULL: none */
	Interval   *sliding_ttl;
	AttrNumber	expires;		/* its expires_column */
	TimestampTz slack;			/* in reading when it expires */
	bool		has_created;	/* by its row alone, whatever its parents say */
	TimestampTz created_at;
	bool		has_expiry;
	TimestampTz expires_at;
} KinView;

/*
 * What the source, and all others with the same token column, make of the row of a
 * value now; a list for kin_check_made() and kin_check_changed().
 */
extern List *kin_views(const OwnerCall *call, const StoredValue *stored);

/*
 * What one source makes of it; and of another one's row, how long it lives there, too.
 * What is known of the sources must be up to date (source_refresh()).
 */
extern KinView *kin_view_of(Source *source, const StoredValue *stored);
extern KinView *kin_view_of_kin(Source *source, const StoredValue *stored);

/* That of the source of this name; NULL if it was not looked at. */
extern const KinView *kin_find_view(const List *views, const char *source);

/*
 * The name of another source, of those views, in which the token counts and by which it
 * could be renewed when this one has shortened its life; NULL: there is none.
 */
extern const char *kin_that_renews(const OwnerCall *call, const List *views);

#endif							/* TOKENAUTH_KIN_VIEW_H */
