/*-------------------------------------------------------------------------
 *
 * options.h
 *		What is asked of this run.
 *
 *-------------------------------------------------------------------------
 */
#ifndef STRESS_OPTIONS_H
#define STRESS_OPTIONS_H

#include <stdbool.h>

#include "shapes.h"

#define MAX_TOKENS			512

typedef struct Options
{
	const char *primary;
	const char *standby;		/* NULL: none */
	const ShapeSet *sources;
	int			seconds;
	int			ntokens;
	int			nwriters;
	int			nreaders;		/* on each server */
	int			pause;			/* of a writer, microseconds on average */
	int			delay;			/* tokenauth.test_delay, in half of them */
	const char *fault;			/* tokenauth.test_fault, in all */
	int			min_hits;		/* per cent */
	bool		prepared;		/* two-phase commits, too */
	bool		reconnect;		/* all readers reconnect all the time */
	bool		watch;			/* single changes, a reader for each token */
	bool		stop_on_wrong;
} Options;

extern Options options;

/* Set them from the command line; exits with 2 if that cannot be done. */
extern void parse_options(int argc, char **argv);

#endif							/* STRESS_OPTIONS_H */
