/*-------------------------------------------------------------------------
 *
 * kin_decision.h
 *		What a caller decides about tokens of other sources.
 *
 * He has inserted a row, in a call for the source that he asked, with this value in its
 * token column; so it is this transaction's, and locked.  Looks at it by the latest state of
 * the table.  What is known of the sources must be up to date (source_refresh()).  Throws
 * what lookup_stored() throws.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_KIN_DECISION_H
#define TOKENAUTH_KIN_DECISION_H

#include "source/owner.h"
#include "source/stored_value.h"

/*
 * Does the caller decide about the row in another source with the same token column
 * (shared_row_is_kin()), or what is told there?  Decided are the columns of
 * kin_decided_columns(); or any, if the row may have been changed.  True, too, if that
 * cannot be told.
 */
extern bool kin_caller_decides(Source *other, const OwnerCall *call,
							   const StoredValue *stored,
							   const Bitmapset *decided, bool changed);

/* Throws 22023 if attributes, a set of columns, decide about a token of another source. */
extern void kin_check_attributes(const OwnerCall *call, const StoredValue *stored,
								 const Bitmapset *attributes);

#endif							/* TOKENAUTH_KIN_DECISION_H */
