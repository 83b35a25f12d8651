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
#include "base/compat.h"
#include "catalog/indexing.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_enum.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "source/expression.h"
#include "source/mapping.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"

/* Our triggers on a table. */
typedef struct TriggerFacts
{
	bool		found;			/* all that we need are there */
	bool		always;			/* and fire whatever session_replication_role */
	bool		touched_here;	/* one of them by this transaction */
	uint64		trace;			/* of their rows in pg_trigger */
} TriggerFacts;

/* Mix a word into a fingerprint. */
static void
note(uint64 *fingerprint, uint64 word)
{
	*fingerprint = hash_bytes_extended((unsigned char *) &word, sizeof(word),
									   *fingerprint);
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
		[ROLE_CREATED] = "created_column",
	};

	return names[role];
}

/* Returns false, for the convenience of those who give up then. */
static bool
set_problem(Source *source, SourceProblem problem, Oid relation,
			const char *column)
{
	source->problem = problem;
	source->problem_relation = relation;
	source->problem_column = column;
	return false;
}

static bool
is_text(Oid type)
{
	return type == TEXTOID || type == VARCHAROID;
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

bool
mapping_type_fits(const Source *source, SourceRole role, Oid type)
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
		case ROLE_CREATED:
			return is_timestamp(type);
		case ROLE_REVOKED:
			return type == BOOLOID || is_timestamp(type) ||
				(source->active_values != NIL &&
				 (is_text(type) || type_is_enum(type)));
		case ROLE_ID:
		case ROLE_SCOPE:
		case ROLE_COUNT:
			break;
	}
	return true;
}

/* ALTER TYPE can rename what a row's value is compared by. */
static void
note_labels(Source *source, Oid type)
{
	CatCList   *labels = SearchSysCacheList1(ENUMTYPOIDNAME,
											 ObjectIdGetDatum(type));

	for (int i = 0; i < labels->n_members; i++)
	{
		HeapTuple	tuple = &labels->members[i]->tuple;
		Form_pg_enum label = (Form_pg_enum) GETSTRUCT(tuple);

		note(&source->fingerprint, label->oid);
		note(&source->fingerprint,
			 hash_bytes((unsigned char *) NameStr(label->enumlabel),
						strlen(NameStr(label->enumlabel))));
	}
	ReleaseSysCacheList(labels);
}

/* Look a column up by its name; false if the table has no such column. */
static bool
find_column(Source *source, Oid relation, SourceColumn *column)
{
	HeapTuple	tuple = SearchSysCacheAttName(relation, column->name);
	Form_pg_attribute attribute;

	if (!HeapTupleIsValid(tuple))
		return set_problem(source, PROBLEM_NO_COLUMN, relation, column->name);
	attribute = (Form_pg_attribute) GETSTRUCT(tuple);
	if (attribute->attnum <= 0 || TOKENAUTH_IS_VIRTUAL(attribute))
	{
		/* there is nothing to read in the row */
		ReleaseSysCache(tuple);
		return set_problem(source, PROBLEM_COLUMN_TYPE, relation,
						   column->name);
	}
	column->attnum = attribute->attnum;
	column->type = getBaseType(attribute->atttypid);
	column->kind = kind_of_type(column->type);
	note(&source->fingerprint, ((uint64) column->attnum << 32) | column->type);
	note(&source->fingerprint, attribute->attcollation);
	ReleaseSysCache(tuple);
	if (type_is_enum(column->type))
		note_labels(source, column->type);
	return true;
}

static bool
map_column(Source *source, SourceRole role)
{
	SourceColumn *column = &source->column[role];

	column->attnum = InvalidAttrNumber;
	column->kind = VALUE_NONE;
	if (column->name == NULL)
		return true;
	if (!find_column(source, source->relation, column))
		return false;
	if (!mapping_type_fits(source, role, column->type))
		return set_problem(source, PROBLEM_COLUMN_TYPE, source->relation,
						   column->name);
	if (role == ROLE_SCOPE)
		column->kind = VALUE_TEXT;
	return true;
}

/*
 * Add the columns of these names to those that matter.  An expression may
 * also mention what is no column; then it will fail when it is evaluated, and
 * that is where the error belongs, not into a trigger.
 */
static void
map_names(Source *source, Oid relation, List *names, Bitmapset **matters)
{
	ListCell   *lc;

	foreach(lc, names)
	{
		SourceColumn column = {lfirst(lc)};

		if (get_attnum(relation, column.name) > 0 &&
			find_column(source, relation, &column))
			*matters = bms_add_member(*matters, column.attnum);
	}
}

