/*-------------------------------------------------------------------------
 *
 * defaults.h
 *		Columns that a session fills by what it has set, though it gives no value.
 *
 * A default is code of the table's, and can go by anything: a setting, such as
 * current_setting('app.tenant'), the role, the time zone, what a function finds.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_DEFAULTS_H
#define TOKENAUTH_DEFAULTS_H

#include "nodes/bitmapset.h"
#include "utils/relcache.h"

/*
 * Those of some columns of an open table whose default, or that of their domain, is
 * neither the same for all sessions nor made of the time, a sequence or a random uuid
 * alone.  A generated column has no default.  Runs no function of the user's.
 */
extern Bitmapset *defaults_by_session(Relation table, const Bitmapset *columns);

#endif							/* TOKENAUTH_DEFAULTS_H */
