/*-------------------------------------------------------------------------
 *
 * warm_turns.c
 *		The launcher's part in loading tokens after a start.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <limits.h>

#include "cache/cache.h"
#include "workers/background.h"
#include "workers/job.h"
#include "workers/warm.h"
#include "workers/warm_turns.h"

#define PASSES				10
#define RETRY_MS			500
#define WATCH_MS			1000

/* A table has this long in all, and for any thousand of its tokens. */
#define TABLE_MS			600000
#define STEP_MS				20000

/* How far a database has come. */
static struct
{
	int			index;			/* in warm.h */
	Oid			table;			/* the last one; InvalidOid: none yet */
	int			passes;			/* over its tables, that have not done it */
	bool		failed;			/* has something in this one? */
	instr_time	pass_end;
	uint64		loaded;
	Job			job;
	uint64		beats;			/* of the job, when last looked at */
	instr_time	last_beat;
}			warming = {.job.kind = WORKER_WARM};

static void
next_database(void)
{
	warm_set_state(warming.index, WARM_ENDED);
	warming.index++;
	warming.table = InvalidOid;
	warming.passes = 0;
	warming.failed = false;
	warming.loaded = 0;
}

static void
give_up(void)
{
	ereport(LOG,
			(errmsg("tokenauth gave up loading the tokens of database \"%s\"",
					warm_database(warming.index))));
	next_database();
}

/* All tables have had their turn; or there is no going on. */
static void
end_pass(void)
{
	if (!warming.failed)
	{
		ereport(LOG,
				(errmsg("tokenauth loaded " UINT64_FORMAT " tokens of database \"%s\"",
						warming.loaded, warm_database(warming.index))));
		next_database();
	}
	else if (++warming.passes == PASSES)
		give_up();
	else
	{
		warming.table = InvalidOid;
		warming.failed = false;
		INSTR_TIME_SET_CURRENT(warming.pass_end);
	}
}

static void
end_job(bool was_held)
{
	const WorkerReport *report = worker_report(WORKER_WARM);

	warming.loaded += report->loaded;
	if (report->no_database)
		give_up();
	else if (was_held && OidIsValid(report->table))
	{
		/* not again: it would hold up the others */
		ereport(LOG,
				(errmsg("tokenauth gave up loading the tokens of table %u of database \"%s\": a worker had to be terminated",
						report->table, warm_database(warming.index)),
				 errhint("See what the condition of the token source does.")));
		warming.table = report->table;
	}
	else if (OidIsValid(report->table))
	{
		warming.failed |= !report->done;
		warming.table = report->table;
	}
	else
	{
		warming.failed |= !report->done;
		end_pass();
	}
}

/*
 * The query for the tokens may take its time, but what the owner's code adds
 * to the judging of them is limited.
 */
static bool
takes_too_long(void)
{
	const WorkerReport *report = worker_report(WORKER_WARM);
	uint64		beats = report->beats;

	if (beats != warming.beats)
	{
		warming.beats = beats;
		INSTR_TIME_SET_CURRENT(warming.last_beat);
	}
	return background_ms_since(warming.job.start) >= TABLE_MS ||
		(report->judging &&
		 background_ms_since(warming.last_beat) >= STEP_MS);
}

static bool
start_job(void)
{
	uint64		capacity = cache_capacity();

	warm_set_state(warming.index, WARM_RUNNING);
	warming.job.arg = Int32GetDatum(warming.index);
	warming.job.task.table = warming.table;
	warming.job.task.limit = capacity - Min(warming.loaded, capacity);
	warming.beats = 0;
	INSTR_TIME_SET_CURRENT(warming.last_beat);
	return job_start(&warming.job);
}

long
warm_turns_advance(void)
{
	if (warming.job.handle != NULL)
	{
		JobState	state = job_watch(&warming.job, takes_too_long());

		if (state == JOB_RUNS)
			return WATCH_MS;
		end_job(state == JOB_HELD);
	}
	while (warming.index < warm_count())
	{
		if (warm_state(warming.index) == WARM_ENDED)	/* by another launcher */
			next_database();
		else if (warming.passes > 0 && !OidIsValid(warming.table) &&
				 background_ms_since(warming.pass_end) < RETRY_MS)
			return RETRY_MS;
		else if (start_job())
			return WATCH_MS;
		else
		{
			warming.failed = true;
			end_pass();
		}
	}
	return LONG_MAX;
}
