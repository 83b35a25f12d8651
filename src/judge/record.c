/*-------------------------------------------------------------------------
 *
 * record.c
 *		A row of the type tokenauth_identity; judge.h has what it tells.
 *
 * It is written straight into place, behind a header that core has made, because most
 * of what tokenauth_identify() costs would be heap_form_tuple() and the texts that are
 * made for it.  That the type is the one that is written here is checked, once in a
 * query.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "base/compat.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "judge/judge.h"

/* Columns of the type tokenauth_identity. */
enum
{
	IDENTITY_STATUS,
	IDENTITY_SOURCE,
	IDENTITY_USER_ID,
	IDENTITY_TOKEN_ID,
	IDENTITY_TENANT_ID,
	IDENTITY_SCOPE,
	IDENTITY_EXPIRES_AT,
	IDENTITY_CLAIMS,
	IDENTITY_NATTS
};

static const Oid identity_types[IDENTITY_NATTS] = {
	TEXTOID, NAMEOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID, JSONBOID
};

StaticAssertDecl(IDENTITY_NATTS <= BITS_PER_BYTE, "a record's null bitmap is one byte");

static bool
is_identity(TupleDesc desc)
{
	if (desc->natts != IDENTITY_NATTS)
		return false;
	for (int i = 0; i < IDENTITY_NATTS; i++)
		if (TupleDescAttr(desc, i)->atttypid != identity_types[i])
			return false;
	return true;
}

#define RECORD_HEADER		MAXALIGN(SizeofHeapTupleHeader + BITMAPLEN(IDENTITY_NATTS))

/*
 * A record of NULLs, as core makes it, of which the others take the header: what is
 * in there is core's business, and not the same in all minor releases.  Kept for the
 * rest of the query.
 */
static HeapTupleHeader
record_of_nulls(FunctionCallInfo fcinfo)
{
	FmgrInfo   *function = fcinfo->flinfo;
	Datum		value[IDENTITY_NATTS] = {0};
	bool		isnull[IDENTITY_NATTS];
	TupleDesc	desc;
	Datum		record;
	MemoryContext old;

	if (likely(function->fn_extra != NULL))
		return function->fn_extra;
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE ||
		!is_identity(desc))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("function returning record called in context that cannot accept type record")));
	memset(isnull, true, sizeof(isnull));
	old = MemoryContextSwitchTo(function->fn_mcxt);
	record = HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), value,
											   isnull));
	MemoryContextSwitchTo(old);
	function->fn_extra = DatumGetPointer(record);
	return function->fn_extra;
}

/* A record that is being written. */
typedef struct Record
{
	HeapTupleHeader header;
	char	   *next;			/* where the next column's value goes */
} Record;

/* As much as a value of so many bytes takes: a long header, and what aligns it. */
#define VALUE_ROOM(len)		((len) + VARHDRSZ + MAXIMUM_ALIGNOF)

static Size
record_room(const Verdict *verdict)
{
	Size		room = RECORD_HEADER + VALUE_ROOM(NAMEDATALEN) /* the status */ +
		NAMEDATALEN + VALUE_ROOM(sizeof(TimestampTz));

	for (int i = 0; i < FIELD_COUNT; i++)
		room += VALUE_ROOM(verdict_text_room(&verdict->field[i]));
	return room;
}

static void
record_begin(Record *record, FunctionCallInfo fcinfo, Size room)
{
	HeapTupleHeader nulls = record_of_nulls(fcinfo);
	HeapTupleHeader header = palloc(room);

	Assert(nulls->t_hoff == RECORD_HEADER);
	memcpy(header, nulls, RECORD_HEADER);
	record->header = header;
	record->next = (char *) header + RECORD_HEADER;
}

static Datum
record_end(Record *record)
{
	HeapTupleHeader header = record->header;

	header->t_infomask |= HEAP_HASVARWIDTH;
	if (header->t_bits[0] == (1 << IDENTITY_NATTS) - 1)
		header->t_infomask &= ~HEAP_HASNULL;
	HeapTupleHeaderSetDatumLength(header, record->next - (char *) header);
	return PointerGetDatum(header);
}

