/*-------------------------------------------------------------------------
 *
 * value.h
 *		Values of the columns of a source.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_VALUE_H
#define TOKENAUTH_VALUE_H

#include "source/source.h"

/*
 * Throws 55000 if what is known of the source is not all that its registry row asks
 * for: an owner's code has had it read again, and that has failed half way.  Without
 * this, a condition that is not there would be one that the source does not have.
 */
extern void source_require_whole(const Source *source);

/*
 * The value of a column, which its source has, in a row of its table or a parent's.
 * All reads of such a value come here.  Throws 55000 if the source does not know the
 * column any more, or knows it with another type than the row has.
 */
extern Datum source_column_value(const Source *source,
								 const SourceColumn *column,
								 TupleTableSlot *row, bool *isnull);

/*
 * Throws 42804 unless values of this column, which has the role of a user or
 * a tenant, can be returned as that type.  source is its source's name.
 */
extern void source_check_type(const char *source, SourceRole role,
							  const SourceColumn *column, Oid wanted);

/*
 * The cell of the parent row with this key: that of the token row's column,
 * or of the parent's.
 */
extern uint16 source_parent_cell(const SourceParent *parent, Datum key);

#endif							/* TOKENAUTH_VALUE_H */
