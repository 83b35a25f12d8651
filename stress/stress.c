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
 *				that somebody had seen, when the question was put (G1, G2, G9)
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
 * Needs a server with tokenauth preloaded; a test build for --delay and
 * --fault.  Creates the extension and a table of its own.
 *
 *-------------------------------------------------------------------------
 */
#include <getopt.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "libpq-fe.h"
#include "oracle.h"

#define lengthof(array)		(sizeof(array) / sizeof((array)[0]))

#define MAX_TOKENS			512
#define MAX_CHANGES			48	/* tokens that one transaction changes */
#define ESCALATION			32	/* more: tokenauth notes the whole table */
#define BATCH				16	/* tokens resolved in one statement */
#define MAX_REPORTS			10	/* wrong answers told in full */
#define TOKEN_PREFIX		"mul_"

/* ---------- what is asked of this run ---------- */

static struct
{
	const char *primary;
	const char *standby;		/* NULL: none */
	int			seconds;
	int			ntokens;
	int			nwriters;
	int			nreaders;		/* on each server */
	int			pause;			/* of a writer, microseconds on average */
	int			delay;			/* tokenauth.test_delay, in half of them */
	const char *fault;			/* tokenauth.test_fault, in all */
	int			min_hits;		/* per cent */
	bool		prepared;		/* two-phase commits, too */
	bool		reconnect;		/* all readers reconnect all the time */
	bool		watch;			/* single changes, a reader for each token */
	bool		stop_on_wrong;
}			options = {
	.seconds = 10,
	.ntokens = 48,
	.nwriters = 4,
	.nreaders = 12,
	.pause = 4000,
};

/* ---------- what all sessions share ---------- */

/* The committed state of a token's row. */
typedef enum RowState
{
	ROW_ABSENT,
	ROW_VALID,
	ROW_REFUSED
} RowState;

typedef struct Token
{
	unsigned	number;
	char		text[32];
	char		hash[65];
	History		history;
	pthread_mutex_t writer;		/* held by the one who changes it; guards: */
	RowState	row;
} Token;

static Token tokens[MAX_TOKENS];

/* What has happened, for the report and for seeing that it has. */
typedef enum Event
{
	RESOLVES_PRIMARY,
	RESOLVES_STANDBY,
	ANSWERS_VALID,
	CONTROL_READS,
	OWN_READS,
	CHANGES,
	COMMITS,
	ROLLBACKS,
	SAVEPOINT_ROLLBACKS,
	OVERWRITES,
	MOVES,
	ESCALATIONS,
	PREPARED_COMMITS,
	PREPARED_ROLLBACKS,
	SILENT_CHANGES,
	TABLE_REWRITES,
	FAILED_TRANSACTIONS,
	CONNECTS,
	WRONG_STALE,
	WRONG_PHANTOM,
	WRONG_UNEXPLAINED,
	WRONG_OWN,
	WRONG_CONTROL,
	NEVENTS
} Event;

static atomic_ulong events[NEVENTS];
static atomic_bool stopping;
static struct timespec started;

static void
count(Event event)
{
	atomic_fetch_add_explicit(&events[event], 1, memory_order_relaxed);
}

static unsigned long
counted(Event event)
{
	return atomic_load(&events[event]);
}

static double
elapsed(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - started.tv_sec) +
		(now.tv_nsec - started.tv_nsec) / 1e9;
}

/* ---------- sessions ---------- */

typedef struct Session Session;

typedef struct SessionKind
{
	const char *name;
	void		(*visit) (Session *session);	/* called again and again */
} SessionKind;

struct Session
{
	const SessionKind *kind;
	int			number;
	Place		place;
	bool		delayed;
	Token	   *token;			/* the only one to ask about; NULL: all */
	uint64_t	random;
	PGconn	   *conn;
	pthread_t	thread;
};

/* A random number below n (splitmix64). */
static unsigned
pick(Session *session, unsigned n)
{
	uint64_t	z = (session->random += UINT64_C(0x9E3779B97F4A7C15));

	z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
	return (unsigned) ((z ^ (z >> 31)) >> 32) % n;
}

static bool
one_in(Session *session, unsigned n)
{
	return pick(session, n) == 0;
}

static Token *
pick_token(Session *session)
{
	if (session->token != NULL)
		return session->token;
	return &tokens[pick(session, options.ntokens)];
}

/* The test does not work: that is not an answer, so all ends here. */
static void __attribute__((noreturn, format(printf, 2, 3)))
give_up(const Session *session, const char *format,...)
{
	va_list		args;

	flockfile(stderr);
	fprintf(stderr, "stress: session %d (%s): ", session->number,
			session->kind->name);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\n");
	_exit(2);
}

