/*
 * contenders.c
 *		What is measured; see contenders.h.
 */
#include <stddef.h>
#include <string.h>

#include "contenders.h"

#define LIVE	" NOT revoked AND (expires_at IS NULL OR expires_at > now())"
#define SELECT	"SELECT user_id FROM personal_access_token WHERE token_hash = $1 AND" LIVE
#define RESOLVE	"SELECT tokenauth_resolve($1)"
#define FORGET	"SELECT bench_forget()"
#define WORK	"SELECT body FROM note WHERE owner = $1"
#define JOIN	"SELECT count(p.user_id) FROM trace JOIN personal_access_token p ON token_hash = hash AND" LIVE
#define SET(function, column) "SELECT count(" function "(" column ")) FROM trace"
#define HOT(function) "SELECT count(" function "((SELECT token FROM active WHERE n = 1))) FROM generate_series(1, 20000)"
#define TRACE	20000
#define REVOKE(table) "UPDATE " table " SET revoked = NOT revoked WHERE token_hash = $1"
#define ISSUE(table) "INSERT INTO " table " (user_id, name, token_hash, token_prefix) " \
	"VALUES ('4e5a2b1c-0000-4000-8000-000000000001', 'issued', $1, 'mul_00000000')"
/*
 * Few enough that no session is made to catch up by the server before it is
 * asked: it is from 2,048 messages on.
 */
#define HEAR(table, plans) {{POSTGRES, "SELECT 1", NOTHING, ONE}}, .rows = 500, \
	.setup = "SELECT bench_prepare(" #plans ")", \
	.before = "CALL bench_touch('" table "', 500)"

