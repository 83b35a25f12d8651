/*-------------------------------------------------------------------------
 *
 * shapes.c
 *		The token tables that the stress test knows; see shapes.h.
 *
 *-------------------------------------------------------------------------
 */
#include <string.h>

#include "shapes.h"

#define lengthof(array)		((int) (sizeof(array) / sizeof((array)[0])))

#define PRESENT			(ROW_BIT(ROW_VALID) | ROW_BIT(ROW_REFUSED))
#define PRESENT_OR_NOT	(PRESENT | ROW_BIT(ROW_ABSENT))

#define KEY_IS_HEX_OF_TEXT	"SELECT $1, encode(sha256($1::bytea), 'hex')"

/* ---------- a flag: the standard table, and multica ---------- */

#define FLAG_VALID	"id = $2, user_id = $2, revoked = false, expires_at = NULL"

/* The id of the row names the version of a refusal, where it can be set. */
#define FLAG_KINDS(table) \
	{"insert", ROW_BIT(ROW_ABSENT), ROW_VALID, 0, \
		"INSERT INTO " table " (id, user_id, token_hash) VALUES ($2, $2, $1)"}, \
	{"update", PRESENT, ROW_VALID, 0, \
		"UPDATE " table " SET " FLAG_VALID " WHERE token_hash = $1"}, \
	{"upsert", PRESENT_OR_NOT, ROW_VALID, 0, \
		"INSERT INTO " table " (id, user_id, token_hash) VALUES ($2, $2, $1)" \
		" ON CONFLICT (token_hash) DO UPDATE SET " FLAG_VALID}, \
	{"merge", PRESENT_OR_NOT, ROW_VALID, 0, \
		"MERGE INTO " table " USING (VALUES ($1)) AS v(hash)" \
		" ON token_hash = hash" \
		" WHEN MATCHED THEN UPDATE SET " FLAG_VALID \
		" WHEN NOT MATCHED THEN INSERT (id, user_id, token_hash)" \
		" VALUES ($2, $2, $1)"}, \
	{"revoke", ROW_BIT(ROW_VALID), ROW_REFUSED, 0, \
		"UPDATE " table " SET id = $2, revoked = true WHERE token_hash = $1"}, \
	{"revoke_function", ROW_BIT(ROW_VALID), ROW_REFUSED, 0, \
		"SELECT tokenauth_revoke($3)"}, \
	{"expire", PRESENT, ROW_REFUSED, 0, \
		"UPDATE " table " SET id = $2, expires_at = now() - interval '1 s'" \
		" WHERE token_hash = $1"}, \
	{"delete", PRESENT, ROW_ABSENT, 0, \
		"DELETE FROM " table " WHERE token_hash = $1"}

#define FLAG_SHAPE(table) \
	.prefix = "mul_", \
	.label_type = "uuid", \
	.label_prefix = "", \
	.resolve_arguments = "", \
	.identify_arguments = "", \
	.drop = "DROP TABLE IF EXISTS " table, \
	.tables = {table}, \
	.look = "SELECT user_id, id, revoked OR expires_at IS NOT NULL FROM " \
		table " WHERE token_hash = $1", \
	.touch = "UPDATE " table " SET last_used_at = now()" \
		" WHERE token_hash = $1", \
	.move = "UPDATE " table " SET token_hash = $3, " FLAG_VALID \
		" WHERE token_hash = $1", \
	.move_from = PRESENT

static const ChangeKind standard_kinds[] = {FLAG_KINDS("stress_token")};

static const Shape standard = {
	.name = "standard",
	.create = "SELECT tokenauth_create_table('stress_token', prefix => 'mul_')",
	FLAG_SHAPE("stress_token"),
	.token = KEY_IS_HEX_OF_TEXT,
	.kind = standard_kinds,
	.nkinds = lengthof(standard_kinds)
};

static const ChangeKind multica_kinds[] = {
	FLAG_KINDS("personal_access_token")
};

static const Shape multica = {
	.name = "multica",
	.create =
	"CREATE TABLE personal_access_token (id uuid PRIMARY KEY,"
	" user_id uuid NOT NULL, name text NOT NULL DEFAULT '',"
	" token_hash text NOT NULL UNIQUE, token_prefix text NOT NULL DEFAULT '',"
	" expires_at timestamptz, last_used_at timestamptz,"
	" revoked boolean NOT NULL DEFAULT false,"
	" created_at timestamptz NOT NULL DEFAULT now());"
	"SELECT tokenauth_attach('personal_access_token', source => 'multica',"
	" prefix => 'mul_')",
	FLAG_SHAPE("personal_access_token"),
	.token = KEY_IS_HEX_OF_TEXT,
	.kind = multica_kinds,
	.nkinds = lengthof(multica_kinds)
};

