/*-------------------------------------------------------------------------
 *
 * options.h
 *		What tokenauth_attach() is told of a source, and whether that can be.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_OPTIONS_H
#define TOKENAUTH_OPTIONS_H

#include "source/source.h"
#include "utils/array.h"
#include "utils/timestamp.h"

/* What tokenauth_attach() is told of a source. */
typedef struct AttachOptions
{
	Oid			relation;
	const char *name;
	const char *prefix;			/* NULL: none */
	const char *stored_as;
	const char *encoding;
	const char *timezone;
	const char *column[ROLE_COUNT]; /* NULL: none */
	const char *live_when;		/* NULL: no condition */
	ArrayType  *active_values;	/* text[] */
	ArrayType  *claims;			/* name[] */
	bool		checksum;
	Interval   *sliding_ttl;	/* these may be NULL */
	Interval   *sliding_threshold;
	Interval   *max_lifetime;
} AttachOptions;


/*
 * Throws, with a hint, what is wrong with the options taken by themselves, with
 * the table, which the caller has locked, or with the other sources.
 */
extern void options_check(const AttachOptions *options);

/*
 * A condition over a table's row as it is stored; NULL for NULL.  Throws, with
 * a hint, if it is not what expression.h says.
 */
extern const char *options_resolve_condition(Oid relation,
											 const char *condition);

#endif							/* TOKENAUTH_OPTIONS_H */
