/*-------------------------------------------------------------------------
 *
 * ending.c
 *		Ending the life of tokens; see ending.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/compat.h"
#include "catalog/pg_type.h"
#include "judge/lookup.h"
#include "lifecycle/ending.h"
#include "lifecycle/lifecycle.h"
#include "lifecycle/shared_row.h"
#include "source/deletion.h"
#include "source/flag.h"
#include "source/stored_row.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

/* ---------- what is written ---------- */

#define REVOKED_AT_COLUMN	"revoked_at"

/*
 * Where rows are marked as revoked, also the time, if there is a column that can be
 * written, and that has no role in another source, whose token would end, too.
 */
static const char *
also_set_revoked_at(const OwnerCall *call)
{
	const Source *source = call->source;
	AttrNumber	attnum = get_attnum(source->relation, REVOKED_AT_COLUMN);
	SourceRole	role;
	Oid			type;

	if (attnum == InvalidAttrNumber ||
		attnum == source->column[ROLE_REVOKED].attnum ||
		owner_attribute(call, attnum)->attgenerated ||
		shared_row_user(source, REVOKED_AT_COLUMN, false, &role) != NULL)
		return "";
	type = get_atttype(source->relation, attnum);
	return is_timestamp(type) ?
		psprintf(", " REVOKED_AT_COLUMN " = %s",
				 owner_in_timezone(source, type,
								   "pg_catalog.clock_timestamp()")) : "";
}

/* " AND the row is not revoked yet", or "". */
static const char *
and_not_revoked(const OwnerCall *call)
{
	if (!AttributeNumberIsValid(call->source->column[ROLE_REVOKED].attnum))
		return "";
	return psprintf(" AND %s", flag_can_be_set_sql(call));
}

static uint64
flag_rows(OwnerCall *call, const char *condition)
{
	return owner_execute(call,
						 psprintf("UPDATE ONLY %s SET %s = %s%s WHERE %s%s",
								  owner_table(call),
								  owner_column(call, ROLE_REVOKED),
								  flag_revoked_sql(call),
								  also_set_revoked_at(call),
								  condition, and_not_revoked(call)));
}

static uint64
delete_rows(OwnerCall *call, const char *condition)
{
	return owner_execute(call, psprintf("DELETE FROM ONLY %s WHERE %s%s",
										owner_table(call), condition,
										and_not_revoked(call)));
}

/* The rows stay, without a token that could be found. */
static uint64
forget_tokens(OwnerCall *call, const char *condition)
{
	const char *column = owner_column(call, ROLE_TOKEN);

	return owner_execute(call,
						 psprintf("UPDATE ONLY %s SET %s = NULL WHERE %s IS NOT NULL AND %s%s",
								  owner_table(call), column, column,
								  condition, and_not_revoked(call)));
}

static bool
is_generated(const OwnerCall *call, SourceRole role)
{
	return owner_attribute(call, call->source->column[role].attnum)->attgenerated != '\0';
}

/* An error if there are such rows: they stay as they are, which is no success. */
static uint64
refuse_to_revoke(OwnerCall *call, const char *condition, const char *objection)
{
	const char *detail = "It has no revoked_column, and deleting rows has not been asked for.";
	const char *hint = "Attach the table again with a revoked_column; or, if a row is nothing but a token, with on_revoke => 'delete'.";

	if (objection != NULL)
	{
		detail = objection;
		hint = "Attach the table again with a revoked_column.";
	}
	else if (call->source->column[ROLE_REVOKED].name != NULL)
	{
		detail = "It has a revoked_column, but what revoking does to a row is not registered, as in a dump of an earlier version.";
		hint = "Attach the table again, as the function tokenauth_doctor() tells.";
	}
	if (owner_query(call, psprintf("SELECT FROM ONLY %s WHERE %s%s LIMIT 1",
								   owner_table(call), condition,
								   and_not_revoked(call)))->nrows > 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("tokens of source \"%s\" cannot be revoked by tokenauth",
						call->source->name),
				 errdetail_internal("%s", detail),
				 errhint("%s", hint)));
	return 0;
}

/* Is it known how to end a row?  Then this is NULL. */
static const char *
objection_to_revoke(const OwnerCall *call)
{
	const Source *source = call->source;

	if (source->verify != NULL &&
		!AttributeNumberIsValid(source->column[ROLE_ID].attnum))
		return "Several of its rows can be found for one token, and it has no id_column.";
	if (source->on_revoke == ON_REVOKE_DELETE)
		return deletion_objection(source, call->table);
	if (source->on_revoke == ON_REVOKE_FLAG && is_generated(call, ROLE_REVOKED))
		return "Its revoked_column is a generated column, which cannot be written.";
	if (source->on_revoke == ON_REVOKE_FORGET && is_generated(call, ROLE_TOKEN))
		return "Its token column is a generated column, which cannot be emptied.";
	return NULL;
}