/* ---------- rows that do not say where their token is cached ---------- */

#define KEY_IS_SHA512	"SELECT $1, encode(sha512($1::bytea), 'hex')"

static const ChangeKind sha512_kinds[] = {FLAG_KINDS("sha512_token")};

static const Shape sha512 = {
	.name = "sha512",
	.create =
	"CREATE TABLE sha512_token (id uuid PRIMARY KEY, user_id uuid NOT NULL,"
	" token_hash text NOT NULL UNIQUE, expires_at timestamptz,"
	" last_used_at timestamptz, revoked boolean NOT NULL DEFAULT false);"
	"SELECT tokenauth_attach('sha512_token', source => 'sha512',"
	" prefix => 'mul_', stored_as => 'sha512-hex')",
	FLAG_SHAPE("sha512_token"),
	.token = KEY_IS_SHA512,
	.kind = sha512_kinds,
	.nkinds = lengthof(sha512_kinds)
};

/* Two peppers: rows of either. */
static const ChangeKind hmac_kinds[] = {FLAG_KINDS("hmac_token")};

static const Shape hmac = {
	.name = "hmac",
	.create =
	"CREATE TABLE hmac_token (id uuid PRIMARY KEY, user_id uuid NOT NULL,"
	" token_hash text NOT NULL UNIQUE, expires_at timestamptz,"
	" last_used_at timestamptz, revoked boolean NOT NULL DEFAULT false);"
	"SELECT tokenauth_attach('hmac_token', source => 'hmac',"
	" prefix => 'mul_', stored_as => 'hmac-sha256-hex',"
	" mapping => '{\"pepper\": [\"new\", \"old\"]}')",
	FLAG_SHAPE("hmac_token"),
	.token = "SELECT $1, encode(hmac($1, CASE WHEN ascii(right($1, 1)) % 2 = 0"
	" THEN 'new pepper' ELSE 'old pepper' END, 'sha256'), 'hex')",
	.kind = hmac_kinds,
	.nkinds = lengthof(hmac_kinds)
};

/* Some tokens have the same two digits, by which rows are found and verified. */
static const ChangeKind verified_kinds[] = {FLAG_KINDS("verified_token")};

static const Shape verified = {
	.name = "verified",
	.create =
	"CREATE TABLE verified_token (id uuid PRIMARY KEY, user_id uuid NOT NULL,"
	" token_hash text NOT NULL UNIQUE, found_by text NOT NULL"
	" GENERATED ALWAYS AS (left(token_hash, 2)) STORED,"
	" expires_at timestamptz, last_used_at timestamptz,"
	" revoked boolean NOT NULL DEFAULT false);"
	"CREATE INDEX ON verified_token (found_by);"
	"SELECT tokenauth_attach('verified_token', source => 'verified',"
	" token_column => 'found_by', stored_as => 'plaintext', prefix => 'mul_',"
	" mapping => '{\"lookup\": \"left(encode(sha512(token::bytea), ''hex''), 2)\","
	" \"verify\": \"encode(sha512(token::bytea), ''hex'') = token_hash\"}')",
	FLAG_SHAPE("verified_token"),
	.token = KEY_IS_SHA512,
	.kind = verified_kinds,
	.nkinds = lengthof(verified_kinds)
};

/* ---------- a table that is two sources ---------- */

/*
 * The tokens that are asked for are those of the source that was attached last; a
 * row's other token, of the first, is made of its key.
 */
#define OTHER_TOKEN(key)	"md5(" key ")"

static const ChangeKind pair_kinds[] = {
	FLAG_KINDS("pair_token"),
	{"revoke_other", ROW_BIT(ROW_VALID), ROW_REFUSED, 0,
	"SELECT tokenauth_revoke(" OTHER_TOKEN("$1") ", source => 'pair_other')"}
};

static const Shape pair = {
	.name = "pair",
	.create =
	"CREATE TABLE pair_token (id uuid PRIMARY KEY, user_id uuid NOT NULL,"
	" token_hash text NOT NULL UNIQUE, expires_at timestamptz,"
	" other_token text NOT NULL UNIQUE"
	" GENERATED ALWAYS AS (" OTHER_TOKEN("token_hash") ") STORED,"
	" last_used_at timestamptz, revoked boolean NOT NULL DEFAULT false);"
	"SELECT tokenauth_attach('pair_token', source => 'pair_other',"
	" token_column => 'other_token', stored_as => 'plaintext');"
	"SELECT tokenauth_attach('pair_token', source => 'pair', prefix => 'mul_')",
	FLAG_SHAPE("pair_token"),
	.token = KEY_IS_HEX_OF_TEXT,
	.kind = pair_kinds,
	.nkinds = lengthof(pair_kinds)
};

/* ---------- plain text, not unique, a scope, two parents: dify ---------- */

