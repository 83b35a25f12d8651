/*-------------------------------------------------------------------------
 *
 * token.c
 *		The text of a bearer token: its decoding and its digest.
 *
 *-------------------------------------------------------------------------
 */
#define OPENSSL_SUPPRESS_DEPRECATED /* see sha256() */

#include "postgres.h"

#include "base/compat.h"
#include "base/token.h"
#include "port/pg_bswap.h"
#include "utils/pg_crc.h"

#ifdef USE_OPENSSL
#include <openssl/sha.h>
#else
#include "common/cryptohash.h"
#endif

static const char hex_digits[] = "0123456789abcdef";

/* RFC 4648's URL-safe alphabet. */
static const char base64url_digits[] =
"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/*
 * SHA-256, on the hot path.  OpenSSL 3 calls these functions deprecated in
 * favour of its EVP interface.  We use them all the same: EVP allocates for
 * each digest and costs 1.4 times as much, or twice as much where the processor
 * has instructions for SHA.  Core's pg_cryptohash, which allocates yet more,
 * serves where the server has no OpenSSL.  Final wipes what the context has
 * of the data.
 */
#ifdef USE_OPENSSL
typedef SHA256_CTX Sha256;

/* these cannot fail */
static void
sha256_begin(Sha256 *sha)
{
	SHA256_Init(sha);
}

static void
sha256_add(Sha256 *sha, const uint8 *data, Size len)
{
	SHA256_Update(sha, data, len);
}

static void
sha256_end(Sha256 *sha, TokenDigest *digest)
{
	SHA256_Final(digest->bytes, sha);
}
#else
typedef pg_cryptohash_ctx *Sha256;

static void
sha256_check(Sha256 *sha, bool ok)
{
	if (ok)
		return;
	pg_cryptohash_free(*sha);
	ereport(ERROR,
			(errcode(ERRCODE_INTERNAL_ERROR),
			 errmsg("could not compute SHA-256")));
}

static void
sha256_begin(Sha256 *sha)
{
	*sha = pg_cryptohash_create(PG_SHA256);
	sha256_check(sha, *sha != NULL && pg_cryptohash_init(*sha) >= 0);
}

static void
sha256_add(Sha256 *sha, const uint8 *data, Size len)
{
	sha256_check(sha, pg_cryptohash_update(*sha, data, len) >= 0);
}

static void
sha256_end(Sha256 *sha, TokenDigest *digest)
{
	sha256_check(sha, pg_cryptohash_final(*sha, digest->bytes,
										  TOKEN_DIGEST_LEN) >= 0);
	pg_cryptohash_free(*sha);
}
#endif

/*
 * What each character is worth as a digit; NOT_A_DIGIT in most.  Tables, for a
 * digest's digits come in no order that a processor could predict branches by.
 */
#define NOT_A_DIGIT		0xFF

typedef struct DigitValues
{
	bool		known;
	uint8		of[256];
} DigitValues;

static DigitValues hex_values;
static DigitValues base64url_values;

static const uint8 *
digit_values(DigitValues *values, const char *digits)
{
	if (!values->known)
	{
		memset(values->of, NOT_A_DIGIT, sizeof(values->of));
		for (int i = 0; digits[i] != '\0'; i++)
			values->of[(uint8) digits[i]] = (uint8) i;
		values->known = true;
	}
	return values->of;
}

static bool
hex_decode(const char *text, Size len, uint8 *bytes)
{
	const uint8 *value = digit_values(&hex_values, hex_digits);
	uint8		all = 0;

	if (len % 2 != 0)
		return false;
	for (Size i = 0; i < len; i += 2)
	{
		uint8		high = value[(uint8) text[i]];
		uint8		low = value[(uint8) text[i + 1]];

		all |= high | low;
		bytes[i / 2] = (uint8) (high << 4 | low);
	}
	return all < 16;
}

/*
 * Decode unpadded base64url.  Left-over bits must be 0: else several texts
 * would stand for the same bytes, and each of them would be accepted.
 */
static bool
base64url_decode(const char *text, Size len, uint8 *bytes, Size *nbytes)
{
	const uint8 *value = digit_values(&base64url_values, base64url_digits);
	uint8		all = 0;
	uint32		bits = 0;
	int			nbits = 0;
	Size		n = 0;

	for (Size i = 0; i < len; i++)
	{
		uint8		digit = value[(uint8) text[i]];

		all |= digit;
		bits = bits << 6 | (digit & 63);
		nbits += 6;
		if (nbits >= 8)
		{
			nbits -= 8;
			bytes[n++] = (uint8) (bits >> nbits);
			bits &= (1U << nbits) - 1;
		}
	}
	*nbytes = n;
	return all < 64 && bits == 0 && nbits < 6;
}

