/*-------------------------------------------------------------------------
 *
 * guc.c
 *		The settings of tokenauth.
 *
 * None of them can make an answer wrong; they trade memory and table reads.  The
 * file of peppers decides what is found, and its bytes are in the fingerprint.
 * They are the operator's, not the session's.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <limits.h>

#include "base/guc.h"
#include "base/pepper.h"
#include "base/testpoint.h"
#include "datatype/timestamp.h"
#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/varlena.h"

bool		guc_enabled = true;
int			guc_cache_size = GUC_DEFAULT_CACHE_SIZE;
int			guc_ttl = 600;
int			guc_negative_ttl = 60;
int			guc_last_used_interval = 60;
int			guc_last_used_flush = 10000;
bool		guc_writing_last_used = false;
int			guc_source_timeout = 5000;
int			guc_max_verifications = 8;
char	   *guc_warm_databases = NULL;
char	   *guc_pepper_file = NULL;

/* Is it a list of identifiers? */
static bool
check_names(char **newval, void **extra, GucSource source)
{
	List	   *names;

	if (SplitIdentifierString(pstrdup(*newval), ',', &names))
		return true;
	GUC_check_errdetail("List syntax is invalid.");
	return false;
}

/* What shared memory is made by: only where it is made. */
static void
define_settings_of_start(void)
{
	DefineCustomIntVariable("tokenauth.cache_size",
							"Sets the shared memory used to cache tokens.",
							"The number of buckets is the largest power of two that fits; 0 turns the cache off.",
							&guc_cache_size,
							GUC_DEFAULT_CACHE_SIZE, 0, MAX_KILOBYTES,
							PGC_POSTMASTER, GUC_UNIT_KB,
							NULL, NULL, NULL);

	DefineCustomStringVariable("tokenauth.warm_databases",
							   "Lists databases whose live tokens are loaded into the cache after a start.",
							   NULL,
							   &guc_warm_databases, "",
							   PGC_POSTMASTER, GUC_LIST_INPUT,
							   check_names, NULL, NULL);
}

void
guc_define(void)
{
	if (process_shared_preload_libraries_in_progress)
		define_settings_of_start();

	DefineCustomBoolVariable("tokenauth.enabled",
							 "Enables answering from the cache.",
							 "When off, every token is judged by its table.",
							 &guc_enabled, true,
							 PGC_SUSET, 0, NULL, NULL, NULL);

	DefineCustomIntVariable("tokenauth.ttl",
							"Sets how long a cached token is believed at most.",
							"A backstop: changes of a token take effect at their commit, whatever this is.",
							&guc_ttl, 600, 1, INT_MAX / 1000,
							PGC_SUSET, GUC_UNIT_S,
							NULL, NULL, NULL);

	DefineCustomIntVariable("tokenauth.negative_ttl",
							"Sets how long a cached refusal is believed at most.",
							"0 caches no refusals.",
							&guc_negative_ttl, 60, 0, INT_MAX / 1000,
							PGC_SUSET, GUC_UNIT_S,
							NULL, NULL, NULL);

	DefineCustomIntVariable("tokenauth.last_used_interval",
							"Sets how exactly the last use of a token is kept.",
							"A token's last use is noted at most once in so much time; 0 keeps none.",
							&guc_last_used_interval, 60, 0, 30 * SECS_PER_DAY,
							PGC_SIGHUP, GUC_UNIT_S,
							NULL, NULL, NULL);

	DefineCustomIntVariable("tokenauth.last_used_flush",
							"Sets the time between writes of noted last uses into the token tables.",
							NULL,
							&guc_last_used_flush, 10000, 10, SECS_PER_HOUR * 1000,
							PGC_SIGHUP, GUC_UNIT_MS,
							NULL, NULL, NULL);

	/* nobody can set it; we do, while a last use is written */
	DefineCustomBoolVariable("tokenauth.writing_last_used",
							 "Tells whether last uses of tokens are being written into their rows.",
							 "For the WHEN clause of a trigger that such writes are no business of.",
							 &guc_writing_last_used, false,
							 PGC_INTERNAL, GUC_NOT_IN_SAMPLE | GUC_DISALLOW_IN_FILE,
							 NULL, NULL, NULL);
	DefineCustomIntVariable("tokenauth.source_timeout",
							"Sets how long one of several sources can take to be revoked or flushed, and an expression to be read.",
							"What takes longer is left out with a warning, or not attached; 0 is no limit.",
							&guc_source_timeout, 5000, 0, INT_MAX,
							PGC_USERSET, GUC_UNIT_MS,
							NULL, NULL, NULL);

	DefineCustomIntVariable("tokenauth.max_verifications",
							"Sets how many tokens of a source can be verified at once.",
							"Where a mapping has a verify; other sessions are told that there are too many. 0 is no limit.",
							&guc_max_verifications, 8, 0, 10000,
							PGC_SUSET, 0,
							NULL, NULL, NULL);

	DefineCustomStringVariable("tokenauth.pepper_file",
							   "Sets the file that has the secrets which token digests are made with.",
							   "Read at the start and whenever the settings are reloaded; only the user that the server runs as may read it.",
							   &guc_pepper_file, "",
							   PGC_SIGHUP, GUC_SUPERUSER_ONLY,
							   NULL, pepper_read_file, NULL);

#ifdef TOKENAUTH_TESTING
	testpoint_define_settings();
#endif

	/*
	 * Not in a session that loads the library at first use: it would be
	 * warned of a cache_size in the configuration file, which is right there.
	 */
	if (process_shared_preload_libraries_in_progress)
		MarkGUCPrefixReserved("tokenauth");
}
