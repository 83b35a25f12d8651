/*-------------------------------------------------------------------------
 *
 * expression.c
 *		SQL expressions over one row; see expression.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/compat.h"
#include "base/sandbox.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_coerce.h"
#include "parser/parse_collate.h"
#include "parser/parse_expr.h"
#include "parser/parse_relation.h"
#include "parser/parser.h"
#include "source/condition.h"
#include "source/expression.h"
#include "source/expression_parts.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"

static const char *
noun_of(ExpressionUse use)
{
	return use == EXPRESSION_CONDITION ? "condition" : "expression";
}

static bool
has_token(ExpressionUse use)
{
	return use == EXPRESSION_LOOKUP || use == EXPRESSION_VERIFY;
}

static bool
is_boolean(ExpressionUse use)
{
	return use == EXPRESSION_CONDITION || use == EXPRESSION_VERIFY;
}

static void
not_an_expression(const char *text)
{
	ereport(ERROR,
			(errcode(ERRCODE_SYNTAX_ERROR),
			 errmsg("\"%s\" is not an expression", text),
			 errhint("Give one expression over the columns of the table.")));
}

/* What an expression is wrapped in to be parsed; its length shifts positions. */
#define WRAPPER		"SELECT ("

/* Let errors show the expression, not the query that happens to run. */
static void
error_callback(void *arg)
{
	int			position = geterrposition();

	if (position > 0)
	{
		errposition(0);
		internalerrposition(Max(position - (int) strlen(WRAPPER), 1));
		internalerrquery((const char *) arg);
	}
}

static void
push_error_context(ErrorContextCallback *context, const char *text)
{
	context->callback = error_callback;
	context->arg = unconstify(char *, text);
	context->previous = error_context_stack;
	error_context_stack = context;
}

/* The raw parse tree of an expression, and of nothing but an expression. */
static Node *
parse_raw(const char *text)
{
	ErrorContextCallback context;
	List	   *statements;
	SelectStmt *select;

	push_error_context(&context, text);
	statements = raw_parser(psprintf(WRAPPER "%s\n)", text),
							RAW_PARSE_DEFAULT);
	error_context_stack = context.previous;

	if (list_length(statements) != 1)
		not_an_expression(text);
	select = (SelectStmt *) linitial_node(RawStmt, statements)->stmt;
	if (!IsA(select, SelectStmt) || list_length(select->targetList) != 1 ||
		select->op != SETOP_NONE || select->fromClause != NIL ||
		select->whereClause != NULL || select->groupClause != NIL ||
		select->havingClause != NULL || select->sortClause != NIL ||
		select->intoClause != NULL || select->limitCount != NULL ||
		select->limitOffset != NULL || select->lockingClause != NIL ||
		select->windowClause != NIL || select->withClause != NULL ||
		select->distinctClause != NIL ||
		linitial_node(ResTarget, select->targetList)->name != NULL)
		not_an_expression(text);
	return linitial_node(ResTarget, select->targetList)->val;
}

/* An expression that is being analyzed. */
typedef struct ExpressionText
{
	const char *noun;
	const char *text;
} ExpressionText;

/* "t.*" means other columns tomorrow than today. */
static bool
refuse_star(Node *node, void *context)
{
	const ExpressionText *text = context;

	if (node == NULL)
		return false;
	if (IsA(node, A_Star))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_COLUMN_REFERENCE),
				 errmsg("the %s \"%s\" must name the columns that it uses",
						text->noun, text->text),
				 errdetail("It uses the whole row or a system column.")));
	if (IsA(node, ColumnRef))
	{
		ListCell   *lc;

		foreach(lc, ((ColumnRef *) node)->fields)
			refuse_star(lfirst(lc), context);
		return false;
	}
	return raw_expression_tree_walker(node, refuse_star, context);
}

/* A column that is taken from the whole row, as in (t).x or x(t), is that column. */
static Node *
name_columns(Node *node, void *relation)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, FieldSelect))
	{
		FieldSelect *field = (FieldSelect *) node;
		Var		   *row = (Var *) field->arg;

		if (IsA(row, Var) && row->varattno == InvalidAttrNumber)
			return (Node *) makeVar(row->varno, field->fieldnum,
									field->resulttype, field->resulttypmod,
									field->resultcollid, row->varlevelsup);
	}
	return expression_tree_mutator(node, name_columns, relation);
}

