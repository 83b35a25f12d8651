/*-------------------------------------------------------------------------
 *
 * map_pepper.h
 *		The peppers of a source.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_MAP_PEPPER_H
#define TOKENAUTH_MAP_PEPPER_H

#include "source/source.h"
#include "utils/relcache.h"

/*
 * Are all peppers of a source known, and for its table's owner?  Else sets its
 * problem.  What is judged with other bytes has another fingerprint, which does not
 * tell them.  Unlike what else is in a fingerprint this may come back, with the bytes:
 * the triggers note changed rows by what is stored, whatever the peppers are.
 */
extern bool map_peppers(Source *source, Relation table);

#endif							/* TOKENAUTH_MAP_PEPPER_H */
