/*-------------------------------------------------------------------------
 *
 * mapping.c
 *		From a registry row and the catalogs to what a source is.
 *
 * The fingerprint covers everything but the row itself that a verdict
 * depends on: the table's file (TRUNCATE and every rewrite change it), our
 * triggers' rows in pg_trigger by their xmin (so that DISABLE and ENABLE
 * leave a trace), the index, the columns, the registry row by its xmin.  An
 * entry with another fingerprint is not believed, so nobody has to flush
 * anything when a table is altered, and VACUUM, which alters none of these,
 * costs nothing.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "common/hashfn.h"
#include "mapping.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

/* What a fingerprint is computed from. */
typedef struct FingerprintInput
{
	int			n;
	uint64		word[64];
} FingerprintInput;

/* Our triggers on a table. */
typedef struct TriggerFacts
{
	bool		found;			/* all that we need are there */
	bool		always;			/* and fire whatever session_replication_role */
	bool		touched_here;	/* one of them by this transaction */
	FingerprintInput trace;
} TriggerFacts;

static void
note(FingerprintInput *input, uint64 word)
{
	Assert(input->n < (int) lengthof(input->word));
	input->word[input->n++] = word;
}

const char *
role_argument(SourceRole role)
{
	static const char *const names[ROLE_COUNT] = {
		[ROLE_TOKEN] = "token_column",
		[ROLE_ID] = "id_column",
		[ROLE_USER] = "user_column",
		[ROLE_TENANT] = "tenant_column",
		[ROLE_SCOPE] = "scope_column",
		[ROLE_EXPIRES] = "expires_column",
		[ROLE_REVOKED] = "revoked_column",
		[ROLE_USED] = "used_column",
		[ROLE_LAST_USED] = "last_used_column",
	};

	return names[role];
}

static bool
set_problem(Source *source, SourceProblem problem, const char *column)
{
	source->problem = problem;
	source->problem_column = column;
	return false;
}

static bool
is_text(Oid type)
{
	return type == TEXTOID || type == VARCHAROID;
}

static bool
is_timestamp(Oid type)
{
	return type == TIMESTAMPTZOID || type == TIMESTAMPOID;
}

static ValueKind
kind_of_type(Oid type)
{
	switch (type)
	{
		case UUIDOID:
			return VALUE_UUID;
		case INT4OID:
			return VALUE_INT4;
		case INT8OID:
			return VALUE_INT8;
		default:
			return VALUE_TEXT;
	}
}

/* Can a column of this type play this role? */
static bool
type_fits(const Source *source, SourceRole role, Oid type)
{
	switch (role)
	{
		case ROLE_TOKEN:
			return source->stored_as == STORED_SHA256_BYTEA ?
				type == BYTEAOID : is_text(type);
		case ROLE_USER:
		case ROLE_TENANT:
			return is_text(type) || kind_of_type(type) != VALUE_TEXT;
		case ROLE_EXPIRES:
		case ROLE_USED:
		case ROLE_LAST_USED:
			return is_timestamp(type);
		case ROLE_REVOKED:
			return type == BOOLOID || is_timestamp(type) ||
				source->active_values != NIL;
		case ROLE_ID:
		case ROLE_SCOPE:
		case ROLE_COUNT:
			break;
	}
	return true;
}

static bool
map_column(Source *source, SourceRole role, FingerprintInput *input)
{
	SourceColumn *column = &source->column[role];
	HeapTuple	tuple;
	Form_pg_attribute attribute;

	column->attnum = InvalidAttrNumber;
	column->kind = VALUE_NONE;
	if (column->name == NULL)
		return true;

	tuple = SearchSysCacheAttName(source->relation, column->name);
	if (!HeapTupleIsValid(tuple))
		return set_problem(source, PROBLEM_NO_COLUMN, column->name);
	attribute = (Form_pg_attribute) GETSTRUCT(tuple);
	column->attnum = attribute->attnum;
	column->type = getBaseType(attribute->atttypid);
	note(input, ((uint64) role << 48) | ((uint64) column->attnum << 32) |
		 column->type);
	note(input, attribute->attcollation);
	ReleaseSysCache(tuple);

	if (!type_fits(source, role, column->type))
		return set_problem(source, PROBLEM_COLUMN_TYPE, column->name);
	column->kind = role == ROLE_SCOPE ? VALUE_TEXT : kind_of_type(column->type);
	return true;
}

