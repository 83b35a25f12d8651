/*-------------------------------------------------------------------------
 *
 * lifecycle.c
 *		SQL: tokenauth_revoke() and its kin, tokenauth_flush() and its kin.
 *
 * EXECUTE is the gate: the caller needs no right on the table.  Rows are
 * changed as the table's owner in a sandbox (sandbox.h), so that the owner's
 * triggers run with the owner's rights, find nothing by the caller's
 * search_path but what is in the table's own schema, and leave nothing behind
 * in the caller's session.  Errors tell such a caller nothing of the row.
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
#include "sandbox.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

/*
 * Throw an error again without what it tells of the row: a violated
 * constraint quotes it, the caller need not be allowed to see it, and the
 * token itself may stand in it.
 */
static void
rethrow_without_row(MemoryContext context)
{
	ErrorData  *error;

	MemoryContextSwitchTo(context);
	error = CopyErrorData();
	FlushErrorState();
	if (error->detail != NULL)
		error->detail = pstrdup("The row is not shown.");
	error->detail_log = NULL;
	ReThrowError(error);
}

/* Run one statement as the owner of a source's table; returns rows changed. */
static uint64
execute_as_owner(Oid relation, const char *sql, int nargs, Oid *types,
				 Datum *values)
{
	MemoryContext context = CurrentMemoryContext;
	Relation	table = table_open(relation, AccessShareLock);
	bool		may_see = pg_class_aclcheck(relation, GetUserId(), ACL_SELECT) ==
		ACLCHECK_OK;
	Sandbox		sandbox;
	int			result;
	uint64		processed;

	SPI_connect();
	sandbox_enter(&sandbox, table->rd_rel->relowner,
				  get_namespace_name(RelationGetNamespace(table)));
	PG_TRY();
	{
		result = SPI_execute_with_args(sql, nargs, types, values, NULL, false,
									   0);
	}
	PG_CATCH();
	{
		if (!may_see)
			rethrow_without_row(context);
		PG_RE_THROW();
	}
	PG_END_TRY();
	sandbox_leave(&sandbox);
	processed = SPI_processed;
	if (result < 0)
		elog(ERROR, "could not revoke: %s", SPI_result_code_string(result));
	SPI_finish();
	table_close(table, AccessShareLock);
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
			appendStringInfo(sql, "'" REVOKED_STATUS "' WHERE %s"
							 " OPERATOR(pg_catalog.<>) '" REVOKED_STATUS "'",
							 column);
			break;
	}
}

/*
 * Can the source be read?  If not and the caller has named it, that is an
 * error; if it is one of several, it must not keep others from being revoked.
 */
static bool
prepare_source(Source *source, bool named)
{
	if (!source_validate(source))
		return false;
	if (!PROBLEM_IS_FATAL(source->problem))
		return true;
	if (named)
		mapping_report(source);
	ereport(WARNING,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("token source \"%s\" is passed over, because it cannot be read",
					source->name),
			 errdetail_internal("%s", mapping_problem_text(source))));
	return false;
}

static uint64
revoke_by_token(Source *source, const char *token, Size len, bool named)
{
	LookupKey	key = {{{0}}, token, len};
	Oid			type = source->stored_as == STORED_SHA256_BYTEA ?
		BYTEAOID : TEXTOID;
	Datum		value;
	uint64		revoked;
	StringInfoData sql;

	if (!prepare_source(source, named) ||
		!token_digest(source->encoding, token, len, &key.digest))
		return 0;
	value = lookup_search_value(source, &key);
	begin_revoke(source, &sql);
	appendStringInfo(&sql, " AND %s OPERATOR(pg_catalog.=) $1",
					 column_of(source, ROLE_TOKEN));
	/* the column's collation may call equal what is not the same */
	if (type == TEXTOID)
		appendStringInfo(&sql, " AND %s COLLATE pg_catalog.\"C\""
						 " OPERATOR(pg_catalog.=) $1",
						 column_of(source, ROLE_TOKEN));
	revoked = execute_as_owner(source->relation, sql.data, 1, &type, &value);
	explicit_bzero(VARDATA(value), VARSIZE(value) - VARHDRSZ);
	return revoked;
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
	List	   *candidates;
	ListCell   *lc;

	coherence_refresh();
	source_refresh();
	candidates = source_candidates(data, len);
	foreach(lc, candidates)
		revoked += revoke_by_token(lfirst(lc), data, len,
								   list_length(candidates) == 1);
	token_forget_copy(token, PG_GETARG_DATUM(0));
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

		if (!prepare_source(source, !PG_ARGISNULL(2)))
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
 * Could this text be a value of the column's type?  Where no source is named,
 * sources whose ids look otherwise are passed over; what slips through is for
 * the type's own input function to refuse.
 */
static bool
could_be(const char *text, const SourceColumn *column)
{
	switch (column->kind)
	{
		case VALUE_UUID:
			return strspn(text, "0123456789abcdefABCDEF-{}") == strlen(text) &&
				strlen(text) >= 32;
		case VALUE_INT4:
		case VALUE_INT8:
			return text[0] != '\0' &&
				strspn(text + (text[0] == '-'), "0123456789") ==
				strlen(text) - (text[0] == '-');
		case VALUE_TEXT:
			return true;
		case VALUE_NONE:
		case VALUE_JSONB:
			break;
	}
	return false;
}

/* What to do with a source in which a role's column has a value. */
typedef uint64 (*SourceAction) (Source *source, SourceRole role,
								const char *value);

/*
 * Apply an action to the source named, which must have such a column, or to
 * all that have one.  Returns the sum of what the actions return.
 */
static uint64
for_sources_with(FunctionCallInfo fcinfo, SourceRole role, SourceAction act)
{
	char	   *value;
	uint64		sum = 0;
	bool		named = !PG_ARGISNULL(1);
	List	   *sources;
	ListCell   *lc;

	if (PG_ARGISNULL(0))
		return 0;
	value = text_to_cstring(PG_GETARG_TEXT_PP(0));
	coherence_refresh();
	source_refresh();
	sources = named ?
		list_make1(judge_named_source(NameStr(*PG_GETARG_NAME(1)))) :
		source_all();
	foreach(lc, sources)
	{
		Source	   *source = lfirst(lc);

		if (!prepare_source(source, named))
			continue;
		if (named && source->column[role].kind == VALUE_NONE)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("token source \"%s\" has no %s",
							source->name, role_argument(role)),
					 errhint("Attach the table again, with this argument.")));
		if (named || could_be(value, &source->column[role]))
			sum += act(source, role, value);
	}
	return sum;
}

