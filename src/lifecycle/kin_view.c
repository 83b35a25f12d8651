/*-------------------------------------------------------------------------
 *
 * kin_view.c
 *		What the sources of a token column make of a row; see kin_view.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "judge/lookup.h"
#include "judge/scope.h"
#include "lifecycle/kin_view.h"
#include "lifecycle/lifecycle.h"
#include "lifecycle/shared_row.h"
#include "source/directory.h"
#include "utils/builtins.h"

/*
 * The scopes that a source tells, so that others are written otherwise: two that are one
 * in another source, with a space in it.
 */
static char *
scopes_told(const Judgement *judgement)
{
	const VerdictValue *value = &judgement->verdict.field[FIELD_SCOPE];
	StringInfoData text;
	ListCell   *lc;

	if (value->data == NULL)
		return NULL;
	initStringInfo(&text);
	foreach(lc, scope_names(value, judgement->source->column[ROLE_SCOPE].kind))
		appendStringInfo(&text, "%s,", quote_literal_cstr(lfirst(lc)));
	return text.data;
}

KinView *
kin_view_of(Source *source, const StoredValue *stored)
{
	KinView    *view = palloc0(sizeof(KinView));
	Judgement	judgement = {.source = source};
	uint64		stamp;

	view->source = pstrdup(source->name);
	view->is_live = true;
	view->is_known = source_is_readable(source) &&
		lookup_stored(source, stored, NULL, &judgement.verdict, &stamp);
	if (!view->is_known)
		return view;
	view->user = lifecycle_field_text(&judgement, FIELD_USER, ROLE_USER);
	view->tenant = lifecycle_field_text(&judgement, FIELD_TENANT, ROLE_TENANT);
	view->scope = scopes_told(&judgement);
	view->is_live = lookup_is_live(source, stored, NULL, NULL);
	return view;
}

/*
 * How long a row counts, by the source's own columns.  A parent's expiry can be moved
 * at any time.
 */
static void
add_life_of_row(KinView *view, OwnerCall *call, ItemPointer place,
				bool is_first)
{
	QueryResult *row;
	TimestampTz expires;
	bool		has_expiry;
	int			n = owner_parameter(call, TIDOID, PointerGetDatum(place), false);

	row = owner_query_latest(call,
							 psprintf("SELECT %s, %s FROM ONLY %s WHERE ctid OPERATOR(pg_catalog.=) $%d",
									  owner_read_timestamp(call, ROLE_EXPIRES),
									  owner_read_timestamp(call, ROLE_CREATED),
									  owner_table(call), n));
	if (row->nrows > 0)
	{
		has_expiry = query_timestamp(row, 0, 1, &expires);
		/* of several rows it is the one that expires last */
		if (is_first || !has_expiry ||
			(view->has_expiry && expires > view->expires_at))
		{
			view->has_expiry = has_expiry;
			view->expires_at = expires;
			view->has_created = query_timestamp(row, 0, 2, &view->created_at);
		}
	}
	query_free(row);
}

/* The rows that count there; rows of other kinds can have the same token. */
static void
add_life(KinView *view, Source *source, const StoredValue *stored)
{
	OwnerCall	call;
	List	   *places;
	ListCell   *lc;

	if (!lookup_live_rows(source, stored, &places))
		stored_source_changed(source);
	owner_begin(&call, source);
	foreach(lc, places)
		add_life_of_row(view, &call, lfirst(lc), lc == list_head(places));
	owner_end(&call);
}

static Interval *
copy_interval(const Interval *interval)
{
	Interval   *copy;

	if (interval == NULL)
		return NULL;
	copy = palloc(sizeof(Interval));
	*copy = *interval;
	return copy;
}

KinView *
kin_view_of_kin(Source *source, const StoredValue *stored)
{
	KinView    *view = kin_view_of(source, stored);

	view->is_kin = true;
	view->max_lifetime = copy_interval(source->max_lifetime);
	view->sliding_ttl = copy_interval(source->sliding_ttl);
	view->expires = source->column[ROLE_EXPIRES].attnum;
	view->slack = lifecycle_expiry_slack(source);
	if (view->is_known && view->is_live)
		add_life(view, source, stored);
	return view;
}

List *
kin_views(const OwnerCall *call, const StoredValue *stored)
{
	const Source *source = call->source;
	List	   *views = NIL;
	ListCell   *lc;

	source_refresh();
	foreach(lc, source_all_of(source->relation))
	{
		if (source_is_same(lfirst(lc), source))
			views = lappend(views, kin_view_of(lfirst(lc), stored));
		else if (shared_row_is_kin(source, lfirst(lc)))
			views = lappend(views, kin_view_of_kin(lfirst(lc), stored));
	}
	return views;
}

const KinView *
kin_find_view(const List *views, const char *source)
{
	ListCell   *lc;

	foreach(lc, views)
	{
		const KinView *view = lfirst(lc);

		if (strcmp(view->source, source) == 0)
			return view;
	}
	return NULL;
}

const char *
kin_that_renews(const OwnerCall *call, const List *views)
{
	AttrNumber	expires = call->source->column[ROLE_EXPIRES].attnum;
	ListCell   *lc;

	foreach(lc, views)
	{
		const KinView *view = lfirst(lc);

		if (view->is_kin && view->is_live && view->sliding_ttl != NULL &&
			view->expires == expires)
			return view->source;
	}
	return NULL;
}
