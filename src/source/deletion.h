/*-------------------------------------------------------------------------
 *
 * deletion.h
 *		Is a row of a token table nothing but a token, so that deleting it
 *		revokes the token and does no more?
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_DELETION_H
#define TOKENAUTH_DELETION_H

#include "source/source.h"
#include "utils/relcache.h"

/*
 * What says that the rows of a source's table, which is open, are more than
 * tokens: a sentence for errdetail; NULL if nothing does.  The source is
 * current, and has no fatal problem.
 */
extern char *deletion_objection(const Source *source, Relation table);

#endif							/* TOKENAUTH_DELETION_H */
