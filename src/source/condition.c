/*-------------------------------------------------------------------------
 *
 * condition.c
 *		What a condition over a row may be; see condition.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/sysattr.h"
#include "access/transam.h"
#include "access/xact.h"
#include "base/compat.h"
#include "catalog/namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "source/condition.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

static void
check_column(ConditionCheck *check, const Var *var)
{
	Form_pg_attribute attribute;

	if (!AttrNumberIsForUserDefinedAttr(var->varattno))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_COLUMN_REFERENCE),
				 errmsg("the %s \"%s\" must name the columns that it uses",
						check->noun, check->text),
				 errdetail("It uses the whole row or a system column.")));
	attribute = TupleDescAttr(RelationGetDescr(check->relation),
							  var->varattno - 1);
	if (TOKENAUTH_IS_VIRTUAL(attribute))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("the %s \"%s\" uses the virtual generated column \"%s\"",
						check->noun, check->text,
						NameStr(attribute->attname)),
				 errhint("Write what it is generated from, or make it STORED.")));
	check->columns = bms_add_member(check->columns, var->varattno);
}

/* The type of an array's elements, or of what a range is over; InvalidOid: neither. */
static Oid
part_of_type(Oid type)
{
	Oid			part = get_element_type(type);

	if (!OidIsValid(part))
		part = get_range_subtype(type);
	if (!OidIsValid(part))
		part = get_multirange_range(type);
	return part;
}

/* What comes of text that is read as such a type, today and tomorrow? */
static bool
is_constant_type(Oid type)
{
	Oid			part;
	Oid			input;
	Oid			parameter;

	while (OidIsValid(part = part_of_type(type)))
		type = part;
	switch (type)
	{
		case UNKNOWNOID:
		case DATEOID:
		case TIMEOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
		case INTERVALOID:
			return true;		/* reads_alike() and is_moment() see to these */
		default:
			break;
	}
	if (type_is_enum(type))
		return true;			/* watched */
	if (get_typtype(type) != TYPTYPE_BASE)
		return false;
	getTypeInputInfo(type, &input, &parameter);
	return func_volatile(input) == PROVOLATILE_IMMUTABLE;
}

/*
 * Does a constant, or part of it, stand for the moment when this transaction
 * began, as 'now' does?
 */
static bool
is_moment(const Const *constant)
{
	TimestampTz now = GetCurrentTransactionStartTimestamp();
	Oid			output;
	bool		varlena;

	if (constant->constisnull || constant->consttype == UNKNOWNOID)
		return false;
	getTypeOutputInfo(constant->consttype, &output, &varlena);
	return strstr(OidOutputFunctionCall(output, constant->constvalue),
				  DatumGetCString(DirectFunctionCall1(timestamptz_out,
													  TimestampTzGetDatum(now)))) != NULL;
}

void
condition_refuse_literal(const char *noun, const char *text)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
			 errmsg("a literal in the %s \"%s\" depends on the time or on settings",
					noun, text),
			 errhint("Write dates as YYYY-MM-DD, times with a time zone, and none such as \"now\" or \"today\".")));
}

static void
check_constant(ConditionCheck *check, const Const *constant)
{
	if (!is_constant_type(constant->consttype))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
				 errmsg("a literal in the %s \"%s\" is of type %s, which may be read differently another time",
						check->noun, check->text,
						format_type_be(constant->consttype)),
				 errhint("Compare with a value of another type.")));
	if (is_moment(constant))
		condition_refuse_literal(check->noun, check->text);
}

static bool
is_temporary(Oid type)
{
	HeapTuple	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
	bool		temporary;

	if (!HeapTupleIsValid(tuple))
		return false;
	temporary = isAnyTempNamespace(((Form_pg_type) GETSTRUCT(tuple))->typnamespace);
	ReleaseSysCache(tuple);
	return temporary;
}

static void
check_type(ConditionCheck *check, Oid type)
{
	if (type == RECORDOID || type == UNKNOWNOID)
		return;
	if (is_temporary(type))
		check->temporary = true;
	if (!watch_type(check->watch, type))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
				 errmsg("the %s \"%s\" uses type %s, whose values tokenauth cannot watch",
						check->noun, check->text, format_type_be(type)),
				 check->watch->excess != NULL ?
				 errdetail("Types are watched up to a limit: %s.", check->watch->excess) :
				 errdetail("What they stand for depends on other rows of the catalogs.")));
}

/*
 * Is a function stable only because it looks at the session's time zone?  Those
 * that read or write text look at other settings, too.
 */
