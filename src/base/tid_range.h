/*-------------------------------------------------------------------------
 *
 * tid_range.h
 *		Scans of a range of TIDs, which a table's access method need not have.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_TID_RANGE_H
#define TOKENAUTH_TID_RANGE_H

#include "access/tableam.h"
#include "base/compat.h"
#include "utils/rel.h"

/*
 * Begin one, to be read by table_scan_getnextslot_tidrange().  NULL if the access
 * method has none: core asks that of whoever begins one.
 */
static inline TableScanDesc
tid_range_begin(Relation table, Snapshot snapshot, ItemPointer from,
				ItemPointer to)
{
	if (table->rd_tableam->scan_set_tidrange == NULL)
		return NULL;
	return TOKENAUTH_TABLE_BEGINSCAN_TIDRANGE(table, snapshot, from, to);
}

#endif							/* TOKENAUTH_TID_RANGE_H */