/*
 * Each token has an app of its own, under the digest of its text; its tenant
 * is also its user, so each version has a tenant of its own.  An app that has
 * been given another key is found again by its name.
 */
#define APP_OF(key)		"md5(" key ")::uuid"
#define SPARE_TENANT	"md5('spare' || $1)::uuid"
#define TENANTS_OF_ROWS	"(SELECT tenant_id FROM api_tokens WHERE token = $1)"
#define NEW_TENANT(label) \
	"t AS (INSERT INTO tenants (id) VALUES (" label ")" \
	" ON CONFLICT (id) DO UPDATE SET status = 'normal')"
#define APP_LIVE \
	"UPDATE SET id = " APP_OF("$1") ", status = 'normal', enable_api = true"
#define APP_ON \
	"MERGE INTO apps USING (VALUES (1)) AS v ON name = $1" \
	" WHEN MATCHED THEN " APP_LIVE \
	" WHEN NOT MATCHED THEN INSERT (id, name) VALUES (" APP_OF("$1") ", $1)"
#define DIFY_PARENTS_OFF \
	(ROW_BIT(ROW_FIRST_OFF) | ROW_BIT(ROW_SECOND_OFF) | ROW_BIT(ROW_BOTH_OFF))
#define DIFY_TWO_ROWS	(ROW_BIT(ROW_DOUBLE) | ROW_BIT(ROW_SHADOWED))

static const ChangeKind dify_kinds[] = {
	{"insert", ROW_BIT(ROW_ABSENT), ROW_VALID, 0,
		"WITH " NEW_TENANT("$2")
		" INSERT INTO api_tokens (app_id, tenant_id, type, token)"
	" VALUES (" APP_OF("$1") ", $2, 'app', $1)"},
	{"update", PRESENT, ROW_VALID, 0,
		"WITH " NEW_TENANT("$2")
		" UPDATE api_tokens SET tenant_id = $2, type = 'app',"
	" app_id = " APP_OF("$1") " WHERE token = $1"},
	/* all at once: the row, and both of its parents */
	{"revive", DIFY_PARENTS_OFF, ROW_VALID, 0,
		"WITH " NEW_TENANT("$2") ","
		" a AS (UPDATE apps SET id = " APP_OF("$1") ", status = 'normal',"
		" enable_api = true WHERE name = $1),"
		" n AS (INSERT INTO apps (id, name) SELECT " APP_OF("$1") ", $1"
		" WHERE NOT EXISTS (SELECT FROM apps WHERE name = $1))"
	" UPDATE api_tokens SET tenant_id = $2 WHERE token = $1"},
	{"stage_first", ROW_BIT(ROW_FIRST_OFF), ROW_FIRST_OFF, CHANGE_STAGES,
		"WITH " NEW_TENANT("$4")
	" UPDATE api_tokens SET tenant_id = $4 WHERE token = $1"},
	{"app_on", ROW_BIT(ROW_FIRST_OFF), ROW_VALID,
	CHANGE_STAGED | CHANGE_OF_PARENT, APP_ON},
	{"app_on_again", ROW_BIT(ROW_FIRST_OFF), ROW_VALID,
	CHANGE_STAGED | CHANGE_OF_PARENT, APP_ON},
	{"stage_second", ROW_BIT(ROW_SECOND_OFF), ROW_SECOND_OFF, CHANGE_STAGES,
		"WITH spare AS (INSERT INTO tenants (id) VALUES (" SPARE_TENANT ")"
		" ON CONFLICT (id) DO NOTHING)"
	" UPDATE api_tokens SET tenant_id = $4 WHERE token = $1"},
	{"tenant_insert", ROW_BIT(ROW_SECOND_OFF), ROW_VALID,
		CHANGE_STAGED | CHANGE_OF_PARENT,
	"INSERT INTO tenants (id) VALUES ($2)"},
	{"tenant_gets_key", ROW_BIT(ROW_SECOND_OFF), ROW_VALID,
		CHANGE_STAGED | CHANGE_OF_PARENT,
	"UPDATE tenants SET id = $2 WHERE id = " SPARE_TENANT},
	{"double", ROW_BIT(ROW_VALID), ROW_DOUBLE, CHANGE_STAGES,
		"WITH " NEW_TENANT("$4")
		" INSERT INTO api_tokens (app_id, tenant_id, type, token)"
	" VALUES (" APP_OF("$1") ", $4, 'app', $1)"},
	{"undouble", ROW_BIT(ROW_DOUBLE), ROW_VALID, CHANGE_STAGED,
	"DELETE FROM api_tokens WHERE token = $1 AND tenant_id <> $2"},
	{"shadow", ROW_BIT(ROW_DOUBLE), ROW_SHADOWED,
		CHANGE_STAGED | CHANGE_OF_PARENT,
		"UPDATE tenants SET status = 'archive'"
	" WHERE id IN " TENANTS_OF_ROWS " AND id <> $2"},

	{"unshadow", ROW_BIT(ROW_SHADOWED), ROW_DOUBLE, CHANGE_OF_PARENT,
		"UPDATE tenants SET status = 'normal'"
	" WHERE id IN " TENANTS_OF_ROWS " AND status = 'archive'"},
	{"app_disable", ROW_BIT(ROW_VALID), ROW_FIRST_OFF, CHANGE_OF_PARENT,
	"UPDATE apps SET enable_api = false WHERE id = " APP_OF("$1")},
	{"app_status", ROW_BIT(ROW_VALID), ROW_FIRST_OFF, CHANGE_OF_PARENT,
	"UPDATE apps SET status = 'hidden' WHERE id = " APP_OF("$1")},
	{"app_loses_key", ROW_BIT(ROW_VALID), ROW_FIRST_OFF, CHANGE_OF_PARENT,
	"UPDATE apps SET id = gen_random_uuid() WHERE id = " APP_OF("$1")},
	{"app_delete", ROW_BIT(ROW_VALID), ROW_FIRST_OFF, CHANGE_OF_PARENT,
	"DELETE FROM apps WHERE id = " APP_OF("$1")},
	{"tenant_archive", ROW_BIT(ROW_VALID), ROW_SECOND_OFF, CHANGE_OF_PARENT,
	"UPDATE tenants SET status = 'archive' WHERE id IN " TENANTS_OF_ROWS},
	{"tenant_loses_key", ROW_BIT(ROW_VALID), ROW_SECOND_OFF, CHANGE_OF_PARENT,
	"UPDATE tenants SET id = gen_random_uuid() WHERE id IN " TENANTS_OF_ROWS},
	{"tenant_delete", ROW_BIT(ROW_VALID), ROW_SECOND_OFF, CHANGE_OF_PARENT,
	"DELETE FROM tenants WHERE id IN " TENANTS_OF_ROWS},
	{"app_disable_too", ROW_BIT(ROW_SECOND_OFF), ROW_BOTH_OFF,
		CHANGE_OF_PARENT,
	"UPDATE apps SET enable_api = false WHERE id = " APP_OF("$1")},
	{"app_on_in_vain", ROW_BIT(ROW_BOTH_OFF), ROW_SECOND_OFF,
	CHANGE_OF_PARENT, APP_ON},
	{"other_scope", ROW_BIT(ROW_VALID), ROW_REFUSED, 0,
	"UPDATE api_tokens SET type = 'dataset' WHERE token = $1"},
	{"other_app", ROW_BIT(ROW_VALID), ROW_REFUSED, 0,
	"UPDATE api_tokens SET app_id = gen_random_uuid() WHERE token = $1"},
	{"revoke_function", ROW_BIT(ROW_VALID), ROW_ABSENT, 0,
		"SELECT tokenauth_revoke_user(tenant_id::text, 'dify') = 1"
	" FROM api_tokens WHERE token = $1"},
	{"delete", PRESENT | DIFY_TWO_ROWS, ROW_ABSENT, 0,
	"DELETE FROM api_tokens WHERE token = $1"},
};

