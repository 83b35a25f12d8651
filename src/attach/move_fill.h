/*-------------------------------------------------------------------------
 *
 * move_fill.h
 *		Digests for the rows that were there before the trigger.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_MOVE_FILL_H
#define TOKENAUTH_MOVE_FILL_H

#include "attach/move.h"

/*
 * Pass over the table, in transactions of move->batch rows, until a pass has
 * left no row out.  False if the triggers have been touched since they were
 * traced: then rows may have been written without a digest.
 */
extern bool move_fill(Move *move);

#endif							/* TOKENAUTH_MOVE_FILL_H */
