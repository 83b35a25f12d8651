/*-------------------------------------------------------------------------
 *
 * change.h
 *		Changes of one token's row.
 *
 *-------------------------------------------------------------------------
 */
#ifndef STRESS_CHANGE_H
#define STRESS_CHANGE_H

#include "token.h"

/* The statements of all changes that the shapes know. */
extern void prepare_changes(Session *session);

/* One that fits the row; the first ones, which keep it valid, more often. */
extern const ChangeKind *pick_change(Session *session, const Token *token,
									 RowState row, unsigned staged);

/*
 * Change the row that stands under a key, to a version of this token; false
 * if it failed, as it may.
 */
extern bool change_row(Session *session, const char *key, const Token *token,
					   const char *what, unsigned version,
					   const char *argument);

#endif							/* STRESS_CHANGE_H */
