/*-------------------------------------------------------------------------
 *
 * report.c
 *		What is told after a run.
 *
 *-------------------------------------------------------------------------
 */
#include <stdio.h>
#include <stdlib.h>

#include "events.h"
#include "options.h"
#include "report.h"
#include "session.h"
#include "transaction.h"

/*
 * Of each source that was asked: what part of a server's judgements its cache gave.
 * Strictly: table reads for whatever reason count against it.
 */
static bool
report_hits(Place place)
{
	Session		session = make_session(0, &manager_kind, place, false);
	PGresult   *result;
	bool		enough = true;

	connect_session(&session);
	result = checked(&session,
					 PQexec(session.conn,
							"SELECT source, round(100.0 * (hits + negative_hits)"
							" / greatest(hits + negative_hits + misses"
							" + bypasses_own_writes + bypasses_fenced"
							" + bypasses_source, 1), 1)"
							" FROM tokenauth_stats"
							" WHERE hits + negative_hits + misses > 0"
							" ORDER BY source"),
					 "statistics");
	if (result == NULL || PQntuples(result) != options.sources->nshapes)
		give_up(&session, "no statistics");
	for (int i = 0; i < PQntuples(result); i++)
	{
		double		ratio = atof(PQgetvalue(result, i, 1));

		printf("  from the cache on %s, %s: %.1f %%\n",
			   place == ON_STANDBY ? "standby" : "primary",
			   PQgetvalue(result, i, 0), ratio);
		if (ratio < options.min_hits)
		{
			printf("  TOO FEW: at least %d %% were wanted\n",
				   options.min_hits);
			enough = false;
		}
	}
	PQclear(result);
	close_session(&session);
	return enough;
}

typedef struct EventText
{
	Event		event;
	const char *text;
	bool		wanted;			/* a run without any tests too little */
} EventText;

/* Has any source a table besides its own? */
static bool
has_parents(void)
{
	for (int i = 0; i < options.sources->nshapes; i++)
		if (options.sources->shape[i]->tables[1] != NULL)
			return true;
	return false;
}

/* Each kind of event must have happened, if there was time for it. */
static bool
report_events(void)
{
	unsigned long transactions = counted(COMMITS) + counted(ROLLBACKS) +
		counted(PREPARED_COMMITS) + counted(PREPARED_ROLLBACKS);
	bool		common = !options.watch && transactions >= 100;
	bool		rare = !options.watch && transactions >= 1000;
	const EventText texts[] = {
		{RESOLVES_PRIMARY, "resolves on primary", true},
		{RESOLVES_STANDBY, "resolves on standby", options.standby != NULL},
		{ANSWERS_VALID, "  of these answered \"valid\"", true},
		{OWN_READS, "resolves of own changes", common},
		{CONTROL_READS, "plain SELECTs", true},
		{CONNECTS, "connections", true},
		{CHANGES, "changes of rows", true},
		{PARENT_CHANGES, "  of parents alone", common && has_parents()},
		{COMMITS, "transactions committed", true},
		{ROLLBACKS, "  rolled back", common},
		{PREPARED_COMMITS, "  prepared and committed",
		common && options.prepared},
		{PREPARED_ROLLBACKS, "  prepared and rolled back",
		common && options.prepared},
		{FAILED_TRANSACTIONS, "  failed by a deadlock", false},
		{SAVEPOINT_ROLLBACKS, "savepoints rolled back", common},
		{OVERWRITES, "tokens changed twice", common},
		{MOVES, "rows given another token", rare},
		{ESCALATIONS, "commits of over 32 tokens",
		rare && options.ntokens > ESCALATION},
		{SILENT_CHANGES, "commits behind the trigger", rare},
		{TABLE_REWRITES, "rewrites of table or index", false},
	};
	bool		enough = true;

	for (size_t i = 0; i < lengthof(texts); i++)
	{
		unsigned long n = counted(texts[i].event);

		if (n == 0 && !texts[i].wanted)
			continue;
		printf("  %-28s %lu\n", texts[i].text, n);
		if (n == 0)
			enough = false;
	}
	return enough;
}

static unsigned long
report_wrongs(void)
{
	unsigned long wrong = counted(WRONG_STALE) + counted(WRONG_PHANTOM) +
		counted(WRONG_UNEXPLAINED) + counted(WRONG_OWN);

	printf("  wrong %lu (stale %lu, phantom %lu, unexplained %lu, not own %lu)"
		   " in %.1f s\n",
		   wrong, counted(WRONG_STALE), counted(WRONG_PHANTOM),
		   counted(WRONG_UNEXPLAINED), counted(WRONG_OWN), elapsed());
	return wrong;
}

int
report(void)
{
	bool		enough = true;
	unsigned long wrong;

	if (!options.stop_on_wrong)
	{
		enough = report_events();
		if (!report_hits(ON_PRIMARY))
			enough = false;
		if (options.standby != NULL && !report_hits(ON_STANDBY))
			enough = false;
	}
	wrong = report_wrongs();
	if (counted(WRONG_CONTROL) > 0)
	{
		printf("  THE TEST IS BROKEN: %lu plain SELECTs were found wrong\n",
			   counted(WRONG_CONTROL));
		return 2;
	}
	if (wrong > 0)
		return 1;
	if (!enough)
		printf("  TOO LITTLE was tested\n");
	return enough ? 0 : 2;
}
