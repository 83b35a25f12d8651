/*-------------------------------------------------------------------------
 *
 * verified.c
 *		What a source's verify compares the token with; see verified.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "source/verified.h"
#include "utils/catcache.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

static bool
is_part_of_word(char c)
{
	return c == '_' || c == '$' || IS_HIGHBIT_SET(c) ||
		isalnum((unsigned char) c);
}

/* Is what ends here, as "r" in "r.secret" does, a row? */
static bool
is_qualifier(const char *end)
{
	return end[end[0] == '"' ? 1 : 0] == '.';
}

/* A name as it stands between quotation marks. */
static StringInfoData
quoted_word(const char *name)
{
	StringInfoData word;

	initStringInfo(&word);
	for (; *name != '\0'; name++)
	{
		if (*name == '"')
			appendStringInfoChar(&word, '"');
		appendStringInfoChar(&word, *name);
	}
	return word;
}

/*
 * Does an expression name a column?  By its words, which one that cannot be parsed any
 * more has, too: in whatever case, quoted or not, whatever the session's settings.  More
 * than the column is named so, such as a function or a type, or part of a literal.
 */
static bool
names_column(const char *expression, const char *column)
{
	StringInfoData word = quoted_word(column);
	bool		found = false;

	for (const char *at = expression; *at != '\0' && !found; at++)
		/* or by the numbers of its characters, which nobody writes */
		found = pg_strncasecmp(at, "U&\"", 3) == 0 ||
			(pg_strncasecmp(at, word.data, word.len) == 0 &&
			 (at == expression || !is_part_of_word(at[-1])) &&
			 !is_part_of_word(at[word.len]) && !is_qualifier(at + word.len));
	pfree(word.data);
	return found;
}

Secrecy
verified_secrecy(Oid type)
{
	char		category;
	bool		preferred;

	type = getBaseType(type);
	get_type_category_preferred(type, &category, &preferred);
	if (category == TYPCATEGORY_BOOLEAN || category == TYPCATEGORY_DATETIME ||
		category == TYPCATEGORY_ENUM)
		return NEVER_SECRET;
	return type == UUIDOID || category == TYPCATEGORY_NUMERIC ?
		PERHAPS_SECRET : LIKELY_SECRET;
}

/* Is the row found by what only the token's holder knows? */
static bool
is_found_by_secret(const Source *source)
{
	return source->lookup == NULL && source->part.kind != PART_BEFORE;
}

Bitmapset *
verified_columns(const Source *source)
{
	CatCList   *attributes;
	Bitmapset  *secrets = NULL;
	Bitmapset  *numbers = NULL;

	if (source->verify == NULL)
		return NULL;
	attributes = SearchSysCacheList1(ATTNUM,
									 ObjectIdGetDatum(source->relation));
	for (int i = 0; i < attributes->n_members; i++)
	{
		Form_pg_attribute attribute =
			(Form_pg_attribute) GETSTRUCT(&attributes->members[i]->tuple);
		const char *name = NameStr(attribute->attname);
		Secrecy		secrecy;

		if (attribute->attnum <= 0 || attribute->attisdropped ||
			!names_column(source->verify, name))
			continue;
		secrecy = verified_secrecy(attribute->atttypid);
		if (secrecy == NEVER_SECRET)
			continue;
		if (secrecy == PERHAPS_SECRET && source_uses_column(source, name))
			numbers = bms_add_member(numbers, attribute->attnum);
		else
			secrets = bms_add_member(secrets, attribute->attnum);
	}
	ReleaseCatCacheList(attributes);
	return bms_is_empty(secrets) && !is_found_by_secret(source) ?
		numbers : secrets;
}
