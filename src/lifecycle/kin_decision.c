/*-------------------------------------------------------------------------
 *
 * kin_decision.c
 *		What a caller decides about tokens of other sources; see kin_decision.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lifecycle/kin_columns.h"
#include "lifecycle/kin_decision.h"
#include "lifecycle/kin_view.h"
#include "lifecycle/lifecycle.h"
#include "lifecycle/shared_row.h"
#include "source/directory.h"

/* Those of some columns, if the row is what the INSERT said; else any of them. */
static Bitmapset *
decided_columns(const Bitmapset *columns, const Bitmapset *decided, bool changed)
{
	return changed ? bms_copy(columns) : bms_intersect(columns, decided);
}

/* Has code that ran meanwhile given the token to another row, too? */
static bool
has_several_rows(const OwnerCall *call, const StoredValue *stored)
{
	OwnerCall	own;
	QueryResult *rows;
	bool		several;

	if (call->source->finder.unique)
		return false;
	owner_begin(&own, call->source);
	rows = owner_query_latest(&own,
							  psprintf("SELECT FROM ONLY %s WHERE %s LIMIT 2",
									   owner_table(&own),
									   owner_is_token(&own, stored)));
	several = rows->nrows > 1;
	query_free(rows);
	owner_end(&own);
	return several;
}

/*
 * Does a source tell of the row, which both take, something else than the source that
 * was asked?
 */
static bool
tells_otherwise(Source *other, const OwnerCall *call, const StoredValue *stored)
{
	const KinView *asked = kin_view_of(unconstify(Source *, call->source), stored);
	const KinView *view = kin_view_of(other, stored);

	return !asked->is_known || !view->is_known ||
		(view->user != NULL && !lifecycle_is_same_text(view->user, asked->user)) ||
		(view->tenant != NULL && !lifecycle_is_same_text(view->tenant, asked->tenant)) ||
		(view->scope != NULL && !lifecycle_is_same_text(view->scope, asked->scope));
}

bool
kin_caller_decides(Source *other, const OwnerCall *call,
				   const StoredValue *stored, const Bitmapset *decided,
				   bool changed)
{
	const Source *source = call->source;
	Bitmapset  *own;
	Bitmapset  *telling;

	if (shared_row_is_certain(other, stored, NULL, false))
		return false;
	if (!source_is_readable(other))
		return true;
	changed = changed || has_several_rows(call, stored);
	own = bms_union(kin_kind_columns(other, source), kin_own_claims(other, source));
	own = decided_columns(own, decided, changed);
	telling = decided_columns(kin_telling_columns(other, source), decided, changed);
	return !bms_is_empty(own) ||
		(!bms_is_empty(telling) && tells_otherwise(other, call, stored));
}

/*
 * Do attributes decide about another source's token in the row?  Who issues a token of
 * the source may give what two sources with tokens of their own in one row tell alike.
 */
static bool
attributes_decide(Source *other, const OwnerCall *call,
				  const StoredValue *stored, const Bitmapset *attributes)
{
	bool		is_kin = shared_row_is_kin(call->source, other);
	Bitmapset  *claimed;

	if (bms_is_empty(attributes) ||
		(is_kin && shared_row_is_certain(other, stored, NULL, false)))
		return false;
	if (!source_is_readable(other))
		return true;			/* nobody knows */
	if (is_kin)
		return bms_overlap(other->matters, attributes);
	claimed = bms_difference(kin_claimed_columns(other),
							 kin_claimed_columns(call->source));
	return bms_overlap(other->made_of, attributes) ||
		bms_overlap(claimed, attributes);
}

void
kin_check_attributes(const OwnerCall *call, const StoredValue *stored,
					 const Bitmapset *attributes)
{
	ListCell   *lc;

	foreach(lc, source_all_of(call->source->relation))
	{
		Source	   *other = lfirst(lc);

		if (source_is_same(other, call->source) ||
			!attributes_decide(other, call, stored, attributes))
			continue;
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"attributes\" must not decide about tokens of source \"%s\"",
						other->name),
				 errdetail("The new row would be one of that source, too, or cannot be told from one."),
				 errhint("Issue the token from the source that is meant.")));
	}
}