static bool
map_columns(Source *source)
{
	source->matters = NULL;
	for (int role = 0; role < ROLE_COUNT; role++)
	{
		if (!map_column(source, role))
			return false;
		if (role != ROLE_LAST_USED && role != ROLE_CREATED &&
			AttributeNumberIsValid(source->column[role].attnum))
			source->matters = bms_add_member(source->matters,
											 source->column[role].attnum);
	}
	/* to write it, the row must be found without the token */
	source->keeps_last_use =
		AttributeNumberIsValid(source->column[ROLE_LAST_USED].attnum) &&
		(source->stored_as != STORED_PLAINTEXT ||
		 source->column[ROLE_ID].kind != VALUE_NONE);
	if (source->live_when != NULL)
		map_names(source, source->relation,
				  expression_columns(source->live_when), &source->matters);
	map_names(source, source->relation, source->claims, &source->matters);
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
index_equality(Oid index_oid, RowFinder *finder)
{
	Relation	index = index_open(index_oid, AccessShareLock);
	Oid			operator = InvalidOid;

	finder->index = index_oid;
	finder->strategy = index->rd_rel->relam == HASH_AM_OID ?
		HTEqualStrategyNumber : BTEqualStrategyNumber;
	if (index->rd_rel->relam == BTREE_AM_OID ||
		index->rd_rel->relam == HASH_AM_OID)
		operator = get_opfamily_member(index->rd_opfamily[0],
									   index->rd_opcintype[0],
									   index->rd_opcintype[0],
									   finder->strategy);
	finder->equality = OidIsValid(operator) ? get_opcode(operator) : InvalidOid;
	finder->collation = index->rd_indcollation[0];
	index_close(index, AccessShareLock);
	return OidIsValid(finder->equality);
}

/* The equality of a type that tokens and parents' keys can have. */
static Oid
default_equality(Oid type)
{
	switch (type)
	{
		case BYTEAOID:
			return F_BYTEAEQ;
		case UUIDOID:
			return F_UUID_EQ;
		case INT4OID:
			return F_INT4EQ;
		case INT8OID:
			return F_INT8EQ;
		default:
			return F_TEXTEQ;
	}
}

/*
 * Choose the index that finds rows by a column, preferring a unique one.
 * Without any, the table is read whole.
 */
static void
map_index(Source *source, Relation table, const SourceColumn *column,
		  RowFinder *finder)
{
	List	   *indexes = RelationGetIndexList(table);
	int			best = 0;
	ListCell   *lc;

	finder->index = InvalidOid;
	finder->unique = false;
	finder->equality = default_equality(column->type);
	finder->collation = C_COLLATION_OID;

	foreach(lc, indexes)
	{
		Oid			index = lfirst_oid(lc);
		HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
		RowFinder	candidate;
		int			rank;

		if (!HeapTupleIsValid(tuple))
			continue;
		rank = index_rank((Form_pg_index) GETSTRUCT(tuple), tuple,
						  column->attnum);
		ReleaseSysCache(tuple);
		if (rank <= best || !index_equality(index, &candidate))
			continue;
		best = rank;
		*finder = candidate;
		finder->unique = rank == 2;
	}
	list_free(indexes);

	note(&source->fingerprint, ((uint64) best << 32) | finder->index);
}

/* Is this a trigger of ours, complete, unconditional and immediate? */
static bool
is_our_trigger(Form_pg_trigger trigger, HeapTuple tuple)
{
	return trigger->tgfoid == source_trigger_function() &&
		!trigger->tgisinternal && !trigger->tgdeferrable &&
		trigger->tgattr.dim1 == 0 &&
		heap_attisnull(tuple, Anum_pg_trigger_tgqual, NULL);
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
		note(&facts->trace, trigger->oid);
		note(&facts->trace, ((uint64) xmin << 8) | (uint8) trigger->tgenabled);
	}
	systable_endscan(scan);
	table_close(pg_trigger, AccessShareLock);
	facts->found = row && truncate;
}

bool
mapping_has_triggers(Oid relation)
{
	TriggerFacts facts;

	collect_trigger_facts(relation, &facts);
	return facts.found && facts.always;
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
	Oid			relation = RelationGetRelid(table);

	if (form->relkind != RELKIND_RELATION)
		return set_problem(source, PROBLEM_NOT_A_TABLE, relation, NULL);
	if (form->relispartition || has_superclass(relation) ||
		(form->relhassubclass &&
		 find_inheritance_children(relation, NoLock) != NIL))
		return set_problem(source, PROBLEM_INHERITANCE, relation, NULL);
	note(&source->fingerprint, form->relfilenode);
	return true;
}

