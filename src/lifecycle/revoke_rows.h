/*-------------------------------------------------------------------------
 *
 * revoke_rows.h
 *		Revoking tokens by what their rows say: their id, user or tenant.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_REVOKE_ROWS_H
#define TOKENAUTH_REVOKE_ROWS_H

#include "lifecycle/ending.h"

/*
 * Revoke the tokens of such rows, until none is live: in the source named; or, with NULL,
 * in each that has columns for these roles, of types that could have the values.  A source
 * is held for change until the transaction ends, unless it is left out.  *ended is how many
 * tokens this has ended; it tells nothing if the result is false, for a source was left out.
 *
 * The caller has refused a read-only transaction; no value is NULL.  Throws 42704 if there
 * is no such source.  A source fails with what ending.h and kin_check_revoked() throw, with
 * 55000 if it has changed meanwhile, or is named and has no column for a role, and with
 * 40001 if there are new tokens again and again.  each_source.h says whether that is an
 * error or the source is left out.
 */
extern bool revoke_rows_wherever(const RowsOf *rows, const char *source_name,
								 uint64 *ended);

#endif							/* TOKENAUTH_REVOKE_ROWS_H */