static bool
map_columns(Source *source, FingerprintInput *input)
{
	source->nmatters = 0;
	for (int role = 0; role < ROLE_COUNT; role++)
	{
		if (!map_column(source, role, input))
			return false;
		if (role != ROLE_LAST_USED &&
			AttributeNumberIsValid(source->column[role].attnum))
			source->matters[source->nmatters++] = source->column[role].attnum;
	}
	return true;
}

/* Rank an index for finding tokens: 0 unfit, 1 plain, 2 unique. */
static int
index_rank(Form_pg_index index, HeapTuple tuple, AttrNumber attnum)
{
	if (!index->indisvalid || !index->indisready || !index->indislive ||
		index->indkey.values[0] != attnum ||
		!heap_attisnull(tuple, Anum_pg_index_indpred, NULL) ||
		!heap_attisnull(tuple, Anum_pg_index_indexprs, NULL))
		return 0;
	/* A deferred constraint lets a transaction see duplicates of its own. */
	if (index->indisunique && index->indimmediate && index->indnkeyatts == 1)
		return 2;
	return 1;
}

/* How to ask this index for equality; false if it cannot be asked. */
static bool
index_equality(Oid index_oid, StrategyNumber *strategy, Oid *equality,
			   Oid *collation)
{
	Relation	index = index_open(index_oid, AccessShareLock);
	Oid			operator;

	*strategy = index->rd_rel->relam == HASH_AM_OID ?
		HTEqualStrategyNumber : BTEqualStrategyNumber;
	operator = InvalidOid;
	if (index->rd_rel->relam == BTREE_AM_OID ||
		index->rd_rel->relam == HASH_AM_OID)
		operator = get_opfamily_member(index->rd_opfamily[0],
									   index->rd_opcintype[0],
									   index->rd_opcintype[0], *strategy);
	*equality = OidIsValid(operator) ? get_opcode(operator) : InvalidOid;
	*collation = index->rd_indcollation[0];
	index_close(index, AccessShareLock);
	return OidIsValid(*equality);
}

/*
 * Choose the index that finds tokens, preferring a unique one.  Without any,
 * the table is read whole, with the operator of the type's default.
 */
static void
map_index(Source *source, Relation table, FingerprintInput *input)
{
	List	   *indexes = RelationGetIndexList(table);
	SourceColumn *token = &source->column[ROLE_TOKEN];
	int			best = 0;
	ListCell   *lc;

	source->index = InvalidOid;
	source->index_is_unique = false;
	source->equality = token->type == BYTEAOID ? F_BYTEAEQ : F_TEXTEQ;
	source->collation = token->type == BYTEAOID ? InvalidOid : C_COLLATION_OID;

	foreach(lc, indexes)
	{
		Oid			index = lfirst_oid(lc);
		HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
		StrategyNumber strategy;
		Oid			equality;
		Oid			collation;
		int			rank;

		if (!HeapTupleIsValid(tuple))
			continue;
		rank = index_rank((Form_pg_index) GETSTRUCT(tuple), tuple,
						  token->attnum);
		ReleaseSysCache(tuple);
		if (rank <= best ||
			!index_equality(index, &strategy, &equality, &collation))
			continue;
		best = rank;
		source->index = index;
		source->index_is_unique = rank == 2;
		source->index_strategy = strategy;
		source->equality = equality;
		source->collation = collation;
	}
	list_free(indexes);

	note(input, ((uint64) best << 32) | source->index);
}

