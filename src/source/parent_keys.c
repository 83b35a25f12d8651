/*-------------------------------------------------------------------------
 *
 * parent_keys.c
 *		What a parent says beside living; see parent_keys.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "source/mapping_json.h"
#include "source/parent_keys.h"

typedef enum ParentKey
{
	KEY_OF,
	KEY_USER_COLUMN,
	KEY_USER_EXPRESSION,
	KEY_TENANT_COLUMN,
	KEY_TENANT_EXPRESSION,
	KEY_EXPIRES_COLUMN,
	KEY_EXPIRES_EXPRESSION,
	KEY_COUNT
} ParentKey;

static const char *const key_names[KEY_COUNT] = {
	[KEY_OF] = "of",
	[KEY_USER_COLUMN] = "user_column",
	[KEY_USER_EXPRESSION] = "user_expression",
	[KEY_TENANT_COLUMN] = "tenant_column",
	[KEY_TENANT_EXPRESSION] = "tenant_expression",
	[KEY_EXPIRES_COLUMN] = "expires_column",
	[KEY_EXPIRES_EXPRESSION] = "expires_expression",
};

static bool
is_argument(const char *key)
{
	static const char *const names[] =
	{"source", "parent", "source_column", "parent_column", "live_when"};

	for (int i = 0; i < (int) lengthof(names); i++)
		if (strcmp(names[i], key) == 0)
			return true;
	return false;
}

/* Where a parent keeps what is said under a key. */
static char **
place_of(SourceParent *parent, int key)
{
	switch ((ParentKey) key)
	{
		case KEY_OF:
			return &parent->of;
		case KEY_USER_COLUMN:
			return &parent->column[ROLE_USER].name;
		case KEY_USER_EXPRESSION:
			return &parent->column[ROLE_USER].expression;
		case KEY_TENANT_COLUMN:
			return &parent->column[ROLE_TENANT].name;
		case KEY_TENANT_EXPRESSION:
			return &parent->column[ROLE_TENANT].expression;
		case KEY_EXPIRES_COLUMN:
			return &parent->column[ROLE_EXPIRES].name;
		case KEY_EXPIRES_EXPRESSION:
			return &parent->column[ROLE_EXPIRES].expression;
		case KEY_COUNT:
			break;
	}
	pg_unreachable();
}

/* A MappingTake. */
static bool
set_key(void *arg, int key, char *value, RegistryFault *fault)
{
	SourceParent *parent = arg;

	*place_of(parent, key) = value;
	for (int role = 0; role < ROLE_COUNT; role++)
		if (parent->column[role].name != NULL &&
			parent->column[role].expression != NULL)
			return mapping_json_fail(fault,
									 psprintf("a parent has a %s or an expression in its place, not both",
											  role_argument(role)), NULL);
	return true;
}

/* A MappingTell. */
static const char *
key_value(const void *arg, int key)
{
	return *place_of(unconstify(SourceParent *, (const SourceParent *) arg), key);
}

static const MappingForm parent_form = {
	.function = "tokenauth_attach_parent",
	.names = key_names,
	.n = KEY_COUNT,
	.is_argument = is_argument,
	.take = set_key,
	.tell = key_value,
};

bool
parent_keys_read(Jsonb *mapping, SourceParent *parent, RegistryFault *fault)
{
	return mapping_json_read(&parent_form, mapping, parent, fault);
}

Jsonb *
parent_keys_write(const SourceParent *parent)
{
	return mapping_json_write(&parent_form, parent);
}

void
parent_find_way(const Source *source, int n, SourceParent *parent)
{
	parent->via = VIA_TOKEN;
	for (int i = 0; parent->of != NULL && i < n; i++)
		if (strcmp(source->parent[i].path, parent->of) == 0)
			parent->via = i;
	parent->path = parent->via == VIA_TOKEN ? parent->from.name :
		psprintf("%s.%s", parent->of, parent->from.name);
}
