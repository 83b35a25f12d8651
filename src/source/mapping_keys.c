/*-------------------------------------------------------------------------
 *
 * mapping_keys.c
 *		What is said of a table that few tables need; see mapping_keys.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include "source/mapping_json.h"
#include "source/mapping_keys.h"
#include "source/stored_as.h"

typedef enum MappingKey
{
	KEY_TOKEN_PART,
	KEY_STORED_PREFIX,
	KEY_PEPPER,
	KEY_PEPPER_AS,
	KEY_LOOKUP,
	KEY_VERIFY,
	KEY_SCOPE_SEPARATOR,
	KEY_NULL_USER,
	KEY_ID_EXPRESSION,
	KEY_USER_EXPRESSION,
	KEY_TENANT_EXPRESSION,
	KEY_SCOPE_EXPRESSION,
	KEY_EXPIRES_EXPRESSION,
	KEY_ACTIVE_COLUMN,
	KEY_NULL_FLAG,
	KEY_REVOKED_VALUE,
	KEY_IGNORED_COLUMNS,
	KEY_COUNT
} MappingKey;

static const char *const key_names[KEY_COUNT] = {
	[KEY_TOKEN_PART] = "token_part",
	[KEY_STORED_PREFIX] = "stored_prefix",
	[KEY_PEPPER] = "pepper",
	[KEY_PEPPER_AS] = "pepper_as",
	[KEY_LOOKUP] = "lookup",
	[KEY_VERIFY] = "verify",
	[KEY_SCOPE_SEPARATOR] = "scope_separator",
	[KEY_NULL_USER] = "null_user",
	[KEY_ID_EXPRESSION] = "id_expression",
	[KEY_USER_EXPRESSION] = "user_expression",
	[KEY_TENANT_EXPRESSION] = "tenant_expression",
	[KEY_SCOPE_EXPRESSION] = "scope_expression",
	[KEY_EXPIRES_EXPRESSION] = "expires_expression",
	[KEY_ACTIVE_COLUMN] = "active_column",
	[KEY_NULL_FLAG] = "null_flag",
	[KEY_REVOKED_VALUE] = "revoked_value",
	[KEY_IGNORED_COLUMNS] = "ignored_columns",
};

/* What a NULL in the flag's column means. */
#define NULL_IS_LIVE	"live"
#define NULL_IS_REVOKED	"revoked"

static bool
fail_value(MappingKey key, const char *hint, RegistryFault *fault)
{
	return mapping_json_fail(fault,
							 psprintf("invalid value for key \"%s\" of the mapping",
									  key_names[key]), hint);
}

static bool
is_argument(const char *key)
{
	for (SourceRole role = 0; role < ROLE_COUNT; role++)
		if (strcmp(role_argument(role), key) == 0)
			return true;
	return false;
}

static bool
set_null_flag(Source *source, const char *value, RegistryFault *fault)
{
	source->null_is_live = strcmp(value, NULL_IS_LIVE) == 0;
	if (source->null_is_live || strcmp(value, NULL_IS_REVOKED) == 0)
		return true;
	return fail_value(KEY_NULL_FLAG, "It is one of live, revoked.", fault);
}

/* What the lack of a user means. */
#define NO_USER_IS_VALID		"valid"
#define NO_USER_IS_DISABLED		"disabled"

static bool
set_null_user(Source *source, const char *value, RegistryFault *fault)
{
	source->user_is_optional = strcmp(value, NO_USER_IS_VALID) == 0;
	if (source->user_is_optional || strcmp(value, NO_USER_IS_DISABLED) == 0)
		return true;
	return fail_value(KEY_NULL_USER, "It is one of disabled, valid.", fault);
}

static bool
set_active_column(Source *source, char *value, RegistryFault *fault)
{
	if (source->column[ROLE_REVOKED].name != NULL)
		return mapping_json_fail(fault,
								 "a source has a revoked_column or an active_column, not both",
								 "Put what the other says into live_when.");
	source->column[ROLE_REVOKED].name = value;
	source->flag_is_active = true;
	return true;
}

