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
#include "catalog/pg_type.h"
#include "operate/findings.h"
#include "operate/remedy.h"
#include "source/own_call.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
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

/* Columns of the query below. */
enum
{
	HOLDER_PID,					/* NULL: none, it is a prepared transaction */
	HOLDER_GID
};

static void
take_holder(Doctor *doctor, const Source *source, char **row)
{
	const char *table = get_rel_name(source->relation);

	if (row[HOLDER_PID] != NULL)
		doctor_report(doctor, SEVERITY_WARNING, source,
					  sql_with_comment(psprintf("SELECT * FROM pg_catalog.pg_stat_activity WHERE pid OPERATOR(pg_catalog.=) %s;",
												row[HOLDER_PID]),
									   "see that its transaction ends, then: %s",
									   own_call_plain_sql("tokenauth_stats_reset")),
					  "last uses were dropped, for the table or its rows were locked too long: process %s holds the oldest lock on table \"%s\"",
					  row[HOLDER_PID], table);
	else
		doctor_report(doctor, SEVERITY_WARNING, source,
					  sql_with_comment(remedy_prepared(row[HOLDER_GID]),
									   "then: %s",
									   own_call_plain_sql("tokenauth_stats_reset")),
					  "last uses were dropped, for the table or its rows were locked too long: prepared transaction \"%s\" holds the oldest lock on table \"%s\"",
					  row[HOLDER_GID], table);
}

/* The oldest transaction that can have rows of the table locked, or all of it. */
static void
report_holder(Doctor *doctor, const Source *source)
{
	static const char *const sql =
		"SELECT l.pid::text, p.gid"
		" FROM pg_locks l LEFT JOIN pg_stat_get_activity(NULL) a ON a.pid = l.pid"
		"     LEFT JOIN pg_locks x ON l.pid IS NULL AND x.locktype = 'transactionid'"
		"         AND x.virtualtransaction = l.virtualtransaction"
		"     LEFT JOIN pg_prepared_xacts p ON p.transaction = x.transactionid"
		" WHERE l.locktype = 'relation' AND l.relation = $1 AND l.granted"
		"     AND l.mode <> 'AccessShareLock'"
		"     AND l.pid IS DISTINCT FROM pg_backend_pid()"
		"     AND l.database = (SELECT oid FROM pg_database"
		"                       WHERE datname = current_database())"
		"     AND (l.pid IS NULL OR a.backend_type = 'client backend')"
		" ORDER BY coalesce(p.prepared, a.xact_start) LIMIT 1";
	Oid			types[] = {OIDOID};
	Datum		values[] = {ObjectIdGetDatum(source->relation)};

	doctor_for_rows(doctor, sql, lengthof(types), types, values, take_holder,
					source);
}

/*
 * They are dropped where there is no room for more, which a longer interval
 * cures; or given up, where their row is locked each time, or a trigger of the
 * table does not let it be written.
 */
void
finding_dropped_uses(Doctor *doctor, const Source *source)
{
	StatsCounts counts;
	uint64		dropped;
	int			nfindings = list_length(doctor->findings);
	TimestampTz since;

	if (!stats_read(source->stats_slot, &counts, &since))
		return;
	dropped = counts.n[STATS_USES_DROPPED];
	if (dropped <= counts.n[STATS_USES_NOTED] / DROPS_RATIO)
		return;
	if (counts.n[STATS_USES_GIVEN_UP] < dropped - dropped / 2)
	{
		doctor_report(doctor, SEVERITY_WARNING, source,
					  sql_with_comment(psprintf("ALTER SYSTEM SET tokenauth.last_used_interval = '%ds';",
												2 * guc_last_used_interval),
									   "then: SELECT pg_catalog.pg_reload_conf(); %s",
									   own_call_plain_sql("tokenauth_stats_reset")),
					  UINT64_FORMAT " last uses were dropped, against " UINT64_FORMAT " noted: there are too many at once",
					  dropped, counts.n[STATS_USES_NOTED]);
		return;
	}
	report_holder(doctor, source);
	if (list_length(doctor->findings) == nfindings)
		doctor_report(doctor, SEVERITY_WARNING, source,
					  sql_with_comment(own_call_plain_sql("tokenauth_stats_reset"),
									   "once the lock is gone, or what the server's log tells of it is mended"),
					  UINT64_FORMAT " last uses were dropped, against " UINT64_FORMAT " noted: their rows were locked too long, could not be updated, or have an id of more than 36 characters",
					  dropped, counts.n[STATS_USES_NOTED]);
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
