/*-------------------------------------------------------------------------
 *
 * mapping.c
 *		From a registry row and the catalogs to what a source is.
 *
 * The fingerprint covers everything but the row itself that a verdict
 * depends on: the table's file (TRUNCATE and every rewrite change it), our
 * triggers, the index, the columns and their types, the functions and
 * collations of conditions, the registry row, and the registry itself.  It is
 * made of these rows of the catalogs by their xmin (watch.h), so it does not
 * come back when what was altered is altered back: rows may have changed
 * meanwhile of which no trigger told.  An entry with another fingerprint is not
 * believed, so nothing has to be flushed when a table is altered, and VACUUM,
 * which alters none of these, costs nothing.
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
#include "catalog/pg_inherits.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "source/citext.h"
#include "source/expression.h"
#include "source/extension.h"
#include "source/finder.h"
#include "source/generated.h"
#include "source/map_column.h"
#include "source/map_expression.h"
#include "source/map_pepper.h"
#include "source/mapping.h"
#include "source/problem.h"
#include "source/stored.h"
#include "source/swap.h"
#include "source/token_columns.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"

/* Our triggers on a table. */
typedef struct TriggerFacts
{
	bool		any;			/* there is one, in whatever state */
	bool		found;			/* all that we need are there */
	bool		always;			/* and fire whatever session_replication_role */
	bool		touched_here;	/* one of them by this transaction */
	Watch		watch;			/* their rows in pg_trigger */
} TriggerFacts;

/*
 * An abbreviation is read by the session's timezone_abbreviations; but those
 * are never of this form.
 */
pg_tz *
mapping_timezone(const char *name)
{
	pg_tz	   *zone = NULL;

	if (strchr(name, '/') != NULL || strcmp(name, "UTC") == 0 ||
		strcmp(name, "GMT") == 0)
		zone = pg_tzset(name);
	return zone != NULL && pg_tz_acceptable(zone) ? zone : NULL;
}

/*
 * What claims need.  Where they cannot be made, tokens can be judged all the
 * same, by the table.
 */
static void
map_claims(Source *source, Relation table)
{
	Oid			relation = RelationGetRelid(table);
	ListCell   *lc;

	source->claims_object = NULL;
	foreach(lc, source->claims)
	{
		HeapTuple	tuple = SearchSysCacheAttName(relation, lfirst(lc));
		Form_pg_attribute attribute;

		if (!HeapTupleIsValid(tuple))
		{
			problem_set(source, PROBLEM_NO_CLAIM, relation, lfirst(lc));
			return;
		}
		attribute = (Form_pg_attribute) GETSTRUCT(tuple);
		watch_row(&source->watch, tuple);
		if (attribute->attnum <= 0 || TOKENAUTH_IS_VIRTUAL(attribute))
		{
			ReleaseSysCache(tuple);
			problem_set(source, PROBLEM_NO_CLAIM, relation, lfirst(lc));
			return;
		}
		source->matters = bms_add_member(source->matters, attribute->attnum);
		(void) map_is_no_token(source, relation, "claims", lfirst(lc),
							   bms_make_singleton(attribute->attnum));
		if (!watch_type_as_json(&source->watch, attribute->atttypid))
			(void) map_strange_type(source, relation, lfirst(lc));
		ReleaseSysCache(tuple);
	}
	if (source->claims != NIL)
		source->claims_object = expression_object(table, source->claims);
}

/* Are there expressions, or timestamps without a zone, among these? */
static bool
needs_timezone(const SourceColumn *column)
{
	bool		needed = false;

	for (int role = 0; role < ROLE_COUNT; role++)
		needed |= column[role].node != NULL ||
			(AttributeNumberIsValid(column[role].attnum) &&
			 column[role].type == TIMESTAMPOID);
	return needed;
}

