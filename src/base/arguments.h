/*-------------------------------------------------------------------------
 *
 * arguments.h
 *		Arguments of SQL functions that may be NULL.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_ARGUMENTS_H
#define TOKENAUTH_ARGUMENTS_H

#include "base/nullable.h"
#include "fmgr.h"

static inline const char *
name_or_null(FunctionCallInfo fcinfo, int arg)
{
	return nullable_name(fcinfo->args[arg]);
}

static inline char *
text_or_null(FunctionCallInfo fcinfo, int arg)
{
	return nullable_text(fcinfo->args[arg]);
}

static inline Interval *
interval_or_null(FunctionCallInfo fcinfo, int arg)
{
	return nullable_interval(fcinfo->args[arg]);
}

#endif							/* TOKENAUTH_ARGUMENTS_H */
