/*-------------------------------------------------------------------------
 *
 * stored.c
 *		From a presented token to what its row has; see stored.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/detoast.h"
#include "access/table.h"
#include "base/compat.h"
#include "base/hash.h"
#include "cache/cache.h"
#include "mb/pg_wchar.h"
#include "nodes/nodeFuncs.h"
#include "source/citext.h"
#include "source/expression.h"
#include "source/stored.h"
#include "source/value.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/uuid.h"

/* ---------- what a source's values are ---------- */

bool
stored_is_token(const Source *source)
{
	return source->stored_as.hash == HASH_NONE && source->lookup == NULL;
}

bool
stored_gives_key(const Source *source)
{
	return source->lookup == NULL && source->verify == NULL &&
		source->npeppers == 0 &&
		(source->stored_as.hash == HASH_NONE ||
		 source->stored_as.hash == HASH_SHA256);
}

int
stored_ncells(const Source *source)
{
	return stored_gives_key(source) ? 0 : Max(1, source->npeppers);
}

bool
stored_is_digest(const Source *source)
{
	return stored_gives_key(source) && source->stored_as.hash != HASH_NONE;
}

void
stored_require_digest(const Source *source, const char *hint)
{
	if (stored_is_digest(source))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("token source \"%s\" cannot be asked by digest",
					source->name),
			 stored_is_token(source) ?
			 errdetail("Its table holds the tokens themselves.") :
			 errdetail("Its table does not hold their SHA-256."),
			 errhint("%s", hint)));
}

bool
stored_lookup_fits(const Source *source, Oid type)
{
	return stored_type_is_text(type) ? source->column[ROLE_TOKEN].type != BYTEAOID :
		type == source->column[ROLE_TOKEN].type;
}

bool
stored_type_fits(const Source *source, Oid type)
{
	if (source->lookup != NULL)
		return stored_type_is_text(type) || stored_type_is_written(type) || type == BYTEAOID;
	if (source->stored_as.form == FORM_BYTEA)
		return type == BYTEAOID;
	return source->stored_as.hash == HASH_NONE ? stored_type_is_token(type) :
		stored_type_is_text(type);
}

Oid
stored_type(const Source *source)
{
	Oid			type = source->column[ROLE_TOKEN].type;

	return type == VARCHAROID ? TEXTOID : type;
}

/* ---------- the part of a token that counts ---------- */

/* Where the separator begins; NULL if it is not there. */
static const char *
find_separator(const TokenPart *part, const char *token, Size len)
{
	Size		sought = strlen(part->separator);

	for (Size i = 0; i + sought <= len; i++)
		if (memcmp(token + i, part->separator, sought) == 0)
			return token + i;
	return NULL;
}

/* Cut a token to its part; false if it has none, which is not the same as ''. */
bool
stored_part(const Source *source, const char **token, Size *len)
{
	const TokenPart *part = &source->part;
	const char *end = *token + *len;
	const char *found;

	switch (part->kind)
	{
		case PART_WHOLE:
			return *len > 0;
		case PART_AFTER_PREFIX:
			if (!source_has_prefix(source, *token, *len))
				return false;
			*token += source->prefix_len;
			*len -= source->prefix_len;
			return *len > 0;
		case PART_AFTER:
		case PART_BEFORE:
			break;
	}
	found = find_separator(part, *token, *len);
	if (found == NULL)
		return part->if_any;
	if (part->kind == PART_BEFORE)
		*len = found - *token;
	else
	{
		*token = found + strlen(part->separator);
		*len = end - *token;
	}
	return *len > 0;
}

/* ---------- values of the token column ---------- */

/* The one way to write a number: digits without a leading 0. */
static bool
is_number(const char *text, Size len, int64 min, int64 max)
{
	char		copy[21];
	char	   *digits = copy;
	int64		number;

	if (len == 0 || len >= sizeof(copy))
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	if (copy[0] == '-' && len > 1)
		digits++;
	if (digits[strspn(digits, "0123456789")] != '\0' ||
		strlen(digits) != len - (digits - copy) ||
		(digits[0] == '0' && len > 1))
		return false;
	errno = 0;
	number = strtoll(copy, NULL, 10);
	return errno == 0 && number >= min && number <= max;
}

/* The one way to write a uuid: as it is written by the server. */
static bool
is_uuid(const char *text, Size len)
{
	if (len != 36)
		return false;
	for (int i = 0; i < 36; i++)
	{
		bool		dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? text[i] != '-' : strchr("0123456789abcdef", text[i]) == NULL ||
			text[i] == '\0')
			return false;
	}
	return true;
}