/* The time zone of timestamps that have none, and of expressions. */
static bool
map_timezone(Source *source)
{
	bool		needed = source->live_when != NULL || source->lookup != NULL ||
		source->verify != NULL || needs_timezone(source->column);

	for (int i = 0; i < source->nparents; i++)
		needed |= source->parent[i].live_when != NULL ||
			needs_timezone(source->parent[i].column);
	source->zone = mapping_timezone(source->timezone);
	if (source->zone != NULL || !needed)
		return true;
	return problem_set(source, PROBLEM_TIMEZONE, source->relation,
					   source->timezone);
}

/* What finds and verifies the row of a token. */
static bool
map_token_expressions(Source *source, Relation table)
{
	Bitmapset  *none = NULL;

	if (!map_expression(source, table, source->lookup, EXPRESSION_LOOKUP,
						&none, &source->lookup_node) ||
		!map_expression(source, table, source->verify, EXPRESSION_VERIFY,
						&source->matters, &source->verify_node))
		return false;
	if (source->lookup_node == NULL ||
		stored_lookup_fits(source, plain_type(exprType(source->lookup_node))))
		return true;
	return problem_set(source, PROBLEM_EXPRESSION_TYPE, source->relation,
					   source->lookup);
}

/* To write it, the row must be found without the token; and nothing else fills it. */
static bool
can_write_last_use(const Source *source, Relation table)
{
	AttrNumber	attnum = source->column[ROLE_LAST_USED].attnum;

	return AttributeNumberIsValid(attnum) &&
		!TupleDescAttr(RelationGetDescr(table), attnum - 1)->attgenerated &&
		(stored_is_digest(source) ||
		 AttributeNumberIsValid(source->column[ROLE_ID].attnum));
}

static bool
map_columns(Source *source, Relation table)
{
	for (int role = 0; role < ROLE_COUNT; role++)
	{
		if (!map_role(source, table, role, &source->column[role],
					  &source->made_of))
			return false;
		if (role != ROLE_LAST_USED && role != ROLE_CREATED &&
			AttributeNumberIsValid(source->column[role].attnum))
			source->matters = bms_add_member(source->matters,
											 source->column[role].attnum);
	}
	source->matters = bms_add_members(source->matters, source->made_of);
	source->keeps_last_use = can_write_last_use(source, table);
	map_claims(source, table);
	if (!map_token_expressions(source, table) ||
		!map_expression(source, table, source->live_when, EXPRESSION_CONDITION,
						&source->matters, &source->condition))
		return false;
	source->matters = generated_with_origins(source->relation, source->matters);
	return true;
}

/* Is this a trigger of ours, complete, unconditional and immediate? */
static bool
is_our_trigger(Form_pg_trigger trigger, HeapTuple tuple)
{
	return trigger->tgfoid == extension_known()->trigger_function &&
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

		CHECK_FOR_INTERRUPTS();
		facts->any |= trigger->tgfoid == extension_known()->trigger_function;
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
		watch_word(&facts->watch, trigger->oid);
		watch_word(&facts->watch, trigger->tgenabled);
		watch_row(&facts->watch, tuple);
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

List *
mapping_children(Oid relation, int limit)
{
	Relation	catalog = table_open(InheritsRelationId, AccessShareLock);
	List	   *children = NIL;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_inherits_inhparent, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(relation));
	scan = systable_beginscan(catalog, InheritsParentIndexId, true, NULL, 1,
							  &key);
	while (list_length(children) < limit &&
		   HeapTupleIsValid(tuple = systable_getnext(scan)))
		children = lappend_oid(children,
							   ((Form_pg_inherits) GETSTRUCT(tuple))->inhrelid);
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return children;
}

static bool
check_table(Source *source, Relation table)
{
	Form_pg_class form = table->rd_rel;
	Oid			relation = RelationGetRelid(table);

	if (form->relkind != RELKIND_RELATION)
		return problem_set(source, PROBLEM_NOT_A_TABLE, relation, NULL);
	if (form->relispartition || has_superclass(relation) ||
		(form->relhassubclass && mapping_children(relation, 1) != NIL))
		return problem_set(source, PROBLEM_INHERITANCE, relation, NULL);
	watch_word(&source->watch, form->relfilenode);
	return true;
}

