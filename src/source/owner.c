/*-------------------------------------------------------------------------
 *
 * owner.c
 *		SQL on a token table, as its owner; see owner.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "base/compat.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "source/citext.h"
#include "source/fixed.h"
#include "source/owner.h"
#include "source/stored.h"
#include "source/value.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

void
owner_check(Oid relation)
{
	char		relkind = get_rel_relkind(relation);

	if (relkind == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relation)));
	if (!TOKENAUTH_OWNS_RELATION(relation, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, get_relkind_objtype(relkind),
					   get_rel_name(relation));
}

static bool
has_expressions(const SourceColumn *column)
{
	for (int role = 0; role < ROLE_COUNT; role++)
		if (column[role].expression != NULL)
			return true;
	return false;
}

static void
begin(OwnerCall *call, const Source *source, Oid relation,
	  const SourceColumn *column)
{
	call->source = source;
	call->column = column;
	call->has_expressions = has_expressions(column);
	call->makes_row = false;
	call->nparameters = 0;
	call->may_see = !stored_is_token(source) &&
		pg_class_aclcheck(relation, GetUserId(), ACL_SELECT) == ACLCHECK_OK &&
		check_enable_rls(relation, InvalidOid, true) != RLS_ENABLED;
	call->is_owner = TOKENAUTH_OWNS_RELATION(relation, GetUserId());
	call->table = table_open(relation, AccessShareLock);
}

void
owner_begin(OwnerCall *call, const Source *source)
{
	begin(call, source, source->relation, source->column);
}

void
owner_begin_parent(OwnerCall *call, const Source *source,
				   const SourceParent *parent)
{
	begin(call, source, parent->relation, parent->column);
}

void
owner_end(OwnerCall *call)
{
	table_close(call->table, AccessShareLock);
}

int
owner_parameter(OwnerCall *call, Oid type, Datum value, bool isnull)
{
	int			n;

	if (call->nparameters == OWNER_MAX_PARAMETERS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a statement on the table of token source \"%s\" has too many parameters",
						call->source->name)));
	n = call->nparameters++;
	call->type[n] = type;
	call->value[n] = value;
	call->isnull[n] = isnull ? 'n' : ' ';
	return n + 1;
}

int
owner_text(OwnerCall *call, const char *value)
{
	return owner_parameter(call, TEXTOID,
						   value ? CStringGetTextDatum(value) : (Datum) 0,
						   value == NULL);
}

int
owner_timestamp(OwnerCall *call, TimestampTz value)
{
	return owner_parameter(call, TIMESTAMPTZOID, TimestampTzGetDatum(value),
						   false);
}

/* Of another table the caller may not see a row, though the owner may. */
static bool
concerns_table(const ErrorData *error, Relation table)
{
	return error->table_name != NULL && error->schema_name != NULL &&
		strcmp(error->table_name, RelationGetRelationName(table)) == 0 &&
		strcmp(error->schema_name,
			   get_namespace_name(RelationGetNamespace(table))) == 0;
}

static void
strip_error(const OwnerCall *call, ErrorData *error)
{
	if (!call->may_see || !concerns_table(error, call->table))
	{
		if (error->detail != NULL)
			error->detail = pstrdup("The row is not shown.");
		error->detail_log = NULL;
	}
	error->context = NULL;
	error->internalquery = NULL;
	error->internalpos = 0;
}

/*
 * A violated constraint quotes the row, which the caller need not be allowed to
 * see, and the token itself may stand in it.  The context and the internal query
 * quote what the owner's functions were doing, with whatever they have read.
 * The context of the caller's own functions is added again.
 */
void
owner_rethrow(const OwnerCall *call, MemoryContext context)
{
	ErrorData  *error;

	MemoryContextSwitchTo(context);
	error = CopyErrorData();
	FlushErrorState();
	if (!call->may_see || !call->is_owner)
		strip_error(call, error);
	ThrowErrorData(error);
	pg_unreachable();
}

/* What a statement on the table needs around it. */
typedef struct OwnerFrame
{
	MemoryContext context;
	Sandbox		sandbox;
	HiddenCaller caller;
} OwnerFrame;

static void
enter_frame(OwnerFrame *frame, const OwnerCall *call, const char *schema)
{
	bool		has = call->has_expressions;
	bool		is_fixed = has || call->makes_row;
	int			level;

	/* the SQL is made of it; a statement before may have had it read again */
	source_require_whole(call->source);
	level = is_fixed ? fixed_settings_enter() : NewGUCNestLevel();
	frame->context = CurrentMemoryContext;
	/* expressions are read and evaluated so, see expression.h */
	if (is_fixed)
		setting_fix("TimeZone", call->source->timezone);
	sandbox_enter(&frame->sandbox, call->table->rd_rel->relowner,
				  has ? NULL : schema);
	frame->sandbox.guc_level = level;	/* both are left by leaving the sandbox */
	caller_hide(&frame->caller);
}

