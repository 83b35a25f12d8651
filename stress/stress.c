/*-------------------------------------------------------------------------
 *
 * stress.c
 *		Changes tokens and resolves them in many sessions at once, and knows
 *		which answers can be right.
 *
 * Writers change tokens in all kinds of transactions; readers of several
 * kinds ask for them all the time.  Each change gives its token a new version
 * (oracle.h), and each valid row's user id says of which token and version it
 * is.  So an answer tells what state of the table it was made from, and the
 * oracle tells whether that state was the right one:
 *
 *	stale		an answer from before a change whose COMMIT had returned, or
 *				that a session had seen, when the question was put (G1, G2, G9)
 *	phantom		an answer from a change that was rolled back, or overwritten
 *				by its own transaction (G3)
 *	unexplained	an answer that fits no version at all
 *	not own		a transaction does not see what it has written itself (G4)
 *	control		a plain SELECT of the table is found wrong by the same rules:
 *				then the oracle or the test is broken, not tokenauth
 *
 * How to read the output: of a run that is meant to go well, "wrong" must be
 * 0.  What was asked and changed is told to show that there was something to
 * be found; a run that lacks a kind of transaction it should have had, or
 * that answered too little from the cache, fails as well.  Every wrong answer
 * (the first few in full) is told with the frontier, which is the oldest
 * version that would have been right, and the version that was got.
 *
 * Exit status: 0 all right; 1 wrong answers; 2 the test did not work or did
 * not test enough.
 *
 * The files:
 *
 *	options, events		what is asked of a run, and what has happened in it
 *	session, token		connections; tokens, and versions in their rows
 *	shapes				the tables, and the statements that change their rows
 *	oracle, judge		which answers can be right; wrong ones are reported
 *	reader				sessions that ask
 *	change, transaction, writer		sessions that change tokens
 *	report				what is printed at the end
 *	stress				sets up, starts all sessions, waits
 *
 * Needs a server with tokenauth preloaded; a test build for --delay and
 * --fault.  Creates the extension and tables of its own, and detaches all
 * sources that it finds.
 *
 *-------------------------------------------------------------------------
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "change.h"
#include "events.h"
#include "options.h"
#include "reader.h"
#include "report.h"
#include "token.h"
#include "writer.h"

#define TEXT_OID			25	/* of the type text */

/* ---------- before ---------- */

static void
create_tables(Session *session)
{
	must(session, "CREATE EXTENSION IF NOT EXISTS tokenauth CASCADE");
	must(session, "SELECT tokenauth_detach(source) FROM tokenauth_sources");
	for (int i = 0; i < options.sources->nshapes; i++)
	{
		must(session, options.sources->shape[i]->drop);
		must(session, options.sources->shape[i]->create);
	}
}

/* The server hashes, so that no second implementation is needed here. */
static void
name_token(Session *session, Token *token)
{
	char		seed[64];
	const char *values[] = {seed};
	PGresult   *result;

	snprintf(seed, sizeof(seed), "%s%u_%08x", token->shape->prefix,
			 token->number, pick(session, UINT32_MAX));
	result = checked(session,
					 PQexecParams(session->conn, token->shape->token, 1,
								  &(const Oid){TEXT_OID}, values, NULL, NULL, 0),
					 "name token");
	if (result == NULL)
		give_up(session, "could not name a token");
	snprintf(token->text, sizeof(token->text), "%s", PQgetvalue(result, 0, 0));
	snprintf(token->key, sizeof(token->key), "%s", PQgetvalue(result, 0, 1));
	PQclear(result);
}

static void
create_token(Session *session, Token *token, unsigned number)
{
	token->number = number;
	token->shape = options.sources->shape[number_of_shape(number)];
	name_token(session, token);
	oracle_init(&token->history);
	pthread_mutex_init(&token->writer, NULL);
	if (!change_row(session, token->key, token, token->shape->kind[0].name,
					oracle_attempt(&token->history, true, false),
					token->text))
		give_up(session, "could not create a token");
	oracle_committed(&token->history, 1);
	token->row = ROW_VALID;
}

static void
reset_stats(Place place)
{
	Session		session = make_session(0, &manager_kind, place, false);

	connect_session(&session);
	must(&session, "SELECT tokenauth_stats_reset()");
	close_session(&session);
}

static void
set_up(void)
{
	Session		session = make_session(0, &manager_kind, ON_PRIMARY,
										   false);

	connect_session(&session);
	create_tables(&session);
	prepare_changes(&session);
	for (int i = 0; i < options.ntokens; i++)
		create_token(&session, &tokens[i], i);
	close_session(&session);
	reset_stats(ON_PRIMARY);
	if (options.standby != NULL)
		reset_stats(ON_STANDBY);
}

/* ---------- the run ---------- */

static void *
session_main(void *arg)
{
	Session    *session = arg;

	open_session(session);
	while (!atomic_load(&stopping))
		session->kind->visit(session);
	close_session(session);
	return NULL;
}

static int
make_readers(Session *sessions, int n, Place place)
{
	for (int i = 0; i < options.nreaders; i++)
	{
		Session    *session = &sessions[n + i];

		*session = make_session(n + i + 1, kind_of_reader(i), place,
								is_delayed(i));
		if (options.watch)
			session->token = &tokens[i % options.ntokens];
	}
	return n + options.nreaders;
}

static int
make_sessions(Session *sessions)
{
	int			n = 0;

	for (; n < options.nwriters; n++)
		sessions[n] = make_session(n + 1, &writer_kind, ON_PRIMARY,
								   is_delayed(n));
	n = make_readers(sessions, n, ON_PRIMARY);
	if (options.standby != NULL)
		n = make_readers(sessions, n, ON_STANDBY);
	return n;
}

static void
run_sessions(void)
{
	int			max = options.nwriters + 2 * options.nreaders;
	Session    *sessions = calloc(max, sizeof(Session));
	int			n = make_sessions(sessions);

	alarm(options.seconds + 60);	/* a session that hangs must not hang for ever */
	start_clock();
	for (int i = 0; i < n; i++)
		if (pthread_create(&sessions[i].thread, NULL, session_main,
						   &sessions[i]) != 0)
			give_up(&sessions[i], "could not create a thread");
	while (elapsed() < options.seconds && !atomic_load(&stopping))
		usleep(10000);
	atomic_store(&stopping, true);
	for (int i = 0; i < n; i++)
		pthread_join(sessions[i].thread, NULL);
	free(sessions);
}

int
main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	parse_options(argc, argv);
	set_up();
	run_sessions();
	return report();
}