/* Is this a trigger of ours, complete and unconditional? */
static bool
is_our_trigger(Form_pg_trigger trigger, HeapTuple tuple)
{
	char	   *function;

	if (trigger->tgisinternal || trigger->tgattr.dim1 != 0 ||
		!heap_attisnull(tuple, Anum_pg_trigger_tgqual, NULL))
		return false;
	function = get_func_name(trigger->tgfoid);
	return function != NULL && strcmp(function, CHANGE_TRIGGER_FUNCTION) == 0;
}

static bool
fires(Form_pg_trigger trigger, int16 level, int16 event)
{
	return TRIGGER_TYPE_MATCHES(trigger->tgtype, level, TRIGGER_TYPE_AFTER,
								event);
}

/*
 * Find our triggers: after each row's INSERT, UPDATE and DELETE, and after
 * TRUNCATE.  They go by their function, not by their name, which the user
 * may change.
 */
static void
collect_trigger_facts(Oid relation, TriggerFacts *facts)
{
	Relation	pg_trigger = table_open(TriggerRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		row = false;
	bool		truncate = false;

	memset(facts, 0, sizeof(*facts));
	facts->always = true;

	ScanKeyInit(&key, Anum_pg_trigger_tgrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relation));
	scan = systable_beginscan(pg_trigger, TriggerRelidNameIndexId, true, NULL,
							  1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_trigger trigger = (Form_pg_trigger) GETSTRUCT(tuple);
		TransactionId xmin = HeapTupleHeaderGetRawXmin(tuple->t_data);

		if (!is_our_trigger(trigger, tuple))
			continue;
		if (fires(trigger, TRIGGER_TYPE_ROW, TRIGGER_TYPE_INSERT |
				  TRIGGER_TYPE_UPDATE | TRIGGER_TYPE_DELETE))
			row = true;
		else if (fires(trigger, TRIGGER_TYPE_STATEMENT, TRIGGER_TYPE_TRUNCATE))
			truncate = true;
		else
			continue;
		if (trigger->tgenabled != TRIGGER_FIRES_ALWAYS)
			facts->always = false;
		if (TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(tuple->t_data)))
			facts->touched_here = true;
		/* more than the two would be a user's copies; the trace may wrap */
		facts->trace.n %= 8;
		note(&facts->trace, trigger->oid);
		note(&facts->trace, ((uint64) xmin << 8) | (uint8) trigger->tgenabled);
	}
	systable_endscan(scan);
	table_close(pg_trigger, AccessShareLock);
	facts->found = row && truncate;
}

bool
mapping_triggers_touched_here(Oid relation)
{
	TriggerFacts facts;

	collect_trigger_facts(relation, &facts);
	return facts.touched_here || !facts.found || !facts.always;
}

static bool
check_table(Source *source, Relation table)
{
	Form_pg_class form = table->rd_rel;

	if (form->relkind != RELKIND_RELATION)
		return set_problem(source, PROBLEM_NOT_A_TABLE, NULL);
	if (form->relispartition || has_superclass(source->relation) ||
		(form->relhassubclass &&
		 find_inheritance_children(source->relation, NoLock) != NIL))
		return set_problem(source, PROBLEM_INHERITANCE, NULL);
	return true;
}

/* What keeps a readable source out of the cache. */
static void
check_cacheable(Source *source, Relation table, const TriggerFacts *triggers)
{
	if (table->rd_rel->relpersistence != RELPERSISTENCE_PERMANENT)
		set_problem(source, PROBLEM_NOT_PERMANENT, NULL);
	else if (!triggers->found)
		set_problem(source, PROBLEM_NO_TRIGGER, NULL);
	else if (!triggers->always)
		set_problem(source, PROBLEM_TRIGGER_NOT_ALWAYS, NULL);
	else if (!OidIsValid(source->index))
		set_problem(source, PROBLEM_NO_INDEX,
					source->column[ROLE_TOKEN].name);
}

