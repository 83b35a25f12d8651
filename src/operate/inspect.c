/*-------------------------------------------------------------------------
 *
 * inspect.c
 *		SQL: what lies behind the views tokenauth_stats and tokenauth_cache,
 *		and the reset of the figures.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/stats.h"
#include "cache/cache.h"
#include "funcapi.h"
#include "judge/coherence.h"
#include "judge/trust.h"
#include "miscadmin.h"
#include "source/directory.h"
#include "source/peek.h"
#include "source/problem.h"
#include "source/source.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

/* Columns of tokenauth_stats. */
enum
{
	COL_SOURCE,
	COL_HIT_RATIO,
	COL_FIRST_COUNTER,
	COL_ENTRIES = COL_FIRST_COUNTER + STATS_NSHOWN,
	COL_BYTES,
	COL_FIRST_EVENT,
	COL_STATS_RESET = COL_FIRST_EVENT + STATS_NEVENTS,
	COL_NOTE,
	COL_COUNT
};

/* Why a source is not cached now, with what to do; NULL if it is. */
static const char *
uncached_note(Source *source)
{
	if (!source_is_current(source))
		return "its table, or something that the source needs, is locked: nothing is known of it now";
	if (!cache_is_on())
		return "tokenauth is not in shared_preload_libraries, or tokenauth.cache_size is too small: every token is judged by its table";
	return problem_explain(source);
}

/*
 * Bring a source up to date, unless that means to wait for a lock: who watches
 * must see the others.  False if its table is gone.
 */
static bool
is_there(Source *source)
{
	Peek		peek;

	if (source_is_current(source))
		return true;
	peek_source(source, NULL, NULL, &peek);
	return peek.is_there;
}

/* The sources that are there, up to date but for those that are locked. */
static List *
valid_sources(void)
{
	List	   *valid = NIL;
	ListCell   *lc;

	coherence_refresh();
	foreach(lc, source_all())
		if (is_there(lfirst(lc)))
			valid = lappend(valid, lfirst(lc));
	return valid;
}

static void
put_time(TimestampTz at, Datum *value, bool *isnull)
{
	*isnull = at == 0;
	*value = TimestampTzGetDatum(at);
}

/* The figures that are counted; all NULL without counters. */
static void
put_counts(const Source *source, Datum *value, bool *isnull)
{
	StatsCounts counts;
	TimestampTz since;
	uint64		asked;

	if (!stats_read(source->stats_slot, &counts, &since))
	{
		for (int i = 0; i < STATS_NSHOWN; i++)
			isnull[COL_FIRST_COUNTER + i] = true;
		isnull[COL_HIT_RATIO] = isnull[COL_STATS_RESET] = true;
		return;
	}
	for (int i = 0; i < STATS_NSHOWN; i++)
		value[COL_FIRST_COUNTER + i] = Int64GetDatum((int64) counts.n[i]);
	asked = stats_asked(&counts);
	isnull[COL_HIT_RATIO] = asked == 0;
	if (asked > 0)
		value[COL_HIT_RATIO] =
			Float8GetDatum((double) (counts.n[STATS_HITS] +
									 counts.n[STATS_NEGATIVE_HITS]) / asked);
	value[COL_STATS_RESET] = TimestampTzGetDatum(since);
}

static void
put_source(ReturnSetInfo *rsinfo, Source *source, uint64 entries)
{
	Datum		value[COL_COUNT];
	bool		isnull[COL_COUNT] = {0};
	NameData	name;
	const char *note = uncached_note(source);

	namestrcpy(&name, source->name);
	value[COL_SOURCE] = NameGetDatum(&name);
	put_counts(source, value, isnull);
	for (StatsEvent event = 0; event < STATS_NEVENTS; event++)
		put_time(stats_when(source->stats_slot, event),
				 &value[COL_FIRST_EVENT + event],
				 &isnull[COL_FIRST_EVENT + event]);
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
	List	   *sources;
	CacheSource *names;
	uint64	   *entries;
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, 0);
	sources = valid_sources();
	names = palloc(list_length(sources) * sizeof(*names));
	entries = palloc(list_length(sources) * sizeof(*entries));
	foreach(lc, sources)
		names[foreach_current_index(lc)] = ((Source *) lfirst(lc))->cached_as;
	cache_count(MyDatabaseId, list_length(sources), names, entries);
	foreach(lc, sources)
		put_source((ReturnSetInfo *) fcinfo->resultinfo, lfirst(lc),
				   entries[foreach_current_index(lc)]);
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

