/*-------------------------------------------------------------------------
 *
 * events.h
 *		What has happened so far, for the report and for seeing that it has.
 *
 *-------------------------------------------------------------------------
 */
#ifndef STRESS_EVENTS_H
#define STRESS_EVENTS_H

#include <stdatomic.h>
#include <stdbool.h>

#define lengthof(array)		(sizeof(array) / sizeof((array)[0]))

typedef enum Event
{
	RESOLVES_PRIMARY,
	RESOLVES_STANDBY,
	ANSWERS_VALID,
	CONTROL_READS,
	OWN_READS,
	CHANGES,
	PARENT_CHANGES,
	COMMITS,
	ROLLBACKS,
	SAVEPOINT_ROLLBACKS,
	OVERWRITES,
	MOVES,
	ESCALATIONS,
	PREPARED_COMMITS,
	PREPARED_ROLLBACKS,
	SILENT_CHANGES,
	TABLE_REWRITES,
	FAILED_TRANSACTIONS,
	CONNECTS,
	WRONG_STALE,
	WRONG_PHANTOM,
	WRONG_UNEXPLAINED,
	WRONG_OWN,
	WRONG_CONTROL,
	NEVENTS
} Event;

extern void count(Event event);
extern unsigned long counted(Event event);

/* The run begins now; seconds since then. */
extern void start_clock(void);
extern double elapsed(void);

/* Sessions end as soon as they see this. */
extern atomic_bool stopping;

#endif							/* STRESS_EVENTS_H */
