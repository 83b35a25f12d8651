/*-------------------------------------------------------------------------
 *
 * stress.c
 *		Changes tokens and resolves them in many sessions at once, and knows
 *		which answers can be right.
 *
 * Writers change tokens in all kinds of transactions; readers of several
 * kinds ask for them all the time.  Each change gives its token a new version
 * (oracle.h), and each valid row's user id says of which token and version it
 * is.  What the tables are like, and by which statements they are changed, is
 * told in shapes.c.  So an answer tells what state of the table it was made
 * from, and the oracle tells whether that state was the right one:
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
 * --fault.  Creates the extension and tables of its own, and detaches all
 * sources that it finds.
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
#include "shapes.h"

#define lengthof(array)		(sizeof(array) / sizeof((array)[0]))

#define MAX_TOKENS			512
#define MAX_CHANGES			48	/* tokens that one transaction changes */
#define ESCALATION			32	/* more: tokenauth notes the whole table */
#define BATCH				16	/* tokens resolved in one statement */
#define TEXT_OID			25	/* of the type text */
#define MAX_REPORTS			10	/* wrong answers told in full */

/* ---------- what is asked of this run ---------- */

static struct
{
	const char *primary;
	const char *standby;		/* NULL: none */
	const ShapeSet *sources;
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

typedef struct Token
{
	unsigned	number;
	const Shape *shape;
	char		text[64];
	char		key[65];		/* what stands in the table for it */
	History		history;
	pthread_mutex_t writer;		/* held by the one who changes it; guards: */
	RowState	row;
	unsigned	staged;			/* version whose label the row bears already */
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
	PARENT_CHANGES,
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

/* Tokens come in pairs of one shape, so that one's row can be moved. */
static int
number_of_shape(unsigned token)
{
	return token / 2 % options.sources->nshapes;
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

#define STATEMENT_LEN	64		/* of the name of a prepared statement */

static void
name_statement(char name[STATEMENT_LEN], const Shape *shape, const char *what)
{
	snprintf(name, STATEMENT_LEN, "%s_%s", shape->name, what);
}

static PGresult *
execute(Session *session, const Shape *shape, const char *what, int nvalues,
		const char *const *values)
{
	char		name[STATEMENT_LEN];

	name_statement(name, shape, what);
	return checked(session,
				   PQexecPrepared(session->conn, name, nvalues, values,
								  NULL, NULL, 0), name);
}

static PGresult *
ask(Session *session, const Shape *shape, const char *what,
	const char *argument)
{
	return execute(session, shape, what, 1, &argument);
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

static void __attribute__((format(printf, 5, 6)))
prepare(Session *session, const Shape *shape, const char *what,
		const char *types, const char *format,...)
{
	char		name[STATEMENT_LEN];
	char		sql[2000];
	int			len;
	va_list		args;

	name_statement(name, shape, what);
	len = snprintf(sql, sizeof(sql), "PREPARE %s(%s) AS ", name, types);
	va_start(args, format);
	len += vsnprintf(sql + len, sizeof(sql) - len, format, args);
	va_end(args);
	if (len >= (int) sizeof(sql))
		give_up(session, "statement %s is too long", name);
	must(session, sql);
}

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

static void
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
	prepare_readers(session);
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

#define LABEL_LEN	47

static void
encode_version(const Token *token, unsigned version, char label[LABEL_LEN + 1])
{
	snprintf(label, LABEL_LEN + 1, "%s%08x-0000-4000-8000-%012x",
			 token->shape->label_prefix, token->number, version);
}

/* 0 if it is not one of this token's. */
static unsigned
decode_version(const Token *token, const char *label)
{
	const char *prefix = token->shape->label_prefix;
	unsigned	number;
	unsigned	version;

	if (strncmp(label, prefix, strlen(prefix)) != 0 ||
		sscanf(label + strlen(prefix), "%8x-0000-4000-8000-%12x",
			   &number, &version) != 2 ||
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
				 "token %u (%s) is %s in version %u (%s); "
				 "frontier was %u (%s), now acked %u, seen %u, attempted %u",
				 token->number, token->shape->name,
				 answer->valid ? "valid" : "refused",
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
	PGresult   *result = ask(session, token->shape, statement, token->text);

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

static void
prepare_changes(Session *session)
{
	for (int i = 0; i < options.sources->nshapes; i++)
	{
		const Shape *shape = options.sources->shape[i];
		char		types[64];

		snprintf(types, sizeof(types), "text, %s, text, %s",
				 shape->label_type, shape->label_type);
		for (int k = 0; k < shape->nkinds; k++)
			prepare(session, shape, shape->kind[k].name, types, "%s",
					shape->kind[k].sql);
		prepare(session, shape, "move", types, "%s", shape->move);
		prepare(session, shape, "touch", "text", "%s", shape->touch);
	}
}

/* One that fits the row; the first ones, which keep it valid, more often. */
static const ChangeKind *
pick_change(Session *session, const Token *token, RowState row,
			unsigned staged)
{
	const Shape *shape = token->shape;
	unsigned	next = atomic_load(&token->history.attempted) + 1;

	for (;;)
	{
		unsigned	n = shape->nkinds;
		const ChangeKind *kind = &shape->kind[one_in(session, 2) ?
											  pick(session, n) :
											  pick(session, n / 2)];

		if ((kind->from & ROW_BIT(row)) != 0 &&
			((kind->flags & CHANGE_STAGED) == 0 || staged == next))
			return kind;
	}
}

/*
 * Change the row that stands under a key, to a version of this token; false
 * if it failed, as it may.
 */
static bool
change_row(Session *session, const char *key, const Token *token,
		   const char *what, unsigned version, const char *argument)
{
	char		label[LABEL_LEN + 1];
	char		next[LABEL_LEN + 1];
	const char *values[] = {key, label, argument, next};
	PGresult   *result;
	bool		changed;

	encode_version(token, version, label);
	encode_version(token, version + 1, next);
	result = execute(session, token->shape, what, lengthof(values), values);
	if (result == NULL)
		return false;
	changed = PQresultStatus(result) == PGRES_TUPLES_OK ?
		strcmp(PQgetvalue(result, 0, 0), "t") == 0 :
		strcmp(PQcmdTuples(result), "0") != 0;
	if (!changed)
		give_up(session, "%s_%s did not change its row", token->shape->name,
				what);
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
	unsigned	staged;			/* likewise */
} Change;

typedef struct Transaction
{
	Session    *session;
	bool		two_phase;
	bool		rollback;
	const char *silent;			/* table whose trigger is off meanwhile */
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
			change->staged = token->staged;
		}
	}
}

static void
attempt(Transaction *xact, Change *change, RowState row)
{
	change->version = oracle_attempt(&change->token->history,
									 row_is_valid(row), xact->two_phase);
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
	const ChangeKind *kind = pick_change(xact->session, change->token,
										 change->row, change->staged);

	renounce(xact, change);		/* this transaction's own, now overwritten */
	attempt(xact, change, kind->to);
	if ((kind->flags & CHANGE_STAGES) != 0)
		change->staged = change->version + 1;
	if (!change_row(xact->session, change->token->key, change->token,
					kind->name, change->version, change->token->text))
		xact->failed = true;
	else if ((kind->flags & CHANGE_OF_PARENT) != 0)
		count(PARENT_CHANGES);
}

static bool
can_move(const Change *from, const Change *to)
{
	return from->token->shape == to->token->shape &&
		(from->token->shape->move_from & ROW_BIT(from->row)) != 0 &&
		to->row == ROW_ABSENT;
}

/* Give a row to a token that has none: both keys change. */
static void
move_row(Transaction *xact, Change *from, Change *to)
{
	attempt(xact, from, ROW_ABSENT);
	attempt(xact, to, ROW_VALID);
	if (!change_row(xact->session, from->token->key, to->token, "move",
					to->version, to->token->key))
		xact->failed = true;
	count(MOVES);
}

/* What this transaction sees of a token it has changed must be its own. */
static void
read_own(Transaction *xact, const Change *change)
{
	PGresult   *result = ask(xact->session, change->token->shape, "resolve",
							 change->token->text);
	Answer		answer;

	if (result == NULL)
	{
		xact->failed = true;
		return;
	}
	answer = read_answer(change->token, result, 0);
	PQclear(result);
	count(OWN_READS);
	if (answer.valid != row_is_valid(change->row) ||
		(answer.valid && answer.version != change->version))
		report_wrong(xact->session, WRONG_OWN,
					 "token %u (%s) is %s in version %u, "
					 "but this transaction has made it %s in version %u",
					 change->token->number, change->token->shape->name,
					 answer.valid ? "valid" : "refused", answer.version,
					 row_is_valid(change->row) ? "valid" : "refused",
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
	PGresult   *result = ask(xact->session, change->token->shape, "touch",
							 change->token->key);

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

		if (i + 1 < xact->nchanges && can_move(&change[0], &change[1]))
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
set_trigger(Session *session, const char *table, const char *how)
{
	char		sql[200];

	snprintf(sql, sizeof(sql),
			 "ALTER TABLE %s %s TRIGGER \"tokenauth_row\"", table, how);
	return command(session, sql);
}

/* One of those that have our triggers, of any source. */
static const char *
pick_table(Session *session)
{
	const ShapeSet *set = options.sources;
	const Shape *shape = set->shape[pick(session, set->nshapes)];
	int			n = 0;

	while (n < (int) lengthof(shape->tables) && shape->tables[n] != NULL)
		n++;
	return shape->tables[pick(session, n)];
}

/* A silent one takes its strongest lock first, against deadlocks. */
static void
fill_transaction(Transaction *xact)
{
	if (xact->silent != NULL &&
		!set_trigger(xact->session, xact->silent, "DISABLE"))
		xact->failed = true;
	make_changes(xact);
	read_back(xact);
	if (xact->silent == NULL || xact->failed)
		return;
	if (set_trigger(xact->session, xact->silent, "ENABLE ALWAYS"))
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
			change->token->staged = change->staged;
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
		xact.silent = one_in(session, 50) ? pick_table(session) : NULL;
		fill_transaction(&xact);
	}
	committed = end_transaction(&xact);
	settle(&xact, committed);
	if (committed && xact.nchanges > ESCALATION)
		count(ESCALATIONS);
	if (committed && xact.silent != NULL)
		count(SILENT_CHANGES);
}

/* ---------- writers ---------- */

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

/* ---------- after ---------- */

/*
 * Of each source: what part of a server's judgements its cache gave.
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
							" FROM tokenauth_stats ORDER BY source"),
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
		   "  --sources=NAME      standard (the default); mixed, which is five at\n"
		   "                      once; or one of these: multica, dify, visiona,\n"
		   "                      scrabble, xtablo\n"
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
		{"sources", required_argument, NULL, 'a'},
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

	options.sources = find_shape_set("standard");
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
			case 'a':
				options.sources = find_shape_set(optarg);
				if (options.sources == NULL)
				{
					fprintf(stderr, "stress: --%s: there is no \"%s\"\n",
							name, optarg);
					exit(2);
				}
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
