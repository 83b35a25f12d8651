/*-------------------------------------------------------------------------
 *
 * statement.h
 *		SQL for a human to paste is one statement.
 *
 * psql goes on after a statement that fails: outside of a transaction block, and
 * inside of one with ON_ERROR_ROLLBACK; so do editors and drivers.  What was
 * pasted would then be done in part, and a source be attached, for example,
 * without the parent that its tokens depend on.  One statement is done as a
 * whole or not at all.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_STATEMENT_H
#define TOKENAUTH_STATEMENT_H

#include "nodes/pg_list.h"

/*
 * Statements, texts that each end with a semicolon, as one: themselves if that
 * is all there is, else a DO block, in which a place to fill in is a syntax error
 * of the whole.  In PL/pgSQL, so PERFORM instead of SELECT; nothing that cannot be
 * in a transaction block.
 */
extern char *statements_as_one(List *statements);

/* The same as a DO block, and with this search_path; the present one is put back. */
extern char *statements_in_path(List *statements, const char *search_path);

/*
 * Is this no more than one statement, with comments?  Places to fill in may be
 * in it.  Throws if that is not SQL even word by word.
 */
extern bool is_one_statement(const char *sql);

#endif							/* TOKENAUTH_STATEMENT_H */
