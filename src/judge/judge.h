/*-------------------------------------------------------------------------
 *
 * judge.h
 *		The way of one token: source, digest, cache, table, cache.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_JUDGE_H
#define TOKENAUTH_JUDGE_H

#include "cache/last_used.h"
#include "fmgr.h"
#include "source/source.h"
#include "source/stored_value.h"

/* What a caller asks about. */
typedef struct TokenQuery
{
	const char *token;			/* its text, not terminated; or NULL: */
	const TokenDigest *digest;	/* its digest */
	Size		token_len;
	bool		is_use;			/* if valid, the token counts as used now */
	const Source *found;		/* its source, if that has been found before; */
	const char *source_name;	/* else by name; NULL: by the token's prefix */
	const char *scope;			/* NULL: any; else the token must have it */
	Size		scope_len;
	bool		user_only;		/* of its fields, no other than the user is read */
} TokenQuery;

/* What is found; the verdict's fields may point into item. */
typedef struct Judgement
{
	Source	   *source;			/* NULL: none that the token could be of */
	Verdict		verdict;		/* as of now */
	bool		is_partial;		/* its other fields are still in the item */
	CacheItem	item;
} Judgement;

/*
 * Judge a token as of now.  A bad token is a verdict, never an error.  Who
 * judges a token again gives the source that was found: then no other vouches
 * for it, whatever has been attached since, and if that one is gone the token
 * is unknown.
 *
 * Throws 42704 if source_name is unknown, 42P08 if several sources could be
 * meant, or a digest is of no source without a prefix, and what lookup_token() throws.
 *
 * check, if not NULL, is called once the source is known and before anything
 * is looked up, so that a caller's own mistakes show for bad tokens, too.
 */
typedef void (*SourceCheck) (const Source *source, void *arg);

extern void judge_token(const TokenQuery *query, SourceCheck check, void *arg,
						Judgement *judgement);

/*
 * Put a token's verdict into the cache ahead of its use, if it is valid, there
 * is room, and it is not there yet.  True if that has been done.  It is told by what
 * its row has, and the key that this gives.
 */
extern bool judge_warm(Source *source, const TokenDigest *digest,
					   const StoredValue *stored);

/*
 * How a use of a token is noted; false if it cannot be, for its row could not
 * be found again.  The digest is that under which the token is cached.
 */
extern bool judge_used_token(const Source *source, const TokenDigest *digest,
							 const Verdict *verdict, UsedToken *used);

/* A SourceCheck: throws 55000 if the source's tokens have no users. */
extern void judge_check_user(const Source *source, void *arg);

/*
 * Throws 42703 if a token is valid but has claims that cannot be told, because
 * a column of them is gone.
 */
pg_noreturn extern void judge_refuse_claims(const Source *source);
static inline void
judge_check_claims(const Judgement *judgement)
{
	const Source *source = judgement->source;

	if (judgement->verdict.status == TOKEN_VALID && source->claims != NIL &&
		source->claims_object == NULL)
		judge_refuse_claims(source);
}

/*
 * Fill a query from the arguments of a SQL function, for a token that is
 * presented by its bearer.  It is argument 0, not NULL; returned is its text, for
 * token_forget_copy(): it may have been detoasted.
 */
static inline text *
judge_take_token(FunctionCallInfo fcinfo, TokenQuery *query)
{
	text	   *token = PG_GETARG_TEXT_PP(0);

	*query = (TokenQuery)
	{
		.token = VARDATA_ANY(token),.token_len = VARSIZE_ANY_EXHDR(token),
			.is_use = true
	};
	return token;
}

/*
 * The same for the digest of a token, which stays where *digest is.  False if it is
 * NULL or no digest.
 */
extern bool judge_take_digest(FunctionCallInfo fcinfo, TokenQuery *query,
							  TokenDigest *digest);

/* The arguments after the token, each of which may be NULL. */
static inline void
judge_take_options(FunctionCallInfo fcinfo, int source_arg, int scope_arg,
				   TokenQuery *query)
{
	if (!PG_ARGISNULL(source_arg))
		query->source_name = NameStr(*PG_GETARG_NAME(source_arg));
	if (!PG_ARGISNULL(scope_arg))
	{
		text	   *scope = PG_GETARG_TEXT_PP(scope_arg);

		query->scope = VARDATA_ANY(scope);
		query->scope_len = VARSIZE_ANY_EXHDR(scope);
	}
}

/*
 * A row of tokenauth_identity, the type that the function returns.  It names the
 * user only if the token is valid, so that a caller that forgets to look at the
 * status lets no user in, and always then if the source has a user column.  The
 * token's id and expiry are given for refused tokens, too, to tell why.
 */
extern Datum judge_identity_record(FunctionCallInfo fcinfo,
								   const Judgement *judgement);

/* The source of that name, refreshed; throws 42704 if there is none. */
extern Source *judge_named_source(const char *name);

#endif							/* TOKENAUTH_JUDGE_H */
