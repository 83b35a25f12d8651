/*-------------------------------------------------------------------------
 *
 * arguments.c
 *		Arguments of SQL functions that may be NULL; see arguments.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/arguments.h"
#include "catalog/pg_type.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"

/* Have ids such a type?  A numeric 5.0 or a boolean would never be found. */
static bool
is_type_of_ids(Oid type)
{
	char		category;
	bool		is_preferred;

	if (type == UUIDOID || type == INT2OID || type == INT4OID ||
		type == INT8OID)
		return true;
	get_type_category_preferred(type, &category, &is_preferred);
	return category == TYPCATEGORY_STRING;
}

char *
id_or_null(FunctionCallInfo fcinfo, int arg)
{
	Oid			declared = get_fn_expr_argtype(fcinfo->flinfo, arg);
	Oid			type;
	Oid			output;
	bool		is_varlena;

	if (PG_ARGISNULL(arg))
		return NULL;
	/* as in a call that is no expression, by the protocol's function call */
	if (!OidIsValid(declared))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("the type of an id could not be determined"),
				 errhint("Call the function in a SQL statement.")));
	type = getBaseType(declared);
	if (!is_type_of_ids(type))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("an id cannot be of type %s", format_type_be(declared)),
				 errhint("Cast it to uuid, bigint or text.")));
	/* as text it has no padding */
	if (type == BPCHAROID)
		return TextDatumGetCString(DirectFunctionCall1(rtrim1,
													   PG_GETARG_DATUM(arg)));
	getTypeOutputInfo(type, &output, &is_varlena);
	return OidOutputFunctionCall(output, PG_GETARG_DATUM(arg));
}