/* The last in PG_TRY(). */
static void
leave_frame(OwnerFrame *frame)
{
	sandbox_leave(&frame->sandbox);
	caller_show(&frame->caller);
}

/* In PG_CATCH(). */
pg_noreturn static void
fail_in_frame(OwnerFrame *frame, const OwnerCall *call)
{
	sandbox_fail(&frame->sandbox);
	caller_show(&frame->caller);
	owner_rethrow(call, frame->context);
}

static QueryResult *
run(OwnerCall *call, const char *sql, bool read_only)
{
	OwnerFrame	frame;
	QueryResult *result = NULL;

	enter_frame(&frame, call,
				get_namespace_name(RelationGetNamespace(call->table)));
	PG_TRY();
	{
		result = query_execute_exempt(RelationGetRelid(call->table), sql,
									  call->nparameters, call->type,
									  call->value, call->isnull, read_only);
		leave_frame(&frame);
	}
	PG_CATCH();
	{
		fail_in_frame(&frame, call);
	}
	PG_END_TRY();
	call->nparameters = 0;
	return result;
}

QueryResult *
owner_query_by(OwnerCall *call, const char *sql, Snapshot snapshot)
{
	QueryResult *result;

	PushActiveSnapshot(snapshot);
	result = run(call, sql, true);
	PopActiveSnapshot();
	return result;
}

QueryResult *
owner_query(OwnerCall *call, const char *sql)
{
	/* it sees what has been done so far */
	CommandCounterIncrement();
	return owner_query_by(call, sql, GetTransactionSnapshot());
}

QueryResult *
owner_query_latest(OwnerCall *call, const char *sql)
{
	return owner_query_by(call, sql, GetLatestSnapshot());
}

QueryResult *
owner_write(OwnerCall *call, const char *sql)
{
	return run(call, sql, false);
}

uint64
owner_execute(OwnerCall *call, const char *sql)
{
	QueryResult *result = owner_write(call, sql);
	uint64		processed = result->processed;

	query_free(result);
	return processed;
}

Portal
owner_open(OwnerCall *call, const char *sql)
{
	OwnerFrame	frame;
	Portal		portal = NULL;

	enter_frame(&frame, call, NULL);
	PG_TRY();
	{
		portal = query_open_exempt(RelationGetRelid(call->table), sql,
								   call->nparameters, call->type, call->value,
								   call->isnull);
		sandbox_admit(&frame.sandbox, portal);
		leave_frame(&frame);
	}
	PG_CATCH();
	{
		fail_in_frame(&frame, call);
	}
	PG_END_TRY();
	call->nparameters = 0;
	return portal;
}

QueryResult *
owner_fetch(OwnerCall *call, Portal portal, long rows)
{
	OwnerFrame	frame;
	QueryResult *result = NULL;

	enter_frame(&frame, call, NULL);
	sandbox_admit(&frame.sandbox, portal);
	PG_TRY();
	{
		result = query_fetch(portal, rows);
		leave_frame(&frame);
	}
	PG_CATCH();
	{
		fail_in_frame(&frame, call);
	}
	PG_END_TRY();
	return result;
}

char *
owner_table(const OwnerCall *call)
{
	return quote_qualified_identifier(get_namespace_name(RelationGetNamespace(call->table)),
									  RelationGetRelationName(call->table));
}

Form_pg_attribute
owner_attribute(const OwnerCall *call, AttrNumber attnum)
{
	TupleDesc	desc = RelationGetDescr(call->table);

	if (attnum <= 0 || attnum > desc->natts)
		stored_source_changed(call->source);
	return TupleDescAttr(desc, attnum - 1);
}

const char *
owner_column(const OwnerCall *call, SourceRole role)
{
	const SourceColumn *column = &call->column[role];

	/* on a line of its own, as a comment could end it */
	return column->expression != NULL ? psprintf("(%s\n)", column->expression) :
		quote_identifier(column->name);
}

/* As "character" it would be one of length 1, and so cut values off. */
char *
owner_type(const OwnerCall *call, SourceRole role)
{
	/* a statement before may have had it read again */
	source_require_whole(call->source);
	return format_type_extended(call->column[role].type, -1,
								FORMAT_TYPE_TYPEMOD_GIVEN |
								FORMAT_TYPE_FORCE_QUALIFY);
}