/*
 * What keeps a readable source out of the cache; a first problem is kept.
 */
static void
check_cacheable(Source *source, Relation table, const RowFinder *finder,
				const char *column)
{
	Oid			relation = RelationGetRelid(table);
	TriggerFacts triggers;

	collect_trigger_facts(relation, &triggers);
	note(&source->fingerprint, triggers.trace);
	if (source->problem != PROBLEM_NONE)
		return;
	if (table->rd_rel->relpersistence != RELPERSISTENCE_PERMANENT)
		set_problem(source, PROBLEM_NOT_PERMANENT, relation, NULL);
	else if (!triggers.found)
		set_problem(source, PROBLEM_NO_TRIGGER, relation, NULL);
	else if (!triggers.always)
		set_problem(source, PROBLEM_TRIGGER_NOT_ALWAYS, relation, NULL);
	else if (!OidIsValid(finder->index))
		set_problem(source, PROBLEM_NO_INDEX, relation, column);
}

/* Two columns whose values can be compared byte by byte. */
static bool
same_kind(const SourceColumn *a, const SourceColumn *b)
{
	return a->type == b->type || (is_text(a->type) && is_text(b->type));
}

static bool
map_open_parent(Source *source, SourceParent *parent, Relation table)
{
	if (!check_table(source, table) ||
		!find_column(source, source->relation, &parent->from) ||
		!find_column(source, parent->relation, &parent->key))
		return false;
	if (!same_kind(&parent->from, &parent->key) ||
		(parent->key.kind == VALUE_TEXT && !is_text(parent->key.type)))
		return set_problem(source, PROBLEM_COLUMN_TYPE, parent->relation,
						   parent->key.name);

	source->matters = bms_add_member(source->matters, parent->from.attnum);
	parent->matters = bms_make_singleton(parent->key.attnum);
	if (parent->live_when != NULL)
		map_names(source, parent->relation,
				  expression_columns(parent->live_when), &parent->matters);
	map_index(source, table, &parent->key, &parent->finder);
	check_cacheable(source, table, &parent->finder, parent->key.name);
	/* with several rows of a key, one change would not decide */
	if (!parent->finder.unique && source->problem == PROBLEM_NONE)
		set_problem(source, PROBLEM_NO_INDEX, parent->relation,
					parent->key.name);
	return true;
}

static bool
map_parent(Source *source, SourceParent *parent)
{
	Relation	table = try_relation_open(parent->relation, AccessShareLock);
	bool		ok;

	note(&source->fingerprint, parent->registry_xmin);
	if (table == NULL)
		return set_problem(source, PROBLEM_NO_PARENT, source->relation,
						   parent->from.name);
	ok = map_open_parent(source, parent, table);
	relation_close(table, AccessShareLock);
	return ok;
}

static void
map_open_table(Source *source, Relation table)
{
	if (!check_table(source, table) || !map_columns(source))
		return;
	map_index(source, table, &source->column[ROLE_TOKEN], &source->finder);
	check_cacheable(source, table, &source->finder,
					source->column[ROLE_TOKEN].name);
	for (int i = 0; i < source->nparents; i++)
		if (!map_parent(source, &source->parent[i]))
			return;
}

bool
mapping_build(Source *source)
{
	Relation	table = try_relation_open(source->relation, AccessShareLock);
	MemoryContext old;

	if (table == NULL)
		return false;

	MemoryContextReset(source->facts);
	old = MemoryContextSwitchTo(source->facts);
	source->problem = PROBLEM_NONE;
	source->fingerprint = source->relation;
	note(&source->fingerprint, source->registry_xmin);
	map_open_table(source, table);
	MemoryContextSwitchTo(old);
	relation_close(table, AccessShareLock);
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
		[PROBLEM_NO_PARENT] = {
			ERRCODE_UNDEFINED_TABLE,
			"the parent table of \"%s\" that column \"%s\" refers to does not exist any more",
			"Detach the source and attach the table again."
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

/* From a fixed list of formats above. */
char *
mapping_problem_message(const Source *source)
{
	const ProblemText *text = problem_text(source->problem);
	char	   *table = get_rel_name(source->problem_relation);

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
			 errmsg_internal("%s", mapping_problem_message(source)),
			 errhint("%s", text->hint)));
}

char *
mapping_problem_text(const Source *source)
{
	const ProblemText *text;

	if (source->problem == PROBLEM_NONE)
		return NULL;
	text = problem_text(source->problem);
	return psprintf("%s. %s", mapping_problem_message(source), text->hint);
}
