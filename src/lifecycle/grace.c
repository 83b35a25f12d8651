/*-------------------------------------------------------------------------
 *
 * grace.c
 *		What a token's expiry was before a rotation with a grace shortened it;
 *		see grace.h.  SQL: tokenauth_retiring_guard().
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/compat.h"
#include "base/sandbox.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "lifecycle/grace.h"
#include "lifecycle/shared_row.h"
#include "miscadmin.h"
#include "source/directory.h"
#include "source/hold.h"
#include "source/names.h"
#include "source/registry_guard.h"
#include "source/stored.h"
#include "source/stored_row.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

/* How many entries that are over are deleted with each new one. */
#define MAX_FORGOTTEN		100

static const char *
table_name(void)
{
	return quoted_own(guarded_name(GUARDED_RETIRING));
}

static QueryResult *
execute(const char *sql, int nargs, Oid *types, Datum *values,
		const char *nulls)
{
	ExtensionInfo extension;

	guard_require(&extension, GUARDED_RETIRING);
	return extension_execute(&extension, sql, nargs, types, values, nulls);
}

static Datum
digest_datum(const TokenDigest *digest)
{
	return PointerGetDatum(cstring_to_text_with_len((const char *) digest->bytes,
													TOKEN_DIGEST_LEN));
}

/*
 * tokenauth_retiring_guard()
 *
 * BEFORE trigger of the table, for each row that is inserted or updated.  A row
 * can lengthen the life of a token's successor, so only the code in this file
 * writes the table, regardless of privileges on it.
 */
TOKENAUTH_FUNCTION(tokenauth_retiring_guard);
Datum
tokenauth_retiring_guard(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	ExtensionInfo extension;

	if (!CALLED_AS_TRIGGER(fcinfo) ||
		!TRIGGER_FIRED_BEFORE(trigger->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(trigger->tg_event) ||
		TRIGGER_FIRED_BY_DELETE(trigger->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("tokenauth_retiring_guard() must be called as a BEFORE row trigger of INSERT or UPDATE")));
	extension_require(&extension);
	if (!sandbox_is_entered() || GetUserId() != extension.owner)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("table \"%s\" is written by tokenauth_rotate() alone",
						RelationGetRelationName(trigger->tg_relation))));
	return PointerGetDatum(TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ?
						   trigger->tg_newtuple : trigger->tg_trigtuple);
}

/*
 * A digest of what a row has in the token column: the token's where it gives that.  False
 * if the source's tokens do not stand so.
 */
static bool
digest_of_row(const Source *source, const StoredValue *stored,
			  TokenDigest *digest)
{
	text	   *value;
	bool		known;

	if (stored_gives_key(source))
		return stored_key_of_row(source, stored, digest);
	value = DatumGetTextPP(stored_text(source, stored));
	known = token_digest(TOKEN_TEXT, VARDATA_ANY(value),
						 VARSIZE_ANY_EXHDR(value), digest);
	token_wipe(PointerGetDatum(value));
	return known;
}

/*
 * By what a token is known here as long as its row stands.  Not by its key in the
 * cache, which need not outlive the server's start, nor exist.  The source is in it,
 * for one token can be of several of a table, and have a life in each.
 */
static bool
find_name(const Source *source, const StoredValue *stored, Datum *name)
{
	char		text[NAMEDATALEN + TOKEN_DIGEST_LEN];
	Size		len = strlen(source->name);
	TokenDigest digest;

	if (!digest_of_row(source, stored, &digest))
		return false;
	memcpy(text, digest.bytes, TOKEN_DIGEST_LEN);
	memcpy(text + TOKEN_DIGEST_LEN, source->name, len);
	(void) token_digest(TOKEN_TEXT, text, TOKEN_DIGEST_LEN + len, &digest);
	*name = digest_datum(&digest);
	return true;
}

static Datum
name_of(const Source *source, const StoredValue *stored)
{
	Datum		name;

	if (!find_name(source, stored, &name))
		stored_source_changed(source);
	return name;
}

/* Its names in the source, and in each other one of the column: a bytea[]. */
static Datum
names_of(const Source *source, const StoredValue *stored)
{
	List	   *all = source_all_of(source->relation);
	Datum	   *names = palloc(sizeof(Datum) * (list_length(all) + 1));
	int			n = 0;
	ListCell   *lc;

	names[n++] = name_of(source, stored);
	foreach(lc, all)
		if (shared_row_is_kin(source, lfirst(lc)) && source_is_readable(lfirst(lc)) &&
			find_name(lfirst(lc), stored, &names[n]))
			n++;
	return PointerGetDatum(construct_array(names, n, BYTEAOID, -1, false, TYPALIGN_INT));
}

