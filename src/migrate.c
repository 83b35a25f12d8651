/*-------------------------------------------------------------------------
 *
 * migrate.c
 *		SQL: tokenauth_hash_in_place(), and the trigger that it works by.
 *
 * Moves a source from a column of plaintext tokens to one of their SHA-256,
 * while everybody goes on.  At any moment there is one column that counts:
 * the plaintext until the switch commits, the digests from then on.
 *
 *		prepare		the digest column; a trigger that fills it in every row that
 *					is written from now on.  One transaction, brief exclusive
 *					lock.
 *		index		on the empty column: writers wait for one scan.
 *		fill		the rows that were there before, in batches that commit.
 *		prove		NOT NULL, by a constraint that is validated beside the load.
 *		switch		the registry names the digest column, and the plaintext
 *					column is dropped.  One transaction, brief exclusive lock.
 *
 * Why no row is without its right digest at the switch: a row version written
 * after prepare has been through the trigger, which is the last of the BEFORE
 * triggers and fires ALWAYS; one written before was committed by then, for
 * creating a trigger waits for all writers, and is found by the last pass over
 * the table, which compares every row with its digest.  That the trigger has
 * stood all the time is seen by the rows of pg_trigger, which have a trace of
 * whoever touched them: then all begins anew.
 *
 * Why nobody sees a source that is half moved: who names its columns in SQL
 * holds it (source_hold), and who reads it looks again under the table's lock
 * (lookup.c); the switch holds an exclusive lock until it has committed.  What
 * is cached stays right: its key is the digest of the token, the same before
 * and after, and so is the bucket that a revoking transaction fences.
 *
 * Whatever fails or is interrupted leaves the source as it was, with a column
 * and a trigger more; calling again goes on with these.
 *
 * Filling is no business of the application's: the owner's triggers and rules
 * do not fire for it, or updated_at would move, and an audit would keep the
 * plaintext that this is to end.  (Those that are enabled ALWAYS do fire.)
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "commands/trigger.h"
#include "compat.h"
#include "executor/spi.h"
#include "expression.h"
#include "extension.h"
#include "judge.h"
#include "mapping.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "owner.h"
#include "remedy.h"
#include "sandbox.h"
#include "storage/bufmgr.h"
#include "storage/latch.h"
#include "storage/lmgr.h"
#include "storage/proc.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

/* Triggers fire in the order of their names; this one must be the last. */
#define HASH_TRIGGER		"~tokenauth_hash"

/* What the digest column holds for a text that is no token: no digest. */
#define NO_TOKEN_MARK		"!"

#define MAX_BATCH			1000000

/* Between attempts to get a lock, and between words of progress. */
#define PAUSE_MS			1000
#define PROGRESS_MS			10000

/* A move under way; outlives the transactions that it takes. */
typedef struct Move
{
	NameData	source;
	int			batch;
	MemoryContext step;			/* of one transaction */

	/* Of the present transaction, found anew in each. */
	Oid			relation;
	NameData	token;			/* the columns */
	NameData	digest;
	TokenEncoding encoding;
	bool		unique;
	bool		not_null;

	NameData	triggers;		/* a hash of pg_trigger, by prepare */
	uint64		filled;
	bool		told_to_wait;
	TimestampTz told_progress;
} Move;

/* One pass over the table. */
typedef struct Pass
{
	Oid			file;
	ItemPointerData from;
	ItemPointerData to;
	bool		skipped;		/* a row that somebody has locked: */
	ItemPointerData skipped_row;
} Pass;

/* ---------- the digest of a row ---------- */

/*
 * What the digest column must hold for a token.  For a text that its source
 * refuses unread it is unique, too, and no digest of anything.
 */
static text *
digest_of_value(TokenEncoding encoding, Datum value)
{
	struct varlena *packed = PG_DETOAST_DATUM_PACKED(value);
	char		text[sizeof(NO_TOKEN_MARK) - 1 + TOKEN_DIGEST_HEX_LEN];
	char	   *hex = text;
	TokenDigest digest;

	if (!token_digest(encoding, VARDATA_ANY(packed),
					  VARSIZE_ANY_EXHDR(packed), &digest))
	{
		bytea	   *sha = DatumGetByteaPP(DirectFunctionCall1(sha256_bytea,
															  PointerGetDatum(packed)));

		memcpy(digest.bytes, VARDATA_ANY(sha), TOKEN_DIGEST_LEN);
		memcpy(text, NO_TOKEN_MARK, sizeof(NO_TOKEN_MARK) - 1);
		hex += sizeof(NO_TOKEN_MARK) - 1;
	}
	token_digest_to_hex(&digest, hex);
	token_forget_copy(packed, value);
	return cstring_to_text_with_len(text, hex - text + TOKEN_DIGEST_HEX_LEN);
}

