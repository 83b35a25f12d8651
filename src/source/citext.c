/*-------------------------------------------------------------------------
 *
 * citext.c
 *		Columns of type citext; see citext.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/dependency.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "parser/parse_coerce.h"
#include "source/citext.h"
#include "source/names.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

static bool
has_name(Oid type, const char *name)
{
	HeapTuple	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
	bool		has;

	if (!HeapTupleIsValid(tuple))
		return false;
	has = strcmp(NameStr(((Form_pg_type) GETSTRUCT(tuple))->typname), name) == 0;
	ReleaseSysCache(tuple);
	return has;
}

static bool
is_of_extension(Oid type, const char *name)
{
	Oid			extension = getExtensionOfObject(TypeRelationId, type);
	char	   *found = OidIsValid(extension) ? get_extension_name(extension) : NULL;

	return found != NULL && strcmp(found, name) == 0;
}

/*
 * In whatever schema.  Who owns the extension can add another type of that name to it,
 * but not a cast that takes values of another form for text.
 */
static bool
is_citext_itself(Oid type)
{
	return type >= FirstNormalObjectId && has_name(type, "citext") &&
		get_typtype(type) == TYPTYPE_BASE && get_typlen(type) == -1 &&
		IsBinaryCoercible(type, TEXTOID) && is_of_extension(type, "citext");
}

Oid
plain_type(Oid type)
{
	Oid			base = getBaseType(type);

	return is_citext_itself(base) ? TEXTOID : base;
}

bool
is_citext(Oid type)
{
	return is_citext_itself(getBaseType(type));
}

/* By the type's own class of operators. */
static char *
equality_sql(Oid type)
{
	return quoted_operator(lookup_type_cache(type, TYPECACHE_EQ_OPR)->eq_opr);
}

static char *
qualified_type(Oid type)
{
	return format_type_extended(type, -1, FORMAT_TYPE_FORCE_QUALIFY);
}

char *
citext_equal_sql(Oid type, const char *a, const char *b)
{
	Oid			base = getBaseType(type);

	return psprintf("%s %s CAST(%s AS %s)", a, equality_sql(base), b,
					qualified_type(base));
}

char *
citext_equal_any_sql(Oid type, const char *a, const char *b)
{
	Oid			base = getBaseType(type);

	return psprintf("%s %s ANY (CAST(%s AS %s[]))", a, equality_sql(base), b,
					qualified_type(base));
}
