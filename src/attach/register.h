/*-------------------------------------------------------------------------
 *
 * register.h
 *		Writing the registry of sources, with the rights of the extension's
 *		owner.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_REGISTER_H
#define TOKENAUTH_REGISTER_H

#include "lib/stringinfo.h"
#include "source/extension.h"
#include "utils/array.h"
#include "utils/timestamp.h"

#define REGISTER_MAX_COLUMNS	32

/* A row to be inserted: begin it, add its columns, write it. */
typedef struct NewRow
{
	int			n;
	Oid			type[REGISTER_MAX_COLUMNS];
	Datum		value[REGISTER_MAX_COLUMNS];
	char		isnull[REGISTER_MAX_COLUMNS];	/* 'n' if it is */
	StringInfoData columns;
	StringInfoData parameters;
} NewRow;

extern void register_begin(NewRow *row);

/* For each kind of column; NULL is null. */
extern void register_relation(NewRow *row, const char *column, Oid relation);
extern void register_name(NewRow *row, const char *column, const char *value);
extern void register_text(NewRow *row, const char *column, const char *value);
extern void register_bool(NewRow *row, const char *column, bool value);
extern void register_array(NewRow *row, const char *column, Oid type,
						   ArrayType *value);
extern void register_interval(NewRow *row, const char *column, Interval *value);

/* Into that table of the registry. */
extern void register_write(const ExtensionInfo *extension, const char *table,
						   NewRow *row);

/* Remove a source, and its parents with it. */
extern void register_remove(const ExtensionInfo *extension, Oid relation);

/*
 * Remove what is registered for tables that have been dropped, so that their
 * names, prefixes and statistics slots are free again.
 */
extern void register_remove_dropped(const ExtensionInfo *extension);

#endif							/* TOKENAUTH_REGISTER_H */
