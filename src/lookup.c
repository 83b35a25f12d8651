/*-------------------------------------------------------------------------
 *
 * lookup.c
 *		A miss: what the table says of a token.
 *
 * The order is: locks, metadata, clock, snapshot, scan.  A snapshot from
 * before the lock would find nothing behind a TRUNCATE or a rewrite that we
 * waited for; a clock reading from after the snapshot would let an entry
 * outlive a change that it does not show (coherence.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_type.h"
#include "compat.h"
#include "executor/tuptable.h"
#include "lookup.h"
#include "mapping.h"
#include "miscadmin.h"
#include "storage/procarray.h"
#include "testpoint.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

/* A source's table and index, opened and locked. */
typedef struct OpenSource
{
	Relation	table;
	Relation	index;			/* NULL: none, read the whole table */
} OpenSource;

static void
close_source(OpenSource *open)
{
	if (open->index != NULL)
		relation_close(open->index, AccessShareLock);
	relation_close(open->table, AccessShareLock);
}

/*
 * Open a source such that its metadata is current under the locks.  False if
 * its table is gone.
 */
static bool
open_source(Source *source, OpenSource *open)
{
	for (;;)
	{
		if (!source_validate(source))
			return false;
		if (PROBLEM_IS_FATAL(source->problem))
			mapping_report(source);

		open->table = try_relation_open(source->relation, AccessShareLock);
		if (open->table == NULL)
		{
			source->state = SOURCE_STALE;
			continue;
		}
		/* Under the table's lock the index can go, CONCURRENTLY. */
		open->index = NULL;
		if (OidIsValid(source->index))
			open->index = try_relation_open(source->index, AccessShareLock);
		if (source->state == SOURCE_CURRENT &&
			(open->index != NULL || !OidIsValid(source->index)))
			return true;

		source->state = SOURCE_STALE;
		close_source(open);
	}
}

/*
 * A snapshot of now.  GetLatestSnapshot() would refuse in parallel mode, in
 * which a leader may well call us, so we keep a struct of our own for
 * GetSnapshotData(), as snapmgr.c does.
 */
static Snapshot
take_snapshot(void)
{
	static SnapshotData latest = {SNAPSHOT_MVCC};

	return RegisterSnapshot(GetSnapshotData(&latest));
}

bool
lookup_search_value(const Source *source, const LookupKey *key, Datum *value)
{
	char		hex[TOKEN_DIGEST_HEX_LEN];

	switch (source->stored_as)
	{
		case STORED_SHA256_HEX:
			token_digest_to_hex(&key->digest, hex);
			*value = PointerGetDatum(cstring_to_text_with_len(hex, sizeof(hex)));
			return true;
		case STORED_SHA256_BYTEA:
			*value = PointerGetDatum(cstring_to_text_with_len((const char *) key->digest.bytes,
															  TOKEN_DIGEST_LEN));
			return true;
		case STORED_PLAINTEXT:
			break;
	}
	if (key->token == NULL)
		return false;
	*value = PointerGetDatum(cstring_to_text_with_len(key->token,
													  (int) key->token_len));
	return true;
}

/* Is this column's value the one sought, to the byte? */
static bool
same_bytes(Datum value, Datum sought)
{
	struct varlena *a = PG_DETOAST_DATUM_PACKED(value);
	struct varlena *b = (struct varlena *) DatumGetPointer(sought);

	return VARSIZE_ANY_EXHDR(a) == VARSIZE_ANY_EXHDR(b) &&
		memcmp(VARDATA_ANY(a), VARDATA_ANY(b), VARSIZE_ANY_EXHDR(a)) == 0;
}

/* A timestamp column as timestamptz. */
static TimestampTz
timestamp_of(const Source *source, SourceRole role, Datum value)
{
	if (source->column[role].type == TIMESTAMPOID)
		value = DirectFunctionCall2(timestamp_zone,
									CStringGetTextDatum(source->timezone),
									value);
	return DatumGetTimestampTz(value);
}

/*
 * Is the row revoked, by its flag, timestamp or status?  A NULL flag is not
 * "not revoked", just as WHERE NOT revoked would not find the row.
 */
static bool
row_is_revoked(const Source *source, TupleTableSlot *row)
{
	const SourceColumn *column = &source->column[ROLE_REVOKED];
	bool		isnull;
	Datum		value;
	Oid			output;
	bool		varlena;
	char	   *text;
	ListCell   *lc;

	if (!AttributeNumberIsValid(column->attnum))
		return false;
	value = slot_getattr(row, column->attnum, &isnull);
	if (column->type == BOOLOID)
		return isnull || DatumGetBool(value);
	if (column->type == TIMESTAMPTZOID || column->type == TIMESTAMPOID)
		return !isnull;
	if (isnull)
		return true;
	getTypeOutputInfo(column->type, &output, &varlena);
	text = OidOutputFunctionCall(output, value);
	foreach(lc, source->active_values)
		if (strcmp(text, lfirst(lc)) == 0)
			return false;
	return true;
}

static bool
row_is_used(const Source *source, TupleTableSlot *row)
{
	AttrNumber	attnum = source->column[ROLE_USED].attnum;

	return AttributeNumberIsValid(attnum) && !slot_attisnull(row, attnum);
}

static void
take_field(const Source *source, TupleTableSlot *row, SourceRole role,
		   VerdictField field, Verdict *verdict)
{
	const SourceColumn *column = &source->column[role];
	bool		isnull;
	Datum		value;

	if (!AttributeNumberIsValid(column->attnum))
		return;
	value = slot_getattr(row, column->attnum, &isnull);
	if (!isnull)
		verdict_set(verdict, field, column->kind, value, column->type);
}

