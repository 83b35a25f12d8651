/*-------------------------------------------------------------------------
 *
 * brief_wait.c
 *		Waiting for locks only for a moment; see brief_wait.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/brief_wait.h"
#include "base/sandbox.h"
#include "utils/guc.h"

typedef struct BriefWork
{
	void		(*work) (void *arg);
	void	   *arg;
	int			milliseconds;
} BriefWork;

/* An error undoes the setting with the subtransaction. */
void
brief_wait_do(void (*work) (void *arg), void *arg, int milliseconds)
{
	int			level = NewGUCNestLevel();

	setting_fix("lock_timeout", psprintf("%d", milliseconds));
	work(arg);
	fixed_settings_leave(level);
}

static void
do_briefly(void *arg)
{
	const BriefWork *brief = arg;

	brief_wait_do(brief->work, brief->arg, brief->milliseconds);
}

/* A deadlock that is found, for somebody has set deadlock_timeout lower, is a lock, too. */
bool
brief_wait_try(void (*work) (void *arg), void *arg, int milliseconds)
{
	BriefWork	brief = {work, arg, milliseconds};
	ErrorData  *error = sandbox_try(do_briefly, &brief, true);

	if (error != NULL && error->sqlerrcode != ERRCODE_LOCK_NOT_AVAILABLE &&
		error->sqlerrcode != ERRCODE_T_R_DEADLOCK_DETECTED)
		ReThrowError(error);
	if (error == NULL)
		return true;
	FreeErrorData(error);
	return false;
}
