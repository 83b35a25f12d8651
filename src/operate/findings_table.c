/*-------------------------------------------------------------------------
 *
 * findings_table.c
 *		What keeps a source's tokens from being judged, or from the cache.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "access/transam.h"
#include "attach/convention.h"
#include "base/compat.h"
#include "base/sandbox.h"
#include "catalog/pg_proc.h"
#include "miscadmin.h"
#include "operate/findings.h"
#include "operate/remedy.h"
#include "source/deletion.h"
#include "source/expression.h"
#include "source/problem.h"
#include "source/registry.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/rel.h"
#include "utils/syscache.h"

/* A condition of a source or of a parent, tried as its table's owner. */
typedef struct Condition
{
	Relation	table;
	const char *text;
	ExpressionUse use;
} Condition;

static void
try_condition(void *arg)
{
	const Condition *condition = arg;

	expression_check(condition->table, condition->text, condition->use);
}

/* Can a condition or an expression not be read any more? */
static bool
is_expression_problem(const Source *source)
{
	return source->problem == PROBLEM_CONDITION ||
		source->problem == PROBLEM_EXPRESSION;
}

/* What is wrong with a condition, or NULL.  That something is locked is passed on. */
static ErrorData *
condition_error(Oid relation, const char *text, ExpressionUse use)
{
	Condition	condition = {NULL, text, use};
	ErrorData  *error;

	if (text == NULL)
		return NULL;
	condition.table = try_relation_open(relation, AccessShareLock);
	if (condition.table == NULL)
		return NULL;
	error = sandbox_try(try_condition, &condition, true);
	relation_close(condition.table, AccessShareLock);
	if (error != NULL &&
		(sandbox_concerns_all(error) || sandbox_was_interrupted(error)))
		ReThrowError(error);
	return error;
}

/* The functions of a condition that a role may not execute; "" if none. */
static char *
forbidden_functions(Node *condition, Oid role)
{
	StringInfoData names;
	ListCell   *lc;

	initStringInfo(&names);
	foreach(lc, condition_functions(condition))
		if (!TOKENAUTH_MAY_EXECUTE(lfirst_oid(lc), role))
			appendStringInfo(&names, "%s%s", names.len > 0 ? ", " : "",
							 format_procedure_qualified(lfirst_oid(lc)));
	return names.data;
}

/* Where it is not the right to execute a function, the error alone tells. */
static char *
grant_right(Oid relation, Node *condition, const char *message)
{
	Oid			owner = registry_table_owner(relation);
	const char *role = quote_identifier(GetUserNameFromId(owner, false));
	char	   *functions = forbidden_functions(condition, owner);

	if (functions[0] == '\0')
		return psprintf("GRANT <the right that is lacking: %s> TO %s;",
						quote_literal_cstr(message), role);
	return psprintf("GRANT EXECUTE ON FUNCTION %s TO %s;", functions, role);
}

/* Returns whether it has found that the owner lacks a right. */
static bool
check_condition(Doctor *doctor, const Source *source, Oid relation,
				const char *text, ExpressionUse use, Node *condition)
{
	const char *noun = use == EXPRESSION_CONDITION ? "condition" : "expression";
	ErrorData  *error = condition_error(relation, text, use);

	if (error == NULL)
		return false;
	if (error->sqlerrcode == ERRCODE_INSUFFICIENT_PRIVILEGE)
	{
		doctor_report(doctor, SEVERITY_ERROR, source,
					  grant_right(relation, condition, error->message),
					  "the owner of table \"%s\" lacks a right that %s \"%s\" needs (%s): its tokens cannot be judged",
					  get_rel_name(relation), noun, text, error->message);
		return true;
	}
	if (!is_expression_problem(source))
		doctor_report(doctor, SEVERITY_ERROR, source,
					  remedy_attach_again(source),
					  "%s \"%s\" does not fit table \"%s\" any more (%s): its tokens cannot be judged, and the fix needs another one",
					  noun, text, get_rel_name(relation), error->message);
	return false;
}

static bool
check_roles(Doctor *doctor, const Source *source, Oid relation,
			const SourceColumn *column)
{
	bool		lacks_right = false;

	for (SourceRole role = 0; role < ROLE_COUNT; role++)
		lacks_right |= check_condition(doctor, source, relation,
									   column[role].expression,
									   EXPRESSION_VALUE, column[role].node);
	return lacks_right;
}