/* Does the digest column hold what it must? */
static bool
is_filled(TokenEncoding encoding, Datum token, bool token_isnull,
		  Datum digest, bool digest_isnull)
{
	text	   *wanted;
	text	   *present;
	bool		same;

	if (token_isnull || digest_isnull)
		return token_isnull && digest_isnull;
	wanted = digest_of_value(encoding, token);
	present = DatumGetTextPP(digest);
	same = VARSIZE_ANY_EXHDR(wanted) == VARSIZE_ANY_EXHDR(present) &&
		memcmp(VARDATA_ANY(wanted), VARDATA_ANY(present),
			   VARSIZE_ANY_EXHDR(wanted)) == 0;
	pfree(wanted);
	return same;
}

static TokenEncoding
parse_encoding(const char *name)
{
	TokenEncoding encoding = TOKEN_TEXT;

	while (source_encodings[encoding] != NULL &&
		   strcmp(source_encodings[encoding], name) != 0)
		encoding++;
	if (source_encodings[encoding] == NULL)
		elog(ERROR, "unknown token encoding \"%s\"", name);
	return encoding;
}

static AttrNumber
trigger_column(const TriggerData *trigger, int arg)
{
	const char *name = trigger->tg_trigger->tgargs[arg];
	int			attnum = SPI_fnumber(RelationGetDescr(trigger->tg_relation),
									 name);

	if (attnum <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("table \"%s\" has no column \"%s\"",
						RelationGetRelationName(trigger->tg_relation), name),
				 errhint("Call tokenauth_hash_in_place() again, or drop the trigger \"%s\".",
						 trigger->tg_trigger->tgname)));
	return attnum;
}

/*
 * tokenauth_hash_row(token column, digest column, encoding)
 *
 * BEFORE trigger, for each row: fills the digest.  It depends on the row and
 * its arguments only, so it is right in whosever session it fires.
 */
TOKENAUTH_FUNCTION(tokenauth_hash_row);
Datum
tokenauth_hash_row(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	TupleDesc	desc;
	HeapTuple	row;
	int			attnum;
	Datum		token;
	Datum		digest;
	bool		token_isnull;
	bool		digest_isnull;
	TokenEncoding encoding;

	if (!CALLED_AS_TRIGGER(fcinfo) ||
		!TRIGGER_FIRED_BEFORE(trigger->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(trigger->tg_event) ||
		TRIGGER_FIRED_BY_DELETE(trigger->tg_event) ||
		trigger->tg_trigger->tgnargs != 3)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("tokenauth_hash_row() must be called as a BEFORE row trigger of INSERT or UPDATE with 3 arguments")));

	desc = RelationGetDescr(trigger->tg_relation);
	row = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ?
		trigger->tg_newtuple : trigger->tg_trigtuple;
	encoding = parse_encoding(trigger->tg_trigger->tgargs[2]);
	token = heap_getattr(row, trigger_column(trigger, 0), desc, &token_isnull);
	attnum = trigger_column(trigger, 1);
	digest = heap_getattr(row, attnum, desc, &digest_isnull);
	if (!is_filled(encoding, token, token_isnull, digest, digest_isnull))
	{
		digest = token_isnull ? (Datum) 0 :
			PointerGetDatum(digest_of_value(encoding, token));
		row = heap_modify_tuple_by_cols(row, desc, 1, &attnum, &digest,
										&token_isnull);
	}
	return PointerGetDatum(row);
}

/* ---------- transactions and locks ---------- */

static void
next_transaction(Move *move)
{
	SPI_commit();
	MemoryContextReset(move->step);
	/* a newer row than the snapshot's is no error to us, but the row we want */
	XactIsoLevel = XACT_READ_COMMITTED;
}

static void
check_callable(FunctionCallInfo fcinfo)
{
	if (fcinfo->context == NULL || !IsA(fcinfo->context, CallContext) ||
		castNode(CallContext, fcinfo->context)->atomic ||
		GetCurrentTransactionNestLevel() > 1)
		ereport(ERROR,
				(errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
				 errmsg("tokenauth_hash_in_place() cannot run inside a transaction block"),
				 errhint("It commits as it goes: use CALL outside of any transaction.")));
	PreventCommandDuringRecovery("tokenauth_hash_in_place()");
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

/*
 * The source to be moved, as it is in this transaction.  Everything may have
 * changed since the last one, the owner included.
 */
static Source *
find_source(Move *move)
{
	Source	   *source = judge_named_source(NameStr(move->source));

	owner_check(source->relation);
	if (OidIsValid(move->relation) && move->relation != source->relation)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("token source \"%s\" has become another table",
						source->name)));
	if (source->stored_as != STORED_PLAINTEXT)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("token source \"%s\" does not hold plaintext tokens",
						source->name),
				 errdetail("Column \"%s\" holds SHA-256 digests.",
						   source->column[ROLE_TOKEN].name)));
	if (!source_validate(source))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("the table of token source \"%s\" does not exist any more",
						source->name)));
	if (PROBLEM_IS_FATAL(source->problem))
		mapping_report(source);
	move->relation = source->relation;
	take_source(move, source);
	return source;
}

