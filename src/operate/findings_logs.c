/*-------------------------------------------------------------------------
 *
 * findings_logs.c
 *		What the server's log shows of statements with tokens in them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "operate/findings.h"
#include "operate/remedy.h"
#include "utils/builtins.h"

/* Columns of the query below. */
enum
{
	LOG_SETTING,				/* NULL: none */
	LOG_LENGTH,
	LOG_LENGTH_ON_ERROR
};

#define SET_TO_0(name) \
	"ALTER SYSTEM SET " name " = 0;" AND_RELOAD

static void
take_logging(Doctor *doctor, const Source *source, char **row)
{
	if (row[LOG_SETTING] != NULL && strcmp(row[LOG_LENGTH], "0") != 0)
		doctor_report(doctor, SEVERITY_WARNING, NULL,
					  SET_TO_0("log_parameter_max_length"),
					  "the server's log shows the parameters of statements, and tokens among them: %s, and log_parameter_max_length is %s",
					  row[LOG_SETTING], row[LOG_LENGTH]);
	if (strcmp(row[LOG_LENGTH_ON_ERROR], "0") != 0)
		doctor_report(doctor, SEVERITY_WARNING, NULL,
					  SET_TO_0("log_parameter_max_length_on_error"),
					  "the server's log shows the parameters of statements that fail, and tokens among them: log_parameter_max_length_on_error is %s",
					  row[LOG_LENGTH_ON_ERROR]);
}

/* Columns: a setting, its value, and the value that ends it. */
static void
take_plans(Doctor *doctor, const Source *source, char **row)
{
	doctor_report(doctor, SEVERITY_WARNING, NULL,
				  psprintf("ALTER SYSTEM SET %s = %s;" AND_RELOAD, row[0],
						   row[2]),
				  "the server's log shows plans, in which parameters stand as constants, and tokens among them: %s is %s",
				  row[0], row[1]);
}

/* No setting of core's keeps parameters out of these. */
static void
finding_logged_plans(Doctor *doctor)
{
	static const char *const sql =
		"SELECT s.name, s.setting, v.none"
		" FROM pg_settings s JOIN (VALUES"
		"    ('auto_explain.log_min_duration', '-1'),"
		"    ('debug_print_plan', 'off')) v (name, none) ON v.name = s.name"
		" WHERE s.setting <> v.none ORDER BY s.name";

	doctor_for_rows(doctor, sql, 0, NULL, NULL, take_plans, NULL);
}

/*
 * Does the server log bound parameters?  By the settings of this session; those of
 * other roles and databases can be others.
 */
void
finding_logged_parameters(Doctor *doctor)
{
	static const char *const sql =
		"SELECT (SELECT string_agg(s.name || ' is ' || s.setting, ', ' ORDER BY s.name)"
		"        FROM pg_settings s"
		"        WHERE (s.name = 'log_statement' AND s.setting IN ('mod', 'all'))"
		"            OR (s.name = 'log_min_duration_statement' AND s.setting <> '-1')"
		"            OR (s.name = 'log_min_duration_sample' AND s.setting <> '-1'"
		"                AND current_setting('log_statement_sample_rate')::float8 > 0)"
		"            OR (s.name = 'log_transaction_sample_rate'"
		"                AND s.setting::float8 > 0)),"
		"    current_setting('log_parameter_max_length'),"
		"    current_setting('log_parameter_max_length_on_error')";

	if (doctor->sources == NIL)
		return;
	doctor_for_rows(doctor, sql, 0, NULL, NULL, take_logging, NULL);
	finding_logged_plans(doctor);
}
