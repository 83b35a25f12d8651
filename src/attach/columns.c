/*-------------------------------------------------------------------------
 *
 * columns.c
 *		All columns that do not fit, in one error; see columns.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "attach/columns.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "source/citext.h"
#include "source/mapping.h"
#include "source/registry.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

/* What has been found, role by role. */
typedef struct Misfits
{
	int			nmissing;
	int			ntypes;
	const char *column;			/* the last of a type that does not fit */
	StringInfoData detail;
} Misfits;

static const char *
token_types(const Source *source)
{
	if (source->lookup != NULL)
		return "text, varchar, citext, char(n), uuid, integer, bigint or bytea";
	if (source->stored_as.form == FORM_BYTEA)
		return "bytea";
	if (source->stored_as.hash != HASH_NONE)
		return "text, varchar, citext or char(n)";
	return "text, varchar, citext, char(n), uuid, integer or bigint";
}

/* The types that mapping_type_fits() takes, in words. */
static const char *
types_that_fit(const Source *source, SourceRole role)
{
	switch (role)
	{
		case ROLE_TOKEN:
			return token_types(source);
		case ROLE_USER:
		case ROLE_TENANT:
			return "uuid, text, varchar, citext, integer or bigint";
		case ROLE_EXPIRES:
		case ROLE_USED:
		case ROLE_LAST_USED:
		case ROLE_CREATED:
			return "a timestamp, with or without time zone";
		case ROLE_REVOKED:
			if (source->active_values != NIL)
				return "text, varchar, an enum, smallint, integer or bigint";
			return source->flag_is_active ? "boolean" :
				"boolean, or a timestamp; a text, enum or number needs active_values";
		case ROLE_SCOPE:
			return "a text, an array of text or varchar, jsonb or json";
		case ROLE_ID:
		case ROLE_COUNT:
			break;
	}
	return "any type";
}

static const char *
argument_of(const Source *source, SourceRole role)
{
	return role == ROLE_REVOKED && source->flag_is_active ? "active_column" :
		role_argument(role);
}

static void
look_at_column(const Source *source, SourceRole role, Misfits *misfits)
{
	const char *column = source->column[role].name;
	AttrNumber	attnum = get_attnum(source->relation, column);
	Oid			type;

	if (attnum == InvalidAttrNumber)
	{
		misfits->nmissing++;
		appendStringInfo(&misfits->detail, "%s\"%s\", the %s, does not exist.",
						 misfits->detail.len > 0 ? "\n" : "", column,
						 argument_of(source, role));
		return;
	}
	type = get_atttype(source->relation, attnum);
	if (attnum < 0 || mapping_type_fits(source, role, plain_type(type)))
		return;
	misfits->ntypes++;
	misfits->column = column;
	appendStringInfo(&misfits->detail, "%s\"%s\", the %s, is of type %s; it can be %s.",
					 misfits->detail.len > 0 ? "\n" : "", column,
					 argument_of(source, role), format_type_be(type),
					 types_that_fit(source, role));
}

void
columns_check(const Source *source)
{
	Misfits		misfits = {0};
	const char *table = get_rel_name(source->relation);
	int			n;

	initStringInfo(&misfits.detail);
	for (SourceRole role = 0; role < ROLE_COUNT; role++)
		if (source->column[role].name != NULL)
			look_at_column(source, role, &misfits);
	n = misfits.nmissing + misfits.ntypes;
	if (n == 0 || (n == 1 && misfits.ntypes == 0))
		return;
	ereport(ERROR,
			(errcode(misfits.ntypes > 0 ? ERRCODE_DATATYPE_MISMATCH :
					 ERRCODE_UNDEFINED_COLUMN),
			 n == 1 ?
			 errmsg("table \"%s\" has a column \"%s\" whose type does not fit its use",
					table, misfits.column) :
			 errmsg("%d columns of table \"%s\" do not fit their use", n, table),
			 errdetail_internal("%s", misfits.detail.data),
			 errhint("Name another column, or an expression of a type that fits in the mapping, such as \"expires_expression\"; '' says that there is none.")));
}
