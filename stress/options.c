/*-------------------------------------------------------------------------
 *
 * options.c
 *		The command line.
 *
 *-------------------------------------------------------------------------
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "options.h"

Options		options = {
	.seconds = 10,
	.ntokens = 48,
	.nwriters = 4,
	.nreaders = 12,
	.pause = 4000,
};

static void
usage(void)
{
	printf("usage: stress --primary=CONNINFO [option]...\n"
		   "  --standby=CONNINFO  read there, too; it must replay synchronously\n"
		   "  --sources=NAME      standard (the default); mixed, which is five at\n"
		   "                      once; or one of these: multica, dify, visiona,\n"
		   "                      scrabble, xtablo, sha512, verified, pair, hmac,\n"
		   "                      chain\n"
		   "  --seconds=N         how long\n"
		   "  --tokens=N          how many; few are hot\n"
		   "  --writers=N         sessions that change tokens\n"
		   "  --readers=N         sessions that resolve them, on each server\n"
		   "  --pause=N           microseconds between a writer's transactions\n"
		   "  --min-hits=N        per cent that the cache must have answered\n"
		   "  --prepared          two-phase commits, too\n"
		   "  --reconnect         all readers reconnect all the time\n"
		   "  --watch             simple changes, a reader watches each token\n"
		   "  --delay=N           longest injected delay, in microseconds\n"
		   "  --fault=NAME        plant a fault\n"
		   "  --stop-on-wrong     stop at the first wrong answer\n");
}

static int
number_option(const char *name, const char *value, int min, int max)
{
	char	   *end;
	long		number = strtol(value, &end, 10);

	if (*end == '\0' && end != value && number >= min && number <= max)
		return (int) number;
	fprintf(stderr, "stress: --%s must be from %d to %d\n", name, min, max);
	exit(2);
}

void
parse_options(int argc, char **argv)
{
	static const struct option known[] = {
		{"primary", required_argument, NULL, 'p'},
		{"standby", required_argument, NULL, 's'},
		{"sources", required_argument, NULL, 'a'},
		{"seconds", required_argument, NULL, 'n'},
		{"tokens", required_argument, NULL, 't'},
		{"writers", required_argument, NULL, 'w'},
		{"readers", required_argument, NULL, 'r'},
		{"pause", required_argument, NULL, 'u'},
		{"min-hits", required_argument, NULL, 'm'},
		{"prepared", no_argument, NULL, '2'},
		{"reconnect", no_argument, NULL, 'c'},
		{"watch", no_argument, NULL, 'o'},
		{"delay", required_argument, NULL, 'd'},
		{"fault", required_argument, NULL, 'f'},
		{"stop-on-wrong", no_argument, NULL, 'x'},
		{NULL, 0, NULL, 0}
	};
	int			which;
	int			index;

	options.sources = find_shape_set("standard");
	while ((which = getopt_long(argc, argv, "", known, &index)) != -1)
	{
		const char *name = which == '?' ? "" : known[index].name;

		switch (which)
		{
			case 'p':
				options.primary = optarg;
				break;
			case 's':
				options.standby = optarg;
				break;
			case 'a':
				options.sources = find_shape_set(optarg);
				if (options.sources == NULL)
				{
					fprintf(stderr, "stress: --%s: there is no \"%s\"\n",
							name, optarg);
					exit(2);
				}
				break;
			case 'n':
				options.seconds = number_option(name, optarg, 1, 86400);
				break;
			case 't':
				options.ntokens = number_option(name, optarg, 1, MAX_TOKENS);
				break;
			case 'w':
				options.nwriters = number_option(name, optarg, 1, 100);
				break;
			case 'r':
				options.nreaders = number_option(name, optarg, 1, 100);
				break;
			case 'u':
				options.pause = number_option(name, optarg, 0, 1000000);
				break;
			case 'm':
				options.min_hits = number_option(name, optarg, 0, 100);
				break;
			case '2':
				options.prepared = true;
				break;
			case 'c':
				options.reconnect = true;
				break;
			case 'o':
				options.watch = true;
				break;
			case 'd':
				options.delay = number_option(name, optarg, 0, 1000000);
				break;
			case 'f':
				options.fault = optarg;
				break;
			case 'x':
				options.stop_on_wrong = true;
				break;
			default:
				usage();
				exit(2);
		}
	}
	if (options.primary == NULL || optind < argc)
	{
		usage();
		exit(2);
	}
}