/* What no expression over one row is. */
static void
check_form(const ParseState *pstate, const ExpressionText *text)
{
	if (pstate->p_hasSubLinks || pstate->p_hasAggs ||
		pstate->p_hasWindowFuncs || pstate->p_hasTargetSRFs)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("the %s \"%s\" is not a scalar expression over one row",
						text->noun, text->text),
				 errhint("Subqueries, aggregates, window functions and set-returning functions cannot be used. For another table's row use tokenauth_attach_parent().")));
}

static void
check_result(Node *node, ExpressionUse use, const ExpressionText *text)
{
	if (is_boolean(use) && exprType(node) != BOOLOID)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("the %s \"%s\" is of type %s, not boolean",
						text->noun, text->text,
						format_type_be(exprType(node))),
				 errhint("Give one boolean expression over the columns of the table.")));
}

/* The token that is presented, as a parameter. */
static Node *
token_parameter(int location)
{
	Param	   *param = makeNode(Param);

	param->paramkind = PARAM_EXTERN;
	param->paramid = 1;
	param->paramtype = TEXTOID;
	param->paramtypmod = -1;
	param->paramcollid = DEFAULT_COLLATION_OID;
	param->location = location;
	return (Node *) param;
}

/* A PreParseColumnRefHook: as the user writes it. */
static Node *
take_token_name(ParseState *pstate, ColumnRef *reference)
{
	Node	   *field = linitial(reference->fields);

	if (list_length(reference->fields) != 1 || !IsA(field, String) ||
		strcmp(strVal(field), "token") != 0)
		return NULL;
	return token_parameter(reference->location);
}

/* A ParseParamRefHook: as it is stored. */
static Node *
take_token_number(ParseState *pstate, ParamRef *reference)
{
	return reference->number == 1 ? token_parameter(reference->location) : NULL;
}

/* What the columns of the row are also those of, where "token" is the token. */
#define ROW_ALIAS		"r"

/* What the names in an expression can be. */
static void
add_names(ParseState *pstate, Relation relation, ExpressionUse use)
{
	Alias	   *alias = has_token(use) ? makeAlias(ROW_ALIAS, NIL) : NULL;

	if (has_token(use))
	{
		pstate->p_pre_columnref_hook = take_token_name;
		pstate->p_paramref_hook = take_token_number;
	}
	if (use != EXPRESSION_LOOKUP)
		addNSItemToQuery(pstate,
						 addRangeTableEntryForRelation(pstate, relation,
													   AccessShareLock, alias,
													   false, true),
						 false, true, true);
}

/*
 * Analyze an expression over a relation's row: by the present search_path and
 * settings, and as the present user.
 */
static Node *
analyze(Relation relation, const char *text, ExpressionUse use)
{
	ExpressionText shown = {noun_of(use), text};
	ParseState *pstate = make_parsestate(NULL);
	ErrorContextCallback context;
	Node	   *node;

	add_names(pstate, relation, use);
	node = parse_raw(text);
	refuse_star(node, &shown);
	pstate->p_sourcetext = psprintf(WRAPPER "%s", text);
	push_error_context(&context, text);
	node = transformExpr(pstate, node, EXPR_KIND_SELECT_TARGET);
	error_context_stack = context.previous;
	if (!is_boolean(use) && exprType(node) == UNKNOWNOID)
		node = coerce_to_common_type(pstate, node, TEXTOID, noun_of(use));
	check_form(pstate, &shown);
	check_result(node, use, &shown);
	assign_expr_collations(pstate, node);
	free_parsestate(pstate);
	return name_columns(node, NULL);
}

/* ---------- when it is attached ---------- */

/*
 * Literals are read when a condition is analyzed.  Is it the same by fixed
 * settings, by the session's own, and by others, in whose time zones it is
 * another day?
 */
