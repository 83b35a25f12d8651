/*-------------------------------------------------------------------------
 *
 * doctor.c
 *		SQL: tokenauth_doctor(), what is wrong and what cures it.
 *
 * A healthy server has no findings.  Each finding is a function in one of the
 * findings_*.c (see findings.h), and a line in the list below.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/format.h"
#include "base/sandbox.h"
#include "funcapi.h"
#include "judge/coherence.h"
#include "miscadmin.h"
#include "operate/doctor.h"
#include "operate/findings.h"
#include "source/directory.h"
#include "source/own_call.h"
#include "source/peek.h"
#include "source/statement.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/tuplestore.h"
#include "workers/warm.h"

/* One of server and source is set: what it is asked about. */
typedef struct Check
{
	void		(*server) (Doctor *doctor);
	void		(*source) (Doctor *doctor, const Source *source);
	bool		is_error;		/* can be of severity error; reads nothing but
								 * metadata, for tokenauth_ready() asks too */
	bool		of_no_source;	/* of the server, but any one source can be ready */
} Check;

/* What tokenauth_doctor() looks for, in the order of its findings. */
static const Check checks[] = {
	{.server = finding_preloaded, .is_error = true},
	{.server = finding_workers, .is_error = true},
	{.server = finding_guards, .is_error = true},
	{.server = finding_lost_sources, .is_error = true, .of_no_source = true},
	{.source = finding_mapping, .is_error = true},
	{.source = finding_by_name_only},
	{.source = finding_deletion},
	{.source = finding_overlooked},
	{.source = finding_owner},
	{.source = finding_stored_form},
	{.source = finding_plaintext},
	{.source = finding_readers},
	{.source = finding_trigger_rights},
	{.source = finding_foreign_code},
	{.source = finding_foreign_types},
	{.source = finding_rules},
	{.source = finding_deferred},
	{.source = finding_negative_flood},
	{.source = finding_dropped_uses},
	{.server = finding_data_readers},
	{.server = finding_writers},
	{.server = finding_references},
	{.server = finding_logged_parameters},
	{.server = finding_enabled},
	{.server = finding_warming},
	{.server = finding_evictions},
	{.server = finding_prepared},
	{.server = finding_wal_level},
	{.server = finding_clock},
	{.server = finding_pepper_file},
};

void
doctor_report(Doctor *doctor, Severity severity, const Source *source,
			  const char *fix, const char *format,...)
{
	MemoryContext old = MemoryContextSwitchTo(doctor->context);
	Finding    *finding = palloc(sizeof(Finding));
	va_list		args;

	if (severity == SEVERITY_ERROR && doctor->check != NULL &&
		!doctor->check->is_error)
		elog(ERROR, "a check that finds errors is not marked so");
	finding->severity = severity;
	finding->source = source ? source->name : NULL;
	va_start(args, format);
	finding->finding = format_text(format, args);
	va_end(args);
	finding->fix = pstrdup(fix);
	if (!is_one_statement(fix))
		elog(ERROR, "the fix of a finding is more than one statement: %s", fix);
	doctor->findings = lappend(doctor->findings, finding);
	MemoryContextSwitchTo(old);
}

void
doctor_for_rows(Doctor *doctor, const char *sql, int nargs, Oid *types,
				Datum *values,
				void (*take) (Doctor *doctor, const Source *source, char **row),
				const Source *source)
{
	Sandbox		sandbox;
	QueryResult *rows = NULL;

	sandbox_enter(&sandbox, GetUserId(), NULL);
	PG_TRY();
	{
		rows = query_execute_kept(sql, nargs, types, values);
		sandbox_leave(&sandbox);
	}
	SANDBOX_END_TRY(&sandbox);
	for (uint64 i = 0; i < rows->nrows; i++)
	{
		char	  **row = palloc(rows->desc->natts * sizeof(char *));

		for (int column = 0; column < rows->desc->natts; column++)
			row[column] = query_text(rows, i, column + 1);
		take(doctor, source, row);
	}
}

/*
 * The table has locks of others, or what a condition of the source uses; or owners' code
 * or a busy machine took too long.
 */
static void
report_hindered(Doctor *doctor, const Source *source)
{
	doctor_report(doctor, SEVERITY_NOTICE, source,
		   psprintf("SELECT pid, relation, mode FROM pg_catalog.pg_locks"
					" WHERE relation OPERATOR(pg_catalog.=) '%u'::pg_catalog.oid"
					" OR mode OPERATOR(pg_catalog.=) 'AccessExclusiveLock'::pg_catalog.text; -- see which process holds it, and wait",
					source->relation),
		   "table \"%s\" was not examined: it, or something that its token source needs, is locked, or it took longer than tokenauth.source_timeout",
		   get_rel_name(source->relation));
}

/*
 * NULL: a lock is why it could not be examined.  What keeps it from being ready is of
 * severity error.
 */