/* Revoke the rows that meet a condition; how many have been written. */
static uint64
write_rows(OwnerCall *call, const char *condition)
{
	const char *objection = objection_to_revoke(call);

	if (objection != NULL)
		return refuse_to_revoke(call, condition, objection);
	switch (call->source->on_revoke)
	{
		case ON_REVOKE_FLAG:
			return flag_rows(call, condition);
		case ON_REVOKE_FORGET:
			return forget_tokens(call, condition);
		case ON_REVOKE_DELETE:
			return delete_rows(call, condition);
		case ON_REVOKE_NOTHING:
			break;
	}
	return refuse_to_revoke(call, condition, NULL);
}

/* ---------- what has come of it ---------- */

bool
ending_is_live(const OwnerCall *call, const TokenRows *token)
{
	return lookup_is_live(unconstify(Source *, call->source), &token->stored,
						  NULL, token->id);
}

void
ending_prevented(const OwnerCall *call, const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION),
			 errmsg("could not %s a token of source \"%s\"",
					what, call->source->name),
			 errdetail("Its row still says that it is live."),
			 errhint("A trigger or rule of table \"%s\" may have prevented it.",
					 RelationGetRelationName(call->table))));
}

void
ending_check_dead(const OwnerCall *call, const StoredValues *values,
				  const char *what)
{
	for (int i = 0; i < values->n; i++)
		if (ending_is_live(call, &(TokenRows) {values->value[i]}))
			ending_prevented(call, what);
}

/* "the row is one of the token's" */
static char *
is_of_token(OwnerCall *call, const TokenRows *token)
{
	char	   *is_token = owner_is_token(call, &token->stored);

	if (token->id == NULL)
		return is_token;
	return psprintf("%s AND %s", is_token,
					owner_has_value(call, ROLE_ID, token->id));
}

void
ending_check_id(OwnerCall *call, const StoredValues *values, const char *id)
{
	uint64		rows = 0;

	for (int i = 0; id != NULL && i < values->n; i++)
		rows += owner_query_latest(call,
								   psprintf("SELECT FROM ONLY %s WHERE %s",
											owner_table(call),
											is_of_token(call, &(TokenRows) {values->value[i], id})))->nrows;
	if (id == NULL || rows > 1)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("a token of source \"%s\" cannot be revoked",
						call->source->name),
				 errdetail("Its row cannot be told from others by its id."),
				 errhint("Make the id_column unique, and NOT NULL.")));
}

/* Must a token's row be known by its id? */
static bool
has_id(const OwnerCall *call)
{
	return call->source->verify != NULL &&
		AttributeNumberIsValid(call->source->column[ROLE_ID].attnum);
}

List *
ending_written(const OwnerCall *call, const StoredValue *stored)
{
	List	   *ids = NIL;

	if (has_id(call) &&
		!lookup_written_live(unconstify(Source *, call->source), stored, &ids))
		stored_source_changed(call->source);
	return ids;
}

static bool
has_text(const List *list, const char *text)
{
	ListCell   *lc;

	foreach(lc, list)
		if (text != NULL && lfirst(lc) != NULL && strcmp(lfirst(lc), text) == 0)
			return true;
	return false;
}

void
ending_check_written(const OwnerCall *call, const StoredValue *stored,
					 const List *before)
{
	ListCell   *lc;

	foreach(lc, ending_written(call, stored))
		if (!has_text(before, lfirst(lc)))
			ending_prevented(call, "revoke");
}

/* Does the transaction's snapshot show a row of the token to be revoked? */
static bool
is_in_sight(OwnerCall *call, const TokenRows *token)
{
	return owner_query(call,
					   psprintf("SELECT FROM ONLY %s WHERE %s%s LIMIT 1",
								owner_table(call), is_of_token(call, token),
								and_not_revoked(call)))->nrows > 0;
}

uint64
ending_revoke_token(OwnerCall *call, const TokenRows *token)
{
	List	   *before = ending_written(call, &token->stored);
	uint64		revoked;

	if (has_id(call))
		ending_check_id(call, &(StoredValues) {1, {token->stored}}, token->id);
	revoked = write_rows(call, is_of_token(call, token));

	/* a row may have come, or come back to life, after the statement's snapshot */
	if (ending_is_live(call, token))
		revoked += write_rows(call, is_of_token(call, token));
	if (!ending_is_live(call, token))
	{
		ending_check_written(call, &token->stored, before);
		return revoked;
	}
	if (IsolationUsesXactSnapshot() && !is_in_sight(call, token))
		lifecycle_concurrent_update();
	ending_prevented(call, "revoke");
}