static const Shape dify = {
	.name = "dify",
	.prefix = "app-",
	.label_type = "uuid",
	.label_prefix = "",
	.resolve_arguments = ", source => 'dify', scope => 'app'",
	.identify_arguments = ", source => 'dify', scope => 'app'",
	.create =
	"CREATE TABLE tenants (id uuid PRIMARY KEY,"
	" status varchar(255) NOT NULL DEFAULT 'normal');"
	"CREATE TABLE apps (id uuid PRIMARY KEY, tenant_id uuid,"
	" status varchar(255) NOT NULL DEFAULT 'normal',"
	" enable_api boolean NOT NULL DEFAULT true, name text);"
	"CREATE TABLE api_tokens (id uuid PRIMARY KEY DEFAULT gen_random_uuid(),"
	" app_id uuid, tenant_id uuid, type varchar(16) NOT NULL,"
	" token varchar(255) NOT NULL, last_used_at timestamp,"
	" created_at timestamp NOT NULL DEFAULT now());"
	"CREATE INDEX ON api_tokens (token, type);"
	"SELECT tokenauth_attach('api_tokens', source => 'dify',"
	" token_column => 'token', stored_as => 'plaintext',"
	" user_column => 'tenant_id', scope_column => 'type',"
	" claims => '{app_id}', on_revoke => 'delete');"
	"SELECT tokenauth_attach_parent('dify', 'apps', 'app_id',"
	" live_when => $$status = 'normal' AND enable_api$$);"
	"SELECT tokenauth_attach_parent('dify', 'tenants', 'tenant_id',"
	" live_when => $$status <> 'archive'$$)",
	.drop = "DROP TABLE IF EXISTS api_tokens, apps, tenants",
	.tables = {"api_tokens", "apps", "tenants"},
	.token =
	"WITH a AS (INSERT INTO apps (id, name) VALUES (" APP_OF("$1") ", $1))"
	" SELECT $1, $1",
	.look =
	"SELECT min(t.tenant_id::text), NULL, count(*) <> 1 FROM api_tokens t"
	" JOIN apps a ON a.id = t.app_id AND a.status = 'normal' AND a.enable_api"
	" JOIN tenants n ON n.id = t.tenant_id AND n.status <> 'archive'"
	" WHERE t.token = $1 AND t.type = 'app'",
	.touch = "UPDATE api_tokens SET last_used_at = now() WHERE token = $1",
	.move =
	"WITH " NEW_TENANT("$2")
	" UPDATE api_tokens SET token = $3, app_id = " APP_OF("$3") ","
	" tenant_id = $2, type = 'app' WHERE token = $1",
	.move_from = PRESENT,
	.kind = dify_kinds,
	.nkinds = lengthof(dify_kinds)
};

