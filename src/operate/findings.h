/*-------------------------------------------------------------------------
 *
 * findings.h
 *		What tokenauth_doctor() can find.
 *
 * To add a finding: write a function in the findings_*.c of its topic, declare
 * it here, and add a line to the list in doctor.c.  The SQL that cures it
 * comes from remedy.h.
 *
 * The caller of tokenauth_doctor() sees what the findings tell, but needs no
 * right on the tables: metadata are read without asking, and queries read
 * views that every role may read.  A finding changes nothing, and counts
 * secrets but does not read them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_FINDINGS_H
#define TOKENAUTH_FINDINGS_H

#include "nodes/pg_list.h"
#include "source/source.h"

typedef enum Severity
{
	SEVERITY_ERROR,				/* tokens are not answered from the cache, or
								 * not at all */
	SEVERITY_WARNING,			/* costs speed, or can cost safety, now */
	SEVERITY_NOTICE				/* may be intended */
} Severity;

typedef struct Finding
{
	Severity	severity;
	const char *source;			/* NULL: the server, or all sources */
	const char *finding;
	const char *fix;
} Finding;

typedef struct Doctor
{
	MemoryContext context;		/* of the findings */
	List	   *findings;		/* Finding * */
	List	   *sources;		/* Source *; those that have been examined, whose
								 * tables are not locked any more */
	const struct Check *check;	/* what is being looked for; NULL: nothing */
} Doctor;

/*
 * Report a finding, of a source or (NULL) of the server.  fix is SQL to paste
 * into psql, one statement (statement.h); it is copied.
 */
extern void doctor_report(Doctor *doctor, Severity severity,
						  const Source *source, const char *fix,
						  const char *format,...) pg_attribute_printf(5, 6);

/*
 * Run a query, a constant of the program (query_execute_kept), as the caller and
 * hand over each of its rows, whose columns are all text.
 */
extern void doctor_for_rows(Doctor *doctor, const char *sql, int nargs,
							Oid *types, Datum *values,
							void (*take) (Doctor *doctor,
										  const Source *source, char **row),
							const Source *source);

/* findings_server.c */
extern void finding_preloaded(Doctor *doctor);
extern void finding_workers(Doctor *doctor);
extern void finding_warming(Doctor *doctor);
extern void finding_enabled(Doctor *doctor);
extern void finding_prepared(Doctor *doctor);
extern void finding_wal_level(Doctor *doctor);
extern void finding_clock(Doctor *doctor);
extern void finding_pepper_file(Doctor *doctor);

/* findings_table.c */
extern void finding_mapping(Doctor *doctor, const Source *source);
extern void finding_deletion(Doctor *doctor, const Source *source);
extern void finding_overlooked(Doctor *doctor, const Source *source);

/* findings_registry.c */
extern void finding_guards(Doctor *doctor);
extern void finding_lost_sources(Doctor *doctor);
extern void finding_by_name_only(Doctor *doctor, const Source *source);
extern void finding_writers(Doctor *doctor);
extern void finding_references(Doctor *doctor);

/* findings_rights.c */
extern void finding_plaintext(Doctor *doctor, const Source *source);
extern void finding_readers(Doctor *doctor, const Source *source);
extern void finding_owner(Doctor *doctor, const Source *source);
extern void finding_data_readers(Doctor *doctor);

/* findings_code.c */
extern void finding_trigger_rights(Doctor *doctor, const Source *source);
extern void finding_foreign_code(Doctor *doctor, const Source *source);
extern void finding_foreign_types(Doctor *doctor, const Source *source);
extern void finding_rules(Doctor *doctor, const Source *source);
extern void finding_deferred(Doctor *doctor, const Source *source);

/* The functions that a condition (NULL: none) calls, as OIDs. */
extern List *condition_functions(Node *condition);

/* findings_logs.c */
extern void finding_logged_parameters(Doctor *doctor);

/* findings_rows.c; the table is read as its owner */
extern void finding_stored_form(Doctor *doctor, const Source *source);

/* findings_figures.c */
extern void finding_negative_flood(Doctor *doctor, const Source *source);
extern void finding_dropped_uses(Doctor *doctor, const Source *source);
extern void finding_evictions(Doctor *doctor);

#endif							/* TOKENAUTH_FINDINGS_H */
