/*-------------------------------------------------------------------------
 *
 * explain.c
 *		SQL: tokenauth_explain(), why a token is valid or is not; see explain.h.
 *
 * It takes the steps of judge.c one by one, by the same functions, and lets
 * lookup.c have the last word.  It asks the table and never the cache, and what it
 * does is no use of the token.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/arguments.h"
#include "base/compat.h"
#include "base/format.h"
#include "funcapi.h"
#include "judge/coherence.h"
#include "judge/judge.h"
#include "judge/lookup.h"
#include "operate/explain.h"
#include "source/directory.h"
#include "source/form.h"
#include "source/names.h"
#include "source/owner.h"
#include "source/problem.h"
#include "source/registry.h"
#include "source/stored_as.h"
#include "source/stored_row.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/tuplestore.h"

void
explain_tell(Explanation *explanation, const char *what,
			 const char *format,...)
{
	ReturnSetInfo *rsinfo = explanation->rsinfo;
	Datum		value[3];
	bool		isnull[3] = {false};
	va_list		args;

	value[0] = Int32GetDatum(++explanation->nsteps);
	value[1] = CStringGetTextDatum(what);
	va_start(args, format);
	value[2] = CStringGetTextDatum(format_text(format, args));
	va_end(args);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, value, isnull);
}

/* Whoever does not own the table learns nothing of its tokens. */
static bool
find_source(Explanation *explanation, const char *name)
{
	Source	   *source;

	if (name == NULL)
	{
		coherence_refresh();
		source = source_by_token(explanation->token, explanation->token_len);
	}
	else
		source = judge_named_source(name);
	if (source == NULL)
	{
		explain_tell(explanation, "source",
					 "none: no prefix fits, and no source is without one");
		return false;
	}
	owner_check(source->relation);
	if (!source_validate(source))
		stored_source_changed(source);
	explanation->source = source;
	explain_tell(explanation, "source", "\"%s\", %s", source->name,
				 name != NULL ? "as named" :
				 source->prefix != NULL ?
				 psprintf("by the prefix \"%s\"", source->prefix) :
				 "the only one without a prefix");
	return true;
}

static const char *
ending(char last)
{
	switch (last)
	{
		case '\n':
		case '\r':
			return ", the last is a newline";
		case ' ':
		case '\t':
			return ", the last is a blank";
		case '"':
		case '\'':
			return ", the last is a quote";
		default:
			return "";
	}
}

static void
tell_ends(Explanation *explanation)
{
	const char *token = explanation->token;
	Size		len = explanation->token_len;
	bool		blank = len > 0 && strchr(" \t\r\n\"'", token[0]) != NULL;

	explain_tell(explanation, "token", "%zu bytes%s%s", len,
				 blank ? ", the first is a blank or a quote" : "",
				 ending(len > 0 ? token[len - 1] : '\0'));
}

/* Is it of the form that tokens of the source have? */
static bool
has_token_form(Explanation *explanation)
{
	const Source *source = explanation->source;
	const char *token = explanation->token;
	Size		len = explanation->token_len;

	if (!source_has_prefix(source, token, len))
	{
		explain_tell(explanation, "prefix", "it does not begin with \"%s\"",
					 source->prefix);
		return false;
	}
	if (source->checksum &&
		!token_is_issued(source->prefix ? source->prefix : "", token, len))
	{
		explain_tell(explanation, "checksum",
					 "wrong: tokenauth has not issued it");
		return false;
	}
	return true;
}

/* What is cut out of it; false if there is no such part. */
static bool
has_part(Explanation *explanation)
{
	const Source *source = explanation->source;
	const char *part = explanation->token;
	Size		len = explanation->token_len;
	bool		there;

	if (source->lookup != NULL || source->token_part == NULL)
		return true;
	there = stored_part(source, &part, &len);
	explain_tell(explanation, "token_part",
				 there ? "\"%s\": %zu of its bytes" : "\"%s\": it has no such part",
				 source->token_part, len);
	return there;
}

/* What it is cached under, and looked for by; false if it is malformed. */
static bool
find_key(Explanation *explanation)
{
	const Source *source = explanation->source;

	if (!has_token_form(explanation) || !has_part(explanation))
		return false;
	if (stored_key(source, explanation->token, explanation->token_len,
				   &explanation->key))
		return true;
	explain_tell(explanation, "form",
				 explanation->token_len == 0 ? "it is empty" :
				 source->encoding == TOKEN_TEXT ?
				 "it is not the one way to write a value of the column" :
				 "it, or its part, is not %s of anything",
				 source_encodings[source->encoding]);
	return false;
}

