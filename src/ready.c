/*-------------------------------------------------------------------------
 *
 * ready.c
 *		SQL: tokenauth_ready().
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "compat.h"
#include "judge.h"
#include "warm.h"

/*
 * tokenauth_ready(source name) returns boolean
 *
 * For readiness probes: has the warming that was asked for ended, and is
 * nothing so wrong that tokens are judged by their tables?  Throws 42704 if
 * the source is unknown.
 */
TOKENAUTH_FUNCTION(tokenauth_ready);
Datum
tokenauth_ready(PG_FUNCTION_ARGS)
{
	if (!PG_ARGISNULL(0))
		(void) judge_named_source(NameStr(*PG_GETARG_NAME(0)));
	PG_RETURN_BOOL(cache_is_on() && warm_has_ended());
}
