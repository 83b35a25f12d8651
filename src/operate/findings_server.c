/*-------------------------------------------------------------------------
 *
 * findings_server.c
 *		What is wrong with the server: settings, prepared transactions, clock.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xlog.h"
#include "access/xlogrecovery.h"
#include "base/guc.h"
#include "base/pepper.h"
#include "base/stats.h"
#include "cache/cache.h"
#include "cache/last_used.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "operate/findings.h"
#include "operate/remedy.h"
#include "replication/syncrep.h"
#include "source/own_call.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "workers/warm.h"
#include "workers/worker.h"

/* A transaction that has been prepared for so long was left behind. */
#define PREPARED_MINUTES	5

/* Clock corrections of less than this are ordinary. */
#define CLOCK_SLACK			(10 * USECS_PER_SEC)

/* Is the cache there? */
void
finding_preloaded(Doctor *doctor)
{
	if (!stats_are_kept())
		doctor_report(doctor, SEVERITY_ERROR, NULL, remedy_preload(),
			   "tokenauth is not in shared_preload_libraries: every token is judged by its table");
	else if (!cache_is_on())
		doctor_report(doctor, SEVERITY_ERROR, NULL,
			   remedy_cache_size(GUC_DEFAULT_CACHE_SIZE / 1024),
			   "tokenauth.cache_size is too small for a cache: every token is judged by its table");
}

/*
 * Are there processes for the launcher and its workers?  Without, last uses are
 * not written, and what is to be loaded after a start never is.
 */
void
finding_workers(Doctor *doctor)
{
	const char *lacking = NULL;

	if (!stats_are_kept())
		return;
	if (last_used_lacks_writer())
		lacking = "the launcher of tokenauth does not run";
	else if (worker_is_lacking(WORKER_FLUSH) || worker_is_lacking(WORKER_WARM))
		lacking = "a worker of tokenauth could not be started";
	if (lacking != NULL)
		doctor_report(doctor,
					  warm_has_ended() ? SEVERITY_WARNING : SEVERITY_ERROR, NULL,
					  remedy_worker_processes(),
					  "%s, perhaps because max_worker_processes is too small: last uses are not written, and tokens are not loaded after a start",
					  lacking);
}

/* tokenauth_ready() says no meanwhile; nothing is wrong with it. */
void
finding_warming(Doctor *doctor)
{
	if (!warm_has_ended())
		doctor_report(doctor, SEVERITY_NOTICE, NULL,
					  sql_with_comment(own_call_plain_sql("tokenauth_ready"),
									   "true once they are loaded"),
					  "the tokens of this database, which is in tokenauth.warm_databases, are not loaded yet: tokenauth_ready() is false until they are");
}

/* Columns of the query below. */
enum
{
	OFF_WHERE,
	OFF_FIX
};

static void
take_off(Doctor *doctor, const Source *source, char **row)
{
	doctor_report(doctor, SEVERITY_WARNING, NULL, row[OFF_FIX],
				  "tokenauth.enabled is off %s: its tokens are judged by the table",
				  row[OFF_WHERE]);
}

/* That a session has set it is the session's own business. */
void
finding_enabled(Doctor *doctor)
{
	static const char *const sql =
		"SELECT 'in the configuration of the server',"
		"     'ALTER SYSTEM SET tokenauth.enabled = on;" AND_RELOAD "'"
		" FROM pg_settings WHERE name = 'tokenauth.enabled' AND setting = 'off'"
		"     AND source IN ('configuration file', 'command line')"
		" UNION ALL"
		" SELECT concat_ws(' ', 'for role ' || quote_ident(r.rolname),"
		"         CASE WHEN r.oid IS NULL AND d.oid IS NULL THEN 'for all roles' END,"
		"         CASE WHEN d.oid IS NOT NULL THEN CASE WHEN r.oid IS NULL THEN 'for' ELSE 'in' END"
		"              || ' database ' || quote_ident(d.datname) END),"
		"     CASE WHEN r.oid IS NULL AND d.oid IS NOT NULL"
		"         THEN format('ALTER DATABASE %I RESET tokenauth.enabled;', d.datname)"
		"         ELSE format('ALTER ROLE %s%s RESET tokenauth.enabled;',"
		"             coalesce(quote_ident(r.rolname), 'ALL'),"
		"             ' IN DATABASE ' || quote_ident(d.datname)) END"
		" FROM pg_db_role_setting s LEFT JOIN pg_database d ON d.oid = s.setdatabase"
		"     LEFT JOIN pg_roles r ON r.oid = s.setrole,"
		"     unnest(s.setconfig) c"
		" WHERE (s.setdatabase = 0 OR d.datname = current_database())"
		"     AND lower(split_part(c, '=', 1)) = 'tokenauth.enabled'"
		"     AND lower(split_part(c, '=', 2)) ~ '^(off?|f|fa|fal|fals|false|no?|0)$'"
		" ORDER BY 1";

	doctor_for_rows(doctor, sql, 0, NULL, NULL, take_off, NULL);
}