/* Columns of tokenauth_cache. */
enum
{
	ENTRY_SOURCE,
	ENTRY_USER,
	ENTRY_TENANT,
	ENTRY_STATUS,
	ENTRY_BELIEVED,
	ENTRY_AGE,
	ENTRY_LAST_USED,
	ENTRY_EXPIRES,
	ENTRY_COUNT
};

typedef struct EntryVisit
{
	ReturnSetInfo *rsinfo;
	MemoryContext per_entry;
	TimestampTz now;
	uint64		trust;
} EntryVisit;

/* A field of a verdict as text; it may be NULL. */
static void
put_field(const Source *source, const Verdict *verdict, VerdictField field,
		  SourceRole role, Datum *value, bool *isnull)
{
	*isnull = verdict->field[field].data == NULL;
	if (!*isnull)
		*value = PointerGetDatum(verdict_text(verdict, field,
											  source->column[role].kind));
}

/*
 * What an entry says.  By another fingerprint its bytes may mean something
 * else, so whose it is is not told then.
 */
static void
put_entry(EntryVisit *visit, const Source *source, const CacheItem *item,
		  bool stands)
{
	bool		same = item->header.fingerprint == source->fingerprint;
	TimestampTz made = cache_made_at(&item->header);
	Datum		value[ENTRY_COUNT];
	bool		isnull[ENTRY_COUNT] = {0};
	NameData	name;
	Verdict		verdict;

	verdict_unpack(item, &verdict);
	verdict_settle(&verdict, visit->now);
	namestrcpy(&name, source->name);
	value[ENTRY_SOURCE] = NameGetDatum(&name);
	isnull[ENTRY_USER] = isnull[ENTRY_TENANT] = true;
	if (same)
	{
		put_field(source, &verdict, FIELD_USER, ROLE_USER, &value[ENTRY_USER],
				  &isnull[ENTRY_USER]);
		put_field(source, &verdict, FIELD_TENANT, ROLE_TENANT,
				  &value[ENTRY_TENANT], &isnull[ENTRY_TENANT]);
	}
	value[ENTRY_STATUS] = CStringGetTextDatum(token_status_name(verdict.status));
	value[ENTRY_BELIEVED] =
		BoolGetDatum(stands && same && source->problem == PROBLEM_NONE &&
					 item->header.stamp >= visit->trust &&
					 item->header.deadline > visit->now);
	isnull[ENTRY_AGE] = TIMESTAMP_IS_NOBEGIN(made);
	if (!isnull[ENTRY_AGE])
		value[ENTRY_AGE] = DirectFunctionCall2(timestamp_mi,
											   TimestampTzGetDatum(visit->now),
											   TimestampTzGetDatum(made));
	put_time(item->last_used, &value[ENTRY_LAST_USED],
			 &isnull[ENTRY_LAST_USED]);
	isnull[ENTRY_EXPIRES] = !verdict.has_expiry;
	value[ENTRY_EXPIRES] = TimestampTzGetDatum(verdict.expires_at);
	tuplestore_putvalues(visit->rsinfo->setResult, visit->rsinfo->setDesc,
						 value, isnull);
}

/* Whose entry it is.  Should two be called the same, the first is told. */
static Source *
source_of_entry(CacheSource name)
{
	ListCell   *lc;

	foreach(lc, source_all())
		if (((Source *) lfirst(lc))->cached_as.bits == name.bits)
			return lfirst(lc);
	return NULL;
}

/* A CacheVisit.  What is of no source any more is not shown. */
static void
visit_entry(CacheSource name, const CacheItem *item, bool stands, void *arg)
{
	EntryVisit *visit = arg;
	Source	   *source = source_of_entry(name);
	MemoryContext old;

	if (source == NULL || !source_is_current(source))
		return;
	old = MemoryContextSwitchTo(visit->per_entry);
	put_entry(visit, source, item, stands);
	MemoryContextSwitchTo(old);
	MemoryContextReset(visit->per_entry);
}

/*
 * tokenauth_cache_entries() returns setof record
 *
 * What is cached of this database's sources, as this session sees it.
 */
TOKENAUTH_FUNCTION(tokenauth_cache_entries);
Datum
tokenauth_cache_entries(PG_FUNCTION_ARGS)
{
	EntryVisit	visit;

	InitMaterializedSRF(fcinfo, 0);
	visit.rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	visit.per_entry = AllocSetContextCreate(CurrentMemoryContext,
											"tokenauth cache entry",
											ALLOCSET_SMALL_SIZES);
	(void) valid_sources();
	visit.now = GetCurrentTimestamp();
	visit.trust = trust_floor();
	cache_walk(MyDatabaseId, visit_entry, &visit);
	return (Datum) 0;
}