/* Errors that are part of life: deadlocks, conflicts with recovery. */
static bool
is_transient(const PGresult *result)
{
	const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);

	return sqlstate != NULL && strncmp(sqlstate, "40", 2) == 0;
}

/* The result if all went well, NULL after an error that may happen. */
static PGresult *
checked(Session *session, PGresult *result, const char *what)
{
	switch (PQresultStatus(result))
	{
		case PGRES_COMMAND_OK:
		case PGRES_TUPLES_OK:
			return result;
		default:
			if (!is_transient(result))
				give_up(session, "%s: %s", what,
						PQerrorMessage(session->conn));
			PQclear(result);
			return NULL;
	}
}

static PGresult *
execute(Session *session, const char *statement, int nvalues,
		const char *const *values)
{
	return checked(session,
				   PQexecPrepared(session->conn, statement, nvalues, values,
								  NULL, NULL, 0), statement);
}

static PGresult *
ask(Session *session, const char *statement, const char *argument)
{
	return execute(session, statement, 1, &argument);
}

static bool
command(Session *session, const char *sql)
{
	PGresult   *result = checked(session, PQexec(session->conn, sql), sql);

	PQclear(result);
	return result != NULL;
}

/* Commands that fail only if the test does. */
static void
must(Session *session, const char *sql)
{
	if (!command(session, sql))
		give_up(session, "%s failed", sql);
}

static const char *const prepare_readers =
"PREPARE resolve(text) AS SELECT tokenauth_resolve($1);"
"PREPARE resolve_batch(text[]) AS"
" SELECT tokenauth_resolve(t) FROM unnest($1) WITH ORDINALITY AS u(t, n)"
" ORDER BY n;"
"PREPARE identify(text) AS"
" SELECT user_id, token_id FROM tokenauth_identify($1);"
"PREPARE look(text) AS"
" SELECT user_id, id, revoked OR expires_at IS NOT NULL FROM stress_token"
" WHERE token_hash = $1;";

static void prepare_changes(Session *session);

static void
connect_session(Session *session)
{
	char		settings[200];
	const char *const keywords[] = {
		"dbname", "options", "fallback_application_name", NULL
	};
	const char *const values[] = {
		session->place == ON_STANDBY ? options.standby : options.primary,
		settings, session->kind->name, NULL
	};
	int			len;

	len = snprintf(settings, sizeof(settings),
				   "-c client_min_messages=warning");
	if (options.delay > 0 && session->delayed)
		len += snprintf(settings + len, sizeof(settings) - len,
						" -c tokenauth.test_delay=%d", options.delay);
	if (options.fault != NULL)
		snprintf(settings + len, sizeof(settings) - len,
				 " -c tokenauth.test_fault=%s", options.fault);

	session->conn = PQconnectdbParams(keywords, values, 1);
	if (PQstatus(session->conn) != CONNECTION_OK)
		give_up(session, "%s", PQerrorMessage(session->conn));
	count(CONNECTS);
}

/* The statements that its kind needs. */
static void
prepare_statements(Session *session)
{
	must(session, prepare_readers);
	if (strcmp(session->kind->name, "writer") == 0)
		prepare_changes(session);
}

static void
open_session(Session *session)
{
	connect_session(session);
	prepare_statements(session);
}

static void
close_session(Session *session)
{
	PQfinish(session->conn);
	session->conn = NULL;
}

static void
reopen_session(Session *session)
{
	close_session(session);
	open_session(session);
}

/* ---------- versions in rows, and answers ---------- */

#define UUID_LEN	36

static void
encode_version(const Token *token, unsigned version, char uuid[UUID_LEN + 1])
{
	snprintf(uuid, UUID_LEN + 1, "%08x-0000-4000-8000-%012x", token->number,
			 version);
}

/* 0 if it is not one of this token's. */
static unsigned
decode_version(const Token *token, const char *uuid)
{
	unsigned	number;
	unsigned	version;

	if (sscanf(uuid, "%8x-0000-4000-8000-%12x", &number, &version) != 2 ||
		number != token->number)
		return 0;
	return version;
}

/* From a row (user id, row's id or nothing); NULL user id is a refusal. */
static Answer
read_answer(const Token *token, const PGresult *result, int row)
{
	Answer		answer = {0};
	int			column;

	answer.valid = !PQgetisnull(result, row, 0);
	column = answer.valid ? 0 : 1;
	if (column < PQnfields(result) && !PQgetisnull(result, row, column))
		answer.version = decode_version(token, PQgetvalue(result, row, column));
	return answer;
}