/* Columns are put in their order; one that is left out is NULL. */
static inline void
has_value(Record *record, int column)
{
	record->header->t_bits[0] |= 1 << column;
}

/* What aligns a value is 0: by that it is told from a short header. */
static inline void
align(Record *record, Size alignment)
{
	while ((record->next - (char *) record->header) % alignment != 0)
		*record->next++ = 0;
}

/*
 * Where the bytes of a varlena go, and that it has come to be so long.  A short one
 * has a short header and no alignment.
 */
static inline char *
begin_varlena(Record *record, int column, Size room)
{
	has_value(record, column);
	if (room + VARHDRSZ_SHORT <= VARATT_SHORT_MAX)
		return record->next + VARHDRSZ_SHORT;
	align(record, ALIGNOF_INT);
	return record->next + VARHDRSZ;
}

static inline void
end_varlena(Record *record, char *bytes, Size len)
{
	if (bytes == record->next + VARHDRSZ_SHORT)
		SET_VARSIZE_SHORT(record->next, len + VARHDRSZ_SHORT);
	else
		SET_VARSIZE(record->next, len + VARHDRSZ);
	record->next = bytes + len;
}

static void
put_bytes(Record *record, int column, const char *bytes, Size len)
{
	char	   *to = begin_varlena(record, column, len);

	memcpy(to, bytes, len);
	end_varlena(record, to, len);
}

/* A field as text. */
static void
put_field(Record *record, int column, const Judgement *judgement,
		  VerdictField field, SourceRole role)
{
	const VerdictValue *value = &judgement->verdict.field[field];
	char	   *to;

	if (value->data == NULL)
		return;
	to = begin_varlena(record, column, verdict_text_room(value));
	end_varlena(record, to,
				verdict_write_text(value, judgement->source->column[role].kind,
								   to));
}

static void
put_name(Record *record, int column, const char *name)
{
	Size		len = strnlen(name, NAMEDATALEN - 1);

	has_value(record, column);
	memset(record->next, 0, NAMEDATALEN);
	memcpy(record->next, name, len);
	record->next += NAMEDATALEN;
}

static void
put_time(Record *record, int column, TimestampTz time)
{
	has_value(record, column);
	align(record, ALIGNOF_DOUBLE);
	memcpy(record->next, &time, sizeof(time));
	record->next += sizeof(time);
}

Datum
judge_identity_record(FunctionCallInfo fcinfo, const Judgement *judgement)
{
	const Verdict *verdict = &judgement->verdict;
	const VerdictValue *claims = &verdict->field[FIELD_CLAIMS];
	const char *status = token_status_name(verdict->status);
	bool		valid = verdict->status == TOKEN_VALID;
	Record		record;

	record_begin(&record, fcinfo, record_room(verdict));
	put_bytes(&record, IDENTITY_STATUS, status, strlen(status));
	if (judgement->source != NULL)
		put_name(&record, IDENTITY_SOURCE, judgement->source->name);
	if (valid)
		put_field(&record, IDENTITY_USER_ID, judgement, FIELD_USER, ROLE_USER);
	put_field(&record, IDENTITY_TOKEN_ID, judgement, FIELD_ID, ROLE_ID);
	if (valid)
	{
		put_field(&record, IDENTITY_TENANT_ID, judgement, FIELD_TENANT,
				  ROLE_TENANT);
		put_field(&record, IDENTITY_SCOPE, judgement, FIELD_SCOPE, ROLE_SCOPE);
	}
	if (verdict->has_expiry)
		put_time(&record, IDENTITY_EXPIRES_AT, verdict->expires_at);
	if (valid && claims->data != NULL)
		put_bytes(&record, IDENTITY_CLAIMS, claims->data + VARHDRSZ,
				  claims->len - VARHDRSZ);
	return record_end(&record);
}
