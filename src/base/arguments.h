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

/*
 * An id of a user, a tenant or a token, of whatever type the caller has it, as
 * text.  One C function serves all signatures of a SQL function.  Throws 42804 if
 * ids cannot be of that type; 0A000 if the type is not known, which it is in every
 * SQL statement.
 */
extern char *id_or_null(FunctionCallInfo fcinfo, int arg);

static inline Interval *
interval_or_null(FunctionCallInfo fcinfo, int arg)
{
	return nullable_interval(fcinfo->args[arg]);
}

static inline struct ArrayType *
array_or_null(FunctionCallInfo fcinfo, int arg)
{
	return PG_ARGISNULL(arg) ? NULL :
		(struct ArrayType *) PG_DETOAST_DATUM(PG_GETARG_DATUM(arg));
}

static inline bool
bool_or_false(FunctionCallInfo fcinfo, int arg)
{
	return !PG_ARGISNULL(arg) && PG_GETARG_BOOL(arg);
}

/* Throws 22004 if the argument of that name is NULL. */
static inline void
require_argument(FunctionCallInfo fcinfo, int arg, const char *name)
{
	if (PG_ARGISNULL(arg))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be null", name)));
}

#endif							/* TOKENAUTH_ARGUMENTS_H */
