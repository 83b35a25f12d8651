/*-------------------------------------------------------------------------
 *
 * swap.c
 *		Is a source's table still the one that is meant?  See swap.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "source/problem.h"
#include "source/registry.h"
#include "source/swap.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

/*
 * The table that has a name of the registry now, if one has: something that
 * has rows of its own, for a view may well stand in for a renamed table.
 */
static Oid
table_of_name(Source *source, const char *name)
{
	char	   *schema;
	char	   *table;
	Oid			namespace;
	Oid			relation;
	char		relkind;

	if (!registry_split_name(name, &schema, &table))
		return InvalidOid;
	namespace = get_namespace_oid(schema, true);
	if (!OidIsValid(namespace))
		return InvalidOid;
	source->namesakes =
		lappend_int(source->namesakes,
					(int) GetSysCacheHashValue2(RELNAMENSP,
												CStringGetDatum(table),
												ObjectIdGetDatum(namespace)));
	relation = get_relname_relid(table, namespace);
	relkind = OidIsValid(relation) ? get_rel_relkind(relation) : '\0';
	return relkind == RELKIND_RELATION || relkind == RELKIND_FOREIGN_TABLE ||
		relkind == RELKIND_PARTITIONED_TABLE ? relation : InvalidOid;
}

bool
swap_check(Source *source, Relation table, const char *name)
{
	Oid			relation = RelationGetRelid(table);
	Oid			namesake = table_of_name(source, name);

	if (OidIsValid(namesake) && namesake != relation)
		return problem_set(source, PROBLEM_SWAPPED, relation, name);
	return true;
}
