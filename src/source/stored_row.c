/*-------------------------------------------------------------------------
 *
 * stored_row.c
 *		What a row has for its token; see stored_row.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/hash.h"
#include "cache/cache.h"
#include "miscadmin.h"
#include "source/stored_row.h"
#include "utils/builtins.h"

static void
begin_bytes(const Source *source, const StoredValue *stored,
			StoredBytes *bytes)
{
	stored_bytes_begin(stored->type, stored_datum(source, stored), bytes);
}

/* The digest that is written in a form, behind the source's literal. */
static bool
read_digest(const Source *source, const char *text, Size len,
			TokenDigest *digest)
{
	Size		literal = source->stored_prefix == NULL ? 0 :
		strlen(source->stored_prefix);

	if (source->stored_as.form == FORM_BYTEA)
	{
		if (len != TOKEN_DIGEST_LEN)
			return false;
		memcpy(digest->bytes, text, TOKEN_DIGEST_LEN);
		return true;
	}
	if (len < literal || (literal > 0 &&
						  memcmp(text, source->stored_prefix, literal) != 0))
		return false;
	if (source->stored_as.form == FORM_HEX)
		return token_digest_from_hex(text + literal, len - literal, digest);
	return hash_read(source->stored_as.form, text + literal, len - literal,
					 digest->bytes, TOKEN_DIGEST_LEN);
}

bool
stored_key_of_row(const Source *source, const StoredValue *stored,
				  TokenDigest *key)
{
	StoredBytes bytes;
	bool		found;

	if (!OidIsValid(stored->type) || !stored_gives_key(source))
		return false;
	begin_bytes(source, stored, &bytes);
	found = source->stored_as.hash == HASH_NONE ?
		token_digest(source->encoding, bytes.data, bytes.len, key) :
		read_digest(source, bytes.data, bytes.len, key);
	stored_bytes_end(&bytes);
	return found;
}

Datum
stored_text(const Source *source, const StoredValue *stored)
{
	StoredBytes bytes;
	text	   *copy;

	begin_bytes(source, stored, &bytes);
	copy = cstring_to_text_with_len(bytes.data, (int) bytes.len);
	stored_bytes_end(&bytes);
	return PointerGetDatum(copy);
}

uint16
stored_cell(const Source *source, const StoredValue *stored)
{
	StoredBytes bytes;
	uint16		cell;

	begin_bytes(source, stored, &bytes);
	cell = cache_cell(MyDatabaseId, source->relation, bytes.data, bytes.len);
	stored_bytes_end(&bytes);
	return cell;
}