/* Wait for a lock for so long; false if it was not to be had. */
static bool
try_lock(Oid relation, LOCKMODE mode, int timeout_ms)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	volatile bool locked = true;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		int			level = NewGUCNestLevel();

		(void) set_config_option("lock_timeout", psprintf("%d", timeout_ms),
								 PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
								 true, 0, false);
		LockRelationOid(relation, mode);
		AtEOXact_GUC(false, level);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		if (error->sqlerrcode != ERRCODE_LOCK_NOT_AVAILABLE)
			ReThrowError(error);
		locked = false;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return locked;
}

static void
pause_a_while(void)
{
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
					 PAUSE_MS, PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
}

/*
 * Lock the table, as the first lock of a transaction, and find the source
 * under it.  Whoever comes after us in the queue for the lock waits with us,
 * those who resolve tokens included.  So unless the session has a
 * lock_timeout, with its meaning, we stand in the queue only for a while, but
 * long enough to move autovacuum out of the way, then let others pass.
 */
static Source *
lock_source(Move *move, LOCKMODE mode)
{
	bool		patient = LockTimeout == 0;

	for (;;)
	{
		(void) find_source(move);
		if (!patient)
			LockRelationOid(move->relation, mode);
		else if (!try_lock(move->relation, mode, DeadlockTimeout + 500))
		{
			if (!move->told_to_wait)
				ereport(NOTICE,
						(errmsg("waiting for a lock on table \"%s\"",
								get_rel_name(move->relation))));
			move->told_to_wait = true;
			next_transaction(move);
			pause_a_while();
			continue;
		}
		/* else it belongs to another table by now, which was an error */
		return find_source(move);
	}
}

/* ---------- SQL ---------- */

/* As the table's owner; what fails is told as it is, for there is no row. */
static void
execute_ddl(const Move *move, const char *sql)
{
	Relation	table = table_open(move->relation, AccessShareLock);
	Oid			owner = table->rd_rel->relowner;

	table_close(table, AccessShareLock);
	sandbox_execute(owner, sql, 0, NULL, NULL, NULL);
}

static void
alter_table(const Move *move, const char *action)
{
	execute_ddl(move, psprintf("ALTER TABLE %s %s",
							   remedy_relation(move->relation), action));
}

/* A row of at most two columns, as text; found is false if there is none. */
typedef struct Answer
{
	bool		found;
	char	   *value[2];
} Answer;

/*
 * Ask the catalogs: $1 is the table, $2 and $3 are the plaintext and the
 * digest column's number.  Returns the first row.
 */
static Answer
ask(const Move *move, const char *sql)
{
	ExtensionInfo extension;
	Answer		answer = {false};
	Oid			type[] = {OIDOID, INT2OID, INT2OID};
	Datum		value[] = {
		ObjectIdGetDatum(move->relation),
		Int16GetDatum(get_attnum(move->relation, NameStr(move->token))),
		Int16GetDatum(get_attnum(move->relation, NameStr(move->digest)))
	};

	extension_require(&extension);
	extension_execute(&extension, sql, 3, type, value, NULL);
	answer.found = SPI_processed > 0;
	if (answer.found)
		for (int i = 0; i < Min(SPI_tuptable->tupdesc->natts, 2); i++)
			answer.value[i] = SPI_getvalue(SPI_tuptable->vals[0],
										   SPI_tuptable->tupdesc, i + 1);
	SPI_freetuptable(SPI_tuptable);
	return answer;
}

/* A trace of the table's triggers that changes whenever one is touched. */
static void
trace_triggers(const Move *move, Name trace)
{
	Answer		answer;

	answer = ask(move,
				 "SELECT pg_catalog.hashtextextended(pg_catalog.string_agg("
				 "pg_catalog.concat_ws(' ', oid, xmin, tgname, tgenabled, tgtype),"
				 " ',' ORDER BY oid), 0)"
				 " FROM pg_catalog.pg_trigger"
				 " WHERE tgrelid OPERATOR(pg_catalog.=) $1 AND NOT tgisinternal");
	namestrcpy(trace, answer.value[0] ? answer.value[0] : "");
}

static bool
triggers_were_touched(const Move *move)
{
	NameData	now;

	trace_triggers(move, &now);
	return strcmp(NameStr(now), NameStr(move->triggers)) != 0;
}

/* ---------- what stands in the way ---------- */

static void
check_expression(const Move *move, const char *text, const char *where)
{
	ListCell   *lc;

	if (text == NULL)
		return;
	foreach(lc, expression_columns(text))
		if (strcmp(lfirst(lc), NameStr(move->token)) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
					 errmsg("a condition of token source \"%s\" depends on the plaintext column \"%s\"",
							where, NameStr(move->token)),
					 errhint("Attach with another condition.")));
}

