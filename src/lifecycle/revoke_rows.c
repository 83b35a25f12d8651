/*-------------------------------------------------------------------------
 *
 * revoke_rows.c
 *		Revoking tokens by what their rows say; see revoke_rows.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include "lifecycle/concerned.h"
#include "lifecycle/each_source.h"
#include "lifecycle/kin_revoked.h"
#include "lifecycle/revoke_rows.h"
#include "lifecycle/shared_row.h"
#include "source/owner.h"
#include "source/stored.h"

/* In one source; others must not suffer for it. */
pg_noreturn static void
give_up(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
			 errmsg("could not revoke all tokens"),
			 errdetail("Again and again there were new ones."),
			 errhint("Retry.")));
}

/* Tokens of a source that are to be revoked; they stay noted until the end. */
typedef struct NotedTokens
{
	const Source *source;
	QueryResult *tokens;
	List	  **live;			/* for each, what ending_written() has told */
	List	  **kin;			/* and kin_lives(); NULL: it has no kin */
	uint64		distinct;
	uint64		written;		/* rows, where they were */
	uint64		one_by_one;		/* tokens, which were live after all */
	uint64		in_this_look;	/* of these, not yet counted */
} NotedTokens;

/* In the source named, or in each that could have such values. */
typedef struct RowRevocation
{
	RowsOf		rows;
	bool		named;
	int			look;			/* from 1 */
	bool		any_live;		/* in this look */
	List	   *noted;			/* in each source, then what has come since */
	List	   *untold;			/* kin_check_revoked() */
} RowRevocation;

static bool
could_have(const Source *source, const RowRevocation *revocation)
{
	const RowsOf *rows = &revocation->rows;

	for (int i = 0; i < rows->n; i++)
		if (!each_source_has_role(source, rows->role[i], revocation->named) ||
			(!revocation->named &&
			 !each_source_could_have(source, rows->role[i], rows->value[i])))
			return false;
	return true;
}

static NotedTokens *
take_tokens(const RowRevocation *revocation, OwnerCall *call)
{
	NotedTokens *noted = palloc0(sizeof(NotedTokens));
	StoredValue stored;

	noted->source = call->source;
	noted->tokens = ending_tokens_of(call, &revocation->rows);
	noted->distinct = ending_distinct(call, noted->tokens);
	noted->live = palloc0(Max(noted->tokens->nrows, 1) * sizeof(List *));
	if (shared_row_has_kinds(call->source))
		noted->kin = palloc0(Max(noted->tokens->nrows, 1) * sizeof(List *));
	for (uint64 i = 0; i < noted->tokens->nrows; i++)
	{
		if (!stored_of_result(noted->tokens, i, 1, &stored))
			continue;
		noted->live[i] = ending_written(call, &stored);
		if (noted->kin != NULL)
			noted->kin[i] = kin_lives(call, &stored);
	}
	return noted;
}

static void
check_written(const OwnerCall *call, const NotedTokens *noted)
{
	StoredValue stored;

	for (uint64 i = 0; i < noted->tokens->nrows; i++)
		if (stored_of_result(noted->tokens, i, 1, &stored))
			ending_check_written(call, &stored, noted->live[i]);
}

/*
 * Those noted of a source at first, or NULL.  What was noted of it before its table was
 * attached again, which a trigger can do, cannot be judged by what it means now.
 */
static NotedTokens *
find_noted(const RowRevocation *revocation, const Source *source)
{
	ListCell   *lc;

	foreach(lc, revocation->noted)
	{
		NotedTokens *noted = lfirst(lc);

		if (strcmp(noted->source->name, source->name) != 0)
			continue;
		if (!source_is_unchanged(noted->source, source))
			stored_source_changed(source);
		return noted;
	}
	return NULL;
}

/* The same; they are noted now if they have not been before. */
static NotedTokens *
note(RowRevocation *revocation, OwnerCall *call)
{
	NotedTokens *noted = find_noted(revocation, call->source);

	if (noted != NULL)
		return noted;
	noted = take_tokens(revocation, call);
	revocation->noted = lappend(revocation->noted, noted);
	return noted;
}

static bool
is_concerned(const Source *source, const RowRevocation *revocation)
{
	bool		concerned = could_have(source, revocation);

	/* once noted, its tokens are judged */
	if (find_noted(revocation, source) != NULL && !concerned)
		stored_source_changed(source);
	return concerned;
}

/* A SourceWork. */
static bool
note_tokens(Source *source, void *arg)
{
	RowRevocation *revocation = arg;
	OwnerCall	call;

	if (!is_concerned(source, revocation))
		return false;
	owner_begin(&call, source);
	(void) note(revocation, &call);
	owner_end(&call);
	return true;
}

/* Revoke those of a source's tokens that are live, and say if there were any. */
static bool
revoke_noted(OwnerCall *call, NotedTokens *noted, bool again)
{
	bool		any_live;

	noted->in_this_look = 0;
	any_live = ending_revoke_live(call, noted->tokens, again,
								  &noted->in_this_look);
	check_written(call, noted);
	return any_live;
}

/* Where a single source is named, its errors are raised, and undo all. */
static void
check_moved(const RowRevocation *revocation, OwnerCall *call,
			NotedTokens *noted)
{
	ending_revoke_moved(call, noted->tokens, &revocation->rows,
						&noted->in_this_look);
	check_written(call, noted);
}

