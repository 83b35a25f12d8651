/*-------------------------------------------------------------------------
 *
 * ready.c
 *		SQL: tokenauth_ready().
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include "judge/judge.h"
#include "operate/doctor.h"

/*
 * tokenauth_ready(source name) returns boolean
 *
 * For readiness probes: has tokenauth_doctor() no finding of severity error, of
 * that source or (NULL) any, and are the tokens loaded that are to be after a
 * start?  Throws 42704 if the source is unknown.
 */
TOKENAUTH_FUNCTION(tokenauth_ready);
Datum
tokenauth_ready(PG_FUNCTION_ARGS)
{
	const char *source = PG_ARGISNULL(0) ? NULL :
		NameStr(*PG_GETARG_NAME(0));

	if (source != NULL)
		(void) judge_named_source(source);
	PG_RETURN_BOOL(doctor_is_ready(source));
}
