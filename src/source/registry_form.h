/*-------------------------------------------------------------------------
 *
 * registry_form.h
 *		The columns of the registry of sources; for the files of registry.h.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_REGISTRY_FORM_H
#define TOKENAUTH_REGISTRY_FORM_H

#include "access/attnum.h"
#include "access/htup.h"
#include "access/tupdesc.h"
#include "source/extension.h"
#include "source/source.h"
#include "utils/relcache.h"

typedef struct RegistryColumn
{
	const char *name;
	Oid			type;			/* or one of those below */
	bool		required;		/* never NULL */
	bool		optional;		/* came after 1.0: NULL where it is not there yet,
								 * and NULL means what tokenauth did before */
} RegistryColumn;

/* The extension's own types, whose OIDs are not known ahead. */
#define TYPE_RELATION	InvalidOid
#define TYPE_PARENTS	OID_MAX

/* Columns of tokenauth_source; those of the roles in the roles' order. */
enum
{
	REG_SOURCE,
	REG_RELATION,
	REG_RELATION_NAME,
	REG_RELATION_OWNER,
	REG_PREFIX,
	REG_STORED_AS,
	REG_TOKEN_ENCODING,
	REG_ACTIVE_VALUES,
	REG_ON_REVOKE,
	REG_LIVE_WHEN,
	REG_CLAIMS,
	REG_MAPPING,
	REG_TIMEZONE,
	REG_CHECKSUM,
	REG_SLIDING_TTL,
	REG_SLIDING_THRESHOLD,
	REG_MAX_LIFETIME,
	REG_PARENTS,
	REG_PARENT_MAPPINGS,
	REG_FIRST_ROLE,
	REG_COUNT = REG_FIRST_ROLE + ROLE_COUNT
};

/* Fields of the type tokenauth_parent, of which the column "parents" is made. */
enum
{
	PAR_RELATION,
	PAR_NAME,
	PAR_OWNER,
	PAR_SOURCE_COLUMN,
	PAR_PARENT_COLUMN,
	PAR_LIVE_WHEN,
	PAR_COUNT
};

/* A list of columns as a table, or a type, has them. */
typedef struct ColumnMap
{
	const RegistryColumn *columns;
	int			ncolumns;
	TupleDesc	desc;
	AttrNumber	attnum[REG_COUNT];
} ColumnMap;

/* The form of the registry, while it is read. */
typedef struct RegistryForm
{
	const ExtensionInfo *extension;
	ColumnMap	source;
	ColumnMap	parent;
} RegistryForm;

extern const RegistryColumn registry_source_columns[REG_COUNT];
extern const RegistryColumn registry_parent_columns[PAR_COUNT];

/*
 * Find the columns of the open registry.  Returns what is wrong with its form, or
 * NULL; then the form must be ended, unless there is an error.
 */
extern const char *registry_form_begin(const ExtensionInfo *extension,
									   Relation table, RegistryForm *form);
extern void registry_form_end(RegistryForm *form);

/* The value that a row, or a parent in it, has in a column, which may not be there. */
extern Datum registry_form_value(const ColumnMap *map, HeapTuple tuple,
								 int column, bool *isnull);

/* The same as registry_form_begin(); throws what is wrong. */
extern void registry_form_require(const ExtensionInfo *extension,
								  Relation table, RegistryForm *form);

#endif							/* TOKENAUTH_REGISTRY_FORM_H */
