/*-------------------------------------------------------------------------
 *
 * looks.h
 *		What a column looks like, by the words of its name.
 *
 * Of interest is what could make a token invalid, or is to be true of a valid one.  A
 * name is a stem, such as "revok", "consumed" or "active", and what goes with it: of
 * what ("token", "session"), a form ("is", "at", "until"), a detail ("by", "reason").
 * It does not matter how the words are joined: is_active, isActive, isactive.
 *
 * A name only makes one ask.  So a stem that is found too often costs a notice, and
 * one that is missing here a token that lives on.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_LOOKS_H
#define TOKENAUTH_LOOKS_H

typedef enum Looks
{
	LOOKS_LIKE_NOTHING,			/* of these */
	LOOKS_LIKE_BEGIN,			/* from when on it lives */
	LOOKS_LIKE_END,				/* that, or since when, it is dead */
	LOOKS_LIKE_USE,				/* that, or when, it was used, once */
	LOOKS_LIKE_LIMIT,			/* how often it can be used */
	LOOKS_LIKE_EXPIRY,			/* until when it lives */
	LOOKS_LIKE_LIFE				/* that it lives */
} Looks;

typedef struct ColumnLooks
{
	Looks		looks;
	const char *stem;			/* equal for names of the same word */
	bool		is_detail;		/* of what happens: by whom, why, who was told */
	bool		is_future;		/* if it is a time, one to come: "until" */
} ColumnLooks;

extern ColumnLooks column_looks(const char *name);

#endif							/* TOKENAUTH_LOOKS_H */
