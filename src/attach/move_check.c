/*-------------------------------------------------------------------------
 *
 * move_check.c
 *		What stands in the way of dropping a source's plaintext column.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "attach/hash_row.h"
#include "attach/move_check.h"
#include "source/directory.h"
#include "source/expression.h"
#include "source/registry.h"
#include "source/stored.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

static void
check_expression(const Move *move, const char *text, ExpressionUse use,
				 const char *where)
{
	Relation	table;
	Bitmapset  *columns = NULL;
	Watch		watch = {0};

	if (text == NULL)
		return;
	table = table_open(move->relation, AccessShareLock);
	(void) expression_read(table, text, use, &columns, &watch);
	table_close(table, AccessShareLock);
	if (bms_is_member(get_attnum(move->relation, NameStr(move->token)),
					  columns))
		ereport(ERROR,
				(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
				 errmsg("a condition of token source \"%s\" depends on the plaintext column \"%s\"",
						where, NameStr(move->token)),
				 errhint("Attach with another condition.")));
}

static bool
is_plaintext_column(const Move *move, const char *column)
{
	return column != NULL && strcmp(column, NameStr(move->token)) == 0;
}

/*
 * Another source of the table.  One whose tokens are in the same column moves to
 * the digests, too, if these are also what it would have.
 */
static void
check_other_source(const Move *move, const Source *source, const Source *other)
{
	bool		uses = false;
	ListCell   *lc;

	for (SourceRole role = ROLE_ID; role < ROLE_COUNT; role++)
		uses |= is_plaintext_column(move, other->column[role].name);
	foreach(lc, other->claims)
		uses |= is_plaintext_column(move, lfirst(lc));
	if (is_plaintext_column(move, other->column[ROLE_TOKEN].name))
		uses |= !stored_is_token(other) || other->verify != NULL ||
			other->encoding != source->encoding;
	if (uses)
		ereport(ERROR,
				(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
				 errmsg("token source \"%s\" uses the plaintext column \"%s\", too",
						other->name, NameStr(move->token)),
				 errhint("Detach it first.")));
}

static void
check_roles(const Move *move, const SourceColumn *column, const char *where)
{
	for (SourceRole role = 0; role < ROLE_COUNT; role++)
		check_expression(move, column[role].expression, EXPRESSION_VALUE, where);
}

/* What a source of the table calculates. */
static void
check_expressions(const Move *move, const Source *source)
{
	check_expression(move, source->live_when, EXPRESSION_CONDITION,
					 source->name);
	check_expression(move, source->verify, EXPRESSION_VERIFY, source->name);
	check_roles(move, source->column, source->name);
}

/* How a parent of a source is found, and what it says. */
static void
check_parent(const Move *move, const Source *source,
			 const SourceParent *parent)
{
	bool		is_of_parent = parent->relation == move->relation;

	if ((source_referring_table(source, parent) == move->relation &&
		 is_plaintext_column(move, parent->from.name)) ||
		(is_of_parent && is_plaintext_column(move, parent->key.name)))
		ereport(ERROR,
				(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
				 errmsg("a parent of token source \"%s\" is found by the plaintext column \"%s\"",
						source->name, NameStr(move->token)),
				 errhint("Detach the source first.")));
	if (!is_of_parent)
		return;
	check_expression(move, parent->live_when, EXPRESSION_CONDITION,
					 source->name);
	check_roles(move, parent->column, source->name);
	for (SourceRole role = 0; role < ROLE_COUNT; role++)
		if (is_plaintext_column(move, parent->column[role].name))
			ereport(ERROR,
					(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
					 errmsg("a parent of token source \"%s\" has the plaintext column \"%s\" as its %s",
							source->name, NameStr(move->token),
							role_argument(role)),
					 errhint("Detach the source first.")));
}

/* The registry itself, that of other sources included. */
static void
check_registry(const Move *move, const Source *source)
{
	ListCell   *lc;

	foreach(lc, source_all_of(move->relation))
	{
		check_expressions(move, lfirst(lc));
		if (!source_is_same(lfirst(lc), source))
			check_other_source(move, source, lfirst(lc));
	}
	foreach(lc, source_all())
	{
		const Source *other = lfirst(lc);

		for (int i = 0; i < other->nparents; i++)
			check_parent(move, other, &other->parent[i]);
	}
}

/*
 * What DROP COLUMN would take along in silence, though it serves more than
 * finding a row by its token; and what the digest column would break.
 */
static void
check_catalogs(const Move *move)
{
	MoveAnswer	answer;
	const char *kind;
	const char *name;

	answer = move_ask(move,
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
					  " AND tgname OPERATOR(pg_catalog.>) '" HASH_ROW_TRIGGER "'"
					  " UNION ALL "
			   /* it would fail, and so would every revocation */
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

/* The rows are filled without a look at what the owner has put on the column. */
static void
check_digest(const Move *move)
{
	MoveAnswer	answer =
		move_ask(move,
				 psprintf("SELECT conname FROM pg_catalog.pg_constraint"
						  " WHERE conrelid OPERATOR(pg_catalog.=) $1"
						  " AND $3 OPERATOR(pg_catalog.=) ANY (conkey)"
						  " AND (contype OPERATOR(pg_catalog.=) 'c'"
						  "  OR contype OPERATOR(pg_catalog.=) 'f')"
						  " AND conname OPERATOR(pg_catalog.<>) %s::pg_catalog.name",
						  quote_literal_cstr(move_check_name(move))));

	if (answer.found)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("constraint \"%s\" is on the column \"%s\", which is being filled with digests",
						answer.value[0], NameStr(move->digest)),
				 errhint("Create it when tokenauth_hash_in_place() has ended.")));
}

void
move_check(const Move *move, const Source *source)
{
	check_registry(move, source);
	check_digest(move);
	check_catalogs(move);
}
