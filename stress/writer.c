/*-------------------------------------------------------------------------
 *
 * writer.c
 *		Sessions that change tokens and their tables.
 *
 *-------------------------------------------------------------------------
 */
#include <stdio.h>
#include <unistd.h>

#include "change.h"
#include "events.h"
#include "options.h"
#include "reader.h"
#include "transaction.h"
#include "writer.h"

/*
 * With a trigger off for all, for the time of some transactions.  This
 * session has heard of it before the first one begins, or only in it.
 */
static void
run_without_trigger(Session *session)
{
	const char *table = pick_table(session);

	if (!set_trigger(session, table, "DISABLE"))
		return;
	if (one_in(session, 2))
		resolve_one(session);
	for (int i = pick(session, 8); i >= 0; i--)
		run_transaction(session);
	while (!set_trigger(session, table, "ENABLE ALWAYS"))
		;						/* a deadlock: again */
}

static void
rewrite_table(Session *session)
{
	char		sql[100];

	snprintf(sql, sizeof(sql), "%s %s",
			 one_in(session, 2) ? "VACUUM FULL" : "REINDEX TABLE",
			 pick_table(session));
	if (command(session, sql))
		count(TABLE_REWRITES);
}

static void
visit_writer(Session *session)
{
	if (options.watch)
		run_transaction(session);
	else if (one_in(session, 200))
		run_without_trigger(session);
	else if (one_in(session, 200))
		rewrite_table(session);
	else if (one_in(session, 50))
		reopen_session(session);
	else
		run_transaction(session);
	usleep(pick(session, 2 * options.pause + 1));
}

static void
prepare_writer(Session *session)
{
	prepare_readers(session);
	prepare_changes(session);
}

const SessionKind writer_kind = {"writer", prepare_writer, visit_writer};
