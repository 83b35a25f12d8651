/*-------------------------------------------------------------------------
 *
 * remedy.h
 *		SQL that cures: the column "fix" of tokenauth_doctor(), for psql.
 *
 * Pure text: nothing here changes anything.  All names are qualified, functions
 * of ours are called by own_call.h, and comments made by it.  Where only a human
 * can know what is right, the text has a place to fill in, and fails until it is
 * filled in.  That goes for all that a token is judged by: no fix guesses it, and
 * none leaves it out.  A place is written <...>, which is no SQL, and tells what
 * each choice means.  Each fix is one statement (statement.h).
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_REMEDY_H
#define TOKENAUTH_REMEDY_H

#include "attach/convention.h"
#include "source/source.h"

/* Behind ALTER SYSTEM, which cannot be one statement with what follows it. */
#define AND_RESTART			" -- then restart the server"
#define AND_RELOAD			" -- then reload the settings: SELECT pg_catalog.pg_reload_conf();"

/* Cure source->problem, which must be set. */
extern char *remedy_problem(const Source *source);

/*
 * Attach a source's table again.  Where a column is gone, or the table may be
 * another, there is a place to fill in.  A table that is gone is named as it was.
 */
extern char *remedy_attach_again(const Source *source);

/* The same, so that revoking deletes no rows any more. */
extern char *remedy_keep_rows(const Source *source);

/* The same, with a place for the form in which tokens are stored. */
extern char *remedy_stored_form(const Source *source);

/* The same, with a place for a column that could end the life of tokens. */
extern char *remedy_overlooked(const Source *source, const Overlooked *one);

/*
 * Take a role's right to read these columns, quoted, with commas between, in which tokens
 * are, or (NULL) the whole table; role NULL: PUBLIC's.
 */
extern char *remedy_hide_token(const Source *source, const char *role,
							   const char *columns);

/* End a prepared transaction, in a way to fill in. */
extern char *remedy_prepared(const char *gid);

/* Have the file of peppers read, once it is right. */
extern char *remedy_pepper_file(void);

/* Settings that need a restart. */
extern char *remedy_preload(void);
extern char *remedy_cache_size(int megabytes);
extern char *remedy_worker_processes(void);

#endif							/* TOKENAUTH_REMEDY_H */
