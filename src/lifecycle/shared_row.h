/*-------------------------------------------------------------------------
 *
 * shared_row.h
 *		What other sources of the same table have in a row.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_SHARED_ROW_H
#define TOKENAUTH_SHARED_ROW_H

#include "source/owner.h"
#include "source/stored_value.h"

/*
 * Another source of the source's table for which a column plays a role, and the
 * role; NULL if there is none.  With except_id the id of the other's rows is none.
 */
extern const Source *shared_row_user(const Source *source, const char *column,
									 bool except_id, SourceRole *role);

/* Has the column the tokens of another source? */
extern bool shared_row_has_token(const Source *source, const char *column);

/*
 * The columns in which the tokens of other sources of the table are, and what these are
 * made of.  Whoever writes them makes a token of another source.
 */
extern Bitmapset *shared_row_tokens(const Source *source);

/* The other source of whose tokens a column is in that set; NULL if there is none. */
extern const Source *shared_row_made_of(const Source *source, AttrNumber attnum);

/*
 * The new row, in which the source's token is that of this value, was made from another
 * one, given as it was.  Throws 55000 if another source of the table has the same token
 * in both: it would live on in the new row.
 */
extern void shared_row_check_apart(OwnerCall *call, const StoredValue *stored,
								   Oid row_type, Datum row);

/*
 * The new row, in which the source's token is that of this value, may have been filled in
 * these columns, of shared_row_tokens(), by what the caller has set in his session.  Throws
 * 22023 if it has anything there: he would choose a token of another source.
 */
extern void shared_row_check_chosen(OwnerCall *call, const StoredValue *stored,
									const Bitmapset *columns);

/*
 * " AND the row has a token of the source", where a row need not have one, because
 * it is there for that of another source; else "".
 */
extern const char *shared_row_has_own(OwnerCall *call);

/*
 * Kinds of tokens in one column are told apart by the conditions of their sources.
 * Has the source such a column?  Then: is a row another source's, that is, does it
 * meet the condition of another one with that column, and not the source's own?
 * False if that cannot be told.
 */
extern bool shared_row_has_kinds(const Source *source);
extern bool shared_row_is_others(const Source *source,
								 const StoredValue *stored, const char *id);

/* Is it another source with the same token column of the same table? */
extern bool shared_row_is_kin(const Source *source, const Source *other);

/* Is it certain that a row meets the source's condition, or that it does not? */
extern bool shared_row_is_certain(Source *source, const StoredValue *stored,
								  const char *id, bool meets);

#endif							/* TOKENAUTH_SHARED_ROW_H */
