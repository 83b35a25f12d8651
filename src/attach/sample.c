/*-------------------------------------------------------------------------
 *
 * sample.c
 *		What some rows of a source's table say of its tokens; see sample.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "attach/sample.h"
#include "base/compat.h"
#include "base/sandbox.h"
#include "base/tid_range.h"
#include "base/time_limit.h"
#include "catalog/pg_type.h"
#include "judge/row.h"
#include "miscadmin.h"
#include "source/stored.h"
#include "source/stored_as.h"
#include "storage/bufmgr.h"
#include "utils/formatting.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/* So many rows are looked at, in so many blocks of so many places. */
#define ROWS_LOOKED_AT		1000
#define PLACES				4
#define BLOCKS_OF_PLACE		4

/* One that is being taken. */
typedef struct Sampler
{
	Sample	   *sample;
	Relation	table;
	Snapshot	snapshot;
	TimestampTz now;
	uint64		built;			/* source->built, before code of the owner runs */
	MemoryContext per_row;
	ErrorData  *error;			/* that ended it */
} Sampler;

/* Code of the owner's can have the source read again: it was not so then. */
static bool
was_read_again(const Sampler *sampler)
{
	return sampler->sample->source->built != sampler->built;
}

static void
count_form(Sample *sample, const StoredValue *stored)
{
	ValueForm	form;

	form_of_value(sample->source, stored, &form);
	if (sample->nvalues++ == 0)
	{
		sample->min_len = sample->max_len = form.len;
		sample->digests = form.digests;
	}
	sample->min_len = Min(sample->min_len, form.len);
	sample->max_len = Max(sample->max_len, form.len);
	sample->digests &= form.digests;
	if (!form.is_source_form)
		sample->nothers++;
	if (form.slow != NULL && sample->nslow++ == 0)
		sample->slow = form.slow;
}

/* Has what is taken for one scope the look of several? */
static bool
is_list_of_scopes(const Source *source, const Verdict *verdict)
{
	const VerdictValue *scope = &verdict->field[FIELD_SCOPE];

	if (source->column[ROLE_SCOPE].kind != VALUE_TEXT || scope->data == NULL ||
		scope->len == 0)
		return false;
	return scope->data[0] == '[' || scope->data[0] == '{' ||
		memchr(scope->data, ' ', scope->len) != NULL ||
		memchr(scope->data, ',', scope->len) != NULL;
}

static void
judge_row(Sampler *sampler, TupleTableSlot *row)
{
	Sample	   *sample = sampler->sample;
	const Source *source = sample->source;
	Verdict		verdict;

	row_judge_state(source, row, &verdict);
	if (verdict.status == TOKEN_VALID &&
		!row_meets_condition(source, sampler->table, row))
		verdict.status = TOKEN_DISABLED;
	if (was_read_again(sampler))
		return;
	row_take_expiry(source, sampler->table, row, &verdict);
	row_take_fields(source, sampler->table, row, &verdict);
	if (was_read_again(sampler))
		return;
	row_require_user(source, &verdict);
	verdict_settle(&verdict, sampler->now);
	sample->nstatus[verdict.status]++;
	if (is_list_of_scopes(source, &verdict))
		sample->nlists++;
}

static void
look_at_row(Sampler *sampler, TupleTableSlot *row)
{
	Sample	   *sample = sampler->sample;
	const Source *source = sample->source;
	int			nothers = sample->nothers;
	StoredValue stored;

	sample->nrows++;
	if (!stored_of_slot(source, row, &stored))
	{
		sample->nwithout++;
		return;
	}
	if (source->lookup == NULL)
		count_form(sample, &stored);
	if (sample->judge && sample->nothers == nothers)
		judge_row(sampler, row);
}

static void
look_at_blocks(Sampler *sampler, BlockNumber first, BlockNumber last, int nrows)
{
	TupleTableSlot *slot = table_slot_create(sampler->table, NULL);
	ItemPointerData from;
	ItemPointerData to;
	TableScanDesc scan;

	ItemPointerSet(&from, first, FirstOffsetNumber);
	ItemPointerSet(&to, last, MaxOffsetNumber);
	scan = tid_range_begin(sampler->table, sampler->snapshot, &from, &to);
	while (scan != NULL && nrows-- > 0 && !was_read_again(sampler) &&
		   table_scan_getnextslot_tidrange(scan, ForwardScanDirection, slot))
	{
		MemoryContext old = MemoryContextSwitchTo(sampler->per_row);

		CHECK_FOR_INTERRUPTS();
		look_at_row(sampler, slot);
		MemoryContextSwitchTo(old);
		MemoryContextReset(sampler->per_row);
	}
	if (scan != NULL)
		table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
}

