/*-------------------------------------------------------------------------
 *
 * findings_table.c
 *		What keeps a source's tokens from being judged, or from the cache.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/relation.h"
#include "base/sandbox.h"
#include "operate/findings.h"
#include "operate/remedy.h"
#include "source/deletion.h"
#include "source/expression.h"
#include "source/problem.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

/* Triggers, index, columns: what mapping.c has found. */
void
finding_mapping(Doctor *doctor, const Source *source)
{
	/* that the registry is not guarded is told once */
	if (source->problem != PROBLEM_NONE &&
		source->problem != PROBLEM_UNGUARDED)
		doctor_report(doctor, SEVERITY_ERROR, source, remedy_problem(source),
			   source->problem == PROBLEM_CONDITION ?
			   "%s: its tokens cannot be judged, and the fix needs another condition" :
			   PROBLEM_IS_FATAL(source->problem) ?
			   "%s: its tokens cannot be judged" :
			   "%s: its tokens are judged by the table",
			   problem_message(source));
}

typedef struct Condition
{
	Relation	table;
	const char *text;
} Condition;

static void
try_condition(void *arg)
{
	const Condition *condition = arg;

	expression_check(condition->table, condition->text);
}

/* What is wrong with a condition, or NULL. */
static char *
condition_error(Oid relation, const char *text)
{
	Condition	condition = {relation_open(relation, AccessShareLock), text};
	ErrorData  *error = sandbox_try(try_condition, &condition, true);

	relation_close(condition.table, AccessShareLock);
	return error != NULL ? error->message : NULL;
}

static void
check_condition(Doctor *doctor, const Source *source, Oid relation,
				const char *condition)
{
	char	   *message;

	if (condition == NULL || PROBLEM_IS_FATAL(source->problem))
		return;
	message = condition_error(relation, condition);
	if (message != NULL)
		doctor_report(doctor, SEVERITY_ERROR, source, remedy_attach_again(source),
			   "condition \"%s\" does not fit table \"%s\" any more (%s): its tokens cannot be judged, and the fix needs another condition",
			   condition, get_rel_name(relation), message);
}

void
finding_conditions(Doctor *doctor, const Source *source)
{
	check_condition(doctor, source, source->relation, source->live_when);
	for (int i = 0; i < source->nparents; i++)
		check_condition(doctor, source, source->parent[i].relation,
						source->parent[i].live_when);
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
