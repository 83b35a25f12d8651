/*-------------------------------------------------------------------------
 *
 * warm.c
 *		Filling the cache ahead of use; SQL: tokenauth_warm().
 *
 * The tokens are listed by one query, the most recently used first.  What is
 * put into the cache is not read by that query but, token by token, just as a
 * miss would read it, so that warming needs no rule of coherence of its own.
 * It pushes out no entry that would be believed.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/guc.h"
#include "commands/dbcommands.h"
#include "judge/coherence.h"
#include "judge/judge.h"
#include "miscadmin.h"
#include "source/directory.h"
#include "source/flag.h"
#include "source/hold.h"
#include "source/mapping.h"
#include "source/owner.h"
#include "source/stored.h"
#include "source/stored_row.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/varlena.h"
#include "workers/warm.h"

#define ROWS_AT_A_TIME		1000

typedef struct WarmDatabase
{
	NameData	name;
	WarmState	state;
} WarmDatabase;

static WarmDatabase *shared = NULL;

/* The names in tokenauth.warm_databases, which has been checked. */
static List *
wanted_names(void)
{
	List	   *names = NIL;

	(void) SplitIdentifierString(pstrdup(guc_warm_databases), ',', &names);
	return names;
}

int
warm_count(void)
{
	return shared != NULL ? list_length(wanted_names()) : 0;
}

Size
warm_shmem_size(void)
{
	return mul_size(list_length(wanted_names()) + 1, sizeof(WarmDatabase));
}

void
warm_shmem_init(void *area, bool found)
{
	List	   *names = wanted_names();
	ListCell   *lc;

	shared = area;
	if (found)
		return;
	memset(area, 0, warm_shmem_size());
	foreach(lc, names)
	{
		WarmDatabase *database = &shared[foreach_current_index(lc)];

		namestrcpy(&database->name, lfirst(lc));
		database->state = WARM_WANTED;
	}
}

const char *
warm_database(int index)
{
	return NameStr(shared[index].name);
}

WarmState
warm_state(int index)
{
	return *(volatile WarmState *) &shared[index].state;
}

void
warm_set_state(int index, WarmState state)
{
	shared[index].state = state;
}

bool
warm_has_ended(void)
{
	char	   *name = get_database_name(MyDatabaseId);

	for (int i = 0; i < warm_count(); i++)
		if (strcmp(warm_database(i), name) == 0 &&
			warm_state(i) != WARM_ENDED)
			return false;
	return true;
}

/* "the row is not revoked" */
static char *
is_not_revoked(OwnerCall *call)
{
	if (!AttributeNumberIsValid(call->source->column[ROLE_REVOKED].attnum))
		return pstrdup("true");
	return flag_is_live_sql(call, owner_column(call, ROLE_REVOKED));
}

/*
 * The query for the tokens of a source that are alive by their row, but for
 * conditions and parents, which are judged later.
 */
static char *
live_tokens(OwnerCall *call, uint64 limit)
{
	char	   *expires = owner_read_timestamp(call, ROLE_EXPIRES);

	return psprintf("SELECT %s FROM ONLY %s WHERE %s"
					" AND (%s IS NULL OR %s OPERATOR(pg_catalog.>) pg_catalog.clock_timestamp())"
					" ORDER BY %s DESC NULLS LAST, %s DESC NULLS LAST LIMIT " UINT64_FORMAT,
					owner_column(call, ROLE_TOKEN), owner_table(call),
					is_not_revoked(call), expires, expires,
					owner_read_timestamp(call, ROLE_LAST_USED),
					owner_read_timestamp(call, ROLE_CREATED), limit);
}

/* One row's token column, of whatever form. */
static bool
warm_stored(Source *source, const StoredValue *stored)
{
	TokenDigest digest;

	return stored_key_of_row(source, stored, &digest) &&
		judge_warm(source, &digest, stored);
}

