/*-------------------------------------------------------------------------
 *
 * fixed.c
 *		What a condition fixes a column of an index to; see fixed.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/stratnum.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "nodes/primnodes.h"
#include "source/fixed.h"
#include "source/names.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

/* A column of an index that is to be fixed. */
typedef struct IndexColumn
{
	AttrNumber	attnum;			/* of the table */
	Oid			family;
	Oid			type;			/* that the class of operators is for */
	Oid			collation;
} IndexColumn;

/* Without casts that change no value, and what the operator knows of collations. */
static Node *
bare(Node *node)
{
	while (node != NULL && (IsA(node, RelabelType) || IsA(node, CollateExpr)))
		node = IsA(node, RelabelType) ?
			(Node *) ((RelabelType *) node)->arg :
			(Node *) ((CollateExpr *) node)->arg;
	return node;
}

static bool
is_column(Node *node, const IndexColumn *column)
{
	const Var  *var = (const Var *) bare(node);

	return var != NULL && IsA(var, Var) && var->varattno == column->attnum &&
		var->varlevelsup == 0;
}

static bool
is_boolean_column(Node *node, const IndexColumn *column)
{
	return node != NULL && IsA(node, Var) && is_column(node, column) &&
		((Var *) node)->vartype == BOOLOID && column->type == BOOLOID;
}

/*
 * Its operator must be the equality of the index, for values of such a type; and the
 * same in all sessions, for the index is asked by the settings of whoever asks.
 */
static bool
set_operator(FixedKey *key, const IndexColumn *column, Oid operator)
{
	int			strategy;
	Oid			left;

	if (get_op_opfamily_strategy(operator, column->family) != BTEqualStrategyNumber)
		return false;
	get_op_opfamily_properties(operator, column->family, false, &strategy,
							   &left, &key->subtype);
	key->operator = operator;
	key->equality = get_opcode(operator);
	return left == column->type && OidIsValid(key->equality) &&
		func_volatile(key->equality) == PROVOLATILE_IMMUTABLE;
}

static bool
set_value(FixedKey *key, Node *value)
{
	Const	   *constant = (Const *) bare(value);

	if (!IsA(constant, Const) || constant->constisnull)
		return false;
	key->value = constant->constvalue;
	key->by_value = constant->constbyval;
	key->length = constant->constlen;
	key->type = exprType(value);
	return true;
}

static bool
fixed_by_equality(const OpExpr *clause, const IndexColumn *column, FixedKey *key)
{
	Node	   *left;
	Node	   *right;
	Oid			operator = clause->opno;

	if (list_length(clause->args) != 2)
		return false;
	left = linitial(clause->args);
	right = lsecond(clause->args);
	if (!is_column(left, column))
	{
		Node	   *other = left;

		left = right;
		right = other;
		operator = get_commutator(operator);
	}
	if (!is_column(left, column) || !OidIsValid(operator))
		return false;
	/* values that one collation calls equal another may not */
	if (OidIsValid(column->collation) && column->collation != clause->inputcollid)
		return false;
	return set_operator(key, column, operator) && set_value(key, right);
}

static bool
fixed_to_boolean(const IndexColumn *column, bool value, FixedKey *key)
{
	key->value = BoolGetDatum(value);
	key->by_value = true;
	key->length = sizeof(bool);
	key->type = BOOLOID;
	return set_operator(key, column,
						get_opfamily_member(column->family, BOOLOID, BOOLOID,
											BTEqualStrategyNumber));
}

static bool fixed_by_node(Node *node, const IndexColumn *column, FixedKey *key);

static bool
fixed_by_boolean(const BoolExpr *node, const IndexColumn *column, FixedKey *key)
{
	ListCell   *lc;

	if (node->boolop == NOT_EXPR)
		return is_boolean_column(linitial(node->args), column) &&
			fixed_to_boolean(column, false, key);
	if (node->boolop == AND_EXPR)
		foreach(lc, node->args)
			if (fixed_by_node(lfirst(lc), column, key))
				return true;
	return false;
}

static bool
fixed_by_test(const BooleanTest *node, const IndexColumn *column, FixedKey *key)
{
	return (node->booltesttype == IS_TRUE || node->booltesttype == IS_FALSE) &&
		is_boolean_column((Node *) node->arg, column) &&
		fixed_to_boolean(column, node->booltesttype == IS_TRUE, key);
}

static bool
fixed_by_node(Node *node, const IndexColumn *column, FixedKey *key)
{
	check_stack_depth();
	switch (nodeTag(node))
	{
		case T_OpExpr:
			return fixed_by_equality((OpExpr *) node, column, key);
		case T_BoolExpr:
			return fixed_by_boolean((BoolExpr *) node, column, key);
		case T_BooleanTest:
			return fixed_by_test((BooleanTest *) node, column, key);
		case T_Var:
			return is_boolean_column(node, column) &&
				fixed_to_boolean(column, true, key);
		case T_NullTest:
			key->is_null = ((NullTest *) node)->nulltesttype == IS_NULL &&
				!((NullTest *) node)->argisrow &&
				is_column((Node *) ((NullTest *) node)->arg, column);
			return key->is_null;
		default:
			return false;
	}
}

bool
fixed_by_condition(Node *condition, Relation index, int column, FixedKey *key)
{
	IndexColumn indexed = {
		index->rd_index->indkey.values[column], index->rd_opfamily[column],
		index->rd_opcintype[column], index->rd_indcollation[column]
	};

	memset(key, 0, sizeof(*key));
	key->attnum = indexed.attnum;
	key->collation = indexed.collation;
	return condition != NULL && AttributeNumberIsValid(indexed.attnum) &&
		fixed_by_node(condition, &indexed, key);
}

char *
fixed_sql(const FixedKey *key, const char *column, int n)
{
	if (key->is_null)
		return psprintf("%s IS NULL", column);
	return psprintf("%s%s%s %s $%d", column,
					OidIsValid(key->collation) ? " COLLATE " : "",
					OidIsValid(key->collation) ? quoted_collation(key->collation) : "",
					quoted_operator(key->operator), n);
}

FixedKey
fixed_copy(const FixedKey *key)
{
	FixedKey	copy = *key;

	if (!key->is_null)
		copy.value = datumCopy(key->value, key->by_value, key->length);
	return copy;
}

void
fixed_free(FixedKey *key)
{
	if (!key->is_null && !key->by_value)
		pfree(DatumGetPointer(key->value));
}