static bool
reads_alike(Relation relation, const char *text, ExpressionUse use,
			Node *fixed)
{
	static const char *const settings[][5][2] = {
		{{NULL}},
		{{"TimeZone", "Etc/GMT+12"}, {"DateStyle", "ISO, MDY"},
		{"IntervalStyle", "sql_standard"},
		{"timezone_abbreviations", "Australia"}, {NULL}},
		{{"TimeZone", "Etc/GMT-14"}, {"DateStyle", "ISO, DMY"},
		{"IntervalStyle", "postgres_verbose"},
		{"timezone_abbreviations", "India"}, {NULL}},
	};

	for (int i = 0; i < (int) lengthof(settings); i++)
	{
		int			level = NewGUCNestLevel();
		Node	   *node;

		for (int j = 0; settings[i][j][0] != NULL; j++)
			setting_fix(settings[i][j][0], settings[i][j][1]);
		node = analyze(relation, text, use);
		fixed_settings_leave(level);
		if (!equal(node, fixed))
			return false;
	}
	return true;
}

static char *
deparse(Relation relation, ExpressionUse use, Node *node)
{
	const char *alias = has_token(use) ? ROW_ALIAS :
		RelationGetRelationName(relation);

	return deparse_expression(node,
							  deparse_context_for(alias,
												  RelationGetRelid(relation)),
							  has_token(use), false);
}

/* After constants have been folded: do two conditions mean the same? */
static bool
means_the_same(Node *a, Node *b)
{
	return equal(expression_planner((Expr *) copyObject(a)),
				 expression_planner((Expr *) copyObject(b)));
}

/* A check_function_callback. */
static bool
check_right(Oid function, void *context)
{
	if (!TOKENAUTH_MAY_EXECUTE(function, GetUserId()))
		aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_FUNCTION,
					   get_func_name(function));
	return false;
}

/*
 * A tree walker: throw if the current user lacks a right that the executor will ask
 * for.  It does not ask for those on the functions of a type's input and output.
 */
static bool
check_rights(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (!IsA(node, CoerceViaIO))
		(void) check_functions_in_node(node, check_right, context);
	return expression_tree_walker(node, check_rights, context);
}

/* Constants become parameters, whose values are not known when that is planned. */
static Node *
hide_constants(Node *node, void *context)
{
	Const	   *constant = (Const *) node;
	Param	   *param;

	if (node == NULL)
		return NULL;
	if (!IsA(node, Const))
		return expression_tree_mutator(node, hide_constants, context);
	param = makeNode(Param);
	param->paramkind = PARAM_EXTERN;
	param->paramid = 1;
	param->paramtype = constant->consttype;
	param->paramtypmod = constant->consttypmod;
	param->paramcollid = constant->constcollid;
	param->location = -1;
	return (Node *) param;
}

static void
check_inlined(void *node)
{
	(void) check_rights((Node *) expression_planner((Expr *) hide_constants(node, NULL)),
						NULL);
}

/*
 * Throw if the current user lacks a right to evaluate an expression.  The planner may
 * put the body of a function in SQL in the place of its call.  If that has a function
 * of constants, which must not be called here, it is not known what it needs.
 */
static void
require_rights(Node *node)
{
	ErrorData  *error;

	(void) check_rights(node, NULL);
	error = sandbox_try(check_inlined, node, true);
	if (error != NULL &&
		error->sqlerrcode != ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE)
		ReThrowError(error);
}

/* Such a condition's text, if that means the same when it is read again. */
static char *
qualified_text(Relation relation, const char *text, ExpressionUse use,
			   Node *node)
{
	Watch		watch = {0};
	ConditionCheck asked = {relation, noun_of(use), text, NULL, &watch};
	Bitmapset  *columns = NULL;
	char	   *stored;
	Node	   *again;

	condition_check(&asked, node);
	stored = deparse(relation, use, node);
	if (asked.temporary || strstr(stored, "pg_temp") != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
				 errmsg("the %s \"%s\" uses temporary objects",
						noun_of(use), text)));
	again = expression_read(relation, stored, use, &columns, &watch);
	if (!means_the_same(node, again))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
				 errmsg("the %s \"%s\" means something else when it is read again",
						noun_of(use), text),
				 errdetail("It would be stored as \"%s\".", stored),
				 errhint("Write out its casts, and qualify its operators and functions.")));
	require_rights(again);
	return stored;
}

