/*-------------------------------------------------------------------------
 *
 * message.c
 *		Messages to all sessions of a database; message.h is the contract.
 *
 * Core's messages name what has changed in a catalog.  Ours name rows of
 * pg_sequence that do not exist.  We make up such a row, have core register
 * that it has changed, and get from it, in every session, the hash of its key
 * in the one catalog cache of that catalog.  The key is computed back from the
 * hash, because core mixes an OID's bits without losing any.  If a sequence
 * ever has one of our OIDs, which are the last ones, then altering it is
 * received as a message that no transaction has sent.
 *
 * A relcache message for an OID that no relation has would do as well, and
 * would be simpler, but each is compared with every relation of every cached
 * plan of every session.  The cost of this one does not depend on what a
 * session has cached, and no other code listens to changes of sequences.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xlog.h"
#include "base/testpoint.h"
#include "catalog/pg_sequence.h"
#include "judge/message.h"
#include "judge/trust.h"
#include "replication/walsender.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/syscache.h"

/* A message: two bits of kind, and which buckets, gate, or cell it names. */
#define CONTENT_BITS			(CACHE_MESSAGE_BITS + 2)
#define MESSAGE_KIND(message)	((message) >> CACHE_MESSAGE_BITS)
#define MESSAGE_BITS(message)	((message) & ((1 << CACHE_MESSAGE_BITS) - 1))

/* A kind is a sum of these. */
#define MESSAGE_OF_PLACE	1	/* a gate, or a cell; else buckets */
#define MESSAGE_OF_PREPARED 2	/* counts on a primary too */

StaticAssertDecl(MESSAGE_PLACE_OF_CELL(CACHE_CELLS) <= 1 << CACHE_MESSAGE_BITS,
				 "messages must have room for all gates and cells");

/* The OIDs of our rows are the last ones. */
#define FIRST_OID	((Oid) (0xFFFFFFFF << CONTENT_BITS))

/* The OID whose murmurhash32() this is: its steps undone, in reverse order. */
static Oid
oid_of_hash(uint32 hash)
{
	hash ^= hash >> 16;
	hash *= 0x7ed1b41d;			/* * 0xc2b2ae35 = 1 */
	hash ^= hash >> 13 ^ hash >> 26;
	hash *= 0xa5cb9243;			/* * 0x85ebca6b = 1 */
	hash ^= hash >> 16;
	return hash;
}

/* Raise the floors that a message names.  No catalog access, no error. */
static void
receive_message(uint32 message)
{
	uint32		kind = MESSAGE_KIND(message);
	uint32		bits = MESSAGE_BITS(message);
	uint64		cursor = 0;
	uint64		now;
	CacheGuard *guard;

	/* a walsender receives messages of the past */
	if (!cache_is_on() || am_walsender || TEST_FAULT(ignore_messages) ||
		!trust_is_concerned((kind & MESSAGE_OF_PREPARED) != 0))
		return;

	now = clock_tick(cache_clock());
	if (kind & MESSAGE_OF_PLACE)
		cache_guard_floor(bits < CACHE_GATES ? cache_gate_guard((int) bits) :
						  cache_cell_guard((uint16) (bits - CACHE_GATES)),
						  CACHE_ALL_CLASSES, now);
	else
		while ((guard = cache_message_guard(bits, &cursor)) != NULL)
			cache_guard_floor(guard, CACHE_ALL_CLASSES, now);
}

static void
sequence_callback(Datum arg, int cacheid, uint32 hashvalue)
{
	Oid			oid = oid_of_hash(hashvalue);

	if (oid >= FIRST_OID)
		receive_message(oid - FIRST_OID);
}

void
message_init(void)
{
	CacheRegisterSyscacheCallback(SEQRELID, sequence_callback, (Datum) 0);
}

bool
message_standbys_may_replay(void)
{
	return XLogStandbyInfoActive();
}

/* Made once; the same one with another key each time. */
static HeapTuple
made_up_row(Relation catalog, Oid oid)
{
	static HeapTuple row = NULL;

	if (row == NULL)
	{
		Datum		value[Natts_pg_sequence] = {0};
		bool		isnull[Natts_pg_sequence] = {0};
		MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

		row = heap_form_tuple(RelationGetDescr(catalog), value, isnull);
		MemoryContextSwitchTo(old);
	}
	((Form_pg_sequence) GETSTRUCT(row))->seqrelid = oid;
	return row;
}

void
message_send(bool is_place, uint32 bits, bool prepared)
{
	uint32		kind = (is_place ? MESSAGE_OF_PLACE : 0) |
		(prepared ? MESSAGE_OF_PREPARED : 0);
	Oid			oid = FIRST_OID + (kind << CACHE_MESSAGE_BITS | bits);
	Relation	catalog;

	/* Better no commit than one that no session understands. */
	if (oid_of_hash(GetSysCacheHashValue1(SEQRELID, ObjectIdGetDatum(oid))) != oid)
		elog(ERROR, "keys of catalog caches are hashed in an unknown way");

	/* without a lock: what a catalog's rows look like never changes */
	catalog = RelationIdGetRelation(SequenceRelationId);
	CacheInvalidateHeapTuple(catalog, made_up_row(catalog, oid), NULL);
	RelationClose(catalog);
}