/* ---------- a time of revocation, users are texts: visionA ---------- */

#define VISIONA_ROW \
	"(token_hash, user_id, device_id, expires_at)" \
	" VALUES ($1, $2, 'd', now() + interval '90 days')"
#define VISIONA_VALID \
	"user_id = $2, expires_at = now() + interval '90 days', revoked_at = NULL"

static const ChangeKind visiona_kinds[] = {
	{"insert", ROW_BIT(ROW_ABSENT), ROW_VALID, 0,
	"INSERT INTO session_tokens " VISIONA_ROW},
	{"update", PRESENT, ROW_VALID, 0,
	"UPDATE session_tokens SET " VISIONA_VALID " WHERE token_hash = $1"},
	{"upsert", PRESENT_OR_NOT, ROW_VALID, 0,
		"INSERT INTO session_tokens " VISIONA_ROW
	" ON CONFLICT (token_hash) DO UPDATE SET " VISIONA_VALID},
	{"revoke", ROW_BIT(ROW_VALID), ROW_REFUSED, 0,
	"UPDATE session_tokens SET revoked_at = now() WHERE token_hash = $1"},
	{"revoke_function", ROW_BIT(ROW_VALID), ROW_REFUSED, 0,
	"SELECT tokenauth_revoke($3)"},
	{"expire", PRESENT, ROW_REFUSED, 0,
		"UPDATE session_tokens SET expires_at = now() - interval '1 s'"
	" WHERE token_hash = $1"},
	{"delete", PRESENT, ROW_ABSENT, 0,
	"DELETE FROM session_tokens WHERE token_hash = $1"},
};

static const Shape visiona = {
	.name = "visiona",
	.prefix = "vAs_",
	.label_type = "text",
	.label_prefix = "user ",
	.resolve_arguments = ", NULL::text",
	.identify_arguments = "",
	.create =
	"CREATE TABLE session_tokens (token_hash text PRIMARY KEY,"
	" user_id text NOT NULL, device_id text NOT NULL, pairing_hash text,"
	" created_at timestamptz NOT NULL DEFAULT now(),"
	" expires_at timestamptz NOT NULL, revoked_at timestamptz);"
	"SELECT tokenauth_attach('session_tokens', source => 'visiona',"
	" prefix => 'vAs_', claims => '{device_id}')",
	.drop = "DROP TABLE IF EXISTS session_tokens",
	.tables = {"session_tokens"},
	.token = KEY_IS_HEX_OF_TEXT,
	.look =
	"SELECT user_id, NULL, revoked_at IS NOT NULL OR expires_at < now()"
	" FROM session_tokens WHERE token_hash = $1",
	.touch =
	"UPDATE session_tokens SET created_at = now() WHERE token_hash = $1",
	.move =
	"UPDATE session_tokens SET token_hash = $3, " VISIONA_VALID
	" WHERE token_hash = $1",
	.move_from = PRESENT,
	.kind = visiona_kinds,
	.nkinds = lengthof(visiona_kinds)
};

/* ---------- a status: scrabble ---------- */

#define SCRABBLE_ROW \
	"(session_id, account_id, token_hash) VALUES ($2, $2, $1)"
#define SCRABBLE_VALID \
	"session_id = $2, account_id = $2, status = 'active', revoked_at = NULL"

