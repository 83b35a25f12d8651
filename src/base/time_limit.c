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
#include "utils/timeout.h"
#include "utils/timestamp.h"

#define REPEAT_MS		100

static TimeoutId limit = MAX_TIMEOUTS;	/* not registered yet */
static volatile sig_atomic_t is_over = false;

/* In a signal handler, as core's own timeouts are. */
static void
cancel(void)
{
	is_over = true;
	QueryCancelPending = true;
	InterruptPending = true;
}

static void
begin_limit(int milliseconds)
{
	is_over = false;
	if (milliseconds == 0)
		return;
	if (limit == MAX_TIMEOUTS)
		limit = RegisterTimeout(USER_TIMEOUT, cancel);
	enable_timeout_every(limit,
						 TimestampTzPlusMilliseconds(GetCurrentTimestamp(),
													 milliseconds),
						 REPEAT_MS);
}

static void
end_limit(int milliseconds)
{
	if (milliseconds == 0)
		return;
	disable_timeout(limit, false);
	/* the limit does not apply to what comes now */
	if (is_over)
		QueryCancelPending = false;
}

ErrorData *
time_limit_try(void (*work) (void *arg), void *arg, int milliseconds,
			   bool *timed_out)
{
	ErrorData  *volatile error = NULL;

	begin_limit(milliseconds);
	PG_TRY();
	{
		error = sandbox_try(work, arg, true);
	}
	PG_FINALLY();
	{
		end_limit(milliseconds);
	}
	PG_END_TRY();
	*timed_out = error != NULL && is_over &&
		error->sqlerrcode == ERRCODE_QUERY_CANCELED;
	return error;
}