char *
owner_cast(OwnerCall *call, SourceRole role, const char *value)
{
	return psprintf("CAST($%d AS %s)", owner_text(call, value),
					owner_type(call, role));
}

/*
 * As its column tells a text: char(n) pads it with spaces, which are no part of a text that
 * ends in none.
 */
static char *
told_text(Oid type, const char *expression, const char *value)
{
	Size		len = strlen(value);

	return psprintf(type == BPCHAROID && (len == 0 || value[len - 1] != ' ') ?
					"CAST(%s AS pg_catalog.text)" :
					"pg_catalog.format('%%s', %s)", expression);
}

char *
owner_tells(OwnerCall *call, SourceRole role, const char *expression,
			const char *value)
{
	const SourceColumn *column = &call->column[role];
	int			n = owner_text(call, value);

	if (column->kind == VALUE_UUID)
		return psprintf("CAST(%s AS pg_catalog.uuid) OPERATOR(pg_catalog.=) CAST($%d AS pg_catalog.uuid)",
						expression, n);
	return psprintf("(%s AND %s COLLATE pg_catalog.\"C\" OPERATOR(pg_catalog.=) $%d)",
					owner_is_value(expression),
					told_text(column->type, expression, value), n);
}

char *
owner_is_value(const char *expression)
{
	return psprintf("pg_catalog.num_nulls(%s) OPERATOR(pg_catalog.=) 0", expression);
}

char *
owner_has_value(OwnerCall *call, SourceRole role, const char *value)
{
	const char *column = owner_column(call, role);
	ValueKind	kind = call->column[role].kind;
	char	   *cast = owner_cast(call, role, value);

	/* what is no number as one is told is nobody's id */
	if (kind == VALUE_INT4 || kind == VALUE_INT8)
		return psprintf("%s OPERATOR(pg_catalog.=) %s AND %s", column, cast,
						owner_tells(call, role, cast, value));
	return is_citext(call->column[role].declared) ?
		citext_equal_sql(call->column[role].declared, column, cast) :
		psprintf("%s OPERATOR(pg_catalog.=) %s", column, cast);
}

char *
owner_in_timezone(const Source *source, Oid type, const char *expression)
{
	if (type == TIMESTAMPOID)
		return psprintf("pg_catalog.timezone(%s, %s)",
						quote_literal_cstr(source->timezone), expression);
	return pstrdup(expression);
}

char *
owner_cast_timestamp(OwnerCall *call, SourceRole role, TimestampTz value)
{
	return owner_in_timezone(call->source, call->column[role].type,
							 psprintf("$%d", owner_timestamp(call, value)));
}

char *
owner_read_timestamp(const OwnerCall *call, SourceRole role)
{
	const SourceColumn *column = &call->column[role];
	const char *value;

	if (column->kind == VALUE_NONE)
		return "NULL::pg_catalog.timestamptz";
	value = owner_column(call, role);
	if (column->type == DATEOID)
		return owner_in_timezone(call->source, TIMESTAMPOID,
								 psprintf("CAST(%s AS pg_catalog.timestamp)", value));
	return owner_in_timezone(call->source, column->type, value);
}

char *
owner_is_token(OwnerCall *call, const StoredValue *stored)
{
	const char *column = owner_column(call, ROLE_TOKEN);
	Oid			declared = call->source->column[ROLE_TOKEN].declared;
	Oid			type = stored_type(call->source);
	int			n = owner_parameter(call, type, stored_datum(call->source, stored),
								  false);

	char	   *found = is_citext(declared) ?
		citext_equal_sql(declared, column, psprintf("$%d", n)) :
		psprintf("%s OPERATOR(pg_catalog.=) $%d", column, n);

	if (type != TEXTOID && type != BPCHAROID)
		return found;
	/* the column's type or collation may call equal what is not the same */
	return psprintf("%s AND %s COLLATE pg_catalog.\"C\" OPERATOR(pg_catalog.=) $%d",
					found, column, n);
}

char *
owner_is_in_index(OwnerCall *call, const char *table)
{
	const RowFinder *finder = &call->source->finder;
	StringInfoData sql;

	initStringInfo(&sql);
	for (int i = 0; i < finder->nfixed; i++)
	{
		/* the source's own is gone if a trigger of the owner's has it read again */
		FixedKey	key = fixed_copy(&finder->fixed[i]);
		char	   *name = get_attname(call->source->relation, key.attnum, false);
		int			n = key.is_null ? 0 :
			owner_parameter(call, key.type, key.value, false);

		appendStringInfo(&sql, " AND %s",
						 fixed_sql(&key, psprintf("%s.%s", table, quote_identifier(name)),
								   n));
	}
	return sql.data;
}
