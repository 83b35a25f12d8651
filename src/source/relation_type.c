/*-------------------------------------------------------------------------
 *
 * relation_type.c
 *		The SQL type tokenauth_relation: a table in the registry.
 *
 * It is what regclass is, but for two things.  A name that no table has is no
 * error, for one such name would make a restore lose all sources; it is read
 * as "-", which is no table.  And it takes no number: the OID of a table that
 * has been dropped could be anything's elsewhere.  So what is dumped of a
 * table that is gone is "-".
 *
 * The name is always qualified, and so depends on no search_path.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include "catalog/namespace.h"
#include "fmgr.h"
#include "nodes/value.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/varlena.h"

#define NO_TABLE	"-"

/*
 * tokenauth_relation_in(cstring) returns tokenauth_relation
 *
 * Throws 42602 unless it is "-" or schema.table.
 */
TOKENAUTH_FUNCTION(tokenauth_relation_in);
Datum
tokenauth_relation_in(PG_FUNCTION_ARGS)
{
	const char *text = PG_GETARG_CSTRING(0);
	List	   *names;
	Oid			schema;

	if (strcmp(text, NO_TABLE) == 0)
		PG_RETURN_OID(InvalidOid);
	names = textToQualifiedNameList(cstring_to_text(text));
	if (list_length(names) != 2)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME),
				 errmsg("\"%s\" is not the name of a table with its schema",
						text)));
	schema = get_namespace_oid(strVal(linitial(names)), true);
	PG_RETURN_OID(OidIsValid(schema) ?
				  get_relname_relid(strVal(lsecond(names)), schema) :
				  InvalidOid);
}

/*
 * tokenauth_relation_out(tokenauth_relation) returns cstring
 */
TOKENAUTH_FUNCTION(tokenauth_relation_out);
Datum
tokenauth_relation_out(PG_FUNCTION_ARGS)
{
	Oid			relation = PG_GETARG_OID(0);
	char	   *name = get_rel_name(relation);
	char	   *schema = name ?
		get_namespace_name(get_rel_namespace(relation)) : NULL;

	PG_RETURN_CSTRING(schema ? quote_qualified_identifier(schema, name) :
					  pstrdup(NO_TABLE));
}
