/*-------------------------------------------------------------------------
 *
 * registry_check.c
 *		What can be said of a source: registry_check() of registry.h.
 *
 * The same for tokenauth_attach() and for what the registry turns out to hold,
 * for that may have been written by something else.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "source/mapping.h"
#include "source/registry.h"
#include "source/stored.h"
#include "source/stored_as.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

/* For the convenience of those who give up then. */
static bool
fail(RegistryFault *fault, const char *message)
{
	fault->sqlstate = ERRCODE_INVALID_PARAMETER_VALUE;
	fault->message = message;
	fault->detail = fault->hint = NULL;
	return false;
}

/*
 * A prefix is text that a token begins with, so it must look like it; where
 * the token is decoded, the prefix is decoded with it.
 */
static bool
check_prefix(const Source *source, RegistryFault *fault)
{
	static const char *const alphabets[] = {
		[TOKEN_TEXT] = "abcdefghijklmnopqrstuvwxyz"
		"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.~",
		[TOKEN_BASE64URL] = "abcdefghijklmnopqrstuvwxyz"
		"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-",
		[TOKEN_HEX] = "0123456789abcdef",
	};
	const char *prefix = source->prefix;

	if (prefix == NULL ||
		(prefix[0] != '\0' && strlen(prefix) <= TOKEN_MAX_PREFIX_LEN &&
		 prefix[strspn(prefix, alphabets[source->encoding])] == '\0'))
		return true;
	fail(fault, "invalid token prefix");
	fault->hint = psprintf("A prefix has 1 to %d characters of A-Z, a-z, 0-9, \"_\", \"-\", \".\", \"~\", and only such as the token's encoding has.",
						   TOKEN_MAX_PREFIX_LEN);
	return false;
}

static bool
check_positive(const char *argument, Interval *value, RegistryFault *fault)
{
	Interval	zero = {0};

	if (value == NULL ||
		DatumGetBool(DirectFunctionCall2(interval_gt,
										 IntervalPGetDatum(value),
										 IntervalPGetDatum(&zero))))
		return true;
	return fail(fault, psprintf("argument \"%s\" must be positive", argument));
}

/* What sliding expiry needs, and what a checksum excludes. */
static bool
check_lifetime(const Source *source, RegistryFault *fault)
{
	bool		expires = source->column[ROLE_EXPIRES].name != NULL;

	if (!check_positive("sliding_ttl", source->sliding_ttl, fault) ||
		!check_positive("sliding_threshold", source->sliding_threshold, fault) ||
		!check_positive("max_lifetime", source->max_lifetime, fault))
		return false;
	if ((source->sliding_ttl == NULL) != (source->sliding_threshold == NULL))
		return fail(fault, "arguments \"sliding_ttl\" and \"sliding_threshold\" go together");
	if (source->sliding_ttl != NULL &&
		DatumGetBool(DirectFunctionCall2(interval_ge,
										 IntervalPGetDatum(source->sliding_threshold),
										 IntervalPGetDatum(source->sliding_ttl))))
		return fail(fault, "argument \"sliding_threshold\" must be less than \"sliding_ttl\"");
	if (source->sliding_ttl != NULL && !expires)
		return fail(fault, "argument \"sliding_ttl\" needs an expires_column");
	if (source->max_lifetime != NULL &&
		(!expires || source->column[ROLE_CREATED].name == NULL))
		return fail(fault, "argument \"max_lifetime\" needs an expires_column and a created_column");
	if (source->checksum && source->encoding != TOKEN_TEXT)
		return fail(fault, "argument \"checksum\" goes with tokens that are hashed as text");
	return true;
}

