/*-------------------------------------------------------------------------
 *
 * kin.c
 *		A token that is written counts where it was meant to; see kin.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/sandbox.h"
#include "catalog/pg_type.h"
#include "judge/lookup.h"
#include "judge/scope.h"
#include "lifecycle/each_source.h"
#include "lifecycle/kin.h"
#include "lifecycle/lifecycle.h"
#include "lifecycle/shared_row.h"
#include "source/defaults.h"
#include "source/directory.h"
#include "source/generated.h"
#include "source/hold.h"
#include "source/problem.h"
#include "source/stored.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

/* ---------- what a source makes of a row ---------- */

typedef struct KinView
{
	const char *source;			/* its name */
	bool		is_known;		/* what follows could be read */
	bool		is_live;
	char	   *user;			/* as text; NULL: none is told */
	char	   *tenant;
	char	   *scope;			/* all of them, quoted */
	bool		is_kin;			/* another source; else what follows is of no concern */
	Interval   *max_lifetime;	/* NULL: none */
	Interval   *sliding_ttl;
	AttrNumber	expires;		/* its expires_column */
	TimestampTz slack;			/* in reading when it expires */
	bool		has_created;	/* by its row alone, whatever its parents say */
	TimestampTz created_at;
	bool		has_expiry;
	TimestampTz expires_at;
} KinView;

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

static KinView *
view_of(Source *source, const StoredValue *stored)
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

/* The same of a source of whose tokens another one's becomes one. */
static KinView *
view_of_kin(Source *source, const StoredValue *stored)
{
	KinView    *view = view_of(source, stored);

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
			views = lappend(views, view_of(lfirst(lc), stored));
		else if (shared_row_is_kin(source, lfirst(lc)))
			views = lappend(views, view_of_kin(lfirst(lc), stored));
	}
	return views;
}

/* ---------- a row that is changed, or made from another ---------- */

static const KinView *
find_view(const List *views, const char *source)
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