/* ---------- judging ---------- */

/* Count a wrong answer; tell the first few in full. */
static void __attribute__((format(printf, 3, 4)))
report_wrong(const Session *session, Event event, const char *format,...)
{
	static atomic_int reported;
	static const char *const names[] = {
		[WRONG_STALE] = "STALE",
		[WRONG_PHANTOM] = "PHANTOM",
		[WRONG_UNEXPLAINED] = "UNEXPLAINED",
		[WRONG_OWN] = "NOT OWN",
		[WRONG_CONTROL] = "CONTROL",
	};
	va_list		args;

	count(event);
	if (options.stop_on_wrong)
		atomic_store(&stopping, true);
	if (atomic_fetch_add(&reported, 1) >= MAX_REPORTS)
		return;

	flockfile(stdout);
	printf("%s after %.3f s: session %d (%s%s%s): ", names[event], elapsed(),
		   session->number, session->kind->name,
		   session->place == ON_STANDBY ? ", on standby" : "",
		   session->delayed ? ", delayed" : "");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	funlockfile(stdout);
}

static void
judge(Session *session, Token *token, unsigned frontier, const Answer *answer,
	  bool control)
{
	static const Event wrong[] = {
		[ANSWER_STALE] = WRONG_STALE,
		[ANSWER_PHANTOM] = WRONG_PHANTOM,
		[ANSWER_UNEXPLAINED] = WRONG_UNEXPLAINED
	};
	History    *history = &token->history;
	OracleVerdict verdict = oracle_judge(history, session->place, frontier,
										 answer);

	if (verdict == ANSWER_RIGHT)
		return;
	report_wrong(session, control ? WRONG_CONTROL : wrong[verdict],
				 "token %u is %s in version %u (%s); "
				 "frontier was %u (%s), now acked %u, seen %u, attempted %u",
				 token->number, answer->valid ? "valid" : "refused",
				 answer->version, oracle_describe(history, answer->version),
				 frontier, oracle_describe(history, frontier),
				 atomic_load(&history->acked), atomic_load(&history->seen),
				 atomic_load(&history->attempted));
}

static void
judge_resolve(Session *session, Token *token, unsigned frontier,
			  const PGresult *result, int row)
{
	Answer		answer = read_answer(token, result, row);

	count(session->place == ON_STANDBY ? RESOLVES_STANDBY : RESOLVES_PRIMARY);
	if (answer.valid)
		count(ANSWERS_VALID);
	judge(session, token, frontier, &answer, false);
}

/* ---------- readers ---------- */

static bool
ask_about(Session *session, const char *statement, Token *token)
{
	unsigned	frontier = oracle_frontier(&token->history, session->place);
	PGresult   *result = ask(session, statement, token->text);

	if (result == NULL)
		return false;
	judge_resolve(session, token, frontier, result, 0);
	PQclear(result);
	return true;
}

static bool
resolve_one(Session *session)
{
	return ask_about(session, "resolve", pick_token(session));
}

/* The table itself must obey the oracle, and what it shows has been seen. */
static bool
look_at(Session *session, Token *token)
{
	unsigned	frontier = oracle_frontier(&token->history, session->place);
	PGresult   *result = ask(session, "look", token->hash);
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
	char		array[BATCH * sizeof(tokens[0].text) + 2];
	int			len = 0;
	PGresult   *result;

	for (int i = 0; i < BATCH; i++)
	{
		asked[i] = pick_token(session);
		frontier[i] = oracle_frontier(&asked[i]->history, session->place);
		len += snprintf(array + len, sizeof(array) - len, "%c%s",
						i == 0 ? '{' : ',', asked[i]->text);
	}
	snprintf(array + len, sizeof(array) - len, "}");

	result = ask(session, "resolve_batch", array);
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
	{"steady", visit_steady},
	{"watching", visit_watching},
	{"reconnecting", visit_reconnecting},
	{"repeatable read", visit_repeatable_read},
	{"batch", visit_batch},
	{"identify", visit_identify},
};

static const SessionKind reconnecting_kind = {
	"reconnecting", visit_reconnecting
};
static const SessionKind watching_kind = {"watching", visit_watching};

/* ---------- changes of one token ---------- */

#define ROW_BIT(state)	(1 << (state))
#define ROW_PRESENT		(ROW_BIT(ROW_VALID) | ROW_BIT(ROW_REFUSED))
#define ROW_ANY			(ROW_PRESENT | ROW_BIT(ROW_ABSENT))

