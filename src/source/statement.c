/*-------------------------------------------------------------------------
 *
 * statement.c
 *		SQL for a human to paste is one statement; see statement.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/keywords.h"
#include "lib/stringinfo.h"
#include "parser/scanner.h"
#include "source/statement.h"

/* A dollar quote that does not occur in a text. */
static char *
quote_around(const char *text)
{
	char	   *quote = pstrdup("$fix$");

	for (int n = 1; strstr(text, quote) != NULL; n++)
		quote = psprintf("$fix%d$", n);
	return quote;
}

static char *
do_block(const char *declarations, List *statements, const char *ending)
{
	StringInfoData body;
	ListCell   *lc;
	char	   *quote;

	initStringInfo(&body);
	appendStringInfo(&body, "%sBEGIN", declarations);
	foreach(lc, statements)
		appendStringInfo(&body, " %s", (char *) lfirst(lc));
	appendStringInfo(&body, "%s END", ending);
	quote = quote_around(body.data);
	return psprintf("DO %s %s %s;", quote, body.data, quote);
}

char *
statements_as_one(List *statements)
{
	if (list_length(statements) == 1)
		return linitial(statements);
	return do_block("", statements, "");
}

char *
statements_in_path(List *statements, const char *search_path)
{
	char	   *set = psprintf("SET LOCAL search_path = %s;", search_path);

	return do_block("DECLARE path pg_catalog.text := pg_catalog.current_setting('search_path'); ",
					lcons(set, statements),
					" PERFORM pg_catalog.set_config('search_path', path, true);");
}

bool
is_one_statement(const char *sql)
{
	core_yy_extra_type extra;
	core_yyscan_t scanner = scanner_init(sql, &extra, &ScanKeywords,
										 ScanKeywordTokens);
	core_YYSTYPE value;
	YYLTYPE		location;
	bool		ended = false;
	bool		one = true;
	int			token;

	while ((token = core_yylex(&value, &location, scanner)) != 0)
	{
		if (ended)
			one = false;
		if (token == ';')
			ended = true;
	}
	scanner_finish(scanner);
	return one;
}
