/*-------------------------------------------------------------------------
 *
 * launcher.h
 *		The background worker that starts the others.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_LAUNCHER_H
#define TOKENAUTH_LAUNCHER_H

/* Register the launcher; while preloading. */
extern void launcher_register(void);

#endif							/* TOKENAUTH_LAUNCHER_H */