/*
 * $1 is the token's hash, $2 the version as uuid, $3 the token.  Each changes
 * one row or returns true.  The id of the row names the version of a refusal,
 * where the statement can set it.
 */
typedef struct ChangeKind
{
	const char *name;
	int			from;			/* states of the row in which it works */
	RowState	to;
	int			min_server;		/* version that knows the statement */
	const char *sql;
} ChangeKind;

#define SET_VALID "id = $2, user_id = $2, revoked = false, expires_at = NULL"

static const ChangeKind change_kinds[] = {
	{"change_insert", ROW_BIT(ROW_ABSENT), ROW_VALID, 0,
	"INSERT INTO stress_token (id, user_id, token_hash) VALUES ($2, $2, $1)"},
	{"change_update", ROW_PRESENT, ROW_VALID, 0,
	"UPDATE stress_token SET " SET_VALID " WHERE token_hash = $1"},
	{"change_upsert", ROW_ANY, ROW_VALID, 0,
		"INSERT INTO stress_token (id, user_id, token_hash) VALUES ($2, $2, $1)"
	" ON CONFLICT (token_hash) DO UPDATE SET " SET_VALID},
	{"change_merge", ROW_ANY, ROW_VALID, 150000,
		"MERGE INTO stress_token USING (VALUES ($1)) AS v(hash)"
		" ON token_hash = hash"
		" WHEN MATCHED THEN UPDATE SET " SET_VALID
		" WHEN NOT MATCHED THEN INSERT (id, user_id, token_hash)"
	" VALUES ($2, $2, $1)"},
	{"change_revoke", ROW_BIT(ROW_VALID), ROW_REFUSED, 0,
	"UPDATE stress_token SET id = $2, revoked = true WHERE token_hash = $1"},
	{"change_revoke_function", ROW_BIT(ROW_VALID), ROW_REFUSED, 0,
	"SELECT tokenauth_revoke($3)"},
	{"change_expire", ROW_PRESENT, ROW_REFUSED, 0,
		"UPDATE stress_token SET id = $2, expires_at = now() - interval '1 s'"
	" WHERE token_hash = $1"},
	{"change_delete", ROW_PRESENT, ROW_ABSENT, 0,
	"DELETE FROM stress_token WHERE token_hash = $1"},
};

/* $1 old hash, $2 version of the new one as uuid, $3 new hash. */
static const char *const move_sql =
"UPDATE stress_token SET token_hash = $3, " SET_VALID " WHERE token_hash = $1";

static void
prepare_one(Session *session, const char *name, const char *sql)
{
	char		statement[1000];

	snprintf(statement, sizeof(statement),
			 "PREPARE %s(text, uuid, text) AS %s", name, sql);
	must(session, statement);
}

static void
prepare_changes(Session *session)
{
	for (size_t i = 0; i < lengthof(change_kinds); i++)
		if (PQserverVersion(session->conn) >= change_kinds[i].min_server)
			prepare_one(session, change_kinds[i].name, change_kinds[i].sql);
	prepare_one(session, "move", move_sql);
	must(session, "PREPARE touch(text) AS UPDATE stress_token"
		 " SET last_used_at = now() WHERE token_hash = $1");
}

/* One that fits the row; the first ones, which leave it valid, more often. */
static const ChangeKind *
pick_change(Session *session, RowState row)
{
	for (;;)
	{
		unsigned	n = lengthof(change_kinds);
		const ChangeKind *kind = &change_kinds[one_in(session, 2) ?
											   pick(session, n) :
											   pick(session, n / 2)];

		if ((kind->from & ROW_BIT(row)) != 0 &&
			PQserverVersion(session->conn) >= kind->min_server)
			return kind;
	}
}

/* Did it change its one row, or return true?  Not if it failed (NULL). */
static bool
changed(Session *session, const char *statement, PGresult *result)
{
	bool		is_query;

	if (result == NULL)
		return false;
	is_query = PQresultStatus(result) == PGRES_TUPLES_OK;
	if (strcmp(is_query ? PQgetvalue(result, 0, 0) : PQcmdTuples(result),
			   is_query ? "t" : "1") != 0)
		give_up(session, "%s did not change its row", statement);
	PQclear(result);
	count(CHANGES);
	return true;
}

/* ---------- transactions ---------- */

/* What a transaction has done to one token. */
typedef struct Change
{
	Token	   *token;			/* its mutex is held */
	unsigned	version;		/* open; 0: none */
	RowState	row;			/* as this transaction sees it */
} Change;

