/*
 * request.c
 *		Requests and their answers; see request.h.
 */
#define _GNU_SOURCE
#include "request.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NOBODYS_ID	"00000000-0000-0000-0000-000000000000"
#define NUNKNOWN	1000
#define MAX_DEPTH	64

Workload	workload;

/* An input's text, and the token whose answer is expected. */
typedef struct Request
{
	const Token *token;
	const char *input;
	char		made[80];
} Request;

void
die(const char *format,...)
{
	va_list		args;

	va_start(args, format);
	fputs("client: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	exit(1);
}

double
seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double) now.tv_sec + (double) now.tv_nsec * 1e-9;
}

/* xorshift64*: good enough to choose tokens. */
uint64_t
next_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * UINT64_C(2685821657736338717);
}

PGconn *
connect_postgres(void)
{
	PGconn	   *pg = PQconnectdb("");

	if (PQstatus(pg) != CONNECTION_OK)
		die("%s", PQerrorMessage(pg));
	return pg;
}

redisContext *
connect_redis(void)
{
	redisContext *redis = redisConnectUnix(workload.redis);

	if (redis == NULL || redis->err)
		die("Redis: %s", redis ? redis->errstr : "out of memory");
	return redis;
}

void
run_sql(PGconn *pg, const char *sql)
{
	PGresult   *result = PQexec(pg, sql);

	if (PQresultStatus(result) != PGRES_COMMAND_OK &&
		PQresultStatus(result) != PGRES_TUPLES_OK)
		die("%s: %s", sql, PQerrorMessage(pg));
	PQclear(result);
}

static void
hex_of_random(Session *session, char *to, int digits)
{
	for (int i = 0; i < digits; i += 8)
		sprintf(to + i, "%08x", (unsigned) (next_random(&session->random) >> 32));
}

static void
make_input(Session *session, Input input, Request *request)
{
	if (session->unknown_only)
		input = input == TOKEN ? RANDOM : RANDOM_HASH;
	switch (input)
	{
		case NOTHING:
			request->input = NULL;
			break;
		case TOKEN:
			request->input = request->token->token;
			break;
		case HASH:
			request->input = request->token->hash;
			break;
		case ANSWER:
			request->input = request->made;
			break;
		case KNOWN_USER:
			request->input = request->token->user;
			break;
		case UNKNOWN:
			sprintf(request->made, "mul_%040d",
					(int) (next_random(&session->random) % NUNKNOWN));
			request->input = request->made;
			break;
		case RANDOM:
			strcpy(request->made, "mul_");
			hex_of_random(session, request->made + 4, 40);
			request->input = request->made;
			break;
		case RANDOM_HASH:
			hex_of_random(session, request->made, HASH_LEN);
			request->input = request->made;
			break;
	}
}

/* What a session asks for next. */
static void
next_request(Session *session, Request *request)
{
	uint32_t	at = session->next++;

	request->token = session->warming ?
		&workload.token[at % (uint32_t) workload.ntokens] :
		&workload.token[workload.order[at & workload.order_mask]];
}

static int
rows_of(const Contender *contender)
{
	if (contender->rows == ROWS_OF_COPY)
		return workload.copy_rows;
	return contender->rows > 0 ? contender->rows : 1;
}

/* value is NULL where the answer was NULL or no row. */
static void
check(const Session *session, const Step *step, Request *request,
	  const char *value)
{
	const char *wanted = NULL;
	char		rows[16];
	Expected	expected = session->unknown_only ? REFUSED : step->expected;

	switch (expected)
	{
		case USER:
			wanted = request->token->user;
			break;
		case BODY:
			wanted = request->token->body;
			break;
		case NOBODY:
			wanted = NOBODYS_ID;
			break;
		case ONE:
			wanted = "1";
			break;
		case REFUSED:
			break;
		case ALL_ROWS:
		case DONE:
			sprintf(rows, "%d", rows_of(session->contender));
			wanted = rows;
			break;
	}
	if ((wanted == NULL) != (value == NULL) ||
		(wanted != NULL && strcmp(wanted, value) != 0))
		die("%s: wrong answer: %s instead of %s", session->contender->name,
			value ? value : "none", wanted ? wanted : "none");
	/* the floor looks at a user's id in memory, too, as all others must */
	if (expected == NOBODY && strcmp(request->token->user, value) == 0)
		die("%s: a user is nobody", session->contender->name);
	if (step->expected == USER && value != NULL)
		strcpy(request->made, value);	/* for a next step, as it came */
}

static void
check_postgres(const Session *session, const Step *step, Request *request,
			   PGresult *result)
{
	const char *value = NULL;

	if (step->expected == DONE && PQresultStatus(result) == PGRES_COMMAND_OK)
		value = PQcmdTuples(result);
	else if (PQresultStatus(result) != PGRES_TUPLES_OK)
		die("%s: %s", session->contender->name, PQresultErrorMessage(result));
	else if (PQntuples(result) > 1)
		die("%s: more than one row", session->contender->name);
	else if (PQntuples(result) == 1 && !PQgetisnull(result, 0, 0))
		value = PQgetvalue(result, 0, 0);
	check(session, step, request, value);
	PQclear(result);
}

static void
check_redis(const Session *session, const Step *step, Request *request)
{
	redisReply *reply;

	if (redisGetReply(session->redis, (void **) &reply) != REDIS_OK)
		die("Redis: %s", session->redis->errstr);
	if (reply->type == REDIS_REPLY_ERROR)
		die("Redis: %s", reply->str);
	check(session, step, request,
		  reply->type == REDIS_REPLY_STRING ? reply->str : NULL);
	freeReplyObject(reply);
}

