/*-------------------------------------------------------------------------
 *
 * lookup.c
 *		A miss: what the table says of a token.
 *
 * The order is: locks, metadata, clock, snapshot, scan.  A snapshot from
 * before the lock would find nothing behind a TRUNCATE or a rewrite that we
 * waited for; a clock reading from after the snapshot would let an entry
 * outlive a change that it does not show (step 1 of doc/coherence.md).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "access/xact.h"
#include "base/testpoint.h"
#include "judge/lookup.h"
#include "judge/parents.h"
#include "judge/row.h"
#include "judge/scan.h"
#include "judge/verification.h"
#include "source/directory.h"
#include "source/expression.h"
#include "source/stored.h"
#include "source/stored_row.h"
#include "source/value.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"

bool
lookup_search_values(const Source *source, const LookupKey *key,
					 StoredValues *values)
{
	if (!stored_is_digest(source))
		return stored_values(source, key->token, key->token_len, values);
	values->n = 1;
	return stored_value_of_digest(source, &key->digest, &values->value[0]);
}

/*
 * All rows of a token, of which there is more than one only where its column
 * is not unique, or with several peppers.  Two live ones refuse it: it could
 * belong to either user.
 */
typedef struct Finding
{
	int			nrows;
	int			nlive;
	Verdict		spokesman;
} Finding;

/* Everything that the judging of one token's rows needs. */
typedef struct Scene
{
	const Source *source;
	const OpenSource *open;
	Snapshot	snapshot;
	TimestampTz now;
	bool		without_parents;	/* they are not open, and do not count */
	const LookupKey *key;		/* to be verified; NULL: nothing is, */
	const char *id;				/* and the row is known by its id */
	Finding		finding;
	Verification verification;
	bool		is_busy;		/* too many tokens are being verified */
} Scene;

/* A row's status and expiry, but for what the time of day says. */
static void
judge_life(const Scene *scene, TupleTableSlot *row, Verdict *verdict)
{
	const Source *source = scene->source;
	Relation	table = scene->open->table[0].table;

	row_judge_state(source, row, verdict);
	if (verdict->status == TOKEN_VALID &&
		((!scene->without_parents &&
		  !parents_live(source, scene->open, scene->snapshot, row, verdict,
						NULL)) ||
		 !row_meets_condition(source, table, row)))
		verdict->status = TOKEN_DISABLED;
	row_take_expiry(source, table, row, verdict);
}

static bool
is_live(const Verdict *verdict, TimestampTz now)
{
	return verdict->status == TOKEN_VALID &&
		!(verdict->has_expiry && verdict->expires_at <= now);
}

/*
 * Which of two rows of one token speaks for it.  The order must not depend on
 * the time of day: a cached answer and the table's would part as it passes.
 */
static bool
speaks_before(const Verdict *a, const Verdict *b)
{
	static const int rank[] = {
		[TOKEN_VALID] = 4,
		[TOKEN_DISABLED] = 3,
		[TOKEN_USED] = 2,
		[TOKEN_REVOKED] = 1,
	};

	if (rank[a->status] != rank[b->status])
		return rank[a->status] > rank[b->status];
	return b->has_expiry &&
		(!a->has_expiry || a->expires_at > b->expires_at);
}

/* A row's id as text, or NULL. */
static char *
id_of(const Scene *scene, TupleTableSlot *row)
{
	const Source *source = scene->source;
	Verdict		verdict;

	verdict_init(&verdict, TOKEN_VALID);
	row_take_fields(source, scene->open->table[0].table, row, &verdict);
	if (was_read_again(source, scene->open))
		return NULL;
	return verdict.field[FIELD_ID].data == NULL ? NULL :
		text_to_cstring(verdict_text(&verdict, FIELD_ID,
									 source->column[ROLE_ID].kind));
}

/* Is it the row of the id that is known?  Without one, whatever row it is. */
static bool
has_id(const Scene *scene, TupleTableSlot *row)
{
	const char *id;

	if (scene->id == NULL)
		return true;
	id = id_of(scene, row);
	return id != NULL && strcmp(id, scene->id) == 0;
}

/* Is it the row of the token that was presented? */
static bool
is_verified(const Scene *scene, TupleTableSlot *row)
{
	const Source *source = scene->source;
	const LookupKey *key = scene->key;
	ExpressionRow over = {scene->open->table[0].table, row, source->timezone};
	Datum		verified;
	bool		found;

	if (source->verify == NULL)
		return true;
	if (key == NULL)
		return has_id(scene, row);
	source_require_whole(source);
	over.token = cstring_to_text_with_len(key->token, (int) key->token_len);
	found = expression_try(&over, source->verify_node, &verified);
	token_wipe(PointerGetDatum(over.token));
	return found && DatumGetBool(verified);
}

