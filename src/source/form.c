/*-------------------------------------------------------------------------
 *
 * form.c
 *		What a stored value looks like; see form.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include "catalog/pg_type.h"
#include "port/pg_bitutils.h"
#include "source/form.h"
#include "source/stored_row.h"

#define ALPHABET "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

/* How salted and slow hashes begin: what is public of them. */
typedef struct SlowHash
{
	const char *begins;
	const char *name;
} SlowHash;

static const SlowHash slow_hashes[] = {
	{"$2a$", "bcrypt"},
	{"$2b$", "bcrypt"},
	{"$2x$", "bcrypt"},
	{"$2y$", "bcrypt"},
	{"bcrypt$", "bcrypt"},
	{"bcrypt_sha256$", "bcrypt"},
	{"$argon2", "Argon2"},
	{"argon2$", "Argon2"},
	{"$scrypt", "scrypt"},
	{"scrypt$", "scrypt"},
	{"scrypt:", "scrypt"},
	{"$7$", "scrypt"},
	{"$y$", "yescrypt"},
	{"$pbkdf2", "PBKDF2"},
	{"pbkdf2_", "PBKDF2"},
	{"pbkdf2:", "PBKDF2"},
	{"pbkdf2$", "PBKDF2"},
	{"$1$", "crypt"},
	{"$5$", "crypt"},
	{"$6$", "crypt"},
};

/* The forms in the order of their likelihood: 64 digits are hex before base64. */
static int
form_bit(StoredAs as)
{
	return (as.form - FORM_HEX) * HASH_COUNT + as.hash;
}

static FormSet
form_set(StoredAs as)
{
	return as.hash == HASH_NONE ? 0 : (FormSet) 1 << form_bit(as);
}

StoredAs
form_likeliest(FormSet digests)
{
	int			bit = pg_rightmost_one_pos64(digests);
	StoredAs	as = {0};

	as.hash = (TokenHash) (bit % HASH_COUNT);
	as.form = (StoredForm) (bit / HASH_COUNT + FORM_HEX);
	return as;
}

FormSet
form_only_hex(FormSet digests)
{
	return digests & (((FormSet) 1 << (2 * HASH_COUNT)) - 1);
}

const char *
form_slow_name(const char *slow)
{
	for (int i = 0; slow != NULL && i < (int) lengthof(slow_hashes); i++)
		if (strcmp(slow_hashes[i].begins, slow) == 0)
			return slow_hashes[i].name;
	return NULL;
}

static const char *
find_slow(const char *text, Size len)
{
	for (int i = 0; i < (int) lengthof(slow_hashes); i++)
	{
		const char *begins = slow_hashes[i].begins;

		if (len > strlen(begins) && memcmp(text, begins, strlen(begins)) == 0)
			return begins;
	}
	return NULL;
}

static const char *
digits_of(StoredForm form)
{
	switch (form)
	{
		case FORM_HEX:
			return "0123456789abcdef";
		case FORM_UPPER_HEX:
			return "0123456789ABCDEF";
		case FORM_BASE64:
			return ALPHABET "+/";
		case FORM_BASE64URL:
			return ALPHABET "-_";
		case FORM_TOKEN:
		case FORM_BYTEA:
			break;
	}
	pg_unreachable();
}

/* Only looks: what is decoded would have to be wiped, as it may be a token. */
static bool
is_written_as(StoredAs as, const char *text, Size len)
{
	Size		nbytes = hash_len(as.hash);
	bool		is_hex = as.form == FORM_HEX || as.form == FORM_UPPER_HEX;
	Size		ndigits = is_hex ? 2 * nbytes : (4 * nbytes + 2) / 3;
	Size		whole = as.form == FORM_BASE64 ? 4 * ((nbytes + 2) / 3) : ndigits;

	if (as.form == FORM_BYTEA)
		return len == nbytes;
	if (len != whole)
		return false;
	for (Size i = 0; i < len; i++)
		if (i < ndigits ? text[i] == '\0' ||
			strchr(digits_of(as.form), text[i]) == NULL : text[i] != '=')
			return false;
	return true;
}

/* What digests a text, or a bytea, could be. */
static FormSet
find_digests(const char *text, Size len, bool is_bytes)
{
	FormSet		found = 0;

	for (int hash = HASH_NONE + 1; hash < HASH_COUNT; hash++)
		for (int form = FORM_HEX; form <= FORM_BYTEA; form++)
		{
			StoredAs	as = {(TokenHash) hash, (StoredForm) form};

			if ((form == FORM_BYTEA) == is_bytes &&
				is_written_as(as, text, len))
				found |= form_set(as);
		}
	return found;
}

void
form_of_value(const Source *source, const StoredValue *stored, ValueForm *form)
{
	text	   *value = DatumGetTextPP(stored_text(source, stored));
	const char *bytes = VARDATA_ANY(value);
	Size		len = VARSIZE_ANY_EXHDR(value);
	Size		literal = source->stored_prefix == NULL ? 0 :
		strlen(source->stored_prefix);
	bool		has_literal = len >= literal &&
		(literal == 0 || memcmp(bytes, source->stored_prefix, literal) == 0);

	form->len = len;
	form->slow = find_slow(bytes, len);
	form->digests = 0;
	if (has_literal)
		form->digests = find_digests(bytes + literal, len - literal,
									 stored->type == BYTEAOID);
	form->is_source_form = source->stored_as.hash == HASH_NONE ||
		(form->digests & form_set(source->stored_as)) != 0;
	token_wipe(PointerGetDatum(value));
}
