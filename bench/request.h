/*
 * request.h
 *		One contender's connections in one thread, and its requests: sends
 *		them, and checks every value that comes back.  Whatever goes wrong
 *		ends the program with a message.
 */
#ifndef BENCH_REQUEST_H
#define BENCH_REQUEST_H

#include <hiredis/hiredis.h>
#include <libpq-fe.h>
#include <sched.h>
#include <stdint.h>

#include "contenders.h"

#define HASH_LEN	64

/* What may be asked for, and what is the right answer. */
typedef struct Token
{
	char	   *token;
	char	   *hash;
	char	   *user;
	char	   *body;
} Token;

/* The same in all threads; set before the first of them starts. */
typedef struct Workload
{
	Token	   *token;
	int			ntokens;
	const int  *order;			/* the tokens as they are asked for, in a ring */
	uint32_t	order_mask;
	int			depth;			/* requests under way at once */
	int			copy_rows;
	const char *redis;			/* path of its socket */
} Workload;

extern Workload workload;

typedef struct Session
{
	const Contender *contender;
	PGconn	   *pg;
	PGconn	   *side;			/* for what runs before each request */
	redisContext *redis;
	bool		unknown_only;	/* a flooder: tokens that nobody issued */
	bool		warming;		/* asks for the tokens in turn, not in order */
	uint32_t	next;			/* in the order */
	uint64_t	random;
	const cpu_set_t *server_cpus;
} Session;

extern void die(const char *format,...) __attribute__((format(printf, 1, 2), noreturn));

extern PGconn *connect_postgres(void);
extern redisContext *connect_redis(void);
extern void run_sql(PGconn *pg, const char *sql);
extern uint64_t next_random(uint64_t *state);
extern double seconds_now(void);

/* Connect, prepare, and pin the server process to server_cpus. */
extern void session_open(Session *session);
extern void session_close(Session *session);

/* Ask for every token once, so that caches are warm. */
extern void session_warm(Session *session);

/*
 * One batch of requests (workload.depth of them).  Returns the operations
 * done; adds the time to *seconds.
 */
extern int session_run(Session *session, double *seconds);

#endif							/* BENCH_REQUEST_H */