/* The registry itself, that of other sources included. */
static void
check_registry(const Move *move, const Source *source)
{
	ListCell   *lc;

	check_expression(move, source->live_when, source->name);
	foreach(lc, source_all())
	{
		const Source *other = lfirst(lc);

		for (int i = 0; i < other->nparents; i++)
		{
			const SourceParent *parent = &other->parent[i];

			if ((other == source &&
				 strcmp(parent->from.name, NameStr(move->token)) == 0) ||
				(parent->relation == move->relation &&
				 strcmp(parent->key.name, NameStr(move->token)) == 0))
				ereport(ERROR,
						(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
						 errmsg("a parent of token source \"%s\" is found by the plaintext column \"%s\"",
								other->name, NameStr(move->token)),
						 errhint("Detach the source first.")));
			if (parent->relation == move->relation)
				check_expression(move, parent->live_when, other->name);
		}
	}
}

/*
 * What DROP COLUMN would take along in silence, though it serves more than
 * finding a row by its token; and what the digest column would break.
 */
static void
check_catalogs(const Move *move)
{
	Answer		answer;
	const char *kind;
	const char *name;

	answer = ask(move,
			   "SELECT 'index', c.relname FROM pg_catalog.pg_index i"
			   " JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) i.indexrelid"
			   " WHERE i.indrelid OPERATOR(pg_catalog.=) $1"
			   " AND ($2 OPERATOR(pg_catalog.=) ANY (i.indkey::pg_catalog.int2[])"
			   "  OR EXISTS (SELECT FROM pg_catalog.pg_depend d"
			   "   WHERE d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass"
			   "   AND d.objid OPERATOR(pg_catalog.=) i.indexrelid"
			   "   AND d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass"
			   "   AND d.refobjid OPERATOR(pg_catalog.=) $1"
			   "   AND d.refobjsubid OPERATOR(pg_catalog.=) $2))"
	/* not of those that only find rows by the token */
			   " AND (i.indkey[0] OPERATOR(pg_catalog.<>) $2"
			   "  OR i.indpred IS NOT NULL OR i.indexprs IS NOT NULL"
			   "  OR i.indisexclusion OR i.indnullsnotdistinct OR NOT i.indimmediate"
			   "  OR (i.indnatts OPERATOR(pg_catalog.>) 1 AND (i.indisunique OR i.indisreplident)))"
			   " UNION ALL "
			   "SELECT 'constraint', conname FROM pg_catalog.pg_constraint"
			   " WHERE conrelid OPERATOR(pg_catalog.=) $1"
			   " AND $2 OPERATOR(pg_catalog.=) ANY (conkey)"
			   " AND (contype OPERATOR(pg_catalog.=) 'f' OR (contype OPERATOR(pg_catalog.=) 'c'"
			   "  AND pg_catalog.cardinality(conkey) OPERATOR(pg_catalog.>) 1))"
			   " UNION ALL "
			   "SELECT 'publication', p.pubname FROM pg_catalog.pg_publication_tables p"
			   " JOIN pg_catalog.pg_class c ON c.relname OPERATOR(pg_catalog.=) p.tablename"
			   " AND c.relnamespace OPERATOR(pg_catalog.=)"
			   "  (SELECT n.oid FROM pg_catalog.pg_namespace n"
			   "   WHERE n.nspname OPERATOR(pg_catalog.=) p.schemaname)"
			   " WHERE c.oid OPERATOR(pg_catalog.=) $1"
			   " UNION ALL "
			   "SELECT 'trigger', tgname FROM pg_catalog.pg_trigger"
			   " WHERE tgrelid OPERATOR(pg_catalog.=) $1 AND NOT tgisinternal"
			   /* for each row, before, INSERT or UPDATE */
			   " AND (tgtype OPERATOR(pg_catalog.&) 3::pg_catalog.int2) OPERATOR(pg_catalog.=) 3"
			   " AND (tgtype OPERATOR(pg_catalog.&) 20::pg_catalog.int2) OPERATOR(pg_catalog.<>) 0"
			   " AND tgname OPERATOR(pg_catalog.>) '" HASH_TRIGGER "'"
			   " UNION ALL "
			   /* it would fail, and with it whoever revokes a token */
			   "SELECT 'function', p.proname FROM pg_catalog.pg_trigger t"
			   " JOIN pg_catalog.pg_proc p ON p.oid OPERATOR(pg_catalog.=) t.tgfoid"
			   " JOIN pg_catalog.pg_attribute a ON a.attrelid OPERATOR(pg_catalog.=) t.tgrelid"
			   "  AND a.attnum OPERATOR(pg_catalog.=) $2"
			   " WHERE t.tgrelid OPERATOR(pg_catalog.=) $1 AND NOT t.tgisinternal"
			   " AND p.prosrc OPERATOR(pg_catalog.~*) pg_catalog.concat('\\m(new|old)\\s*\\.\\s*\"?',"
			   "  pg_catalog.regexp_replace(a.attname, '(\\W)', '\\\\\\1', 'g'), '\\M')");
	if (!answer.found)
		return;
	kind = answer.value[0];
	name = answer.value[1];
	if (strcmp(kind, "publication") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("table \"%s\" is published by publication \"%s\"",
						get_rel_name(move->relation), name),
				 errdetail("Subscribers would lack the column of digests."),
				 errhint("Take the table out of the publication, and alter the subscribers' tables likewise.")));
	if (strcmp(kind, "trigger") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("trigger \"%s\" of table \"%s\" would fire after the one that hashes the row",
						name, get_rel_name(move->relation)),
				 errhint("Triggers fire in the order of their names: rename it.")));
	if (strcmp(kind, "function") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
				 errmsg("trigger function \"%s\" of table \"%s\" refers to the plaintext column \"%s\"",
						name, get_rel_name(move->relation), NameStr(move->token)),
				 errdetail("It would fail once the column is dropped."),
				 errhint("Change it to something that works with and without the column, as to_jsonb(NEW) ->> 'column' does.")));
	ereport(ERROR,
			(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
			 errmsg("%s \"%s\" depends on the plaintext column \"%s\"",
					kind, name, NameStr(move->token)),
			 errdetail("It does more than to find a row by its token, and would be dropped with the column."),
			 errhint("Drop it, or replace it by one without the column.")));
}

