/*-------------------------------------------------------------------------
 *
 * token.c
 *		The tokens of a run, and what of them stands in rows and answers.
 *
 *-------------------------------------------------------------------------
 */
#include <stdio.h>
#include <string.h>

#include "token.h"

Token		tokens[MAX_TOKENS];

int
number_of_shape(unsigned token)
{
	return token / 2 % options.sources->nshapes;
}

Token *
pick_token(Session *session)
{
	if (session->token != NULL)
		return session->token;
	return &tokens[pick(session, options.ntokens)];
}

void
encode_version(const Token *token, unsigned version, char label[LABEL_LEN + 1])
{
	snprintf(label, LABEL_LEN + 1, "%s%08x-0000-4000-8000-%012x",
			 token->shape->label_prefix, token->number, version);
}

unsigned
decode_version(const Token *token, const char *label)
{
	const char *prefix = token->shape->label_prefix;
	unsigned	number;
	unsigned	version;

	if (strncmp(label, prefix, strlen(prefix)) != 0 ||
		sscanf(label + strlen(prefix), "%8x-0000-4000-8000-%12x",
			   &number, &version) != 2 ||
		number != token->number)
		return 0;
	return version;
}

Answer
read_answer(const Token *token, const PGresult *result, int row)
{
	Answer		answer = {0};
	int			column;

	answer.valid = !PQgetisnull(result, row, 0);
	column = answer.valid ? 0 : 1;
	if (column < PQnfields(result) && !PQgetisnull(result, row, column))
		answer.version = decode_version(token, PQgetvalue(result, row, column));
	return answer;
}