/* What tokenauth_revoke() writes into a status column is not live. */
static bool
check_active_values(const Source *source, RegistryFault *fault)
{
	const char *revoked = source->revoked_value ? source->revoked_value :
		REVOKED_STATUS;
	ListCell   *lc;

	if (list_length(source->active_values) > REGISTRY_MAX_VALUES)
		return fail(fault, psprintf("argument \"%s\" must have at most %d values",
									"active_values", REGISTRY_MAX_VALUES));
	foreach(lc, source->active_values)
	{
		if (strlen(lfirst(lc)) > REGISTRY_MAX_VALUE)
			return fail(fault,
						psprintf("a value of argument \"%s\" is longer than %d bytes",
								 "active_values", REGISTRY_MAX_VALUE));
		if (strcmp(lfirst(lc), revoked) != 0)
			continue;
		fail(fault, psprintf("argument \"%s\" must not contain \"%s\"",
							 "active_values", revoked));
		fault->detail = "This is what tokenauth_revoke() sets the column to.";
		return false;
	}
	return true;
}

static bool
check_on_revoke(const Source *source, RegistryFault *fault)
{
	if (source->on_revoke != ON_REVOKE_FLAG ||
		source->column[ROLE_REVOKED].name != NULL)
		return true;
	fail(fault, "argument \"on_revoke\" needs a revoked_column to be 'flag'");
	return false;
}

static bool
check_condition(const char *condition, RegistryFault *fault)
{
	if (condition == NULL || strlen(condition) <= REGISTRY_MAX_CONDITION)
		return true;
	fail(fault, psprintf("argument \"%s\" is longer than %d bytes",
						 "live_when", REGISTRY_MAX_CONDITION));
	fault->hint = "Put the condition into an immutable function.";
	return false;
}

/* How a pepper gets into the digest is told, and once. */
static bool
check_peppers(const Source *source, RegistryFault *fault)
{
	if (source->stored_as.is_hmac && source->npeppers == 0)
	{
		fail(fault, psprintf("argument \"stored_as\" is \"%s\", which needs the key \"pepper\" of the mapping",
							 stored_as_name(source->stored_as)));
		fault->hint = "It names a line of the file that the setting tokenauth.pepper_file names.";
		return false;
	}
	if (source->npeppers > 0 && source->stored_as.hash == HASH_NONE)
		return fail(fault, "key \"pepper\" of the mapping goes with a digest");
	if (source->npeppers > 0 && !source->stored_as.is_hmac &&
		source->pepper_as == PEPPER_NONE)
	{
		fail(fault, "key \"pepper\" of the mapping needs a \"pepper_as\", or an HMAC");
		fault->hint = psprintf("Say \"pepper_as\": \"prefix\" or \"suffix\", or stored_as => 'hmac-%s'.",
							   stored_as_name(source->stored_as));
		return false;
	}
	if (source->pepper_as != PEPPER_NONE &&
		(source->npeppers == 0 || source->stored_as.is_hmac))
		return fail(fault, "key \"pepper_as\" of the mapping goes with a pepper, and not with an HMAC");
	return true;
}

/* What is said of how a token is stored fits together. */
static bool
check_stored(const Source *source, RegistryFault *fault)
{
	if (source->stored_prefix != NULL &&
		(source->stored_as.hash == HASH_NONE ||
		 source->stored_as.form == FORM_BYTEA))
		return fail(fault, "key \"stored_prefix\" of the mapping goes with a digest that is stored as text");
	if (source->part.kind == PART_AFTER_PREFIX && source->prefix == NULL)
		return fail(fault, "a token_part \"after prefix\" needs a prefix");
	if (source->lookup != NULL &&
		(source->token_part != NULL || source->encoding != TOKEN_TEXT ||
		 source->stored_as.hash != HASH_NONE))
	{
		fail(fault, "key \"lookup\" of the mapping goes with no token_part, token_encoding or digest");
		fault->hint = "It gives what is stored. Use stored_as => 'plaintext'.";
		return false;
	}
	if (source->scope_separator != NULL && !source_has_role(source, ROLE_SCOPE))
		return fail(fault, "key \"scope_separator\" of the mapping needs a scope_column");
	if (source->checksum &&
		(source->part.kind != PART_WHOLE || source->lookup != NULL))
		return fail(fault, "argument \"checksum\" goes with tokens that are hashed as a whole");
	if (source->nparents + stored_ncells(source) > CACHE_MAX_CELLS)
		return fail(fault, psprintf("a source whose rows do not have a SHA-256 or the token can have %d parents and peppers, of which it has at least one",
									CACHE_MAX_CELLS));
	return check_peppers(source, fault);
}

