/*-------------------------------------------------------------------------
 *
 * options.c
 *		Checking what tokenauth_attach() is told; see options.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "attach/columns.h"
#include "attach/options.h"
#include "attach/revoked.h"
#include "base/guc.h"
#include "base/time_limit.h"
#include "source/directory.h"
#include "source/expression.h"
#include "source/mapping.h"
#include "source/own_call.h"
#include "source/registry.h"
#include "source/routes.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"

static void
check_timezone(const char *zone)
{
	if (mapping_timezone(zone) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("time zone \"%s\" not recognized", zone),
				 errhint("It is UTC, GMT, or a full name such as Europe/Berlin; an abbreviation can mean several zones.")));
}

/* The name leads to one source, and tells it from others of its table. */
static void
check_name(Oid relation, const char *name, const Source *other)
{
	bool		same = strcmp(other->name, name) == 0;

	if (same && other->relation == relation)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("table \"%s\" is already attached as token source \"%s\"",
						get_rel_name(relation), name),
				 errhint("Give another name in the argument \"source\" to make it another source besides, or detach it first: %s",
						 detach_sql(name))));
	if (same)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("token source \"%s\" already exists", name),
				 errhint("Give another name in the argument \"source\".")));
	if (source_id_equal(other->id, source_id(relation, name)))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("token source \"%s\" cannot be told from \"%s\" of the same table",
						name, other->name),
				 errdetail("The hashes of their names are the same."),
				 errhint("Give another name in the argument \"source\".")));
}

/* Nobody may have the name or the prefix already. */
static void
check_not_taken(const Source *source)
{
	const char *prefix = source->prefix;
	ExtensionInfo extension;
	ListCell   *lc;

	extension_require(&extension);
	routes_lock(&extension);
	source_refresh();
	foreach(lc, source_all())
	{
		const Source *other = lfirst(lc);

		if (OidIsValid(other->relation) &&
			get_rel_relkind(other->relation) == '\0')
			continue;			/* dropped since, and about to be forgotten */
		check_name(source->relation, source->name, other);
		if (prefix && other->prefix && strcmp(other->prefix, prefix) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_OBJECT),
					 errmsg("token prefix \"%s\" is already taken by token source \"%s\"",
							prefix, other->name),
					 errhint("A prefix must lead to one source.")));
	}
	foreach(lc, source_all())
		routes_check(source, lfirst(lc));
}

/* An expression that is read. */
typedef struct Reading
{
	Relation	table;
	const char *text;
	ExpressionUse use;
	char	   *stored;
} Reading;

static void
call_resolve(void *arg)
{
	Reading    *reading = arg;

	reading->stored = expression_resolve(reading->table, reading->text,
										 reading->use);
}

/* It can call functions of constants, which are the owner's, and need not end. */
static char *
resolve(Oid relation, const char *text, ExpressionUse use)
{
	Reading		reading = {.text = text,.use = use};
	ErrorData  *error;
	bool		timed_out;

	if (text == NULL)
		return NULL;
	reading.table = table_open(relation, NoLock);
	error = time_limit_try(call_resolve, &reading, guc_source_timeout,
						   &timed_out);
	if (timed_out)
		ereport(ERROR,
				(errcode(ERRCODE_QUERY_CANCELED),
				 errmsg("the expression \"%s\" could not be read within %d ms",
						text, guc_source_timeout),
				 errhint("It calls a function of constants that does not end in time; see tokenauth.source_timeout.")));
	if (error != NULL)
		ReThrowError(error);
	table_close(reading.table, NoLock);
	return reading.stored;
}

/* The expressions in place of columns. */
static void
resolve_roles(Oid relation, SourceColumn *column)
{
	for (SourceRole role = 0; role < ROLE_COUNT; role++)
		column[role].expression = resolve(relation, column[role].expression,
										  EXPRESSION_VALUE);
}

void
options_resolve_parent(SourceParent *parent)
{
	parent->live_when = resolve(parent->relation, parent->live_when,
								EXPRESSION_CONDITION);
	resolve_roles(parent->relation, parent->column);
}

void
options_resolve(Source *source)
{
	source->live_when = resolve(source->relation, source->live_when,
								EXPRESSION_CONDITION);
	source->lookup = resolve(source->relation, source->lookup,
							 EXPRESSION_LOOKUP);
	source->verify = resolve(source->relation, source->verify,
							 EXPRESSION_VERIFY);
	resolve_roles(source->relation, source->column);
}

static void
check_claims(const Source *source)
{
	ListCell   *lc;

	foreach(lc, source->claims)
		if (get_attnum(source->relation, lfirst(lc)) <= 0)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("table \"%s\" has no column \"%s\"",
							get_rel_name(source->relation),
							(char *) lfirst(lc)),
					 errhint("The argument \"claims\" names columns of the table.")));
}

void
options_check(const Source *source)
{
	RegistryFault fault;

	if (!registry_check(source, &fault))
		registry_report(&fault);
	revoked_check(source);
	check_timezone(source->timezone);
	check_not_taken(source);
	check_claims(source);
	columns_check(source);
}