/* Of a source with peppers, the value that is made with that one. */
static void
tell_stored_value(Explanation *explanation, const StoredValue *stored,
				  int pepper)
{
	const Source *source = explanation->source;
	Datum		text = stored_text(source, stored);

	explain_tell(explanation, "stored value", "%s%s, %zu bytes, in column \"%s\"",
				 source->lookup != NULL ? "what the lookup gives" :
				 source->stored_as.hash == HASH_NONE ? "the token, or its part" :
				 stored_as_name(source->stored_as),
				 source->npeppers == 0 ? "" :
				 psprintf(" with pepper \"%s\"", source->pepper[pepper]),
				 (Size) VARSIZE_ANY_EXHDR(DatumGetPointer(text)),
				 source->column[ROLE_TOKEN].name);
	token_wipe(text);
}

/* The rows that have what is looked for. */
static void
tell_rows(Explanation *explanation)
{
	const Source *source = explanation->source;
	LookupKey	key = {explanation->key, explanation->token,
	explanation->token_len};
	StoredValues sought;

	if (!lookup_search_values(source, &key, &sought))
	{
		explain_tell(explanation, "stored value",
					 "none: the lookup gives NULL, or what no row can have");
		return;
	}
	for (int i = 0; i < sought.n; i++)
	{
		if (was_read_again(source, &explanation->tables))
			stored_source_changed(source);
		tell_stored_value(explanation, &sought.value[i], sought.pepper[i]);
		scan_visit(&(Visit) {&explanation->tables.table[0],
							 explanation->snapshot,
							 stored_datum(source, &sought.value[i]),
							 explain_visit_row, explanation,.everywhere = true});
	}
	stored_forget_all(&sought);
	if (explanation->nrows == 0)
		explain_tell(explanation, "row", "none has it");
}

static void
tell_table(Explanation *explanation, bool has_key)
{
	if (!scan_open(explanation->source, true, &explanation->tables))
		stored_source_changed(explanation->source);
	explanation->snapshot = scan_snapshot();
	if (has_key)
		tell_rows(explanation);
	/* without an index each try would read the whole table */
	if (explanation->nrows == 0 && explanation->tables.table[0].index != NULL)
		explain_near_misses(explanation);
	UnregisterSnapshot(explanation->snapshot);
	scan_close(&explanation->tables);
}

/* As it would be judged, were it not cached. */
static void
tell_verdict(Explanation *explanation)
{
	LookupKey	key = {explanation->key, explanation->token,
	explanation->token_len};
	Verdict		verdict;
	uint64		stamp;

	if (!lookup_token(explanation->source, &key, &verdict, &stamp))
		stored_source_changed(explanation->source);
	verdict_settle(&verdict, GetCurrentTimestamp());
	explain_tell(explanation, "status", "%s%s",
				 token_status_name(verdict.status),
				 explanation->nverified > 1 && verdict.status == TOKEN_UNKNOWN ?
				 ", for several rows of it are live" : "");
}

static void
explain(Explanation *explanation, const char *name)
{
	Source	   *source;
	const char *problem;
	bool		has_key;

	if (!find_source(explanation, name))
	{
		explain_tell(explanation, "status", "%s",
					 token_status_name(explanation->token_len == 0 ?
									   TOKEN_MALFORMED : TOKEN_UNKNOWN));
		return;
	}
	source = explanation->source;
	problem = problem_explain(source);
	if (problem != NULL)
		explain_tell(explanation, "problem", "%s", problem);
	if (PROBLEM_IS_FATAL(source->problem))
		return;
	tell_ends(explanation);
	has_key = find_key(explanation);
	tell_table(explanation, has_key);
	if (has_key)
		tell_verdict(explanation);
	else
		explain_tell(explanation, "status", "%s",
					 token_status_name(TOKEN_MALFORMED));
}

/*
 * tokenauth_explain(token text, source name)
 * returns table (step integer, what text, outcome text)
 *
 * For the table's owner: how a token is cut, hashed, found and judged.
 */
TOKENAUTH_FUNCTION(tokenauth_explain);
Datum
tokenauth_explain(PG_FUNCTION_ARGS)
{
	Explanation explanation = {0};
	TokenQuery	query;
	text	   *token;

	require_argument(fcinfo, 0, "token");
	InitMaterializedSRF(fcinfo, 0);
	explanation.rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	token = judge_take_token(fcinfo, &query);
	explanation.token = query.token;
	explanation.token_len = query.token_len;
	explain(&explanation, name_or_null(fcinfo, 1));
	token_forget_copy(token, PG_GETARG_DATUM(0));
	return (Datum) 0;
}
