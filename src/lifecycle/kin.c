/*-------------------------------------------------------------------------
 *
 * kin.c
 *		A token that is written counts where it was meant to; see kin.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lifecycle/kin.h"
#include "lifecycle/kin_compare.h"
#include "lifecycle/kin_decision.h"
#include "lifecycle/kin_view.h"
#include "lifecycle/shared_row.h"
#include "source/defaults.h"
#include "source/directory.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

/* A row that is changed began when it did before, one that is made begins anew. */
static void
check_views(const OwnerCall *call, const StoredValue *stored,
			const List *views, const TimestampTz *begin)
{
	ListCell   *lc;

	foreach(lc, kin_views(call, stored))
	{
		const KinView *now = lfirst(lc);
		const KinView *before = kin_find_view(views, now->source);
		const TimestampTz *created = before != NULL && before->has_created ?
			&before->created_at : NULL;

		kin_check_view(call, before, now, NULL);
		kin_check_end(call, before, now, begin != NULL ? begin : created);
		if (begin != NULL)
			kin_check_begin(call, before, now, *begin);
	}
}

void
kin_check_changed(const OwnerCall *call, const StoredValue *stored,
				  const List *before)
{
	check_views(call, stored, before, NULL);
}

void
kin_check_made(const OwnerCall *call, const StoredValue *stored,
			   const List *before, const Bitmapset *attributes,
			   TimestampTz begin)
{
	kin_check_attributes(call, stored, attributes);
	check_views(call, stored, before, &begin);
}

Bitmapset *
kin_decided_columns(const OwnerCall *call, const Bitmapset *arguments)
{
	Bitmapset  *all = bms_add_range(NULL, 1, RelationGetDescr(call->table)->natts);

	return bms_union(arguments, defaults_by_session(call->table, all));
}

/* It counts there no longer than it may; and if it was exchanged, as the old one did. */
static void
check_issued_in(Source *other, const OwnerCall *call,
				const StoredValue *stored, const List *exchanged,
				TimestampTz begin)
{
	const KinView *before = kin_find_view(exchanged, other->name);
	const KinView *now;

	if (exchanged == NIL && other->max_lifetime == NULL)
		return;
	now = kin_view_of_kin(other, stored);
	if (exchanged != NIL)
		kin_check_view(call, before, now,
					   kin_view_of(unconstify(Source *, call->source), stored));
	kin_check_issued_end(call, before, now, &begin);
}

void
kin_check_issued(const OwnerCall *call, const StoredValue *stored,
				 const Bitmapset *decided, const Bitmapset *attributes,
				 bool changed, const List *exchanged, TimestampTz begin)
{
	ListCell   *lc;

	kin_check_attributes(call, stored, attributes);
	foreach(lc, source_all_of(call->source->relation))
	{
		Source	   *other = lfirst(lc);

		if (!shared_row_is_kin(call->source, other))
			continue;
		if (kin_caller_decides(other, call, stored, decided, changed))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("the new token would be one of source \"%s\", too",
							other->name),
					 errdetail("An argument, a default, a trigger or a rule of the table decides that, or it cannot be told."),
					 errhint("Issue the token from the source that is meant; or attach the two with conditions of which a row meets one.")));
		check_issued_in(other, call, stored, exchanged, begin);
	}
}
