/*-------------------------------------------------------------------------
 *
 * lifecycle.h
 *		What the functions on a token's life have in common.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_LIFECYCLE_H
#define TOKENAUTH_LIFECYCLE_H

#include "base/compat.h"
#include "judge/judge.h"
#include "source/owner.h"
#include "utils/jsonb.h"

/*
 * The source of that name, or the only one; held, for change or for reading.
 * Throws 42704 if there
 * is none of that name, 42P08 if there are several, and what is wrong with it
 * if it cannot be read.
 */
extern Source *lifecycle_source(const char *name, bool for_change);

/* When a row was written. */
#define UPDATED_COLUMN		"updated_at"

/*
 * Columns that a user knows a token by: what may be shown of it, and its name.  NULL
 * if the table has none of that name that could be filled with a text.
 */
#define DISPLAY_COLUMN		"token_prefix"
#define NAME_COLUMN			"name"
extern Form_pg_attribute lifecycle_text_column(const OwnerCall *call,
											   const char *name);

/* A field of a verdict as text, or NULL. */
extern char *lifecycle_field_text(const Judgement *judgement,
								  VerdictField field, SourceRole role);

/* Are the two the same text, or both NULL? */
extern bool lifecycle_is_same_text(const char *a, const char *b);

/* An argument that is a JSON object, or NULL. */
extern Jsonb *lifecycle_attributes(FunctionCallInfo fcinfo, int arg);

/*
 * So long after.  Lifetimes are reckoned in UTC, where a day has 24 hours, so
 * that they do not depend on the session's time zone; in SQL, by adding them to
 * lifecycle_in_utc() of a timestamp with time zone.
 */
extern TimestampTz lifecycle_after(TimestampTz from, Interval *interval);
extern char *lifecycle_in_utc(const char *expression);

/*
 * How much later than meant an expiry may be read: a column can keep whole
 * seconds, and one without a time zone, read in a zone in which clocks are put
 * back, does not tell the hours apart between which that is done.
 */
extern TimestampTz lifecycle_expiry_slack(const Source *source);

/*
 * Throw 40001: the token is valid now, but the transaction's snapshot is too
 * old to see its row.
 */
pg_noreturn extern void lifecycle_concurrent_update(void);

#endif							/* TOKENAUTH_LIFECYCLE_H */
