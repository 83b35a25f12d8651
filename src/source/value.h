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
