/*-------------------------------------------------------------------------
 *
 * flag.h
 *		What the column that tells of revocation says: ROLE_REVOKED.
 *
 * It is one of these:
 *
 *	a timestamp		since when the token is revoked; NULL if it is not
 *	a boolean		true if the token is revoked, or the other way round
 *					(flag_is_active)
 *	a status		text, enum or integer: live for the active_values
 *
 * A number alone does not say which ones are live: a boolean that becomes one must
 * not be taken for it.
 *
 * A NULL flag or status is not a live one, just as WHERE NOT revoked would not
 * find the row, unless the source says so (null_is_live).
 *
 * The same in C, for judging, and in SQL, for statements on the table.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_FLAG_H
#define TOKENAUTH_FLAG_H

#include "source/owner.h"

/* Can a column of this type be what the source says of it? */
extern bool flag_type_fits(const Source *source, Oid type);

/* Is a row revoked?  False if the source has no such column. */
extern bool flag_is_revoked(const Source *source, TupleTableSlot *row);

/*
 * SQL: is a value of the column that of a live token?  Never NULL.  The column
 * must be there, here and below.
 */
extern char *flag_is_live_sql(OwnerCall *call, const char *value);

/* SQL: would revoking the row change its column? */
extern char *flag_can_be_set_sql(const OwnerCall *call);

/* SQL: what the column of a revoked row is set to. */
extern char *flag_revoked_sql(const OwnerCall *call);

/* SQL: what a new row has in it; NULL if a NULL says it. */
extern char *flag_live_sql(OwnerCall *call);

/* What a status is set to, as text. */
extern const char *flag_revoked_text(const Source *source);

#endif							/* TOKENAUTH_FLAG_H */
