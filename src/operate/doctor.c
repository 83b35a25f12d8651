/*-------------------------------------------------------------------------
 *
 * doctor.c
 *		SQL: tokenauth_doctor(), what is wrong and what cures it.
 *
 * A server in health has no findings.  Of severity
 *	error		are findings for which tokens are not answered from the cache,
 *				or not at all;
 *	warning		those that cost speed, or could cost safety, and do now;
 *	notice		those that somebody may have wanted so.
 *
 * Who may call this sees what it tells of, but needs no right on the tables:
 * metadata are read without asking, the rest are views that everybody may
 * read.  Nothing is changed, and no secret is read but counted.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "access/xlog.h"
#include "access/xlogrecovery.h"
#include "base/compat.h"
#include "base/guc.h"
#include "base/sandbox.h"
#include "base/stats.h"
#include "cache/cache.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "judge/coherence.h"
#include "miscadmin.h"
#include "operate/doctor.h"
#include "replication/syncrep.h"
#include "source/expression.h"
#include "source/problem.h"
#include "source/remedy.h"
#include "source/source.h"
#include "storage/lmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

/* From so many figures on they mean something. */
#define ENOUGH_EVICTIONS	100
#define ENOUGH_REFUSALS		1000

/*
 * One judgement in so many pushes out an answer that somebody would use.  Not
 * one published answer: where nearly all are hits, few are published, and
 * those few are evicted ones that came back.
 */
#define EVICTIONS_RATIO		10

/* One last use in so many may be dropped: in a rush that is soon over. */
#define DROPS_RATIO			100

/* A prepared transaction this old has been left behind. */
#define PREPARED_MINUTES	5

/* Clocks are set by less than this now and then. */
#define CLOCK_SLACK			(10 * USECS_PER_SEC)

typedef enum Severity
{
	SEVERITY_ERROR,
	SEVERITY_WARNING,
	SEVERITY_NOTICE
} Severity;

typedef struct Finding
{
	Severity	severity;
	const char *source;			/* NULL: the server, or all sources */
	const char *finding;
	const char *fix;
} Finding;

typedef struct Doctor
{
	MemoryContext context;		/* of the findings */
	List	   *findings;		/* Finding * */
	List	   *sources;		/* Source *, valid */
} Doctor;

/* fix is copied, source is not. */
static void
report(Doctor *doctor, Severity severity, const Source *source,
	   const char *fix, const char *format,...) pg_attribute_printf(5, 6);

static void
report(Doctor *doctor, Severity severity, const Source *source,
	   const char *fix, const char *format,...)
{
	MemoryContext old = MemoryContextSwitchTo(doctor->context);
	Finding    *finding = palloc(sizeof(Finding));
	StringInfoData text;

	initStringInfo(&text);
	for (;;)
	{
		va_list		args;
		int			needed;

		va_start(args, format);
		needed = appendStringInfoVA(&text, format, args);
		va_end(args);
		if (needed == 0)
			break;
		enlargeStringInfo(&text, needed);
	}
	finding->severity = severity;
	finding->source = source ? source->name : NULL;
	finding->finding = text.data;
	finding->fix = pstrdup(fix);
	doctor->findings = lappend(doctor->findings, finding);
	MemoryContextSwitchTo(old);
}

/*
 * Run a query and hand over each of its rows, whose columns are all text.
 * What is taken must be copied.
 */
static void
for_rows(Doctor *doctor, const char *sql, int nargs, Oid *types, Datum *values,
		 void (*take) (Doctor *doctor, const Source *source, char **row),
		 const Source *source)
{
	Sandbox		sandbox;
	QueryResult *rows;

	sandbox_enter(&sandbox, GetUserId(), NULL);
	rows = query_execute(sql, nargs, types, values, NULL, true);
	sandbox_leave(&sandbox);
	for (uint64 i = 0; i < rows->nrows; i++)
	{
		char	  **row = palloc(rows->desc->natts * sizeof(char *));

		for (int column = 0; column < rows->desc->natts; column++)
			row[column] = query_text(rows, i, column + 1);
		take(doctor, source, row);
	}
}

/* Is the cache there? */
static void
check_preloaded(Doctor *doctor)
{
	if (!stats_are_kept())
		report(doctor, SEVERITY_ERROR, NULL, remedy_preload(),
			   "tokenauth is not in shared_preload_libraries: every token is judged by its table");
	else if (!cache_is_on())
		report(doctor, SEVERITY_ERROR, NULL,
			   remedy_cache_size(GUC_DEFAULT_CACHE_SIZE / 1024),
			   "tokenauth.cache_size is too small for a cache: every token is judged by its table");
}

