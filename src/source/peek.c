/*-------------------------------------------------------------------------
 *
 * peek.c
 *		Looking at a source without waiting for anybody; see peek.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/brief_wait.h"
#include "base/guc.h"
#include "base/sandbox.h"
#include "base/time_limit.h"
#include "source/directory.h"
#include "source/hold.h"
#include "source/peek.h"

/* Autovacuum locks a catalog for about 20 ms at a time, when it truncates it. */
#define LOCK_PATIENCE_MS	200

typedef struct PeekWork
{
	void		(*work) (void *arg);
	void	   *arg;
} PeekWork;

static void
work_without_waiting(void *arg)
{
	const PeekWork *peek = arg;

	brief_wait_do(peek->work, peek->arg, LOCK_PATIENCE_MS);
}

ErrorData *
peek_try(void (*work) (void *arg), void *arg)
{
	PeekWork	peek = {work, arg};
	bool		timed_out;
	ErrorData  *error = time_limit_try(work_without_waiting, &peek,
									   guc_source_timeout, &timed_out);

	if (error != NULL && !timed_out && sandbox_concerns_all(error))
		ReThrowError(error);
	return error;
}

bool
peek_was_hindered(const ErrorData *error)
{
	return sandbox_was_interrupted(error);
}

typedef struct Reading
{
	Source	   *source;
	bool		is_there;
} Reading;

static void
read_source(void *arg)
{
	Reading    *reading = arg;

	reading->is_there = source_validate(reading->source);
}

/* A source that is looked at. */
typedef struct Looking
{
	Source	   *source;
	PeekLook	look;
	void	   *arg;
	Peek	   *peek;
} Looking;

/* A condition that could not be read for a lock is a problem that may pass. */
static void
bring_up_to_date(Source *source, Peek *peek)
{
	Reading		reading = {source, true};

	if (!source_is_current(source))
		peek->error = peek_try(read_source, &reading);
	peek->is_there = reading.is_there;
	peek->is_read = peek->error == NULL && peek->is_there &&
		!source->problem_may_pass;
}

static void
lock_and_look(void *arg)
{
	Looking    *looking = arg;

	if (!source_try_lock(looking->source))
		return;
	bring_up_to_date(looking->source, looking->peek);
	if (looking->peek->is_read && looking->look != NULL)
		looking->look(looking->source, looking->arg);
}

void
peek_source(Source *source, PeekLook look, void *arg, Peek *peek)
{
	Looking		looking = {source, look, arg, peek};
	ErrorData  *error;

	peek->is_there = true;
	peek->is_read = false;
	peek->error = NULL;
	error = sandbox_try(lock_and_look, &looking, false);
	/* what may fail for this source alone is in peek->error */
	if (error != NULL)
		ReThrowError(error);
}
