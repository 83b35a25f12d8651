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
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "source/citext.h"
#include "source/registry.h"
#include "source/stored_value.h"
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
digest_of_value(const HashColumns *columns, Datum value)
{
	StoredBytes bytes;
	char		text[sizeof(NO_TOKEN_MARK) - 1 + TOKEN_DIGEST_HEX_LEN];
	char	   *hex = text;
	uint8		hash[HASH_MAX_LEN];
	TokenDigest digest;

	stored_bytes_begin(columns->type, value, &bytes);
	if (!token_digest(columns->encoding, bytes.data, bytes.len, &digest))
	{
		hash_compute(HASH_SHA256, (const uint8 *) bytes.data, bytes.len, hash);
		memcpy(digest.bytes, hash, TOKEN_DIGEST_LEN);
		memcpy(text, NO_TOKEN_MARK, sizeof(NO_TOKEN_MARK) - 1);
		hex += sizeof(NO_TOKEN_MARK) - 1;
	}
	token_digest_to_hex(&digest, hex);
	stored_bytes_end(&bytes);
	return cstring_to_text_with_len(text, hex - text + TOKEN_DIGEST_HEX_LEN);
}

static Form_pg_attribute
find_column(Relation table, const char *name)
{
	AttrNumber	attnum = get_attnum(RelationGetRelid(table), name);

	if (attnum <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("table \"%s\" has no column \"%s\"",
						RelationGetRelationName(table), name),
				 errhint("Call tokenauth_hash_in_place() again, or drop the trigger \"%s\".",
						 HASH_ROW_TRIGGER)));
	return TupleDescAttr(RelationGetDescr(table), attnum - 1);
}

static void
wrong_type(Relation table, Form_pg_attribute attribute, const char *wanted)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("column \"%s\" of table \"%s\" is of type %s, not %s",
					NameStr(attribute->attname), RelationGetRelationName(table),
					format_type_be(attribute->atttypid), wanted),
			 errhint("Call tokenauth_hash_in_place() again, or drop the trigger \"%s\".",
					 HASH_ROW_TRIGGER)));
}

void
hash_row_find(Relation table, const char *token, const char *digest,
			  TokenEncoding encoding, HashColumns *columns)
{
	Form_pg_attribute attribute = find_column(table, token);

	columns->token = attribute->attnum;
	columns->type = plain_type(attribute->atttypid);
	if (!stored_type_is_token(columns->type))
		wrong_type(table, attribute, "one that tokens can be of");
	attribute = find_column(table, digest);
	if (attribute->atttypid != TEXTOID)
		wrong_type(table, attribute, "text");
	columns->digest = attribute->attnum;
	columns->encoding = encoding;
}

bool
hash_row_is_ours(Relation table, AttrNumber digest)
{
	Form_pg_attribute attribute =
		TupleDescAttr(RelationGetDescr(table), digest - 1);

	return attribute->atttypid == TEXTOID &&
		attribute->attcollation == C_COLLATION_OID &&
		attribute->attgenerated == '\0' && !attribute->atthasdef;
}

Datum
hash_row_digest(const HashColumns *columns, TupleTableSlot *row, bool *isnull)
{
	Datum		token = slot_getattr(row, columns->token, isnull);

	return *isnull ? (Datum) 0 :
		PointerGetDatum(digest_of_value(columns, token));
}

bool
hash_row_is_filled(const HashColumns *columns, TupleTableSlot *row)
{
	bool		isnull[2];
	Datum		wanted = hash_row_digest(columns, row, &isnull[0]);
	Datum		present = slot_getattr(row, columns->digest, &isnull[1]);
	bool		same;

	if (isnull[0] || isnull[1])
		return isnull[0] && isnull[1];
	same = DatumGetBool(DirectFunctionCall2Coll(texteq, C_COLLATION_OID,
												wanted, present));
	pfree(DatumGetPointer(wanted));
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
	TupleTableSlot *slot;
	HeapTuple	row;
	HashColumns columns;

	if (!CALLED_AS_TRIGGER(fcinfo) ||
		!TRIGGER_FIRED_BEFORE(trigger->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(trigger->tg_event) ||
		TRIGGER_FIRED_BY_DELETE(trigger->tg_event) ||
		trigger->tg_trigger->tgnargs != 3)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("tokenauth_hash_row() must be called as a BEFORE row trigger of INSERT or UPDATE with 3 arguments")));

	if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
	{
		slot = trigger->tg_newslot;
		row = trigger->tg_newtuple;
	}
	else
	{
		slot = trigger->tg_trigslot;
		row = trigger->tg_trigtuple;
	}
	hash_row_find(trigger->tg_relation, trigger->tg_trigger->tgargs[0],
				  trigger->tg_trigger->tgargs[1],
				  parse_encoding(trigger->tg_trigger->tgargs[2]), &columns);
	if (!hash_row_is_filled(&columns, slot))
	{
		int			attnum = columns.digest;
		bool		isnull;
		Datum		digest = hash_row_digest(&columns, slot, &isnull);

		row = heap_modify_tuple_by_cols(row,
										RelationGetDescr(trigger->tg_relation),
										1, &attnum, &digest, &isnull);
	}
	return PointerGetDatum(row);
}