static bool
is_too_long(const char *text)
{
	return text != NULL && strlen(text) > REGISTRY_MAX_CONDITION;
}

static bool
are_too_long(const SourceColumn *column)
{
	for (SourceRole role = 0; role < ROLE_COUNT; role++)
		if (is_too_long(column[role].expression))
			return true;
	return false;
}

/* As long as a condition may be; what is stored is longer than what was told. */
static bool
check_expressions(const Source *source, RegistryFault *fault)
{
	bool		ok = !is_too_long(source->lookup) &&
		!is_too_long(source->verify) && !are_too_long(source->column);

	for (int i = 0; i < source->nparents; i++)
		ok &= !are_too_long(source->parent[i].column);
	if (ok)
		return true;
	fail(fault, psprintf("an expression of the mapping is longer than %d bytes",
						 REGISTRY_MAX_CONDITION));
	fault->hint = "Put it into an immutable function.";
	return false;
}

/* Each of them is found by another way, which begins at the token. */
static bool
check_way(const Source *source, int n, RegistryFault *fault)
{
	const SourceParent *parent = &source->parent[n];

	if (parent->of != NULL && parent->via == VIA_TOKEN)
	{
		fail(fault, psprintf("key \"of\" of the mapping is \"%s\", which leads to no parent",
							 parent->of));
		fault->hint = "It is the source_column of a parent that has been attached before; of a parent's parent the columns on the way, with dots between.";
		return false;
	}
	for (int i = 0; i < n; i++)
		if (strcmp(source->parent[i].path, parent->path) == 0)
		{
			fail(fault, psprintf("column \"%s\" of token source \"%s\" has a parent already",
								 parent->path, source->name));
			fault->sqlstate = ERRCODE_DUPLICATE_OBJECT;
			fault->hint = "To change it, detach the source and attach the table again.";
			return false;
		}
	return true;
}

/* Of two that are said, neither could be told from the other. */
static bool
check_told_once(const Source *source, SourceRole role, const char *what,
				RegistryFault *fault)
{
	int			n = source_has_role(source, role) ? 1 : 0;

	for (int i = 0; i < source->nparents; i++)
		n += column_is_told(&source->parent[i].column[role]) ? 1 : 0;
	if (n <= 1)
		return true;
	fail(fault, psprintf("the %s of a token of source \"%s\" is said twice",
						 what, source->name));
	fault->detail = "The token's row says it, or the row of one parent.";
	fault->hint = psprintf("If a parent does, attach the token table with %s => ''.",
						   role_argument(role));
	return false;
}

static bool
check_parents(const Source *source, RegistryFault *fault)
{
	for (int i = 0; i < source->nparents; i++)
	{
		const SourceParent *parent = &source->parent[i];

		if (!check_condition(parent->live_when, fault) ||
			!check_way(source, i, fault))
			return false;
	}
	return check_told_once(source, ROLE_USER, "user", fault) &&
		check_told_once(source, ROLE_TENANT, "tenant", fault);
}

bool
registry_check(const Source *source, RegistryFault *fault)
{
	if (source->name[0] == '\0')
	{
		fail(fault, "the name of a token source must not be empty");
		fault->sqlstate = ERRCODE_INVALID_NAME;
		return false;
	}
	if (list_length(source->claims) > REGISTRY_MAX_CLAIMS)
		return fail(fault, psprintf("argument \"%s\" must name 1 to %d columns",
									"claims", REGISTRY_MAX_CLAIMS));
	return check_prefix(source, fault) &&
		check_lifetime(source, fault) &&
		check_active_values(source, fault) &&
		check_on_revoke(source, fault) &&
		check_condition(source->live_when, fault) &&
		check_expressions(source, fault) &&
		check_stored(source, fault) &&
		check_parents(source, fault);
}

void
registry_report(const RegistryFault *fault)
{
	ereport(ERROR,
			(errcode(fault->sqlstate),
			 errmsg_internal("%s", fault->message),
			 fault->detail ? errdetail_internal("%s", fault->detail) : 0,
			 fault->hint ? errhint("%s", fault->hint) : 0));
}
