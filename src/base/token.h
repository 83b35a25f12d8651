/*-------------------------------------------------------------------------
 *
 * token.h
 *		The text of a bearer token: its decoding and its digest.
 *
 * Pure functions: no catalogs, no shared memory, no ereport for bad input.
 * They return a verdict and the caller decides what to say, because a bad
 * token must never become an error, let alone one that quotes it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_TOKEN_H
#define TOKENAUTH_TOKEN_H

#include "common/sha2.h"

#define TOKEN_DIGEST_LEN		PG_SHA256_DIGEST_LENGTH
#define TOKEN_DIGEST_HEX_LEN	(2 * TOKEN_DIGEST_LEN)

/* SHA-256 of a token; words so that it can be compared and hashed by them. */
typedef union TokenDigest
{
	uint8		bytes[TOKEN_DIGEST_LEN];
	uint64		words[TOKEN_DIGEST_LEN / sizeof(uint64)];
} TokenDigest;

/* What of a token's text is hashed. */
typedef enum TokenEncoding
{
	TOKEN_TEXT,					/* the text itself */
	TOKEN_BASE64URL,			/* the bytes it stands for, without padding */
	TOKEN_HEX					/* the bytes it stands for, lower case */
} TokenEncoding;

/*
 * Digest of a token as its source hashes it.  False if the text is empty or is
 * not the one encoding of some bytes; then the digest is undefined.  A token
 * may be as long as a text can be.
 */
extern bool token_digest(TokenEncoding encoding, const char *text, Size len,
						 TokenDigest *digest);

/*
 * The same with a secret before the token, for a digest that nobody else can make.
 */
#define TOKEN_SECRET_LEN	32

extern void token_digest_keyed(const uint8 secret[TOKEN_SECRET_LEN],
							   const char *text, Size len,
							   TokenDigest *digest);

/*
 * What a text stands for, in the current memory context; false as above.  Wipe it
 * where it is a token.
 */
extern bool token_decode(TokenEncoding encoding, const char *text, Size len,
						 uint8 **bytes, Size *nbytes);

/*
 * Tokens that we issue: the source's prefix, "_" unless it ends so, 27 base62
 * digits of more than 160 random bits, and a CRC-32 of all that as 6 base62
 * digits.  With a prefix of TOKEN_MAX_PREFIX_LEN that is 55 bytes, which
 * SHA-256 takes in one block.  Where the source hashes what a token stands
 * for, it is the prefix and random digits of that encoding, at least 32 bytes.
 */
#define TOKEN_MAX_PREFIX_LEN	21
#define TOKEN_MAX_ISSUED_LEN	96

/*
 * A new token, terminated.  False if there is no strong randomness, or if the
 * prefix is longer than TOKEN_MAX_PREFIX_LEN.
 */
extern bool token_issue(TokenEncoding encoding, const char *prefix,
						char token[TOKEN_MAX_ISSUED_LEN]);

/* Is this of the form that token_issue() gives to text tokens? */
extern bool token_is_issued(const char *prefix, const char *token, Size len);

/* Lower-case hex, without a terminator. */
extern void token_digest_to_hex(const TokenDigest *digest,
								char hex[TOKEN_DIGEST_HEX_LEN]);

/* The inverse; false unless the text is what token_digest_to_hex() makes. */
extern bool token_digest_from_hex(const char *hex, Size len,
								  TokenDigest *digest);

static inline bool
token_digest_equal(const TokenDigest *a, const TokenDigest *b)
{
	return a->words[0] == b->words[0] && a->words[1] == b->words[1] &&
		a->words[2] == b->words[2] && a->words[3] == b->words[3];
}

/* Wipe a value of our own making that is, or has, a token. */
extern void token_wipe(Datum value);

/* Wipe and free a detoasted copy of a value that is, or has, a token. */
extern void token_free(struct varlena *copy);
static inline void
token_forget_copy(struct varlena *copy, Datum value)
{
	if ((Pointer) copy != DatumGetPointer(value))
		token_free(copy);
}

#endif							/* TOKENAUTH_TOKEN_H */
