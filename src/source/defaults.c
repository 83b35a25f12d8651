/*-------------------------------------------------------------------------
 *
 * defaults.c
 *		Columns that a session fills by what it has set; see defaults.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/dependency.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteHandler.h"
#include "source/defaults.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

/*
 * What a function of the server's own depends on, beside its arguments, is known for
 * these kinds alone.  Such a function is known by its oid, which no other has.
 */
#define IS_SERVERS_OWN(function)	((function) < FirstGenbkiObjectId)

/*
 * Does it give another value each time, which no session can choose?  It can keep a
 * transaction open, so that its start is long ago; but what that would decide, how long a
 * token lives, goes by no default (life.h).  Not random(): a session can set the seed.  Nor currval(), and what tells of the session, the transaction
 * or the statistics.
 */
static bool
is_clock_or_source(Oid function)
{
	switch (function)
	{
		case F_NOW:
		case F_TRANSACTION_TIMESTAMP:
		case F_STATEMENT_TIMESTAMP:
		case F_CLOCK_TIMESTAMP:
		case F_NEXTVAL:
		case F_GEN_RANDOM_UUID:
#if PG_VERSION_NUM >= 180000
		case F_UUIDV4:
		case F_UUIDV7_:
		case F_UUIDV7_INTERVAL:
#endif
			return true;
		default:
			return false;
	}
}

/*
 * Is it one of those extensions' in C, which go by their arguments and by randomness,
 * the time and the machine?  Who owns an extension can add functions to it, but none in C.
 */
static bool
is_random_extensions(Oid function)
{
	Oid			extension = getExtensionOfObject(ProcedureRelationId, function);
	const char *name = OidIsValid(extension) ? get_extension_name(extension) : NULL;
	HeapTuple	tuple;
	bool		is_c;

	if (name == NULL ||
		(strcmp(name, "pgcrypto") != 0 && strcmp(name, "uuid-ossp") != 0))
		return false;
	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	is_c = HeapTupleIsValid(tuple) &&
		((Form_pg_proc) GETSTRUCT(tuple))->prolang == ClanguageId;
	if (HeapTupleIsValid(tuple))
		ReleaseSysCache(tuple);
	return is_c;
}

static bool
is_time_type(Oid type)
{
	switch (type)
	{
		case DATEOID:
		case TIMEOID:
		case TIMETZOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
		case INTERVALOID:
			return true;
		default:
			return false;
	}
}

static bool
is_time_or_number(Oid type)
{
	switch (type)
	{
		case BOOLOID:
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case FLOAT4OID:
		case FLOAT8OID:
		case NUMERICOID:
			return true;
		default:
			return is_time_type(type);
	}
}

/*
 * Does it make a time or a number of a time?  A stable function of the server's own that
 * does goes by TimeZone and the transaction's start.  Those that make a text, or are made
 * of texts alone, such as to_char(), know names of months by lc_time, too; and what is
 * made of no time can be a statistic.
 */
static bool
is_of_time(Oid function)
{
	Oid		   *types;
	int			n;
	Oid			result;
	bool		has_time = false;

	if (!IS_SERVERS_OWN(function) || func_volatile(function) != PROVOLATILE_STABLE)
		return false;
	result = get_func_signature(function, &types, &n);
	for (int i = 0; i < n; i++)
	{
		has_time |= is_time_type(types[i]);
		if (!is_time_or_number(types[i]) && types[i] != TEXTOID)
			return false;
	}
	return has_time && is_time_or_number(result);
}

/* How a time is written, and read: by TimeZone, DateStyle, IntervalStyle, abbreviations. */
static bool
is_same_as_text(Oid type)
{
	Oid			base = getBaseType(type);
	Oid			input;
	Oid			output;
	Oid			parameter;
	bool		varlena;

	if (is_time_type(base))
		return true;
	getTypeInputInfo(base, &input, &parameter);
	getTypeOutputInfo(base, &output, &varlena);
	return func_volatile(input) == PROVOLATILE_IMMUTABLE &&
		func_volatile(output) == PROVOLATILE_IMMUTABLE;
}

