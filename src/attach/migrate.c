/*-------------------------------------------------------------------------
 *
 * migrate.c
 *		SQL: tokenauth_hash_in_place().
 *
 * Moves a source from a column of plaintext tokens to one of their SHA-256,
 * while the table is in use.  At any moment there is one column that counts:
 * the plaintext until the switch commits, the digests from then on.
 *
 *		prepare		the digest column; a trigger that fills it in every row that
 *					is written from now on (hash_row.c).  One transaction, brief
 *					exclusive lock.
 *		index		on the empty column: writers wait for one scan.
 *		fill		the rows that were there before, in batches that commit
 *					(move_fill.c).
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
 * each change: then all begins anew.
 *
 * Why no session sees a source that is half moved: code that names its columns
 * in SQL holds it (source_hold), and code that reads it looks again under the table's lock
 * (scan.c); the switch holds an exclusive lock until it has committed.  What
 * is cached stays right: its key is the digest of the token, the same before
 * and after, and so is the bucket that a revoking transaction fences.
 *
 * Whatever fails or is interrupted leaves the source as it was, with a column
 * and a trigger more; calling again goes on with these.
 *
 * Filling is no business of the application's: no trigger and no rule fires for
 * it (row_writer.h), or updated_at would move, and an audit would keep the
 * plaintext that this is to end.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "attach/hash_row.h"
#include "attach/move.h"
#include "attach/move_check.h"
#include "attach/move_fill.h"
#include "base/arguments.h"
#include "base/compat.h"
#include "base/sandbox.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "judge/judge.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "source/directory.h"
#include "source/extension.h"
#include "source/names.h"
#include "source/problem.h"
#include "source/registry.h"
#include "source/registry_guard.h"
#include "source/stored.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#define MAX_BATCH			1000000

static void
drop_hash_trigger(const Move *move, const char *name)
{
	move_execute(move, psprintf("DROP TRIGGER %s ON %s", quote_identifier(name),
								quoted_relation(move->relation)));
}

static void
drop_plaintext(const Move *move, const char *trigger)
{
	if (trigger != NULL)
		drop_hash_trigger(move, trigger);
	move_alter_table(move, psprintf("DROP COLUMN %s RESTRICT",
									quote_identifier(NameStr(move->token))));
}

typedef struct Rehearsal
{
	const Move *move;
	const char *trigger;
} Rehearsal;

static void
try_drop(void *arg)
{
	const Rehearsal *rehearsal = arg;

	drop_plaintext(rehearsal->move, rehearsal->trigger);
}

/*
 * Drop the column, and take it back: what keeps it from being dropped is said
 * before anything is done, and in PostgreSQL's own words.
 */
static void
rehearse(const Move *move, const char *trigger)
{
	Rehearsal	rehearsal = {move, trigger};
	ErrorData  *error = sandbox_try(try_drop, &rehearsal, false);

	if (error != NULL)
		ReThrowError(error);
}

/* ---------- prepare ---------- */

/* A table has one such trigger, so its columns are moved one after the other. */
static void
check_is_of_column(const Move *move, const Trigger *trigger)
{
	const char *column = trigger->tgargs[0];

	if (strcmp(column, NameStr(move->token)) != 0 &&
		get_attnum(move->relation, column) > 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("column \"%s\" of table \"%s\" is being hashed",
						column, get_rel_name(move->relation)),
				 errhint("Call tokenauth_hash_in_place() for its token source first, or drop the trigger \"%s\".",
						 trigger->tgname)));
}

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
		check_is_of_column(move, trigger);
		name = pstrdup(trigger->tgname);
		*column = pstrdup(trigger->tgargs[1]);
	}
	table_close(table, AccessShareLock);
	return name;
}

/* That constraint, if there is one. */
static char *
find_check(const Move *move, bool *validated)
{
	MoveAnswer	answer =
		move_ask(move,
				 psprintf("SELECT conname, convalidated FROM pg_catalog.pg_constraint"
						  " WHERE conrelid OPERATOR(pg_catalog.=) $1"
						  " AND contype OPERATOR(pg_catalog.=) 'c'"
						  " AND conkey OPERATOR(pg_catalog.=) ARRAY[$3]"
						  " AND conname OPERATOR(pg_catalog.=) %s::pg_catalog.name",
						  quote_literal_cstr(move_check_name(move))));

	*validated = answer.found && strcmp(answer.value[1], "t") == 0;
	return answer.value[0];
}

static bool
has_digest_column(const Move *move)
{
	return get_attnum(move->relation, NameStr(move->digest)) > 0;
}

