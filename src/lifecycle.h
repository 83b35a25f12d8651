/*-------------------------------------------------------------------------
 *
 * lifecycle.h
 *		What ends a token's life, for those who replace it by another.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_LIFECYCLE_H
#define TOKENAUTH_LIFECYCLE_H

#include "compat.h"
#include "owner.h"

/*
 * Revoke the rows that meet a condition and are not revoked yet, as the shape
 * of the source asks for; returns how many.
 */
extern uint64 lifecycle_revoke(OwnerCall *call, const char *condition);

/*
 * Throw 40001: the token is valid now, but the transaction's snapshot is too
 * old to see its row.
 */
pg_noreturn extern void lifecycle_concurrent_update(void);

#endif							/* TOKENAUTH_LIFECYCLE_H */
