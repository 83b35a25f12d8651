/*-------------------------------------------------------------------------
 *
 * lifecycle.c
 *		SQL: tokenauth_revoke(), tokenauth_flush().
 *
 * EXECUTE is the gate: the caller needs no right on the table.  Rows are
 * changed as the table's owner, with the flags that core uses for a foreign
 * key's actions, so that the owner's triggers run with the owner's rights and
 * nobody else's.  They run with the caller's search_path, as they would for
 * any UPDATE; therefore every name in our own statements is qualified.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_type.h"
#include "coherence.h"
#include "compat.h"
#include "executor/spi.h"
#include "judge.h"
#include "lookup.h"
#include "mapping.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

/* Run one statement as the owner of a source's table; returns rows changed. */
static uint64
execute_as_owner(Oid relation, const char *sql, int nargs, Oid *types,
				 Datum *values)
{
	Relation	table = table_open(relation, AccessShareLock);
	Oid			owner = table->rd_rel->relowner;
	Oid			save_role;
	int			save_context;
	int			result;
	uint64		processed;

	table_close(table, AccessShareLock);
	SPI_connect();
	GetUserIdAndSecContext(&save_role, &save_context);
	SetUserIdAndSecContext(owner, save_context | SECURITY_LOCAL_USERID_CHANGE |
						   SECURITY_NOFORCE_RLS);
	result = SPI_execute_with_args(sql, nargs, types, values, NULL, false, 0);
	SetUserIdAndSecContext(save_role, save_context);
	processed = SPI_processed;
	if (result < 0)
		elog(ERROR, "could not revoke: %s", SPI_result_code_string(result));
	SPI_finish();
	return processed;
}

static const char *
column_of(const Source *source, SourceRole role)
{
	return quote_identifier(source->column[role].name);
}

/*
 * "UPDATE ... SET ... WHERE not yet revoked" or "DELETE FROM ... WHERE true",
 * as the source's shape asks for; the caller adds " AND ...".
 */
static void
begin_revoke(const Source *source, StringInfo sql)
{
	const SourceColumn *revoked = &source->column[ROLE_REVOKED];
	const char *column;
	char	   *table =
		quote_qualified_identifier(get_namespace_name(get_rel_namespace(source->relation)),
								   get_rel_name(source->relation));

	initStringInfo(sql);
	if (!AttributeNumberIsValid(revoked->attnum))
	{
		appendStringInfo(sql, "DELETE FROM ONLY %s WHERE true", table);
		return;
	}
	column = column_of(source, ROLE_REVOKED);
	appendStringInfo(sql, "UPDATE ONLY %s SET %s = ", table, column);
	switch (revoked->type)
	{
		case BOOLOID:
			appendStringInfo(sql, "true WHERE %s IS NOT TRUE", column);
			break;
		case TIMESTAMPTZOID:
			appendStringInfo(sql, "pg_catalog.clock_timestamp() WHERE %s IS NULL",
							 column);
			break;
		case TIMESTAMPOID:
			appendStringInfo(sql, "pg_catalog.timezone(%s, pg_catalog.clock_timestamp())"
							 " WHERE %s IS NULL",
							 quote_literal_cstr(source->timezone), column);
			break;
		default:
			/* an unknown literal takes the column's type, be it an enum */
			appendStringInfo(sql, "'revoked' WHERE %s OPERATOR(pg_catalog.<>) 'revoked'",
							 column);
			break;
	}
}

/* Readable, or an error that says why not. */
static bool
prepare_source(Source *source)
{
	if (!source_validate(source))
		return false;
	if (PROBLEM_IS_FATAL(source->problem))
		mapping_report(source);
	return true;
}

