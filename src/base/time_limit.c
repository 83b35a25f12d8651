/*-------------------------------------------------------------------------
 *
 * time_limit.c
 *		Trying something for a limited time; see time_limit.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/sandbox.h"
#include "base/time_limit.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"

#define REPEAT_MS		100

typedef struct TimeLimit
{
	struct TimeLimit *outer;
	TimestampTz end;
	volatile sig_atomic_t repeats;	/* since it was over */
	bool		statement_has_limit;	/* statement_timeout, yet to strike */
	sig_atomic_t requests;		/* when it began */
} TimeLimit;

/* The one that is over first; those within it end later, and do not count. */
static TimeLimit *volatile current = NULL;
static TimeoutId timeout = MAX_TIMEOUTS;	/* not registered yet */
static volatile sig_atomic_t has_terminated = false;

/* How often somebody else has asked to cancel what this process is doing. */
static volatile sig_atomic_t requests = 0;
static struct sigaction core_action;

/* In a signal handler, as core's own timeouts are. */
static void
cancel(void)
{
	TimeLimit  *limit = current;

	if (limit == NULL)
		return;
	if (++limit->repeats > TIME_LIMIT_GRACE_MS / REPEAT_MS)
		ProcDiePending = has_terminated = true;
	QueryCancelPending = true;
	InterruptPending = true;
}

/* A callback of before_shmem_exit: core calls it an administrator's command. */
static void
say_why(int code, Datum arg)
{
	if (has_terminated)
		ereport(LOG,
				(errmsg("the session was terminated because a token source did not end when it was cancelled"),
				 errhint("See what a trigger of its table does when its statement is canceled.")));
}

/*
 * In the place of core's handler of SIGINT.  Timeouts of core's send it, too, but
 * from this process to itself.
 */
static void
count_request(int signo, siginfo_t *info, void *context)
{
	if (info->si_pid != MyProcPid)
		requests++;
	if (core_action.sa_flags & SA_SIGINFO)
		core_action.sa_sigaction(signo, info, context);
	else
		core_action.sa_handler(signo);
}

/* Core does not tell who has cancelled. */
static void
count_requests(void)
{
	struct sigaction action;

	if (sigaction(SIGINT, NULL, &core_action) < 0 ||
		(!(core_action.sa_flags & SA_SIGINFO) &&
		 (core_action.sa_handler == SIG_DFL || core_action.sa_handler == SIG_IGN)))
		return;
	action = core_action;
	action.sa_sigaction = count_request;
	action.sa_flags |= SA_SIGINFO;
	(void) sigaction(SIGINT, &action, NULL);
}

static void
start_timer(const TimeLimit *limit)
{
	if (timeout == MAX_TIMEOUTS)
	{
		timeout = RegisterTimeout(USER_TIMEOUT, cancel);
		before_shmem_exit(say_why, (Datum) 0);
		count_requests();
	}
	enable_timeout_every(timeout, limit->end, REPEAT_MS);
}

/* False if there is none, or an outer one is over first.  Throws if cancelled already. */
static bool
begin_limit(TimeLimit *limit, int milliseconds)
{
	if (milliseconds == 0)
		return false;
	limit->outer = current;
	limit->repeats = 0;
	limit->requests = requests;
	limit->statement_has_limit = get_timeout_active(STATEMENT_TIMEOUT);
	/* what has been asked for before is not ours to forget */
	CHECK_FOR_INTERRUPTS();
	limit->end = TimestampTzPlusMilliseconds(GetCurrentTimestamp(),
											 milliseconds);
	if (limit->outer != NULL && limit->outer->end <= limit->end)
		return false;
	current = limit;
	start_timer(limit);
	return true;
}

/*
 * Is it this limit that is over, and not the statement's, which strikes once?  And
 * nobody has cancelled the statement, which code that we run may have caught.
 */
static bool
is_over(const TimeLimit *limit)
{
	return limit->repeats > 0 && limit->requests == requests &&
		!(limit->statement_has_limit && !get_timeout_active(STATEMENT_TIMEOUT));
}

static void
end_limit(const TimeLimit *limit)
{
	disable_timeout(timeout, false);
	current = limit->outer;
	/* the limit does not apply to what comes now */
	if (is_over(limit))
	{
		QueryCancelPending = false;
		/* somebody may have cancelled just before that */
		if (!is_over(limit))
			QueryCancelPending = InterruptPending = true;
	}
	if (current != NULL)
		start_timer(current);
}

/* Something to be done, and its limit. */
typedef struct LimitedWork
{
	void		(*work) (void *arg);
	void	   *arg;
	int			milliseconds;
	TimeLimit	limit;
} LimitedWork;

/* What undoing it takes is not limited, lest the session be terminated by that. */
static void
work_in_time(void *arg)
{
	LimitedWork *limited = arg;
	bool		begun = begin_limit(&limited->limit, limited->milliseconds);

	PG_TRY();
	{
		limited->work(limited->arg);
	}
	PG_FINALLY();
	{
		if (begun)
			end_limit(&limited->limit);
	}
	PG_END_TRY();
}

ErrorData *
time_limit_try(void (*work) (void *arg), void *arg, int milliseconds,
			   bool *timed_out)
{
	LimitedWork limited = {work, arg, milliseconds};
	ErrorData  *error = sandbox_try(work_in_time, &limited, true);

	*timed_out = error != NULL && is_over(&limited.limit) &&
		error->sqlerrcode == ERRCODE_QUERY_CANCELED;
	return error;
}
