/*
 * client.c
 *		Measures contenders side by side.
 *
 * A round lets each contender run for a slot, in the order of the command
 * line and then in the opposite order (A B B A for every two of them), so
 * that what changes steadily meanwhile weighs on all alike.  Every answer is
 * checked; a wrong one ends the program.
 *
 * One line of CSV for each slot: part, group, contender, placement, clients,
 * depth, access, rows in the token table, round, position in the round,
 * operations, seconds.
 *
 *	client --part=P --group=G [option]... [LABEL=]CONTENDER[/CLIENTS][+flood]...
 *
 * Each client is a thread with a connection (and so a server process) of its
 * own for each contender.  Where they run:
 *
 *	one		clients and servers on one core
 *	two		clients on one core, servers on another
 *	pairs	client i and its server process on core i modulo 2; Redis on both
 *
 * The database is that of PGHOST, PGDATABASE and the like.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <getopt.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "request.h"

#define MAX_CONTENDERS	12
#define MAX_CLIENTS		8
#define ORDER_LEN		65536	/* a power of two */

typedef struct Entrant
{
	const char *label;
	const Contender *contender;
	int			clients;
	int			flooders;		/* who ask for random tokens beside them */
} Entrant;

typedef struct Worker
{
	pthread_t	thread;
	int			number;
	int			operations;		/* of the last slot */
	double		seconds;
} Worker;

static const char *part = "";
static const char *group = "";
static const char *placement = "one";
static const char *access_kind = "uniform";
static const char *helpers = "";
static const char *table_rows = "";
static int	clients = 1;
static int	rounds = 1;
static int	idle = 0;
static double slot = 0.05;
static FILE *out;

static Entrant entrant[MAX_CONTENDERS];
static int	nentrants = 0;
static Worker worker[MAX_CLIENTS + 1];
static int	nworkers = 0;

static pthread_barrier_t go;	/* main and the workers, before a slot */
static pthread_barrier_t done;	/* ... and after it */
static const Entrant *running;	/* whose slot it is; NULL ends the workers */
static bool warming;
static volatile bool flood_over;

/* -------- where things run -------- */

static cpu_set_t both_cpus;
static cpu_set_t cpu[2];

static void
find_cpus(void)
{
	int			found = 0;
	cpu_set_t	allowed;

	CPU_ZERO(&both_cpus);
	CPU_ZERO(&cpu[0]);
	sched_getaffinity(0, sizeof(allowed), &allowed);
	for (int i = 0; i < CPU_SETSIZE && found < 2; i++)
	{
		if (!CPU_ISSET(i, &allowed))
			continue;
		CPU_SET(i, &both_cpus);
		CPU_ZERO(&cpu[found]);
		CPU_SET(i, &cpu[found++]);
	}
	if (found < 2)
		cpu[1] = cpu[0];
}

static const cpu_set_t *
client_cpus(int client)
{
	return &cpu[strcmp(placement, "pairs") == 0 ? client % 2 : 0];
}

static const cpu_set_t *
backend_cpus(int client)
{
	return strcmp(placement, "two") == 0 ? &cpu[1] : client_cpus(client);
}

/* Of servers that all clients share. */
static const cpu_set_t *
shared_server_cpus(void)
{
	return strcmp(placement, "pairs") == 0 ? &both_cpus : backend_cpus(0);
}

/* Pin all threads of a process. */
static void
pin_process(int pid, const cpu_set_t *cpus)
{
	char		path[64];
	DIR		   *tasks;
	struct dirent *task;

	sprintf(path, "/proc/%d/task", pid);
	tasks = opendir(path);
	if (tasks == NULL)
		die("there is no process %d", pid);
	while ((task = readdir(tasks)) != NULL)
		if (task->d_name[0] != '.' &&
			sched_setaffinity(atoi(task->d_name), sizeof(*cpus), cpus) != 0)
			die("could not pin process %d", pid);
	closedir(tasks);
}

/*
 * The servers that all share.  New connections run where the postmaster does.
 */
static void
pin_servers(void)
{
	for (const char *at = helpers; *at != '\0'; at += strcspn(at, ","), at += *at == ',')
		pin_process(atoi(at), shared_server_cpus());
}

/* -------- what is asked for -------- */

static void
load_tokens(void)
{
	PGconn	   *pg = connect_postgres();
	PGresult   *result = PQexec(pg, "SELECT token, hash, user_id, body FROM active ORDER BY n");

	workload.ntokens = PQntuples(result);
	if (workload.ntokens == 0)
		die("no tokens: %s", PQerrorMessage(pg));
	workload.token = calloc((size_t) workload.ntokens, sizeof(Token));
	for (int i = 0; i < workload.ntokens; i++)
		workload.token[i] = (Token) {
			PQgetvalue(result, i, 0), PQgetvalue(result, i, 1),
			PQgetvalue(result, i, 2), PQgetvalue(result, i, 3)
		};
	PQfinish(pg);				/* the result is kept to the end */
}