/* Is a plaintext the one way to write a value of its column's type? */
static bool
is_writable(const Source *source, const char *token, Size len)
{
	switch (source->column[ROLE_TOKEN].type)
	{
		case UUIDOID:
			return is_uuid(token, len);
		case INT8OID:
			return is_number(token, len, PG_INT64_MIN, PG_INT64_MAX);
		case INT4OID:
			return is_number(token, len, PG_INT32_MIN, PG_INT32_MAX);
		case BPCHAROID:
			return len > 0 && token[len - 1] != ' ';
		default:
			return true;
	}
}

/* Text as a char(n) has it; false if it is too long for one. */
static bool
pad(const Source *source, const char *data, Size len, Datum *value)
{
	int			chars = pg_mbstrlen_with_len(data, (int) len);
	Size		blanks = 0;
	text	   *padded;
	Oid			type;
	int32		typmod;
	Oid			collation;

	get_atttypetypmodcoll(source->relation, source->column[ROLE_TOKEN].attnum,
						  &type, &typmod, &collation);
	(void) getBaseTypeAndTypmod(type, &typmod);
	if (typmod >= (int32) VARHDRSZ)
	{
		if (chars > typmod - (int32) VARHDRSZ)
			return false;
		blanks = typmod - VARHDRSZ - chars;
	}
	padded = palloc(VARHDRSZ + len + blanks);
	SET_VARSIZE(padded, VARHDRSZ + len + blanks);
	memcpy(VARDATA(padded), data, len);
	memset(VARDATA(padded) + len, ' ', blanks);
	*value = PointerGetDatum(padded);
	return true;
}

/* What a type makes of a text, which may be a token. */
static Datum
read_value(PGFunction input, const char *text, Size len)
{
	char	   *copy = pnstrdup(text, len);
	Datum		value = DirectFunctionCall1(input, CStringGetDatum(copy));

	explicit_bzero(copy, len);
	pfree(copy);
	return value;
}

/* Text as a value of the token column. */
static bool
value_of_text(const Source *source, const char *text, Size len, Datum *value)
{
	switch (source->column[ROLE_TOKEN].type)
	{
		case UUIDOID:
			*value = read_value(uuid_in, text, len);
			return true;
		case INT4OID:
			*value = read_value(int4in, text, len);
			return true;
		case INT8OID:
			*value = read_value(int8in, text, len);
			return true;
		case BPCHAROID:
			return pad(source, text, len, value);
		default:
			*value = PointerGetDatum(cstring_to_text_with_len(text, (int) len));
			return true;
	}
}

/* A digest as its form has it, behind the source's literal. */
static bool
value_of_hash(const Source *source, const uint8 *bytes, Size nbytes,
			  Datum *value)
{
	char	   *written;
	char	   *whole;
	bool		ok;

	if (source->stored_as.form == FORM_BYTEA)
	{
		*value = PointerGetDatum(cstring_to_text_with_len((const char *) bytes,
														  (int) nbytes));
		return true;
	}
	written = hash_write(source->stored_as.form, bytes, nbytes);
	whole = source->stored_prefix == NULL ? written :
		psprintf("%s%s", source->stored_prefix, written);
	ok = value_of_text(source, whole, strlen(whole), value);
	pfree(written);
	return ok;
}

bool
stored_value_of_digest(const Source *source, const TokenDigest *digest,
					   StoredValue *stored)
{
	stored->type = source->column[ROLE_TOKEN].type;
	return value_of_hash(source, digest->bytes, TOKEN_DIGEST_LEN,
						 &stored->value);
}

static bool
is_empty(Oid type, Datum value)
{
	return (stored_type_is_text(type) || type == BYTEAOID) &&
		toast_raw_datum_size(value) == VARHDRSZ;
}

/*
 * What the source's lookup makes of a token, as a value of the column.  Text is
 * taken as a plaintext is, so that the lookup need not fail for what is no number.
 * One that is empty is no value: applications leave it in rows whose token is gone.
 * The source may have been read again when the lookup returns.
 */
