/*-------------------------------------------------------------------------
 *
 * token.h
 *		The tokens of a run, and what of them stands in rows and answers.
 *
 *-------------------------------------------------------------------------
 */
#ifndef STRESS_TOKEN_H
#define STRESS_TOKEN_H

#include "options.h"
#include "oracle.h"
#include "session.h"
#include "shapes.h"

typedef struct Token
{
	unsigned	number;
	const Shape *shape;
	char		text[64];
	char		key[129];		/* what stands in the table for it */
	History		history;
	pthread_mutex_t writer;		/* held by the writer that changes it; guards: */
	RowState	row;
	unsigned	staged;			/* version whose label the row bears already */
} Token;

extern Token tokens[MAX_TOKENS];

/* Tokens come in pairs of one shape, so that one's row can be moved. */
extern int	number_of_shape(unsigned token);

/* The session's own, or any. */
extern Token *pick_token(Session *session);

/* A version of a token, as it stands in its row. */
#define LABEL_LEN	47
extern void encode_version(const Token *token, unsigned version,
						   char label[LABEL_LEN + 1]);

/* 0 if it is not one of this token's. */
extern unsigned decode_version(const Token *token, const char *label);

/* From a row (user id, row's id or nothing); NULL user id is a refusal. */
extern Answer read_answer(const Token *token, const PGresult *result, int row);

#endif							/* STRESS_TOKEN_H */
