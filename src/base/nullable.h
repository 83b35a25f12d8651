/*-------------------------------------------------------------------------
 *
 * nullable.h
 *		Reading values that may be NULL.
 *
 * Each returns a copy in the current memory context, or NULL.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_NULLABLE_H
#define TOKENAUTH_NULLABLE_H

#include "nodes/pg_list.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

static inline char *
nullable_text(NullableDatum datum)
{
	return datum.isnull ? NULL : TextDatumGetCString(datum.value);
}

static inline char *
nullable_name(NullableDatum datum)
{
	return datum.isnull ? NULL : pstrdup(NameStr(*DatumGetName(datum.value)));
}

static inline Interval *
nullable_interval(NullableDatum datum)
{
	Interval   *copy;

	if (datum.isnull)
		return NULL;
	copy = palloc(sizeof(Interval));
	*copy = *DatumGetIntervalP(datum.value);
	return copy;
}

/*
 * The elements of a text[] or name[], which type says, as C strings; without
 * those that are null.  NIL for NULL.
 */
extern List *nullable_list(NullableDatum datum, Oid type);

#endif							/* TOKENAUTH_NULLABLE_H */