/* Triggers, index, columns: what mapping.c has found. */
static void
check_mapping(Doctor *doctor, const Source *source)
{
	if (source->problem != PROBLEM_NONE)
		report(doctor, SEVERITY_ERROR, source, remedy_problem(source),
			   source->problem == PROBLEM_CONDITION ?
			   "%s: its tokens cannot be judged, and the fix needs another condition" :
			   PROBLEM_IS_FATAL(source->problem) ?
			   "%s: its tokens cannot be judged" :
			   "%s: its tokens are judged by the table",
			   problem_message(source));
}

typedef struct Condition
{
	Relation	table;
	const char *text;
} Condition;

static void
try_condition(void *arg)
{
	const Condition *condition = arg;

	expression_check(condition->table, condition->text);
}

/* What is wrong with a condition, or NULL. */
static char *
condition_error(Oid relation, const char *text)
{
	Condition	condition = {relation_open(relation, AccessShareLock), text};
	ErrorData  *error = sandbox_try(try_condition, &condition, true);

	relation_close(condition.table, AccessShareLock);
	return error != NULL ? error->message : NULL;
}

static void
check_condition(Doctor *doctor, const Source *source, Oid relation,
				const char *condition)
{
	char	   *message;

	if (condition == NULL || PROBLEM_IS_FATAL(source->problem))
		return;
	message = condition_error(relation, condition);
	if (message != NULL)
		report(doctor, SEVERITY_ERROR, source, remedy_attach_again(source),
			   "condition \"%s\" does not fit table \"%s\" any more (%s): its tokens cannot be judged, and the fix needs another condition",
			   condition, get_rel_name(relation), message);
}

/* All that can be an error of a source. */
static void
check_table(Doctor *doctor, const Source *source)
{
	check_mapping(doctor, source);
	check_condition(doctor, source, source->relation, source->live_when);
	for (int i = 0; i < source->nparents; i++)
		check_condition(doctor, source, source->parent[i].relation,
						source->parent[i].live_when);
}

static void
check_plaintext(Doctor *doctor, const Source *source)
{
	if (source->stored_as == STORED_PLAINTEXT)
		report(doctor, SEVERITY_WARNING, source,
			   psprintf("CALL %s(%s);",
						remedy_our_name("tokenauth_hash_in_place"),
						quote_literal_cstr(source->name)),
			   "table \"%s\" holds the tokens themselves: who reads it, or a backup of it, has them",
			   get_rel_name(source->relation));
}

/* A random token costs a look into the table, and is used once. */
static void
check_negative_flood(Doctor *doctor, const Source *source)
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
		report(doctor, SEVERITY_WARNING, source,
			   psprintf("SELECT %s(); -- once their sender is found and limited",
						remedy_our_name("tokenauth_stats_reset")),
			   "flood of bad tokens: since %s the table was asked " UINT64_FORMAT " times in vain, against " UINT64_FORMAT " valid answers",
			   timestamptz_to_str(since), refused, valid);
}

/* There is room for so many noted uses; a longer interval makes fewer. */
static void
check_dropped_uses(Doctor *doctor, const Source *source)
{
	StatsCounts counts;
	TimestampTz since;

	if (!stats_read(source->stats_slot, &counts, &since) ||
		counts.n[STATS_USES_DROPPED] <= counts.n[STATS_USES_NOTED] / DROPS_RATIO)
		return;
	report(doctor, SEVERITY_WARNING, source,
		   psprintf("ALTER SYSTEM SET tokenauth.last_used_interval = '%ds';"
					" SELECT pg_catalog.pg_reload_conf(); SELECT %s();",
					2 * guc_last_used_interval,
					remedy_our_name("tokenauth_stats_reset")),
		   UINT64_FORMAT " last uses were dropped, against " UINT64_FORMAT " noted: there are too many at once, or their rows cannot be found or updated",
		   counts.n[STATS_USES_DROPPED], counts.n[STATS_USES_NOTED]);
}

/* Columns of the query below. */
enum
{
	READER_NAME,				/* NULL: everybody */
	READER_WHOLE
};

static void
take_reader(Doctor *doctor, const Source *source, char **row)
{
	bool		plaintext = source->stored_as == STORED_PLAINTEXT;
	const char *what = plaintext ? "tokens" : "digests of tokens";
	const char *table = get_rel_name(source->relation);
	char	   *fix = remedy_hide_token(source, row[READER_NAME],
										row[READER_WHOLE][0] == 't');

	if (row[READER_NAME] == NULL)
		report(doctor, SEVERITY_WARNING, source, fix,
			   "everybody can read the %s in table \"%s\"", what, table);
	else
		report(doctor, plaintext ? SEVERITY_WARNING : SEVERITY_NOTICE, source,
			   fix, "role \"%s\" can read the %s in table \"%s\"",
			   row[READER_NAME], what, table);
}

