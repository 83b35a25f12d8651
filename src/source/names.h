/*-------------------------------------------------------------------------
 *
 * names.h
 *		Names in SQL text, quoted and qualified by their schema.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_NAMES_H
#define TOKENAUTH_NAMES_H

/* A relation's name; "-", which is no name, if it is not there. */
extern char *quoted_relation(Oid relation);

/* "schema.name" of a collation, and "OPERATOR(schema.name)"; throw if there is none. */
extern char *quoted_collation(Oid collation);
extern char *quoted_operator(Oid operator);

/* The name of a function or table of the extension's own. */
extern char *quoted_own(const char *name);

#endif							/* TOKENAUTH_NAMES_H */
