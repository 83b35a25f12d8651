/*-------------------------------------------------------------------------
 *
 * explain_near.c
 *		Why a token is found in no row: what would be found; see explain.h.
 *
 * Each try is a copy of the source with something said otherwise, of which the
 * same functions make a stored value.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include "catalog/pg_type.h"
#include "operate/explain.h"
#include "source/form.h"
#include "source/registry.h"
#include "source/stored.h"
#include "source/stored_as.h"
#include "utils/builtins.h"
#include "utils/formatting.h"

/* A RowVisitor. */
static bool
visit_any(TupleTableSlot *row, void *arg)
{
	*(bool *) arg = true;
	return false;
}

/* Has a row what this source would look for? */
static bool
finds(Explanation *explanation, const Source *source, const char *token,
	  Size len)
{
	StoredValues sought;
	bool		found = false;

	if (len == 0 || !stored_values(source, token, len, &sought))
		return false;
	for (int i = 0; i < sought.n && !found; i++)
		if (!was_read_again(explanation->source, &explanation->tables))
			scan_visit(&(Visit) {&explanation->tables.table[0],
								 explanation->snapshot,
								 stored_datum(source, &sought.value[i]),
								 visit_any, &found});
	stored_forget_all(&sought);
	return found;
}

/* What is left of a token without what it was copied with. */
static void
try_trimmed(Explanation *explanation)
{
	static const char around[] = " \t\r\n\"'";
	static const char bearer[] = "Bearer ";
	const char *token = explanation->token;
	Size		len = explanation->token_len;

	if (len > strlen(bearer) &&
		pg_strncasecmp(token, bearer, strlen(bearer)) == 0)
	{
		token += strlen(bearer);
		len -= strlen(bearer);
	}
	while (len > 0 && token[0] != '\0' && strchr(around, token[0]) != NULL)
	{
		token++;
		len--;
	}
	while (len > 0 && token[len - 1] != '\0' &&
		   strchr(around, token[len - 1]) != NULL)
		len--;
	if (len < explanation->token_len &&
		source_has_prefix(explanation->source, token, len) &&
		finds(explanation, explanation->source, token, len))
		explain_tell(explanation, "near miss",
					 "a row has it without the blanks, quotes or \"Bearer\" around it");
}

static void
try_lower_case(Explanation *explanation)
{
	Size		len = explanation->token_len;
	char	   *lower = asc_tolower(explanation->token, len);

	if (memcmp(lower, explanation->token, len) != 0 &&
		source_has_prefix(explanation->source, lower, len) &&
		finds(explanation, explanation->source, lower, len))
		explain_tell(explanation, "near miss", "a row has it in lower case");
	explicit_bzero(lower, len);
}

/* How a try differs from the source, as it would be said. */
static char *
difference(const Source *source, const Source *other, const char *part)
{
	StringInfoData text;

	initStringInfo(&text);
	if (part != NULL)
		appendStringInfo(&text, " token_part \"%s\"", part);
	if (other->encoding != source->encoding)
		appendStringInfo(&text, " token_encoding '%s'",
						 source_encodings[other->encoding]);
	if (strcmp(stored_as_name(other->stored_as),
			   stored_as_name(source->stored_as)) != 0)
		appendStringInfo(&text, " stored_as '%s'",
						 stored_as_name(other->stored_as));
	if (source->stored_prefix != NULL && other->stored_prefix == NULL)
		appendStringInfoString(&text, " no stored_prefix");
	if (source->npeppers > 0 && other->npeppers == 0)
		appendStringInfoString(&text, " no pepper");
	return text.data;
}

static void
try_other(Explanation *explanation, const Source *other, const char *part)
{
	if (!stored_type_fits(other, other->column[ROLE_TOKEN].type) ||
		!finds(explanation, other, explanation->token, explanation->token_len))
		return;
	explain_tell(explanation, "near miss", "a row would have it with%s%s",
				 difference(explanation->source, other, part),
				 other->stored_as.hash == HASH_NONE && part == NULL ?
				 ", or what is presented is not the token, but what is stored" : "");
}

/* With the source's literal and peppers, and without either. */
static void
try_form(Explanation *explanation, const Source *source, StoredAs as,
		 const char *part)
{
	Source		other = *source;

	other.stored_as = as;
	if (as.hash == HASH_NONE)
		other.stored_prefix = NULL;
	try_other(explanation, &other, part);
	if (other.stored_prefix != NULL)
	{
		other.stored_prefix = NULL;
		try_other(explanation, &other, part);
	}
	if (as.hash != HASH_NONE && other.npeppers > 0)
	{
		other.npeppers = 0;
		other.stored_as.is_hmac = false;
		try_other(explanation, &other, part);
	}
}

/* All digests and forms, and the token itself. */
static void
try_forms(Explanation *explanation, const Source *source, const char *part)
{
	for (int hash = HASH_NONE; hash < HASH_COUNT; hash++)
		for (int form = FORM_TOKEN; form <= FORM_BYTEA; form++)
		{
			StoredAs	as;

			/* a token that is stored itself is not decoded */
			if ((hash == HASH_NONE) != (form == FORM_TOKEN) ||
				(hash == HASH_NONE && source->encoding != TOKEN_TEXT))
				continue;
			memset(&as, 0, sizeof(as));
			as.hash = (TokenHash) hash;
			as.form = (StoredForm) form;
			as.is_hmac = hash != HASH_NONE && source->stored_as.is_hmac;
			try_form(explanation, source, as, part);
		}
}

/* What is hashed: the text, or what it stands for. */
static void
try_encodings(Explanation *explanation, const Source *source, const char *part)
{
	Source		other = *source;

	for (int encoding = TOKEN_TEXT; encoding <= TOKEN_HEX; encoding++)
	{
		other.encoding = (TokenEncoding) encoding;
		try_forms(explanation, &other, part);
	}
}

void
explain_near_misses(Explanation *explanation)
{
	static const char *const parts[] = {
		"after prefix", "after |", "after .", "after _", "after :",
		"before |", "before .", "before :"
	};
	const Source *source = explanation->source;
	Source		other = *source;
	int			nsteps;

	try_trimmed(explanation);
	try_lower_case(explanation);
	if (source->lookup != NULL)
		return;
	try_encodings(explanation, source, NULL);
	memset(&other.part, 0, sizeof(TokenPart));
	if (source->part.kind != PART_WHOLE)
		try_encodings(explanation, &other, "whole");
	/* one part that is found is enough: others are the same by another name */
	nsteps = explanation->nsteps;
	for (int i = 0;
		 i < (int) lengthof(parts) && explanation->nsteps == nsteps; i++)
	{
		bool		is_same = source->token_part != NULL &&
			strcmp(source->token_part, parts[i]) == 0;

		if (is_same || !token_part_read(parts[i], &other.part) ||
			(other.part.kind == PART_AFTER_PREFIX && source->prefix == NULL))
			continue;
		try_encodings(explanation, &other, parts[i]);
	}
}