/*
 * Roles that were granted to read the token column, but for superusers and
 * those that act for the owner anyway.  What they have granted in their turn
 * goes with their own right.
 */
static void
check_readers(Doctor *doctor, const Source *source)
{
	static const char *const sql =
		"SELECT r.rolname, bool_or(g.whole)::text"
		" FROM (SELECT a.grantee, a.grantor, c.relowner, true AS whole"
		"       FROM pg_class c, aclexplode(c.relacl) a"
		"       WHERE c.oid = $1 AND a.privilege_type = 'SELECT'"
		"       UNION ALL"
		"       SELECT a.grantee, a.grantor, c.relowner, false"
		"       FROM pg_class c JOIN pg_attribute t ON t.attrelid = c.oid,"
		"           aclexplode(t.attacl) a"
		"       WHERE c.oid = $1 AND t.attnum = $2"
		"           AND a.privilege_type = 'SELECT') g"
		" LEFT JOIN pg_roles r ON r.oid = g.grantee"
		" WHERE g.grantor = g.relowner"
		"     AND (g.grantee = 0 OR (NOT r.rolsuper"
		"          AND NOT pg_has_role(r.oid, g.relowner, 'USAGE')))"
		" GROUP BY r.rolname ORDER BY r.rolname";
	Oid			types[] = {OIDOID, INT2OID};
	Datum		values[] = {
		ObjectIdGetDatum(source->relation),
		Int16GetDatum(source->column[ROLE_TOKEN].attnum)
	};

	if (AttributeNumberIsValid(source->column[ROLE_TOKEN].attnum))
		for_rows(doctor, sql, lengthof(types), types, values, take_reader,
				 source);
}

static void
take_data_reader(Doctor *doctor, const Source *source, char **row)
{
	bool		plaintext = false;
	ListCell   *lc;

	foreach(lc, doctor->sources)
		plaintext |= ((Source *) lfirst(lc))->stored_as == STORED_PLAINTEXT;
	report(doctor, plaintext ? SEVERITY_WARNING : SEVERITY_NOTICE, NULL,
		   psprintf("REVOKE pg_read_all_data FROM %s%s;",
					quote_identifier(row[0]), row[1]),
		   "role \"%s\" can read all tables, tokens or their digests among them, as a member of pg_read_all_data",
		   row[0]);
}

static void
check_data_readers(Doctor *doctor)
{
	if (doctor->sources != NIL)
		for_rows(doctor,
				 "SELECT r.rolname,"
				 "    coalesce(' GRANTED BY ' || quote_ident(g.rolname), '')"
				 " FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.member"
				 "     LEFT JOIN pg_roles g ON g.oid = m.grantor"
				 " WHERE m.roleid = 'pg_read_all_data'::regrole"
				 "     AND NOT r.rolsuper ORDER BY r.rolname",
				 0, NULL, NULL, take_data_reader, NULL);
}

/* Live answers that had to go for others: there are more tokens than room. */
static void
check_evictions(Doctor *doctor)
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
		report(doctor, SEVERITY_WARNING, NULL,
			   remedy_cache_size(Max(2 * (guc_cache_size / 1024), 1)),
			   "the cache is too small: of " UINT64_FORMAT " judgements " UINT64_FORMAT " pushed a live answer out of it",
			   asked, evictions);
}

static void
take_prepared(Doctor *doctor, const Source *source, char **row)
{
	report(doctor, SEVERITY_WARNING, NULL,
		   psprintf("ROLLBACK PREPARED %s; -- or COMMIT PREPARED, as its coordinator says",
					quote_literal_cstr(row[0])),
		   "transaction \"%s\", prepared at %s, is neither committed nor rolled back: what it changes in %s does not count yet",
		   row[0], row[1], row[2]);
}

/*
 * Those that hold a lock on a table of ours, as who has changed it does.  All
 * locks of one have the same virtual transaction, with no process behind it.
 */
