/*-------------------------------------------------------------------------
 *
 * session.h
 *		Connections to the servers, and statements on them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef STRESS_SESSION_H
#define STRESS_SESSION_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "libpq-fe.h"
#include "oracle.h"
#include "shapes.h"

typedef struct Session Session;

typedef struct SessionKind
{
	const char *name;
	void		(*prepare) (Session *session);	/* on each connection */
	void		(*visit) (Session *session);	/* called again and again */
} SessionKind;

struct Session
{
	const SessionKind *kind;
	int			number;
	Place		place;
	bool		delayed;
	struct Token *token;			/* the only one to ask about; NULL: all */
	uint64_t	random;
	PGconn	   *conn;
	pthread_t	thread;
};

/* Sets up and looks at the end; prepares nothing by itself. */
extern const SessionKind manager_kind;

extern Session make_session(int number, const SessionKind *kind, Place place,
							bool delayed);

/* A random number below n. */
extern unsigned pick(Session *session, unsigned n);
extern bool one_in(Session *session, unsigned n);

/* The test does not work: that is not an answer, so all ends here. */
extern void give_up(const Session *session, const char *format,...)
			__attribute__((noreturn, format(printf, 2, 3)));

/*
 * Connect, and prepare the statements that the session's kind needs; both, or
 * one after the other.
 */
extern void open_session(Session *session);
extern void connect_session(Session *session);
extern void prepare_statements(Session *session);
extern void close_session(Session *session);
extern void reopen_session(Session *session);

/* The result if all went well, NULL after an error that may happen. */
extern PGresult *checked(Session *session, PGresult *result, const char *what);

/* False after an error that may happen. */
extern bool command(Session *session, const char *sql);

/* Commands that fail only if the test does. */
extern void must(Session *session, const char *sql);

/* Statements of a shape: prepare one, execute it as checked() does. */
extern void prepare(Session *session, const Shape *shape, const char *what,
					const char *types, const char *format,...)
			__attribute__((format(printf, 5, 6)));
extern PGresult *execute(Session *session, const Shape *shape,
						 const char *what, int nvalues,
						 const char *const *values);
extern PGresult *ask(Session *session, const Shape *shape, const char *what,
					 const char *argument);

#endif							/* STRESS_SESSION_H */
