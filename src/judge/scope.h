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

/*
 * The scopes of a verdict, by the kind of its source's scope column: a list of strings in
 * the current memory context.  Of a column that has one scope in a value, one.
 */
extern List *scope_names(const VerdictValue *value, ValueKind kind);

/*
 * The scopes as a text with these separators between.  NULL if others would be found in
 * it, such as two instead of one that has the separator in it.
 */
extern char *scope_join(const List *names, const char *separator);

#endif							/* TOKENAUTH_SCOPE_H */
