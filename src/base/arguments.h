/*-------------------------------------------------------------------------
 *
 * arguments.h
 *		Arguments of SQL functions that may be NULL.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_ARGUMENTS_H
#define TOKENAUTH_ARGUMENTS_H

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

static inline const char *
name_or_null(FunctionCallInfo fcinfo, int arg)
{
	return PG_ARGISNULL(arg) ? NULL : NameStr(*PG_GETARG_NAME(arg));
}

static inline char *
text_or_null(FunctionCallInfo fcinfo, int arg)
{
	return PG_ARGISNULL(arg) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(arg));
}

static inline Interval *
interval_or_null(FunctionCallInfo fcinfo, int arg)
{
	return PG_ARGISNULL(arg) ? NULL : PG_GETARG_INTERVAL_P(arg);
}

#endif							/* TOKENAUTH_ARGUMENTS_H */
