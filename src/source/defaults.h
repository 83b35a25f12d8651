/*-------------------------------------------------------------------------
 *
 * defaults.h
 *		Columns that a session fills by what it has set, though it gives no value.
 *
 * A default is code of the table's, and can go by anything: a setting, such as
 * current_setting('app.tenant'), the role, what a function finds.  A row is inserted with
 * fixed settings and the source's time zone (owner.h, makes_row), so that what goes by
 * these, or by the time, is the same whoever inserts it.  Whatever is not known to go by
 * nothing else counts as going by the session.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_DEFAULTS_H
#define TOKENAUTH_DEFAULTS_H

#include "nodes/bitmapset.h"
#include "utils/relcache.h"

/*
 * Those of some columns of an open table whose default, or that of their domain, could go
 * by the session: it does more than immutable functions, times, sequences and sources of
 * randomness give.  A generated column has no default.  Runs no function of the user's.
 */
extern Bitmapset *defaults_by_session(Relation table, const Bitmapset *columns);

#endif							/* TOKENAUTH_DEFAULTS_H */
