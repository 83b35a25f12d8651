/*-------------------------------------------------------------------------
 *
 * hash.h
 *		Digests of tokens other than by the hot path, and how they are written.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_HASH_H
#define TOKENAUTH_HASH_H

#include "base/pepper.h"

typedef enum TokenHash
{
	HASH_NONE,
	HASH_SHA1,
	HASH_SHA224,
	HASH_SHA256,
	HASH_SHA384,
	HASH_SHA512,
	HASH_COUNT
} TokenHash;

#define HASH_MAX_LEN	64

/* "sha256" and the like; HASH_NONE if it is not known. */
extern TokenHash hash_by_name(const char *name);
extern const char *hash_name(TokenHash hash);
extern Size hash_len(TokenHash hash);

/* Throws if that fails. */
extern void hash_compute(TokenHash hash, const uint8 *bytes, Size len,
						 uint8 digest[HASH_MAX_LEN]);

/* How a pepper (pepper.h) gets into a digest. */
typedef enum PepperUse
{
	PEPPER_NONE,
	PEPPER_HMAC,				/* it is the key */
	PEPPER_PREFIX,				/* it is hashed before the bytes, */
	PEPPER_SUFFIX				/* or behind them */
} PepperUse;

/* The same with one.  Throws if that fails. */
extern void hash_compute_peppered(TokenHash hash, PepperUse use,
								  const Pepper *pepper, const uint8 *bytes,
								  Size len, uint8 digest[HASH_MAX_LEN]);

/* How a digest is stored. */
typedef enum StoredForm
{
	FORM_TOKEN,					/* there is no digest */
	FORM_HEX,
	FORM_UPPER_HEX,
	FORM_BASE64,				/* padded */
	FORM_BASE64URL,				/* not padded */
	FORM_BYTEA
} StoredForm;

/* As text, in the current memory context; not for FORM_BYTEA. */
extern char *hash_write(StoredForm form, const uint8 *bytes, Size len);

/* The inverse; false if it is not what hash_write() makes of so many bytes. */
extern bool hash_read(StoredForm form, const char *text, Size len,
					  uint8 *bytes, Size nbytes);

#endif							/* TOKENAUTH_HASH_H */
