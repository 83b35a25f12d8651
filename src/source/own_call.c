/*-------------------------------------------------------------------------
 *
 * own_call.c
 *		A call of a function of ours, as SQL for a human; see own_call.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "base/format.h"
#include "catalog/dependency.h"
#include "catalog/pg_proc.h"
#include "commands/extension.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/primnodes.h"
#include "source/names.h"
#include "source/own_call.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

struct OwnCall
{
	char	   *function;		/* quoted */
	bool		is_procedure;
	int			nargs;
	Oid		   *type;
	char	  **name;
	char	  **value;			/* in SQL, without its cast */
};

/* The extension's function of that name; InvalidOid if there is not one. */
static Oid
find_member(const char *name)
{
	Oid			extension = get_extension_oid("tokenauth", false);
	CatCList   *list = SearchSysCacheList1(PROCNAMEARGSNSP,
										   CStringGetDatum(name));
	Oid			found = InvalidOid;
	int			count = 0;

	for (int i = 0; i < list->n_members; i++)
	{
		HeapTuple	tuple = &list->members[i]->tuple;
		Oid			function = ((Form_pg_proc) GETSTRUCT(tuple))->oid;

		CHECK_FOR_INTERRUPTS();
		if (getExtensionOfObject(ProcedureRelationId, function) != extension)
			continue;
		found = function;
		count++;
	}
	ReleaseSysCacheList(list);
	return count == 1 ? found : InvalidOid;
}

/* The arguments' names and types. */
static void
read_arguments(OwnCall *call, HeapTuple tuple)
{
	char	   *modes;

	call->nargs = get_func_arg_info(tuple, &call->type, &call->name, &modes);
	call->value = palloc0(call->nargs * sizeof(char *));
	if (modes != NULL || (call->nargs > 0 && call->name == NULL))
		elog(ERROR, "function %s has other than plain input arguments",
			 call->function);
}

/* A default, which the install script writes as a constant. */
static char *
constant_sql(const Node *node)
{
	const Const *constant = (const Const *) node;
	Oid			output;
	bool		is_varlena;

	if (!IsA(node, Const))
		elog(ERROR, "default of an argument is not a constant");
	if (constant->constisnull)
		return "NULL";
	getTypeOutputInfo(constant->consttype, &output, &is_varlena);
	return quote_literal_cstr(OidOutputFunctionCall(output,
													constant->constvalue));
}

/* Defaults are those of the last arguments. */
static void
read_defaults(OwnCall *call, HeapTuple tuple)
{
	bool		isnull;
	Datum		nodes = SysCacheGetAttr(PROCOID, tuple,
										Anum_pg_proc_proargdefaults, &isnull);
	List	   *defaults;
	ListCell   *lc;

	if (isnull)
		return;
	defaults = castNode(List, stringToNode(TextDatumGetCString(nodes)));
	foreach(lc, defaults)
		call->value[call->nargs - list_length(defaults) +
					foreach_current_index(lc)] = constant_sql(lfirst(lc));
}

OwnCall *
own_call(const char *name)
{
	OwnCall    *call = palloc0(sizeof(OwnCall));
	HeapTuple	tuple = SearchSysCache1(PROCOID,
										ObjectIdGetDatum(find_member(name)));

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "extension tokenauth has not one function %s()", name);
	call->function = quoted_own(name);
	call->is_procedure =
		((Form_pg_proc) GETSTRUCT(tuple))->prokind == PROKIND_PROCEDURE;
	read_arguments(call, tuple);
	read_defaults(call, tuple);
	ReleaseSysCache(tuple);
	return call;
}

static void
set_sql(OwnCall *call, const char *argument, char *sql)
{
	for (int i = 0; i < call->nargs; i++)
		if (strcmp(call->name[i], argument) == 0)
		{
			call->value[i] = sql;
			return;
		}
	elog(ERROR, "function %s has no argument \"%s\"", call->function, argument);
}

void
own_call_set(OwnCall *call, const char *argument, const char *value)
{
	set_sql(call, argument, value ? quote_literal_cstr(value) : "NULL");
}

void
own_call_set_place(OwnCall *call, const char *argument, const char *choices)
{
	set_sql(call, argument, psprintf("<%s>", choices));
}

void
own_call_set_array(OwnCall *call, const char *argument, List *values)
{
	StringInfoData sql;
	ListCell   *lc;

	initStringInfo(&sql);
	appendStringInfoString(&sql, "ARRAY[");
	foreach(lc, values)
		appendStringInfo(&sql, "%s%s", foreach_current_index(lc) > 0 ? ", " : "",
						 quote_literal_cstr(lfirst(lc)));
	appendStringInfoChar(&sql, ']');
	set_sql(call, argument, sql.data);
}

static char *
call_sql(const OwnCall *call, const char *select, const char *ending)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "%s %s(", call->is_procedure ? "CALL" : select,
					 call->function);
	for (int i = 0; i < call->nargs; i++)
	{
		if (call->value[i] == NULL)
			elog(ERROR, "argument \"%s\" of function %s has no value",
				 call->name[i], call->function);
		appendStringInfo(&sql, "%s%s => %s::%s", i > 0 ? ", " : "",
						 quote_identifier(call->name[i]), call->value[i],
						 format_type_extended(call->type[i], -1,
											  FORMAT_TYPE_FORCE_QUALIFY));
	}
	appendStringInfoString(&sql, ending);
	return sql.data;
}

char *
own_call_sql(const OwnCall *call)
{
	return call_sql(call, "SELECT", ");");
}

char *
own_call_perform_sql(const OwnCall *call)
{
	return call_sql(call, "PERFORM", ");");
}

char *
own_call_incomplete_sql(const OwnCall *call)
{
	return call_sql(call, "SELECT", ", ...);");
}

char *
own_call_plain_sql(const char *name)
{
	return own_call_sql(own_call(name));
}

char *
detach_sql(const char *source)
{
	OwnCall    *call = own_call("tokenauth_detach");

	own_call_set(call, "source", source);
	return own_call_sql(call);
}

char *
sql_with_comment(const char *sql, const char *format,...)
{
	va_list		args;
	char	   *comment;

	va_start(args, format);
	comment = format_text(format, args);
	va_end(args);
	for (char *c = comment; *c != '\0'; c++)
		if ((unsigned char) *c < ' ')
			*c = '?';
	return psprintf("%s -- %s", sql, comment);
}
