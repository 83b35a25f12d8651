/*-------------------------------------------------------------------------
 *
 * worker.h
 *		The background workers of tokenauth.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_WORKER_H
#define TOKENAUTH_WORKER_H

extern Size worker_shmem_size(void);
extern void worker_shmem_init(void *area, bool found);

/* Register the launcher; while preloading. */
extern void worker_register(void);

#endif							/* TOKENAUTH_WORKER_H */
