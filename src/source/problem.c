/*-------------------------------------------------------------------------
 *
 * problem.c
 *		What is wrong with a source, in words; see problem.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "source/finder.h"
#include "source/problem.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

bool
problem_set(Source *source, SourceProblem problem, Oid relation,
			const char *column)
{
	if (source->problem != PROBLEM_NONE && !PROBLEM_IS_FATAL(problem))
		return false;
	source->problem = problem;
	source->problem_relation = relation;
	source->problem_column = column;
	source->problem_detail = NULL;
	return false;
}

typedef struct ProblemText
{
	int			sqlstate;
	const char *message;		/* %s: the table; %s: the column, if any */
	const char *hint;
} ProblemText;

static const ProblemText *
problem_text(SourceProblem problem)
{
	static const ProblemText texts[] = {
		[PROBLEM_NOT_PERMANENT] = {
			ERRCODE_FEATURE_NOT_SUPPORTED,
			"table \"%s\" is not a permanent table",
			"Only permanent, logged tables can hold tokens."
		},
		[PROBLEM_TRIGGER_FUNCTION] = {
			ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
			"the triggers of table \"%s\" call a function tokenauth_changed() that is not that of tokenauth",
			"Create the function again as it was."
		},
		[PROBLEM_NO_TRIGGER] = {
			ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
			"table \"%s\" lacks the triggers of tokenauth",
			"Detach the source and attach the table again."
		},
		[PROBLEM_TRIGGER_NOT_ALWAYS] = {
			ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
			"the triggers of tokenauth on table \"%s\" are not enabled ALWAYS",
			"Use ALTER TABLE ... ENABLE ALWAYS TRIGGER for both of them."
		},
		[PROBLEM_NO_INDEX] = {
			ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
			"table \"%s\" has no valid index on column \"%s\"",
			"Create an index that begins with the column, without WHERE clause or expressions; of a parent, a unique one on it alone."
		},
		[PROBLEM_STRANGE_TYPE] = {
			ERRCODE_FEATURE_NOT_SUPPORTED,
			"table \"%s\" has a column \"%s\" of a type whose values are written otherwise when something else is renamed",
			"Use a column of another type, such as text."
		},
		[PROBLEM_NO_CLAIM] = {
			ERRCODE_UNDEFINED_COLUMN,
			"table \"%s\" has no column \"%s\" in its rows, which is a claim",
			"Attach the table again, naming columns that it has in the argument \"claims\"."
		},
		[PROBLEM_NOT_A_TABLE] = {
			ERRCODE_WRONG_OBJECT_TYPE,
			"\"%s\" is not an ordinary table",
			"Views, foreign tables and partitioned tables cannot hold tokens."
		},
		[PROBLEM_INHERITANCE] = {
			ERRCODE_FEATURE_NOT_SUPPORTED,
			"table \"%s\" takes part in inheritance or partitioning",
			"Only a table that has neither parents nor children can hold tokens."
		},
		[PROBLEM_NO_TABLE] = {
			ERRCODE_UNDEFINED_TABLE,
			"table %2$s of token source \"%1$s\" does not exist",
			"Once it is there, detach the source and attach the table again."
		},
		[PROBLEM_REGISTRY_ROW] = {
			ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
			"what is registered of token source \"%s\" is not valid: %s",
			"Detach the source and attach the table again."
		},
		[PROBLEM_UNGUARDED] = {
			ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
			"the registry of token sources, to which \"%s\" belongs, is not protected by its triggers",
			"The function tokenauth_doctor() tells how to put them back."
		},
		[PROBLEM_NO_TRIGGERS] = {
			ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
			"table \"%s\" has none of the triggers of tokenauth",
			"Detach the source and attach the table again."
		},
		[PROBLEM_SWAPPED] = {
			ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
			"table \"%s\" has been renamed, and another table is called %s now",
			"Detach the source and attach the table that is meant."
		},
		[PROBLEM_NO_PARENT] = {
			ERRCODE_UNDEFINED_TABLE,
			"table %2$s, which the tokens in \"%1$s\" depend on, does not exist",
			"Once it is there, detach the source and attach both tables again."
		},
		[PROBLEM_NO_COLUMN] = {
			ERRCODE_UNDEFINED_COLUMN,
			"table \"%s\" has no column \"%s\"",
			"Attach the table again, naming its columns in the arguments of tokenauth_attach()."
		},
		[PROBLEM_VIRTUAL_COLUMN] = {
			ERRCODE_FEATURE_NOT_SUPPORTED,
			"table \"%s\" has a virtual generated column \"%s\", of which there is nothing in its rows",
			"Use a column that is STORED."
		},
		[PROBLEM_COLUMN_TYPE] = {
			ERRCODE_DATATYPE_MISMATCH,
			"table \"%s\" has a column \"%s\" whose type does not fit its use",
			"Name another column, or an expression of a type that fits in the mapping, such as \"expires_expression\"; '' says that there is none."
		},
		[PROBLEM_EXPRESSION_TYPE] = {
			ERRCODE_DATATYPE_MISMATCH,
			"table \"%s\" has an expression \"%s\" whose type does not fit its use",
			"An expires_expression gives a timestamp or a date; a user_expression or tenant_expression gives text, varchar, citext, uuid, integer or bigint; a lookup gives text, or what its column has."
		},
		[PROBLEM_TELLS_TOKENS] = {
			ERRCODE_INVALID_COLUMN_REFERENCE,
			"in table \"%s\" the column or expression \"%s\" would tell tokens",
			"Attach the table again, naming another column, or '' for none."
		},
		[PROBLEM_COLLATION] = {
			ERRCODE_FEATURE_NOT_SUPPORTED,
			"table \"%s\" has a column \"%s\" of a type or collation to which different values can be equal",
			"Give the column another type or collation, or use revoked_column => '' and a live_when, which is evaluated by the column's own."
		},
		[PROBLEM_TIMEZONE] = {
			ERRCODE_INVALID_PARAMETER_VALUE,
			"timestamps without time zone in table \"%s\" are read in the time zone \"%s\", which this server does not know by its full name",
			"Attach the table again, with a timezone such as UTC or Europe/Berlin."
		},
		[PROBLEM_PEPPER] = {
			ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
			"table \"%s\" needs a pepper that the server does not have for its owner: %s",
			"The file of the setting tokenauth.pepper_file needs a line with the pepper and the owner; then reload the settings."
		},
		[PROBLEM_CONDITION] = {
			ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
			"table \"%s\" does not fit the condition \"%s\" any more",
			"Attach the table again, with another condition."
		},
		[PROBLEM_EXPRESSION] = {
			ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
			"table \"%s\" does not fit the expression \"%s\" any more",
			"Attach the table again, with another expression in its mapping."
		},
	};

	return &texts[problem];
}

