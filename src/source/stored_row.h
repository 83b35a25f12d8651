/*-------------------------------------------------------------------------
 *
 * stored_row.h
 *		From a row's token column to the key, the cell, or the text of what it has.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_STORED_ROW_H
#define TOKENAUTH_STORED_ROW_H

#include "source/stored.h"

/*
 * The key of a row, from its token column.  False if no token can ever be found
 * in such a row, or if !stored_gives_key().  This one and the next two throw what
 * stored_datum() throws.
 */
extern bool stored_key_of_row(const Source *source, const StoredValue *stored,
							  TokenDigest *key);

/* The bytes of a stored value, as text. */
extern Datum stored_text(const Source *source, const StoredValue *stored);

/* The cell of a stored value. */
extern uint16 stored_cell(const Source *source, const StoredValue *stored);

#endif							/* TOKENAUTH_STORED_ROW_H */
