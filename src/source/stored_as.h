/*-------------------------------------------------------------------------
 *
 * stored_as.h
 *		Names of how tokens are stored, and of their part that counts, as they are said when
 *		a table is attached.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_STORED_AS_H
#define TOKENAUTH_STORED_AS_H

#include "source/source.h"

/* The names of stored_as; false for one that there is not. */
extern bool stored_as_read(const char *text, StoredAs *as);
extern char *stored_as_name(StoredAs as);
extern const char *stored_as_names(void);

/* "whole", "after prefix", "after |", "after | if any", "before ." */
extern bool token_part_read(const char *text, TokenPart *part);

#endif							/* TOKENAUTH_STORED_AS_H */
