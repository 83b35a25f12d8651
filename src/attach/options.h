/*-------------------------------------------------------------------------
 *
 * options.h
 *		What tokenauth_attach() is told of a source, and whether that can be.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_OPTIONS_H
#define TOKENAUTH_OPTIONS_H

#include "source/source.h"

/*
 * Throws, with a hint, what is wrong with what is said of a source taken by
 * itself, with its table, which the caller has locked, or with the other
 * sources.  Its condition is resolved already.
 */
extern void options_check(const Source *source);

/*
 * Put what is said of a source into the form in which it is stored: its condition
 * and its expressions.  Throws as below.
 */
extern void options_resolve(Source *source);

/*
 * The same of a parent.  Throws, with a hint, what is not as expression.h says.
 */
extern void options_resolve_parent(SourceParent *parent);

#endif							/* TOKENAUTH_OPTIONS_H */