/*
 * Is the row's verification one too many?  Once it is not, those of the token's other
 * rows are not either.
 */
static bool
is_too_many(Scene *scene)
{
	const Source *source = scene->source;
	const LookupKey *key = scene->key;

	if (source->verify == NULL || key == NULL || key->attempt == 0)
		return false;
	scene->is_busy = !verification_begin(&scene->verification, source,
										 &key->digest);
	if (!scene->is_busy)
		TEST_POINT(verify_begun);
	return scene->is_busy;
}

/* A RowVisitor: a row of the token table. */
static bool
visit_token(TupleTableSlot *row, void *arg)
{
	Scene	   *scene = arg;
	Finding    *finding = &scene->finding;
	Verdict		verdict;

	bool		unique = scene->open->table[0].finder.finds_one;

	if (is_too_many(scene))
		return false;
	if (!is_verified(scene, row))
		return !unique;
	if (!was_read_again(scene->source, scene->open))
		judge_life(scene, row, &verdict);
	if (was_read_again(scene->source, scene->open))
		return false;
	row_take_fields(scene->source, scene->open->table[0].table, row, &verdict);
	if (is_live(&verdict, scene->now))
		finding->nlive++;
	if (finding->nrows++ == 0 || speaks_before(&verdict, &finding->spokesman))
		finding->spokesman = verdict;
	return !unique;
}

static void
conclude(const Source *source, const Finding *finding, Verdict *verdict)
{
	if (finding->nrows > 0)
		*verdict = finding->spokesman;
	else
		verdict_init(verdict, TOKEN_UNKNOWN);

	row_require_user(source, verdict);
	if (finding->nlive > 1)
	{
		/* until one of them expires */
		verdict_init(verdict, TOKEN_UNKNOWN);
		verdict->transient = true;
	}
	/* the others may come to life with parents that the verdict lacks */
	if (finding->nrows > 1 && source->nparents > 0)
		verdict->transient = true;
}

/*
 * By one snapshot, until it turns out that the source has been read again, or that too
 * many tokens are being verified.
 */
static void
visit_all_values(const Scene *scene, const StoredValues *sought,
				 bool everywhere, RowVisitor visit, void *arg)
{
	for (int i = 0; i < sought->n && !scene->is_busy &&
		 !was_read_again(scene->source, scene->open); i++)
	{
		Datum		value = stored_datum(scene->source, &sought->value[i]);

		scan_visit(&(Visit) {&scene->open->table[0], scene->snapshot, value,
							 visit, arg, everywhere});
	}
}

/* Search and judge the rows of a token, of which there may be none. */
static void
find_rows(Scene *scene, const StoredValues *sought)
{
	scene->snapshot = scan_snapshot();
	TEST_POINT(fill_after_snapshot);
	scene->now = GetCurrentTimestamp();
	visit_all_values(scene, sought, false, visit_token, scene);
	verification_end(&scene->verification);
	UnregisterSnapshot(scene->snapshot);
}

/*
 * Where the key cannot be made from the row, the entry stands behind the cells of
 * the stored values: the trigger notes these.
 */
static void
add_own_cells(const Source *source, const StoredValues *sought,
			  Verdict *verdict)
{
	if (stored_gives_key(source) || TEST_FAULT(no_own_cell))
		return;
	for (int i = 0; i < sought->n; i++)
	{
		Assert(verdict->ncells < CACHE_MAX_CELLS);
		verdict->cell[verdict->ncells++] = stored_cell(source, &sought->value[i]);
	}
}

/*
 * With the source open: what its table says of a token's stored values.  False if the
 * source was read again meanwhile, or the scene is busy.
 */
static bool
judge_stored(Scene *scene, const StoredValues *sought, Verdict *verdict,
			 uint64 *stamp)
{
	TEST_POINT(fill_before_stamp);
	*stamp = cache_is_on() ? clock_read(cache_clock()) : 0;
	TEST_POINT(fill_before_snapshot);
	find_rows(scene, sought);
	if (TEST_FAULT(filler_stamps_late))
		*stamp = clock_read(cache_clock());
	if (scene->is_busy || was_read_again(scene->source, scene->open))
		return false;
	conclude(scene->source, &scene->finding, verdict);
	add_own_cells(scene->source, sought, verdict);
	return true;
}

