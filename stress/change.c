/*-------------------------------------------------------------------------
 *
 * change.c
 *		Changes of one token's row.
 *
 *-------------------------------------------------------------------------
 */
#include <stdio.h>
#include <string.h>

#include "change.h"
#include "events.h"

void
prepare_changes(Session *session)
{
	for (int i = 0; i < options.sources->nshapes; i++)
	{
		const Shape *shape = options.sources->shape[i];
		char		types[64];

		snprintf(types, sizeof(types), "text, %s, text, %s",
				 shape->label_type, shape->label_type);
		for (int k = 0; k < shape->nkinds; k++)
			prepare(session, shape, shape->kind[k].name, types, "%s",
					shape->kind[k].sql);
		prepare(session, shape, "move", types, "%s", shape->move);
		prepare(session, shape, "touch", "text", "%s", shape->touch);
	}
}

const ChangeKind *
pick_change(Session *session, const Token *token, RowState row,
			unsigned staged)
{
	const Shape *shape = token->shape;
	unsigned	next = atomic_load(&token->history.attempted) + 1;

	for (;;)
	{
		unsigned	n = shape->nkinds;
		const ChangeKind *kind = &shape->kind[one_in(session, 2) ?
											  pick(session, n) :
											  pick(session, n / 2)];

		if ((kind->from & ROW_BIT(row)) != 0 &&
			((kind->flags & CHANGE_STAGED) == 0 || staged == next))
			return kind;
	}
}

bool
change_row(Session *session, const char *key, const Token *token,
		   const char *what, unsigned version, const char *argument)
{
	char		label[LABEL_LEN + 1];
	char		next[LABEL_LEN + 1];
	const char *values[] = {key, label, argument, next};
	PGresult   *result;
	bool		changed;

	encode_version(token, version, label);
	encode_version(token, version + 1, next);
	result = execute(session, token->shape, what, lengthof(values), values);
	if (result == NULL)
		return false;
	changed = PQresultStatus(result) == PGRES_TUPLES_OK ?
		strcmp(PQgetvalue(result, 0, 0), "t") == 0 :
		strcmp(PQcmdTuples(result), "0") != 0;
	if (!changed)
		give_up(session, "%s_%s did not change its row", token->shape->name,
				what);
	PQclear(result);
	count(CHANGES);
	return true;
}