/*
 * Digits that are decoded at a time.  So many stand for whole bytes in either
 * encoding: bits can be left over in the last piece only.
 */
#define PIECE_DIGITS		1024

static bool
decode_piece(TokenEncoding encoding, const char *text, Size len, uint8 *bytes,
			 Size *nbytes)
{
	if (encoding == TOKEN_BASE64URL)
		return base64url_decode(text, len, bytes, nbytes);
	*nbytes = len / 2;
	return hex_decode(text, len, bytes);
}

/* Digest of what a text stands for, of whatever length. */
static bool
digest_of_decoded(TokenEncoding encoding, const char *text, Size len,
				  TokenDigest *digest)
{
	uint8		bytes[PIECE_DIGITS];
	Sha256		sha;
	bool		ok = true;

	sha256_begin(&sha);
	while (len > 0 && ok)
	{
		Size		piece = Min(len, PIECE_DIGITS);
		Size		nbytes;

		ok = decode_piece(encoding, text, piece, bytes, &nbytes);
		if (ok)
			sha256_add(&sha, bytes, nbytes);
		text += piece;
		len -= piece;
	}
	sha256_end(&sha, digest);
	explicit_bzero(bytes, sizeof(bytes));	/* as good as the token itself */
	return ok;
}

#ifdef USE_OPENSSL
/*
 * Most tokens fit into one block, with the 1 bit and the length that SHA-256 puts
 * behind them.  So we make that block ourselves: what OpenSSL does for data that comes
 * in pieces takes it 200 instructions.
 */
#define BLOCK_TOKEN_LEN		(SHA256_CBLOCK - 1 - sizeof(uint64))

static void
digest_of_block(const char *text, Size len, TokenDigest *digest)
{
	Sha256		sha;
	uint8		block[SHA256_CBLOCK] = {0};
	uint64		nbits = pg_hton64((uint64) len * BITS_PER_BYTE);

	memcpy(block, text, len);
	block[len] = 0x80;
	memcpy(block + SHA256_CBLOCK - sizeof(nbits), &nbits, sizeof(nbits));
	SHA256_Init(&sha);
	SHA256_Transform(&sha, block);
	explicit_bzero(block, sizeof(block));
	for (int i = 0; i < TOKEN_DIGEST_LEN / (int) sizeof(uint32); i++)
	{
		uint32		word = pg_hton32(sha.h[i]);

		memcpy(digest->bytes + i * sizeof(word), &word, sizeof(word));
	}
}
#else
#define BLOCK_TOKEN_LEN		0
#define digest_of_block(text, len, digest)	pg_unreachable()
#endif

bool
token_digest(TokenEncoding encoding, const char *text, Size len,
			 TokenDigest *digest)
{
	Sha256		sha;

	if (len == 0)
		return false;
	if (likely(encoding == TOKEN_TEXT && len <= BLOCK_TOKEN_LEN))
	{
		digest_of_block(text, len, digest);
		return true;
	}
	if (encoding != TOKEN_TEXT)
		return digest_of_decoded(encoding, text, len, digest);
	sha256_begin(&sha);
	sha256_add(&sha, (const uint8 *) text, len);
	sha256_end(&sha, digest);
	return true;
}

void
token_digest_keyed(const uint8 secret[TOKEN_SECRET_LEN], const char *text,
				   Size len, TokenDigest *digest)
{
	Sha256		sha;

	sha256_begin(&sha);
	sha256_add(&sha, secret, TOKEN_SECRET_LEN);
	sha256_add(&sha, (const uint8 *) text, len);
	sha256_end(&sha, digest);
}

bool
token_decode(TokenEncoding encoding, const char *text, Size len,
			 uint8 **bytes, Size *nbytes)
{
	if (len == 0)
		return false;
	*bytes = palloc(len);
	*nbytes = len;
	if (encoding != TOKEN_TEXT)
		return decode_piece(encoding, text, len, *bytes, nbytes);
	memcpy(*bytes, text, len);
	return true;
}

static const char base62_digits[] =
"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/* Those of the digits above whose two low bits are 0. */
static const char base64url_last_digits[] = "AEIMQUYcgkosw048";

#define RANDOM_DIGITS		27	/* log2(62^27) = 160.8 */
#define CHECKSUM_DIGITS		6	/* 62^6 > 2^32 */

