/*-------------------------------------------------------------------------
 *
 * kin_compare.c
 *		What a source makes of a row, compared with what it made of one before; see kin_compare.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lifecycle/kin_compare.h"
#include "lifecycle/lifecycle.h"
#include "utils/timestamp.h"

static void
check_life(const OwnerCall *call, const KinView *before, const KinView *now)
{
	if (before == NULL || !before->is_known || !before->is_live ||
		!now->is_known)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the token of source \"%s\" would come to life in source \"%s\"",
						call->source->name, now->source),
				 errdetail("It has been ended there, or was none of that source, or this cannot be told."),
				 errhint("Revoke the token, and issue another; or attach the two sources such that the same columns end their tokens.")));
}

static void
check_holder(const OwnerCall *call, const KinView *before, const KinView *now)
{
	if (!lifecycle_is_same_text(before->user, now->user) ||
		!lifecycle_is_same_text(before->tenant, now->tenant))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the token of source \"%s\" would be that of another user or tenant in source \"%s\"",
						call->source->name, now->source),
				 errdetail("The row says there whose it is by a column that is not copied, or that a trigger or rule of the table changes."),
				 errhint("Revoke the token, and issue another.")));
}

static void
check_scope(const OwnerCall *call, const KinView *before, const KinView *now)
{
	if (!lifecycle_is_same_text(before->scope, now->scope))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the token of source \"%s\" would have another scope in source \"%s\"",
						call->source->name, now->source),
				 errdetail("The row says it there by a column that is not copied, or that tokenauth, a trigger or a rule of the table changes."),
				 errhint("Revoke the token, and issue another.")));
}

/*
 * What counts now did before, as one of the same user, tenant and scope.  A scope can
 * also be that which the new token was asked for with, as its own source tells it.
 */
void
kin_check_view(const OwnerCall *call, const KinView *before, const KinView *now,
			   const KinView *asked)
{
	if (!now->is_live)
		return;
	check_life(call, before, now);
	check_holder(call, before, now);
	if (asked == NULL || !lifecycle_is_same_text(asked->scope, now->scope))
		check_scope(call, before, now);
}

/* Does it end no later than that one did? */
static bool
ends_within_life(const KinView *before, const KinView *now)
{
	return before != NULL && before->is_known && before->is_live &&
		(!before->has_expiry ||
		 (now->has_expiry && now->expires_at <= before->expires_at));
}

/* Does it end no later than so long after that?  If there is no such limit, it does. */
static bool
ends_within(const KinView *now, const TimestampTz *begin, Interval *limit)
{
	TimestampTz last;

	if (limit == NULL)
		return true;
	if (begin == NULL)
		return false;
	last = lifecycle_after(*begin, limit);
	if (!TIMESTAMP_NOT_FINITE(last))
		last += now->slack;
	return now->has_expiry && now->expires_at <= last;
}

static void
refuse_end(const OwnerCall *call, const KinView *before, const KinView *now)
{
	ereport(ERROR,
			(errcode(before != NULL ? ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE :
					 ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("the token of source \"%s\" would live longer in source \"%s\" than that one allows",
					call->source->name, now->source),
			 errhint("Name the source that is meant; or attach the two with the same sliding_ttl, max_lifetime and expires_column.")));
}

/*
 * The other source bounds the lives of its tokens, by whichever source they are written.
 * A token that is used lives for its sliding_ttl, from now, and none for more than its
 * max_lifetime from when it began, if that is known.
 */
void
kin_check_end(const OwnerCall *call, const KinView *before, const KinView *now,
			  const TimestampTz *begin)
{
	TimestampTz clock = GetCurrentTimestamp();

	if (!now->is_live || !now->is_kin || ends_within_life(before, now) ||
		(now->has_expiry &&
		 ends_within(now, &clock, now->sliding_ttl) &&
		 ends_within(now, begin, now->max_lifetime)))
		return;
	refuse_end(call, before, now);
}

/* A token that is issued is issued for so long, even if used ones are for less. */
void
kin_check_issued_end(const OwnerCall *call, const KinView *before,
					 const KinView *now, const TimestampTz *begin)
{
	if (now->is_live && !ends_within_life(before, now) &&
		!ends_within(now, begin, now->max_lifetime))
		refuse_end(call, before, now);
}

/*
 * A source in which tokens do not slide has a successor live as long as its row tells
 * (life.h).  If that says that it was made when the old one was, because this source uses
 * the column and so has copied it, or code of the owner's writes it, that gets longer with
 * each rotation here.
 */
void
kin_check_begin(const OwnerCall *call, const KinView *before, const KinView *now,
				TimestampTz begin)
{
	if (now->is_live && now->is_kin && now->sliding_ttl == NULL &&
		now->has_created && before->has_created &&
		now->created_at <= before->created_at &&
		now->created_at < begin &&
		!ends_within_life(before, now))
		refuse_end(call, before, now);
}
