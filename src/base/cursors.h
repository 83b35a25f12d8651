/*-------------------------------------------------------------------------
 *
 * cursors.h
 *		Keeping the cursors of a session from code that runs in a sandbox.
 *
 * Every cursor (portal) of a session can be reached by its name from all code
 * that runs in the session, also those that PL/pgSQL has opened: its FETCH reads
 * them, and CLOSE and OPEN replace them.  What has replaced one runs when its
 * opener fetches from it, with the opener's rights.
 *
 * So between cursors_lock() and cursors_unlock() those that were there before can
 * neither be run nor closed, and those that are opened meanwhile are closed at
 * the end.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_CURSORS_H
#define TOKENAUTH_CURSORS_H

#include "utils/portal.h"

typedef struct LockedCursor
{
	Portal		portal;
	PortalStatus status;		/* what it was */
} LockedCursor;

/* All zero: nothing is locked. */
typedef struct LockedCursors
{
	bool		active;
	LockedCursor *cursor;		/* NULL: there are none */
	int			n;
	Portal		admitted;		/* NULL: there is none */
} LockedCursors;

/*
 * Allocates in the current memory context, and can fail in that before anything
 * is locked.
 */
extern void cursors_lock(LockedCursors *locked);

/* This one, of ours, can be run, and stays open if it has been opened meanwhile. */
extern void cursors_admit(LockedCursors *locked, Portal portal);

/*
 * Close what has been opened since, which can run its code and fail; then unlock
 * the others.
 */
extern void cursors_unlock(LockedCursors *locked);

/*
 * After an error, in PG_CATCH(): before the (sub)transaction is aborted, which
 * closes what has been opened, and takes locked ones for running ones.  Also if
 * cursors_unlock() has failed.
 */
extern void cursors_unlock_after_error(LockedCursors *locked);

#endif							/* TOKENAUTH_CURSORS_H */
