/*-------------------------------------------------------------------------
 *
 * move_check.h
 *		What stands in the way of dropping a source's plaintext column.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_MOVE_CHECK_H
#define TOKENAUTH_MOVE_CHECK_H

#include "attach/move.h"

/*
 * Throws, with what and how to cure it, if something depends on the column that
 * would be lost with it, or would break afterwards.  What PostgreSQL itself
 * refuses to drop is not looked for.  The table must be locked.
 */
extern void move_check(const Move *move, const Source *source);

#endif							/* TOKENAUTH_MOVE_CHECK_H */
