/*-------------------------------------------------------------------------
 *
 * token_columns.c
 *		Columns that hold tokens, of whatever source; see token_columns.h.
 *
 * They go by what the registry says, for a source that cannot be read now may be
 * mended later.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "source/generated.h"
#include "source/token_columns.h"
#include "utils/lsyscache.h"

static bool
has_token_in(const Source *source, Oid relation, const Bitmapset *columns)
{
	AttrNumber	attnum;

	if (source->relation != relation)
		return false;
	attnum = get_attnum(relation, source->column[ROLE_TOKEN].name);
	/* what a generated token column is made of has the token, too */
	return attnum > 0 &&
		bms_overlap(generated_with_origins(relation, bms_make_singleton(attnum)),
					columns);
}

const Source *
tokens_in_columns(const Source *source, Oid relation,
				  const Bitmapset *columns)
{
	Bitmapset  *all = generated_with_origins(relation, columns);
	ListCell   *lc;

	if (has_token_in(source, relation, all))
		return source;
	foreach(lc, source->registered)
		if (has_token_in(lfirst(lc), relation, all))
			return lfirst(lc);
	return NULL;
}

const Source *
tokens_in_column(const Source *source, Oid relation, AttrNumber attnum)
{
	Bitmapset  *column = bms_make_singleton(attnum);
	const Source *holder = tokens_in_columns(source, relation, column);

	bms_free(column);
	return holder;
}
