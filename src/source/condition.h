/*-------------------------------------------------------------------------
 *
 * condition.h
 *		What a condition over a row may be.
 *
 * It must be a function of the row's own columns: the same always and in every
 * session.  So its functions must be immutable, or be among those that are stable
 * for no other reason than the session's time zone, because it is evaluated in a
 * fixed one.  What a condition depends on is found in its analyzed tree; whatever
 * is not known to be harmless is refused with an error.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_CONDITION_H
#define TOKENAUTH_CONDITION_H

#include "base/compat.h"
#include "nodes/bitmapset.h"
#include "nodes/nodes.h"
#include "source/watch.h"
#include "utils/relcache.h"

typedef struct ConditionCheck
{
	Relation	relation;
	const char *noun;			/* "condition" or "expression"; for errors */
	const char *text;			/* for errors */
	Bitmapset  *columns;		/* those that it uses are added */
	Watch	   *watch;			/* what else it depends on */
	bool		temporary;		/* set if a type of it is temporary */
} ConditionCheck;

/*
 * Check an analyzed condition; as the table's owner, with fixed settings.  No
 * function that it calls is run.  Throws with a hint.
 */
extern void condition_check(ConditionCheck *check, Node *node);

/* Throw the error for literals that are not always read alike. */
pg_noreturn extern void condition_refuse_literal(const char *noun,
												 const char *text);

#endif							/* TOKENAUTH_CONDITION_H */