static uint64
revoke_by_token(Source *source, const char *token, Size len)
{
	LookupKey	key = {{{0}}, token, len};
	Oid			type = source->stored_as == STORED_SHA256_BYTEA ?
		BYTEAOID : TEXTOID;
	Datum		value;
	StringInfoData sql;

	if (!prepare_source(source) ||
		!token_digest(source->encoding, token, len, &key.digest) ||
		!lookup_search_value(source, &key, &value))
		return 0;
	begin_revoke(source, &sql);
	appendStringInfo(&sql, " AND %s OPERATOR(pg_catalog.=) $1",
					 column_of(source, ROLE_TOKEN));
	return execute_as_owner(source->relation, sql.data, 1, &type, &value);
}

/*
 * tokenauth_revoke(token text) returns boolean
 *
 * True if this call revoked it; false if it was revoked or unknown before.
 * In effect for all once the transaction has committed.
 */
TOKENAUTH_FUNCTION(tokenauth_revoke_token);
Datum
tokenauth_revoke_token(PG_FUNCTION_ARGS)
{
	text	   *token = PG_GETARG_TEXT_PP(0);
	const char *data = VARDATA_ANY(token);
	Size		len = VARSIZE_ANY_EXHDR(token);
	uint64		revoked = 0;
	ListCell   *lc;

	coherence_refresh();
	source_refresh();
	foreach(lc, source_candidates(data, len))
		revoked += revoke_by_token(lfirst(lc), data, len);
	PG_RETURN_BOOL(revoked > 0);
}

/* Does the source have what revoking by id and user needs? */
static bool
has_uuid_columns(const Source *source)
{
	return source->column[ROLE_ID].kind == VALUE_UUID &&
		source->column[ROLE_USER].kind == VALUE_UUID;
}

/*
 * tokenauth_revoke(id uuid, user_id uuid, source name) returns boolean
 *
 * The same by the row's id, if it is that user's.  Without a source: in each
 * whose ids and user ids are uuids.
 */
TOKENAUTH_FUNCTION(tokenauth_revoke_id);
Datum
tokenauth_revoke_id(PG_FUNCTION_ARGS)
{
	Oid			types[2] = {UUIDOID, UUIDOID};
	Datum		values[2];
	uint64		revoked = 0;
	List	   *sources;
	ListCell   *lc;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_BOOL(false);
	values[0] = PG_GETARG_DATUM(0);
	values[1] = PG_GETARG_DATUM(1);

	coherence_refresh();
	source_refresh();
	sources = PG_ARGISNULL(2) ? source_all() :
		list_make1(judge_named_source(NameStr(*PG_GETARG_NAME(2))));
	foreach(lc, sources)
	{
		Source	   *source = lfirst(lc);
		StringInfoData sql;

		if (!prepare_source(source))
			continue;
		if (!has_uuid_columns(source))
		{
			if (PG_ARGISNULL(2))
				continue;
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("token source \"%s\" does not have an id and a user id of type uuid",
							source->name)));
		}
		begin_revoke(source, &sql);
		appendStringInfo(&sql, " AND %s OPERATOR(pg_catalog.=) $1"
						 " AND %s OPERATOR(pg_catalog.=) $2",
						 column_of(source, ROLE_ID),
						 column_of(source, ROLE_USER));
		revoked += execute_as_owner(source->relation, sql.data, 2, types,
									values);
	}
	PG_RETURN_BOOL(revoked > 0);
}

/*
 * tokenauth_flush(source name) returns void
 *
 * Stop believing what is cached for a source, or for all of this database.
 * Nothing but speed depends on it; it is not undone by ROLLBACK.
 */
TOKENAUTH_FUNCTION(tokenauth_flush);
Datum
tokenauth_flush(PG_FUNCTION_ARGS)
{
	ListCell   *lc;

	if (!PG_ARGISNULL(0))
	{
		coherence_flush(judge_named_source(NameStr(*PG_GETARG_NAME(0))));
		PG_RETURN_VOID();
	}
	source_refresh();
	foreach(lc, source_all())
		coherence_flush(lfirst(lc));
	PG_RETURN_VOID();
}