static void
drop_hash_trigger(const Move *move, const char *name)
{
	execute_ddl(move, psprintf("DROP TRIGGER %s ON %s", quote_identifier(name),
							   remedy_relation(move->relation)));
}

static void
drop_plaintext(const Move *move, const char *trigger)
{
	if (trigger != NULL)
		drop_hash_trigger(move, trigger);
	alter_table(move, psprintf("DROP COLUMN %s RESTRICT",
							   quote_identifier(NameStr(move->token))));
}

/*
 * Drop the column, and take it back: what keeps it from being dropped is said
 * before anything is done, and in PostgreSQL's own words.
 */
static void
rehearse(const Move *move, const char *trigger)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		drop_plaintext(move, trigger);
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		ReThrowError(error);
	}
	PG_END_TRY();
	RollbackAndReleaseCurrentSubTransaction();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
}

/* ---------- prepare ---------- */

/*
 * Our trigger on the table, and the digest column that it fills; NULL if there
 * is none.
 */
static char *
find_hash_trigger(const Move *move, char **column)
{
	ExtensionInfo extension;
	Relation	table = table_open(move->relation, AccessShareLock);
	TriggerDesc *triggers = table->trigdesc;
	char	   *name = NULL;

	extension_require(&extension);
	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		const Trigger *trigger = &triggers->triggers[i];

		if (trigger->tgfoid != extension.hash_function ||
			trigger->tgnargs != 3)
			continue;
		name = pstrdup(trigger->tgname);
		*column = pstrdup(trigger->tgargs[1]);
	}
	table_close(table, AccessShareLock);
	return name;
}

/* The CHECK constraints on the digest column: ours, and nobody else's. */
static char *
find_check(const Move *move, bool *validated)
{
	Answer		answer =
		ask(move,
			"SELECT conname, convalidated FROM pg_catalog.pg_constraint"
			" WHERE conrelid OPERATOR(pg_catalog.=) $1"
			" AND contype OPERATOR(pg_catalog.=) 'c'"
			" AND conkey OPERATOR(pg_catalog.=) ARRAY[$3]");

	*validated = answer.found && strcmp(answer.value[1], "t") == 0;
	return answer.value[0];
}

static bool
has_digest_column(const Move *move)
{
	return get_attnum(move->relation, NameStr(move->digest)) > 0;
}

/* The name of the constraint by which we know the column for ours. */
static char *
check_name(const Move *move)
{
	return makeObjectName(NameStr(move->digest), NULL, "filled");
}

/*
 * The digest column that an earlier attempt has made, also if its trigger has
 * been dropped; or a name that no column has.
 */
static void
choose_column(Move *move, const char *of_trigger)
{
	char	   *check;
	bool		validated;

	if (of_trigger != NULL)
		namestrcpy(&move->digest, of_trigger);
	if (NameStr(move->digest)[0] != '\0' && has_digest_column(move))
		return;
	for (int i = 0;; i++)
	{
		namestrcpy(&move->digest,
				   makeObjectName(NameStr(move->token), NULL,
								  i == 0 ? "hash" : psprintf("hash%d", i)));
		if (get_attnum(move->relation, NameStr(move->digest)) == InvalidAttrNumber)
			return;
		check = find_check(move, &validated);
		if (check != NULL && strcmp(check, check_name(move)) == 0)
			return;
	}
}

/*
 * Create the trigger.  Its condition is there for what depends on it: neither
 * column can be dropped or given another type behind its back, and dropping
 * the digest column CASCADE drops all that we have made.
 */
static void
create_hash_trigger(const Move *move)
{
	ExtensionInfo extension;
	const char *token = NameStr(move->token);
	const char *digest = NameStr(move->digest);
	char	   *table = remedy_relation(move->relation);

	extension_require(&extension);
	extension_execute(&extension,
					  psprintf("CREATE TRIGGER %s BEFORE INSERT OR UPDATE ON %s FOR EACH ROW"
							   " WHEN (NEW.%s IS NOT NULL OR NEW.%s IS NOT NULL)"
							   " EXECUTE FUNCTION %s(%s, %s, %s)",
							   quote_identifier(HASH_TRIGGER), table,
							   quote_identifier(token), quote_identifier(digest),
							   remedy_our_name("tokenauth_hash_row"),
							   quote_literal_cstr(token),
							   quote_literal_cstr(digest),
							   quote_literal_cstr(source_encodings[move->encoding])),
					  0, NULL, NULL, NULL);
	/* also while session_replication_role is replica, as it is for us */
	extension_execute(&extension,
					  psprintf("ALTER TABLE %s ENABLE ALWAYS TRIGGER %s", table,
							   quote_identifier(HASH_TRIGGER)),
					  0, NULL, NULL, NULL);
}

