/*
 * count.c
 *		Counts what one call does: instructions, atomic read-modify-writes,
 *		and stores to shared memory.  No estimate and no sampling:
 *
 *	SELECT bench_count_start(), tokenauth_resolve($1), bench_count_stop();
 *
 * Between the two the processor single-steps, and shared memory is read-only:
 * each store there faults, is noted, and is let through for one instruction.
 * Only on x86-64 with Linux.  The few instructions of the executor in between
 * are counted, too; the same with a no-op is to be subtracted.
 */
#define _GNU_SOURCE
#include "postgres.h"

#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(bench_count_start);
PG_FUNCTION_INFO_V1(bench_count_stop);

#ifdef __x86_64__

#define TRAP_FLAG	0x100
#define PAGE		4096
#define LINE		64
#define MAX_REGIONS	32
#define MAX_STORES	1024
#define MAX_OPEN	4			/* pages that one instruction may store to */

typedef struct Region
{
	char	   *start;
	size_t		size;
} Region;

static Region region[MAX_REGIONS];
static int	nregions;
static Region *largest;			/* the main segment */

static volatile bool counting = false;
static long ninstructions;
static long nlocked;
static char *store[MAX_STORES];
static int	nstores;
static int	nlocked_stores;
static char *open_page[MAX_OPEN];
static int	nopen;

/* Is this instruction an atomic read-modify-write of memory? */
static bool
is_locked(const uint8 *at)
{
	bool		lock = false;

	while (*at == 0x66 || *at == 0x67 || *at == 0xF0 || *at == 0xF2 ||
		   *at == 0xF3 || *at == 0x2E || *at == 0x36 || *at == 0x3E ||
		   *at == 0x26 || *at == 0x64 || *at == 0x65)
		lock |= *at++ == 0xF0;
	if ((*at & 0xF0) == 0x40)	/* REX */
		at++;
	/* xchg with memory locks by itself */
	return lock || ((at[0] == 0x86 || at[0] == 0x87) && at[1] < 0xC0);
}

static void
on_step(int signo, siginfo_t *info, void *arg)
{
	greg_t	   *regs = ((ucontext_t *) arg)->uc_mcontext.gregs;

	while (nopen > 0)
		mprotect(open_page[--nopen], PAGE, PROT_READ);
	if (!counting)
	{
		regs[REG_EFL] &= ~TRAP_FLAG;
		return;
	}
	regs[REG_EFL] |= TRAP_FLAG;
	ninstructions++;
	if (is_locked((const uint8 *) regs[REG_RIP]))
		nlocked++;
}

static void
on_store(int signo, siginfo_t *info, void *arg)
{
	greg_t	   *regs = ((ucontext_t *) arg)->uc_mcontext.gregs;
	char	   *address = info->si_addr;
	bool		ours = false;

	for (int i = 0; i < nregions; i++)
		ours |= address >= region[i].start &&
			address < region[i].start + region[i].size;
	if (!ours || nopen == MAX_OPEN)
	{
		signal(SIGSEGV, SIG_DFL);	/* a real one: again, and die */
		return;
	}
	if (nstores < MAX_STORES)
		store[nstores++] = address;
	if (is_locked((const uint8 *) regs[REG_RIP]))
		nlocked_stores++;
	open_page[nopen++] = (char *) TYPEALIGN_DOWN(PAGE, address);
	mprotect(open_page[nopen - 1], PAGE, PROT_READ | PROT_WRITE);
}

static void
find_shared_memory(void)
{
	FILE	   *maps = fopen("/proc/self/maps", "r");
	char		line[1024];

	if (maps == NULL)
		elog(ERROR, "could not read the memory map");
	nregions = 0;
	largest = &region[0];
	while (fgets(line, sizeof(line), maps) != NULL && nregions < MAX_REGIONS)
	{
		unsigned long start;
		unsigned long end;
		char		rights[8];

		if (sscanf(line, "%lx-%lx %7s", &start, &end, rights) != 3 ||
			strcmp(rights, "rw-s") != 0)
			continue;
		region[nregions].start = (char *) start;
		region[nregions].size = end - start;
		if (region[nregions].size > largest->size)
			largest = &region[nregions];
		nregions++;
	}
	fclose(maps);
	if (nregions == 0)
		elog(ERROR, "found no shared memory");
}

static void
protect(int rights)
{
	for (int i = 0; i < nregions; i++)
		if (mprotect(region[i].start, region[i].size, rights) != 0)
			elog(FATAL, "could not protect shared memory: %m");
}

Datum
bench_count_start(PG_FUNCTION_ARGS)
{
	struct sigaction action = {.sa_flags = SA_SIGINFO};

	find_shared_memory();
	action.sa_sigaction = on_step;
	sigaction(SIGTRAP, &action, NULL);
	action.sa_sigaction = on_store;
	sigaction(SIGSEGV, &action, NULL);
	ninstructions = nlocked = nstores = nlocked_stores = 0;
	protect(PROT_READ);
	counting = true;
	raise(SIGTRAP);				/* from here on step by step */
	PG_RETURN_BOOL(true);
}

/*
 * "instructions locked stores locked_stores", then of each store the offset
 * of its line in the main segment.
 */
Datum
bench_count_stop(PG_FUNCTION_ARGS)
{
	StringInfoData result;

	counting = false;			/* the next step is the last */
	protect(PROT_READ | PROT_WRITE);
	signal(SIGTRAP, SIG_DFL);
	signal(SIGSEGV, SIG_DFL);
	initStringInfo(&result);
	appendStringInfo(&result, "%ld %ld %d %d", ninstructions, nlocked,
					 nstores, nlocked_stores);
	for (int i = 0; i < nstores; i++)
		appendStringInfo(&result, " %ld",
						 (long) TYPEALIGN_DOWN(LINE, store[i] - largest->start));
	PG_RETURN_TEXT_P(cstring_to_text(result.data));
}

#else							/* not x86-64 */

Datum
bench_count_start(PG_FUNCTION_ARGS)
{
	elog(ERROR, "counts instructions on x86-64 only");
}

Datum
bench_count_stop(PG_FUNCTION_ARGS)
{
	elog(ERROR, "counts instructions on x86-64 only");
}

#endif
