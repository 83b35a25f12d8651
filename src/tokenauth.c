/*-------------------------------------------------------------------------
 *
 * tokenauth.c
 *		Start: settings, shared memory, callbacks.
 *
 * Where it runs:
 *	postmaster	with shared_preload_libraries: defines all settings, reserves
 *				and initializes shared memory, registers the callbacks that
 *				its children inherit
 *	backend		without: has no cache and judges every token by its table
 *
 * The way of a token, and of a changed row, through the files: src/README.md.
 *
 * No file includes this one.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/guc.h"
#include "base/query.h"
#include "base/session_guard.h"
#include "base/stats.h"
#include "cache/cache.h"
#include "cache/last_used.h"
#include "fmgr.h"
#include "judge/coherence.h"
#include "judge/transaction.h"
#include "judge/trust.h"
#include "miscadmin.h"
#include "source/directory.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "workers/launcher.h"
#include "workers/warm.h"
#include "workers/worker.h"

extern TOKENAUTH_EXPORT const Pg_magic_struct *PG_MAGIC_FUNCTION_NAME(void);
PG_MODULE_MAGIC;

extern TOKENAUTH_EXPORT void _PG_init(void);

/* The modules that have something in shared memory. */
static const struct
{
	const char *name;
	Size		(*size) (void);
	void		(*init) (void *area, bool found);
}			shared_modules[] = {
	{"tokenauth stats", stats_shmem_size, stats_shmem_init},
	{"tokenauth trust", trust_shmem_size, trust_shmem_init},
	{"tokenauth cache", cache_shmem_size, cache_shmem_init},
	{"tokenauth last used", last_used_shmem_size, last_used_shmem_init},
	{"tokenauth warm", warm_shmem_size, warm_shmem_init},
	{"tokenauth worker", worker_shmem_size, worker_shmem_init},
};

static shmem_request_hook_type prev_shmem_request_hook = NULL;
static shmem_startup_hook_type prev_shmem_startup_hook = NULL;

static void
tokenauth_shmem_request(void)
{
	if (prev_shmem_request_hook)
		prev_shmem_request_hook();
	for (int i = 0; i < (int) lengthof(shared_modules); i++)
		RequestAddinShmemSpace(shared_modules[i].size());
	RequestNamedLWLockTranche("tokenauth", 1);
}

static void
tokenauth_shmem_startup(void)
{
	if (prev_shmem_startup_hook)
		prev_shmem_startup_hook();

	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	for (int i = 0; i < (int) lengthof(shared_modules); i++)
	{
		bool		found;
		void	   *area = ShmemInitStruct(shared_modules[i].name,
										   shared_modules[i].size(), &found);

		shared_modules[i].init(area, found);
	}
	LWLockRelease(AddinShmemInitLock);
}

void
_PG_init(void)
{
	guc_define();
	query_init();
	session_guard_init();
	source_init();
	coherence_init();
	transaction_init();
	if (!process_shared_preload_libraries_in_progress)
		return;

	prev_shmem_request_hook = shmem_request_hook;
	shmem_request_hook = tokenauth_shmem_request;
	prev_shmem_startup_hook = shmem_startup_hook;
	shmem_startup_hook = tokenauth_shmem_startup;
	launcher_register();
}