static void
take_prepared(Doctor *doctor, const Source *source, char **row)
{
	doctor_report(doctor, SEVERITY_WARNING, NULL,
		   remedy_prepared(row[0]),
		   "transaction \"%s\", prepared at %s, is neither committed nor rolled back: what it changes in %s does not count yet",
		   row[0], row[1], row[2]);
}

/*
 * Those that hold a lock on a table of ours, as a transaction that changed it does.  All
 * locks of one have the same virtual transaction, with no process behind it.
 */
void
finding_prepared(Doctor *doctor)
{
	int			n = 0;
	Datum	   *tables = palloc(list_length(doctor->sources) *
								(1 + SOURCE_MAX_PARENTS) * sizeof(Datum));
	TimestampTz limit = GetCurrentTimestamp() -
		PREPARED_MINUTES * USECS_PER_MINUTE;
	Oid			types[] = {OIDARRAYOID, TIMESTAMPTZOID};
	Datum		values[2];
	ListCell   *lc;

	foreach(lc, doctor->sources)
	{
		Source	   *source = lfirst(lc);

		tables[n++] = ObjectIdGetDatum(source->relation);
		for (int i = 0; i < source->nparents; i++)
			tables[n++] = ObjectIdGetDatum(source->parent[i].relation);
	}
	values[0] = PointerGetDatum(construct_array(tables, n, OIDOID, sizeof(Oid),
												true, TYPALIGN_INT));
	values[1] = TimestampTzGetDatum(limit);
	doctor_for_rows(doctor,
			 "SELECT p.gid, date_trunc('second', p.prepared)::text,"
			 "    string_agg(DISTINCT l.relation::regclass::text, ', ')"
			 " FROM pg_prepared_xacts p"
			 "     JOIN pg_locks x ON x.transactionid = p.transaction"
			 "         AND x.pid IS NULL"
			 "     JOIN pg_locks l ON l.virtualtransaction = x.virtualtransaction"
			 "         AND l.pid IS NULL"
			 " WHERE p.database = current_database() AND p.prepared < $2"
			 "     AND l.locktype = 'relation' AND l.relation = ANY ($1)"
			 "     AND l.mode NOT IN ('AccessShareLock', 'RowShareLock')"
			 " GROUP BY p.gid, p.prepared ORDER BY p.prepared",
			 lengthof(types), types, values, take_prepared, NULL);
}

/*
 * A primary cannot tell that a standby is expected but by what it is told to
 * wait for, or by having been a standby itself; that max_wal_senders is 0
 * says nothing, for wal_level minimal asks for it.
 */
void
finding_wal_level(Doctor *doctor)
{
	const char *expecting = NULL;

	if (XLogIsNeeded())
		return;
	if (SyncRepStandbyNames != NULL && SyncRepStandbyNames[0] != '\0')
		expecting = "synchronous_standby_names";
	else if (PrimaryConnInfo != NULL && PrimaryConnInfo[0] != '\0')
		expecting = "primary_conninfo";
	else if (PrimarySlotName != NULL && PrimarySlotName[0] != '\0')
		expecting = "primary_slot_name";
	if (expecting != NULL)
		doctor_report(doctor, SEVERITY_WARNING, NULL,
			   "ALTER SYSTEM SET wal_level = 'replica'; -- and max_wal_senders to 10, then restart the server",
			   "wal_level is minimal, though %s is set: no standby can follow, nor hear of changes of tokens",
			   expecting);
}

/* Answers that seem to have been cached later than now. */
typedef struct FutureEntries
{
	TimestampTz now;
	uint64		count;
	TimestampTz latest;
} FutureEntries;

/* A CacheVisit. */
static void
visit_future(CacheSource source, const CacheItem *item, bool stands, void *arg)
{
	FutureEntries *future = arg;
	TimestampTz made = cache_made_at(&item->header);

	if (!stands || made <= future->now + CLOCK_SLACK)
		return;
	future->count++;
	future->latest = Max(future->latest, made);
}

/*
 * An answer is believed until its ttl has passed by the clock, so one of the
 * future is believed too long; changes of tokens still end it at once.
 */
void
finding_clock(Doctor *doctor)
{
	FutureEntries future = {GetCurrentTimestamp()};

	cache_walk(MyDatabaseId, visit_future, &future);
	if (future.count > 0)
		doctor_report(doctor, SEVERITY_WARNING, NULL,
			   sql_with_comment(own_call_plain_sql("tokenauth_flush"),
								"and see that the clock is kept right"),
			   "the clock was set back: " UINT64_FORMAT " cached answers are from the future, by up to " INT64_FORMAT " seconds",
			   future.count,
			   (future.latest - future.now) / USECS_PER_SEC);
}

/* What a source lacks is told with the source. */
void
finding_pepper_file(Doctor *doctor)
{
	const char *fault = pepper_fault();

	if (fault != NULL)
		doctor_report(doctor, SEVERITY_WARNING, NULL, remedy_pepper_file(),
					  "the file of tokenauth.pepper_file was not taken when it was read last (%s): peppers are as they were before",
					  fault);
}