/* A rank in [0, n) of a Zipf distribution with exponent 1. */
static int
zipf(const double *cumulated, int n, double uniform)
{
	int			low = 0;
	int			high = n - 1;
	double		wanted = uniform * cumulated[n - 1];

	while (low < high)
	{
		int			middle = (low + high) / 2;

		if (cumulated[middle] < wanted)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void
make_order(void)
{
	int		   *order = calloc(ORDER_LEN, sizeof(int));
	int			n = workload.ntokens;
	double	   *cumulated = calloc((size_t) n, sizeof(double));
	uint64_t	random = 88172645463325252;

	for (int i = 0; i < n; i++)
		cumulated[i] = (i > 0 ? cumulated[i - 1] : 0) + 1.0 / (i + 1);
	for (int i = 0; i < ORDER_LEN; i++)
	{
		double		uniform = (double) (next_random(&random) >> 11) / 9007199254740992.0;

		if (strcmp(access_kind, "uniform") == 0)
			order[i] = (int) (uniform * n);
		else if (strcmp(access_kind, "zipf") == 0)
			order[i] = zipf(cumulated, n, uniform);
		else if (strcmp(access_kind, "in turn") == 0)
			order[i] = i % n;
		else if (strcmp(access_kind, "one token") == 0)
			order[i] = 0;
		else
			die("no such access: %s", access_kind);
	}
	free(cumulated);
	workload.order = order;
	workload.order_mask = ORDER_LEN - 1;
}

static void
fill_redis(void)
{
	redisContext *redis = connect_redis();

	freeReplyObject(redisCommand(redis, "FLUSHALL"));
	for (int i = 0; i < workload.ntokens; i++)
	{
		redisReply *reply = redisCommand(redis, "SET %s %s",
										 workload.token[i].hash,
										 workload.token[i].user);

		if (reply == NULL || reply->type == REDIS_REPLY_ERROR)
			die("Redis: could not fill it");
		freeReplyObject(reply);
	}
	redisFree(redis);
}

static bool
somebody_asks_redis(void)
{
	for (int i = 0; i < nentrants; i++)
		if (entrant[i].contender->step[0].server == REDIS)
			return true;
	return false;
}

/* -------- slots -------- */

/* Run until the slot is over; what runs something before itself runs once. */
static void
run_slot(Worker *self, Session *session)
{
	double		end = seconds_now() + slot;

	self->operations = 0;
	self->seconds = 0;
	if (session->unknown_only)
	{
		while (!flood_over)
			session_run(session, &self->seconds);
		return;
	}
	do
		self->operations += session_run(session, &self->seconds);
	while (session->contender->before == NULL && seconds_now() < end);
	if (running->flooders > 0)
		flood_over = true;
}

static bool
takes_part(const Entrant *in, int number)
{
	return number < in->clients + in->flooders;
}

static void *
work(void *arg)
{
	Worker	   *self = arg;
	Session		session[MAX_CONTENDERS] = {0};

	if (sched_setaffinity(0, sizeof(cpu_set_t), client_cpus(self->number)) != 0)
		die("could not pin a client");
	for (int i = 0; i < nentrants; i++)
	{
		session[i].contender = entrant[i].contender;
		session[i].unknown_only = self->number >= entrant[i].clients;
		session[i].server_cpus = backend_cpus(self->number);
		session[i].random = UINT64_C(0x9E3779B97F4A7C15) * (uint64_t) (seconds_now() * 1e6) + (uint64_t) (self->number * MAX_CONTENDERS + i) + 1;
		session[i].next = (uint32_t) self->number * 7919;
		if (takes_part(&entrant[i], self->number))
			session_open(&session[i]);
	}
	for (;;)
	{
		pthread_barrier_wait(&go);
		if (running == NULL)
			break;
		if (takes_part(running, self->number))
		{
			Session    *mine = &session[running - entrant];

			if (!warming)
				run_slot(self, mine);
			else if (!mine->unknown_only)
				session_warm(mine);
		}
		pthread_barrier_wait(&done);
	}
	for (int i = 0; i < nentrants; i++)
		session_close(&session[i]);
	return NULL;
}

static void
one_slot(const Entrant *who)
{
	running = who;
	flood_over = false;
	pthread_barrier_wait(&go);
	if (who != NULL)
		pthread_barrier_wait(&done);
}

static void
print_slot(const Entrant *who, int round, int position)
{
	long		operations = 0;
	double		seconds = 0;

	for (int i = 0; i < who->clients; i++)
	{
		operations += worker[i].operations;
		seconds += worker[i].seconds;
	}
	fprintf(out, "%s,\"%s\",\"%s\",%s,%d,%d,%s,%s,%d,%d,%ld,%.9f\n", part, group,
			who->label, placement, who->clients, workload.depth, access_kind,
			table_rows, round, position, operations, seconds / who->clients);
}

static void
run_rounds(void)
{
	warming = true;
	for (int i = 0; i < nentrants; i++)
		one_slot(&entrant[i]);
	warming = false;
	for (int round = 1; round <= rounds; round++)
		for (int position = 0; position < 2 * nentrants; position++)
		{
			Entrant    *who = &entrant[position < nentrants ? position :
									   2 * nentrants - 1 - position];

			one_slot(who);
			print_slot(who, round, position + 1);
		}
	one_slot(NULL);
}

/* -------- the command line -------- */

/* [LABEL=]CONTENDER[/CLIENTS][+flood] */
static void
add_entrant(char *spec)
{
	Entrant    *added = &entrant[nentrants++];
	char	   *name = strchr(spec, '=');
	char	   *suffix;

	if (nentrants > MAX_CONTENDERS)
		die("too many contenders");
	added->clients = clients;
	if ((suffix = strstr(spec, "+flood")) != NULL)
	{
		*suffix = '\0';
		added->flooders = 1;
	}
	if ((suffix = strchr(name ? name : spec, '/')) != NULL &&
		suffix[1] >= '1' && suffix[1] <= '9')
	{
		*suffix = '\0';
		added->clients = atoi(suffix + 1);
	}
	added->label = spec;
	if (name != NULL)
		*name++ = '\0';
	else
		name = spec;
	added->contender = contender_by_name(name);
	if (added->contender == NULL)
		die("no such contender: %s", name);
	if (added->clients + added->flooders > nworkers)
		nworkers = added->clients + added->flooders;
	if (nworkers > MAX_CLIENTS + 1)
		die("too many clients");
}

static void
take_options(int argc, char **argv)
{
	static const struct option options[] = {
		{"part", required_argument, NULL, 'p'},
		{"group", required_argument, NULL, 'g'},
		{"placement", required_argument, NULL, 'P'},
		{"clients", required_argument, NULL, 'c'},
		{"depth", required_argument, NULL, 'd'},
		{"access", required_argument, NULL, 'a'},
		{"table-rows", required_argument, NULL, 't'},
		{"rounds", required_argument, NULL, 'r'},
		{"slot", required_argument, NULL, 's'},
		{"idle", required_argument, NULL, 'i'},
		{"copy-rows", required_argument, NULL, 'C'},
		{"redis", required_argument, NULL, 'R'},
		{"servers", required_argument, NULL, 'S'},
		{"limit", required_argument, NULL, 'l'},
		{"out", required_argument, NULL, 'o'},
		{0}
	};
	int			option;

	workload.depth = 1;
	out = stdout;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (option)
		{
			case 'p': part = optarg; break;
			case 'g': group = optarg; break;
			case 'P': placement = optarg; break;
			case 'c': clients = atoi(optarg); break;
			case 'd': workload.depth = atoi(optarg); break;
			case 'a': access_kind = optarg; break;
			case 't': table_rows = optarg; break;
			case 'r': rounds = atoi(optarg); break;
			case 's': slot = atof(optarg); break;
			case 'i': idle = atoi(optarg); break;
			case 'C': workload.copy_rows = atoi(optarg); break;
			case 'R': workload.redis = optarg; break;
			case 'S': helpers = optarg; break;
			case 'l': alarm((unsigned) atoi(optarg)); break;
			case 'o': out = fopen(optarg, "a"); break;
			default: die("see the top of client.c");
		}
	if (out == NULL)
		die("could not open the output file");
	setvbuf(out, NULL, _IOLBF, 0);	/* whole lines, however we end */
	while (optind < argc)
		add_entrant(argv[optind++]);
}

int
main(int argc, char **argv)
{
	take_options(argc, argv);
	find_cpus();
	pin_servers();
	load_tokens();
	make_order();
	if (somebody_asks_redis())
		fill_redis();
	for (int i = 0; i < idle; i++)
		connect_postgres();

	pthread_barrier_init(&go, NULL, (unsigned) nworkers + 1);
	pthread_barrier_init(&done, NULL, (unsigned) nworkers + 1);
	for (int i = 0; i < nworkers; i++)
	{
		worker[i].number = i;
		pthread_create(&worker[i].thread, NULL, work, &worker[i]);
	}
	run_rounds();
	for (int i = 0; i < nworkers; i++)
		pthread_join(worker[i].thread, NULL);
	return fclose(out) == 0 ? 0 : 1;
}
