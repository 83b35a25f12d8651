/*-------------------------------------------------------------------------
 *
 * verdict.c
 *		What is known of a token once it has been judged.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/sandbox.h"
#include "cache/verdict.h"
#include "catalog/pg_type.h"
#include "port/pg_bswap.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

const char *
token_status_name(TokenStatus status)
{
	switch (status)
	{
		case TOKEN_VALID:
			return "valid";
		case TOKEN_MALFORMED:
			return "malformed";
		case TOKEN_UNKNOWN:
			return "unknown";
		case TOKEN_EXPIRED:
			return "expired";
		case TOKEN_REVOKED:
			return "revoked";
		case TOKEN_USED:
			return "used";
		case TOKEN_DISABLED:
			return "disabled";
		case TOKEN_FORBIDDEN:
			return "forbidden";
	}
	pg_unreachable();
}

void
verdict_init(Verdict *verdict, TokenStatus status)
{
	memset(verdict, 0, sizeof(*verdict));
	verdict->status = status;
}

/* Is a text one of a list's? */
static bool
list_has(const VerdictValue *list, const char *text, Size len)
{
	const char *end = list->data + list->len;

	for (const char *next = list->data; next < end; next += strlen(next) + 1)
		if (strlen(next) == len && memcmp(next, text, len) == 0)
			return true;
	return false;
}

bool
verdict_has_scope(const Verdict *verdict, ValueKind kind, const char *scope,
				  Size len)
{
	const VerdictValue *value = &verdict->field[FIELD_SCOPE];

	if (value->data == NULL)
		return false;
	if (kind == VALUE_LIST)
		return list_has(value, scope, len);
	return value->len == len && memcmp(value->data, scope, len) == 0;
}

bool
verdict_depends_on_settings(ValueKind kind, Oid type)
{
	return kind == VALUE_TEXT && type_depends_on_settings(type);
}

VerdictValue
verdict_value(ValueKind kind, Datum datum, Oid type)
{
	VerdictValue value = {NULL, 0};
	char	   *copy;
	int64		number;
	Oid			output;
	bool		is_varlena;

	switch (kind)
	{
		case VALUE_NONE:
			break;
		case VALUE_UUID:
			value.len = UUID_LEN;
			value.data = copy = palloc(value.len);
			memcpy(copy, DatumGetUUIDP(datum)->data, value.len);
			break;
		case VALUE_INT4:
		case VALUE_INT8:
			number = kind == VALUE_INT4 ? DatumGetInt32(datum) :
				DatumGetInt64(datum);
			value.len = sizeof(number);
			value.data = copy = palloc(value.len);
			memcpy(copy, &number, value.len);
			break;
		case VALUE_TEXT:
			getTypeOutputInfo(type, &output, &is_varlena);
			value.data = OidOutputFunctionCall(output, datum);
			value.len = strlen(value.data);
			break;
		case VALUE_JSONB:
			value.data = (char *) PG_DETOAST_DATUM_COPY(datum);
			value.len = VARSIZE(value.data);
			break;
		case VALUE_LIST:
			elog(ERROR, "a list is not made of one value");
	}
	return value;
}

/*
 * The kind is the source's of now, which code of an owner's can have changed since the
 * verdict was made.
 */
static void
check_kind(const VerdictValue *value, ValueKind kind)
{
	bool		fits = true;

	if (kind == VALUE_UUID)
		fits = value->len == UUID_LEN;
	else if (kind == VALUE_INT4 || kind == VALUE_INT8)
		fits = value->len == sizeof(int64);
	else if (kind == VALUE_JSONB)
		fits = value->len >= VARHDRSZ;
	if (!fits)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("a token source has changed meanwhile")));
}

Datum
verdict_other_datum(const Verdict *verdict, VerdictField field, ValueKind kind)
{
	const VerdictValue *value = &verdict->field[field];
	int64		number;

	check_kind(value, kind);
	switch (kind)
	{
		case VALUE_INT4:
			memcpy(&number, value->data, sizeof(number));
			return Int32GetDatum((int32) number);
		case VALUE_INT8:
			memcpy(&number, value->data, sizeof(number));
			return Int64GetDatum(number);
		case VALUE_JSONB:
			{
				/* in an item it need not be aligned */
				char	   *jsonb = palloc(value->len);

				memcpy(jsonb, value->data, value->len);
				return PointerGetDatum(jsonb);
			}
		case VALUE_UUID:
		case VALUE_TEXT:
		case VALUE_LIST:
		case VALUE_NONE:
			break;
	}
	return PointerGetDatum(verdict_text(verdict, field, kind));
}

/*
 * The lower-case hex digits of four bytes, all at once: uuid_out() writes a digit at a
 * time, which was a sixth of all that tokenauth_identify() did.
 */
