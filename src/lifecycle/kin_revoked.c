/*-------------------------------------------------------------------------
 *
 * kin_revoked.c
 *		A token that is revoked does not come to life in another source; see kin_revoked.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/sandbox.h"
#include "judge/lookup.h"
#include "lifecycle/each_source.h"
#include "lifecycle/kin_revoked.h"
#include "lifecycle/shared_row.h"
#include "source/directory.h"
#include "source/hold.h"
#include "source/problem.h"

/* What can be told of a token's life in one source. */
typedef struct KinLife
{
	Source	   *source;
	const StoredValue *stored;	/* while it is looked for */
	bool		is_live;
	const char *untold;			/* why that is not known; NULL: it is */
} KinLife;

/* NULL if it can be looked at. */
static const char *
why_not_readable(Source *source)
{
	bool		hindered;
	bool		valid = source_try_validate(source, &hindered);

	if (hindered)
		return "something that it needs is locked";
	if (!valid)
		return "its table has been dropped";
	return PROBLEM_IS_FATAL(source->problem) ?
		each_source_told(problem_message(source)) : NULL;
}

static void
look_for_life(void *arg)
{
	KinLife    *life = arg;

	life->untold = why_not_readable(life->source);
	if (life->untold == NULL)
		life->is_live = lookup_is_live(life->source, life->stored, NULL, NULL);
}

/*
 * Each by itself: one that cannot be read, whose expressions fail, must not keep a token
 * of another from being revoked.
 */
static KinLife
life_in(Source *source, const StoredValue *stored)
{
	KinLife		life = {source, stored};
	ErrorData  *error = sandbox_try(look_for_life, &life, true);

	life.stored = NULL;
	if (error == NULL)
		return life;
	if (sandbox_concerns_all(error))
		ReThrowError(error);
	life.untold = each_source_told(error->message);
	FreeErrorData(error);
	return life;
}

List *
kin_lives(const OwnerCall *call, const StoredValue *stored)
{
	const Source *source = call->source;
	List	   *lives = NIL;
	ListCell   *lc;

	source_refresh();
	foreach(lc, source_all_of(source->relation))
	{
		KinLife    *life;

		if (!shared_row_is_kin(source, lfirst(lc)))
			continue;
		life = palloc(sizeof(KinLife));
		*life = life_in(lfirst(lc), stored);
		lives = lappend(lives, life);
	}
	return lives;
}

/* NULL if none was looked at, as of a source that is attached meanwhile. */
static const KinLife *
find_life(const List *lives, const Source *source)
{
	ListCell   *lc;

	foreach(lc, lives)
		if (source_is_same(((KinLife *) lfirst(lc))->source, source))
			return lfirst(lc);
	return NULL;
}

/* Whether the token of one source has come to life in another cannot be told. */
typedef struct KinUntold
{
	const Source *source;
	const Source *other;
	const char *why;
} KinUntold;

static void
add_untold(List **untold, const OwnerCall *call, const KinLife *life,
		   const char *why)
{
	KinUntold  *one;
	ListCell   *lc;

	foreach(lc, *untold)
		if (source_is_same(((KinUntold *) lfirst(lc))->other, life->source))
			return;
	one = palloc(sizeof(KinUntold));
	*one = (KinUntold) {call->source, life->source, why};
	*untold = lappend(*untold, one);
}

/* One that lived there before has not come to life by what we have done. */
static void
check_no_life(const OwnerCall *call, const KinLife *before, const KinLife *now,
			  List **untold)
{
	bool		unsure = before != NULL && before->untold != NULL;

	if (before != NULL && !unsure && before->is_live)
		return;
	if (now->untold != NULL)
		add_untold(untold, call, now, now->untold);
	else if (now->is_live && unsure)
		add_untold(untold, call, now, before->untold);
	else if (now->is_live)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("to revoke the token in source \"%s\" would bring it to life in source \"%s\"",
						call->source->name, now->source->name),
				 errhint("Revoke it in both, or attach the two sources such that the same columns end their tokens.")));
}

void
kin_check_revoked(const OwnerCall *call, const StoredValue *stored,
				  const List *before, const List *except, List **untold)
{
	ListCell   *lc;

	source_refresh();
	foreach(lc, source_all_of(call->source->relation))
	{
		KinLife		now;

		if (!shared_row_is_kin(call->source, lfirst(lc)) ||
			each_source_has(except, lfirst(lc)))
			continue;
		now = life_in(lfirst(lc), stored);
		check_no_life(call, find_life(before, now.source), &now, untold);
	}
}

static void
warn_untold(const KinUntold *one)
{
	ereport(WARNING,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("token source \"%s\" is left out", one->other->name),
			 errdetail("Whether what was revoked in source \"%s\" has come to life there cannot be told: %s.",
					   one->source->name, one->why),
			 errhint("When that is mended, see whether it lives there, and revoke it there, too.")));
}

void
kin_warn_untold(const List *untold, const List *warned)
{
	ListCell   *lc;

	foreach(lc, untold)
		if (!each_source_has(warned, ((KinUntold *) lfirst(lc))->other))
			warn_untold(lfirst(lc));
}
