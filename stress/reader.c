/*-------------------------------------------------------------------------
 *
 * reader.c
 *		Sessions that ask for tokens all the time, each kind in its own way.
 *
 *-------------------------------------------------------------------------
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "judge.h"
#include "reader.h"

#define BATCH				16	/* tokens resolved in one statement */

/* Tokens of all sources in one statement: $1 are they, $2 their shapes. */
static void
prepare_batch(Session *session)
{
	char		sql[2000];
	int			len;

	len = snprintf(sql, sizeof(sql),
				   "PREPARE resolve_batch(text[], int[]) AS SELECT CASE s");
	for (int i = 0; i < options.sources->nshapes; i++)
		len += snprintf(sql + len, sizeof(sql) - len,
						" WHEN %d THEN tokenauth_resolve(t%s)::text", i,
						options.sources->shape[i]->resolve_arguments);
	snprintf(sql + len, sizeof(sql) - len,
			 " END FROM unnest($1, $2) WITH ORDINALITY AS u(t, s, n)"
			 " ORDER BY n");
	must(session, sql);
}

void
prepare_readers(Session *session)
{
	for (int i = 0; i < options.sources->nshapes; i++)
	{
		const Shape *shape = options.sources->shape[i];

		prepare(session, shape, "resolve", "text",
				"SELECT tokenauth_resolve($1%s)", shape->resolve_arguments);
		prepare(session, shape, "identify", "text",
				"SELECT user_id, token_id FROM tokenauth_identify($1%s)",
				shape->identify_arguments);
		prepare(session, shape, "look", "text", "%s", shape->look);
	}
	prepare_batch(session);
}

bool
ask_about(Session *session, const char *statement, Token *token)
{
	unsigned	frontier = oracle_frontier(&token->history, session->place);
	PGresult   *result = ask(session, token->shape, statement, token->text);

	if (result == NULL)
		return false;
	judge_resolve(session, token, frontier, result, 0);
	PQclear(result);
	return true;
}

bool
resolve_one(Session *session)
{
	return ask_about(session, "resolve", pick_token(session));
}

/* The table itself must obey the oracle, and what it shows has been seen. */
static bool
look_at(Session *session, Token *token)
{
	unsigned	frontier = oracle_frontier(&token->history, session->place);
	PGresult   *result = ask(session, token->shape, "look", token->key);
	Answer		answer = {0};

	if (result == NULL)
		return false;
	if (PQntuples(result) == 1)
	{
		answer.valid = PQgetvalue(result, 0, 2)[0] == 'f';
		answer.version = decode_version(token,
										PQgetvalue(result, 0,
												   answer.valid ? 0 : 1));
	}
	count(CONTROL_READS);
	judge(session, token, frontier, &answer, true);
	PQclear(result);
	return true;
}

/* Stays connected; now and then it falls asleep and misses a lot. */
static void
visit_steady(Session *session)
{
	resolve_one(session);
	if (one_in(session, 2000))
		usleep(pick(session, 100000));
}

static void
visit_identify(Session *session)
{
	ask_about(session, "identify", pick_token(session));
}

/* Many tokens in one statement, whose frontiers are those of its start. */
static void
visit_batch(Session *session)
{
	Token	   *asked[BATCH];
	unsigned	frontier[BATCH];
	char		texts[BATCH * sizeof(tokens[0].text) + 2];
	char		shapes[BATCH * 2 + 2];
	const char *values[] = {texts, shapes};
	int			len = 0;
	PGresult   *result;

	for (int i = 0; i < BATCH; i++)
	{
		asked[i] = pick_token(session);
		frontier[i] = oracle_frontier(&asked[i]->history, session->place);
		len += snprintf(texts + len, sizeof(texts) - len, "%c%s",
						i == 0 ? '{' : ',', asked[i]->text);
		snprintf(shapes + 2 * i, sizeof(shapes) - 2 * i, "%c%d",
				 i == 0 ? '{' : ',', number_of_shape(asked[i]->number));
	}
	strcat(texts, "}");
	strcat(shapes, "}");

	result = checked(session,
					 PQexecPrepared(session->conn, "resolve_batch", 2, values,
									NULL, NULL, 0), "resolve_batch");
	if (result == NULL)
		return;
	for (int i = 0; i < BATCH; i++)
		judge_resolve(session, asked[i], frontier[i], result, i);
	PQclear(result);
}

/* A few questions to a new backend, which has heard of nothing before. */
static void
visit_reconnecting(Session *session)
{
	for (int i = pick(session, 8) + 1; i > 0; i--)
		resolve_one(session);
	reopen_session(session);
}

/* A snapshot that grows old must not make answers old (G5). */
static void
visit_repeatable_read(Session *session)
{
	must(session, "BEGIN ISOLATION LEVEL REPEATABLE READ");
	if (command(session, "SELECT 1"))
		for (int i = 0; i < 100 && !atomic_load(&stopping); i++)
			if (!resolve_one(session))
				break;
	must(session, "ROLLBACK");
}

/* Sees a change as early as one can, and at once asks for it. */
static void
visit_watching(Session *session)
{
	Token	   *token = pick_token(session);

	if (look_at(session, token))
		ask_about(session, "resolve", token);
}

static const SessionKind reader_kinds[] = {
	{"steady", prepare_readers, visit_steady},
	{"watching", prepare_readers, visit_watching},
	{"reconnecting", prepare_readers, visit_reconnecting},
	{"repeatable read", prepare_readers, visit_repeatable_read},
	{"batch", prepare_readers, visit_batch},
	{"identify", prepare_readers, visit_identify},
};

static const SessionKind reconnecting_kind = {
	"reconnecting", prepare_readers, visit_reconnecting
};
static const SessionKind watching_kind = {
	"watching", prepare_readers, visit_watching
};

const SessionKind *
kind_of_reader(int i)
{
	if (options.reconnect)
		return &reconnecting_kind;
	if (options.watch)
		return &watching_kind;
	return &reader_kinds[i % lengthof(reader_kinds)];
}

/* Of each kind, every other one is delayed; of watchers, all. */
bool
is_delayed(int i)
{
	return options.watch || (i + i / lengthof(reader_kinds)) % 2 == 0;
}
