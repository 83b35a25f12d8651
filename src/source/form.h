/*-------------------------------------------------------------------------
 *
 * form.h
 *		What a stored value looks like, without telling what it is.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_FORM_H
#define TOKENAUTH_FORM_H

#include "source/stored_value.h"

/* A set of digests and the forms in which they are written. */
typedef uint64 FormSet;

typedef struct ValueForm
{
	Size		len;			/* in bytes */
	FormSet		digests;		/* all that it could be, as text or as bytes */
	bool		is_source_form; /* the source could find it by a token */
	const char *slow;			/* a salted or slow hash, which begins so; or NULL */
} ValueForm;

/*
 * Of a value of the source's token column, which has no lookup.  Throws what
 * stored_datum() throws.
 */
extern void form_of_value(const Source *source, const StoredValue *stored,
						  ValueForm *form);

/* The likeliest of a set, which is not empty. */
extern StoredAs form_likeliest(FormSet digests);

/* Those of a set that are written in hexadecimal digits. */
extern FormSet form_only_hex(FormSet digests);

/* How a value that begins so has been hashed: "bcrypt"; NULL for NULL. */
extern const char *form_slow_name(const char *slow);

#endif							/* TOKENAUTH_FORM_H */