static void
send_redis(Session *session, const char *key)
{
	const char *argv[] = {"GET", key};
	size_t		lengths[] = {3, HASH_LEN};

	redisAppendCommandArgv(session->redis, 2, argv, lengths);
}

static const char *
statement_name(int step)
{
	static const char *name[MAX_STEPS] = {"step0", "step1"};

	return name[step];
}

/* One request, its steps one after the other. */
static void
run_one(Session *session)
{
	const Contender *contender = session->contender;
	Request		request;

	next_request(session, &request);
	for (int i = 0; i < MAX_STEPS; i++)
	{
		const Step *step = &contender->step[i];

		if (step->server == END)
			break;
		make_input(session, step->input, &request);
		if (step->server == REDIS)
		{
			send_redis(session, request.input);
			check_redis(session, step, &request);
		}
		else
			check_postgres(session, step, &request,
						   PQexecPrepared(session->pg, statement_name(i),
										  request.input ? 1 : 0, &request.input,
										  NULL, NULL, 0));
	}
}

/* Many requests of one step, sent before the first answer is read. */
static void
run_pipelined(Session *session, int depth)
{
	const Step *step = &session->contender->step[0];
	static _Thread_local Request request[MAX_DEPTH];

	for (int i = 0; i < depth; i++)
	{
		next_request(session, &request[i]);
		make_input(session, step->input, &request[i]);
		if (step->server == REDIS)
			send_redis(session, request[i].input);
		else if (!PQsendQueryPrepared(session->pg, statement_name(0),
									  request[i].input ? 1 : 0,
									  &request[i].input, NULL, NULL, 0))
			die("%s", PQerrorMessage(session->pg));
	}
	if (step->server == POSTGRES && !PQpipelineSync(session->pg))
		die("%s", PQerrorMessage(session->pg));
	for (int i = 0; i < depth; i++)
	{
		if (step->server == REDIS)
		{
			check_redis(session, step, &request[i]);
			continue;
		}
		check_postgres(session, step, &request[i], PQgetResult(session->pg));
		if (PQgetResult(session->pg) != NULL)
			die("a pipelined statement gave two results");
	}
	if (step->server == POSTGRES)
	{
		PGresult   *sync = PQgetResult(session->pg);

		if (PQresultStatus(sync) != PGRES_PIPELINE_SYNC)
			die("no end of the pipeline");
		PQclear(sync);
	}
}

/* One request on a new connection, as a function that is called rarely. */
static void
run_connected(Session *session)
{
	const Step *step = &session->contender->step[0];
	Request		request;

	next_request(session, &request);
	make_input(session, step->input, &request);
	if (step->server == REDIS)
	{
		session->redis = connect_redis();
		send_redis(session, request.input);
		check_redis(session, step, &request);
		redisFree(session->redis);
		session->redis = NULL;
		return;
	}
	session->pg = connect_postgres();
	check_postgres(session, step, &request,
				   PQexecParams(session->pg, step->sql, request.input ? 1 : 0,
								NULL, &request.input, NULL, NULL, 0));
	PQfinish(session->pg);
	session->pg = NULL;
}

static void
run_batch(Session *session, int depth)
{
	if (session->contender->connect)
		run_connected(session);
	else if (depth > 1)
		run_pipelined(session, depth);
	else
		run_one(session);
}

int
session_run(Session *session, double *seconds)
{
	double		started;

	if (session->contender->before != NULL)
	{
		run_sql(session->pg, "SELECT");	/* hear what came earlier */
		run_sql(session->side, session->contender->before);
	}
	started = seconds_now();
	run_batch(session, workload.depth);
	*seconds += seconds_now() - started;
	return workload.depth * rows_of(session->contender);
}

void
session_warm(Session *session)
{
	const Contender *contender = session->contender;
	int			requests = (workload.ntokens + workload.depth - 1) / workload.depth;
	double		seconds = 0;

	/* changes are warmed by their part, in one transaction */
	if (contender->rows != 0 || contender->connect ||
		contender->step[0].expected == DONE)
		requests = 1;
	session->warming = true;
	for (int i = 0; i < requests; i++)
		session_run(session, &seconds);
	session->warming = false;
}

static void
prepare(Session *session, int i)
{
	PGresult   *result = PQprepare(session->pg, statement_name(i),
								   session->contender->step[i].sql, 0, NULL);

	if (PQresultStatus(result) != PGRES_COMMAND_OK)
		die("%s: %s", session->contender->name, PQerrorMessage(session->pg));
	PQclear(result);
}

void
session_open(Session *session)
{
	const Contender *contender = session->contender;

	if (contender->connect)
		return;
	for (int i = 0; i < MAX_STEPS; i++)
	{
		if (contender->step[i].server == REDIS)
			session->redis = connect_redis();
		if (contender->step[i].server != POSTGRES)
			continue;
		if (session->pg == NULL)
			session->pg = connect_postgres();
		if (contender->setup != NULL && i == 0)
			run_sql(session->pg, contender->setup);
		prepare(session, i);
	}
	if (session->pg != NULL &&
		sched_setaffinity(PQbackendPID(session->pg), sizeof(cpu_set_t),
						  session->server_cpus) != 0)
		die("could not pin a backend");
	if (contender->before != NULL)
		session->side = connect_postgres();
	if (session->pg != NULL && workload.depth > 1 &&
		!PQenterPipelineMode(session->pg))
		die("could not enter pipeline mode");
}

void
session_close(Session *session)
{
	if (session->redis != NULL)
		redisFree(session->redis);
	PQfinish(session->pg);
	PQfinish(session->side);
}
