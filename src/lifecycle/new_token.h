/*-------------------------------------------------------------------------
 *
 * new_token.h
 *		The row of a new token.
 *
 * A row is inserted by its table's owner, in an OwnerCall that the caller has
 * begun.  What is missing or does not fit is said by name before the INSERT is
 * tried.  The plaintext is in the NewToken and nowhere else: hand it out once,
 * then forget it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_NEW_TOKEN_H
#define TOKENAUTH_NEW_TOKEN_H

#include "source/owner.h"
#include "utils/jsonb.h"

/* A token that has just been made. */
typedef struct NewToken
{
	char		text[TOKEN_MAX_ISSUED_LEN];
	Datum		stored;			/* for the token column */
	const char *display;
	char	   *id;				/* as text; NULL without an id column */
	bool		has_expiry;
	TimestampTz expires_at;
} NewToken;

/* What its row is to hold. */
typedef struct IssueRequest
{
	const char *user_id;		/* these may be NULL */
	const char *tenant_id;
	const char *scope;
	Interval   *expires_in;
	Jsonb	   *attributes;
} IssueRequest;

/* Make a token and insert its row. */
extern void new_token_issue(OwnerCall *call, const IssueRequest *request,
							NewToken *token);

/*
 * Make a token and insert its row as a copy of another token's, the one that is
 * stored so, with what belongs to a token alone made anew.
 */
extern void new_token_succeed(OwnerCall *call, Datum stored, NewToken *token);

/* The text has been handed out; leave nothing of it. */
extern void new_token_forget(NewToken *token);

#endif							/* TOKENAUTH_NEW_TOKEN_H */