static bool
look_up(const Source *source, const char *token, Size len,
		StoredValue *stored)
{
	text	   *presented = cstring_to_text_with_len(token, (int) len);
	ExpressionRow over = {NULL, NULL, source->timezone, presented};
	Relation	table;
	Oid			type;
	bool		found;
	text	   *made;

	source_require_whole(source);
	type = plain_type(exprType(source->lookup_node));
	over.relation = table = table_open(source->relation, AccessShareLock);
	found = expression_try(&over, source->lookup_node, &stored->value);
	token_wipe(PointerGetDatum(presented));
	table_close(table, AccessShareLock);
	stored->type = type;
	if (!found || is_empty(type, stored->value))
		return false;
	if (!stored_type_is_text(type))
		return true;
	made = DatumGetTextPP(stored->value);
	stored->type = source->column[ROLE_TOKEN].type;
	found = is_writable(source, VARDATA_ANY(made), VARSIZE_ANY_EXHDR(made)) &&
		value_of_text(source, VARDATA_ANY(made), VARSIZE_ANY_EXHDR(made),
					  &stored->value);
	token_wipe(PointerGetDatum(made));
	return found;
}

/* The digest of what a token stands for, made with one of the source's peppers. */
static void
hash_with(const Source *source, int which, const uint8 *bytes, Size nbytes,
		  uint8 digest[HASH_MAX_LEN])
{
	PepperUse	use = PEPPER_NONE;
	Pepper		pepper = {0};

	if (source->npeppers > 0)
	{
		use = source->stored_as.is_hmac ? PEPPER_HMAC : source->pepper_as;
		if (!pepper_find(source->pepper[which], &pepper))
			stored_source_changed(source);
	}
	hash_compute_peppered(source->stored_as.hash, use, &pepper, bytes, nbytes,
						  digest);
}

/* Is the last digest one of those before it? */
static bool
is_repeated(uint8 (*digest)[HASH_MAX_LEN], int last, Size len)
{
	for (int i = 0; i < last; i++)
		if (memcmp(digest[i], digest[last], len) == 0)
			return true;
	return false;
}

/*
 * One value for each pepper; without any, one.  Two names can have the same bytes, or,
 * as the key of an HMAC, bytes that count the same: a row found twice would be taken
 * for two.
 */
static bool
values_of_bytes(const Source *source, const uint8 *bytes, Size nbytes,
				StoredValues *values)
{
	uint8		digest[SOURCE_MAX_PEPPERS][HASH_MAX_LEN];
	Size		len = hash_len(source->stored_as.hash);

	values->n = 0;
	for (int i = 0; i < Max(1, source->npeppers); i++)
	{
		StoredValue *stored = &values->value[values->n];

		hash_with(source, i, bytes, nbytes, digest[i]);
		if (is_repeated(digest, i, len))
			continue;
		stored->type = source->column[ROLE_TOKEN].type;
		values->pepper[values->n] = i;
		/* all are equally long, so none fits where one does not */
		if (!value_of_hash(source, digest[i], len, &stored->value))
			return false;
		values->n++;
	}
	return true;
}

bool
stored_values(const Source *source, const char *token, Size len,
			  StoredValues *values)
{
	uint8	   *bytes;
	Size		nbytes;
	bool		found;

	values->n = 1;
	if (source->lookup != NULL)
		return look_up(source, token, len, &values->value[0]);
	values->value[0].type = source->column[ROLE_TOKEN].type;
	if (!stored_part(source, &token, &len))
		return false;
	if (source->stored_as.hash == HASH_NONE)
		return is_writable(source, token, len) &&
			value_of_text(source, token, len, &values->value[0].value);
	if (!token_decode(source->encoding, token, len, &bytes, &nbytes))
		return false;
	found = values_of_bytes(source, bytes, nbytes, values);
	explicit_bzero(bytes, nbytes);
	return found;
}

/* ---------- keys ---------- */

bool
stored_unusual_key(const Source *source, const char *token, Size len,
				   TokenDigest *key)
{
	const char *part = token;
	Size		part_len = len;

	if (len == 0 ||
		(source->lookup == NULL && !stored_part(source, &part, &part_len)))
		return false;
	if (stored_gives_key(source))
		return token_digest(source->encoding, part, part_len, key) &&
			(source->stored_as.hash != HASH_NONE ||
			 is_writable(source, part, part_len));
	if (source->lookup == NULL && source->encoding != TOKEN_TEXT &&
		!token_digest(source->encoding, part, part_len, key))
		return false;			/* not the encoding of anything */
	if (!cache_is_on())
		memset(key, 0, sizeof(*key));	/* nobody asks */
	else
		token_digest_keyed(cache_secret(), token, len, key);
	return true;
}
