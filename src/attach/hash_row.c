/*-------------------------------------------------------------------------
 *
 * hash_row.c
 *		The digest column of a source that is moved from plaintext to it, and
 *		SQL: tokenauth_hash_row(), the trigger that fills it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "attach/hash_row.h"
#include "base/compat.h"
#include "commands/trigger.h"
#include "source/registry.h"
#include "source/source.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

/* What the digest column holds for a text that is no token: no digest. */
#define NO_TOKEN_MARK		"!"

/*
 * What the digest column must hold for a token.  For a text that is no token,
 * because it is empty or not of its source's encoding, it is unique, too, and
 * no digest of anything.
 */
static text *
digest_of_value(TokenEncoding encoding, Datum value)
{
	struct varlena *packed = PG_DETOAST_DATUM_PACKED(value);
	char		text[sizeof(NO_TOKEN_MARK) - 1 + TOKEN_DIGEST_HEX_LEN];
	char	   *hex = text;
	TokenDigest digest;

	if (!token_digest(encoding, VARDATA_ANY(packed),
					  VARSIZE_ANY_EXHDR(packed), &digest))
	{
		bytea	   *sha = DatumGetByteaPP(DirectFunctionCall1(sha256_bytea,
															  PointerGetDatum(packed)));

		memcpy(digest.bytes, VARDATA_ANY(sha), TOKEN_DIGEST_LEN);
		memcpy(text, NO_TOKEN_MARK, sizeof(NO_TOKEN_MARK) - 1);
		hex += sizeof(NO_TOKEN_MARK) - 1;
	}
	token_digest_to_hex(&digest, hex);
	token_forget_copy(packed, value);
	return cstring_to_text_with_len(text, hex - text + TOKEN_DIGEST_HEX_LEN);
}

bool
hash_row_is_filled(TokenEncoding encoding, Datum token, bool token_isnull,
				   Datum digest, bool digest_isnull)
{
	text	   *wanted;
	text	   *present;
	bool		same;

	if (token_isnull || digest_isnull)
		return token_isnull && digest_isnull;
	wanted = digest_of_value(encoding, token);
	present = DatumGetTextPP(digest);
	same = VARSIZE_ANY_EXHDR(wanted) == VARSIZE_ANY_EXHDR(present) &&
		memcmp(VARDATA_ANY(wanted), VARDATA_ANY(present),
			   VARSIZE_ANY_EXHDR(wanted)) == 0;
	pfree(wanted);
	return same;
}

static TokenEncoding
parse_encoding(const char *name)
{
	TokenEncoding encoding = TOKEN_TEXT;

	while (source_encodings[encoding] != NULL &&
		   strcmp(source_encodings[encoding], name) != 0)
		encoding++;
	if (source_encodings[encoding] == NULL)
		elog(ERROR, "unknown token encoding \"%s\"", name);
	return encoding;
}

static AttrNumber
trigger_column(const TriggerData *trigger, int arg)
{
	const char *name = trigger->tg_trigger->tgargs[arg];
	AttrNumber	attnum = get_attnum(RelationGetRelid(trigger->tg_relation),
									name);

	if (attnum <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("table \"%s\" has no column \"%s\"",
						RelationGetRelationName(trigger->tg_relation), name),
				 errhint("Call tokenauth_hash_in_place() again, or drop the trigger \"%s\".",
						 trigger->tg_trigger->tgname)));
	return attnum;
}

/*
 * tokenauth_hash_row(token column, digest column, encoding)
 *
 * BEFORE trigger, for each row: fills the digest.  It depends on the row and
 * its arguments only, so it is right in whosever session it fires.
 */
TOKENAUTH_FUNCTION(tokenauth_hash_row);
Datum
tokenauth_hash_row(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	TupleDesc	desc;
	HeapTuple	row;
	int			attnum;
	Datum		token;
	Datum		digest;
	bool		token_isnull;
	bool		digest_isnull;
	TokenEncoding encoding;

	if (!CALLED_AS_TRIGGER(fcinfo) ||
		!TRIGGER_FIRED_BEFORE(trigger->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(trigger->tg_event) ||
		TRIGGER_FIRED_BY_DELETE(trigger->tg_event) ||
		trigger->tg_trigger->tgnargs != 3)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("tokenauth_hash_row() must be called as a BEFORE row trigger of INSERT or UPDATE with 3 arguments")));

	desc = RelationGetDescr(trigger->tg_relation);
	row = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ?
		trigger->tg_newtuple : trigger->tg_trigtuple;
	encoding = parse_encoding(trigger->tg_trigger->tgargs[2]);
	token = heap_getattr(row, trigger_column(trigger, 0), desc, &token_isnull);
	attnum = trigger_column(trigger, 1);
	digest = heap_getattr(row, attnum, desc, &digest_isnull);
	if (!hash_row_is_filled(encoding, token, token_isnull, digest, digest_isnull))
	{
		digest = token_isnull ? (Datum) 0 :
			PointerGetDatum(digest_of_value(encoding, token));
		row = heap_modify_tuple_by_cols(row, desc, 1, &attnum, &digest,
										&token_isnull);
	}
	return PointerGetDatum(row);
}
