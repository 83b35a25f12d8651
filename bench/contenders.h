/*
 * contenders.h
 *		What is measured: each contender is a request of one or two steps, and
 *		what it must answer.
 */
#ifndef BENCH_CONTENDERS_H
#define BENCH_CONTENDERS_H

#include <stdbool.h>

typedef enum Input
{
	NOTHING,
	TOKEN,						/* a live token */
	HASH,						/* its hash, made beforehand */
	ANSWER,						/* what the step before has answered */
	KNOWN_USER,					/* the token's user, as if known */
	UNKNOWN,					/* one of a few tokens that nobody issued */
	RANDOM,						/* a token that nobody issued, each time new */
	RANDOM_HASH					/* a hash, each time new */
} Input;

typedef enum Expected
{
	USER,						/* the token's user */
	BODY,						/* the note of that user */
	NOBODY,						/* the no-op's answer */
	ONE,
	REFUSED,					/* NULL, or no row */
	ALL_ROWS,					/* a count: all rows of the set */
	DONE						/* a command that changed that many rows */
} Expected;

typedef enum Server
{
	END,
	POSTGRES,
	REDIS
} Server;

typedef struct Step
{
	Server		server;
	const char *sql;			/* of POSTGRES; REDIS knows GET only */
	Input		input;
	Expected	expected;
} Step;

#define MAX_STEPS	2

/* As many as the client is told. */
#define ROWS_OF_COPY	(-1)

typedef struct Contender
{
	const char *name;
	Step		step[MAX_STEPS];
	int			rows;			/* operations of one request; 0 is 1 */
	bool		connect;		/* a new connection for each request */
	const char *setup;			/* in its session, once */
	const char *before;			/* in another session, before each, untimed */
} Contender;

/* NULL if there is none of that name. */
extern const Contender *contender_by_name(const char *name);

#endif							/* BENCH_CONTENDERS_H */