static void
check_prepared(Doctor *doctor)
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
	for_rows(doctor,
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
static void
check_wal_level(Doctor *doctor)
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
		report(doctor, SEVERITY_WARNING, NULL,
			   "ALTER SYSTEM SET wal_level = 'replica'; ALTER SYSTEM SET max_wal_senders = 10; -- then restart the server",
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
visit_future(Oid relation, const CacheItem *item, bool stands, void *arg)
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
static void
check_clock(Doctor *doctor)
{
	FutureEntries future = {GetCurrentTimestamp()};

	cache_walk(MyDatabaseId, visit_future, &future);
	if (future.count > 0)
		report(doctor, SEVERITY_WARNING, NULL,
			   psprintf("SELECT %s(); -- and see that the clock is kept right",
						remedy_our_name("tokenauth_flush")),
			   "the clock was set back: " UINT64_FORMAT " cached answers are from the future, by up to " INT64_FORMAT " seconds",
			   future.count,
			   (future.latest - future.now) / USECS_PER_SEC);
}

/* Can a source's tables be looked at now?  They stay so. */
static bool
lock_tables(const Source *source)
{
	if (!ConditionalLockRelationOid(source->relation, AccessShareLock))
		return false;
	for (int i = 0; i < source->nparents; i++)
		if (!ConditionalLockRelationOid(source->parent[i].relation,
										AccessShareLock))
			return false;
	return true;
}

/*
 * The sources that are there, brought up to date.  A probe of readiness must
 * not wait for whoever has locked a table, so that one is passed over.
 */
static void
find_sources(Doctor *doctor)
{
	ListCell   *lc;

	coherence_refresh();
	source_refresh();
	foreach(lc, source_all())
	{
		Source	   *source = lfirst(lc);

		if (!lock_tables(source))
			report(doctor, SEVERITY_NOTICE, source,
				   psprintf("SELECT pid, mode FROM pg_catalog.pg_locks"
							" WHERE relation OPERATOR(pg_catalog.=) %u; -- who has it, and wait",
							source->relation),
				   "table \"%s\", or what its tokens belong to, is locked: it was not examined",
				   get_rel_name(source->relation));
		else if (source_validate(source))
			doctor->sources = lappend(doctor->sources, source);
	}
}

static void
examine(Doctor *doctor)
{
	ListCell   *lc;

	check_preloaded(doctor);
	foreach(lc, doctor->sources)
	{
		check_table(doctor, lfirst(lc));
		check_plaintext(doctor, lfirst(lc));
		check_readers(doctor, lfirst(lc));
		check_negative_flood(doctor, lfirst(lc));
		check_dropped_uses(doctor, lfirst(lc));
	}
	check_data_readers(doctor);
	check_evictions(doctor);
	check_prepared(doctor);
	check_wal_level(doctor);
	check_clock(doctor);
}

bool
doctor_has_error(const char *source_name)
{
	Doctor		doctor = {CurrentMemoryContext};
	ListCell   *lc;

	find_sources(&doctor);
	check_preloaded(&doctor);
	foreach(lc, doctor.sources)
	{
		const Source *source = lfirst(lc);

		if (source_name == NULL || strcmp(source->name, source_name) == 0)
			check_table(&doctor, source);
	}
	foreach(lc, doctor.findings)
		if (((Finding *) lfirst(lc))->severity == SEVERITY_ERROR)
			return true;
	return false;
}

static void
put_finding(ReturnSetInfo *rsinfo, const Finding *finding)
{
	static const char *const names[] = {
		[SEVERITY_ERROR] = "error",
		[SEVERITY_WARNING] = "warning",
		[SEVERITY_NOTICE] = "notice",
	};
	NameData	source;
	Datum		value[4];
	bool		isnull[4] = {false, finding->source == NULL, false, false};

	value[0] = CStringGetTextDatum(names[finding->severity]);
	if (finding->source != NULL)
		namestrcpy(&source, finding->source);
	value[1] = NameGetDatum(&source);
	value[2] = CStringGetTextDatum(finding->finding);
	value[3] = CStringGetTextDatum(finding->fix);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, value, isnull);
}

/*
 * tokenauth_doctor() returns table (severity text, source name, finding text,
 *									 fix text)
 *
 * What is wrong, the worst first; nothing if all is well.
 */
TOKENAUTH_FUNCTION(tokenauth_doctor);
Datum
tokenauth_doctor(PG_FUNCTION_ARGS)
{
	Doctor		doctor = {CurrentMemoryContext};

	InitMaterializedSRF(fcinfo, 0);
	find_sources(&doctor);
	examine(&doctor);
	for (Severity severity = SEVERITY_ERROR; severity <= SEVERITY_NOTICE;
		 severity++)
	{
		ListCell   *lc;

		foreach(lc, doctor.findings)
			if (((Finding *) lfirst(lc))->severity == severity)
				put_finding((ReturnSetInfo *) fcinfo->resultinfo, lfirst(lc));
	}
	return (Datum) 0;
}
