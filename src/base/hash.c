/*-------------------------------------------------------------------------
 *
 * hash.c
 *		Digests of tokens other than by the hot path; see hash.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/hash.h"
#include "base/token.h"
#include "common/cryptohash.h"
#include "common/hmac.h"
#include "common/sha1.h"
#include "common/sha2.h"

typedef struct HashKind
{
	const char *name;
	Size		len;
	pg_cryptohash_type type;
} HashKind;

static const HashKind kinds[HASH_COUNT] = {
	[HASH_SHA1] = {"sha1", SHA1_DIGEST_LENGTH, PG_SHA1},
	[HASH_SHA224] = {"sha224", PG_SHA224_DIGEST_LENGTH, PG_SHA224},
	[HASH_SHA256] = {"sha256", PG_SHA256_DIGEST_LENGTH, PG_SHA256},
	[HASH_SHA384] = {"sha384", PG_SHA384_DIGEST_LENGTH, PG_SHA384},
	[HASH_SHA512] = {"sha512", PG_SHA512_DIGEST_LENGTH, PG_SHA512},
};

TokenHash
hash_by_name(const char *name)
{
	for (int i = HASH_SHA1; i < HASH_COUNT; i++)
		if (strcmp(kinds[i].name, name) == 0)
			return (TokenHash) i;
	return HASH_NONE;
}

const char *
hash_name(TokenHash hash)
{
	return kinds[hash].name;
}

Size
hash_len(TokenHash hash)
{
	return kinds[hash].len;
}

static void
check_computed(TokenHash hash, bool ok)
{
	if (!ok)
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not compute a digest by %s", kinds[hash].name)));
}

/* The digest of what both parts are one after the other. */
static void
hash_two(TokenHash hash, const uint8 *first, Size first_len,
		 const uint8 *second, Size second_len, uint8 digest[HASH_MAX_LEN])
{
	pg_cryptohash_ctx *context = pg_cryptohash_create(kinds[hash].type);
	bool		ok = context != NULL && pg_cryptohash_init(context) >= 0 &&
		pg_cryptohash_update(context, first, first_len) >= 0 &&
		pg_cryptohash_update(context, second, second_len) >= 0 &&
		pg_cryptohash_final(context, digest, kinds[hash].len) >= 0;

	pg_cryptohash_free(context);
	check_computed(hash, ok);
}

void
hash_compute(TokenHash hash, const uint8 *bytes, Size len,
			 uint8 digest[HASH_MAX_LEN])
{
	hash_two(hash, bytes, len, bytes, 0, digest);
}

static void
hash_hmac(TokenHash hash, const Pepper *key, const uint8 *bytes, Size len,
		  uint8 digest[HASH_MAX_LEN])
{
	pg_hmac_ctx *context = pg_hmac_create(kinds[hash].type);
	bool		ok = context != NULL &&
		pg_hmac_init(context, key->bytes, key->len) >= 0 &&
		pg_hmac_update(context, bytes, len) >= 0 &&
		pg_hmac_final(context, digest, kinds[hash].len) >= 0;

	pg_hmac_free(context);
	check_computed(hash, ok);
}

void
hash_compute_peppered(TokenHash hash, PepperUse use, const Pepper *pepper,
					  const uint8 *bytes, Size len,
					  uint8 digest[HASH_MAX_LEN])
{
	switch (use)
	{
		case PEPPER_NONE:
			hash_compute(hash, bytes, len, digest);
			break;
		case PEPPER_HMAC:
			hash_hmac(hash, pepper, bytes, len, digest);
			break;
		case PEPPER_PREFIX:
			hash_two(hash, pepper->bytes, pepper->len, bytes, len, digest);
			break;
		case PEPPER_SUFFIX:
			hash_two(hash, bytes, len, pepper->bytes, pepper->len, digest);
			break;
	}
}

static char *
write_hex(const uint8 *bytes, Size len, const char *digits)
{
	char	   *text = palloc(2 * len + 1);

	for (Size i = 0; i < len; i++)
	{
		text[2 * i] = digits[bytes[i] >> 4];
		text[2 * i + 1] = digits[bytes[i] & 0xF];
	}
	text[2 * len] = '\0';
	return text;
}

static char *
write_base64(const uint8 *bytes, Size len, const char *digits, bool padded)
{
	char	   *text = palloc(4 * ((len + 2) / 3) + 1);
	char	   *to = text;
	uint32		bits = 0;
	int			nbits = 0;

	for (Size i = 0; i < len; i++)
	{
		bits = bits << 8 | bytes[i];
		for (nbits += 8; nbits >= 6; nbits -= 6)
			*to++ = digits[bits >> (nbits - 6) & 63];
		bits &= (1U << nbits) - 1;
	}
	if (nbits > 0)
		*to++ = digits[bits << (6 - nbits) & 63];
	while (padded && (to - text) % 4 != 0)
		*to++ = '=';
	*to = '\0';
	return text;
}

char *
hash_write(StoredForm form, const uint8 *bytes, Size len)
{
#define ALPHABET "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	switch (form)
	{
		case FORM_HEX:
			return write_hex(bytes, len, "0123456789abcdef");
		case FORM_UPPER_HEX:
			return write_hex(bytes, len, "0123456789ABCDEF");
		case FORM_BASE64:
			return write_base64(bytes, len, ALPHABET "+/", true);
		case FORM_BASE64URL:
			return write_base64(bytes, len, ALPHABET "-_", false);
		case FORM_TOKEN:
		case FORM_BYTEA:
			break;
	}
	pg_unreachable();
}

/* What base64 has as what base64url has, without padding. */
static char *
as_base64url(const char *text, Size *len)
{
	char	   *copy = pnstrdup(text, *len);

	while (*len > 0 && copy[*len - 1] == '=')
		(*len)--;
	for (Size i = 0; i < *len; i++)
		if (copy[i] == '+')
			copy[i] = '-';
		else if (copy[i] == '/')
			copy[i] = '_';
	return copy;
}

static char *
as_lower(const char *text, Size len)
{
	char	   *copy = pnstrdup(text, len);

	for (Size i = 0; i < len; i++)
		copy[i] = pg_ascii_tolower(copy[i]);
	return copy;
}

bool
hash_read(StoredForm form, const char *text, Size len, uint8 *bytes,
		  Size nbytes)
{
	bool		is_hex = form == FORM_HEX || form == FORM_UPPER_HEX;
	Size		digits = len;
	char	   *plain = is_hex ? as_lower(text, len) :
		as_base64url(text, &digits);
	uint8	   *decoded;
	Size		ndecoded;
	char	   *again;

	if (!token_decode(is_hex ? TOKEN_HEX : TOKEN_BASE64URL, plain, digits,
					  &decoded, &ndecoded) ||
		ndecoded != nbytes)
		return false;
	memcpy(bytes, decoded, nbytes);
	again = hash_write(form, bytes, nbytes);
	return strlen(again) == len && memcmp(again, text, len) == 0;
}