/* Is there a column of that name that can be the digest column? */
static bool
is_usable(const Move *move)
{
	Relation	table = table_open(move->relation, AccessShareLock);
	AttrNumber	attnum = get_attnum(move->relation, NameStr(move->digest));
	bool		usable = attnum > 0 &&
		strcmp(NameStr(move->digest), NameStr(move->token)) != 0 &&
		hash_row_is_ours(table, attnum);

	table_close(table, AccessShareLock);
	return usable;
}

/*
 * The digest column that an earlier attempt has made, also if its trigger has
 * been dropped; or a name that no column has.
 */
static void
choose_column(Move *move, const char *of_trigger)
{
	bool		validated;

	if (of_trigger != NULL)
		namestrcpy(&move->digest, of_trigger);
	if (NameStr(move->digest)[0] != '\0' && is_usable(move))
		return;
	for (int i = 0;; i++)
	{
		namestrcpy(&move->digest,
				   makeObjectName(NameStr(move->token), NULL,
								  i == 0 ? "hash" : psprintf("hash%d", i)));
		if (get_attnum(move->relation, NameStr(move->digest)) == InvalidAttrNumber)
			return;
		if (is_usable(move) && find_check(move, &validated) != NULL)
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
	char	   *table = quoted_relation(move->relation);

	extension_require(&extension);
	extension_execute(&extension,
					  psprintf("CREATE TRIGGER %s BEFORE INSERT OR UPDATE ON %s FOR EACH ROW"
							   " WHEN (NEW.%s IS NOT NULL OR NEW.%s IS NOT NULL)"
							   " EXECUTE FUNCTION %s(%s, %s, %s)",
							   quote_identifier(HASH_ROW_TRIGGER), table,
							   quote_identifier(token), quote_identifier(digest),
							   quoted_own("tokenauth_hash_row"),
							   quote_literal_cstr(token),
							   quote_literal_cstr(digest),
							   quote_literal_cstr(source_encodings[move->encoding])),
					  0, NULL, NULL, NULL);
	/* also while session_replication_role is replica, as it is for us */
	extension_execute(&extension,
					  psprintf("ALTER TABLE %s ENABLE ALWAYS TRIGGER %s", table,
							   quote_identifier(HASH_ROW_TRIGGER)),
					  0, NULL, NULL, NULL);
}

/*
 * From here on every row that is written has its digest.  What an earlier call
 * has left behind is used.
 */
static void
prepare(Move *move)
{
	const Source *source = move_lock_source(move, AccessExclusiveLock);
	char	   *column = NULL;
	char	   *trigger = find_hash_trigger(move, &column);
	const char *digest;
	bool		validated;

	move_check(move, source);
	rehearse(move, trigger);

	if (trigger != NULL)
		drop_hash_trigger(move, trigger);
	choose_column(move, column);
	digest = quote_identifier(NameStr(move->digest));
	if (!has_digest_column(move))
		move_alter_table(move, psprintf("ADD COLUMN %s " HASH_ROW_COLUMN_TYPE,
										digest));
	if (move->not_null && find_check(move, &validated) == NULL)
		move_alter_table(move, psprintf("ADD CONSTRAINT %s CHECK (%s IS NOT NULL) NOT VALID",
										quote_identifier(move_check_name(move)), digest));
	create_hash_trigger(move);
	move_trace_triggers(move);
	move_next_transaction(move);
}

/* ---------- index ---------- */

/* An index that finds rows by their digest, as the plaintext's does. */
static char *
find_index(const Move *move)
{
	MoveAnswer	answer =
		move_ask(move,
				 psprintf("SELECT c.relname FROM pg_catalog.pg_index i"
						  " JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) i.indexrelid"
						  " WHERE i.indrelid OPERATOR(pg_catalog.=) $1"
						  " AND i.indkey[0] OPERATOR(pg_catalog.=) $3"
						  " AND i.indnatts OPERATOR(pg_catalog.=) 1"
						  " AND i.indisvalid AND i.indpred IS NULL%s",
						  move->unique ? " AND i.indisunique AND i.indimmediate" : ""));

	return answer.value[0];
}

/* To avoid the wait, create it CONCURRENTLY, and call again. */
static void
create_index(Move *move)
{
	if (find_index(move) == NULL)
	{
		(void) move_lock_source(move, ShareLock);
		move_execute(move, psprintf("CREATE %s INDEX ON %s (%s)",
									move->unique ? "UNIQUE" : "",
									quoted_relation(move->relation),
									quote_identifier(NameStr(move->digest))));
	}
	move_next_transaction(move);
}

/* ---------- prove and switch ---------- */

static void
prove(Move *move)
{
	char	   *check;
	bool		validated;

	(void) move_find_source(move);
	check = find_check(move, &validated);
	if (check != NULL && !validated)
		move_alter_table(move, psprintf("VALIDATE CONSTRAINT %s",
										quote_identifier(check)));
	move_next_transaction(move);
}

/* Of all sources whose tokens were in the column: move_check.c. */
static void
write_registry(const Move *move)
{
	ExtensionInfo extension;
	Oid			type[] = {OIDOID, NAMEOID, NAMEOID};
	Datum		value[] = {
		ObjectIdGetDatum(move->relation), NameGetDatum(&move->digest),
		NameGetDatum(&move->token)
	};

	guard_require(&extension, GUARDED_REGISTRY);
	extension_execute(&extension,
					  psprintf("UPDATE %s SET token_column = $2, stored_as = 'sha256-hex'"
							   " WHERE relation OPERATOR(pg_catalog.=) $1"
							   " AND token_column OPERATOR(pg_catalog.=) $3",
							   quoted_own("tokenauth_source")),
					  3, type, value, NULL);
}

/* The plaintext's part in the table's identity is the digest's from now on. */
static bool
has_token_index(const Move *move, const char *property)
{
	return move_ask(move, psprintf("SELECT i.indexrelid FROM pg_catalog.pg_index i"
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
		move_alter_table(move, psprintf("ALTER COLUMN %s SET NOT NULL", digest));
	check = find_check(move, &validated);
	if (check != NULL)
		move_alter_table(move, psprintf("DROP CONSTRAINT %s", quote_identifier(check)));
	drop_plaintext(move, find_hash_trigger(move, &column));
	if (is_primary)
		move_alter_table(move, psprintf("ADD PRIMARY KEY USING INDEX %s",
										quote_identifier(index)));
	if (is_identity)
		move_alter_table(move, psprintf("REPLICA IDENTITY USING INDEX %s",
										quote_identifier(index)));
}

/* What has become of it must work; if it does not, say why and undo it all. */
static void
verify(const Move *move)
{
	Source	   *source = judge_named_source(NameStr(move->source));
	ListCell   *lc;

	if (!source_validate(source) || !stored_is_digest(source))
		elog(ERROR, "token source \"%s\" was not switched",
			 NameStr(move->source));
	/* also where the table is a parent, whose column may tell what is a token now */
	foreach(lc, source_users_of(move->relation))
		if (source_validate(lfirst(lc)) &&
			PROBLEM_IS_FATAL(((Source *) lfirst(lc))->problem))
			problem_report(lfirst(lc));
}

/* False if something has been touched that must be put right first. */
static bool
switch_over(Move *move)
{
	const Source *source = move_lock_source(move, AccessExclusiveLock);
	char	   *index = find_index(move);

	if (move_triggers_were_touched(move) || index == NULL)
		return false;
	move_check(move, source);
	move_columns(move, index);
	write_registry(move);
	verify(move);
	return true;
}

static void
hash_in_place(Move *move)
{
	(void) move_find_source(move);
	move_next_transaction(move);
	for (;;)
	{
		prepare(move);
		create_index(move);
		if (move_fill(move))
		{
			prove(move);
			if (switch_over(move))
				break;
		}
		move_next_transaction(move);
	}
	move_next_transaction(move);
	ereport(NOTICE,
			(errmsg("token source \"%s\" stores SHA-256 digests in column \"%s\" now; column \"%s\" is dropped",
					NameStr(move->source), NameStr(move->digest),
					NameStr(move->token)),
			 errhint("Its contents are on disk until the table is rewritten by VACUUM FULL, and in write-ahead log and backups made so far.")));
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
	MemoryContext caller = CurrentMemoryContext;

	for (int i = 0; i < (int) lengthof(arguments); i++)
		require_argument(fcinfo, i, arguments[i]);
	namestrcpy(&move.source, NameStr(*PG_GETARG_NAME(0)));
	move.batch = PG_GETARG_INT32(1);
	if (move.batch < 1 || move.batch > MAX_BATCH)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be between 1 and %d",
						"batch", MAX_BATCH)));
	check_callable(fcinfo);

	move.step = AllocSetContextCreate(PortalContext,
									  "tokenauth_hash_in_place",
									  ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(move.step);
	move.told_progress = GetCurrentTimestamp();
	hash_in_place(&move);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(move.step);
	PG_RETURN_VOID();
}
