/*-------------------------------------------------------------------------
 *
 * hold.c
 *		A source that is locked against DDL, and up to date; see hold.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/brief_wait.h"
#include "source/directory.h"
#include "source/hold.h"
#include "storage/lmgr.h"

static Source *
hold_table(const Source *source, LOCKMODE mode)
{
	Source	   *held;

	if (!OidIsValid(source->relation))
	{
		held = source_by_name(source->name);
		return held != NULL && source_validate(held) ? held : NULL;
	}
	LockRelationOid(source->relation, mode);
	do
	{
		source_refresh();
		held = source_find_again(source);
		if (held == NULL)
		{
			UnlockRelationOid(source->relation, mode);
			return NULL;
		}
	} while (!source_validate(held));
	return held;
}

/* While we wait for its table, a source may become another table's. */
static Source *
hold(const Source *source, LOCKMODE mode)
{
	for (;;)
	{
		Source	   *held = hold_table(source, mode);
		Source	   *now = held == NULL ? source_by_name(source->name) : NULL;

		if (now == NULL || now->relation == source->relation)
			return held;
		source = now;
	}
}

Source *
source_hold(const Source *source)
{
	return hold(source, AccessShareLock);
}

Source *
source_hold_for_change(const Source *source)
{
	return hold(source, RowExclusiveLock);
}

/* One that is not there cannot be altered, either. */
static bool
try_lock_table(Oid relation)
{
	return !OidIsValid(relation) ||
		ConditionalLockRelationOid(relation, AccessShareLock);
}

/* A source's tables: its own, then those of its parents. */
static Oid
table_of(const Source *source, int i)
{
	return i == 0 ? source->relation : source->parent[i - 1].relation;
}

/* How many of them have been locked, until one is locked by somebody else. */
static int
lock_at_once(const Source *source)
{
	int			n = 0;

	while (n <= source->nparents && try_lock_table(table_of(source, n)))
		n++;
	return n;
}

bool
source_try_lock(const Source *source)
{
	return lock_at_once(source) > source->nparents;
}

/* For each lock that reading a source takes besides. */
#define LOCK_PATIENCE_MS	10

typedef struct Reading
{
	Source	   *source;
	bool		valid;
} Reading;

static void
read_briefly(void *arg)
{
	Reading    *reading = arg;

	reading->valid = source_validate(reading->source);
}

/* Its tables are locked. */
static bool
try_read(Source *source, bool *hindered)
{
	Reading		reading = {source, false};

	*hindered = !brief_wait_try(read_briefly, &reading, LOCK_PATIENCE_MS);
	source->hindered = *hindered;
	return !*hindered && reading.valid;
}

bool
source_try_validate(Source *source, bool *hindered)
{
	int			nlocked;
	bool		valid = false;

	*hindered = false;
	if (source->state == SOURCE_CURRENT || source_has_problem_still(source))
		return true;
	*hindered = true;
	if (source->hindered && source_is_as_at_begin(source))
		return false;
	nlocked = lock_at_once(source);
	if (nlocked > source->nparents)
		valid = try_read(source, hindered);
	while (nlocked-- > 0)
		if (OidIsValid(table_of(source, nlocked)))
			UnlockRelationOid(table_of(source, nlocked), AccessShareLock);
	return valid;
}
