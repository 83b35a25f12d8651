/*-------------------------------------------------------------------------
 *
 * session.c
 *		Connections to the servers, and statements on them.
 *
 *-------------------------------------------------------------------------
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "events.h"
#include "options.h"
#include "session.h"

const SessionKind manager_kind = {"manager", NULL, NULL};

Session
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

/* splitmix64 */
unsigned
pick(Session *session, unsigned n)
{
	uint64_t	z = (session->random += UINT64_C(0x9E3779B97F4A7C15));

	z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
	return (unsigned) ((z ^ (z >> 31)) >> 32) % n;
}

bool
one_in(Session *session, unsigned n)
{
	return pick(session, n) == 0;
}

void
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

PGresult *
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

PGresult *
execute(Session *session, const Shape *shape, const char *what, int nvalues,
		const char *const *values)
{
	char		name[STATEMENT_LEN];

	name_statement(name, shape, what);
	return checked(session,
				   PQexecPrepared(session->conn, name, nvalues, values,
								  NULL, NULL, 0), name);
}

PGresult *
ask(Session *session, const Shape *shape, const char *what,
	const char *argument)
{
	return execute(session, shape, what, 1, &argument);
}

bool
command(Session *session, const char *sql)
{
	PGresult   *result = checked(session, PQexec(session->conn, sql), sql);

	PQclear(result);
	return result != NULL;
}

void
must(Session *session, const char *sql)
{
	if (!command(session, sql))
		give_up(session, "%s failed", sql);
}

void
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

void
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

void
prepare_statements(Session *session)
{
	session->kind->prepare(session);
}

void
open_session(Session *session)
{
	connect_session(session);
	prepare_statements(session);
}

void
close_session(Session *session)
{
	PQfinish(session->conn);
	session->conn = NULL;
}

void
reopen_session(Session *session)
{
	close_session(session);
	open_session(session);
}
