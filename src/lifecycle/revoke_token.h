/*-------------------------------------------------------------------------
 *
 * revoke_token.h
 *		Revoking a token that is known by its text or digest.
 *
 * It is revoked in the source named; or, with NULL, in all that it could be of, by its
 * prefix.  A digest has none, so it could be of any source.  A source is held for change
 * until the transaction ends, unless it is left out, and the token is judged again there
 * (ending.h).  Nor may that have brought it to life in another source of the same token
 * column, in which it is not revoked (kin_revoked.h).
 *
 * The caller has refused a read-only transaction.  Throws 42704 if there is no such source.
 * A source fails with what ending.h and kin_check_revoked() throw, and with 55000 if it has
 * changed meanwhile.  each_source.h says whether that is an error or the source is left out.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_REVOKE_TOKEN_H
#define TOKENAUTH_REVOKE_TOKEN_H

#include "base/token.h"

/*
 * A boolean: true if this revoked it; false if there was nothing to revoke; NULL if a
 * source was left out, or is asked by its name only (routes.h) and nothing was revoked in
 * the others.  The text is the caller's, who overwrites it.
 */
extern NullableDatum revoke_token_by_text(const char *token, Size len,
										  const char *source_name);

/* The same.  A source whose table holds the tokens themselves fails with 0A000. */
extern NullableDatum revoke_token_by_digest(const TokenDigest *digest,
											const char *source_name);

#endif							/* TOKENAUTH_REVOKE_TOKEN_H */
