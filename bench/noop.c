/*
 * noop.c
 *		The floors: a C function of tokenauth_resolve()'s signature that does
 *		nothing, one that hashes the token and does nothing else, one that does
 *		the least that an exact answer from a cache takes, a trigger that does
 *		nothing, and one that only tells the other sessions, and standbys', of
 *		a change.
 */
#define OPENSSL_SUPPRESS_DEPRECATED		/* as in src/base/token.c */

#include "postgres.h"

#include <openssl/sha.h>

#include "access/htup_details.h"
#include "catalog/pg_sequence.h"
#include "fmgr.h"
#include "port/pg_bswap.h"
#include "storage/sinval.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

PG_MODULE_MAGIC;

static pg_uuid_t nobody;

/* The tokens of the benchmark are of one block, as most are. */
static void
hash_token(FunctionCallInfo fcinfo, unsigned char digest[SHA256_DIGEST_LENGTH])
{
	text	   *token = PG_GETARG_TEXT_PP(0);
	Size		len = VARSIZE_ANY_EXHDR(token);
	SHA256_CTX	context;
	unsigned char block[SHA256_CBLOCK] = {0};
	uint64		nbits = pg_hton64((uint64) len * BITS_PER_BYTE);

	if (len > SHA256_CBLOCK - 1 - sizeof(nbits))
		elog(ERROR, "the token is too long");
	memcpy(block, VARDATA_ANY(token), len);
	block[len] = 0x80;
	memcpy(block + SHA256_CBLOCK - sizeof(nbits), &nbits, sizeof(nbits));
	SHA256_Init(&context);
	SHA256_Transform(&context, block);
	explicit_bzero(block, sizeof(block));
	for (int i = 0; i < SHA256_DIGEST_LENGTH / (int) sizeof(uint32); i++)
	{
		uint32		word = pg_hton32(context.h[i]);

		memcpy(digest + i * sizeof(word), &word, sizeof(word));
	}
}

PG_FUNCTION_INFO_V1(bench_noop);
Datum
bench_noop(PG_FUNCTION_ARGS)
{
	PG_RETURN_UUID_P(&nobody);
}

PG_FUNCTION_INFO_V1(bench_sha256_alone);
Datum
bench_sha256_alone(PG_FUNCTION_ARGS)
{
	unsigned char digest[SHA256_DIGEST_LENGTH];

	hash_token(fcinfo, digest);
	PG_RETURN_UUID_P(&nobody);
}

/* As many and as large as those of the default cache; one line is looked at. */
#define ENTRIES		65536

typedef struct Entry
{
	unsigned char digest[SHA256_DIGEST_LENGTH];
	TimestampTz expires_at;
	char		rest[144];
} Entry;

/*
 * The digest, what changed since (else the answer may be stale), the clock (else
 * it may have expired), and the entry's first cache line.
 */
PG_FUNCTION_INFO_V1(bench_least);
Datum
bench_least(PG_FUNCTION_ARGS)
{
	static Entry *entries = NULL;
	unsigned char digest[SHA256_DIGEST_LENGTH];
	uint32		index;
	TimestampTz now;

	if (entries == NULL)
	{
		entries = MemoryContextAllocHuge(TopMemoryContext, ENTRIES * sizeof(Entry));
		memset(entries, 1, ENTRIES * sizeof(Entry));
	}
	hash_token(fcinfo, digest);
	AcceptInvalidationMessages();
	now = GetCurrentTimestamp();
	memcpy(&index, digest, sizeof(index));
	if (memcmp(entries[index % ENTRIES].digest, digest, sizeof(digest)) == 0 &&
		entries[index % ENTRIES].expires_at <= now)
		PG_RETURN_NULL();		/* never, but it had to be looked at */
	PG_RETURN_UUID_P(&nobody);
}

PG_FUNCTION_INFO_V1(bench_noop_trigger);
Datum
bench_noop_trigger(PG_FUNCTION_ARGS)
{
	return PointerGetDatum(NULL);
}

/*
 * One of core's messages for each row, of a kind that is cheap to receive: as if a
 * sequence had changed that does not exist.
 */
PG_FUNCTION_INFO_V1(bench_telling_trigger);
Datum
bench_telling_trigger(PG_FUNCTION_ARGS)
{
	static uint32 n = 0;
	Relation	catalog = RelationIdGetRelation(SequenceRelationId);
	Datum		value[Natts_pg_sequence] = {0};
	bool		isnull[Natts_pg_sequence] = {0};
	HeapTuple	row;

	value[Anum_pg_sequence_seqrelid - 1] = ObjectIdGetDatum(PG_UINT32_MAX - n++ % 10000);
	row = heap_form_tuple(RelationGetDescr(catalog), value, isnull);
	CacheInvalidateHeapTuple(catalog, row, NULL);
	heap_freetuple(row);
	RelationClose(catalog);
	return PointerGetDatum(NULL);
}
