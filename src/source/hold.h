/*-------------------------------------------------------------------------
 *
 * hold.h
 *		A source that is locked against DDL, and up to date.
 *
 * What is known of a source (directory.h) can be outdated as soon as it has been read,
 * unless its table is locked.  Who may wait for that holds the source: its own table stays
 * locked until the transaction ends.  Who must not wait tries to lock all that it is read
 * from, its parents' tables, too, and keeps that lock no longer than he needs it.
 *
 * Throws what source_refresh() and source_revalidate() throw.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_HOLD_H
#define TOKENAUTH_HOLD_H

#include "source/source.h"

/*
 * The source again, validated, of a table whose columns cannot change any more
 * until the transaction ends, for AccessShareLock is held on it so long.  If it
 * has become another table's, as by a swap, it is that.  NULL if there is none
 * any more.  Code that names columns in SQL must hold their
 * source: tokenauth_hash_in_place() moves a source to another column.
 */
extern Source *source_hold(const Source *source);

/*
 * The same for code that is going to change rows: RowExclusiveLock keeps the
 * source from being detached or attached anew until the transaction ends.
 */
extern Source *source_hold_for_change(const Source *source);

/*
 * For who must not wait, and rolls its subtransaction back (peek.h): lock a source's
 * tables against DDL, if none of them is locked already.  False if one is.
 */
extern bool source_try_lock(const Source *source);

/*
 * source_validate() for who must not wait for whoever has locked one of its tables, or what
 * else reading it opens; false, too, if that hinders it.  For each of many rows, too: that
 * it was found to be hindered, or to have a problem that may pass, holds until something has
 * been changed, or another statement has begun.  Not in parallel mode.
 */
extern bool source_try_validate(Source *source, bool *hindered);

#endif							/* TOKENAUTH_HOLD_H */
