/*-------------------------------------------------------------------------
 *
 * citext.h
 *		Columns of type citext, of the extension of that name.
 *
 * To citext, values that differ in case are equal, and so are they to a unique index.
 * In memory its values are those of text.  To us they are text: a token is that text
 * to the byte, and who writes it in another case has another token.  The equality of
 * citext finds rows by an index, which are then compared to the byte.  Only where rows
 * are ended or listed by what their owner calls equal, a user or an id, is it that
 * which counts.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_CITEXT_H
#define TOKENAUTH_CITEXT_H

/*
 * The type that the values of a type are of in memory: the base type of a domain, and
 * text for citext, or for a domain over it.
 */
extern Oid	plain_type(Oid type);

/* Is it citext, or a domain over it? */
extern bool is_citext(Oid type);

/*
 * "a = b" by the equality of citext, where a is a column of that type, or of a domain
 * over it, and b an expression of type text; or "a = ANY (b)" for an array of text.
 */
extern char *citext_equal_sql(Oid type, const char *a, const char *b);
extern char *citext_equal_any_sql(Oid type, const char *a, const char *b);

#endif							/* TOKENAUTH_CITEXT_H */