static uint64
revoke_all_of(Source *source, SourceRole role, const char *value)
{
	Oid			type = TEXTOID;
	Datum		text = CStringGetTextDatum(value);
	StringInfoData sql;

	begin_revoke(source, &sql);
	appendStringInfo(&sql, " AND %s OPERATOR(pg_catalog.=) CAST($1 AS %s)",
					 column_of(source, role),
					 format_type_be_qualified(source->column[role].type));
	return execute_as_owner(source->relation, sql.data, 1, &type, &text);
}

/*
 * tokenauth_revoke_user(user_id text, source name) returns bigint
 *
 * Revoke all tokens of a user; how many this call has revoked.
 */
TOKENAUTH_FUNCTION(tokenauth_revoke_user);
Datum
tokenauth_revoke_user(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64((int64) for_sources_with(fcinfo, ROLE_USER,
											 revoke_all_of));
}

/*
 * tokenauth_revoke_tenant(tenant_id text, source name) returns bigint
 */
TOKENAUTH_FUNCTION(tokenauth_revoke_tenant);
Datum
tokenauth_revoke_tenant(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64((int64) for_sources_with(fcinfo, ROLE_TENANT,
											 revoke_all_of));
}

/* An id to look for in the cache, as an entry has it. */
typedef struct FieldMatch
{
	VerdictField field;
	VerdictValue value;
} FieldMatch;

/* A CacheMatch. */
static bool
field_matches(const CacheItem *item, void *arg)
{
	const FieldMatch *match = arg;
	Verdict		verdict;
	VerdictValue *value;

	verdict_unpack(item, &verdict);
	value = &verdict.field[match->field];
	return value->data != NULL && value->len == match->value.len &&
		memcmp(value->data, match->value.data, value->len) == 0;
}

static uint64
flush_all_of(Source *source, SourceRole role, const char *value)
{
	const SourceColumn *column = &source->column[role];
	FieldMatch	match;
	Oid			input;
	Oid			parameter;

	if (!cache_is_on())
		return 0;
	getTypeInputInfo(column->type, &input, &parameter);
	match.field = role == ROLE_USER ? FIELD_USER : FIELD_TENANT;
	match.value = verdict_value(column->kind,
								OidInputFunctionCall(input,
													 unconstify(char *, value),
													 parameter, -1),
								column->type);
	cache_flush_matching(MyDatabaseId, source->relation, field_matches, &match);
	return 0;
}

/*
 * tokenauth_flush_user(user_id text, source name) returns void
 *
 * Stop believing what is cached for a user: after a change of state that
 * tokenauth is not told of.
 */
TOKENAUTH_FUNCTION(tokenauth_flush_user);
Datum
tokenauth_flush_user(PG_FUNCTION_ARGS)
{
	(void) for_sources_with(fcinfo, ROLE_USER, flush_all_of);
	PG_RETURN_VOID();
}

/*
 * tokenauth_flush_tenant(tenant_id text, source name) returns void
 */
TOKENAUTH_FUNCTION(tokenauth_flush_tenant);
Datum
tokenauth_flush_tenant(PG_FUNCTION_ARGS)
{
	(void) for_sources_with(fcinfo, ROLE_TENANT, flush_all_of);
	PG_RETURN_VOID();
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