static void
look_at_places(Sampler *sampler)
{
	BlockNumber blocks = RelationGetNumberOfBlocks(sampler->table);

	if (blocks == 0)
		return;
	if (blocks <= PLACES * BLOCKS_OF_PLACE)
	{
		look_at_blocks(sampler, 0, blocks - 1, ROWS_LOOKED_AT);
		return;
	}
	for (int i = 0; i < PLACES; i++)
	{
		BlockNumber first = (BlockNumber)
			((uint64) (blocks - BLOCKS_OF_PLACE) * i / (PLACES - 1));

		look_at_blocks(sampler, first, first + BLOCKS_OF_PLACE - 1,
					   ROWS_LOOKED_AT / PLACES);
	}
}

/* As the table's owner: types of the columns, and expressions, need not be core's. */
static void
look_as_owner(void *arg)
{
	Sampler    *sampler = arg;
	Sandbox		sandbox;

	sampler->table = table_open(sampler->sample->source->relation,
								AccessShareLock);
	sampler->snapshot = RegisterSnapshot(GetLatestSnapshot());
	sandbox_become(&sandbox, sampler->table->rd_rel->relowner);
	PG_TRY();
	{
		look_at_places(sampler);
		sandbox_leave(&sandbox);
	}
	SANDBOX_END_TRY(&sandbox);
	UnregisterSnapshot(sampler->snapshot);
	table_close(sampler->table, AccessShareLock);
}

static void
look_in_time(void *arg)
{
	Sampler    *sampler = arg;

	sampler->error = time_limit_try(look_as_owner, sampler, SAMPLE_LIMIT_MS,
									&sampler->sample->timed_out);
}

/* Whatever code of the owner's has done is undone: a look changes nothing. */
void
sample_take(const Source *source, bool judge, Sample *sample)
{
	Sampler		sampler = {sample};
	ErrorData  *error;

	memset(sample, 0, sizeof(*sample));
	sample->source = source;
	sample->judge = judge;
	sampler.now = GetCurrentTimestamp();
	sampler.built = source->built;
	sampler.per_row = AllocSetContextCreate(CurrentMemoryContext,
											"tokenauth sample",
											ALLOCSET_DEFAULT_SIZES);
	error = sandbox_try(look_in_time, &sampler, false);
	MemoryContextDelete(sampler.per_row);
	if (error == NULL)
		error = sampler.error;
	if (error == NULL || sample->timed_out)
		return;
	if (sandbox_concerns_all(error))
		ReThrowError(error);
	sample->sqlstate = error->sqlerrcode;
}

/* ---------- what is said of a new source ---------- */

static const char *
table_of(const Sample *sample)
{
	return get_rel_name(sample->source->relation);
}

/* "44 characters", "20 to 44 bytes" */
static char *
lengths(const Sample *sample)
{
	const char *unit = sample->source->column[ROLE_TOKEN].type == BYTEAOID ?
		"bytes" : "characters";

	if (sample->min_len == sample->max_len)
		return psprintf("%zu %s", sample->min_len, unit);
	return psprintf("%zu to %zu %s", sample->min_len, sample->max_len, unit);
}

static void
refuse_slow_hashes(const Sample *sample)
{
	if (sample->nslow == 0 || sample->nslow < sample->nvalues)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("column \"%s\" of table \"%s\" has salted hashes, by which no token is found",
					sample->source->column[ROLE_TOKEN].name, table_of(sample)),
			 errdetail("What was looked at has %s and begins with \"%s\", as %s does.",
					   lengths(sample), sample->slow,
					   form_slow_name(sample->slow)),
			 errhint("Find the row by what else the table has of a token, and verify it: the keys \"lookup\" and \"verify\" of the mapping.")));
}

static void
refuse_other_form(const Sample *sample)
{
	StoredAs	likely = {0};

	if (sample->digests != 0)
		likely = form_likeliest(sample->digests);
	likely.is_hmac = sample->source->stored_as.is_hmac;
	if (sample->nothers == 0 || sample->nothers < sample->nvalues)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("column \"%s\" of table \"%s\" has no value of the form %s",
					sample->source->column[ROLE_TOKEN].name, table_of(sample),
					stored_as_name(sample->source->stored_as)),
			 errdetail("What was looked at has %s.", lengths(sample)),
			 sample->digests != 0 ?
			 errhint("It has the form %s: use stored_as => '%s'.",
					 stored_as_name(likely), stored_as_name(likely)) :
			 errhint("Say what the column has by stored_as, or by \"stored_prefix\" or \"lookup\" of the mapping.")));
}

