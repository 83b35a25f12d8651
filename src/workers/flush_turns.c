/*-------------------------------------------------------------------------
 *
 * flush_turns.c
 *		The launcher's part in writing last uses: whose turn it is.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xlog.h"
#include "base/guc.h"
#include "cache/last_used.h"
#include "workers/background.h"
#include "workers/flush.h"
#include "workers/flush_turns.h"
#include "workers/job.h"

#define MIN_INTERVAL_MS		1000
#define WATCH_MS			1000

/* Tables that get a turn in one round; those beyond in another. */
#define MAX_TABLES			256

/* A table rests this long, then twice as long each time. */
#define FIRST_REST_MS		60000
#define LAST_REST_MS		3600000
#define MAX_RESTS			64

typedef struct Table
{
	Oid			database;
	Oid			relation;
} Table;

typedef struct Rest
{
	Table		table;
	long		ms;
	instr_time	since;
} Rest;

/* A round of turns: of table[] those before `next` have had theirs. */
static struct
{
	int			ntables;
	int			next;
	Table		table[MAX_TABLES];
	bool		has_more;		/* some table's time was too short */
	Job			job;
	bool		ever;			/* has there been a round? */
	instr_time	start;
	bool		hurry;			/* room is getting scarce */
}			round_of_turns = {.job.kind = WORKER_FLUSH};

static int	nrests = 0;
static Rest rests[MAX_RESTS];

static bool
is_table(const Table *a, const Table *b)
{
	return a->database == b->database && a->relation == b->relation;
}

/* ---------- rests ---------- */

static Rest *
rest_of(const Table *table)
{
	for (int i = 0; i < nrests; i++)
		if (is_table(&rests[i].table, table))
			return &rests[i];
	return NULL;
}

/* A place for a new one: that of the shortest, if there is no other. */
static Rest *
new_rest(void)
{
	Rest	   *shortest = &rests[0];

	if (nrests < MAX_RESTS)
		return &rests[nrests++];
	for (int i = 1; i < nrests; i++)
		if (rests[i].ms < shortest->ms)
			shortest = &rests[i];
	return shortest;
}

static void
begin_rest(const Table *table)
{
	Rest	   *rest = rest_of(table);

	if (rest == NULL)
	{
		rest = new_rest();
		rest->table = *table;
		rest->ms = FIRST_REST_MS;
	}
	else
		rest->ms = Min(2 * rest->ms, LAST_REST_MS);
	INSTR_TIME_SET_CURRENT(rest->since);
	ereport(LOG,
			(errmsg("last uses of tokens of table %u of database %u were not written in time: a worker had to be terminated",
					table->relation, table->database),
			 errdetail("The table's next turn comes after %ld s.",
					   rest->ms / 1000),
			 errhint("See what a trigger of the table does when its statement is canceled.")));
}

static void
end_rests(const Table *table)
{
	Rest	   *rest = rest_of(table);

	if (rest != NULL)
		*rest = rests[--nrests];
}

static bool
has_to_rest(const Table *table)
{
	const Rest *rest = rest_of(table);

	return (rest != NULL && background_ms_since(rest->since) < rest->ms) ||
		job_is_stuck(WORKER_FLUSH, ObjectIdGetDatum(table->database),
					 table->relation);
}

/* ---------- what is noted ---------- */

static bool
is_noted(const Table *table)
{
	uint32		cursor = 0;
	NotedUse	use;

	return last_used_next(table->database, table->relation, &cursor, &use);
}

/*
 * Uses of a table, or of a whole database if relation is InvalidOid, were not
 * written: not now, or not ever again.
 */
static void
leave(Oid database, Oid relation, bool is_gone)
{
	uint32		cursor = 0;
	NotedUse	use;

	while (last_used_next(database, relation, &cursor, &use))
		if (is_gone)
			last_used_forget(&use);
		else
			(void) last_used_failed(&use);
}

static void
find_tables(void)
{
	uint32		cursor = 0;
	NotedUse	use;
	int			i = 0;

	round_of_turns.ntables = 0;
	while (last_used_next(InvalidOid, InvalidOid, &cursor, &use))
	{
		Table		table = {use.token.database, use.token.relation};

		/* the last one's, more often than not */
		if (i < round_of_turns.ntables && is_table(&round_of_turns.table[i], &table))
			continue;
		i = 0;
		while (i < round_of_turns.ntables &&
			   !is_table(&round_of_turns.table[i], &table))
			i++;
		if (i == round_of_turns.ntables && i < MAX_TABLES)
			round_of_turns.table[round_of_turns.ntables++] = table;
	}
}

/* ---------- rounds ---------- */

/* Milliseconds until the next round is due. */
static long
time_until_due(void)
{
	long		wanted = guc_last_used_flush;

	round_of_turns.hurry |= last_used_was_scarce();
	if (round_of_turns.hurry)
		/* not at once, lest a table that cannot be written keep us busy */
		wanted = Min(MIN_INTERVAL_MS, wanted);
	if (!round_of_turns.ever || round_of_turns.has_more)
		return 0;
	return wanted - background_ms_since(round_of_turns.start);
}

static void
begin_round(void)
{
	round_of_turns.ever = true;
	round_of_turns.hurry = false;
	round_of_turns.has_more = false;
	INSTR_TIME_SET_CURRENT(round_of_turns.start);
	round_of_turns.next = 0;
	find_tables();
}

/* The tables of a database that have not had their turn yet have none. */
static void
pass_over(Oid database)
{
	int			kept = round_of_turns.next;

	for (int i = round_of_turns.next; i < round_of_turns.ntables; i++)
		if (round_of_turns.table[i].database != database)
			round_of_turns.table[kept++] = round_of_turns.table[i];
	round_of_turns.ntables = kept;
}

/* Give the next table its turn; false if the round is over. */
static bool
begin_turn(void)
{
	while (round_of_turns.next < round_of_turns.ntables)
	{
		const Table *table = &round_of_turns.table[round_of_turns.next++];
		Job		   *job = &round_of_turns.job;

		if (!is_noted(table))
			continue;
		if (has_to_rest(table))
		{
			/* its uses take up room, so they do not stay for ever */
			leave(table->database, table->relation, false);
			continue;
		}
		job->arg = ObjectIdGetDatum(table->database);
		job->task.table = table->relation;
		if (job_start(job))
			return true;
	}
	return false;
}

static void
end_turn(bool was_held)
{
	const WorkerReport *report = worker_report(WORKER_FLUSH);
	Table		table = {
		DatumGetObjectId(round_of_turns.job.arg), round_of_turns.job.task.table
	};

	if (was_held)
	{
		leave(table.database, table.relation, false);
		begin_rest(&table);
	}
	else if (!report->connected)
	{
		leave(table.database, InvalidOid, report->no_database);
		pass_over(table.database);
	}
	else if (report->done)
	{
		end_rests(&table);
		round_of_turns.has_more |= report->has_more;
	}
}

long
flush_turns_advance(void)
{
	Job		   *job = &round_of_turns.job;
	long		wait;

	if (RecoveryInProgress())
		return guc_last_used_flush;
	if (job->handle != NULL)
	{
		JobState	state = job_watch(job, background_ms_since(job->start) >=
									  FLUSH_TURN_MS);

		if (state == JOB_RUNS)
			return WATCH_MS;
		end_turn(state == JOB_HELD);
	}
	if (begin_turn())
		return WATCH_MS;
	wait = time_until_due();
	if (wait > 0)
		return wait;
	begin_round();
	return begin_turn() ? WATCH_MS : time_until_due();
}
