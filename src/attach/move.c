/*-------------------------------------------------------------------------
 *
 * move.c
 *		A source that is being moved from plaintext to digests.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "attach/move.h"
#include "base/patient_lock.h"
#include "base/compat.h"
#include "base/sandbox.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "judge/judge.h"
#include "miscadmin.h"
#include "source/directory.h"
#include "source/extension.h"
#include "source/names.h"
#include "source/owner.h"
#include "source/problem.h"
#include "source/stored.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

void
move_next_transaction(Move *move)
{
	query_commit();
	MemoryContextReset(move->step);
	/* a newer row than the snapshot's is no error to us, but the row we want */
	XactIsoLevel = XACT_READ_COMMITTED;
}

/* Of a source that the caller has found, what is needed. */
static void
take_source(Move *move, const Source *source)
{
	AttrNumber	attnum = source->column[ROLE_TOKEN].attnum;
	Relation	table;

	namestrcpy(&move->token, source->column[ROLE_TOKEN].name);
	move->encoding = source->encoding;
	move->unique = source->finder.unique;
	table = table_open(source->relation, AccessShareLock);
	move->not_null = TupleDescAttr(RelationGetDescr(table),
								   attnum - 1)->attnotnull;
	if (TupleDescAttr(RelationGetDescr(table), attnum - 1)->attgenerated)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("column \"%s\" of table \"%s\" is a generated column",
						NameStr(move->token), RelationGetRelationName(table)),
				 errhint("The tokens would stay where it is generated from.")));
	table_close(table, AccessShareLock);
}

/* What its column has is not all that makes a token. */
static void
check_is_whole(const Source *source)
{
	if (source->verify != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("tokens of source \"%s\" cannot be hashed in place",
						source->name),
				 errdetail("Its mapping has a verify, which reads its rows.")));
}

Source *
move_find_source(Move *move)
{
	Source	   *source = judge_named_source(NameStr(move->source));

	owner_check(source->relation);
	if (OidIsValid(move->relation) && move->relation != source->relation)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("token source \"%s\" has become another table",
						source->name)));
	if (!stored_is_token(source))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("token source \"%s\" does not hold plaintext tokens",
						source->name),
				 errdetail("Column \"%s\" holds what is made of them.",
						   source->column[ROLE_TOKEN].name)));
	if (!source_validate(source))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("the table of token source \"%s\" does not exist any more",
						source->name)));
	if (PROBLEM_IS_FATAL(source->problem))
		problem_report(source);
	check_is_whole(source);
	move->relation = source->relation;
	take_source(move, source);
	return source;
}

/* Between two tries another transaction: the source may be another by then. */
Source *
move_lock_source(Move *move, LOCKMODE mode)
{
	bool		patient = patient_lock_is_wanted();

	for (;;)
	{
		(void) move_find_source(move);
		if (!patient)
			LockRelationOid(move->relation, mode);
		else if (!patient_lock_try(move->relation, mode))
		{
			if (!move->told_to_wait)
				ereport(NOTICE,
						(errmsg("waiting for a lock on table \"%s\"",
								get_rel_name(move->relation))));
			move->told_to_wait = true;
			move_next_transaction(move);
			patient_lock_pause();
			continue;
		}
		/* else it belongs to another table by now, which was an error */
		return move_find_source(move);
	}
}

void
move_execute(const Move *move, const char *sql)
{
	Relation	table = table_open(move->relation, AccessShareLock);
	Oid			owner = table->rd_rel->relowner;

	table_close(table, AccessShareLock);
	sandbox_execute(owner, sql, 0, NULL, NULL, NULL);
}

void
move_alter_table(const Move *move, const char *action)
{
	move_execute(move, psprintf("ALTER TABLE %s %s",
								quoted_relation(move->relation), action));
}

MoveAnswer
move_ask(const Move *move, const char *sql)
{
	ExtensionInfo extension;
	MoveAnswer	answer = {false};
	QueryResult *rows;
	Oid			type[] = {OIDOID, INT2OID, INT2OID};
	Datum		value[] = {
		ObjectIdGetDatum(move->relation),
		Int16GetDatum(get_attnum(move->relation, NameStr(move->token))),
		Int16GetDatum(get_attnum(move->relation, NameStr(move->digest)))
	};

	extension_require(&extension);
	rows = extension_execute(&extension, sql, 3, type, value, NULL);
	answer.found = rows->nrows > 0;
	if (answer.found)
		for (int i = 0; i < Min(rows->desc->natts, 2); i++)
			answer.value[i] = query_text(rows, 0, i + 1);
	query_free(rows);
	return answer;
}

char *
move_check_name(const Move *move)
{
	return makeObjectName(NameStr(move->digest), NULL, "filled");
}

/* A trace of the table's triggers that changes whenever one is touched. */
static void
trace_of_triggers(const Move *move, Name trace)
{
	MoveAnswer	answer;

	answer = move_ask(move,
					  "SELECT pg_catalog.hashtextextended(pg_catalog.string_agg("
					  "pg_catalog.concat_ws(' ', oid, xmin, tgname, tgenabled, tgtype),"
					  " ',' ORDER BY oid), 0)"
					  " FROM pg_catalog.pg_trigger"
					  " WHERE tgrelid OPERATOR(pg_catalog.=) $1 AND NOT tgisinternal");
	namestrcpy(trace, answer.value[0] ? answer.value[0] : "");
}

void
move_trace_triggers(Move *move)
{
	trace_of_triggers(move, &move->triggers);
}

bool
move_triggers_were_touched(const Move *move)
{
	NameData	now;

	trace_of_triggers(move, &now);
	return strcmp(NameStr(now), NameStr(move->triggers)) != 0;
}
