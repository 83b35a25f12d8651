/*-------------------------------------------------------------------------
 *
 * options.c
 *		Checking what tokenauth_attach() is told; see options.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "attach/options.h"
#include "attach/revoked.h"
#include "base/nullable.h"
#include "base/token.h"
#include "catalog/pg_type.h"
#include "source/directory.h"
#include "source/expression.h"
#include "source/mapping.h"
#include "source/registry.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"

/*
 * A prefix is text that a token begins with, so it must look like it; where
 * the token is decoded, the prefix is decoded with it.
 */
static void
check_prefix(const char *prefix, const char *encoding)
{
	const char *alphabet = "abcdefghijklmnopqrstuvwxyz"
		"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.~";

	if (strcmp(encoding, "hex") == 0)
		alphabet = "0123456789abcdef";
	else if (strcmp(encoding, "base64url") == 0)
		alphabet = "abcdefghijklmnopqrstuvwxyz"
			"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";

	if (prefix[0] == '\0' || strlen(prefix) > TOKEN_MAX_PREFIX_LEN ||
		strspn(prefix, alphabet) != strlen(prefix))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid token prefix"),
				 errhint("A prefix has 1 to %d characters of A-Z, a-z, 0-9, \"_\", \"-\", \".\", \"~\", and only such as the token's encoding has.",
						 TOKEN_MAX_PREFIX_LEN)));
}

static void
check_one_of(const char *argument, const char *value,
			 const char *const *choices, const char *hint)
{
	for (; *choices != NULL; choices++)
		if (strcmp(value, *choices) == 0)
			return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid value for argument \"%s\": \"%s\"", argument, value),
			 errhint("%s", hint)));
}

static void
check_storage(const char *stored_as, const char *encoding)
{
	check_one_of("stored_as", stored_as, source_storages,
				 "It is one of sha256-hex, sha256-bytea, plaintext.");
	check_one_of("token_encoding", encoding, source_encodings,
				 "It is one of text, base64url, hex.");
}

static void
check_timezone(const char *zone)
{
	if (mapping_timezone(zone) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("time zone \"%s\" not recognized", zone),
				 errhint("It is UTC, GMT, or a full name such as Europe/Berlin; an abbreviation can mean several zones.")));
}

/* Nobody may have the table, the name or the prefix already. */
static void
check_not_taken(Oid relation, const char *name, const char *prefix)
{
	ListCell   *lc;

	source_refresh();
	foreach(lc, source_all())
	{
		const Source *other = lfirst(lc);

		if (get_rel_relkind(other->relation) == '\0')
			continue;			/* dropped since, and about to be forgotten */
		if (other->relation == relation)
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_OBJECT),
					 errmsg("table \"%s\" is already attached as token source \"%s\"",
							get_rel_name(relation), other->name),
					 errhint("Detach it first: SELECT tokenauth_detach('%s').",
							 other->name)));
		if (strcmp(other->name, name) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_OBJECT),
					 errmsg("token source \"%s\" already exists", name),
					 errhint("Give another name in the argument \"source\".")));
		if (prefix && other->prefix && strcmp(other->prefix, prefix) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_OBJECT),
					 errmsg("token prefix \"%s\" is already taken by token source \"%s\"",
							prefix, other->name),
					 errhint("A prefix must lead to one source.")));
	}
}

const char *
options_resolve_condition(Oid relation, const char *condition)
{
	Relation	table;
	const char *stored;

	if (condition == NULL)
		return NULL;
	table = table_open(relation, NoLock);
	stored = expression_resolve(table, condition);
	table_close(table, NoLock);
	return stored;
}

/* A text[] or name[] as a list of C strings; NIL for NULL. */
static List *
array_to_list(ArrayType *array, Oid type)
{
	return nullable_list((NullableDatum) {PointerGetDatum(array), array == NULL},
						 type);
}

/* jsonb_build_object() takes 100 arguments. */
#define MAX_CLAIMS	50

static void
check_claims(const AttachOptions *options)
{
	List	   *names = array_to_list(options->claims, NAMEOID);
	ListCell   *lc;

	if (options->claims == NULL)
		return;
	if (names == NIL || list_length(names) > MAX_CLAIMS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must name 1 to %d columns", "claims",
						MAX_CLAIMS)));
	foreach(lc, names)
		if (get_attnum(options->relation, lfirst(lc)) <= 0)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("table \"%s\" has no column \"%s\"",
							get_rel_name(options->relation),
							(char *) lfirst(lc)),
					 errhint("The argument \"claims\" names columns of the table.")));
}

/*
 * The token, or its digest, must not come out again as something else, nor
 * get into the cache as something that is not hashed.
 */
static void
check_token_kept_apart(const AttachOptions *options)
{
	const char *token = options->column[ROLE_TOKEN];
	const char *argument = NULL;
	ListCell   *lc;

	for (int role = ROLE_ID; role < ROLE_COUNT; role++)
		if (options->column[role] != NULL &&
			strcmp(options->column[role], token) == 0)
			argument = role_argument(role);
	foreach(lc, array_to_list(options->claims, NAMEOID))
		if (strcmp(lfirst(lc), token) == 0)
			argument = "claims";
	if (argument != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must not name the token column \"%s\"",
						argument, token)));
}

static void
check_positive(const char *argument, Interval *value)
{
	Interval	zero = {0};

	if (value != NULL &&
		!DatumGetBool(DirectFunctionCall2(interval_gt,
										  IntervalPGetDatum(value),
										  IntervalPGetDatum(&zero))))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be positive", argument)));
}

/* What sliding expiry needs, and what a checksum excludes. */
static void
check_lifetime(const AttachOptions *options)
{
	check_positive("sliding_ttl", options->sliding_ttl);
	check_positive("sliding_threshold", options->sliding_threshold);
	check_positive("max_lifetime", options->max_lifetime);
	if ((options->sliding_ttl == NULL) != (options->sliding_threshold == NULL))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("arguments \"sliding_ttl\" and \"sliding_threshold\" go together")));
	if (options->sliding_ttl != NULL &&
		DatumGetBool(DirectFunctionCall2(interval_ge,
										 IntervalPGetDatum(options->sliding_threshold),
										 IntervalPGetDatum(options->sliding_ttl))))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"sliding_threshold\" must be less than \"sliding_ttl\"")));
	if (options->sliding_ttl != NULL && options->column[ROLE_EXPIRES] == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"sliding_ttl\" needs an expires_column")));
	if (options->max_lifetime != NULL &&
		(options->column[ROLE_EXPIRES] == NULL ||
		 options->column[ROLE_CREATED] == NULL))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"max_lifetime\" needs an expires_column and a created_column")));
	if (options->checksum && strcmp(options->encoding, "text") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"checksum\" goes with tokens that are hashed as text")));
}

void
options_check(const AttachOptions *options)
{
	if (options->name[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME),
				 errmsg("the name of a token source must not be empty")));
	check_storage(options->stored_as, options->encoding);
	if (options->prefix != NULL)
		check_prefix(options->prefix, options->encoding);
	check_token_kept_apart(options);
	check_lifetime(options);
	revoked_check(options->relation, options->column[ROLE_REVOKED],
				  array_to_list(options->active_values, TEXTOID));
	check_timezone(options->timezone);
	check_not_taken(options->relation, options->name, options->prefix);
	check_claims(options);
}