/*
 * From here on every row that is written has its digest.  What an earlier call
 * has left behind is used.
 */
static void
prepare(Move *move)
{
	const Source *source = lock_source(move, AccessExclusiveLock);
	char	   *column = NULL;
	char	   *trigger = find_hash_trigger(move, &column);
	const char *digest;
	bool		validated;

	check_registry(move, source);
	check_catalogs(move);
	rehearse(move, trigger);

	if (trigger != NULL)
		drop_hash_trigger(move, trigger);
	choose_column(move, column);
	digest = quote_identifier(NameStr(move->digest));
	if (!has_digest_column(move))
		alter_table(move, psprintf("ADD COLUMN %s pg_catalog.text COLLATE pg_catalog.\"C\"",
								   digest));
	if (move->not_null && find_check(move, &validated) == NULL)
		alter_table(move, psprintf("ADD CONSTRAINT %s CHECK (%s IS NOT NULL) NOT VALID",
								   quote_identifier(check_name(move)), digest));
	create_hash_trigger(move);
	trace_triggers(move, &move->triggers);
	next_transaction(move);
}

/* ---------- index ---------- */

/* An index that finds rows by their digest, as the plaintext's does. */
static char *
find_index(const Move *move)
{
	Answer		answer =
		ask(move,
			psprintf("SELECT c.relname FROM pg_catalog.pg_index i"
					 " JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) i.indexrelid"
					 " WHERE i.indrelid OPERATOR(pg_catalog.=) $1"
					 " AND i.indkey[0] OPERATOR(pg_catalog.=) $3"
					 " AND i.indnatts OPERATOR(pg_catalog.=) 1"
					 " AND i.indisvalid AND i.indpred IS NULL%s",
					 move->unique ? " AND i.indisunique AND i.indimmediate" : ""));

	return answer.value[0];
}

/* Who prefers to wait for nobody creates it CONCURRENTLY, and calls again. */
static void
create_index(Move *move)
{
	if (find_index(move) == NULL)
	{
		(void) lock_source(move, ShareLock);
		execute_ddl(move, psprintf("CREATE %s INDEX ON %s (%s)",
								   move->unique ? "UNIQUE" : "",
								   remedy_relation(move->relation),
								   quote_identifier(NameStr(move->digest))));
	}
	next_transaction(move);
}

/* ---------- fill ---------- */

/* Rows from pass->from on that lack their digest; moves pass->from. */
static int
collect_rows(const Move *move, Relation table, Pass *pass,
			 ItemPointerData *rows)
{
	AttrNumber	token = get_attnum(move->relation, NameStr(move->token));
	AttrNumber	digest = get_attnum(move->relation, NameStr(move->digest));
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	TupleTableSlot *slot = table_slot_create(table, NULL);
	TableScanDesc scan = table_beginscan_tidrange(table, snapshot,
												  &pass->from, &pass->to);
	int			n = 0;

	if (digest == InvalidAttrNumber)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("table \"%s\" has no column \"%s\"",
						RelationGetRelationName(table), NameStr(move->digest))));
	while (n < move->batch &&
		   table_scan_getnextslot_tidrange(scan, ForwardScanDirection, slot))
	{
		Datum		value[2];
		bool		isnull[2];

		CHECK_FOR_INTERRUPTS();
		value[0] = slot_getattr(slot, token, &isnull[0]);
		value[1] = slot_getattr(slot, digest, &isnull[1]);
		if (!is_filled(move->encoding, value[0], isnull[0], value[1], isnull[1]))
			rows[n++] = slot->tts_tid;
	}
	pass->from = n == move->batch ? rows[n - 1] : pass->to;
	ItemPointerInc(&pass->from);
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	UnregisterSnapshot(snapshot);
	return n;
}

static Datum
tid_array(ItemPointerData *rows, int n)
{
	Datum	   *elements = palloc(n * sizeof(Datum));

	for (int i = 0; i < n; i++)
		elements[i] = PointerGetDatum(&rows[i]);
	return PointerGetDatum(construct_array(elements, n, TIDOID,
										   sizeof(ItemPointerData), false,
										   TYPALIGN_SHORT));
}

static int
compare_rows(const void *a, const void *b)
{
	return ItemPointerCompare((ItemPointer) a, (ItemPointer) b);
}

/*
 * Lock what nobody else has locked of n rows, in ascending order, and leave
 * these in the array.  We wait for nobody while we hold a row: so there is no
 * deadlock with those who lock rows in an order of their own.
 */
