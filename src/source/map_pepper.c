/*-------------------------------------------------------------------------
 *
 * map_pepper.c
 *		The peppers of a source; see map_pepper.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/pepper.h"
#include "cache/cache.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "source/map_pepper.h"
#include "source/problem.h"
#include "utils/rel.h"

static void
watch_pepper(Source *source, const Pepper *pepper)
{
	TokenDigest digest;

	if (!cache_is_on())
		return;					/* nothing is remembered */
	token_digest_keyed(cache_secret(), (const char *) pepper->bytes,
					   pepper->len, &digest);
	watch_word(&source->watch, digest.words[0]);
}

/* The names of those that are missing are told together. */
bool
map_peppers(Source *source, Relation table)
{
	const char *owner = GetUserNameFromId(table->rd_rel->relowner, true);
	StringInfoData missing;

	initStringInfo(&missing);
	for (int i = 0; i < source->npeppers; i++)
	{
		Pepper		pepper;

		if (owner != NULL && pepper_find(source->pepper[i], &pepper) &&
			pepper_is_for(&pepper, owner))
			watch_pepper(source, &pepper);
		else
			appendStringInfo(&missing, "%s\"%s\"",
							 missing.len > 0 ? ", " : "", source->pepper[i]);
	}
	return missing.len == 0 ||
		problem_set(source, PROBLEM_PEPPER, source->relation, missing.data);
}