static void
report_unexamined(Doctor *doctor, const Source *source, Severity severity,
				  const ErrorData *error)
{
	if (error == NULL || peek_was_hindered(error))
		report_hindered(doctor, source);
	else
		doctor_report(doctor, severity, source,
			   sql_with_comment(own_call_plain_sql("tokenauth_ready"),
								"look again; if it stays so, attach the table again"),
			   "token source \"%s\" could not be examined (%s)",
			   source->name, error->message);
}

static void
run_check(Doctor *doctor, const Check *check, const Source *source)
{
	doctor->check = check;
	if (source != NULL)
		check->source(doctor, source);
	else
		check->server(doctor);
	doctor->check = NULL;
}

static void
examine_server(Doctor *doctor, const char *source_name, bool errors)
{
	for (int i = 0; i < (int) lengthof(checks); i++)
		if (checks[i].server != NULL && checks[i].is_error == errors &&
			!(checks[i].of_no_source && source_name != NULL))
			run_check(doctor, &checks[i], NULL);
}

/* All checks of a source that can find errors, or all others. */
typedef struct Examination
{
	Doctor	   *doctor;
	const Source *source;
	bool		errors;
} Examination;

static void
run_checks(void *arg)
{
	const Examination *examination = arg;

	for (int i = 0; i < (int) lengthof(checks); i++)
		if (checks[i].source != NULL &&
			checks[i].is_error == examination->errors)
			run_check(examination->doctor, &checks[i], examination->source);
}

static void
try_checks(Doctor *doctor, const Source *source, bool errors)
{
	Examination examination = {doctor, source, errors};
	ErrorData  *error = peek_try(run_checks, &examination);

	doctor->check = NULL;
	if (error != NULL)
		report_unexamined(doctor, source,
						  errors ? SEVERITY_ERROR : SEVERITY_WARNING, error);
}

/* A PeekLook. */
static void
find_errors_of(const Source *source, void *arg)
{
	try_checks(arg, source, true);
}

/* Another. */
static void
find_all_of(const Source *source, void *arg)
{
	try_checks(arg, source, true);
	try_checks(arg, source, false);
}

/*
 * All sources or (of a name) that one: another than is asked about is not looked at,
 * lest it delay the answer.  A readiness probe must not wait for a lock, so a source
 * that needs what is locked is passed over, with a notice.
 */
static void
examine_sources(Doctor *doctor, const char *name, PeekLook look)
{
	ListCell   *lc;

	foreach(lc, source_all())
	{
		Source	   *source = lfirst(lc);
		Peek		peek;

		if (name != NULL && strcmp(source->name, name) != 0)
			continue;
		peek_source(source, look, doctor, &peek);
		if (peek.is_read)
			doctor->sources = lappend(doctor->sources, source);
		else if (peek.is_there)
			report_unexamined(doctor, source, SEVERITY_ERROR, peek.error);
	}
}

/*
 * All findings of severity error, of a source and of the server: whether it is
 * ready, and what the doctor says of it, cannot differ.  Tokens that are still
 * being loaded keep it from being ready, too, and are a notice of the doctor's.
 */
bool
doctor_is_ready(const char *source_name)
{
	Doctor		doctor = {CurrentMemoryContext};
	ListCell   *lc;

	coherence_refresh();
	examine_server(&doctor, source_name, true);
	examine_sources(&doctor, source_name, find_errors_of);
	foreach(lc, doctor.findings)
		if (((Finding *) lfirst(lc))->severity == SEVERITY_ERROR)
			return false;
	return warm_has_ended();
}

static void
put_finding(ReturnSetInfo *rsinfo, const Finding *finding)
{
	static const char *const names[] = {
		[SEVERITY_ERROR] = "error",
		[SEVERITY_WARNING] = "warning",
		[SEVERITY_NOTICE] = "notice",
	};
	NameData	source;
	Datum		value[4];
	bool		isnull[4] = {false, finding->source == NULL, false, false};

	value[0] = CStringGetTextDatum(names[finding->severity]);
	if (finding->source != NULL)
		namestrcpy(&source, finding->source);
	value[1] = NameGetDatum(&source);
	value[2] = CStringGetTextDatum(finding->finding);
	value[3] = CStringGetTextDatum(finding->fix);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, value, isnull);
}

/*
 * tokenauth_doctor() returns table (severity text, source name, finding text,
 *									 fix text)
 *
 * What is wrong, the worst first; nothing if all is well.
 */
TOKENAUTH_FUNCTION(tokenauth_doctor);
Datum
tokenauth_doctor(PG_FUNCTION_ARGS)
{
	Doctor		doctor = {CurrentMemoryContext};
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, 0);
	coherence_refresh();
	examine_server(&doctor, NULL, true);
	examine_sources(&doctor, NULL, find_all_of);
	examine_server(&doctor, NULL, false);
	for (Severity severity = SEVERITY_ERROR; severity <= SEVERITY_NOTICE;
		 severity++)
		foreach(lc, doctor.findings)
			if (((Finding *) lfirst(lc))->severity == severity)
				put_finding((ReturnSetInfo *) fcinfo->resultinfo, lfirst(lc));
	return (Datum) 0;
}