static bool
is_same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

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
	if (!is_same_text(before->user, now->user) ||
		!is_same_text(before->tenant, now->tenant))
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
	if (!is_same_text(before->scope, now->scope))
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
static void
check_view(const OwnerCall *call, const KinView *before, const KinView *now,
		   const KinView *asked)
{
	if (!now->is_live)
		return;
	check_life(call, before, now);
	check_holder(call, before, now);
	if (asked == NULL || !is_same_text(asked->scope, now->scope))
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
static void
check_end(const OwnerCall *call, const KinView *before, const KinView *now,
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
static void
check_issued_end(const OwnerCall *call, const KinView *before,
				 const KinView *now, const TimestampTz *begin)
{
	if (now->is_live && !ends_within_life(before, now) &&
		!ends_within(now, begin, now->max_lifetime))
		refuse_end(call, before, now);
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

/*
 * A source in which tokens do not slide has a successor live as long as its row tells
 * (life.h).  If that says that it was made when the old one was, because this source uses
 * the column and so has copied it, or code of the owner's writes it, that gets longer with
 * each rotation here.
 */
static void
check_begin(const OwnerCall *call, const KinView *before, const KinView *now)
{
	if (now->is_live && now->is_kin && now->sliding_ttl == NULL &&
		now->has_created && before->has_created &&
		now->created_at <= before->created_at &&
		now->created_at < GetCurrentTimestamp() - USECS_PER_SEC &&
		!ends_within_life(before, now))
		refuse_end(call, before, now);
}

/* A row that is changed began when it did before, one that is made begins anew. */
static void
check_views(const OwnerCall *call, const StoredValue *stored,
			const List *views, const TimestampTz *begin)
{
	ListCell   *lc;

	foreach(lc, kin_views(call, stored))
	{
		const KinView *now = lfirst(lc);
		const KinView *before = find_view(views, now->source);
		const TimestampTz *created = before != NULL && before->has_created ?
			&before->created_at : NULL;

		check_view(call, before, now, NULL);
		check_end(call, before, now, begin != NULL ? begin : created);
		if (begin != NULL)
			check_begin(call, before, now);
	}
}

void
kin_check_changed(const OwnerCall *call, const StoredValue *stored,
				  const List *before)
{
	check_views(call, stored, before, NULL);
}

/* ---------- a token that is revoked ---------- */

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

/* ---------- what a source is told, and how ---------- */

/* Does the parent, or one that it leads to, say whose a token is, or how long? */
static bool
leads_to_role(const Source *source, int parent)
{
	for (int role = 0; role < ROLE_COUNT; role++)
		if (column_is_told(&source->parent[parent].column[role]))
			return true;
	for (int i = parent + 1; i < source->nparents; i++)
		if (source->parent[i].via == parent && leads_to_role(source, i))
			return true;
	return false;
}

Bitmapset *
kin_claims(const Source *source)
{
	Bitmapset  *columns = NULL;
	ListCell   *lc;

	foreach(lc, source->claims)
	{
		AttrNumber	attnum = get_attnum(source->relation, lfirst(lc));

		if (attnum > 0)
			columns = bms_add_member(columns, attnum);
	}
	return columns;
}

/*
 * The columns of claims, and those that lead to the rows of parents that say whose a
 * token is; with the columns that generated ones are made of.
 */
static Bitmapset *
claimed_columns(const Source *source)
{
	Bitmapset  *given = kin_claims(source);

	for (int i = 0; i < source->nparents; i++)
		if (source->parent[i].via == VIA_TOKEN &&
			AttributeNumberIsValid(source->parent[i].from.attnum) &&
			leads_to_role(source, i))
			given = bms_add_member(given, source->parent[i].from.attnum);
	return generated_with_origins(source->relation, given);
}

/* Add the column of a role, unless it has the same role in the other source. */
static Bitmapset *
add_own_role(Bitmapset *columns, const Source *source, SourceRole role,
			 const Source *other)
{
	AttrNumber	attnum = source->column[role].attnum;

	return AttributeNumberIsValid(attnum) &&
		attnum != other->column[role].attnum ?
		bms_add_member(columns, attnum) : columns;
}

static bool
have_same_parents(const Source *a, const Source *b)
{
	if (a->nparents != b->nparents)
		return false;
	for (int i = 0; i < a->nparents; i++)
		if (a->parent[i].relation != b->parent[i].relation ||
			strcmp(a->parent[i].path, b->parent[i].path) != 0 ||
			!is_same_text(a->parent[i].live_when, b->parent[i].live_when))
			return false;
	return true;
}

/* The columns by which rows count in a source otherwise than in the other one. */
static Bitmapset *
kind_columns(const Source *source, const Source *other)
{
	Bitmapset  *columns = add_columns_of_node(NULL, source->condition);

	columns = add_columns_of_node(columns, source->verify_node);
	columns = add_own_role(columns, source, ROLE_REVOKED, other);
	columns = add_own_role(columns, source, ROLE_USED, other);
	for (int i = 0; i < source->nparents; i++)
		if (source->parent[i].via == VIA_TOKEN &&
			AttributeNumberIsValid(source->parent[i].from.attnum) &&
			!have_same_parents(source, other))
			columns = bms_add_member(columns, source->parent[i].from.attnum);
	return generated_with_origins(source->relation, columns);
}

/*
 * What a source claims that the other one does not tell: no user, tenant or scope, which
 * are compared, no life, nor what is the same of the row to both.
 */
static Bitmapset *
own_claims(const Source *source, const Source *other)
{
	Bitmapset  *columns = bms_difference(claimed_columns(source),
										 claimed_columns(other));

	for (int role = 0; role < ROLE_COUNT; role++)
		if (AttributeNumberIsValid(source->column[role].attnum) &&
			source->column[role].attnum == other->column[role].attnum)
			columns = bms_del_member(columns, source->column[role].attnum);
	return columns;
}

/* The columns by which a source tells of a token otherwise than the other one. */
static Bitmapset *
telling_columns(const Source *source, const Source *other)
{
	Bitmapset  *columns = bms_union(source->made_of, claimed_columns(source));

	columns = add_own_role(columns, source, ROLE_USER, other);
	columns = add_own_role(columns, source, ROLE_TENANT, other);
	return add_own_role(columns, source, ROLE_SCOPE, other);
}

/* ---------- a row that is issued ---------- */

Bitmapset *
kin_decided_columns(const OwnerCall *call, const Bitmapset *arguments)
{
	Bitmapset  *all = bms_add_range(NULL, 1, RelationGetDescr(call->table)->natts);

	return bms_union(arguments, defaults_by_session(call->table, all));
}

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
	const KinView *asked = view_of(unconstify(Source *, call->source), stored);
	const KinView *view = view_of(other, stored);

	return !asked->is_known || !view->is_known ||
		(view->user != NULL && !is_same_text(view->user, asked->user)) ||
		(view->tenant != NULL && !is_same_text(view->tenant, asked->tenant)) ||
		(view->scope != NULL && !is_same_text(view->scope, asked->scope));
}

/* Does the caller decide about the row in another source with the same token column? */
static bool
caller_decides(Source *other, const OwnerCall *call,
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
	own = bms_union(kind_columns(other, source), own_claims(other, source));
	own = decided_columns(own, decided, changed);
	telling = decided_columns(telling_columns(other, source), decided, changed);
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
	claimed = bms_difference(claimed_columns(other),
							 claimed_columns(call->source));
	return bms_overlap(other->made_of, attributes) ||
		bms_overlap(claimed, attributes);
}

static void
check_attributes(const OwnerCall *call, const StoredValue *stored,
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

void
kin_check_made(const OwnerCall *call, const StoredValue *stored,
			   const List *before, const Bitmapset *attributes)
{
	TimestampTz now = GetCurrentTimestamp();

	check_attributes(call, stored, attributes);
	check_views(call, stored, before, &now);
}

/* It counts there no longer than it may; and if it was exchanged, as the old one did. */
static void
check_issued_in(Source *other, const OwnerCall *call,
				const StoredValue *stored, const List *exchanged)
{
	TimestampTz begin = GetCurrentTimestamp();
	const KinView *before = find_view(exchanged, other->name);
	const KinView *now;

	if (exchanged == NIL && other->max_lifetime == NULL)
		return;
	now = view_of_kin(other, stored);
	if (exchanged != NIL)
		check_view(call, before, now,
				   view_of(unconstify(Source *, call->source), stored));
	check_issued_end(call, before, now, &begin);
}

void
kin_check_issued(const OwnerCall *call, const StoredValue *stored,
				 const Bitmapset *decided, const Bitmapset *attributes,
				 bool changed, const List *exchanged)
{
	ListCell   *lc;

	check_attributes(call, stored, attributes);
	foreach(lc, source_all_of(call->source->relation))
	{
		Source	   *other = lfirst(lc);

		if (!shared_row_is_kin(call->source, other))
			continue;
		if (caller_decides(other, call, stored, decided, changed))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("the new token would be one of source \"%s\", too",
							other->name),
					 errdetail("An argument, a default, a trigger or a rule of the table decides that, or it cannot be told."),
					 errhint("Issue the token from the source that is meant; or attach the two with conditions of which a row meets one.")));
		check_issued_in(other, call, stored, exchanged);
	}
}