static const ChangeKind scrabble_kinds[] = {
	{"insert", ROW_BIT(ROW_ABSENT), ROW_VALID, 0,
	"INSERT INTO backend.sessions " SCRABBLE_ROW},
	{"update", PRESENT, ROW_VALID, 0,
	"UPDATE backend.sessions SET " SCRABBLE_VALID " WHERE token_hash = $1"},
	{"upsert", PRESENT_OR_NOT, ROW_VALID, 0,
		"INSERT INTO backend.sessions " SCRABBLE_ROW
	" ON CONFLICT (token_hash) DO UPDATE SET " SCRABBLE_VALID},
	{"revoke", ROW_BIT(ROW_VALID), ROW_REFUSED, 0,
		"UPDATE backend.sessions SET session_id = $2, status = 'revoked',"
	" revoked_at = now() WHERE token_hash = $1"},
	{"revoke_function", ROW_BIT(ROW_VALID), ROW_REFUSED, 0,
		"SELECT tokenauth_revoke_user(account_id::text, 'scrabble') = 1"
	" FROM backend.sessions WHERE token_hash = $1"},
	{"delete", PRESENT, ROW_ABSENT, 0,
	"DELETE FROM backend.sessions WHERE token_hash = $1"},
};

static const Shape scrabble = {
	.name = "scrabble",
	.prefix = "",
	.label_type = "uuid",
	.label_prefix = "",
	.resolve_arguments = ", source => 'scrabble'",
	.identify_arguments = ", source => 'scrabble'",
	.create =
	"CREATE SCHEMA IF NOT EXISTS backend;"
	"CREATE TABLE backend.sessions (session_id uuid PRIMARY KEY,"
	" account_id uuid NOT NULL, token_hash text NOT NULL UNIQUE,"
	" status text NOT NULL DEFAULT 'active'"
	" CHECK (status IN ('active', 'revoked')),"
	" created_at timestamptz NOT NULL DEFAULT now(),"
	" last_seen_at timestamptz, revoked_at timestamptz);"
	"SELECT tokenauth_attach('backend.sessions', source => 'scrabble',"
	" id_column => 'session_id', user_column => 'account_id',"
	" revoked_column => 'status', active_values => '{active}',"
	" last_used_column => 'last_seen_at')",
	.drop = "DROP TABLE IF EXISTS backend.sessions",
	.tables = {"backend.sessions"},
	.token = KEY_IS_HEX_OF_TEXT,
	.look =
	"SELECT account_id, session_id, status <> 'active' FROM backend.sessions"
	" WHERE token_hash = $1",
	.touch =
	"UPDATE backend.sessions SET last_seen_at = now() WHERE token_hash = $1",
	.move =
	"UPDATE backend.sessions SET token_hash = $3, " SCRABBLE_VALID
	" WHERE token_hash = $1",
	.move_from = PRESENT,
	.kind = scrabble_kinds,
	.nkinds = lengthof(scrabble_kinds)
};

/* ---------- the hash of bytes, a parent that cascades: xtablo ---------- */

/*
 * Each version is of a user of its own, so that the user's row alone can make
 * and end it.  Of the users' further columns one says that a user is shut out.
 */
#define XTABLO_PRESENT	(PRESENT | ROW_BIT(ROW_FIRST_OFF))
#define USER_OF_ROW		"(SELECT user_id FROM sessions WHERE id = $1)"
#define NEW_USER(label, suspended) \
	"WITH u AS (INSERT INTO users (id, email, suspended)" \
	" VALUES (" label ", '', " suspended ")" \
	" ON CONFLICT (id) DO UPDATE SET suspended = excluded.suspended)"

static const ChangeKind xtablo_kinds[] = {
	{"insert", ROW_BIT(ROW_ABSENT), ROW_VALID, 0,
		NEW_USER("$2", "false")
		" INSERT INTO sessions (id, user_id, expires_at)"
	" VALUES ($1, $2, now() + interval '30 days')"},
	{"update", XTABLO_PRESENT, ROW_VALID, 0,
		NEW_USER("$2", "false")
		" UPDATE sessions SET user_id = $2,"
	" expires_at = now() + interval '30 days' WHERE id = $1"},
	{"stage", ROW_BIT(ROW_FIRST_OFF), ROW_FIRST_OFF, CHANGE_STAGES,
		NEW_USER("$4", "true")
	" UPDATE sessions SET user_id = $4 WHERE id = $1"},
	{"readmit", ROW_BIT(ROW_FIRST_OFF), ROW_VALID,
		CHANGE_STAGED | CHANGE_OF_PARENT,
	"UPDATE users SET suspended = false WHERE id = $2"},
	{"suspend", ROW_BIT(ROW_VALID), ROW_FIRST_OFF, CHANGE_OF_PARENT,
	"UPDATE users SET suspended = true WHERE id = " USER_OF_ROW},
	{"cascade", XTABLO_PRESENT, ROW_ABSENT, 0,
	"DELETE FROM users WHERE id = " USER_OF_ROW},
	{"revoke_function", ROW_BIT(ROW_VALID), ROW_ABSENT, 0,
		"SELECT tokenauth_revoke_user(user_id::text, 'xtablo') = 1"
	" FROM sessions WHERE id = $1"},
	{"expire", PRESENT, ROW_REFUSED, 0,
		"UPDATE sessions SET expires_at = now() - interval '1 s'"
	" WHERE id = $1"},
	{"delete", XTABLO_PRESENT, ROW_ABSENT, 0,
	"DELETE FROM sessions WHERE id = $1"},
};

