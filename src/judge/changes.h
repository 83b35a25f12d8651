/*-------------------------------------------------------------------------
 *
 * changes.h
 *		What the present transaction has changed, and how its end tells others.
 *
 * A note says that entries of some classes, behind one guard, are out of date
 * once this transaction has committed.  The transaction's end works through
 * the notes:
 *
 *	PRE_COMMIT		raises the fences and, if a standby may ever replay it,
 *					registers messages
 *	PRE_PREPARE		registers messages, which COMMIT PREPARED will send
 *	COMMIT			raises the floors, then lifts the fences; cannot fail
 *	ABORT			lifts the fences
 *
 * Steps 1 to 4 of doc/coherence.md say why this is enough.  A note may be made
 * at any time before COMMIT: if another extension changes rows after our
 * PRE_COMMIT, their note is fenced and told at once.  Rolling back to a
 * savepoint takes no note back: a note too many costs a table read.  But it
 * takes back the messages that were registered since, so the note of a change
 * that is then made again registers another.
 *
 * Up to CHANGES_MAX_SMALL buckets and cells are noted one by one; from then on
 * the whole source at its gate.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_CHANGES_H
#define TOKENAUTH_CHANGES_H

#include "cache/cache.h"
#include "source/source.h"

/* More than these in one transaction: the whole source is noted. */
#define CHANGES_MAX_SMALL		32

/* Has this transaction changed anything that a verdict may depend on? */
extern bool changes_made;		/* for this function; changes.c sets it */
static inline bool
changes_dirty(void)
{
	return changes_made;
}

/* It has, also if nothing more is noted. */
extern void changes_mark_dirty(void);

/*
 * Note what is behind a token's bucket, a parent row's cell, or the gate of a
 * source, known or not; classes is a set of CACHE_CLASS_BIT()s.  May
 * throw, after PRE_COMMIT.
 */
extern void changes_note_token(const Source *source,
							   const TokenDigest *digest, int classes);
extern void changes_note_cell(const Source *source, uint16 cell, int classes);
extern void changes_note_source(const Source *source, int classes);
extern void changes_note_source_id(SourceId source, int classes);

/*
 * Note all that is cached, of whatever source and database: what a change
 * concerns is not known.
 */
extern void changes_note_everything(int classes);

/*
 * Is the whole source noted already, for all of these classes?  Then a further
 * change of it need not be noted.  May throw, after PRE_COMMIT.
 */
extern bool changes_cover_source(const Source *source, int classes);

/*
 * A relation (InvalidOid: any) has been invalidated, perhaps by this
 * transaction.  For the relcache callback: no catalog access, cannot fail.
 */
extern void changes_relation_invalidated(Oid relation);

/*
 * What the transaction's end does, as above; for transaction.c.  The first two
 * may throw, the others cannot fail.
 */
extern void changes_pre_commit(void);
extern void changes_pre_prepare(void);
extern void changes_commit(void);
extern void changes_abort(void);

/* The same of a subtransaction's end, at whatever time; cannot fail. */
extern void changes_commit_sub(SubTransactionId subxact,
							   SubTransactionId parent);
extern void changes_abort_sub(SubTransactionId subxact);

/* The transaction has ended: the next one begins without changes. */
extern void changes_forget(void);

#endif							/* TOKENAUTH_CHANGES_H */