static void
set_no_index(Source *source, Relation table, const SourceColumn *column)
{
	bool		is_own = column == &source->column[ROLE_TOKEN];

	if (source->problem != PROBLEM_NONE)
		return;
	problem_set(source, PROBLEM_NO_INDEX, RelationGetRelid(table), column->name);
	source->problem_detail = finder_near_miss(table, column->attnum,
											  is_own ? source->condition : NULL);
}

/* What keeps a readable source out of the cache. */
static void
check_cacheable(Source *source, Relation table, const RowFinder *finder,
				const SourceColumn *column)
{
	Oid			relation = RelationGetRelid(table);
	TriggerFacts triggers;

	collect_trigger_facts(relation, &triggers);
	watch_word(&source->watch, triggers.watch.trace);
	if (!triggers.any)
		problem_set(source, PROBLEM_NO_TRIGGERS, relation, NULL);
	if (table->rd_rel->relpersistence != RELPERSISTENCE_PERMANENT)
		problem_set(source, PROBLEM_NOT_PERMANENT, relation, NULL);
	else if (!extension_known()->trigger_is_ours)
		problem_set(source, PROBLEM_TRIGGER_FUNCTION, relation, NULL);
	else if (!triggers.found)
		problem_set(source, PROBLEM_NO_TRIGGER, relation, NULL);
	else if (!triggers.always)
		problem_set(source, PROBLEM_TRIGGER_NOT_ALWAYS, relation, NULL);
	else if (!OidIsValid(finder->index))
		set_no_index(source, table, column);
}

/* Two columns whose values can be compared byte by byte. */
static bool
same_kind(const SourceColumn *a, const SourceColumn *b)
{
	return a->type == b->type || (is_text_type(a->type) && is_text_type(b->type));
}

/* The column that refers to a parent's row, and that by which this is found. */
static bool
map_reference(Source *source, SourceParent *parent)
{
	Bitmapset **matters = parent->via == VIA_TOKEN ? &source->matters :
		&source->parent[parent->via].matters;

	if (!map_readable_column(source, source_referring_table(source, parent),
							 &parent->from) ||
		!map_readable_column(source, parent->relation, &parent->key))
		return false;
	if (!same_kind(&parent->from, &parent->key) ||
		(parent->key.kind == VALUE_TEXT && !is_text_type(parent->key.type)))
		return problem_set(source, PROBLEM_COLUMN_TYPE, parent->relation,
						   parent->key.name);
	*matters = bms_add_members(*matters,
							   generated_with_origins(source_referring_table(source, parent),
													  bms_make_singleton(parent->from.attnum)));
	parent->matters = bms_make_singleton(parent->key.attnum);
	return true;
}

/* Who asks for the user, or tenant, of a source need not know whose row has it. */
static void
tell_source(Source *source, SourceRole role, const SourceColumn *column)
{
	source->column[role].declared = column->declared;
	source->column[role].type = column->type;
	source->column[role].kind = column->kind;
	source->column[role].is_exact = column->is_exact;
}

static bool
map_parent_roles(Source *source, SourceParent *parent, Relation table)
{
	for (SourceRole role = 0; role < ROLE_COUNT; role++)
	{
		SourceColumn *column = &parent->column[role];
		Bitmapset  *used = NULL;

		if (!map_role(source, table, role, column, &used))
			return false;
		if (AttributeNumberIsValid(column->attnum))
			used = bms_add_member(used, column->attnum);
		parent->matters = bms_add_members(parent->matters, used);
		if (column_is_told(column) && role != ROLE_EXPIRES)
			tell_source(source, role, column);
	}
	return true;
}

static bool
map_open_parent(Source *source, SourceParent *parent, Relation table)
{
	if (!check_table(source, table) ||
		!swap_check(source, table, parent->name) ||
		!map_reference(source, parent) ||
		!map_parent_roles(source, parent, table) ||
		!map_expression(source, table, parent->live_when, EXPRESSION_CONDITION,
						&parent->matters, &parent->condition))
		return false;
	parent->matters = generated_with_origins(parent->relation, parent->matters);
	finder_choose(table, &parent->key, NULL, &parent->finder, &source->watch);
	check_cacheable(source, table, &parent->finder, &parent->key);
	/* with several rows of a key, one change would not decide */
	if (!parent->finder.unique)
		set_no_index(source, table, &parent->key);
	return true;
}