typedef struct Transaction
{
	Session    *session;
	bool		two_phase;
	bool		rollback;
	bool		silent;			/* disables the trigger meanwhile */
	bool		failed;
	int			nchanges;
	Change		change[MAX_CHANGES];
} Transaction;

/*
 * Take up to n tokens that nobody else is changing.  Not waiting keeps
 * writers of several tokens from waiting for each other in circles.
 */
static void
take_tokens(Transaction *xact, int n)
{
	int			first = pick(xact->session, options.ntokens);

	for (int i = 0; i < options.ntokens && xact->nchanges < n; i++)
	{
		Token	   *token = &tokens[(first + i) % options.ntokens];

		if (pthread_mutex_trylock(&token->writer) == 0)
		{
			Change	   *change = &xact->change[xact->nchanges++];

			change->token = token;
			change->version = 0;
			change->row = token->row;
		}
	}
}

static void
attempt(Transaction *xact, Change *change, RowState row)
{
	change->version = oracle_attempt(&change->token->history,
									 row == ROW_VALID, xact->two_phase);
	if (change->version == 0)
		give_up(xact->session, "out of versions; run for a shorter time");
	change->row = row;
}

/* The open version of a change will never be; nobody may have seen it. */
static void
renounce(Transaction *xact, Change *change)
{
	Token	   *token = change->token;

	if (change->version != 0 &&
		!oracle_never(&token->history, change->version))
		report_wrong(xact->session, WRONG_PHANTOM,
					 "somebody has seen token %u in version %u, "
					 "which is not going to be committed",
					 token->number, change->version);
	change->version = 0;
}

static void
change_token(Transaction *xact, Change *change)
{
	Session    *session = xact->session;
	const ChangeKind *kind = pick_change(session, change->row);
	char		uuid[UUID_LEN + 1];
	const char *values[] = {change->token->hash, uuid, change->token->text};

	renounce(xact, change);		/* this transaction's own, now overwritten */
	attempt(xact, change, kind->to);
	encode_version(change->token, change->version, uuid);
	if (!changed(session, kind->name, execute(session, kind->name, 3, values)))
		xact->failed = true;
}

/* Give a row's hash to a token that has no row: both keys change. */
static void
move_row(Transaction *xact, Change *from, Change *to)
{
	char		uuid[UUID_LEN + 1];
	const char *values[] = {from->token->hash, uuid, to->token->hash};

	attempt(xact, from, ROW_ABSENT);
	attempt(xact, to, ROW_VALID);
	encode_version(to->token, to->version, uuid);
	if (!changed(xact->session, "move",
				 execute(xact->session, "move", 3, values)))
		xact->failed = true;
	count(MOVES);
}

/* What this transaction sees of a token it has changed must be its own. */
static void
read_own(Transaction *xact, const Change *change)
{
	PGresult   *result = ask(xact->session, "resolve", change->token->text);
	Answer		answer;

	if (result == NULL)
	{
		xact->failed = true;
		return;
	}
	answer = read_answer(change->token, result, 0);
	PQclear(result);
	count(OWN_READS);
	if (answer.valid != (change->row == ROW_VALID) ||
		(answer.valid && answer.version != change->version))
		report_wrong(xact->session, WRONG_OWN,
					 "token %u is %s in version %u, "
					 "but this transaction has made it %s in version %u",
					 change->token->number,
					 answer.valid ? "valid" : "refused", answer.version,
					 change->row == ROW_VALID ? "valid" : "refused",
					 change->version);
}

/* A change that does not outlive its savepoint, before any that may. */
static void
change_in_vain(Transaction *xact, const Change *change)
{
	Session    *session = xact->session;
	Change		vain = *change;

	must(session, "SAVEPOINT s");
	change_token(xact, &vain);
	if (!xact->failed && one_in(session, 2))
		read_own(xact, &vain);
	must(session, "ROLLBACK TO s");
	renounce(xact, &vain);
	count(SAVEPOINT_ROLLBACKS);
}

/* Something that changes no verdict, and must not confuse the trigger. */
static void
touch(Transaction *xact, const Change *change)
{
	PGresult   *result = ask(xact->session, "touch", change->token->hash);

	if (result == NULL)
		xact->failed = true;
	PQclear(result);
}

/* A token that it changes for good, and what may happen to it besides. */
static void
change_one(Transaction *xact, Change *change)
{
	Session    *session = xact->session;

	if (one_in(session, 8))
		change_in_vain(xact, change);
	if (!xact->failed)
		change_token(xact, change);
	if (!xact->failed && one_in(session, 8))
	{
		change_token(xact, change);
		count(OVERWRITES);
	}
	if (!xact->failed && one_in(session, 8))
		touch(xact, change);
}

