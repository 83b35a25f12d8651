/*-------------------------------------------------------------------------
 *
 * remedy.c
 *		SQL that cures; see remedy.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/relation.h"
#include "base/guc.h"
#include "miscadmin.h"
#include "operate/remedy.h"
#include "operate/remedy_parts.h"
#include "source/finder.h"
#include "source/names.h"
#include "source/own_call.h"
#include "source/registry_guard.h"
#include "source/statement.h"
#include "source/token_columns.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/varlena.h"

char *
remedy_problem(const Source *source)
{
	Oid			relation = source->problem_relation;

	switch (source->problem)
	{
		case PROBLEM_NONE:
			break;
		case PROBLEM_NOT_PERMANENT:
			return psprintf("ALTER TABLE %s SET LOGGED;",
							quoted_relation(relation));
		case PROBLEM_TRIGGER_FUNCTION:
			return psprintf("CREATE OR REPLACE FUNCTION %s() RETURNS pg_catalog.trigger"
							" AS '$libdir/tokenauth' LANGUAGE C;",
							quoted_own("tokenauth_changed"));
		case PROBLEM_UNGUARDED:
			return guard_sql(extension_known(), GUARDED_REGISTRY);
		case PROBLEM_REGISTRY_ROW:
			return sql_with_comment(detach_sql(source->name),
									"and attach its table again");
		case PROBLEM_NO_TRIGGER:
			return remedy_renew_triggers(relation);
		case PROBLEM_TRIGGER_NOT_ALWAYS:
			return remedy_enable_triggers(relation);
		case PROBLEM_NO_INDEX:
			return finder_index_sql(source);
		case PROBLEM_INHERITANCE:
			return remedy_end_inheritance(relation);
		case PROBLEM_COLUMN_TYPE:
		case PROBLEM_COLLATION:
		case PROBLEM_STRANGE_TYPE:
			return remedy_change_type(source);
		case PROBLEM_NO_TABLE:
		case PROBLEM_NO_PARENT:
			return sql_with_comment(remedy_attach_again(source),
									"once table %s is there again",
									source->problem_column);
		case PROBLEM_PEPPER:
			return remedy_pepper_file();
		case PROBLEM_NO_CLAIM:
		case PROBLEM_TELLS_TOKENS:
		case PROBLEM_SWAPPED:
		case PROBLEM_NO_TRIGGERS:
		case PROBLEM_NO_COLUMN:
		case PROBLEM_VIRTUAL_COLUMN:
		case PROBLEM_TIMEZONE:
		case PROBLEM_EXPRESSION_TYPE:
		case PROBLEM_CONDITION:
		case PROBLEM_EXPRESSION:
			return remedy_attach_again(source);
		case PROBLEM_NOT_A_TABLE:
			return detach_sql(source->name);
	}
	pg_unreachable();
}

/* All columns of the source's table in which there are no tokens; "" if none. */
static char *
other_columns(const Source *source)
{
	Relation	table = relation_open(source->relation, AccessShareLock);
	TokenSearch *search = tokens_search(source);
	StringInfoData names;

	initStringInfo(&names);
	for (int i = 0; i < RelationGetDescr(table)->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(table), i);

		if (!attribute->attisdropped &&
			tokens_find(search, source->relation,
						bms_make_singleton(attribute->attnum)) == NULL)
			appendStringInfo(&names, "%s%s", names.len > 0 ? ", " : "",
							 quote_identifier(NameStr(attribute->attname)));
	}
	tokens_search_end(search);
	relation_close(table, AccessShareLock);
	return names.data;
}

/* A role keeps what else it could read; PUBLIC does not. */
char *
remedy_hide_token(const Source *source, const char *role, const char *columns)
{
	char	   *table = quoted_relation(source->relation);
	const char *grantee = role ? quote_identifier(role) : "PUBLIC";
	char	   *others;

	if (columns != NULL)
		return psprintf("REVOKE SELECT (%s) ON %s FROM %s CASCADE;",
						columns, table, grantee);
	others = other_columns(source);
	if (role == NULL || others[0] == '\0')
		return psprintf("REVOKE SELECT ON %s FROM %s CASCADE;", table, grantee);
	return statements_as_one(list_make2(psprintf("REVOKE SELECT ON %s FROM %s CASCADE;",
												 table, grantee),
										psprintf("GRANT SELECT (%s) ON %s TO %s;",
												 others, table, grantee)));
}

char *
remedy_prepared(const char *gid)
{
	return psprintf("<COMMIT or ROLLBACK, as its coordinator says> PREPARED %s;",
					quote_literal_cstr(gid));
}

char *
remedy_preload(void)
{
	List	   *libraries = NIL;
	StringInfoData sql;
	ListCell   *lc;

	initStringInfo(&sql);
	appendStringInfoString(&sql, "ALTER SYSTEM SET shared_preload_libraries = ");
	if (SplitDirectoriesString(pstrdup(shared_preload_libraries_string), ',',
							   &libraries))
		foreach(lc, libraries)
			appendStringInfo(&sql, "%s, ", quote_literal_cstr(lfirst(lc)));
	appendStringInfoString(&sql, "'tokenauth';" AND_RESTART);
	return sql.data;
}

char *
remedy_cache_size(int megabytes)
{
	return psprintf("ALTER SYSTEM SET tokenauth.cache_size = '%dMB';"
					AND_RESTART, megabytes);
}

char *
remedy_pepper_file(void)
{
	if (guc_pepper_file[0] == '\0')
		return pstrdup("ALTER SYSTEM SET tokenauth.pepper_file = <the path of a file with a line for each pepper>;"
					   AND_RELOAD);
	return sql_with_comment("SELECT pg_catalog.pg_reload_conf()",
							"once the file is right");
}

/* For the launcher and two workers. */
char *
remedy_worker_processes(void)
{
	return psprintf("ALTER SYSTEM SET max_worker_processes = %d;" AND_RESTART,
					max_worker_processes + 3);
}
