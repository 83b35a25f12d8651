/*
 * noop.c
 *		The floors: a C function of tokenauth_resolve()'s signature, and a
 *		trigger, that do nothing.
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

PG_FUNCTION_INFO_V1(bench_noop_trigger);
Datum
bench_noop_trigger(PG_FUNCTION_ARGS)
{
	return PointerGetDatum(NULL);
}