static int
lock_rows(OwnerCall *call, ItemPointerData *rows, int n, Pass *pass)
{
	ItemPointerData *locked;
	uint64		nlocked;

	(void) owner_parameter(call, TIDARRAYOID, tid_array(rows, n), false);
	nlocked = owner_execute(call,
							psprintf("SELECT ctid FROM ONLY %s"
									 " WHERE ctid OPERATOR(pg_catalog.=) ANY ($1)"
									 " FOR UPDATE SKIP LOCKED",
									 owner_table(call)));
	locked = palloc(Max(nlocked, 1) * sizeof(ItemPointerData));
	for (uint64 i = 0; i < nlocked; i++)
	{
		bool		isnull;

		locked[i] = *(ItemPointer)
			DatumGetPointer(SPI_getbinval(SPI_tuptable->vals[i],
										  SPI_tuptable->tupdesc, 1, &isnull));
	}
	qsort(locked, nlocked, sizeof(ItemPointerData), compare_rows);
	for (int i = 0; i < n && !pass->skipped; i++)
		if (bsearch(&rows[i], locked, nlocked, sizeof(ItemPointerData),
					compare_rows) == NULL)
		{
			pass->skipped = true;
			pass->skipped_row = rows[i];
		}
	memcpy(rows, locked, nlocked * sizeof(ItemPointerData));
	return (int) nlocked;
}

