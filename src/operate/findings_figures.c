/*-------------------------------------------------------------------------
 *
 * findings_figures.c
 *		What the figures of tokenauth_stats tell: floods, dropped uses, a cache
 *		that is too small.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/guc.h"
#include "base/stats.h"
#include "operate/findings.h"
#include "operate/remedy.h"
#include "source/own_call.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

/* A finding needs at least so many. */
#define ENOUGH_EVICTIONS	100
#define ENOUGH_REFUSALS		1000

/*
 * The cache is too small if one judgement in so many evicts an answer that is
 * still of use.  This counts judgements rather than published answers: where
 * nearly all are hits, few are published, and those few are evicted ones that
 * came back.
 */
#define EVICTIONS_RATIO		10

/* One last use in so many may be dropped: in a rush that is soon over. */
#define DROPS_RATIO			100

/* A random token costs a look into the table, and is used once. */
void
finding_negative_flood(Doctor *doctor, const Source *source)
{
	StatsCounts counts;
	uint64		refused;
	uint64		valid;
	TimestampTz since;

	if (!stats_read(source->stats_slot, &counts, &since))
		return;
	refused = counts.n[STATS_NEGATIVE_LOOKUPS];
	valid = stats_asked(&counts) - refused - counts.n[STATS_NEGATIVE_HITS];
	if (refused >= ENOUGH_REFUSALS && refused > valid)
		doctor_report(doctor, SEVERITY_WARNING, source,
			   sql_with_comment(own_call_plain_sql("tokenauth_stats_reset"),
								"once their sender is found and limited"),
			   "flood of bad tokens: since %s the table was asked " UINT64_FORMAT " times in vain, against " UINT64_FORMAT " valid answers",
			   timestamptz_to_str(since), refused, valid);
}

/* There is room for so many noted uses; a longer interval makes fewer. */
void
finding_dropped_uses(Doctor *doctor, const Source *source)
{
	StatsCounts counts;
	TimestampTz since;

	if (!stats_read(source->stats_slot, &counts, &since) ||
		counts.n[STATS_USES_DROPPED] <= counts.n[STATS_USES_NOTED] / DROPS_RATIO)
		return;
	doctor_report(doctor, SEVERITY_WARNING, source,
		   psprintf("ALTER SYSTEM SET tokenauth.last_used_interval = '%ds';"
					" SELECT pg_catalog.pg_reload_conf(); %s",
					2 * guc_last_used_interval,
					own_call_plain_sql("tokenauth_stats_reset")),
		   UINT64_FORMAT " last uses were dropped, against " UINT64_FORMAT " noted: there are too many at once, or their rows cannot be found or updated",
		   counts.n[STATS_USES_DROPPED], counts.n[STATS_USES_NOTED]);
}

/* Live answers that had to go for others: there are more tokens than room. */
void
finding_evictions(Doctor *doctor)
{
	uint64		evictions = 0;
	uint64		asked = 0;
	ListCell   *lc;

	foreach(lc, doctor->sources)
	{
		StatsCounts counts;
		TimestampTz since;

		if (stats_read(((Source *) lfirst(lc))->stats_slot, &counts, &since))
		{
			evictions += counts.n[STATS_EVICTIONS];
			asked += stats_asked(&counts);
		}
	}
	if (evictions >= ENOUGH_EVICTIONS && evictions >= asked / EVICTIONS_RATIO)
		doctor_report(doctor, SEVERITY_WARNING, NULL,
			   remedy_cache_size(Max(2 * (guc_cache_size / 1024), 1)),
			   "the cache is too small: of " UINT64_FORMAT " judgements " UINT64_FORMAT " pushed a live answer out of it",
			   asked, evictions);
}
