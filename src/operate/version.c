/*-------------------------------------------------------------------------
 *
 * version.c
 *		SQL: tokenauth_version().
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/query.h"
#include "funcapi.h"
#include "utils/builtins.h"

/*
 * tokenauth_version() returns (library text, extension text)
 *
 * What is running, and what this database has been updated to: the release of
 * the loaded library, and the extension's version in the catalog.  Scripts that
 * update the extension ask for the first.
 */
TOKENAUTH_FUNCTION(tokenauth_version);
Datum
tokenauth_version(PG_FUNCTION_ARGS)
{
	TupleDesc	desc;
	Datum		values[2];
	bool		isnull[2] = {false, false};
	QueryResult *result;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	result = query_execute("SELECT extversion FROM pg_catalog.pg_extension"
						   " WHERE extname OPERATOR(pg_catalog.=) 'tokenauth'",
						   0, NULL, NULL, NULL, true);
	values[0] = CStringGetTextDatum(TOKENAUTH_VERSION);
	isnull[1] = result->nrows == 0;
	if (!isnull[1])
		values[1] = query_value(result, 0, 1, &isnull[1]);
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values,
											 isnull));
}