/* The same where names are looked up in pg_catalog only, and qualified. */
static char *
qualify(Relation relation, const char *text, ExpressionUse use, Node *node)
{
	Sandbox		sandbox;
	char	   *stored = NULL;

	expression_enter(&sandbox, relation);
	PG_TRY();
	{
		stored = qualified_text(relation, text, use, node);
		sandbox_leave(&sandbox);
	}
	SANDBOX_END_TRY(&sandbox);
	return stored;
}

static char *
resolve(Relation relation, const char *text, ExpressionUse use)
{
	int			level = fixed_settings_enter();
	Node	   *node = analyze(relation, text, use);

	fixed_settings_leave(level);
	if (!reads_alike(relation, text, use, node))
		condition_refuse_literal(noun_of(use), text);
	return qualify(relation, text, use, node);
}

char *
expression_resolve(Relation relation, const char *text, ExpressionUse use)
{
	Sandbox		sandbox;
	char	   *stored = NULL;

	/* reading a literal can run code of its type, which may be the owner's */
	sandbox_become(&sandbox, relation->rd_rel->relowner);
	PG_TRY();
	{
		stored = resolve(relation, text, use);
		sandbox_leave(&sandbox);
	}
	SANDBOX_END_TRY(&sandbox);
	return stored;
}

/* ---------- when it is used ---------- */

/*
 * The owner's objects may have become others since the expression was stored: what was
 * an enum is a composite type with a domain, whose CHECK is a function.
 */
static Node *
read_without_code(ConditionCheck *stored, ExpressionUse use, bool checked)
{
	HiddenCaller caller;
	Sandbox		sandbox;
	Node	   *node = NULL;

	stored->watch->by_name = true;
	expression_enter(&sandbox, stored->relation);
	sandbox_forbid_functions();
	caller_hide(&caller);
	PG_TRY();
	{
		node = analyze(stored->relation, stored->text, use);
		condition_check(stored, node);
		if (checked)
		{
			if (!reads_alike(stored->relation, stored->text, use, node))
				condition_refuse_literal(stored->noun, stored->text);
			require_rights(node);
		}
		sandbox_leave(&sandbox);
	}
	PG_CATCH();
	{
		sandbox_fail(&sandbox);
		caller_show(&caller);
		PG_RE_THROW();
	}
	PG_END_TRY();
	caller_show(&caller);
	return node;
}

void
expression_check(Relation relation, const char *text, ExpressionUse use)
{
	Watch		watch = {0};
	ConditionCheck stored = {relation, noun_of(use), text, NULL, &watch};

	(void) read_without_code(&stored, use, true);
}

Node *
expression_read(Relation relation, const char *text, ExpressionUse use,
				Bitmapset **columns, Watch *watch)
{
	ConditionCheck stored = {relation, noun_of(use), text, *columns, watch};
	Node	   *node = read_without_code(&stored, use, false);

	*columns = stored.columns;
	return node;
}

Node *
expression_object(Relation relation, List *columns)
{
	List	   *arguments = NIL;
	ListCell   *lc;

	foreach(lc, columns)
	{
		const char *name = lfirst(lc);
		AttrNumber	attnum = get_attnum(RelationGetRelid(relation), name);
		Oid			type;
		int32		typmod;
		Oid			collation;

		get_atttypetypmodcoll(RelationGetRelid(relation), attnum, &type,
							  &typmod, &collation);
		arguments = lappend(arguments,
							makeConst(TEXTOID, -1, DEFAULT_COLLATION_OID, -1,
									  CStringGetTextDatum(name), false, false));
		arguments = lappend(arguments,
							makeVar(1, attnum, type, typmod, collation, 0));
	}
	return (Node *) makeFuncExpr(F_JSONB_BUILD_OBJECT_ANY, JSONBOID, arguments,
								 InvalidOid, InvalidOid,
								 COERCE_EXPLICIT_CALL);
}