static bool
set_expression(Source *source, SourceRole role, char *value,
			   RegistryFault *fault)
{
	if (source->column[role].name != NULL)
		return mapping_json_fail(fault,
								 psprintf("a source has a %s or an expression in its place, not both",
										  role_argument(role)),
								 psprintf("Use %s => ''.", role_argument(role)));
	source->column[role].expression = value;
	return true;
}

/* How a pepper is hashed. */
#define AS_PREFIX		"prefix"
#define AS_SUFFIX		"suffix"

static bool
set_pepper_as(Source *source, const char *value, RegistryFault *fault)
{
	if (strcmp(value, AS_PREFIX) == 0)
		source->pepper_as = PEPPER_PREFIX;
	else if (strcmp(value, AS_SUFFIX) == 0)
		source->pepper_as = PEPPER_SUFFIX;
	else
		return fail_value(KEY_PEPPER_AS, "It is one of prefix, suffix.", fault);
	return true;
}

static bool
add_pepper(Source *source, char *name, RegistryFault *fault)
{
	if (!pepper_is_name(name))
		return fail_value(KEY_PEPPER, "A name has 1 to 63 of A-Z, a-z, 0-9, \"_\", \"-\", \".\".",
						  fault);
	for (int i = 0; i < source->npeppers; i++)
		if (strcmp(source->pepper[i], name) == 0)
			return fail_value(KEY_PEPPER, "It names a pepper twice.", fault);
	if (source->npeppers == SOURCE_MAX_PEPPERS)
		return fail_value(KEY_PEPPER,
						  psprintf("There are at most %d of them.", SOURCE_MAX_PEPPERS),
						  fault);
	source->pepper[source->npeppers++] = name;
	return true;
}

static bool
add_ignored(Source *source, char *name, RegistryFault *fault)
{
	if (name[0] == '\0' || strlen(name) >= NAMEDATALEN)
		return fail_value(KEY_IGNORED_COLUMNS, "It has the names of columns.", fault);
	if (list_length(source->ignored) == REGISTRY_MAX_IGNORED)
		return fail_value(KEY_IGNORED_COLUMNS,
						  psprintf("There are at most %d of them.", REGISTRY_MAX_IGNORED),
						  fault);
	source->ignored = lappend(source->ignored, name);
	return true;
}

/* A MappingTakeList. */
static bool
set_list(void *arg, int key, List *names, RegistryFault *fault)
{
	ListCell   *lc;

	foreach(lc, names)
		if (key == KEY_PEPPER ? !add_pepper(arg, lfirst(lc), fault) :
			!add_ignored(arg, lfirst(lc), fault))
			return false;
	return names != NIL ||
		fail_value(key, "It is a name, or an array of names.", fault);
}

/* A MappingTake. */
static bool
set_key(void *arg, int key, char *value, RegistryFault *fault)
{
	Source	   *source = arg;

	switch ((MappingKey) key)
	{
		case KEY_TOKEN_PART:
			source->token_part = value;
			return token_part_read(value, &source->part) ||
				fail_value(key, "It is whole, after prefix, or after or before and a separator: \"after |\", \"before .\", \"after | if any\".",
						   fault);
		case KEY_STORED_PREFIX:
			source->stored_prefix = value;
			return true;
		case KEY_PEPPER:
			return add_pepper(source, value, fault);
		case KEY_PEPPER_AS:
			return set_pepper_as(source, value, fault);
		case KEY_LOOKUP:
			source->lookup = value;
			return true;
		case KEY_VERIFY:
			source->verify = value;
			return true;
		case KEY_SCOPE_SEPARATOR:
			source->scope_separator = value;
			return true;
		case KEY_NULL_USER:
			return set_null_user(source, value, fault);
		case KEY_ID_EXPRESSION:
			return set_expression(source, ROLE_ID, value, fault);
		case KEY_USER_EXPRESSION:
			return set_expression(source, ROLE_USER, value, fault);
		case KEY_TENANT_EXPRESSION:
			return set_expression(source, ROLE_TENANT, value, fault);
		case KEY_SCOPE_EXPRESSION:
			return set_expression(source, ROLE_SCOPE, value, fault);
		case KEY_EXPIRES_EXPRESSION:
			return set_expression(source, ROLE_EXPIRES, value, fault);
		case KEY_ACTIVE_COLUMN:
			return set_active_column(source, value, fault);
		case KEY_NULL_FLAG:
			return set_null_flag(source, value, fault);
		case KEY_REVOKED_VALUE:
			source->revoked_value = value;
			return true;
		case KEY_IGNORED_COLUMNS:
			return add_ignored(source, value, fault);
		case KEY_COUNT:
			break;
	}
	pg_unreachable();
}

