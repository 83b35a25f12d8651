/*-------------------------------------------------------------------------
 *
 * swap.h
 *		Is a source's table still the one that is meant?
 *
 * The registry follows a table that is renamed.  If another table gets the name
 * that it had when it was attached, the application goes on with the other: the
 * two were swapped.  Then neither is judged by.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_SWAP_H
#define TOKENAUTH_SWAP_H

#include "source/source.h"
#include "utils/relcache.h"

/*
 * False, with source->problem set, if another table than this has that name of
 * the registry.  The name is watched from then on.
 */
extern bool swap_check(Source *source, Relation table, const char *name);

#endif							/* TOKENAUTH_SWAP_H */