/* Nothing else happens to what is moved: the move alone must be noticed. */
static void
make_changes(Transaction *xact)
{
	for (int i = 0; i < xact->nchanges && !xact->failed; i++)
	{
		Change	   *change = &xact->change[i];

		if (i + 1 < xact->nchanges && change[0].row != ROW_ABSENT &&
			change[1].row == ROW_ABSENT)
		{
			move_row(xact, &change[0], &change[1]);
			i++;
		}
		else
			change_one(xact, change);
	}
}

static const Change *
find_change(const Transaction *xact, const Token *token)
{
	for (int i = 0; i < xact->nchanges; i++)
		if (xact->change[i].token == token)
			return &xact->change[i];
	return NULL;
}

/* Resolve some tokens, our own or others'. */
static void
read_back(Transaction *xact)
{
	Session    *session = xact->session;

	while (!xact->failed && one_in(session, 2))
	{
		Token	   *token = pick_token(session);

		read_own(xact, &xact->change[pick(session, xact->nchanges)]);
		if (find_change(xact, token) == NULL &&
			!ask_about(session, "resolve", token))
			xact->failed = true;
	}
}

static bool
set_trigger(Session *session, const char *how)
{
	char		sql[200];

	snprintf(sql, sizeof(sql),
			 "ALTER TABLE stress_token %s TRIGGER \"tokenauth_row\"", how);
	return command(session, sql);
}

/* A silent one takes its strongest lock first, against deadlocks. */
static void
fill_transaction(Transaction *xact)
{
	if (xact->silent && !set_trigger(xact->session, "DISABLE"))
		xact->failed = true;
	make_changes(xact);
	read_back(xact);
	if (!xact->silent || xact->failed)
		return;
	if (set_trigger(xact->session, "ENABLE ALWAYS"))
		read_back(xact);
	else
		xact->failed = true;
}

/*
 * Another session than the one that did the work may end it.  That one must
 * not ask for locks before, not even in order to prepare statements: somebody
 * may be waiting for ours with a stronger one, and no deadlock detector knows
 * that our waiting for him is in his way.
 */
static bool
end_two_phase(Transaction *xact)
{
	Session    *session = xact->session;
	bool		reconnect = one_in(session, 2);
	char		sql[100];

	snprintf(sql, sizeof(sql), "PREPARE TRANSACTION 'stress %d'",
			 session->number);
	if (!command(session, sql))
		return false;
	if (one_in(session, 2))
		usleep(pick(session, 2 * options.pause + 1));
	if (reconnect)
	{
		close_session(session);
		connect_session(session);
	}
	snprintf(sql, sizeof(sql), "%s PREPARED 'stress %d'",
			 xact->rollback ? "ROLLBACK" : "COMMIT", session->number);
	must(session, sql);
	if (reconnect)
		prepare_statements(session);
	count(xact->rollback ? PREPARED_ROLLBACKS : PREPARED_COMMITS);
	return !xact->rollback;
}

/* True if it has committed. */
static bool
end_transaction(Transaction *xact)
{
	Session    *session = xact->session;

	if (xact->failed)
	{
		must(session, "ROLLBACK");
		count(FAILED_TRANSACTIONS);
		return false;
	}
	if (xact->two_phase)
		return end_two_phase(xact);
	if (xact->rollback || !command(session, "COMMIT"))
	{
		if (xact->rollback)
			must(session, "ROLLBACK");
		count(ROLLBACKS);
		return false;
	}
	count(COMMITS);
	return true;
}

/* Tell the oracle, and let others have the tokens. */
static void
settle(Transaction *xact, bool committed)
{
	for (int i = 0; i < xact->nchanges; i++)
	{
		Change	   *change = &xact->change[i];

		if (!committed)
			renounce(xact, change);
		else if (change->version != 0)
		{
			oracle_committed(&change->token->history, change->version);
			change->token->row = change->row;
		}
		pthread_mutex_unlock(&change->token->writer);
	}
}

static int
pick_size(Session *session)
{
	if (one_in(session, 50))
		return MAX_CHANGES;
	return one_in(session, 4) ? (int) pick(session, 4) + 1 : 1;
}

static void
run_transaction(Session *session)
{
	Transaction xact = {.session = session};
	bool		committed;

	take_tokens(&xact, options.watch ? 1 : pick_size(session));
	if (xact.nchanges == 0)
		return;
	must(session, "BEGIN");
	if (options.watch)
		change_token(&xact, &xact.change[0]);
	else
	{
		xact.two_phase = options.prepared && one_in(session, 2);
		xact.rollback = one_in(session, 4);
		xact.silent = one_in(session, 50);
		fill_transaction(&xact);
	}
	committed = end_transaction(&xact);
	settle(&xact, committed);
	if (committed && xact.nchanges > ESCALATION)
		count(ESCALATIONS);
	if (committed && xact.silent)
		count(SILENT_CHANGES);
}