/* What a batch of rows adds to the cache. */
static uint64
warm_rows(Source *source, const QueryResult *rows)
{
	MemoryContext row_context = AllocSetContextCreate(CurrentMemoryContext,
													  "tokenauth warming",
													  ALLOCSET_SMALL_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(row_context);
	uint64		loaded = 0;

	for (uint64 i = 0; i < rows->nrows; i++)
	{
		StoredValue stored;

		CHECK_FOR_INTERRUPTS();
		if (stored_of_result(rows, i, 1, &stored) && !source->retired &&
			warm_stored(source, &stored))
			loaded++;
		MemoryContextReset(row_context);
	}
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(row_context);
	return loaded;
}

/* Tokens that one bearer uses up are not cached; nor those whose key is not known. */
static bool
is_worth_warming(const Source *source)
{
	return source_is_cacheable(source) && stored_gives_key(source) &&
		!AttributeNumberIsValid(source->column[ROLE_USED].attnum);
}

/* `before` is what has been loaded already of other sources of the table. */
static uint64
warm_source(Source *source, uint64 limit, WarmProgress progress,
			uint64 before)
{
	OwnerCall	call;
	Portal		portal;
	bool		done = false;
	uint64		loaded = 0;

	if (limit == 0)
		return 0;
	source = source_hold(source);
	if (source == NULL || !is_worth_warming(source))
		return 0;
	owner_begin(&call, source);
	portal = owner_open(&call, live_tokens(&call, limit));
	while (!done && progress(false, before + loaded))
	{
		QueryResult *rows = owner_fetch(&call, portal, ROWS_AT_A_TIME);

		done = !progress(true, before + loaded) || rows->nrows == 0;
		if (!done)
			loaded += warm_rows(source, rows);
		query_free(rows);
	}
	query_close(portal);
	owner_end(&call);
	stats_happened(source->stats_slot, STATS_LAST_WARM, GetCurrentTimestamp());
	return loaded;
}

/* A WarmProgress, where no progress is shown. */
static bool
go_on(bool judging, uint64 loaded)
{
	return true;
}

static uint64
warm_sources(List *sources, uint64 limit, WarmProgress progress)
{
	uint64		loaded = 0;
	ListCell   *lc;

	foreach(lc, sources)
		loaded += warm_source(lfirst(lc), limit - loaded, progress, loaded);
	return loaded;
}

Oid
warm_next_table(Oid table)
{
	Oid			next = InvalidOid;
	ListCell   *lc;

	coherence_refresh();
	foreach(lc, source_all())
	{
		Oid			relation = ((Source *) lfirst(lc))->relation;

		if (relation > table && (!OidIsValid(next) || relation < next))
			next = relation;
	}
	return next;
}

uint64
warm_table(Oid table, uint64 limit, WarmProgress progress)
{
	coherence_refresh();
	return warm_sources(source_all_of(table), limit, progress);
}

/*
 * tokenauth_warm(source name, max_rows bigint) returns bigint
 *
 * Throws 22023 if max_rows is negative, 42704 if the source is unknown, 55000
 * if there is no cache.
 */
TOKENAUTH_FUNCTION(tokenauth_warm);
Datum
tokenauth_warm(PG_FUNCTION_ARGS)
{
	uint64		limit = cache_capacity();
	List	   *sources;

	if (!cache_is_on())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("there is no cache to be warmed"),
				 errhint("Add tokenauth to shared_preload_libraries, leave tokenauth.cache_size above 0, and restart the server.")));
	if (!PG_ARGISNULL(1))
	{
		int64		max_rows = PG_GETARG_INT64(1);

		if (max_rows < 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("max_rows must not be negative")));
		limit = Min(limit, (uint64) max_rows);
	}
	if (!PG_ARGISNULL(0))
		sources = list_make1(judge_named_source(NameStr(*PG_GETARG_NAME(0))));
	else
	{
		coherence_refresh();
		sources = source_all();
	}
	PG_RETURN_INT64((int64) warm_sources(sources, limit, go_on));
}
