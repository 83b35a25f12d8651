/*
 * noop.c
 *		The floors: a C function of tokenauth_resolve()'s signature that does
 *		nothing, one that hashes the token and does nothing else, and a trigger
 *		that does nothing.
 */
#define OPENSSL_SUPPRESS_DEPRECATED		/* as in src/token.c */

#include "postgres.h"

#include <openssl/sha.h>

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

PG_FUNCTION_INFO_V1(bench_sha256_alone);
Datum
bench_sha256_alone(PG_FUNCTION_ARGS)
{
	static pg_uuid_t nobody;
	text	   *token = PG_GETARG_TEXT_PP(0);
	unsigned char digest[SHA256_DIGEST_LENGTH];
	SHA256_CTX	context;

	SHA256_Init(&context);
	SHA256_Update(&context, VARDATA_ANY(token), VARSIZE_ANY_EXHDR(token));
	SHA256_Final(digest, &context);
	PG_RETURN_UUID_P(&nobody);
}

PG_FUNCTION_INFO_V1(bench_noop_trigger);
Datum
bench_noop_trigger(PG_FUNCTION_ARGS)
{
	return PointerGetDatum(NULL);
}
