/*-------------------------------------------------------------------------
 *
 * value.c
 *		Values of a source's columns; see value.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include "cache/cache.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "source/value.h"
#include "utils/builtins.h"

/* Can a type hold the values of a column? */
static bool
type_matches(const SourceColumn *column, Oid wanted)
{
	switch (column->kind)
	{
		case VALUE_UUID:
			return wanted == UUIDOID;
		case VALUE_INT4:
			return wanted == INT4OID;
		case VALUE_INT8:
			return wanted == INT8OID;
		case VALUE_TEXT:
			return wanted == TEXTOID || wanted == VARCHAROID;
		case VALUE_JSONB:
		case VALUE_NONE:
			break;
	}
	return false;
}

void
source_check_type(const char *source, SourceRole role,
				  const SourceColumn *column, Oid wanted)
{
	const char *type;

	if (type_matches(column, wanted))
		return;
	if (!OidIsValid(wanted))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("the type that is asked for is not known"),
				 errhint("Call the function in a query, not by the fast-path interface.")));
	type = format_type_be(column->type);
	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 role == ROLE_TENANT ?
			 errmsg("token source \"%s\" has tenant ids of type %s, not %s",
					source, type, format_type_be(wanted)) :
			 errmsg("token source \"%s\" has user ids of type %s, not %s",
					source, type, format_type_be(wanted)),
			 errhint("Pass NULL::%s as the argument \"as_type\".", type)));
}

uint16
source_parent_cell(const SourceParent *parent, Datum key)
{
	VerdictValue value = verdict_value(parent->key.kind, key,
									   parent->key.type);

	return cache_cell(MyDatabaseId, parent->relation, value.data, value.len);
}

bool
source_digest_of_value(const Source *source, Datum value, bool isnull,
					   TokenDigest *digest)
{
	struct varlena *packed;
	bool		found = false;

	if (isnull)
		return false;
	packed = PG_DETOAST_DATUM_PACKED(value);
	switch (source->stored_as)
	{
		case STORED_SHA256_HEX:
			found = token_digest_from_hex(VARDATA_ANY(packed),
										  VARSIZE_ANY_EXHDR(packed), digest);
			break;
		case STORED_SHA256_BYTEA:
			found = VARSIZE_ANY_EXHDR(packed) == TOKEN_DIGEST_LEN;
			if (found)
				memcpy(digest->bytes, VARDATA_ANY(packed), TOKEN_DIGEST_LEN);
			break;
		case STORED_PLAINTEXT:
			found = token_digest(source->encoding, VARDATA_ANY(packed),
								 VARSIZE_ANY_EXHDR(packed), digest);
			break;
	}
	token_forget_copy(packed, value);
	return found;
}
