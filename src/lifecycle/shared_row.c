/*-------------------------------------------------------------------------
 *
 * shared_row.c
 *		What other sources of the same table have in a row; see shared_row.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "judge/lookup.h"
#include "lifecycle/shared_row.h"
#include "source/directory.h"

static bool
plays(const Source *source, const char *column, SourceRole role)
{
	const char *name = source->column[role].name;

	return name != NULL && strcmp(name, column) == 0;
}

const Source *
shared_row_user(const Source *source, const char *column, SourceRole *role)
{
	ListCell   *lc;

	foreach(lc, source_all_of(source->relation))
	{
		const Source *other = lfirst(lc);

		if (source_is_same(other, source))
			continue;
		for (*role = ROLE_TOKEN; *role < ROLE_COUNT; (*role)++)
			if (plays(other, column, *role))
				return other;
	}
	return NULL;
}

bool
shared_row_has_token(const Source *source, const char *column)
{
	ListCell   *lc;

	foreach(lc, source_all_of(source->relation))
		if (!source_is_same(lfirst(lc), source) &&
			plays(lfirst(lc), column, ROLE_TOKEN))
			return true;
	return false;
}

const char *
shared_row_has_own(OwnerCall *call)
{
	return list_length(source_all_of(call->source->relation)) > 1 ?
		psprintf(" AND %s IS NOT NULL", owner_column(call, ROLE_TOKEN)) : "";
}

bool
shared_row_has_kinds(const Source *source)
{
	return shared_row_has_token(source, source->column[ROLE_TOKEN].name);
}

/* Is that certain? */
static bool
meets_condition(Source *source, const StoredValue *stored, const char *id,
				bool wanted)
{
	bool		met;

	return source_validate(source) && !PROBLEM_IS_FATAL(source->problem) &&
		lookup_condition(source, stored, id, &met) && met == wanted;
}

bool
shared_row_is_others(const Source *source, const StoredValue *stored,
					 const char *id)
{
	ListCell   *lc;

	if (!shared_row_has_kinds(source) ||
		!meets_condition(unconstify(Source *, source), stored, id, false))
		return false;
	foreach(lc, source_all_of(source->relation))
		if (!source_is_same(lfirst(lc), source) &&
			plays(lfirst(lc), source->column[ROLE_TOKEN].name, ROLE_TOKEN) &&
			meets_condition(lfirst(lc), stored, id, true))
			return true;
	return false;
}

/* Could columns decide whether a row has a token of the source, or what it says? */
static bool
depends_on(Source *source, const Bitmapset *columns)
{
	if (!source_validate(source) || PROBLEM_IS_FATAL(source->problem))
		return true;			/* nobody knows */
	return bms_overlap(source->matters, columns);
}

/* Is the new row, or would it be, another source's by such columns? */
static bool
makes_token_of(Source *other, const Source *source, const StoredValue *stored,
			   const char *id, const Bitmapset *columns)
{
	if (!depends_on(other, columns))
		return false;
	if (plays(other, source->column[ROLE_TOKEN].name, ROLE_TOKEN))
		return !meets_condition(other, stored, id, false);
	return PROBLEM_IS_FATAL(other->problem) ||
		bms_overlap(other->made_of, columns);
}

void
shared_row_check_new(const Source *source, const StoredValue *stored,
					 const char *id, const Bitmapset *attributes)
{
	ListCell   *lc;

	if (attributes == NULL)
		return;
	foreach(lc, source_all_of(source->relation))
	{
		Source	   *other = lfirst(lc);

		if (source_is_same(other, source) ||
			!makes_token_of(other, source, stored, id, attributes))
			continue;
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"attributes\" must not decide about tokens of source \"%s\"",
						other->name),
				 errdetail("The new row would be one of that source, too, or cannot be told from one."),
				 errhint("Issue the token from the source that is meant.")));
	}
}
