/*-------------------------------------------------------------------------
 *
 * columns.h
 *		All columns that do not fit, in one error.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_COLUMNS_H
#define TOKENAUTH_COLUMNS_H

#include "source/source.h"

/*
 * Throws, for a source that is not attached yet, if columns that are named for its
 * roles are of a type that does not fit, or if several are not there.  The detail has
 * each, with its argument, its type and the types that fit.  What is wrong with
 * a single column otherwise is left to mapping.c.
 */
extern void columns_check(const Source *source);

#endif							/* TOKENAUTH_COLUMNS_H */
