/*-------------------------------------------------------------------------
 *
 * shared_row.c
 *		What other sources of the same table have in a row; see shared_row.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "judge/lookup.h"
#include "lifecycle/shared_row.h"
#include "source/directory.h"
#include "source/extension.h"
#include "source/generated.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

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

/*
 * What a source tells of its token that attributes may give when that token is
 * issued: claims, and the rows of parents that say whose it is.
 */
static Bitmapset *
given_by_attributes(const Source *source)
{
	Bitmapset  *given = NULL;
	ListCell   *lc;

	foreach(lc, source->claims)
	{
		AttrNumber	attnum = get_attnum(source->relation, lfirst(lc));

		if (attnum > 0)
			given = bms_add_member(given, attnum);
	}
	for (int i = 0; i < source->nparents; i++)
		if (source->parent[i].via == VIA_TOKEN &&
			AttributeNumberIsValid(source->parent[i].from.attnum) &&
			leads_to_role(source, i))
			given = bms_add_member(given, source->parent[i].from.attnum);
	return generated_with_origins(source->relation, given);
}

/*
 * Do these columns decide what is told of the other source's token in the row?  Who
 * issues a token of the source may give what both sources tell in the same way.
 */
static bool
decide_what_is_told(const Source *other, const Source *source,
					const Bitmapset *columns)
{
	Bitmapset  *given = bms_difference(given_by_attributes(other),
									   given_by_attributes(source));

	return bms_overlap(other->made_of, columns) || bms_overlap(given, columns);
}

/* Has the table code that runs when a row is inserted, and could change it? */
static bool
runs_code_on_insert(Relation table)
{
	const TriggerDesc *triggers = table->trigdesc;

	if (table->rd_rules != NULL)
		return true;
	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		const Trigger *trigger = &triggers->triggers[i];

		if (!trigger->tgisinternal &&
			trigger->tgfoid != extension_known()->trigger_function &&
			trigger->tgenabled != TRIGGER_DISABLED &&
			TRIGGER_FOR_INSERT(trigger->tgtype))
			return true;
	}
	return false;
}

/*
 * Is the new row, or would it be, another source's by such columns?  A trigger may
 * make any other column of them, so the row is then of another kind if it meets a
 * condition of that kind.  A source without one takes rows of all kinds, by whatever
 * the attributes say.
 */
static bool
makes_token_of(Source *other, OwnerCall *call, const StoredValue *stored,
			   const char *id, const Bitmapset *columns)
{
	const Source *source = call->source;
	bool		same_column = plays(other, source->column[ROLE_TOKEN].name,
									ROLE_TOKEN);

	if (!depends_on(other, columns) &&
		!(same_column && other->live_when != NULL &&
		  runs_code_on_insert(call->table)))
		return false;
	if (same_column)
		return !meets_condition(other, stored, id, false);
	return PROBLEM_IS_FATAL(other->problem) ||
		decide_what_is_told(other, source, columns);
}

void
shared_row_check_new(OwnerCall *call, const StoredValue *stored,
					 const char *id, const Bitmapset *attributes)
{
	ListCell   *lc;

	if (attributes == NULL)
		return;
	foreach(lc, source_all_of(call->source->relation))
	{
		Source	   *other = lfirst(lc);

		if (source_is_same(other, call->source) ||
			!makes_token_of(other, call, stored, id, attributes))
			continue;
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"attributes\" must not decide about tokens of source \"%s\"",
						other->name),
				 errdetail("The new row would be one of that source, too, or cannot be told from one."),
				 errhint("Issue the token from the source that is meant.")));
	}
}