/* Random digits of an alphabet, without bias: what does not fit is redrawn. */
static bool
random_digits(const char *alphabet, int base, char *to, int n)
{
	int			limit = 256 - 256 % base;
	uint8		bytes[64];

	while (n > 0)
	{
		if (!pg_strong_random(bytes, sizeof(bytes)))
			return false;
		for (int i = 0; i < (int) sizeof(bytes) && n > 0; i++)
			if (bytes[i] < limit)
			{
				*to++ = alphabet[bytes[i] % base];
				n--;
			}
	}
	explicit_bzero(bytes, sizeof(bytes));
	return true;
}

static void
checksum_digits(const char *text, Size len, char digits[CHECKSUM_DIGITS])
{
	pg_crc32	crc;

	INIT_TRADITIONAL_CRC32(crc);
	COMP_TRADITIONAL_CRC32(crc, text, len);
	FIN_TRADITIONAL_CRC32(crc);
	for (int i = CHECKSUM_DIGITS - 1; i >= 0; i--)
	{
		digits[i] = base62_digits[crc % 62];
		crc /= 62;
	}
}

/* The prefix as it begins a token; returns its length. */
static int
issued_prefix(const char *prefix, char *to)
{
	int			len = strlen(prefix);

	memcpy(to, prefix, len);
	if (len > 0 && prefix[len - 1] != '_')
		to[len++] = '_';
	return len;
}

bool
token_issue(TokenEncoding encoding, const char *prefix,
			char token[TOKEN_MAX_ISSUED_LEN])
{
	int			len;
	int			digits;
	bool		ok = false;

	if (strlen(prefix) > TOKEN_MAX_PREFIX_LEN)
		return false;
	switch (encoding)
	{
		case TOKEN_TEXT:
			len = issued_prefix(prefix, token);
			ok = random_digits(base62_digits, 62, token + len, RANDOM_DIGITS);
			len += RANDOM_DIGITS;
			checksum_digits(token, len, token + len);
			token[len + CHECKSUM_DIGITS] = '\0';
			break;
		case TOKEN_BASE64URL:
			/*
			 * Without a prefix 43 digits, for 32 bytes.  So many that two
			 * bits are left over, which the last digit leaves 0.
			 */
			len = strlen(prefix);
			digits = 43 + (4 - len % 4) % 4;
			memcpy(token, prefix, len);
			ok = random_digits(base64url_digits, 64, token + len, digits) &&
				random_digits(base64url_last_digits, 16,
							  token + len + digits - 1, 1);
			token[len + digits] = '\0';
			break;
		case TOKEN_HEX:
			len = strlen(prefix);
			digits = 64 + len % 2;
			memcpy(token, prefix, len);
			ok = random_digits(hex_digits, 16, token + len, digits);
			token[len + digits] = '\0';
			break;
	}
	return ok;
}

bool
token_is_issued(const char *prefix, const char *token, Size len)
{
	char		begin[TOKEN_MAX_PREFIX_LEN + 1];
	char		checksum[CHECKSUM_DIGITS];
	Size		prefix_len;

	if (strlen(prefix) > TOKEN_MAX_PREFIX_LEN)
		return false;
	prefix_len = issued_prefix(prefix, begin);
	if (len != prefix_len + RANDOM_DIGITS + CHECKSUM_DIGITS ||
		memcmp(token, begin, prefix_len) != 0)
		return false;
	for (Size i = prefix_len; i < len; i++)
		if (!isalnum((unsigned char) token[i]) || token[i] & 0x80)
			return false;
	checksum_digits(token, len - CHECKSUM_DIGITS, checksum);
	return memcmp(token + len - CHECKSUM_DIGITS, checksum,
				  CHECKSUM_DIGITS) == 0;
}

void
token_digest_to_hex(const TokenDigest *digest, char hex[TOKEN_DIGEST_HEX_LEN])
{
	for (int i = 0; i < TOKEN_DIGEST_LEN; i++)
	{
		hex[2 * i] = hex_digits[digest->bytes[i] >> 4];
		hex[2 * i + 1] = hex_digits[digest->bytes[i] & 0xF];
	}
}

bool
token_digest_from_hex(const char *hex, Size len, TokenDigest *digest)
{
	return len == TOKEN_DIGEST_HEX_LEN && hex_decode(hex, len, digest->bytes);
}

void
token_wipe(Datum value)
{
	struct varlena *bytes = (struct varlena *) DatumGetPointer(value);

	explicit_bzero(VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes));
}

void
token_free(struct varlena *copy)
{
	token_wipe(PointerGetDatum(copy));
	pfree(copy);
}
