/*-------------------------------------------------------------------------
 *
 * extension.h
 *		Where this database's tokenauth is.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TOKENAUTH_EXTENSION_H
#define TOKENAUTH_EXTENSION_H

/* All invalid if the extension is not installed here. */
typedef struct ExtensionInfo
{
	Oid			owner;
	Oid			schema;
	Oid			sources;		/* table tokenauth_source */
	Oid			parents;		/* table tokenauth_source_parent */
	Oid			trigger_function;	/* tokenauth_changed() */
} ExtensionInfo;

/* Looks it all up; needs a transaction. */
extern void extension_find(ExtensionInfo *extension);

#endif							/* TOKENAUTH_EXTENSION_H */
