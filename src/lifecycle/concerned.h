/*-------------------------------------------------------------------------
 *
 * concerned.h
 *		The sources that a revocation concerns.
 *
 * Several sources are tried one by one (each_source.h), and others can be attached
 * meanwhile.  If one is left out, the result must not look like success: it is NULL, and a
 * warning names the source.
 *
 * Nothing here locks a source: the lists are of sources as they were chosen, and
 * each_source() holds each of them when its turn comes.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_CONCERNED_H
#define TOKENAUTH_CONCERNED_H

#include "source/source.h"

/*
 * How often tokens that have been revoked are looked at, until none is live: what
 * revoking one brings about can revive another.
 */
#define CONCERNED_MAX_LOOKS		10

typedef struct Concerned
{
	List	   *all;			/* sources */
	List	   *left;			/* those that have not been left out */
} Concerned;

/* These sources, of which none has been left out. */
extern Concerned concerned_begin(List *sources);

/* The sources that have been left out. */
extern List *concerned_left_out(const Concerned *concerned);

/*
 * Was a source left out?  True, too, if there are sources of which life cannot be told
 * (kin_check_revoked()): of those no warning told yet, and this warns of them.
 */
extern bool concerned_is_incomplete(const Concerned *concerned,
									const List *untold);

/*
 * After a look, from the first, 1, on: take those of these sources that others have
 * attached meanwhile, or code of an owner's that has run; are there any to look at?  None
 * where one is named.  Somebody can attach more for ever: after the last look they are
 * left out, and a warning names each.
 */
extern bool concerned_take_new(Concerned *concerned, const char *name,
							   const List *sources, int look);

#endif							/* TOKENAUTH_CONCERNED_H */
