/*-------------------------------------------------------------------------
 *
 * sandbox.h
 *		Running another role's code, or code as another role.
 *
 * Between sandbox_enter() and sandbox_leave() the session has another role
 * and settings that neither the caller chose nor what runs in there can leave
 * behind: all changes of settings are undone, and cursors closed.  An error undoes
 * everything, too, as it aborts the (sub)transaction; but what has been entered
 * must be left within PG_TRY(), and end with SANDBOX_END_TRY(), or call
 * sandbox_fail() in PG_CATCH(); between entering and PG_TRY() nothing may fail.
 *
 * Inside, any code of the role can run: triggers, conditions, defaults,
 * operators, functions of types.  It must not gain the rights that the session
 * has behind the role: those of a caller, of a superuser under SET ROLE, of a
 * background worker.  So the operation is security-restricted, as core's
 * maintenance commands are: core refuses to change the role or the session's
 * user, and to leave behind what would run later as another user: a deferred
 * trigger, a cursor WITH HOLD, a prepared statement, an object in the session's
 * temporary schema.  Besides, we keep from it the session's cursors (cursors.h), and
 * what else the session has under a name or a number (session_guard.h).
 *
 * One case is left out, but not for our own tables (sandbox_execute).  If the
 * role is the current user, the session's user and the user that has logged in,
 * there are no rights to be gained, and so its deferred triggers may wait for the
 * end of the transaction.  The role cannot be changed there either, as in a
 * security-definer function.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_SANDBOX_H
#define TOKENAUTH_SANDBOX_H

#include "base/cursors.h"
#include "base/query.h"

typedef struct Sandbox
{
	int			guc_level;
	Oid			role;
	int			context;
	LockedCursors cursors;
} Sandbox;

/*
 * Become a role, with a search_path of the given schema (NULL: none), then
 * pg_temp; pg_catalog comes first of all.
 */
extern void sandbox_enter(Sandbox *sandbox, Oid role, const char *schema);
extern void sandbox_leave(Sandbox *sandbox);
extern void sandbox_fail(Sandbox *sandbox);

#define SANDBOX_END_TRY(sandbox) \
	PG_CATCH(); \
	{ \
		sandbox_fail(sandbox); \
		PG_RE_THROW(); \
	} \
	PG_END_TRY()

/* A cursor of ours that is opened or used in there, and stays: one in a sandbox. */
extern void sandbox_admit(Sandbox *sandbox, Portal portal);

/* Does what is running now run in a sandbox, however deep? */
extern bool sandbox_is_entered(void);

/*
 * From now until the sandbox is left, no function can be called in the executor
 * (session_guard.h): neither by a statement, nor as the CHECK of a domain that a
 * literal is read as.  For what must not run the role's code at all.
 */
extern void sandbox_forbid_functions(void);
extern bool sandbox_forbids_functions(void);

/*
 * The same, cheaper and with the session's settings to begin with: for what is not
 * expected to run anything of the role's, but could.
 */
extern void sandbox_become(Sandbox *sandbox, Oid role);

/*
 * Whoever calls us may have written a token into the statement.  Between these two
 * current_query() and the context of errors show nothing of it.  For where code
 * of a table's owner runs; caller_show() also in PG_CATCH().  The views
 * pg_cursors and pg_prepared_statements fail in every security-restricted sandbox
 * (session_guard.h).
 */
typedef struct HiddenCaller
{
	const char *query;
	struct ErrorContextCallback *context;
} HiddenCaller;

extern void caller_hide(HiddenCaller *hidden);
extern void caller_show(const HiddenCaller *hidden);

/*
 * Run a statement in a sandbox of its own, as query_execute() does.  All names
 * in it must be qualified.  It is security-restricted in every session: it is on
 * a table of the role's, to which a table of another role may have a foreign key
 * that runs that one's triggers.
 */
extern QueryResult *sandbox_execute(Oid role, const char *sql, int nargs,
									Oid *types, Datum *values,
									const char *nulls);

/*
 * Do something in a subtransaction, which is rolled back if that fails, and
 * also if it is not to be kept.  Returns the error, or NULL if there was none,
 * in the caller's memory context.
 */
extern ErrorData *sandbox_try(void (*work) (void *arg), void *arg, bool keep);

/*
 * Does an error say, by its SQLSTATE, that what was tried may succeed the next time:
 * it was cancelled, timed out, ran out of memory, lost a deadlock?  The code of a
 * table's owner can make an error look like one.
 */
extern bool sandbox_was_interrupted(const ErrorData *error);

/*
 * Settings on which the text of a value, or the meaning of a literal, may
 * depend, fixed, so that they are the same for all sessions.  Returns what to leave by.
 */
extern int	fixed_settings_enter(void);
extern void fixed_settings_leave(int guc_level);

/* Could they change how a value of the type is written?  False for some types only. */
extern bool type_depends_on_settings(Oid type);

/* One more, within a sandbox or between the two. */
extern void setting_fix(const char *name, const char *value);

/*
 * Is this an error of the transaction, rather than of the one thing of several
 * that was tried: the statement was cancelled, or the transaction cannot be
 * serialized?  The code of a table's owner cannot make an error look like one.
 */
extern bool sandbox_concerns_all(const ErrorData *error);

#endif							/* TOKENAUTH_SANDBOX_H */
