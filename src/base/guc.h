/*-------------------------------------------------------------------------
 *
 * guc.h
 *		The settings of tokenauth.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_GUC_H
#define TOKENAUTH_GUC_H

/* In kB; 48 MB is 2^15 buckets and little to spare, see bucket.h. */
#define GUC_DEFAULT_CACHE_SIZE	(48 * 1024)

extern bool guc_enabled;		/* tokenauth.enabled */
extern int	guc_cache_size;		/* tokenauth.cache_size, in kB; 0 is off */
extern int	guc_ttl;			/* tokenauth.ttl, in seconds */
extern int	guc_negative_ttl;	/* tokenauth.negative_ttl, in seconds */
extern int	guc_last_used_interval; /* in seconds; 0: not kept */
extern int	guc_last_used_flush;	/* in milliseconds */
extern bool guc_writing_last_used;	/* while they are written */
extern int	guc_source_timeout; /* in milliseconds; 0: no limit */
extern int	guc_max_verifications;	/* of a source at once; 0: no limit */
extern char *guc_pepper_file;	/* see pepper.h; "" is none */
extern char *guc_warm_databases;	/* names, as in a list of identifiers */

/* Called once by _PG_init; what is set at start exists only while preloading. */
extern void guc_define(void);

#endif							/* TOKENAUTH_GUC_H */