static bool
map_parent(Source *source, SourceParent *parent)
{
	Relation	table = OidIsValid(parent->relation) ?
		try_relation_open(parent->relation, AccessShareLock) : NULL;
	bool		ok;

	if (table == NULL)
		return problem_set(source, PROBLEM_NO_PARENT, source->relation,
						   parent->name);
	ok = map_open_parent(source, parent, table);
	relation_close(table, AccessShareLock);
	return ok;
}

static void
map_open_table(Source *source, Relation table)
{
	if (!check_table(source, table) ||
		!swap_check(source, table, source->relation_name) ||
		!map_columns(source, table) ||
		!map_peppers(source, table))
		return;
	finder_choose(table, &source->column[ROLE_TOKEN], source->condition,
				  &source->finder, &source->watch);
	check_cacheable(source, table, &source->finder,
					&source->column[ROLE_TOKEN]);
	for (int i = 0; i < source->nparents; i++)
		if (!map_parent(source, &source->parent[i]))
			return;
	(void) map_timezone(source);
}

/* A source that has no table to be read, or must not be believed. */
static bool
map_without_table(Source *source)
{
	if (!extension_known()->guarded)
		return !problem_set(source, PROBLEM_UNGUARDED, source->relation, NULL);
	if (source->fault != NULL)
		return !problem_set(source, PROBLEM_REGISTRY_ROW, source->relation,
							source->fault);
	if (!OidIsValid(source->relation))
		return !problem_set(source, PROBLEM_NO_TABLE, source->relation,
							source->relation_name);
	return false;
}

/* Nothing is known of it, so a column that is not reached is not there. */
static void
forget_column(SourceColumn *column)
{
	column->attnum = InvalidAttrNumber;
	column->declared = column->type = InvalidOid;
	column->kind = VALUE_NONE;
	column->node = NULL;
	column->is_exact = false;
}

static void
forget_parent(SourceParent *parent)
{
	forget_column(&parent->from);
	forget_column(&parent->key);
	for (int role = 0; role < ROLE_COUNT; role++)
		forget_column(&parent->column[role]);
	memset(&parent->finder, 0, sizeof(parent->finder));
	parent->matters = NULL;
	parent->condition = NULL;
}

static void
forget_facts(Source *source)
{
	source->whole = false;
	memset(&source->watch, 0, sizeof(source->watch));
	source->watch.context = source->facts;
	source->namesakes = NIL;
	source->matters = NULL;
	source->made_of = NULL;
	source->condition = NULL;
	source->lookup_node = source->verify_node = NULL;
	source->claims_object = NULL;
	for (int role = 0; role < ROLE_COUNT; role++)
		forget_column(&source->column[role]);
	memset(&source->finder, 0, sizeof(source->finder));
	source->keeps_last_use = false;
	source->fingerprint = 0;
	for (int i = 0; i < source->nparents; i++)
		forget_parent(&source->parent[i]);
	source->problem = PROBLEM_NONE;
	source->problem_may_pass = false;
}

bool
mapping_build(Source *source)
{
	Relation	table;
	MemoryContext old;

	forget_facts(source);
	if (map_without_table(source))
		return true;
	table = try_relation_open(source->relation, AccessShareLock);
	if (table == NULL)
		return false;
	source->token_search = tokens_search(source);
	old = MemoryContextSwitchTo(source->facts);
	watch_word(&source->watch, source->relation);
	watch_word(&source->watch, source->registry_xmin);
	watch_word(&source->watch, hash_bytes((unsigned char *) source->name,
										  strlen(source->name)));
	watch_word(&source->watch, extension_trace());
	map_open_table(source, table);
	source->fingerprint = source->watch.trace;
	source->whole = !PROBLEM_IS_FATAL(source->problem);
	MemoryContextSwitchTo(old);
	relation_close(table, AccessShareLock);
	return true;
}
