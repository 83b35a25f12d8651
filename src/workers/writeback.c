/*-------------------------------------------------------------------------
 *
 * writeback.c
 *		Writing noted last uses into the token tables; see writeback.h.
 *
 * The rows are found by the token column's index, or where that holds
 * plaintext by the id.  They are locked first, passing over those that are
 * locked already, and then updated in place; nothing but the last use changes,
 * so that the trigger of judge/trigger.c has nothing to note and the update can
 * be heap-only.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/guc.h"
#include "catalog/pg_type.h"
#include "judge/coherence.h"
#include "miscadmin.h"
#include "source/citext.h"
#include "source/directory.h"
#include "source/owner.h"
#include "source/stored.h"
#include "source/value.h"
#include "storage/lmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"
#include "workers/writeback.h"

List *
writeback_tables(void)
{
	List	   *tables = NIL;
	uint32		cursor = 0;
	NotedUse	use;

	while (last_used_next(MyDatabaseId, InvalidOid, &cursor, &use))
		tables = list_append_unique_oid(tables, use.token.relation);
	return tables;
}

bool
writeback_gather(Oid relation, uint32 *cursor, Writeback *batch)
{
	int			size = WRITEBACK_BATCH;

	batch->relation = relation;
	batch->nuses = 0;
	while (batch->nuses < size &&
		   last_used_next(MyDatabaseId, relation, cursor,
						  &batch->use[batch->nuses]))
	{
		batch->nuses++;
		size = Max(WRITEBACK_BATCH >> batch->use[0].tries, 1);
	}
	return batch->nuses > 0;
}

Writeback *
writeback_split(Writeback *batch)
{
	Writeback  *rest = palloc(sizeof(Writeback));
	int			nkept = batch->nuses / 2;

	rest->relation = batch->relation;
	rest->nuses = batch->nuses - nkept;
	memcpy(rest->use, &batch->use[nkept], rest->nuses * sizeof(NotedUse));
	batch->nuses = nkept;
	return rest;
}

/* Can the uses of this source's tokens be written at all? */
static bool
is_writable(Source *source)
{
	return source != NULL && source_is_readable(source) &&
		source->keeps_last_use;
}

/* What to look for in the token column, or the id as text; false for what is in no row. */
static bool
key_datum(const Source *source, const UsedToken *token, Datum *key)
{
	TokenDigest digest;
	StoredValue stored;
	bool		found;

	if (token->by_id)
	{
		*key = PointerGetDatum(cstring_to_text_with_len(token->key,
														token->key_len));
		return true;
	}
	memcpy(digest.bytes, token->key, TOKEN_DIGEST_LEN);
	found = stored_value_of_digest(source, &digest, &stored);
	*key = stored.value;
	return found;
}

static bool
is_use_of(const NotedUse *use, const Source *source)
{
	return use->token.source == source->id.name;
}

/* How many uses of a batch are of a source. */
static int
count_uses_of(const Writeback *batch, const Source *source)
{
	int			count = 0;

	for (int i = 0; i < batch->nuses; i++)
		if (is_use_of(&batch->use[i], source))
			count++;
	return count;
}

/*
 * The batch as "ROWS FROM (unnest($1), unnest($2)) ... AS used (key, at, n)".
 * Uses of another source of the table get a NULL, which finds no row, and so do
 * those that were noted when the table held its tokens otherwise.
 */
static char *
batch_rows(OwnerCall *call, const Writeback *batch)
{
	const Source *source = call->source;
	bool		by_id = !stored_is_digest(source);
	Oid			type = by_id ? TEXTOID : stored_type(source);
	Datum	   *key = palloc(batch->nuses * sizeof(Datum));
	Datum	   *at = palloc(batch->nuses * sizeof(Datum));
	bool	   *isnull = palloc(batch->nuses * sizeof(bool));
	int			dims[1] = {batch->nuses};
	int			lbs[1] = {1};
	ArrayType  *keys;
	ArrayType  *times;

	/* the owner's triggers have been there, since it was asked */
	source_require_whole(source);
	if (!source->keeps_last_use)
		stored_source_changed(source);
	for (int i = 0; i < batch->nuses; i++)
	{
		const NotedUse *use = &batch->use[i];

		isnull[i] = !is_use_of(use, source) || use->token.by_id != by_id ||
			!key_datum(source, &use->token, &key[i]);
		at[i] = TimestampTzGetDatum(use->at);
	}
	keys = construct_md_array(key, isnull, 1, dims, lbs, type, -1, false,
							  TYPALIGN_INT);
	times = construct_array(at, batch->nuses, TIMESTAMPTZOID, sizeof(TimestampTz),
							FLOAT8PASSBYVAL, TYPALIGN_DOUBLE);
	return psprintf("ROWS FROM (pg_catalog.unnest($%d), pg_catalog.unnest($%d))"
					" WITH ORDINALITY AS used (key, at, n)",
					owner_parameter(call, get_array_type(type),
									PointerGetDatum(keys), false),
					owner_parameter(call, TIMESTAMPTZARRAYOID,
									PointerGetDatum(times), false));
}