char *
grace_successors(const Source *source, const StoredValue *token)
{
	Oid			type[] = {OIDOID, BYTEAARRAYOID};
	Datum		value[] = {
		ObjectIdGetDatum(source->relation), names_of(source, token)
	};
	QueryResult *result;

	result = execute(psprintf("SELECT pg_catalog.string_agg(pg_catalog.encode(successor, 'hex'), ',' ORDER BY token_hash)"
							  " FROM %s WHERE relation OPERATOR(pg_catalog.=) $1"
							  " AND token_hash OPERATOR(pg_catalog.=) ANY ($2)"
							  " AND shortened_to OPERATOR(pg_catalog.>) pg_catalog.clock_timestamp()",
							  table_name()),
					 2, type, value, NULL);
	return query_text(result, 0, 1);
}

bool
grace_recall(const Source *source, const StoredValue *token,
			 TimestampTz expiry, Grace *grace)
{
	Oid			type[] = {OIDOID, BYTEAOID, TIMESTAMPTZOID};
	Datum		value[] = {
		ObjectIdGetDatum(source->relation), name_of(source, token),
		TimestampTzGetDatum(expiry)
	};
	QueryResult *result;
	bool		isnull;

	/* if the expiry has been changed since, the changed one is the token's */
	result = execute(psprintf("SELECT expired_at, successor FROM %s"
							  " WHERE relation OPERATOR(pg_catalog.=) $1"
							  " AND token_hash OPERATOR(pg_catalog.=) $2"
							  " AND shortened_to OPERATOR(pg_catalog.=) $3",
							  table_name()),
					 3, type, value, NULL);
	if (result->nrows == 0)
		return false;
	grace->original.exists = query_timestamp(result, 0, 1,
											 &grace->original.at);
	grace->successor = query_value(result, 0, 2, &isnull);
	return true;
}

/* The registry says so, but the name of the column may have become another's. */
static void
check_is_bytes(const Source *source)
{
	if (get_typlen(source->column[ROLE_TOKEN].type) != -1)
		stored_source_changed(source);
}

/*
 * What a token's row can be found by that is no secret: what stands in the
 * table, or its SHA-256 where that is the token itself.
 */
static Datum
trace_of(const Source *source, const StoredValue *stored)
{
	text	   *value;
	TokenDigest digest;

	check_is_bytes(source);
	value = DatumGetTextPP(stored_datum(source, stored));
	if (!stored_is_token(source))
		return PointerGetDatum(value);
	(void) token_digest(TOKEN_TEXT, VARDATA_ANY(value),
						VARSIZE_ANY_EXHDR(value), &digest);
	return digest_datum(&digest);
}

char *
grace_is_successor(OwnerCall *call, Datum successor)
{
	check_is_bytes(call->source);
	if (!stored_is_token(call->source))
		return owner_is_token(call, &(StoredValue) {successor,
							  call->source->column[ROLE_TOKEN].type});
	return psprintf("pg_catalog.sha256(pg_catalog.convert_to(%s, pg_catalog.getdatabaseencoding()))"
					" OPERATOR(pg_catalog.=) $%d",
					owner_column(call, ROLE_TOKEN),
					owner_parameter(call, BYTEAOID, successor, false));
}

/* Forget graces that are over; those of other rotations under way can wait. */
static void
forget_ended(void)
{
	/* it would be a reason to fail */
	if (IsolationUsesXactSnapshot())
		return;
	query_free(execute(psprintf("DELETE FROM %s WHERE ctid OPERATOR(pg_catalog.=) ANY (ARRAY("
								"SELECT ctid FROM %s WHERE shortened_to"
								" OPERATOR(pg_catalog.<) pg_catalog.clock_timestamp()"
								" ORDER BY shortened_to LIMIT %d FOR UPDATE SKIP LOCKED))",
								table_name(), table_name(), MAX_FORGOTTEN),
					   0, NULL, NULL, NULL));
}

void
grace_remember(const Source *source, const StoredValue *token,
			   TimestampTz shortened, Expiry original,
			   const StoredValue *successor)
{
	Oid			type[] = {OIDOID, BYTEAOID, TIMESTAMPTZOID, TIMESTAMPTZOID, BYTEAOID};
	Datum		value[] = {
		ObjectIdGetDatum(source->relation), name_of(source, token),
		TimestampTzGetDatum(shortened), TimestampTzGetDatum(original.at),
		trace_of(source, successor)
	};

	forget_ended();
	query_free(execute(psprintf("INSERT INTO %s (relation, token_hash, shortened_to, expired_at, successor)"
								" VALUES ($1, $2, $3, $4, $5)"
								" ON CONFLICT (relation, token_hash) DO UPDATE"
								" SET shortened_to = excluded.shortened_to,"
								" expired_at = excluded.expired_at,"
								" successor = excluded.successor",
								table_name()),
					   5, type, value, original.exists ? NULL : "   n "));
}