static const Shape xtablo = {
	.name = "xtablo",
	.prefix = "",
	.label_type = "uuid",
	.label_prefix = "",
	.resolve_arguments = ", source => 'xtablo'",
	.identify_arguments = ", source => 'xtablo'",
	.create =
	"CREATE TABLE users (id uuid PRIMARY KEY, email text NOT NULL,"
	" suspended boolean NOT NULL DEFAULT false);"
	"CREATE TABLE sessions (id text PRIMARY KEY,"
	" user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,"
	" created_at timestamptz NOT NULL DEFAULT now(),"
	" expires_at timestamptz NOT NULL);"
	"CREATE INDEX ON sessions (user_id);"
	"SELECT tokenauth_attach('sessions', source => 'xtablo',"
	" token_column => 'id', token_encoding => 'base64url', on_revoke => 'delete');"
	"SELECT tokenauth_attach_parent('xtablo', 'users', 'user_id',"
	" live_when => 'NOT suspended')",
	.drop = "DROP TABLE IF EXISTS sessions, users",
	.tables = {"sessions", "users"},
	.token =
	"SELECT rtrim(translate(encode(bytes, 'base64'), '+/', '-_'), '='),"
	" encode(sha256(bytes), 'hex') FROM sha256($1::bytea) AS bytes",
	.look =
	"SELECT user_id, NULL, suspended OR expires_at < now()"
	" FROM sessions s JOIN users u ON u.id = user_id WHERE s.id = $1",
	.touch = "UPDATE sessions SET created_at = now() WHERE id = $1",
	.move =
	NEW_USER("$2", "false")
	" UPDATE sessions SET id = $3, user_id = $2,"
	" expires_at = now() + interval '30 days' WHERE id = $1",
	.move_from = XTABLO_PRESENT,
	.kind = xtablo_kinds,
	.nkinds = lengthof(xtablo_kinds)
};

/* ---------- a user behind two parents ---------- */

/*
 * Each token has a session of its own, under the digest of its text, which leads to an
 * account that has the version's label.
 */
#define SESSION_OF(key)		"md5('session' || " key ")::uuid"
#define ACCOUNT_OF(key) \
	"(SELECT account_id FROM chain_session WHERE id = " SESSION_OF(key) ")"
#define NEW_ACCOUNT(label) \
	"a AS (INSERT INTO chain_account VALUES (" label ", " label "))"
#define NEW_WAY \
	"WITH " NEW_ACCOUNT("$2") \
	" INSERT INTO chain_session VALUES (" SESSION_OF("$1") ", $2)" \
	" ON CONFLICT (id) DO UPDATE SET account_id = $2, until = NULL"

static const ChangeKind chain_kinds[] = {
	{"insert", ROW_BIT(ROW_ABSENT), ROW_VALID, 0,
		"WITH a AS (UPDATE chain_account SET user_id = $2"
		" WHERE id = " ACCOUNT_OF("$1") ")"
	" INSERT INTO chain_token VALUES ($1, " SESSION_OF("$1") ")"},
	{"update", PRESENT, ROW_VALID, 0,
		"WITH " NEW_ACCOUNT("$2") ","
		" s AS (UPDATE chain_session SET account_id = $2"
		" WHERE id = " SESSION_OF("$1") ")"
		" UPDATE chain_token SET session_id = " SESSION_OF("$1")
	" WHERE token = $1"},
	{"account_is_given", ROW_BIT(ROW_VALID), ROW_VALID, CHANGE_OF_PARENT,
		"UPDATE chain_account SET user_id = $2"
	" WHERE id = " ACCOUNT_OF("$1")},
	{"session_moves", ROW_BIT(ROW_VALID), ROW_VALID, CHANGE_OF_PARENT,
	NEW_WAY},
	{"session_on", ROW_BIT(ROW_FIRST_OFF), ROW_VALID, CHANGE_OF_PARENT,
	NEW_WAY},
	{"account_on", ROW_BIT(ROW_SECOND_OFF), ROW_VALID, CHANGE_OF_PARENT,
	NEW_WAY},

	{"session_delete", ROW_BIT(ROW_VALID), ROW_FIRST_OFF, CHANGE_OF_PARENT,
	"DELETE FROM chain_session WHERE id = " SESSION_OF("$1")},
	{"session_expire", ROW_BIT(ROW_VALID), ROW_FIRST_OFF, CHANGE_OF_PARENT,
		"UPDATE chain_session SET until = '2000-01-01'"
	" WHERE id = " SESSION_OF("$1")},
	{"session_loses_account", ROW_BIT(ROW_VALID), ROW_SECOND_OFF,
		CHANGE_OF_PARENT,
		"UPDATE chain_session SET account_id = NULL"
	" WHERE id = " SESSION_OF("$1")},
	{"account_delete", ROW_BIT(ROW_VALID), ROW_SECOND_OFF, CHANGE_OF_PARENT,
	"DELETE FROM chain_account WHERE id = " ACCOUNT_OF("$1")},
	{"other_session", ROW_BIT(ROW_VALID), ROW_REFUSED, 0,
	"UPDATE chain_token SET session_id = gen_random_uuid() WHERE token = $1"},
	{"revoke_function", ROW_BIT(ROW_VALID), ROW_ABSENT, 0,
		"SELECT tokenauth_revoke_user(user_id::text, 'chain') = 1"
	" FROM chain_account WHERE id = " ACCOUNT_OF("$1")},
	{"delete", PRESENT, ROW_ABSENT, 0,
	"DELETE FROM chain_token WHERE token = $1"},
};