/* "the row is that of the token", by index and to the byte */
static char *
is_used_token(OwnerCall *call)
{
	const Source *source = call->source;
	SourceRole	role = stored_is_digest(source) ? ROLE_TOKEN : ROLE_ID;
	const char *column = owner_column(call, role);
	Oid			declared = source->column[role].declared;
	char	   *match = is_citext(declared) ?
		citext_equal_sql(declared, psprintf("token.%s", column), "used.key") :
		psprintf("token.%s OPERATOR(pg_catalog.=) CAST(used.key AS %s)",
				 column, owner_type(call, role));

	/* the column's type or collation may find equal what is not the same */
	if (source->column[role].type == TEXTOID ||
		source->column[role].type == VARCHAROID)
		match = psprintf("%s AND token.%s COLLATE pg_catalog.\"C\" OPERATOR(pg_catalog.=) used.key",
						 match, column);
	return role == ROLE_TOKEN ?
		psprintf("%s%s", match, owner_is_in_index(call, "token")) : match;
}

/* "it is that row, and its last use lies before this one" */
static char *
is_due(OwnerCall *call)
{
	const Source *source = call->source;
	const char *last_used = owner_column(call, ROLE_LAST_USED);

	return psprintf("%s AND (token.%s IS NULL OR token.%s OPERATOR(pg_catalog.<) %s)",
					is_used_token(call), last_used, last_used,
					owner_in_timezone(source,
									  source->column[ROLE_LAST_USED].type,
									  "used.at"));
}

/*
 * The table's triggers can see by a setting that this is a last use and no change
 * of the row's owner: an updated_at, or an audit, need not heed it.
 */
static uint64
execute_marked(OwnerCall *call, const char *sql)
{
	uint64		written;

	guc_writing_last_used = true;
	PG_TRY();
	{
		written = owner_execute(call, sql);
	}
	PG_FINALLY();
	{
		guc_writing_last_used = false;
	}
	PG_END_TRY();
	return written;
}

static uint64
update_rows(OwnerCall *call, const Writeback *batch)
{
	const SourceColumn *last_used = &call->source->column[ROLE_LAST_USED];
	char	   *rows = batch_rows(call, batch);

	return execute_marked(call,
						  psprintf("WITH due AS (SELECT token.ctid AS place, used.at"
								  " FROM %s JOIN ONLY %s AS token ON %s"
								  " FOR NO KEY UPDATE OF token SKIP LOCKED)"
								  " UPDATE ONLY %s AS token SET %s = %s FROM due"
								  " WHERE token.ctid OPERATOR(pg_catalog.=) due.place",
								  rows, owner_table(call), is_due(call),
								  owner_table(call),
								  owner_column(call, ROLE_LAST_USED),
								  owner_in_timezone(call->source,
													last_used->type, "due.at")));
}

/* Which uses are still due: their rows were locked. */
static void
find_left(OwnerCall *call, Writeback *batch)
{
	char	   *rows = batch_rows(call, batch);
	QueryResult *due;

	due = owner_query(call,
					  psprintf("SELECT used.n FROM %s"
							   " JOIN ONLY %s AS token ON %s",
							   rows, owner_table(call), is_due(call)));
	for (uint64 i = 0; i < due->nrows; i++)
	{
		bool		isnull;
		Datum		n = query_value(due, i, 1, &isnull);

		batch->left[DatumGetInt64(n) - 1] = true;
	}
}

void
writeback_leave(Writeback *batch)
{
	batch->locked = true;
	memset(batch->left, true, sizeof(batch->left));
}

/* Write what the batch has of one of the table's sources. */
static uint64
write_source(Writeback *batch, const Source *listed)
{
	int			wanted = count_uses_of(batch, listed);
	Source	   *source;
	OwnerCall	call;
	uint64		written;

	if (wanted == 0)
		return 0;
	/* again, because writing what another source has can run code */
	coherence_refresh();
	source = source_find_again(listed);
	if (!is_writable(source))
		return 0;
	owner_begin(&call, source);
	written = update_rows(&call, batch);
	if (written < wanted)
		find_left(&call, batch);
	owner_end(&call);

	source->counts->n[STATS_USES_WRITTEN] += written;
	stats_happened(source->stats_slot, STATS_LAST_FLUSH, GetCurrentTimestamp());
	return written;
}

uint64
writeback_write(Writeback *batch)
{
	uint64		written = 0;
	ListCell   *lc;

	/* before anything that would wait for the table */
	if (!ConditionalLockRelationOid(batch->relation, RowExclusiveLock))
	{
		writeback_leave(batch);
		return 0;
	}
	batch->locked = false;
	memset(batch->left, false, sizeof(batch->left));
	coherence_refresh();
	foreach(lc, source_all_of(batch->relation))
		written += write_source(batch, lfirst(lc));
	return written;
}

/* Not for ever: a trigger may refuse the update each time. */
static void
give_up_in_time(const NotedUse *use)
{
	SourceId	source = {use->token.relation, use->token.source};
	StatsCounts *counts;

	if (!last_used_failed(use))
		return;
	counts = stats_mine(stats_slot_if_any(source));
	counts->n[STATS_USES_DROPPED]++;
	counts->n[STATS_USES_GIVEN_UP]++;
}

void
writeback_settle(const Writeback *batch)
{
	for (int i = 0; i < batch->nuses; i++)
		if (!batch->left[i])
			last_used_forget(&batch->use[i]);
		else if (!batch->locked)
			give_up_in_time(&batch->use[i]);
}

void
writeback_failed(const Writeback *batch)
{
	for (int i = 0; i < batch->nuses; i++)
		give_up_in_time(&batch->use[i]);
}