/* From a fixed list of formats above. */
char *
problem_message(const Source *source)
{
	const ProblemText *text = problem_text(source->problem);
	char	   *table = source->problem == PROBLEM_REGISTRY_ROW ||
		source->problem == PROBLEM_UNGUARDED ? NULL :
		get_rel_name(source->problem_relation);
	char	   *message;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	message = psprintf(text->message, table ? table : source->name,
					   source->problem_column ? source->problem_column : "");
#pragma GCC diagnostic pop
	return source->problem_detail == NULL ? message :
		psprintf("%s (%s)", message, source->problem_detail);
}

/* The missing index can be told. */
static const char *
problem_hint(const Source *source, const ProblemText *text)
{
	if (source->problem != PROBLEM_NO_INDEX ||
		get_rel_name(source->problem_relation) == NULL)
		return text->hint;
	return psprintf("%s For instance: %s", text->hint,
					finder_index_sql(source));
}

void
problem_report(const Source *source)
{
	const ProblemText *text = problem_text(source->problem);

	ereport(ERROR,
			(errcode(text->sqlstate),
			 errmsg_internal("%s", problem_message(source)),
			 errhint("%s", problem_hint(source, text))));
}

char *
problem_explain(const Source *source)
{
	const ProblemText *text;

	if (source->problem == PROBLEM_NONE)
		return NULL;
	text = problem_text(source->problem);
	return psprintf("%s. %s", problem_message(source), text->hint);
}