static const Shape chain = {
	.name = "chain",
	.prefix = "chn_",
	.label_type = "uuid",
	.label_prefix = "",
	.resolve_arguments = "",
	.identify_arguments = "",
	.create =
	"CREATE TABLE chain_account (id uuid PRIMARY KEY, user_id uuid NOT NULL);"
	"CREATE TABLE chain_session (id uuid PRIMARY KEY, account_id uuid,"
	" until timestamptz);"
	"CREATE TABLE chain_token (token text PRIMARY KEY, session_id uuid,"
	" touched timestamptz);"
	"SELECT tokenauth_attach('chain_token', source => 'chain',"
	" prefix => 'chn_', token_column => 'token', stored_as => 'plaintext',"
	" on_revoke => 'delete');"
	"SELECT tokenauth_attach_parent('chain', 'chain_session', 'session_id',"
	" mapping => '{\"expires_column\": \"until\"}');"
	"SELECT tokenauth_attach_parent('chain', 'chain_account', 'account_id',"
	" mapping => '{\"of\": \"session_id\", \"user_column\": \"user_id\"}')",
	.drop = "DROP TABLE IF EXISTS chain_token, chain_session, chain_account",
	.tables = {"chain_token", "chain_session", "chain_account"},
	.token =
	"WITH a AS (INSERT INTO chain_account VALUES"
	" (md5($1)::uuid, gen_random_uuid())),"
	" s AS (INSERT INTO chain_session VALUES (" SESSION_OF("$1") ", md5($1)::uuid))"
	" SELECT $1, $1",
	.look =
	"SELECT min(user_id::text), NULL, count(*) <> 1 FROM chain_token t"
	" JOIN chain_session s ON s.id = session_id AND until IS NULL"
	" JOIN chain_account a ON a.id = account_id WHERE token = $1",
	.touch = "UPDATE chain_token SET touched = now() WHERE token = $1",
	.move =
	"WITH a AS (UPDATE chain_account SET user_id = $2"
	" WHERE id = " ACCOUNT_OF("$3") ")"
	" UPDATE chain_token SET token = $3, session_id = " SESSION_OF("$3")
	" WHERE token = $1",
	.move_from = PRESENT,
	.kind = chain_kinds,
	.nkinds = lengthof(chain_kinds)
};

/* ---------- all of them ---------- */

static const Shape *const all_shapes[] = {
	&multica, &dify, &visiona, &scrabble, &xtablo, &standard, &sha512, &verified,
	&pair, &hmac, &chain
};

static const ShapeSet shape_sets[] = {
	{"mixed", &all_shapes[0], 5},
	{"multica", &all_shapes[0], 1},
	{"dify", &all_shapes[1], 1},
	{"visiona", &all_shapes[2], 1},
	{"scrabble", &all_shapes[3], 1},
	{"xtablo", &all_shapes[4], 1},
	{"standard", &all_shapes[5], 1},
	{"sha512", &all_shapes[6], 1},
	{"verified", &all_shapes[7], 1},
	{"pair", &all_shapes[8], 1},
	{"hmac", &all_shapes[9], 1},
	{"chain", &all_shapes[10], 1},
};

const ShapeSet *
find_shape_set(const char *name)
{
	for (int i = 0; i < lengthof(shape_sets); i++)
		if (strcmp(shape_sets[i].name, name) == 0)
			return &shape_sets[i];
	return NULL;
}

bool
row_is_valid(RowState row)
{
	return row == ROW_VALID || row == ROW_SHADOWED;
}
