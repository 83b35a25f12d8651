/*-------------------------------------------------------------------------
 *
 * names.c
 *		Names in SQL text; see names.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "source/extension.h"
#include "source/names.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

char *
quoted_relation(Oid relation)
{
	char	   *name = get_rel_name(relation);

	return name == NULL ? pstrdup("-") :
		quote_qualified_identifier(get_namespace_name(get_rel_namespace(relation)),
								   name);
}

char *
quoted_own(const char *name)
{
	ExtensionInfo extension;

	extension_find(&extension);
	return quote_qualified_identifier(get_namespace_name(extension.schema),
									  name);
}
