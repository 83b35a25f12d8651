/*-------------------------------------------------------------------------
 *
 * triggers.h
 *		The triggers on token tables and their parents that call
 *		tokenauth_changed().
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_TRIGGERS_H
#define TOKENAUTH_TRIGGERS_H

#include "source/extension.h"

/* The SQL that creates them on a table that has none. */
extern List *triggers_sql(Oid relation);

/*
 * Create them, unless the table has them already.  The caller holds a lock
 * that keeps writers out.
 */
extern void triggers_create(const ExtensionInfo *extension, Oid relation);

/*
 * Drop them, whatever their names are by now, unless a source that is still
 * attached needs them.  The caller holds a lock that keeps writers out.
 */
extern void triggers_drop(const ExtensionInfo *extension, Oid relation);

#endif							/* TOKENAUTH_TRIGGERS_H */
