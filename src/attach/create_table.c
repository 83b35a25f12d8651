/*-------------------------------------------------------------------------
 *
 * create_table.c
 *		SQL: tokenauth_create_table().
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "attach/attach.h"
#include "base/arguments.h"
#include "base/compat.h"
#include "base/query.h"
#include "catalog/namespace.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/varlena.h"

/* Create a standard token table and its index, as the caller. */
static void
create_table(const char *table)
{
	const char *const statements[] = {
		"CREATE TABLE %s ("
		" id pg_catalog.uuid PRIMARY KEY DEFAULT pg_catalog.gen_random_uuid(),"
		" user_id pg_catalog.uuid NOT NULL,"
		" name pg_catalog.text NOT NULL DEFAULT '',"
		" token_hash pg_catalog.text NOT NULL UNIQUE,"
		" token_prefix pg_catalog.text NOT NULL DEFAULT '',"
		" expires_at pg_catalog.timestamptz,"
		" last_used_at pg_catalog.timestamptz,"
		" revoked pg_catalog.bool NOT NULL DEFAULT false,"
		" created_at pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.now()"
		/* room for last_used_at to move within its page */
		") WITH (fillfactor = 85)",
		/* the tokens of a user, newest first */
		"CREATE INDEX ON %s (user_id, created_at DESC)"
	};

	for (int i = 0; i < (int) lengthof(statements); i++)
		(void) query_execute(psprintf(statements[i], table), 0, NULL, NULL,
							 NULL, false);
}

/*
 * tokenauth_create_table(table_name text, prefix text, checksum boolean)
 * returns regclass
 *
 * Creates a standard token table, the caller's own, where the caller's CREATE
 * TABLE would put it, and attaches it.
 */
TOKENAUTH_FUNCTION(tokenauth_create_table);
Datum
tokenauth_create_table(PG_FUNCTION_ARGS)
{
	Source		source = {0};
	RangeVar   *range;
	Oid			schema;

	require_argument(fcinfo, 0, "table_name");
	range = makeRangeVarFromNameList(textToQualifiedNameList(PG_GETARG_TEXT_PP(0)));
	schema = RangeVarGetCreationNamespace(range);
	create_table(quote_qualified_identifier(get_namespace_name(schema),
											range->relname));

	source.relation = get_relname_relid(range->relname, schema);
	source.name = range->relname;
	source.prefix = text_or_null(fcinfo, 1);
	source.stored_as = (StoredAs) {HASH_SHA256, FORM_HEX};
	source.encoding = TOKEN_TEXT;
	source.timezone = "UTC";
	source.checksum = bool_or_false(fcinfo, 2);
	source.column[ROLE_TOKEN].name = "token_hash";
	for (int role = ROLE_ID; role < ROLE_COUNT; role++)
		source.column[role].name = attach_conventional_column(source.relation,
															  role,
															  "token_hash");
	attach_lock_table(source.relation, ShareRowExclusiveLock);
	attach_table(&source);
	PG_RETURN_OID(source.relation);
}
