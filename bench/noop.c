/*
 * noop.c
 *		The floor: a C function of tokenauth_resolve()'s signature that does
 *		nothing.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/uuid.h"

PG_MODULE_MAGIC;

PG_FUNCTION_INFO_V1(bench_noop);
Datum
bench_noop(PG_FUNCTION_ARGS)
{
	static pg_uuid_t nobody;

	PG_RETURN_UUID_P(&nobody);
}
