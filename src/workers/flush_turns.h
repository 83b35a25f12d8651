/*-------------------------------------------------------------------------
 *
 * flush_turns.h
 *		The launcher's part in writing last uses: whose turn it is.
 *
 * Each tokenauth.last_used_flush, and sooner where room is getting scarce, each
 * table of which uses are noted has a turn: a worker of its own.  They come one
 * after the other.  A table whose worker had to be ended by force has to rest,
 * the longer the more often that happens, so that others' uses are written.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_FLUSH_TURNS_H
#define TOKENAUTH_FLUSH_TURNS_H

/*
 * Do what is to be done now, and return in how many milliseconds to look again
 * at the latest, or when the latch is set.
 */
extern long flush_turns_advance(void);

#endif							/* TOKENAUTH_FLUSH_TURNS_H */
