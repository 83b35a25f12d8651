/*-------------------------------------------------------------------------
 *
 * row_writer.h
 *		Changing one column of rows of a table, and nothing else.
 *
 * No trigger and no rule of the table fires, which no setting could bring about
 * for this table alone: session_replication_role turns off the triggers and
 * foreign keys of all tables, while code of this table's owner runs.  Indexes
 * and generated columns are kept right; that can run code of the owner's, so it
 * is done as the owner (sandbox.h).  CHECK constraints are not looked at.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_ROW_WRITER_H
#define TOKENAUTH_ROW_WRITER_H

#include "nodes/execnodes.h"
#include "storage/itemptr.h"

typedef struct RowWriter
{
	Relation	table;
	EState	   *estate;
	ResultRelInfo *target;
	TupleTableSlot *row;		/* as row_writer_read() has found it */
	TupleTableSlot *changed;
} RowWriter;

/* The table is open, with a RowExclusiveLock at least. */
extern void row_writer_begin(RowWriter *writer, Relation table);
extern void row_writer_end(RowWriter *writer);

/* Read a row that this transaction has locked FOR UPDATE; false if it is gone. */
extern bool row_writer_read(RowWriter *writer, ItemPointer place);

/* Write the row that was read last, with another value in a column. */
extern void row_writer_set(RowWriter *writer, AttrNumber attnum, Datum value,
						   bool isnull);

#endif							/* TOKENAUTH_ROW_WRITER_H */