bool
lookup_token(Source *source, const LookupKey *key, Verdict *verdict,
			 uint64 *stamp)
{
	OpenSource	open;
	Scene		scene = {source, &open,.key = key};
	StoredValues sought;
	bool		judged = false;

	if (!scan_open(source, true, &open))
		return false;
	if (lookup_search_values(source, key, &sought))
	{
		if (!was_read_again(source, &open))
			judged = judge_stored(&scene, &sought, verdict, stamp);
		stored_forget_all(&sought);
	}
	else
	{
		/* whatever the table has, now and later */
		*stamp = cache_is_on() ? clock_read(cache_clock()) : 0;
		verdict_init(verdict, TOKEN_UNKNOWN);
		judged = !was_read_again(source, &open);
	}
	scan_close(&open);
	if (scene.is_busy)
		verification_wait(source, &key->digest, key->attempt);
	return judged;
}

/*
 * A source can be read again while its rows are looked at, because of anything that
 * another session does to its table; then they are looked at again.  So often: code of
 * the owner's can have it read again each time.
 */
#define MAX_LOOKS		10

/*
 * The source as it was read again, for another table may have been attached since, while
 * code of an owner's ran.  Itself, if it is not registered any more, or is so anew: what
 * its tokens are may be something else.  Then it cannot be opened.  Opening its tables
 * hears of all that, so those who loop try again if they could not be opened.
 */
static Source *
as_registered(Source *source)
{
	Source	   *now;

	if (!source_is_outdated(source))
		return source;
	source_refresh();
	now = source_find_again(source);
	return now != NULL && source_is_unchanged(now, source) ? now : source;
}

bool
lookup_stored(Source *source, const StoredValue *stored, const char *id,
			  Verdict *verdict, uint64 *stamp)
{
	for (int look = 0; look < MAX_LOOKS; look++)
	{
		Source	   *now = as_registered(source);
		OpenSource	open;
		Scene		scene = {now, &open,.id = id};
		bool		judged;

		if (!scan_open(now, true, &open))
			continue;
		judged = judge_stored(&scene, &(StoredValues) {1, {*stored}}, verdict,
							  stamp);
		scan_close(&open);
		if (judged)
			return true;
	}
	return false;
}

/* A RowVisitor, until a row is live. */
static bool
visit_life(TupleTableSlot *row, void *arg)
{
	Scene	   *scene = arg;
	Verdict		verdict;

	if (!is_verified(scene, row))
		return true;
	if (!was_read_again(scene->source, scene->open))
		judge_life(scene, row, &verdict);
	if (was_read_again(scene->source, scene->open))
		return false;
	if (is_live(&verdict, scene->now))
		scene->finding.nlive++;
	return scene->finding.nlive == 0;
}

/* Visit the rows of one stored value, of now. */
static void
look_at_rows(Scene *scene, const StoredValue *stored, RowVisitor visit,
			 void *arg)
{
	Datum		value = stored_datum(scene->source, stored);

	scene->snapshot = scan_snapshot();
	scene->now = GetCurrentTimestamp();
	scan_visit(&(Visit) {&scene->open->table[0], scene->snapshot, value, visit,
						 arg});
	UnregisterSnapshot(scene->snapshot);
}

bool
lookup_is_live(Source *source, const StoredValue *stored,
			   const LookupKey *key, const char *id)
{
	for (int look = 0; look < MAX_LOOKS; look++)
	{
		Source	   *now = as_registered(source);
		OpenSource	open;
		Scene		scene = {now, &open,.without_parents = true,.key = key,.id = id};

		if (!scan_open(now, false, &open))
			continue;
		look_at_rows(&scene, stored, visit_life, &scene);
		scan_close(&open);
		if (!was_read_again(now, &open))
			return scene.finding.nlive > 0;
	}
	/* what cannot be looked at is not known to be dead */
	return true;
}

/* A RowVisitor, until a row meets the source's condition. */
static bool
visit_condition(TupleTableSlot *row, void *arg)
{
	Scene	   *scene = arg;

	if (is_verified(scene, row) &&
		!was_read_again(scene->source, scene->open) &&
		row_meets_condition(scene->source, scene->open->table[0].table, row))
		scene->finding.nrows++;
	return scene->finding.nrows == 0 &&
		!was_read_again(scene->source, scene->open);
}

