/*-------------------------------------------------------------------------
 *
 * lifecycle.h
 *		What ends a token's life, for those who replace it by another.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_LIFECYCLE_H
#define TOKENAUTH_LIFECYCLE_H

#include "owner.h"

/*
 * Revoke the rows that meet a condition and are not revoked yet, as the shape
 * of the source asks for; returns how many.
 */
extern uint64 lifecycle_revoke(OwnerCall *call, const char *condition);

#endif							/* TOKENAUTH_LIFECYCLE_H */