static void
write_hex(const char *bytes, char *to)
{
	const uint64 ones = UINT64CONST(0x0101010101010101);
	uint32		word;
	uint64		digits;

	memcpy(&word, bytes, sizeof(word));
	digits = pg_ntoh32(word);
	/* each half to a half, down to a digit in each byte */
	digits = (digits << 16 | digits) & UINT64CONST(0x0000FFFF0000FFFF);
	digits = (digits << 8 | digits) & UINT64CONST(0x00FF00FF00FF00FF);
	digits = (digits << 4 | digits) & UINT64CONST(0x0F0F0F0F0F0F0F0F);
	/* those above 9 are letters */
	digits += '0' * ones +
		((digits + 6 * ones) >> 4 & ones) * ('a' - '0' - 10);
	digits = pg_hton64(digits);
	memcpy(to, &digits, sizeof(digits));
}

static Size
write_uuid(const char *bytes, char *to)
{
	char		hex[2 * UUID_LEN];

	for (int i = 0; i < UUID_LEN; i += 4)
		write_hex(bytes + i, hex + 2 * i);
	memcpy(to, hex, 8);
	memcpy(to + 9, hex + 8, 4);
	memcpy(to + 14, hex + 12, 4);
	memcpy(to + 19, hex + 16, 4);
	memcpy(to + 24, hex + 20, 12);
	to[8] = to[13] = to[18] = to[23] = '-';
	return 2 * UUID_LEN + 4;
}

/* With a space for each NUL but the last. */
static Size
write_list(const VerdictValue *list, char *to)
{
	Size		len = Max(list->len, 1) - 1;

	for (Size i = 0; i < len; i++)
		to[i] = list->data[i] == '\0' ? ' ' : list->data[i];
	return len;
}

Size
verdict_write_text(const VerdictValue *value, ValueKind kind, char *to)
{
	int64		number;

	check_kind(value, kind);
	switch (kind)
	{
		case VALUE_UUID:
			return write_uuid(value->data, to);
		case VALUE_INT4:
		case VALUE_INT8:
			memcpy(&number, value->data, sizeof(number));
			return pg_lltoa(number, to);
		case VALUE_LIST:
			return write_list(value, to);
		case VALUE_TEXT:
		case VALUE_JSONB:
		case VALUE_NONE:
			break;
	}
	memcpy(to, value->data, value->len);
	return value->len;
}

text *
verdict_text(const Verdict *verdict, VerdictField field, ValueKind kind)
{
	const VerdictValue *value = &verdict->field[field];
	text	   *written = palloc(VARHDRSZ + verdict_text_room(value));
	Size		len = verdict_write_text(value, kind, VARDATA(written));

	SET_VARSIZE(written, VARHDRSZ + len);
	return written;
}

bool
verdict_pack(const Verdict *verdict, CacheItem *item)
{
	CacheItemHeader *header = &item->header;
	Size		used = VERDICT_PAYLOAD_HEADER;
	uint16		length[FIELD_COUNT];

	if (verdict->transient)
		return false;
	/* what this process had there before is none of the others' business */
	memset(header, 0, sizeof(*header));
	for (int i = 0; i < FIELD_COUNT; i++)
	{
		const VerdictValue *value = &verdict->field[i];

		length[i] = VERDICT_LENGTH_NULL;
		if (value->data == NULL)
			continue;
		if (value->len > CACHE_MAX_PAYLOAD - used)
			return false;
		length[i] = (uint16) value->len;
		memcpy(item->payload + used, value->data, value->len);
		used += value->len;
	}
	memcpy(item->payload, length, sizeof(length));

	header->payload_len = (uint16) used;
	header->status = (uint8) verdict->status;
	if (verdict->has_expiry)
		header->status |= VERDICT_STATUS_HAS_EXPIRY;
	header->expires_at = verdict->has_expiry ? verdict->expires_at : DT_NOEND;
	item->last_used = verdict->last_used;
	header->ncells = (uint8) verdict->ncells;
	memcpy(header->cell, verdict->cell,
		   verdict->ncells * sizeof(header->cell[0]));
	return true;
}

void
verdict_unpack(const CacheItem *item, Verdict *verdict)
{
	const char *next = item->payload + VERDICT_PAYLOAD_HEADER;
	uint16		length[FIELD_COUNT];

	verdict_unpack_header(item, verdict);
	memcpy(length, item->payload, sizeof(length));
	for (int i = 0; i < FIELD_COUNT; i++)
	{
		bool		isnull = length[i] == VERDICT_LENGTH_NULL;

		verdict->field[i].data = isnull ? NULL : next;
		verdict->field[i].len = isnull ? 0 : length[i];
		next += verdict->field[i].len;
	}
}