static const Contender contenders[] = {
	{"no-op", {{POSTGRES, "SELECT bench_noop($1)", TOKEN, NOBODY}}},
	{"SHA-256 alone", {{POSTGRES, "SELECT bench_sha256_alone($1)", TOKEN, NOBODY}}},
	{"SELECT 1", {{POSTGRES, "SELECT 1", NOTHING, ONE}}},
	{"SELECT", {{POSTGRES, SELECT, HASH, USER}}},
	{"SQL function", {{POSTGRES, "SELECT bench_sql($1)", TOKEN, USER}}},
	{"PL/pgSQL function", {{POSTGRES, "SELECT bench_plpgsql($1)", TOKEN, USER}}},
	{"tokenauth", {{POSTGRES, RESOLVE, TOKEN, USER}}},
	{"Redis", {{REDIS, NULL, HASH, USER}}},
	{"memcached", {{POSTGRES, "SELECT memcache_get($1)", HASH, USER}}},

	/* authenticate, then read the user's note */
	{"Redis, then query", {{REDIS, NULL, HASH, USER}, {POSTGRES, WORK, ANSWER, BODY}}},
	{"SELECT, then query", {{POSTGRES, SELECT, HASH, USER}, {POSTGRES, WORK, ANSWER, BODY}}},
	{"join in one query",
		{{POSTGRES, "SELECT body FROM note JOIN personal_access_token ON owner = user_id"
			" WHERE token_hash = $1 AND" LIVE, HASH, BODY}}},
	{"tokenauth in one query",
		{{POSTGRES, "SELECT body FROM note WHERE owner = tokenauth_resolve($1)", TOKEN, BODY}}},

	/* set-based: a whole log of requests in one statement */
	{"set: no-op", {{POSTGRES, SET("bench_noop", "token"), NOTHING, ALL_ROWS}}, .rows = TRACE},
	{"set: SHA-256 alone", {{POSTGRES, SET("bench_sha256_alone", "token"), NOTHING, ALL_ROWS}}, .rows = TRACE},
	{"set: least of an answer", {{POSTGRES, SET("bench_least", "token"), NOTHING, ALL_ROWS}}, .rows = TRACE},
	{"set: tokenauth", {{POSTGRES, SET("tokenauth_resolve", "token"), NOTHING, ALL_ROWS}}, .rows = TRACE},
	{"set: SQL function", {{POSTGRES, SET("bench_sql", "token"), NOTHING, ALL_ROWS}}, .rows = TRACE},
	{"set: PL/pgSQL function", {{POSTGRES, SET("bench_plpgsql", "token"), NOTHING, ALL_ROWS}}, .rows = TRACE},
	{"set: memcached", {{POSTGRES, SET("memcache_get", "hash"), NOTHING, ALL_ROWS}}, .rows = TRACE},
	{"set: hash join", {{POSTGRES, JOIN, NOTHING, ALL_ROWS}}, .rows = TRACE,
		.setup = "SET enable_nestloop = off; SET enable_mergejoin = off"},
	{"set: nested-loop join", {{POSTGRES, JOIN, NOTHING, ALL_ROWS}}, .rows = TRACE,
		.setup = "SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_memoize = off"},
	{"hot: no-op", {{POSTGRES, HOT("bench_noop"), NOTHING, ALL_ROWS}}, .rows = TRACE},
	{"hot: tokenauth", {{POSTGRES, HOT("tokenauth_resolve"), NOTHING, ALL_ROWS}}, .rows = TRACE},

	/* not in the cache, or not at all */
	{"tokenauth, cache off", {{POSTGRES, RESOLVE, TOKEN, USER}},
		.setup = "SET tokenauth.enabled = off"},
	{"tokenauth, refused before", {{POSTGRES, RESOLVE, UNKNOWN, REFUSED}}},
	{"tokenauth, never seen", {{POSTGRES, RESOLVE, RANDOM, REFUSED}}},
	{"SELECT, never seen", {{POSTGRES, SELECT, RANDOM_HASH, REFUSED}}},

	/* services' own tables, each in its schema: services.sql */
	{"query alone", {{POSTGRES, WORK, KNOWN_USER, BODY}}},
	{"dify: SELECT", {{POSTGRES, "SELECT t.tenant_id FROM api_tokens t JOIN apps a ON a.id = t.app_id"
			" JOIN tenants n ON n.id = t.tenant_id WHERE t.token = $1 AND t.type = 'app'"
			" AND a.status = 'normal' AND a.enable_api AND n.status <> 'archive'", TOKEN, USER}}},
	{"dify: tokenauth", {{POSTGRES, "SELECT tokenauth_resolve($1, scope => 'app')", TOKEN, USER}}},
	{"dify: request",
		{{POSTGRES, "SELECT body FROM note WHERE owner = tokenauth_resolve($1, scope => 'app')", TOKEN, BODY}}},
	{"visionA: SELECT, then query",
		{{POSTGRES, "SELECT user_id FROM session_tokens"
			" WHERE token_hash = $1 AND revoked_at IS NULL AND expires_at > now()", HASH, USER},
		{POSTGRES, WORK, ANSWER, BODY}}},
	{"visionA: request",
		{{POSTGRES, "SELECT body FROM note WHERE owner = tokenauth_resolve($1, NULL::text)::uuid", TOKEN, BODY}}},
	{"scrabble: SELECT, then query",
		{{POSTGRES, "SELECT account_id FROM sessions WHERE token_hash = $1 AND status = 'active'", HASH, USER},
		{POSTGRES, WORK, ANSWER, BODY}}},
	{"scrabble: request",
		{{POSTGRES, "SELECT body FROM note WHERE owner = tokenauth_resolve($1, source => 'scrabble')", TOKEN, BODY}}},
	{"xtablo: SELECT, then query",
		{{POSTGRES, "SELECT s.user_id FROM sessions s JOIN users u ON u.id = s.user_id"
			" WHERE s.id = $1 AND s.expires_at > now()", HASH, USER},
		{POSTGRES, WORK, ANSWER, BODY}}},
	{"xtablo: request",
		{{POSTGRES, "SELECT body FROM note WHERE owner = tokenauth_resolve($1, source => 'xtablo')", TOKEN, BODY}}},

	/* each on a table that memory does not have */
	{"cold: no-op", {{POSTGRES, "SELECT bench_noop($1)", TOKEN, NOBODY}},
		.rows = 1, .before = FORGET},
	{"cold: SELECT", {{POSTGRES, SELECT, HASH, USER}}, .rows = 1, .before = FORGET},
	{"cold: tokenauth", {{POSTGRES, RESOLVE, TOKEN, USER}}, .rows = 1, .before = FORGET},

	/* other tables: parts/hashes.sh */
	{"HMAC: SELECT", {{POSTGRES, "SELECT user_id FROM hmac_token"
			" WHERE token_hash = encode(hmac($1::text, 'bench pepper', 'sha256'), 'hex')", TOKEN, USER}}},
	{"HMAC: tokenauth", {{POSTGRES, "SELECT tokenauth_resolve($1, source => 'hmac_token')", TOKEN, USER}}},
	{"bcrypt: SELECT", {{POSTGRES, "SELECT user_id FROM bcrypt_token"
			" WHERE found_by = left($1::text, 12) AND token_hash = crypt($1::text, token_hash)", TOKEN, USER}}},
	{"bcrypt: tokenauth", {{POSTGRES, "SELECT tokenauth_resolve($1, source => 'bcrypt_token')", TOKEN, USER}}},

	/* a new connection for each request */
	{"connect: SELECT 1", {{POSTGRES, "SELECT 1", NOTHING, ONE}}, .connect = true},
	{"connect: SELECT", {{POSTGRES, SELECT, HASH, USER}}, .connect = true},
	{"connect: tokenauth", {{POSTGRES, RESOLVE, TOKEN, USER}}, .connect = true},
	{"connect: Redis", {{REDIS, NULL, HASH, USER}}, .connect = true},

	/* changes, with our triggers and without */
	{"revoke, bare", {{POSTGRES, REVOKE("bare_token"), HASH, DONE}}},
	{"revoke, no-op trigger", {{POSTGRES, REVOKE("noop_token"), HASH, DONE}}},
	{"revoke, telling trigger", {{POSTGRES, REVOKE("telling_token"), HASH, DONE}}},
	{"revoke, attached", {{POSTGRES, REVOKE("personal_access_token"), HASH, DONE}}},
	{"issue, bare", {{POSTGRES, ISSUE("bare_token"), RANDOM_HASH, DONE}}},
	{"issue, no-op trigger", {{POSTGRES, ISSUE("noop_token"), RANDOM_HASH, DONE}}},
	{"issue, attached", {{POSTGRES, ISSUE("personal_access_token"), RANDOM_HASH, DONE}}},
	{"inline UPDATE",
		{{POSTGRES, "UPDATE personal_access_token SET last_used_at = now() WHERE token_hash = $1 AND"
			LIVE " RETURNING user_id", HASH, USER}}},

	/* what the messages of changes cost a session that hears them */
	{"hear, bare, 0 plans", HEAR("bare_token", 0)},
	{"hear, attached, 0 plans", HEAR("personal_access_token", 0)},
	{"hear, bare, 100 plans", HEAR("bare_token", 100)},
	{"hear, attached, 100 plans", HEAR("personal_access_token", 100)},
	{"hear, bare, 1000 plans", HEAR("bare_token", 1000)},
	{"hear, attached, 1000 plans", HEAR("personal_access_token", 1000)},

	/* the file lies in the data directory */
	{"COPY, bare", {{POSTGRES, "COPY bare_token FROM 'bench.copy'", NOTHING, DONE}},
		.rows = ROWS_OF_COPY, .before = "TRUNCATE bare_token; CHECKPOINT"},
	{"COPY, no-op trigger", {{POSTGRES, "COPY noop_token FROM 'bench.copy'", NOTHING, DONE}},
		.rows = ROWS_OF_COPY, .before = "TRUNCATE noop_token; CHECKPOINT"},
	{"COPY, attached", {{POSTGRES, "COPY personal_access_token FROM 'bench.copy'", NOTHING, DONE}},
		.rows = ROWS_OF_COPY, .before = "TRUNCATE personal_access_token; CHECKPOINT"},
};

const Contender *
contender_by_name(const char *name)
{
	for (size_t i = 0; i < sizeof(contenders) / sizeof(contenders[0]); i++)
		if (strcmp(contenders[i].name, name) == 0)
			return &contenders[i];
	return NULL;
}
