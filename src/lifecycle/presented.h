/*-------------------------------------------------------------------------
 *
 * presented.h
 *		A token that a caller presents, to be replaced, extended or used up; or
 *		names by its id and user, to be replaced.
 *
 * There is no race in that: the token's row is locked first and judged then.
 * The lock is released after the winner's commit has taken effect for all, so
 * a session that waited for it finds the token revoked, or used.
 *
 * In this order:
 *
 *		presented_take		its text, from the arguments of a SQL function
 *		presented_judge		as it is before any lock
 *		presented_place		its source; from here on only that source judges
 *							the token, even if others are attached meanwhile
 *		presented_lock		its row, locked
 *		presented_forget	overwrites it in memory of ours
 *
 * For one that is named, presented_find() stands for the first three.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_PRESENTED_H
#define TOKENAUTH_PRESENTED_H

#include "judge/judge.h"
#include "source/owner.h"

typedef struct Presented
{
	const char *id;				/* of its row; NULL: it is presented, not named */
	const char *user_id;		/* with the id */
	text	   *text;			/* these two of one that is presented */
	TokenQuery	query;
	Judgement	before;			/* as it was before any lock */

	/* From presented_place() on. */
	const Source *source;		/* held for change */
	StoredValues values;		/* all that it can have; of one that is named, its
								 * row's */
	StoredValue stored;			/* that of them whose row is judged */

	/* From presented_lock() on. */
	Judgement	judgement;		/* as it is under the lock */
	List	   *views;			/* kin_views(), of then */
	uint64		nrows;			/* over 1 only where the column is not unique */
	Oid			row_type;		/* of the table's rows */
	List	   *places;			/* ItemPointer: of the rows in which it lives; one
								 * but where a parent's row tells which of several */
	Datum		row;			/* the (first) whole row of these */
	bool		has_created;
	TimestampTz created_at;
	bool		has_expiry;		/* by the row itself, if a parent has one, too */
	TimestampTz expires_at;
} Presented;

/* Argument 0, which is not null, is the token. */
extern void presented_take(FunctionCallInfo fcinfo, int source_arg,
						   Presented *presented);

/* Judge it as of now.  Throws what judge_token() throws. */
extern void presented_judge_now(const Presented *presented,
								Judgement *judgement);

/* The same into before. */
extern TokenStatus presented_judge(Presented *presented);

/*
 * Judge it, and hold its source for change.  False if it is not valid now; then
 * before has the verdict.  Throws what is wrong with a source that cannot be
 * read.
 */
extern bool presented_place(Presented *presented);

/*
 * The token in the row of that id and user, in a call that has begun on its source;
 * judge it.  False if there is none, or it is not valid now.  Throws 21000 if there
 * are several.
 */
extern bool presented_find(OwnerCall *call, const char *id,
						   const char *user_id, Presented *presented);

/*
 * Lock the token's rows in a call that has begun on its source, waiting for
 * other sessions, and judge it as it is then.  False if it is not valid any more; then
 * judgement has the verdict; or if it has not that id and user any more.  Throws 40001
 * if the transaction's snapshot is too old to see the row.
 *
 * What ends its life is to be written into the rows of all its values, for those may
 * come to life with their parents.
 */
extern bool presented_lock(OwnerCall *call, Presented *presented);

extern void presented_forget(FunctionCallInfo fcinfo, Presented *presented);

/*
 * Throw that it is not valid, 28000, or that there is none of that id, P0002: no
 * reason, which would tell an attacker.
 */
pg_noreturn extern void presented_refuse(void);
pg_noreturn extern void presented_refuse_id(void);

#endif							/* TOKENAUTH_PRESENTED_H */