/* Does the name of a column say that it has digests? */
static bool
is_called_digest(const char *column)
{
	static const char *const names[] = {"hash", "digest", "sha1", "sha256"};
	char	   *lower = asc_tolower(column, strlen(column));

	for (int i = 0; i < (int) lengthof(names); i++)
		if (strstr(lower, names[i]) != NULL)
			return true;
	return false;
}

/*
 * Where digests are taken for tokens, whoever has read the table could present
 * them.  But tokens can look like digests.
 */
static void
doubt_plaintext(const Sample *sample)
{
	const Source *source = sample->source;
	FormSet		digests = form_only_hex(sample->digests);
	const char *column = source->column[ROLE_TOKEN].name;
	const char *form;

	if (!stored_is_token(source) || source->verify != NULL || digests == 0)
		return;
	form = stored_as_name(form_likeliest(digests));
	if (is_called_digest(column))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("column \"%s\" of table \"%s\" has digests rather than tokens",
						column, table_of(sample)),
				 errdetail("What was looked at has the form %s, and the column is called so.",
						   form),
				 errhint("Use stored_as => '%s'. If these are the tokens themselves, say so with mapping => '{\"lookup\": \"token\"}'.",
						 form)));
	if (sample->nvalues >= ROWS_THAT_TELL)
		ereport(NOTICE,
				(errmsg("column \"%s\" of table \"%s\" could have digests rather than tokens",
						column, table_of(sample)),
				 errdetail("What was looked at has the form %s.", form),
				 errhint("If these are not the tokens themselves, detach the source and attach the table with stored_as => '%s'.",
						 form)));
}

static void
doubt_scopes(const Sample *sample)
{
	if (sample->nlists == 0)
		return;
	ereport(NOTICE,
			(errmsg("scopes of table \"%s\" look like several in one text",
					table_of(sample)),
			 errdetail("Each text is taken for one scope."),
			 errhint("Say how they are told apart by \"scope_separator\" or \"scope_expression\" of the mapping.")));
}

static void
append_count(StringInfo text, int n, const char *what)
{
	if (n > 0)
		appendStringInfo(text, ", %d %s", n, what);
}

/* "of 20 rows of table "t" that were looked at, 12 are valid now, 8 expired" */
static char *
shares(const Sample *sample)
{
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfo(&text, "of %d rows of table \"%s\" that were looked at, %d are valid now",
					 sample->nrows, table_of(sample),
					 sample->nstatus[TOKEN_VALID]);
	for (TokenStatus status = TOKEN_VALID + 1; status < TOKEN_FORBIDDEN; status++)
		append_count(&text, sample->nstatus[status], token_status_name(status));
	append_count(&text, sample->nwithout, "without a token");
	append_count(&text, sample->nothers,
				 psprintf("not of the form %s",
						  stored_as_name(sample->source->stored_as)));
	return text.data;
}

static void
tell_shares(const Sample *sample)
{
	if (sample->nrows < ROWS_THAT_TELL)
		return;
	if (sample->nstatus[TOKEN_REVOKED] == sample->nrows)
		ereport(WARNING,
				(errmsg("of %d rows of table \"%s\" that were looked at all are revoked, by column \"%s\"",
						sample->nrows, table_of(sample),
						sample->source->column[ROLE_REVOKED].name),
				 errhint("If the column tells otherwise which tokens are live, detach the source and attach the table with live_when.")));
	else if (sample->nstatus[TOKEN_VALID] == 0)
		ereport(WARNING,
				(errmsg_internal("%s", shares(sample)),
				 errhint("If some should be valid, ask tokenauth_explain() of a token why it is not.")));
	else
		ereport(NOTICE, (errmsg_internal("%s", shares(sample))));
}

/* What kept the rows from being judged. */
static void
tell_failure(const Sample *sample)
{
	static const char hint[] = "See what the condition and the expressions of the source do with each row.";

	if (sample->timed_out)
		ereport(WARNING,
				(errmsg("judging rows of table \"%s\" was given up after %d ms",
						table_of(sample), SAMPLE_LIMIT_MS),
				 errhint("%s", hint)));
	else
		ereport(WARNING,
				(errmsg("a row of table \"%s\" cannot be judged",
						table_of(sample)),
				 errdetail("Whoever presents its token meets an error with SQLSTATE %s.",
						   unpack_sql_state(sample->sqlstate)),
				 errhint("%s", hint)));
}

void
sample_look(const Source *source)
{
	Sample		sample;

	sample_take(source, true, &sample);
	refuse_slow_hashes(&sample);
	refuse_other_form(&sample);
	doubt_plaintext(&sample);
	doubt_scopes(&sample);
	if (sample.timed_out || sample.sqlstate != 0)
		tell_failure(&sample);
	else
		tell_shares(&sample);
}
