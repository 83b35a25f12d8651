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

#include "lifecycle/grace.h"
#include "lifecycle/new_row.h"
#include "lifecycle/succession.h"
#include "source/owner.h"

/* A token that has just been made. */
typedef struct NewToken
{
	char		text[TOKEN_MAX_ISSUED_LEN];
	StoredValue stored;			/* for the token column */
	const char *display;
	char	   *id;				/* as text; NULL without an id column */
	bool		has_expiry;
	TimestampTz expires_at;
} NewToken;

/*
 * Make a token and insert its row.  Throws what kin_check_issued() throws; 0A000 if none
 * is asked for of what must be there; 22023 if a column does not tell what was asked for;
 * 27000 if code of the table's changes that.
 */
extern void new_token_issue(OwnerCall *call, const IssueRequest *request,
							NewToken *token);

/*
 * Make a token and insert its row as a copy of another token's, with what
 * belongs to a token alone made anew.  Attributes can replace columns that do
 * not matter to what is judged.  Throws what kin_check_made() and
 * succession_check_made() throw.
 */
extern void new_token_succeed(OwnerCall *call, const Succession *succession,
							  NewToken *token);

/* (token, token_id, token_prefix, expires_at); the token is forgotten then. */
extern Datum new_token_record(FunctionCallInfo fcinfo, NewToken *token);

/* The text has been handed out; leave nothing of it. */
extern void new_token_forget(NewToken *token);

#endif							/* TOKENAUTH_NEW_TOKEN_H */
