/*-------------------------------------------------------------------------
 *
 * verdict.h
 *		What is known of a token once it has been judged.
 *
 * A verdict is packed into a cache item when it is published and unpacked
 * when it is read.  What depends on the time of day is not packed but judged
 * again at each reading: verdict_settle().
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_VERDICT_H
#define TOKENAUTH_VERDICT_H

#include "cache/cache.h"
#include "utils/uuid.h"

/*
 * Where several apply, the first in this order is told: revoked, used,
 * expired, disabled.
 */
typedef enum TokenStatus
{
	TOKEN_VALID,
	TOKEN_MALFORMED,			/* not the form of a token of its source */
	TOKEN_UNKNOWN,				/* no row, or more than one live row */
	TOKEN_EXPIRED,
	TOKEN_REVOKED,
	TOKEN_USED,					/* single use, and used */
	TOKEN_DISABLED,				/* what it belongs to is gone or switched off */
	TOKEN_FORBIDDEN				/* valid, without the scope asked for; a caller's
								 * question, so of no row and no entry */
} TokenStatus;

/* How a value is carried in a verdict. */
typedef enum ValueKind
{
	VALUE_NONE,					/* the source has no such column */
	VALUE_UUID,					/* 16 bytes */
	VALUE_INT4,					/* an int32 */
	VALUE_INT8,					/* an int64 */
	VALUE_TEXT,					/* characters; also any other type's output */
	VALUE_LIST,					/* several texts, each ended by a NUL */
	VALUE_JSONB					/* a jsonb, with its header */
} ValueKind;

typedef enum VerdictField
{
	FIELD_USER,
	FIELD_TENANT,
	FIELD_ID,
	FIELD_SCOPE,
	FIELD_CLAIMS,
	FIELD_COUNT
} VerdictField;

typedef struct VerdictValue
{
	const char *data;			/* NULL: the value is NULL */
	Size		len;
} VerdictValue;

typedef struct Verdict
{
	TokenStatus status;
	bool		transient;		/* holds only for now: not to be cached */
	bool		has_expiry;		/* expires_at is not NULL */
	TimestampTz expires_at;
	TimestampTz last_used;		/* as far as is known; 0: never */
	VerdictValue field[FIELD_COUNT];
	int			ncells;			/* of the rows that it depends on besides */
	uint16		cell[CACHE_MAX_CELLS];
} Verdict;

/* "valid", "malformed", ... */
extern const char *token_status_name(TokenStatus status);

/* A verdict that tells nothing but a status. */
extern void verdict_init(Verdict *verdict, TokenStatus status);

/* Apply the clock: a token dies at its very expires_at. */
static inline void
verdict_settle(Verdict *verdict, TimestampTz now)
{
	if (verdict->has_expiry && verdict->expires_at <= now &&
		(verdict->status == TOKEN_VALID || verdict->status == TOKEN_DISABLED))
		verdict->status = TOKEN_EXPIRED;
}

/*
 * Is this its scope, or one of them, to the byte?  A verdict without one has none.
 * kind is that of its scope.
 */
extern bool verdict_has_scope(const Verdict *verdict, ValueKind kind,
							  const char *scope, Size len);

/* Could the session's settings change what verdict_value() makes? */
extern bool verdict_depends_on_settings(ValueKind kind, Oid type);

/* A datum as the bytes of its kind, in the current memory context; of no list. */
extern VerdictValue verdict_value(ValueKind kind, Datum value, Oid type);

/*
 * A field as a datum of its kind, or as text, a list's with spaces in between; it
 * must not be NULL.
 */
static inline Datum verdict_datum(const Verdict *verdict, VerdictField field,
								  ValueKind kind);
extern text *verdict_text(const Verdict *verdict, VerdictField field,
						  ValueKind kind);

/*
 * Write a value, as that text, to where there is so much room; returns its length.
 * Throws 55000 if it is none of that kind.
 */
#define VERDICT_MIN_ROOM	36	/* of a uuid; a number's takes less */

static inline Size
verdict_text_room(const VerdictValue *value)
{
	return Max(value->len, VERDICT_MIN_ROOM);
}

extern Size verdict_write_text(const VerdictValue *value, ValueKind kind,
							   char *to);

/*
 * Pack into an item's status, expires_at, cells and payload; false if that
 * does not fit.  The item's class, stamp, fingerprint and deadline are the
 * caller's.
 */
extern bool verdict_pack(const Verdict *verdict, CacheItem *item);

/*
 * The inverse; the fields point into the item.  With verdict_unpack_user() those
 * besides the user are undefined.
 */
extern void verdict_unpack(const CacheItem *item, Verdict *verdict);
static inline void verdict_unpack_user(const CacheItem *item, Verdict *verdict);

/* A datum of another kind than most users' ids. */
extern Datum verdict_other_datum(const Verdict *verdict, VerdictField field,
								 ValueKind kind);

static inline Datum
verdict_datum(const Verdict *verdict, VerdictField field, ValueKind kind)
{
	const VerdictValue *value = &verdict->field[field];
	pg_uuid_t  *uuid;

	if (kind != VALUE_UUID || value->len != UUID_LEN)
		return verdict_other_datum(verdict, field, kind);
	uuid = palloc(sizeof(pg_uuid_t));
	memcpy(uuid->data, value->data, UUID_LEN);
	return UUIDPGetDatum(uuid);
}

/* ---------- an item's contents, for verdict.c and the inline functions ---------- */

/* In an item's status byte, beside the TokenStatus. */
#define VERDICT_STATUS_HAS_EXPIRY	0x80
#define VERDICT_STATUS_MASK			0x7F

/* The payload: a length for each field, then their bytes. */
#define VERDICT_LENGTH_NULL			PG_UINT16_MAX
#define VERDICT_PAYLOAD_HEADER		(FIELD_COUNT * sizeof(uint16))

/* What an item has besides fields. */
static inline void
verdict_unpack_header(const CacheItem *item, Verdict *verdict)
{
	const CacheItemHeader *header = &item->header;

	verdict->status = (TokenStatus) (header->status & VERDICT_STATUS_MASK);
	verdict->transient = false;
	verdict->has_expiry = (header->status & VERDICT_STATUS_HAS_EXPIRY) != 0;
	verdict->expires_at = header->expires_at;
	verdict->last_used = item->last_used;
	verdict->ncells = 0;		/* of no use to the caller */
}

StaticAssertDecl(FIELD_USER == 0, "the user must come first");

static inline void
verdict_unpack_user(const CacheItem *item, Verdict *verdict)
{
	uint16		length;

	verdict_unpack_header(item, verdict);
	memcpy(&length, item->payload, sizeof(length));
	verdict->field[FIELD_USER].data = length == VERDICT_LENGTH_NULL ? NULL :
		item->payload + VERDICT_PAYLOAD_HEADER;
	verdict->field[FIELD_USER].len = length;
}

#endif							/* TOKENAUTH_VERDICT_H */