QueryResult *
ending_tokens_of(OwnerCall *call, const RowsOf *rows)
{
	return rows_of_locked(call, rows,
						  psprintf("%s, %s", owner_column(call, ROLE_TOKEN),
								   has_id(call) ? owner_column(call, ROLE_ID) : "NULL"),
						  psprintf("%s%s", shared_row_has_own(call),
								   and_not_revoked(call)));
}

/* Has a row of the token what is asked for, so that it would be found again? */
static bool
is_found_again(OwnerCall *call, const TokenRows *token, const RowsOf *rows)
{
	QueryResult *found;
	bool		is_found;

	found = rows_of_latest(call, rows, "",
						   psprintf(" AND %s%s%s LIMIT 1",
									is_of_token(call, token),
									shared_row_has_own(call),
									and_not_revoked(call)));
	is_found = found->nrows > 0;
	query_free(found);
	return is_found;
}

void
ending_revoke_moved(OwnerCall *call, const QueryResult *tokens,
					const RowsOf *rows, uint64 *revoked)
{
	for (uint64 i = 0; i < tokens->nrows; i++)
	{
		TokenRows	token = {.id = query_text(tokens, i, 2)};

		if (stored_of_result(tokens, i, 1, &token.stored) &&
			ending_is_live(call, &token) && !is_found_again(call, &token, rows) &&
			ending_revoke_token(call, &token) > 0)
			(*revoked)++;
	}
}

bool
ending_revoke_live(OwnerCall *call, QueryResult *tokens, bool again,
				   uint64 *revoked)
{
	bool		any_live = false;

	for (uint64 i = 0; i < tokens->nrows; i++)
	{
		TokenRows	token = {.id = query_text(tokens, i, 2)};

		if (!stored_of_result(tokens, i, 1, &token.stored) ||
			!ending_is_live(call, &token))
			continue;
		if (!again)
			ending_prevented(call, "revoke");
		any_live = true;
		if (ending_revoke_token(call, &token) > 0)
			(*revoked)++;
	}
	return any_live;
}

/* For qsort(): by bytes, as the type of the column may call equal what is not. */
static int
compare_stored(const void *a, const void *b)
{
	struct varlena *x = (struct varlena *) DatumGetPointer(*(const Datum *) a);
	struct varlena *y = (struct varlena *) DatumGetPointer(*(const Datum *) b);
	Size		len = Min(VARSIZE_ANY_EXHDR(x), VARSIZE_ANY_EXHDR(y));
	int			order = memcmp(VARDATA_ANY(x), VARDATA_ANY(y), len);

	if (order != 0)
		return order;
	return VARSIZE_ANY_EXHDR(x) < VARSIZE_ANY_EXHDR(y) ? -1 :
		VARSIZE_ANY_EXHDR(x) > VARSIZE_ANY_EXHDR(y);
}

uint64
ending_distinct(const OwnerCall *call, const QueryResult *tokens)
{
	Datum	   *stored = MemoryContextAllocHuge(CurrentMemoryContext,
												Max(tokens->nrows, 1) * sizeof(Datum));
	uint64		n = 0;
	uint64		distinct = 0;

	for (uint64 i = 0; i < tokens->nrows; i++)
	{
		StoredValue value;

		if (stored_of_result(tokens, i, 1, &value))
			stored[n++] = stored_text(call->source, &value);
	}
	qsort(stored, n, sizeof(Datum), compare_stored);
	for (uint64 i = 0; i < n; i++)
		distinct += i == 0 || compare_stored(&stored[i - 1], &stored[i]) != 0;
	for (uint64 i = 0; i < n; i++)
		token_wipe(stored[i]);
	pfree(stored);
	return has_id(call) ? n : distinct;
}

/* One by one, but for those that are of other sources with the same column. */
static uint64
revoke_own_kind(OwnerCall *call, const QueryResult *tokens)
{
	uint64		written = 0;

	for (uint64 i = 0; i < tokens->nrows; i++)
	{
		TokenRows	token = {.id = query_text(tokens, i, 2)};

		if (stored_of_result(tokens, i, 1, &token.stored) &&
			!shared_row_is_others(call->source, &token.stored, token.id))
			written += write_rows(call, rows_of_is_at_one(call, tokens, i));
	}
	return written;
}

uint64
ending_revoke_noted(OwnerCall *call, const QueryResult *tokens)
{
	if (tokens->nrows == 0)
		return 0;
	return shared_row_has_kinds(call->source) ? revoke_own_kind(call, tokens) :
		write_rows(call, rows_of_is_at(call, tokens));
}
