/*-------------------------------------------------------------------------
 *
 * sample.h
 *		What some rows of a source's table say of its tokens.
 *
 * Some hundred rows are read, from a few places of the table, by their blocks: that
 * takes no longer where the table is large, or bloated.  Nothing is waited for, and
 * it ends after SAMPLE_LIMIT_MS, whatever the owner's expressions do; what they have
 * done is rolled back.  Rows are
 * judged as resolve judges them, but for parents.  No value of theirs is told, but lengths,
 * and what salted hashes begin with.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_SAMPLE_H
#define TOKENAUTH_SAMPLE_H

#include "cache/verdict.h"
#include "source/form.h"

#define SAMPLE_LIMIT_MS		1000

/* Fewer rows say little. */
#define ROWS_THAT_TELL		10

typedef struct Sample
{
	const Source *source;
	bool		judge;			/* else only the forms are looked at */
	int			nrows;			/* that were looked at */
	int			nstatus[TOKEN_FORBIDDEN];	/* of those that were judged */
	int			nwithout;		/* without a token */
	int			nvalues;		/* stored values, unless a lookup finds them */
	int			nothers;		/* of them, those of another form */
	int			nslow;			/* of them, salted and slow hashes */
	const char *slow;			/* what the first of these begins with */
	Size		min_len;
	Size		max_len;
	FormSet		digests;		/* that all values could be */
	int			nlists;			/* scopes that look like several */
	bool		timed_out;		/* judging took too long, which ended it */
	int			sqlstate;		/* of the error that ended it; or 0 */
} Sample;

/*
 * Look at some rows of a source, which can be read.  A row that cannot be judged
 * ends it.
 */
extern void sample_take(const Source *source, bool judge, Sample *sample);

/*
 * The same for a source that has just been attached: throws if no token can be
 * found in such rows, and tells how many are valid, if there are some.
 */
extern void sample_look(const Source *source);

#endif							/* TOKENAUTH_SAMPLE_H */
