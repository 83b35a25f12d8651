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
shared_row_user(const Source *source, const char *column, bool except_id,
				SourceRole *role)
{
	ListCell   *lc;

	foreach(lc, source_all_of(source->relation))
	{
		const Source *other = lfirst(lc);

		if (source_is_same(other, source))
			continue;
		for (*role = ROLE_TOKEN; *role < ROLE_COUNT; (*role)++)
			if (plays(other, column, *role) && !(except_id && *role == ROLE_ID))
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

bool
shared_row_is_kin(const Source *source, const Source *other)
{
	return other->relation == source->relation &&
		!source_is_same(other, source) &&
		plays(other, source->column[ROLE_TOKEN].name, ROLE_TOKEN);
}

bool
shared_row_is_certain(Source *source, const StoredValue *stored,
					  const char *id, bool meets)
{
	bool		met;

	return source_is_readable(source) &&
		lookup_condition(source, stored, id, &met) && met == meets;
}

bool
shared_row_is_others(const Source *source, const StoredValue *stored,
					 const char *id)
{
	ListCell   *lc;

	if (!shared_row_has_kinds(source) ||
		!shared_row_is_certain(unconstify(Source *, source), stored, id, false))
		return false;
	foreach(lc, source_all_of(source->relation))
		if (shared_row_is_kin(source, lfirst(lc)) &&
			shared_row_is_certain(lfirst(lc), stored, id, true))
			return true;
	return false;
}
