/*-------------------------------------------------------------------------
 *
 * kin_revoked.h
 *		A token that is revoked does not come to life in another source.
 *
 * Several sources can have the tokens of one column (shared_row.h), and each says by
 * columns of its own what ends them.  Each is looked at by itself, and none is waited for:
 * one that cannot be read must not keep a token of another from being revoked.
 *
 * Throws what concerns all (sandbox_concerns_all()), and what is said below.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_KIN_REVOKED_H
#define TOKENAUTH_KIN_REVOKED_H

#include "source/owner.h"
#include "source/stored_value.h"

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

#endif							/* TOKENAUTH_KIN_REVOKED_H */
