/*-------------------------------------------------------------------------
 *
 * scope.h
 *		Several scopes in one value: an array, a JSON array, or a text with
 *		separators.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_SCOPE_H
#define TOKENAUTH_SCOPE_H

#include "source/source.h"

/*
 * A value of this type of the source's scope column, which is not NULL, as a
 * VALUE_LIST, in the current memory context.  Empty texts are no scopes, nor is
 * what is no text.
 */
extern VerdictValue scope_list(const Source *source, Oid type,
							   Datum value);

#endif							/* TOKENAUTH_SCOPE_H */
