/*-------------------------------------------------------------------------
 *
 * inspect.c
 *		SQL: what lies behind the view tokenauth_stats, and its reset.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "cache.h"
#include "coherence.h"
#include "compat.h"
#include "funcapi.h"
#include "mapping.h"
#include "miscadmin.h"
#include "source.h"
#include "stats.h"
#include "utils/builtins.h"

/* Columns of tokenauth_stats. */
enum
{
	COL_SOURCE,
	COL_FIRST_COUNTER,
	COL_ENTRIES = COL_FIRST_COUNTER + STATS_NCOUNTERS,
	COL_BYTES,
	COL_NOTE,
	COL_COUNT
};

/* Why a source is not cached now, with what to do; NULL if it is. */
static const char *
uncached_note(Source *source)
{
	if (!cache_is_on())
		return "tokenauth is not in shared_preload_libraries, or tokenauth.cache_size is too small: every token is judged by its table";
	return mapping_problem_text(source);
}

static void
put_source(ReturnSetInfo *rsinfo, Source *source)
{
	Datum		value[COL_COUNT];
	bool		isnull[COL_COUNT] = {0};
	NameData	name;
	StatsCounts counts;
	bool		counted = stats_read(source->stats_slot, &counts);
	uint64		entries = cache_count(MyDatabaseId, source->relation);
	const char *note = uncached_note(source);

	namestrcpy(&name, source->name);
	value[COL_SOURCE] = NameGetDatum(&name);
	for (int i = 0; i < STATS_NCOUNTERS; i++)
	{
		isnull[COL_FIRST_COUNTER + i] = !counted;
		if (counted)
			value[COL_FIRST_COUNTER + i] = Int64GetDatum((int64) counts.n[i]);
	}
	value[COL_ENTRIES] = Int64GetDatum((int64) entries);
	value[COL_BYTES] = Int64GetDatum((int64) (entries * cache_bytes_per_entry()));
	isnull[COL_NOTE] = note == NULL;
	if (note != NULL)
		value[COL_NOTE] = CStringGetTextDatum(note);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, value, isnull);
}

/*
 * tokenauth_stats_sources() returns setof record
 *
 * One row for each source of this database.
 */
TOKENAUTH_FUNCTION(tokenauth_stats_sources);
Datum
tokenauth_stats_sources(PG_FUNCTION_ARGS)
{
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, 0);
	coherence_refresh();
	source_refresh();
	foreach(lc, source_all())
	{
		Source	   *source = lfirst(lc);

		if (source_validate(source))
			put_source((ReturnSetInfo *) fcinfo->resultinfo, source);
	}
	return (Datum) 0;
}

/*
 * tokenauth_stats_reset() returns void
 */
TOKENAUTH_FUNCTION(tokenauth_stats_reset);
Datum
tokenauth_stats_reset(PG_FUNCTION_ARGS)
{
	stats_reset();
	PG_RETURN_VOID();
}
