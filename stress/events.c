/*-------------------------------------------------------------------------
 *
 * events.c
 *		Counters and the clock of a run.
 *
 *-------------------------------------------------------------------------
 */
#include <time.h>

#include "events.h"

static atomic_ulong events[NEVENTS];
static struct timespec started;

atomic_bool stopping;

void
count(Event event)
{
	atomic_fetch_add_explicit(&events[event], 1, memory_order_relaxed);
}

unsigned long
counted(Event event)
{
	return atomic_load(&events[event]);
}

void
start_clock(void)
{
	clock_gettime(CLOCK_MONOTONIC, &started);
}

double
elapsed(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - started.tv_sec) +
		(now.tv_nsec - started.tv_nsec) / 1e9;
}
