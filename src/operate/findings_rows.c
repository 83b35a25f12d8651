/*-------------------------------------------------------------------------
 *
 * findings_rows.c
 *		What some rows of a source's table tell.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/sandbox.h"
#include "operate/findings.h"
#include "operate/remedy.h"
#include "source/owner.h"
#include "source/registry.h"
#include "source/stored.h"
#include "utils/lsyscache.h"

/* So many rows are looked at. */
#define ROWS_LOOKED_AT		100

/* Fewer of another form are rows that are no tokens of this source. */
#define ROWS_THAT_TELL		10

typedef struct Sample
{
	const Source *source;
	int64		rows;
	int64		others;			/* of another form than the source's */
} Sample;

static void
take_sample(void *arg)
{
	Sample	   *sample = arg;
	char	   *is_digest = stored_form_sql(sample->source, "x");
	OwnerCall	call;
	QueryResult *result;
	bool		isnull;

	owner_begin(&call, sample->source);
	result = owner_query(&call,
						 psprintf("SELECT pg_catalog.count(*), pg_catalog.count(*) FILTER (WHERE NOT %s)"
								  " FROM (SELECT %s AS x FROM ONLY %s WHERE %s IS NOT NULL LIMIT %d) AS rows",
								  is_digest, owner_column(&call, ROLE_TOKEN),
								  owner_table(&call),
								  owner_column(&call, ROLE_TOKEN),
								  ROWS_LOOKED_AT));
	owner_end(&call);
	sample->rows = DatumGetInt64(query_value(result, 0, 1, &isnull));
	sample->others = DatumGetInt64(query_value(result, 0, 2, &isnull));
}

/*
 * Values that cannot be digests are found by no token.  Only their number is
 * told.  Where the owner may not read the table, that is another finding.
 */
void
finding_stored_form(Doctor *doctor, const Source *source)
{
	Sample		sample = {source};
	ErrorData  *error;

	if (PROBLEM_IS_FATAL(source->problem) ||
		source->stored_as.hash == HASH_NONE)
		return;
	error = sandbox_try(take_sample, &sample, true);
	if (error != NULL)
	{
		if (sandbox_concerns_all(error))
			ReThrowError(error);
		return;
	}
	if (sample.others >= ROWS_THAT_TELL ||
		(sample.others > 0 && sample.others == sample.rows))
		doctor_report(doctor, SEVERITY_WARNING, source,
					  remedy_stored_form(source),
					  "of " INT64_FORMAT " values of column \"%s\" of table \"%s\" that were looked at, " INT64_FORMAT " are not of the form %s: such tokens are unknown",
					  sample.rows, source->column[ROLE_TOKEN].name,
					  get_rel_name(source->relation), sample.others,
					  stored_as_name(source->stored_as));
}