bool
lookup_condition(Source *source, const StoredValue *stored, const char *id,
				 bool *met)
{
	for (int look = 0; look < MAX_LOOKS; look++)
	{
		Source	   *now = as_registered(source);
		OpenSource	open;
		Scene		scene = {now, &open,.without_parents = true,.id = id};

		if (!scan_open(now, false, &open))
			continue;
		look_at_rows(&scene, stored, visit_condition, &scene);
		scan_close(&open);
		*met = scene.finding.nrows > 0;
		if (!was_read_again(now, &open))
			return true;
	}
	return false;
}

/* The scene, and the ids that are found. */
typedef struct IdSearch
{
	Scene		scene;
	List	   *ids;
} IdSearch;

/* A RowVisitor. */
static bool
visit_id(TupleTableSlot *row, void *arg)
{
	IdSearch   *search = arg;

	if (is_verified(&search->scene, row))
		search->ids = lappend(search->ids, id_of(&search->scene, row));
	return true;
}

/* Has this transaction written this version of the row? */
static bool
is_written_here(TupleTableSlot *row)
{
	bool		isnull;
	Datum		xmin = slot_getsysattr(row, MinTransactionIdAttributeNumber,
									   &isnull);

	return TransactionIdIsCurrentTransactionId(DatumGetTransactionId(xmin));
}

/* A RowVisitor. */
static bool
visit_written(TupleTableSlot *row, void *arg)
{
	IdSearch   *search = arg;
	Scene	   *scene = &search->scene;
	Verdict		verdict;

	if (!is_written_here(row))
		return true;
	judge_life(scene, row, &verdict);
	if (was_read_again(scene->source, scene->open))
		return false;
	if (is_live(&verdict, scene->now))
		search->ids = lappend(search->ids, id_of(scene, row));
	return !was_read_again(scene->source, scene->open);
}

bool
lookup_written_live(Source *source, const StoredValue *stored, List **ids)
{
	for (int look = 0; look < MAX_LOOKS; look++)
	{
		Source	   *now = as_registered(source);
		OpenSource	open;
		IdSearch	search = {{now, &open,.without_parents = true}};

		if (!scan_open(now, false, &open))
			continue;
		look_at_rows(&search.scene, stored, visit_written, &search);
		scan_close(&open);
		*ids = search.ids;
		if (!was_read_again(now, &open))
			return true;
	}
	return false;
}

/* The scene, and where the rows are that are found. */
typedef struct PlaceSearch
{
	Scene		scene;
	List	   *places;
} PlaceSearch;

/* A RowVisitor. */
static bool
visit_live(TupleTableSlot *row, void *arg)
{
	PlaceSearch *search = arg;
	Scene	   *scene = &search->scene;
	Verdict		verdict;

	judge_life(scene, row, &verdict);
	if (was_read_again(scene->source, scene->open))
		return false;
	if (is_live(&verdict, scene->now))
	{
		ItemPointer place = palloc(sizeof(ItemPointerData));

		ItemPointerCopy(&row->tts_tid, place);
		search->places = lappend(search->places, place);
	}
	return true;
}

bool
lookup_live_rows(Source *source, const StoredValue *stored, List **places)
{
	for (int look = 0; look < MAX_LOOKS; look++)
	{
		Source	   *now = as_registered(source);
		OpenSource	open;
		PlaceSearch search = {{now, &open,.without_parents = true}};

		if (!scan_open(now, false, &open))
			continue;
		look_at_rows(&search.scene, stored, visit_live, &search);
		scan_close(&open);
		*places = search.places;
		if (!was_read_again(now, &open))
			return true;
	}
	return false;
}

/* One look; false if the source was read again meanwhile. */
static bool
look_for_ids(IdSearch *search, StoredValues *sought)
{
	Scene	   *scene = &search->scene;

	if (lookup_search_values(scene->source, scene->key, sought))
	{
		if (!was_read_again(scene->source, scene->open))
		{
			scene->snapshot = scan_snapshot();
			visit_all_values(scene, sought, true, visit_id, search);
			UnregisterSnapshot(scene->snapshot);
		}
		stored_forget_all(sought);
	}
	return !was_read_again(scene->source, scene->open);
}

bool
lookup_ids(Source *source, const LookupKey *key, List **ids)
{
	for (int look = 0; look < MAX_LOOKS; look++)
	{
		Source	   *now = as_registered(source);
		OpenSource	open;
		IdSearch	search = {{now, &open,.without_parents = true,.key = key}};
		StoredValues sought;
		bool		seen;

		if (!scan_open(now, false, &open))
			continue;
		seen = look_for_ids(&search, &sought);
		scan_close(&open);
		*ids = search.ids;
		if (seen)
			return true;
	}
	return false;
}
