/*-------------------------------------------------------------------------
 *
 * source_id.h
 *		What shared memory calls a source of a database.
 *
 * A table can be several sources, so nothing is kept by its table alone.  The
 * sources of one table are told apart by 16 bits of their names; a second one
 * with the same bits is refused (directory.c).  So an id is that of one source.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_SOURCE_ID_H
#define TOKENAUTH_SOURCE_ID_H

#include "common/hashfn.h"

typedef struct SourceId
{
	Oid			relation;
	uint16		name;
} SourceId;

static inline SourceId
source_id(Oid relation, const char *name)
{
	uint32		hash = hash_bytes((const unsigned char *) name, strlen(name));

	return (SourceId) {relation, (uint16) hash};
}

static inline bool
source_id_equal(SourceId a, SourceId b)
{
	return a.relation == b.relation && a.name == b.name;
}

#endif							/* TOKENAUTH_SOURCE_ID_H */