/* ---------- writers ---------- */

/*
 * With the trigger off for all, for the time of a transaction or more.  This
 * session has heard of it before that transaction begins, or only in it.
 */
static void
run_without_trigger(Session *session)
{
	if (!set_trigger(session, "DISABLE"))
		return;
	if (one_in(session, 2))
		resolve_one(session);
	run_transaction(session);
	while (!set_trigger(session, "ENABLE ALWAYS"))
		;						/* a deadlock: again */
}

static void
rewrite_table(Session *session)
{
	if (command(session, one_in(session, 2) ? "VACUUM FULL stress_token" :
				"REINDEX TABLE stress_token"))
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

static const SessionKind writer_kind = {"writer", visit_writer};

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

static Session
make_session(int number, const SessionKind *kind, Place place, bool delayed)
{
	Session		session = {0};

	session.kind = kind;
	session.number = number;
	session.place = place;
	session.delayed = delayed;
	session.random = (uint64_t) time(NULL) << 32 ^
		(uint64_t) getpid() << 16 ^ (uint64_t) number;
	return session;
}

static const SessionKind *
kind_of_reader(int i)
{
	if (options.reconnect)
		return &reconnecting_kind;
	if (options.watch)
		return &watching_kind;
	return &reader_kinds[i % lengthof(reader_kinds)];
}

/* Of each kind, every other one is delayed; of watchers, all. */
static bool
is_delayed(int i)
{
	return options.watch || (i + i / lengthof(reader_kinds)) % 2 == 0;
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

	alarm(options.seconds + 60);	/* whoever hangs must not hang for ever */
	clock_gettime(CLOCK_MONOTONIC, &started);
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

/* ---------- before ---------- */

static const SessionKind manager_kind = {"manager", NULL};

static void
create_table(Session *session)
{
	must(session, "CREATE EXTENSION IF NOT EXISTS tokenauth CASCADE");
	must(session, "SELECT tokenauth_detach(source) FROM tokenauth_sources"
		 " WHERE source = 'stress_token'");
	must(session, "DROP TABLE IF EXISTS stress_token");
	must(session, "SELECT tokenauth_create_table('stress_token',"
		 " prefix => '" TOKEN_PREFIX "')");
}

/* The server hashes, so that no second implementation is needed here. */
static void
create_token(Session *session, Token *token, unsigned number)
{
	char		uuid[UUID_LEN + 1];
	const char *values[] = {uuid, token->text};
	PGresult   *result;

	token->number = number;
	snprintf(token->text, sizeof(token->text), TOKEN_PREFIX "%u_%08x", number,
			 pick(session, UINT32_MAX));
	oracle_init(&token->history);
	pthread_mutex_init(&token->writer, NULL);
	encode_version(token, oracle_attempt(&token->history, true, false), uuid);
	result = checked(session,
					 PQexecParams(session->conn,
								  "INSERT INTO stress_token"
								  " (id, user_id, token_hash) VALUES ($1, $1,"
								  " encode(sha256($2::text::bytea), 'hex'))"
								  " RETURNING token_hash",
								  2, NULL, values, NULL, NULL, 0),
					 "create token");
	if (result == NULL)
		give_up(session, "could not create a token");
	snprintf(token->hash, sizeof(token->hash), "%s",
			 PQgetvalue(result, 0, 0));
	PQclear(result);
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
	create_table(&session);
	for (int i = 0; i < options.ntokens; i++)
		create_token(&session, &tokens[i], i);
	close_session(&session);
	reset_stats(ON_PRIMARY);
	if (options.standby != NULL)
		reset_stats(ON_STANDBY);
}

/* ---------- after ---------- */

/* Judgements of a server, and how many of them its cache gave. */
typedef struct HitCounts
{
	double		judged;
	double		hits;
} HitCounts;

static HitCounts
read_hits(Place place)
{
	Session		session = make_session(0, &manager_kind, place, false);
	HitCounts	counts;
	PGresult   *result;

	connect_session(&session);
	result = checked(&session,
					 PQexec(session.conn,
							"SELECT hits + negative_hits + misses"
							" + bypasses_own_writes + bypasses_fenced"
							" + bypasses_source, hits + negative_hits"
							" FROM tokenauth_stats"
							" WHERE source = 'stress_token'"), "statistics");
	if (result == NULL || PQntuples(result) != 1)
		give_up(&session, "no statistics");
	counts.judged = atof(PQgetvalue(result, 0, 0));
	counts.hits = atof(PQgetvalue(result, 0, 1));
	PQclear(result);
	close_session(&session);
	return counts;
}

/* Strictly: table reads for whatever reason count against it. */
static bool
report_hits(Place place)
{
	HitCounts	counts = read_hits(place);
	double		ratio = counts.judged > 0 ? counts.hits / counts.judged : 0;

	printf("  from the cache on %-8s %.1f %%\n",
		   place == ON_STANDBY ? "standby" : "primary", 100 * ratio);
	if (100 * ratio >= options.min_hits)
		return true;
	printf("  TOO FEW: at least %d %% were wanted\n", options.min_hits);
	return false;
}

typedef struct EventText
{
	Event		event;
	const char *text;
	bool		wanted;			/* a run without any tests too little */
} EventText;

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

static int
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

/* ---------- options ---------- */

static void
usage(void)
{
	printf("usage: stress --primary=CONNINFO [option]...\n"
		   "  --standby=CONNINFO  read there, too; it must replay synchronously\n"
		   "  --seconds=N         how long\n"
		   "  --tokens=N          how many; few are hot\n"
		   "  --writers=N         sessions that change tokens\n"
		   "  --readers=N         sessions that resolve them, on each server\n"
		   "  --pause=N           microseconds between a writer's transactions\n"
		   "  --min-hits=N        per cent that the cache must have answered\n"
		   "  --prepared          two-phase commits, too\n"
		   "  --reconnect         all readers reconnect all the time\n"
		   "  --watch             simple changes, a reader watches each token\n"
		   "  --delay=N           longest injected delay, in microseconds\n"
		   "  --fault=NAME        plant a fault\n"
		   "  --stop-on-wrong     stop at the first wrong answer\n");
}

static int
number_option(const char *name, const char *value, int min, int max)
{
	char	   *end;
	long		number = strtol(value, &end, 10);

	if (*end == '\0' && end != value && number >= min && number <= max)
		return (int) number;
	fprintf(stderr, "stress: --%s must be from %d to %d\n", name, min, max);
	exit(2);
}

static void
parse_options(int argc, char **argv)
{
	static const struct option known[] = {
		{"primary", required_argument, NULL, 'p'},
		{"standby", required_argument, NULL, 's'},
		{"seconds", required_argument, NULL, 'n'},
		{"tokens", required_argument, NULL, 't'},
		{"writers", required_argument, NULL, 'w'},
		{"readers", required_argument, NULL, 'r'},
		{"pause", required_argument, NULL, 'u'},
		{"min-hits", required_argument, NULL, 'm'},
		{"prepared", no_argument, NULL, '2'},
		{"reconnect", no_argument, NULL, 'c'},
		{"watch", no_argument, NULL, 'o'},
		{"delay", required_argument, NULL, 'd'},
		{"fault", required_argument, NULL, 'f'},
		{"stop-on-wrong", no_argument, NULL, 'x'},
		{NULL, 0, NULL, 0}
	};
	int			which;
	int			index;

	while ((which = getopt_long(argc, argv, "", known, &index)) != -1)
	{
		const char *name = which == '?' ? "" : known[index].name;

		switch (which)
		{
			case 'p':
				options.primary = optarg;
				break;
			case 's':
				options.standby = optarg;
				break;
			case 'n':
				options.seconds = number_option(name, optarg, 1, 86400);
				break;
			case 't':
				options.ntokens = number_option(name, optarg, 1, MAX_TOKENS);
				break;
			case 'w':
				options.nwriters = number_option(name, optarg, 1, 100);
				break;
			case 'r':
				options.nreaders = number_option(name, optarg, 1, 100);
				break;
			case 'u':
				options.pause = number_option(name, optarg, 0, 1000000);
				break;
			case 'm':
				options.min_hits = number_option(name, optarg, 0, 100);
				break;
			case '2':
				options.prepared = true;
				break;
			case 'c':
				options.reconnect = true;
				break;
			case 'o':
				options.watch = true;
				break;
			case 'd':
				options.delay = number_option(name, optarg, 0, 1000000);
				break;
			case 'f':
				options.fault = optarg;
				break;
			case 'x':
				options.stop_on_wrong = true;
				break;
			default:
				usage();
				exit(2);
		}
	}
	if (options.primary == NULL || optind < argc)
	{
		usage();
		exit(2);
	}
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