bool
mapping_build(Source *source)
{
	Relation	table = try_relation_open(source->relation, AccessShareLock);
	FingerprintInput input = {0};
	TriggerFacts triggers;

	if (table == NULL)
		return false;

	source->problem = PROBLEM_NONE;
	note(&input, table->rd_rel->relfilenode);
	note(&input, source->registry_xmin);
	if (check_table(source, table) && map_columns(source, &input))
	{
		collect_trigger_facts(source->relation, &triggers);
		for (int i = 0; i < triggers.trace.n; i++)
			note(&input, triggers.trace.word[i]);
		map_index(source, table, &input);
		check_cacheable(source, table, &triggers);
	}
	relation_close(table, AccessShareLock);

	source->fingerprint =
		hash_bytes_extended((unsigned char *) input.word,
							input.n * sizeof(uint64), source->relation);
	return true;
}

typedef struct ProblemText
{
	int			sqlstate;
	const char *message;		/* %s: the table; %s: the column, if any */
	const char *hint;
} ProblemText;

static const ProblemText *
problem_text(SourceProblem problem)
{
	static const ProblemText texts[] = {
		[PROBLEM_NOT_PERMANENT] = {
			ERRCODE_FEATURE_NOT_SUPPORTED,
			"table \"%s\" is not a permanent table",
			"Only permanent, logged tables can hold tokens."
		},
		[PROBLEM_NO_TRIGGER] = {
			ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
			"table \"%s\" lacks the triggers of tokenauth",
			"Detach the source and attach the table again."
		},
		[PROBLEM_TRIGGER_NOT_ALWAYS] = {
			ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
			"the triggers of tokenauth on table \"%s\" are not enabled ALWAYS",
			"Use ALTER TABLE ... ENABLE ALWAYS TRIGGER for both of them."
		},
		[PROBLEM_NO_INDEX] = {
			ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
			"table \"%s\" has no valid index on column \"%s\"",
			"Create a unique index on the column, without WHERE clause or expressions."
		},
		[PROBLEM_NOT_A_TABLE] = {
			ERRCODE_WRONG_OBJECT_TYPE,
			"\"%s\" is not an ordinary table",
			"Views, foreign tables and partitioned tables cannot hold tokens."
		},
		[PROBLEM_INHERITANCE] = {
			ERRCODE_FEATURE_NOT_SUPPORTED,
			"table \"%s\" takes part in inheritance or partitioning",
			"Only a table that has neither parents nor children can hold tokens."
		},
		[PROBLEM_NO_COLUMN] = {
			ERRCODE_UNDEFINED_COLUMN,
			"table \"%s\" has no column \"%s\"",
			"Attach the table again, naming its columns in the arguments of tokenauth_attach()."
		},
		[PROBLEM_COLUMN_TYPE] = {
			ERRCODE_DATATYPE_MISMATCH,
			"table \"%s\" has a column \"%s\" whose type does not fit its use",
			"See the types that tokenauth_attach() accepts for each of its arguments."
		},
	};

	return &texts[problem];
}

/* The message, from a fixed list of formats above. */
static char *
problem_message(const Source *source, const ProblemText *text)
{
	char	   *table = get_rel_name(source->relation);

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	return psprintf(text->message, table ? table : source->name,
					source->problem_column ? source->problem_column : "");
#pragma GCC diagnostic pop
}

void
mapping_report(const Source *source)
{
	const ProblemText *text = problem_text(source->problem);

	ereport(ERROR,
			(errcode(text->sqlstate),
			 errmsg_internal("%s", problem_message(source, text)),
			 errhint("%s", text->hint)));
}

char *
mapping_problem_text(const Source *source)
{
	const ProblemText *text;

	if (source->problem == PROBLEM_NONE)
		return NULL;
	text = problem_text(source->problem);
	return psprintf("%s. %s", problem_message(source, text), text->hint);
}