/*
 * Does it put texts together of whatever it is given?  It is stable only because how some
 * types are written goes by the session.
 */
static bool
writes_texts(Oid function)
{
	switch (function)
	{
		case F_TEXTANYCAT:		/* the operator || */
		case F_ANYTEXTCAT:
		case F_CONCAT:
		case F_CONCAT_WS:
		case F_FORMAT_TEXT:
		case F_FORMAT_TEXT_ANY:
		case F_ARRAY_TO_STRING_ANYARRAY_TEXT:
		case F_ARRAY_TO_STRING_ANYARRAY_TEXT_TEXT:
			return true;
		default:
			return false;
	}
}

/* Of arguments that are written the same in all sessions?  An array is as its elements. */
static bool
writes_same_texts(Oid function, List *args)
{
	ListCell   *lc;

	if (!writes_texts(function))
		return false;
	foreach(lc, args)
	{
		Oid			type = getBaseType(exprType(lfirst(lc)));
		Oid			element = get_element_type(type);

		if (!is_same_as_text(OidIsValid(element) ? element : type))
			return false;
	}
	return true;
}

static bool
is_beyond_sessions(Oid function, List *args)
{
	return is_clock_or_source(function) || is_of_time(function) ||
		is_random_extensions(function) || writes_same_texts(function, args);
}

/* What a node is made of, if what it does itself is beyond sessions; else false. */
static bool
parts_beyond_sessions(Node *node, List **parts)
{
	*parts = NIL;
	switch (nodeTag(node))
	{
		case T_FuncExpr:
			*parts = ((FuncExpr *) node)->args;
			return is_beyond_sessions(((FuncExpr *) node)->funcid, *parts);
		case T_OpExpr:
			*parts = ((OpExpr *) node)->args;
			return is_beyond_sessions(get_opcode(((OpExpr *) node)->opno), *parts);
		case T_CoerceViaIO:
			*parts = list_make1(((CoerceViaIO *) node)->arg);
			return is_same_as_text(((CoerceViaIO *) node)->resulttype) &&
				is_same_as_text(exprType(linitial(*parts)));
		case T_SQLValueFunction:
			/* the times come first, before roles, database and schema */
			return ((SQLValueFunction *) node)->op <= SVFOP_LOCALTIMESTAMP_N;
		case T_NextValueExpr:
			return true;
		default:
			return false;
	}
}

/*
 * An expression for contain_mutable_functions() to look at, without what is so.  Of what is
 * in its place that asks the type.
 */
static Node *
without_beyond(Node *node, void *context)
{
	List	   *parts;

	if (node == NULL)
		return NULL;
	if (parts_beyond_sessions(node, &parts))
	{
		CoalesceExpr *some = makeNode(CoalesceExpr);

		some->coalescetype = exprType(node);
		some->args = parts;
		node = (Node *) some;
	}
	return expression_tree_mutator(node, without_beyond, context);
}

/*
 * Does it call a function whose arguments have defaults, which can be any code?  Those of
 * the server's own functions are constants.
 */
static bool
leaves_arguments_out(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, FuncExpr) && !IS_SERVERS_OWN(((FuncExpr *) node)->funcid) &&
		list_length(((FuncExpr *) node)->args) <
		get_func_nargs(((FuncExpr *) node)->funcid))
		return true;
	return expression_tree_walker(node, leaves_arguments_out, context);
}

static bool
goes_by_session(Relation table, AttrNumber attnum)
{
	Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(table), attnum - 1);
	Node	   *value;

	if (attribute->attisdropped || attribute->attgenerated)
		return false;
	value = build_column_default(table, attnum);
	return leaves_arguments_out(value, NULL) ||
		contain_mutable_functions(without_beyond(value, NULL));
}

Bitmapset *
defaults_by_session(Relation table, const Bitmapset *columns)
{
	Bitmapset  *found = NULL;
	int			attnum = -1;

	while ((attnum = bms_next_member(columns, attnum)) >= 0)
		if (attnum > 0 && goes_by_session(table, attnum))
			found = bms_add_member(found, attnum);
	return found;
}
