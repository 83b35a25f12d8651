/*-------------------------------------------------------------------------
 *
 * findings_rows.c
 *		What some rows of a source's table tell.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "attach/sample.h"
#include "operate/findings.h"
#include "operate/remedy.h"
#include "source/stored_as.h"
#include "utils/lsyscache.h"

/*
 * Values that cannot be digests are found by no token.  Only their number is
 * told.
 */
void
finding_stored_form(Doctor *doctor, const Source *source)
{
	Sample		sample;

	if (PROBLEM_IS_FATAL(source->problem) ||
		source->stored_as.hash == HASH_NONE)
		return;
	sample_take(source, false, &sample);
	if (sample.nothers >= ROWS_THAT_TELL ||
		(sample.nothers > 0 && sample.nothers == sample.nvalues))
		doctor_report(doctor, SEVERITY_WARNING, source,
					  remedy_stored_form(source),
					  "of %d values of column \"%s\" of table \"%s\" that were looked at, %d are not of the form %s: such tokens are unknown",
					  sample.nvalues, source->column[ROLE_TOKEN].name,
					  get_rel_name(source->relation), sample.nothers,
					  stored_as_name(source->stored_as));
}