/* A MappingTell. */
static const char *
key_value(const void *arg, int key)
{
	const Source *source = arg;

	switch ((MappingKey) key)
	{
		case KEY_TOKEN_PART:
			return source->token_part;
		case KEY_STORED_PREFIX:
			return source->stored_prefix;
		case KEY_PEPPER:
			return source->npeppers == 1 ? source->pepper[0] : NULL;
		case KEY_PEPPER_AS:
			return source->pepper_as == PEPPER_NONE ? NULL :
				source->pepper_as == PEPPER_PREFIX ? AS_PREFIX : AS_SUFFIX;
		case KEY_LOOKUP:
			return source->lookup;
		case KEY_VERIFY:
			return source->verify;
		case KEY_SCOPE_SEPARATOR:
			return source->scope_separator;
		case KEY_NULL_USER:
			return source->user_is_optional ? NO_USER_IS_VALID : NULL;
		case KEY_ID_EXPRESSION:
			return source->column[ROLE_ID].expression;
		case KEY_USER_EXPRESSION:
			return source->column[ROLE_USER].expression;
		case KEY_TENANT_EXPRESSION:
			return source->column[ROLE_TENANT].expression;
		case KEY_SCOPE_EXPRESSION:
			return source->column[ROLE_SCOPE].expression;
		case KEY_EXPIRES_EXPRESSION:
			return source->column[ROLE_EXPIRES].expression;
		case KEY_ACTIVE_COLUMN:
			return source->flag_is_active ?
				source->column[ROLE_REVOKED].name : NULL;
		case KEY_NULL_FLAG:
			return source->null_is_live ? NULL_IS_LIVE : NULL;
		case KEY_REVOKED_VALUE:
			return source->revoked_value;
		case KEY_IGNORED_COLUMNS:
			return NULL;		/* a list, always */
		case KEY_COUNT:
			break;
	}
	pg_unreachable();
}

/* A MappingTellList: of several peppers, which are no string. */
static List *
list_value(const void *arg, int key)
{
	const Source *source = arg;
	List	   *names = NIL;

	if (key == KEY_IGNORED_COLUMNS)
		return source->ignored;
	for (int i = 0; source->npeppers > 1 && i < source->npeppers; i++)
		names = lappend(names, source->pepper[i]);
	return names;
}

static bool
is_list(int key)
{
	return key == KEY_PEPPER || key == KEY_IGNORED_COLUMNS;
}

static const MappingForm source_form = {
	.function = "tokenauth_attach",
	.names = key_names,
	.n = KEY_COUNT,
	.is_argument = is_argument,
	.take = set_key,
	.tell = key_value,
	.is_list = is_list,
	.take_list = set_list,
	.tell_list = list_value,
};

bool
mapping_keys_read(Jsonb *mapping, Source *source, RegistryFault *fault)
{
	return mapping_json_read(&source_form, mapping, source, fault);
}

Jsonb *
mapping_keys_write(const Source *source)
{
	return mapping_json_write(&source_form, source);
}
