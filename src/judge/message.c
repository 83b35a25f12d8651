/*-------------------------------------------------------------------------
 *
 * message.c
 *		Messages to all sessions of a database; message.h is the contract.
 *
 * Core's messages name what has changed in a catalog.  Ours name rows of
 * pg_sequence that do not exist.  We make such a row up, have core register
 * that it has changed, and get from it, in every session, the hash of its key
 * in the one catalog cache of that catalog.  The key can be had back from the
 * hash, for core mixes an OID's bits without losing any.  Should a sequence
 * ever have one of our OIDs, which are the last ones, altering it is heard as
 * a message that nobody has sent.
 *
 * A relcache message for an OID that no relation has would do as well, and
 * would be simpler, but each is compared with every relation of every cached
 * plan of every session.  The cost of this one does not depend on what a
 * session has cached, and nobody else listens to changes of sequences.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_sequence.h"
#include "judge/message.h"
#include "utils/inval.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/syscache.h"

/* The OIDs of our rows are the last ones. */
#define FIRST_OID	((Oid) (0xFFFFFFFF << MESSAGE_CONTENT_BITS))

static MessageReceiver receive = NULL;

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

static void
sequence_callback(Datum arg, int cacheid, uint32 hashvalue)
{
	Oid			oid = oid_of_hash(hashvalue);

	if (oid >= FIRST_OID)
		receive(oid - FIRST_OID);
}

void
message_init(MessageReceiver receiver)
{
	receive = receiver;
	CacheRegisterSyscacheCallback(SEQRELID, sequence_callback, (Datum) 0);
}

void
message_send(uint32 content)
{
	Datum		value[Natts_pg_sequence] = {0};
	bool		isnull[Natts_pg_sequence] = {0};
	Oid			oid = FIRST_OID + content;
	Relation	catalog;
	HeapTuple	row;

	/* Better no commit than one that nobody understands. */
	if (oid_of_hash(GetSysCacheHashValue1(SEQRELID, ObjectIdGetDatum(oid))) != oid)
		elog(ERROR, "keys of catalog caches are hashed in an unknown way");

	/* without a lock: what a catalog's rows look like never changes */
	value[Anum_pg_sequence_seqrelid - 1] = ObjectIdGetDatum(oid);
	catalog = RelationIdGetRelation(SequenceRelationId);
	row = heap_form_tuple(RelationGetDescr(catalog), value, isnull);
	CacheInvalidateHeapTuple(catalog, row, NULL);
	heap_freetuple(row);
	RelationClose(catalog);
}
