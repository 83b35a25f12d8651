/*-------------------------------------------------------------------------
 *
 * testtoken.c
 *		Issued tokens by the million, without a table: for a test build.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/token.h"
#include "utils/builtins.h"

#ifdef TOKENAUTH_TESTING

/* tokenauth_test_issue(prefix text) returns text */
TOKENAUTH_FUNCTION(tokenauth_test_issue);
Datum
tokenauth_test_issue(PG_FUNCTION_ARGS)
{
	char		token[TOKEN_MAX_ISSUED_LEN];

	if (!token_issue(TOKEN_TEXT, text_to_cstring(PG_GETARG_TEXT_PP(0)), token))
		elog(ERROR, "no strong randomness");
	PG_RETURN_TEXT_P(cstring_to_text(token));
}

/* tokenauth_test_is_issued(prefix text, token text) returns boolean */
TOKENAUTH_FUNCTION(tokenauth_test_is_issued);
Datum
tokenauth_test_is_issued(PG_FUNCTION_ARGS)
{
	text	   *token = PG_GETARG_TEXT_PP(1);

	PG_RETURN_BOOL(token_is_issued(text_to_cstring(PG_GETARG_TEXT_PP(0)),
								   VARDATA_ANY(token),
								   VARSIZE_ANY_EXHDR(token)));
}

#endif							/* TOKENAUTH_TESTING */