static bool
check_conditions(Doctor *doctor, const Source *source)
{
	bool		lacks_right = check_condition(doctor, source, source->relation,
											  source->live_when,
											  EXPRESSION_CONDITION,
											  source->condition);

	lacks_right |= check_condition(doctor, source, source->relation,
								   source->lookup, EXPRESSION_LOOKUP,
								   source->lookup_node);
	lacks_right |= check_condition(doctor, source, source->relation,
								   source->verify, EXPRESSION_VERIFY,
								   source->verify_node);
	lacks_right |= check_roles(doctor, source, source->relation,
							   source->column);
	for (int i = 0; i < source->nparents; i++)
	{
		const SourceParent *parent = &source->parent[i];

		lacks_right |= check_condition(doctor, source, parent->relation,
									   parent->live_when,
									   EXPRESSION_CONDITION, parent->condition);
		lacks_right |= check_roles(doctor, source, parent->relation,
								   parent->column);
	}
	return lacks_right;
}

/* Triggers, index, columns: what mapping.c has found. */
static void
report_problem(Doctor *doctor, const Source *source)
{
	doctor_report(doctor, SEVERITY_ERROR, source, remedy_problem(source),
				  is_expression_problem(source) ?
				  "%s: its tokens cannot be judged, and the fix needs another one" :
				  PROBLEM_IS_FATAL(source->problem) ?
				  "%s: its tokens cannot be judged" :
				  "%s: its tokens are judged by the table",
				  problem_message(source));
}

/*
 * What mapping.c has found, and whether conditions can still be evaluated.  One
 * that cannot be read does not fit any more, or its owner lacks a right.
 */
void
finding_mapping(Doctor *doctor, const Source *source)
{
	bool		lacks_right = false;

	/* that the registry is not guarded is told once */
	if (source->problem == PROBLEM_UNGUARDED)
		return;
	if (!PROBLEM_IS_FATAL(source->problem) ||
		is_expression_problem(source))
		lacks_right = check_conditions(doctor, source);
	if (source->problem != PROBLEM_NONE &&
		(!is_expression_problem(source) || !lacks_right))
		report_problem(doctor, source);
}

/*
 * What keeps tokenauth from revoking: what was not so when the table was attached,
 * and what an earlier version has not registered.
 */
void
finding_deletion(Doctor *doctor, const Source *source)
{
	Relation	table;
	char	   *objection;

	if (PROBLEM_IS_FATAL(source->problem))
		return;
	if (source->on_revoke == ON_REVOKE_NOTHING &&
		source->column[ROLE_REVOKED].name != NULL)
		doctor_report(doctor, SEVERITY_WARNING, source,
					  remedy_keep_rows(source),
					  "tokenauth cannot revoke tokens of table \"%s\": that it is to set column \"%s\" is not registered",
					  get_rel_name(source->relation),
					  source->column[ROLE_REVOKED].name);
	if (source->on_revoke != ON_REVOKE_DELETE)
		return;
	table = relation_open(source->relation, AccessShareLock);
	objection = deletion_objection(source, table);
	relation_close(table, AccessShareLock);
	if (objection != NULL)
		doctor_report(doctor, SEVERITY_WARNING, source,
					  remedy_keep_rows(source),
					  "tokenauth cannot revoke tokens by deleting rows of table \"%s\", which are more than tokens. %s",
					  get_rel_name(source->relation), objection);
}

/* A column that could make tokens invalid, by its name. */
void
finding_overlooked(Doctor *doctor, const Source *source)
{
	ListCell   *lc;

	if (PROBLEM_IS_FATAL(source->problem))
		return;
	foreach(lc, convention_overlooked(source))
	{
		const Overlooked *one = lfirst(lc);

		doctor_report(doctor, SEVERITY_NOTICE, source,
					  remedy_overlooked(source, one),
					  "column \"%s\" of table \"%s\" does not count; by its name it could %s",
					  one->column, get_rel_name(source->relation),
					  one->way == WAY_NONE ? "be when the life of tokens begins" :
					  "end the life of tokens");
	}
}