/*
 * A SourceWork.  If a token lives on and would not be found the next time, because a
 * trigger has given its row to another user, say, then none of it has been done.
 */
static bool
write_rows(Source *source, void *arg)
{
	RowRevocation *revocation = arg;
	NotedTokens *noted;
	OwnerCall	call;
	uint64		written;

	if (!is_concerned(source, revocation))
		return false;
	owner_begin(&call, source);
	noted = note(revocation, &call);
	written = ending_revoke_noted(&call, noted->tokens);
	noted->in_this_look = 0;
	if (!revocation->named)
		check_moved(revocation, &call, noted);
	owner_end(&call);
	noted->written += written;
	noted->one_by_one += noted->in_this_look;
	return true;
}

static void
count_look(RowRevocation *revocation, const Source *source)
{
	ListCell   *lc;

	foreach(lc, revocation->noted)
	{
		NotedTokens *noted = lfirst(lc);

		if (source_is_same(noted->source, source))
			noted->one_by_one += noted->in_this_look;
	}
}

/*
 * A SourceWork.  New tokens are looked for first: that evaluates the owner's
 * expressions, and what they bring about is then judged.
 */
static bool
sweep(Source *source, void *arg)
{
	RowRevocation *revocation = arg;
	NotedTokens *later;
	OwnerCall	call;
	bool		any_live = false;
	ListCell   *lc;

	if (!is_concerned(source, revocation))
		return false;
	owner_begin(&call, source);
	(void) note(revocation, &call);
	later = take_tokens(revocation, &call);
	foreach(lc, revocation->noted)
	{
		NotedTokens *noted = lfirst(lc);

		if (source_is_same(noted->source, source))
			any_live |= revoke_noted(&call, noted,
									 revocation->look < CONCERNED_MAX_LOOKS);
	}
	if (revoke_noted(&call, later, true))
	{
		if (revocation->look == CONCERNED_MAX_LOOKS)
			give_up();
		any_live = true;
	}
	owner_end(&call);
	if (later->tokens->nrows > 0)
		revocation->noted = lappend(revocation->noted, later);
	count_look(revocation, source);
	revocation->any_live |= any_live;
	return true;
}

static void
check_kin(const OwnerCall *call, const NotedTokens *noted, List **untold)
{
	StoredValue stored;

	for (uint64 i = 0; i < noted->tokens->nrows; i++)
		if (stored_of_result(noted->tokens, i, 1, &stored))
			kin_check_revoked(call, &stored, noted->kin[i], NIL, untold);
}

/*
 * A SourceWork, once all have had their turn.  A source in which a token has come to life
 * by that can take it for another user's, so that it was not revoked there; or another
 * one is named.
 */
static bool
check_elsewhere(Source *source, void *arg)
{
	RowRevocation *revocation = arg;
	OwnerCall	call;
	ListCell   *lc;

	if (!is_concerned(source, revocation))
		return false;
	owner_begin(&call, source);
	foreach(lc, revocation->noted)
	{
		const NotedTokens *noted = lfirst(lc);

		if (noted->kin != NULL && source_is_same(noted->source, source))
			check_kin(&call, noted, &revocation->untold);
	}
	owner_end(&call);
	return true;
}

/*
 * Revoke such rows, judge their tokens, and look again until none is live.  A
 * rotation or exchange that was under way may have committed a new token while we
 * waited for the row of the old one, which our snapshot was too old to show.
 *
 * The tokens of all sources are noted before anything is written, and judged until a
 * look at all of them has written nothing: what that brings about in one table, by its
 * triggers, can move the rows of another, or revive them.  A source in which that has no
 * end is left out.
 */
static void
revoke_rows(Concerned *concerned, const char *name, RowRevocation *revocation)
{
	SourceBudget budget = {0};

	concerned->left = each_source(concerned->left, true, note_tokens,
								  revocation, &budget);
	concerned->left = each_source(concerned->left, true, write_rows,
								  revocation, &budget);
	do
	{
		Assert(revocation->look < CONCERNED_MAX_LOOKS);
		revocation->look++;
		revocation->any_live = false;
		concerned->left = each_source(concerned->left, true, sweep, revocation,
									  &budget);
	} while (concerned_take_new(concerned, name, each_source_choose(name),
								revocation->look) ||
			 revocation->any_live);
	concerned->left = each_source(concerned->left, true, check_elsewhere,
								  revocation, &budget);
}

/*
 * How many of its tokens have been ended.  A row can have been written in vain before
 * it was revoked one by one, and there can be several rows of a token.
 */
static uint64
count_ended(const NotedTokens *noted)
{
	return Min(noted->written + noted->one_by_one, noted->distinct);
}

/* How many have been ended; what has been noted is forgotten. */
static uint64
end_revocation(RowRevocation *revocation)
{
	uint64		ended = 0;
	ListCell   *lc;

	foreach(lc, revocation->noted)
	{
		NotedTokens *noted = lfirst(lc);

		ended += count_ended(noted);
		query_free(noted->tokens);
	}
	return ended;
}

bool
revoke_rows_wherever(const RowsOf *rows, const char *source_name, uint64 *ended)
{
	RowRevocation revocation = {.rows = *rows,.named = source_name != NULL};
	Concerned	concerned = concerned_begin(each_source_choose(source_name));

	revoke_rows(&concerned, source_name, &revocation);
	*ended = end_revocation(&revocation);
	return !concerned_is_incomplete(&concerned, revocation.untold);
}
