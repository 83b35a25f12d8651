/*-------------------------------------------------------------------------
 *
 * pepper.h
 *		Secrets that token digests are made with, from a file.
 *
 * A pepper is known by its name, and is for the tables of one role, or of all:
 * who can have digests made with it can make up tokens.  Its bytes stand in the
 * file that tokenauth.pepper_file names, and in the memory of each process:
 * nowhere else, so in no registry, dump, view, log or shared memory.
 *
 * The postmaster reads the file at the start, and its children inherit what it
 * has; each process reads it again whenever it reloads the settings, which a
 * backend does between two statements.  A file that is not understood as a whole
 * is not taken: then a process knows what it has known before.
 *
 * A line of the file, for instance
 *
 *		name	owner	hex:00ff
 *
 * The form is one of hex:, base64: and text:.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_PEPPER_H
#define TOKENAUTH_PEPPER_H

/* In bytes; names without a terminator. */
#define PEPPER_MAX_NAME		63
#define PEPPER_MAX_LEN		512

/* So many are in a file at most. */
#define PEPPER_MAX_COUNT	32

/* Valid until the settings are reloaded. */
typedef struct Pepper
{
	const uint8 *bytes;
	Size		len;			/* never 0 */
	const char *owner;			/* of the tables that it is for; "all": any */
} Pepper;

/* Letters, digits, "_", "-" and ".", and no more of them than a name may have. */
extern bool pepper_is_name(const char *text);

/* The pepper of that name; false if it is not known. */
extern bool pepper_find(const char *name, Pepper *pepper);

/* Is it for tables of the role of that name? */
extern bool pepper_is_for(const Pepper *pepper, const char *role);

/* Why the file was not taken when it was read last; NULL: it was, or there is none. */
extern const char *pepper_fault(void);

/* An assign hook: read the file; "" is none.  Cannot fail; faults are logged. */
extern void pepper_read_file(const char *path, void *extra);

/*
 * Have this called in each process whose peppers have changed, from the hook above:
 * it must not fail.
 */
extern void pepper_on_change(void (*callback) (void));

#endif							/* TOKENAUTH_PEPPER_H */
