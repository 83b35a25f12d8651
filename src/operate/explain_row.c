/*-------------------------------------------------------------------------
 *
 * explain_row.c
 *		What a row says of its token, step by step; see explain.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include "judge/parents.h"
#include "judge/row.h"
#include "operate/explain.h"
#include "source/expression.h"
#include "source/flag.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

/* Is it the row of the token that was presented? */
static bool
tell_verified(Explanation *explanation, TupleTableSlot *row)
{
	const Source *source = explanation->source;
	ExpressionRow over = {explanation->tables.table[0].table, row,
	source->timezone};
	Datum		verified;
	bool		ok;

	if (source->verify_node == NULL)
		return true;
	over.token = cstring_to_text_with_len(explanation->token,
										  (int) explanation->token_len);
	ok = expression_try(&over, source->verify_node, &verified) &&
		DatumGetBool(verified);
	token_wipe(PointerGetDatum(over.token));
	explain_tell(explanation, "verify",
				 ok ? "true" : "not true: it is the row of another token");
	return ok;
}

static void
tell_state(Explanation *explanation, TupleTableSlot *row)
{
	const Source *source = explanation->source;
	AttrNumber	used = source->column[ROLE_USED].attnum;
	Relation	table = explanation->tables.table[0].table;

	if (source_has_role(source, ROLE_REVOKED))
		explain_tell(explanation, "revoked", "%s, by column \"%s\"",
					 flag_is_revoked(source, row) ? "yes" : "no",
					 source->column[ROLE_REVOKED].name);
	if (AttributeNumberIsValid(used))
		explain_tell(explanation, "used", "%s, by column \"%s\"",
					 slot_attisnull(row, used) ? "no" : "yes",
					 source->column[ROLE_USED].name);
	if (source->condition != NULL)
		explain_tell(explanation, "live_when", "%s",
					 row_meets_condition(source, table, row) ? "true" :
					 "not true");
}

/* The parents in their order, until one is not live. */
static void
tell_parents(Explanation *explanation, TupleTableSlot *row)
{
	const Source *source = explanation->source;
	bool		each[SOURCE_MAX_PARENTS] = {false};

	explanation->parents_live = parents_live(source, &explanation->tables,
											 explanation->snapshot, row,
											 &explanation->verdict, each);
	if (was_read_again(source, &explanation->tables))
		return;
	for (int i = 0; i < source->nparents; i++)
	{
		explain_tell(explanation, "parent", "%s: %s",
					 source->parent[i].name,
					 each[i] ? "live, or not referred to" :
					 "not there, or not live");
		if (!each[i])
			return;
	}
}

static void
tell_expiry(Explanation *explanation, TupleTableSlot *row)
{
	const Source *source = explanation->source;
	Verdict    *verdict = &explanation->verdict;

	row_take_expiry(source, explanation->tables.table[0].table, row, verdict);
	if (verdict->has_expiry)
		explain_tell(explanation, "expires", "%s, which is %s",
					 timestamptz_to_str(verdict->expires_at),
					 verdict->expires_at <= GetCurrentTimestamp() ? "over" :
					 "to come");
	else if (source_has_role(source, ROLE_EXPIRES))
		explain_tell(explanation, "expires", "never");
}

static void
tell_user(Explanation *explanation, TupleTableSlot *row)
{
	const Source *source = explanation->source;
	Verdict    *verdict = &explanation->verdict;

	row_take_fields(source, explanation->tables.table[0].table, row, verdict);
	row_require_user(source, verdict);
	/* what is not live need not say who */
	if (verdict->status != TOKEN_VALID && explanation->parents_live)
		explain_tell(explanation, "user", "NULL, and a token without a user is not valid");
}

bool
explain_visit_row(TupleTableSlot *row, void *arg)
{
	typedef void (*Step) (Explanation *explanation, TupleTableSlot *row);
	static const Step steps[] = {tell_state, tell_parents, tell_expiry, tell_user};
	Explanation *explanation = arg;
	const Source *source = explanation->source;

	explain_tell(explanation, "row", "number %d that has it",
				 ++explanation->nrows);
	if (!tell_verified(explanation, row))
		return true;
	explanation->nverified++;
	verdict_init(&explanation->verdict, TOKEN_VALID);
	for (int i = 0; i < (int) lengthof(steps); i++)
	{
		/* the owner's code has had it read again: the verdict will tell */
		if (was_read_again(source, &explanation->tables))
			return false;
		steps[i] (explanation, row);
	}
	return !was_read_again(source, &explanation->tables);
}