/* What a row says, but for what the time of day says. */
static void
judge_row(const Source *source, TupleTableSlot *row, Verdict *verdict)
{
	AttrNumber	expires = source->column[ROLE_EXPIRES].attnum;

	verdict_init(verdict, TOKEN_VALID);
	if (row_is_revoked(source, row))
		verdict->status = TOKEN_REVOKED;
	else if (row_is_used(source, row))
		verdict->status = TOKEN_USED;

	if (AttributeNumberIsValid(expires))
	{
		bool		isnull;
		Datum		value = slot_getattr(row, expires, &isnull);

		verdict->has_expiry = !isnull;
		if (!isnull)
			verdict->expires_at = timestamp_of(source, ROLE_EXPIRES, value);
	}
	take_field(source, row, ROLE_ID, FIELD_ID, verdict);
	take_field(source, row, ROLE_USER, FIELD_USER, verdict);
	take_field(source, row, ROLE_TENANT, FIELD_TENANT, verdict);
	take_field(source, row, ROLE_SCOPE, FIELD_SCOPE, verdict);
}

static bool
is_live(const Verdict *verdict, TimestampTz now)
{
	return verdict->status == TOKEN_VALID &&
		!(verdict->has_expiry && verdict->expires_at <= now);
}

/*
 * Which of two rows of one token speaks for it.  The order must not depend on
 * the time of day: a cached answer and the table's would part as it passes.
 */
static bool
speaks_before(const Verdict *a, const Verdict *b)
{
	static const int rank[] = {
		[TOKEN_VALID] = 4,
		[TOKEN_DISABLED] = 3,
		[TOKEN_USED] = 2,
		[TOKEN_REVOKED] = 1,
	};

	if (rank[a->status] != rank[b->status])
		return rank[a->status] > rank[b->status];
	return b->has_expiry &&
		(!a->has_expiry || a->expires_at > b->expires_at);
}

/*
 * All rows of a token, of which there is more than one only where its column
 * is not unique.  Two live ones refuse it, for whose it is nobody can tell.
 */
typedef struct Finding
{
	int			nrows;
	int			nlive;
	Verdict		spokesman;
} Finding;

static void
add_row(const Source *source, TupleTableSlot *row, TimestampTz now,
		Finding *finding)
{
	Verdict		verdict;

	judge_row(source, row, &verdict);
	if (is_live(&verdict, now))
		finding->nlive++;
	if (finding->nrows++ == 0 || speaks_before(&verdict, &finding->spokesman))
		finding->spokesman = verdict;
}

static void
conclude(const Finding *finding, Verdict *verdict)
{
	if (finding->nrows > 0)
		*verdict = finding->spokesman;
	else
		verdict_init(verdict, TOKEN_UNKNOWN);

	if (finding->nlive > 1)
	{
		/* until one of them expires */
		verdict_init(verdict, TOKEN_UNKNOWN);
		verdict->transient = true;
	}
}

/* Scan by index, or without one the whole table. */
static void
scan_rows(const Source *source, OpenSource *open, Snapshot snapshot,
		  Datum sought, Finding *finding)
{
	TimestampTz now = GetCurrentTimestamp();
	TupleTableSlot *slot = table_slot_create(open->table, NULL);
	AttrNumber	attnum = source->column[ROLE_TOKEN].attnum;
	IndexScanDesc index_scan = NULL;
	TableScanDesc table_scan = NULL;
	ScanKeyData key;

	ScanKeyEntryInitialize(&key, 0, open->index ? 1 : attnum,
						   open->index ? source->index_strategy : 0,
						   InvalidOid, source->collation, source->equality,
						   sought);
	if (open->index != NULL)
	{
		index_scan = TOKENAUTH_INDEX_BEGINSCAN(open->table, open->index,
											   snapshot, 1);
		index_rescan(index_scan, &key, 1, NULL, 0);
	}
	else
		table_scan = table_beginscan(open->table, snapshot, 1, &key);

	while (index_scan
		   ? index_getnext_slot(index_scan, ForwardScanDirection, slot)
		   : table_scan_getnextslot(table_scan, ForwardScanDirection, slot))
	{
		bool		isnull;
		Datum		value = slot_getattr(slot, attnum, &isnull);

		CHECK_FOR_INTERRUPTS();
		/* a collation may call equal what is not the same */
		if (isnull || !same_bytes(value, sought))
			continue;
		add_row(source, slot, now, finding);
		if (source->index_is_unique)
			break;
	}

	if (index_scan)
		index_endscan(index_scan);
	else
		table_endscan(table_scan);
	ExecDropSingleTupleTableSlot(slot);
}

bool
lookup_token(Source *source, const LookupKey *key, Verdict *verdict,
			 uint64 *stamp)
{
	Finding		finding = {0};
	OpenSource	open;
	Snapshot	snapshot;
	Datum		sought;

	if (!lookup_search_value(source, key, &sought))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("token source \"%s\" cannot be asked by digest",
						source->name),
				 errdetail("Its table holds the tokens themselves."),
				 errhint("Use tokenauth_resolve().")));
	if (!open_source(source, &open))
		return false;

	TEST_POINT(fill_before_stamp);
	*stamp = cache_is_on() ? clock_read(cache_clock()) : 0;
	TEST_POINT(fill_before_snapshot);
	snapshot = take_snapshot();
	TEST_POINT(fill_after_snapshot);
	if (TEST_FAULT(filler_stamps_late))
		*stamp = clock_read(cache_clock());
	scan_rows(source, &open, snapshot, sought, &finding);
	UnregisterSnapshot(snapshot);
	close_source(&open);
	conclude(&finding, verdict);

	explicit_bzero(VARDATA(sought), VARSIZE(sought) - VARHDRSZ);
	pfree(DatumGetPointer(sought));
	return true;
}
