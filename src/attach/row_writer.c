/*-------------------------------------------------------------------------
 *
 * row_writer.c
 *		Changing one column of rows of a table, and nothing else.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/tableam.h"
#include "attach/row_writer.h"
#include "base/compat.h"
#include "base/sandbox.h"
#include "executor/executor.h"
#include "executor/nodeModifyTable.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

void
row_writer_begin(RowWriter *writer, Relation table)
{
	writer->table = table;
	writer->estate = CreateExecutorState();
	writer->target = makeNode(ResultRelInfo);
	InitResultRelInfo(writer->target, table, 0, NULL, 0);
	ExecOpenIndices(writer->target, false);
	writer->row = table_slot_create(table, NULL);
	writer->changed = MakeSingleTupleTableSlot(RelationGetDescr(table),
											   &TTSOpsVirtual);
	/* for functions in indexes */
	PushActiveSnapshot(GetTransactionSnapshot());
}

void
row_writer_end(RowWriter *writer)
{
	PopActiveSnapshot();
	ExecDropSingleTupleTableSlot(writer->changed);
	ExecDropSingleTupleTableSlot(writer->row);
	ExecCloseIndices(writer->target);
	FreeExecutorState(writer->estate);
	CommandCounterIncrement();
}

bool
row_writer_read(RowWriter *writer, ItemPointer place)
{
	return table_tuple_fetch_row_version(writer->table, place, SnapshotAny,
										 writer->row);
}

static void
change_row(RowWriter *writer, AttrNumber attnum, Datum value, bool isnull)
{
	TupleTableSlot *changed = writer->changed;
	int			natts = RelationGetDescr(writer->table)->natts;

	ExecClearTuple(changed);
	slot_getallattrs(writer->row);
	memcpy(changed->tts_values, writer->row->tts_values, natts * sizeof(Datum));
	memcpy(changed->tts_isnull, writer->row->tts_isnull, natts * sizeof(bool));
	changed->tts_values[attnum - 1] = value;
	changed->tts_isnull[attnum - 1] = isnull;
	ExecStoreVirtualTuple(changed);
}

void
row_writer_set(RowWriter *writer, AttrNumber attnum, Datum value, bool isnull)
{
	TupleConstr *constraints = RelationGetDescr(writer->table)->constr;
	TOKENAUTH_UPDATE_INDEXES update_indexes;
	Sandbox		sandbox;

	change_row(writer, attnum, value, isnull);
	sandbox_become(&sandbox, writer->table->rd_rel->relowner);
	PG_TRY();
	{
		if (constraints != NULL && constraints->has_generated_stored)
			/* for INSERT all of them are computed, whatever has changed */
			ExecComputeStoredGenerated(writer->target, writer->estate,
									   writer->changed, CMD_INSERT);
		simple_table_tuple_update(writer->table, &writer->row->tts_tid,
								  writer->changed, GetActiveSnapshot(),
								  &update_indexes);
		TOKENAUTH_INSERT_INDEX_TUPLES(writer->target, writer->changed,
									  writer->estate, update_indexes);
		sandbox_leave(&sandbox);
	}
	SANDBOX_END_TRY(&sandbox);
	ResetPerTupleExprContext(writer->estate);
}