/* Have the trigger fill these rows: it does whatever is written there. */
static void
fill_rows(Move *move, OwnerCall *call, ItemPointerData *rows, int n)
{
	int			level = NewGUCNestLevel();

	(void) set_config_option("session_replication_role", "replica", PGC_SUSET,
							 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	(void) owner_parameter(call, TIDARRAYOID, tid_array(rows, n), false);
	move->filled +=
		owner_execute(call,
					  psprintf("UPDATE ONLY %s SET %s = NULL"
							   " WHERE ctid OPERATOR(pg_catalog.=) ANY ($1)",
							   owner_table(call),
							   quote_identifier(NameStr(move->digest))));
	AtEOXact_GUC(false, level);
}

/*
 * Begin to work on rows.  False if the triggers are not those of prepare any
 * more: from here on they cannot be touched until the transaction ends.
 */
static bool
begin_rows(Move *move, OwnerCall *call)
{
	const Source *source;

	(void) find_source(move);
	LockRelationOid(move->relation, RowExclusiveLock);
	source = find_source(move);
	if (triggers_were_touched(move))
		return false;
	owner_begin(call, source);
	return true;
}

static void
end_rows(Move *move, OwnerCall *call)
{
	owner_end(call);
	next_transaction(move);
}

static void
tell_progress(Move *move)
{
	TimestampTz now = GetCurrentTimestamp();

	if (!TimestampDifferenceExceeds(move->told_progress, now, PROGRESS_MS))
		return;
	move->told_progress = now;
	ereport(NOTICE,
			(errmsg("token source \"%s\": %llu rows hashed so far",
					NameStr(move->source),
					(unsigned long long) move->filled)));
}

/* What a pass begins with. */
static void
begin_pass(Relation table, Pass *pass)
{
	BlockNumber blocks = RelationGetNumberOfBlocks(table);

	pass->file = table->rd_rel->relfilenode;
	pass->skipped = false;
	ItemPointerSet(&pass->from, 0, FirstOffsetNumber);
	ItemPointerSet(&pass->to, Max(blocks, 1) - 1, MaxOffsetNumber);
}

/* One batch; false as begin_rows(). */
static bool
fill_batch(Move *move, Pass *pass)
{
	ItemPointerData *rows;
	OwnerCall	call;
	int			n;

	if (!begin_rows(move, &call))
		return false;
	/* CLUSTER and its kind move rows about */
	if (call.table->rd_rel->relfilenode != pass->file)
		begin_pass(call.table, pass);
	rows = palloc(move->batch * sizeof(ItemPointerData));
	n = collect_rows(move, call.table, pass, rows);
	if (n > 0)
		n = lock_rows(&call, rows, n, pass);
	if (n > 0)
		fill_rows(move, &call, rows, n);
	end_rows(move, &call);
	tell_progress(move);
	return true;
}

/* One row, for whose lock we wait, holding no other; false likewise. */
static bool
fill_skipped(Move *move, Pass *pass)
{
	OwnerCall	call;

	if (!begin_rows(move, &call))
		return false;
	fill_rows(move, &call, &pass->skipped_row, 1);
	end_rows(move, &call);
	return true;
}

/*
 * Pass over the table until a pass has left no row out.  False if the
 * triggers have been touched.
 */
static bool
fill(Move *move)
{
	Pass		pass;

	do
	{
		pass.file = InvalidOid;
		do
		{
			if (!fill_batch(move, &pass))
				return false;
		} while (ItemPointerCompare(&pass.from, &pass.to) <= 0);
		if (pass.skipped && !fill_skipped(move, &pass))
			return false;
	} while (pass.skipped);
	return true;
}

/* ---------- prove and switch ---------- */

static void
prove(Move *move)
{
	char	   *check;
	bool		validated;

	(void) find_source(move);
	check = find_check(move, &validated);
	if (check != NULL && !validated)
		alter_table(move, psprintf("VALIDATE CONSTRAINT %s",
								   quote_identifier(check)));
	next_transaction(move);
}

static void
write_registry(const Move *move)
{
	ExtensionInfo extension;
	Oid			type[] = {OIDOID, NAMEOID};
	Datum		value[] = {
		ObjectIdGetDatum(move->relation), NameGetDatum(&move->digest)
	};

	extension_require(&extension);
	extension_execute(&extension,
					  psprintf("UPDATE %s SET token_column = $2, stored_as = 'sha256-hex'"
							   " WHERE relation OPERATOR(pg_catalog.=) $1",
							   remedy_our_name("tokenauth_source")),
					  2, type, value, NULL);
}

/* The plaintext's part in the table's identity is the digest's from now on. */
static bool
has_token_index(const Move *move, const char *property)
{
	return ask(move, psprintf("SELECT i.indexrelid FROM pg_catalog.pg_index i"
							  " WHERE i.indrelid OPERATOR(pg_catalog.=) $1"
							  " AND i.indkey[0] OPERATOR(pg_catalog.=) $2"
							  " AND i.indnatts OPERATOR(pg_catalog.=) 1 AND i.%s",
							  property)).found;
}

static void
move_columns(const Move *move, const char *index)
{
	const char *digest = quote_identifier(NameStr(move->digest));
	bool		is_primary = has_token_index(move, "indisprimary");
	bool		is_identity = has_token_index(move, "indisreplident");
	bool		validated;
	char	   *column;
	char	   *check;

	if (move->not_null)
		alter_table(move, psprintf("ALTER COLUMN %s SET NOT NULL", digest));
	check = find_check(move, &validated);
	if (check != NULL)
		alter_table(move, psprintf("DROP CONSTRAINT %s", quote_identifier(check)));
	drop_plaintext(move, find_hash_trigger(move, &column));
	if (is_primary)
		alter_table(move, psprintf("ADD PRIMARY KEY USING INDEX %s",
								   quote_identifier(index)));
	if (is_identity)
		alter_table(move, psprintf("REPLICA IDENTITY USING INDEX %s",
								   quote_identifier(index)));
}

/* What has become of it must work; if it does not, say why and undo it all. */
static void
verify(const Move *move)
{
	Source	   *source = judge_named_source(NameStr(move->source));

	if (!source_validate(source) || source->stored_as != STORED_SHA256_HEX)
		elog(ERROR, "token source \"%s\" was not switched",
			 NameStr(move->source));
	if (PROBLEM_IS_FATAL(source->problem))
		mapping_report(source);
}

/* False if something has been touched that must be put right first. */
static bool
switch_over(Move *move)
{
	const Source *source = lock_source(move, AccessExclusiveLock);
	char	   *index = find_index(move);

	if (triggers_were_touched(move) || index == NULL)
		return false;
	check_registry(move, source);
	check_catalogs(move);
	move_columns(move, index);
	write_registry(move);
	verify(move);
	return true;
}

static void
hash_in_place(Move *move)
{
	(void) find_source(move);
	next_transaction(move);
	for (;;)
	{
		prepare(move);
		create_index(move);
		if (fill(move))
		{
			prove(move);
			if (switch_over(move))
				break;
		}
		next_transaction(move);
	}
	next_transaction(move);
	ereport(NOTICE,
			(errmsg("token source \"%s\" stores SHA-256 digests in column \"%s\" now; column \"%s\" is dropped",
					NameStr(move->source), NameStr(move->digest),
					NameStr(move->token)),
			 errhint("Its contents are on disk until the table is rewritten by VACUUM FULL, and in write-ahead log and backups made so far.")));
}

/*
 * tokenauth_hash_in_place(source name, batch integer)
 *
 * A procedure: moves a source of plaintext tokens to their SHA-256.  The caller
 * must own the table.
 */
TOKENAUTH_FUNCTION(tokenauth_hash_in_place);
Datum
tokenauth_hash_in_place(PG_FUNCTION_ARGS)
{
	static const char *const arguments[] = {"source", "batch"};
	Move		move = {0};

	for (int i = 0; i < (int) lengthof(arguments); i++)
		if (PG_ARGISNULL(i))
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("argument \"%s\" must not be null", arguments[i])));
	namestrcpy(&move.source, NameStr(*PG_GETARG_NAME(0)));
	move.batch = PG_GETARG_INT32(1);
	if (move.batch < 1 || move.batch > MAX_BATCH)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be between 1 and %d",
						"batch", MAX_BATCH)));
	check_callable(fcinfo);

	SPI_connect_ext(SPI_OPT_NONATOMIC);
	move.step = AllocSetContextCreate(CurrentMemoryContext,
									  "tokenauth_hash_in_place",
									  ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(move.step);
	move.told_progress = GetCurrentTimestamp();
	hash_in_place(&move);
	SPI_finish();
	PG_RETURN_VOID();
}