static bool
by_timezone(Oid function)
{
	switch (function)
	{
		case F_TIMESTAMPTZ_PL_INTERVAL:
		case F_TIMESTAMPTZ_MI_INTERVAL:
		case F_INTERVAL_PL_TIMESTAMPTZ:
		case F_TIMESTAMPTZ_TIMESTAMP:
		case F_TIMESTAMPTZ_DATE:
		case F_TIMESTAMP_TIMESTAMPTZ:
		case F_DATE_TIMESTAMPTZ:
		case F_TIME_TIMESTAMPTZ:
		case F_EXTRACT_TEXT_TIMESTAMPTZ:
		case F_DATE_PART_TEXT_TIMESTAMPTZ:
		case F_DATE_TRUNC_TEXT_TIMESTAMPTZ:
		case F_DATE_LT_TIMESTAMPTZ:
		case F_DATE_LE_TIMESTAMPTZ:
		case F_DATE_EQ_TIMESTAMPTZ:
		case F_DATE_GT_TIMESTAMPTZ:
		case F_DATE_GE_TIMESTAMPTZ:
		case F_DATE_NE_TIMESTAMPTZ:
		case F_TIMESTAMPTZ_LT_DATE:
		case F_TIMESTAMPTZ_LE_DATE:
		case F_TIMESTAMPTZ_EQ_DATE:
		case F_TIMESTAMPTZ_GT_DATE:
		case F_TIMESTAMPTZ_GE_DATE:
		case F_TIMESTAMPTZ_NE_DATE:
		case F_TIMESTAMP_LT_TIMESTAMPTZ:
		case F_TIMESTAMP_LE_TIMESTAMPTZ:
		case F_TIMESTAMP_EQ_TIMESTAMPTZ:
		case F_TIMESTAMP_GT_TIMESTAMPTZ:
		case F_TIMESTAMP_GE_TIMESTAMPTZ:
		case F_TIMESTAMP_NE_TIMESTAMPTZ:
		case F_TIMESTAMPTZ_LT_TIMESTAMP:
		case F_TIMESTAMPTZ_LE_TIMESTAMP:
		case F_TIMESTAMPTZ_EQ_TIMESTAMP:
		case F_TIMESTAMPTZ_GT_TIMESTAMP:
		case F_TIMESTAMPTZ_GE_TIMESTAMP:
		case F_TIMESTAMPTZ_NE_TIMESTAMP:
			return true;
		default:
			return false;
	}
}

/*
 * An expression for contain_mutable_functions() to look at, with the arguments of
 * such functions but not the functions.
 */
static Node *
without_timezone(Node *node, void *context)
{
	List	   *args = NIL;

	if (node == NULL)
		return NULL;
	if (IsA(node, FuncExpr) && by_timezone(((FuncExpr *) node)->funcid))
		args = ((FuncExpr *) node)->args;
	else if (IsA(node, OpExpr) && by_timezone(get_opcode(((OpExpr *) node)->opno)))
		args = ((OpExpr *) node)->args;
	if (args != NIL)
	{
		RowExpr    *row = makeNode(RowExpr);

		row->args = args;
		node = (Node *) row;
	}
	return expression_tree_mutator(node, without_timezone, context);
}

/* A check_function_callback. */
static bool
check_function(Oid function, void *context)
{
	ConditionCheck *check = context;

	if (!by_timezone(function) &&
		func_volatile(function) != PROVOLATILE_IMMUTABLE)
		return true;
	watch_function(check->watch, function);
	return false;
}

static void
refuse_mutable(const ConditionCheck *check)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
			 errmsg("functions in the %s \"%s\" must be immutable",
					check->noun, check->text),
			 errhint("What depends on the time of day belongs into the expires_column.")));
}

/*
 * Where a type is not the server's own, neither are its operators; an implicit
 * cast takes those of another type instead, because they were not in the
 * search_path, or because the column had that other type before.
 */
static void
check_cast(ConditionCheck *check, Node *node, Expr *argument, CoercionForm form)
{
	Oid			from = getBaseType(exprType((Node *) argument));

	if (form == COERCE_IMPLICIT_CAST && from >= FirstNormalObjectId &&
		from != getBaseType(exprType(node)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
				 errmsg("the %s \"%s\" takes values of type %s for such of type %s",
						check->noun, check->text, format_type_be(from),
						format_type_be(exprType(node))),
				 errhint("Attach the table with the type's operators in the search_path, or write out the cast.")));
}

static void
check_node_cast(ConditionCheck *check, Node *node)
{
	switch (nodeTag(node))
	{
		case T_RelabelType:
			check_cast(check, node, ((RelabelType *) node)->arg,
					   ((RelabelType *) node)->relabelformat);
			break;
		case T_CoerceViaIO:
			check_cast(check, node, ((CoerceViaIO *) node)->arg,
					   ((CoerceViaIO *) node)->coerceformat);
			break;
		case T_ArrayCoerceExpr:
			check_cast(check, node, ((ArrayCoerceExpr *) node)->arg,
					   ((ArrayCoerceExpr *) node)->coerceformat);
			break;
		case T_FuncExpr:
			if (((FuncExpr *) node)->args != NIL)
				check_cast(check, node, linitial(((FuncExpr *) node)->args),
						   ((FuncExpr *) node)->funcformat);
			break;
		default:
			break;
	}
}

/* Columns, types, functions, collations, constants. */
static bool
check_node(Node *node, void *context)
{
	ConditionCheck *check = context;

	if (node == NULL)
		return false;
	switch (nodeTag(node))
	{
		case T_Var:
			check_column(check, (Var *) node);
			check_type(check, exprType(node));
			break;
		case T_Const:
			check_type(check, exprType(node));
			check_constant(check, (Const *) node);
			break;
		case T_FuncExpr:
		case T_FieldSelect:
		case T_RelabelType:
		case T_CoerceViaIO:
		case T_ArrayCoerceExpr:
			check_type(check, exprType(node));
			check_node_cast(check, node);
			break;
		case T_CollateExpr:
			watch_collation(check->watch, ((CollateExpr *) node)->collOid);
			break;
		case T_CoerceToDomain:
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("the %s \"%s\" casts to the domain %s",
							check->noun, check->text,
							format_type_be(exprType(node))),
					 errhint("Cast to the type that the domain is over.")));
		default:
			break;
	}
	if (check_functions_in_node(node, check_function, context))
		refuse_mutable(check);
	return expression_tree_walker(node, check_node, context);
}

void
condition_check(ConditionCheck *check, Node *node)
{
	check_node(node, check);
	/* what is no function but as good as one, such as CURRENT_USER */
	if (contain_mutable_functions(without_timezone(node, NULL)))
		refuse_mutable(check);
}
