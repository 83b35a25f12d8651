/*-------------------------------------------------------------------------
 *
 * own_call.h
 *		A call of a function of ours, as SQL for a human to paste.
 *
 * It may be pasted into any session, with any search_path, by a role that has
 * more rights than others who can create functions in our schema.  PostgreSQL
 * prefers, to a function whose arguments are left out or are literals without
 * a type, one that fits what is written more closely.  So the text names every
 * argument of our function and casts every value to the argument's type, as
 * the catalog has them.  No other function can be meant then: at worst, one with
 * the same arguments in another order makes the call ambiguous, and it fails.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_OWN_CALL_H
#define TOKENAUTH_OWN_CALL_H

#include "nodes/pg_list.h"

typedef struct OwnCall OwnCall;

/*
 * Begin a call of the function or procedure of that name, of which the
 * extension must have exactly one.  Reads catalogs.
 */
extern OwnCall *own_call(const char *name);

/*
 * Give an argument a value: text that the input function of its type
 * understands, or NULL; for an array, a list of such texts.
 */
extern void own_call_set(OwnCall *call, const char *argument,
						 const char *value);
extern void own_call_set_array(OwnCall *call, const char *argument,
							   List *values);

/*
 * Leave a place to fill in, with what can stand there in words: it fails until a
 * human has chosen.  Names in it are quoted as literals.
 */
extern void own_call_set_place(OwnCall *call, const char *argument,
							   const char *choices);

/*
 * "SELECT schema.function(argument => 'value'::type, ...);" or CALL, with the
 * defaults of the other arguments.
 */
extern char *own_call_sql(const OwnCall *call);

/* The same in PL/pgSQL: PERFORM instead of SELECT; see statement.h. */
extern char *own_call_perform_sql(const OwnCall *call);

/* The same with an ellipsis in it: it fails until a human has completed it. */
extern char *own_call_incomplete_sql(const OwnCall *call);

/* tokenauth_detach(), and a function all of whose arguments have defaults. */
extern char *detach_sql(const char *source);
extern char *own_call_plain_sql(const char *name);

/*
 * SQL with a comment behind it.  Characters that could end the comment are
 * replaced, whatever names stand in it.
 */
extern char *sql_with_comment(const char *sql, const char *format,...) pg_attribute_printf(2, 3);

#endif							/* TOKENAUTH_OWN_CALL_H */
