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

/*
 * Does core log bound parameters?  By the settings of this session; those of
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

	if (doctor->sources != NIL)
		doctor_for_rows(doctor, sql, 0, NULL, NULL, take_logging, NULL);
}
