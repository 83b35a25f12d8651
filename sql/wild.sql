-- Token tables of public projects, as their applications make and fill them, attached as
-- they are, but for an index where there is none; and what the application says of each
-- token.  Each is asked twice, of the table and of the cache.
CREATE SCHEMA wild;
SET search_path = wild, public;
SET client_min_messages = warning;

CREATE TABLE truth (n serial, source name, token text, verdict text);
CREATE FUNCTION x256(text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT encode(sha256($1::bytea), 'hex') $$;
CREATE FUNCTION b64(bytea) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT replace(encode($1, 'base64'), E'\n', '') $$;
CREATE FUNCTION past() RETURNS timestamp LANGUAGE sql AS $$ SELECT now() AT TIME ZONE 'UTC' - interval '1 hour' $$;
CREATE FUNCTION future() RETURNS timestamp LANGUAGE sql AS $$ SELECT now() AT TIME ZONE 'UTC' + interval '1 hour' $$;
CREATE FUNCTION ms(timestamp) RETURNS bigint LANGUAGE sql AS $$ SELECT (extract(epoch FROM $1) * 1000)::bigint $$;
-- attach a table under its own name: its columns by their roles, then the mapping
CREATE FUNCTION attach(t name, token name, stored_as text, user_column name DEFAULT '', expires name DEFAULT '',
    revoked name DEFAULT '', scope name DEFAULT '', id name DEFAULT '', live_when text DEFAULT NULL,
    prefix text DEFAULT NULL, encoding text DEFAULT 'text', used name DEFAULT '', mapping jsonb DEFAULT NULL,
    active_values text[] DEFAULT NULL, on_revoke text DEFAULT NULL, claims name[] DEFAULT NULL)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM tokenauth_attach(t::regclass, token_column => token, stored_as => stored_as, user_column => user_column,
        expires_column => expires, revoked_column => revoked, scope_column => scope, id_column => id,
        live_when => live_when, prefix => prefix, token_encoding => encoding, used_column => used,
        mapping => mapping, active_values => active_values, on_revoke => on_revoke, claims => claims,
        tenant_column => '', last_used_column => '', created_column => '');
END $$;
\o /dev/null

-- Laravel Sanctum: "ID|SECRET", the secret's digest; found by the id where there is one
CREATE TABLE sanctum (id bigserial PRIMARY KEY, tokenable_type varchar(255), tokenable_id bigint, token varchar(64) UNIQUE, abilities text, expires_at timestamp(0));
INSERT INTO sanctum (tokenable_type, tokenable_id, token, abilities, expires_at) VALUES ('User', 7, x256('aaa'), '["read"]', NULL), ('User', 7, x256('bbb'), '["*"]', past()), ('Admin', 8, x256('ccc'), NULL, NULL);
SELECT attach('sanctum', 'token', 'sha256-hex', 'tokenable_id', 'expires_at', scope => 'tokenable_type', id => 'id',
    mapping => '{"token_part": "after | if any", "verify": "strpos(token, ''|'') = 0 OR split_part(token, ''|'', 1) = id::text"}');
INSERT INTO truth (source, token, verdict) VALUES ('sanctum', '1|aaa', 'valid 7'), ('sanctum', 'aaa', 'valid 7'), ('sanctum', '2|bbb', 'refused'), ('sanctum', '9|aaa', 'refused'), ('sanctum', '3|ccc', 'valid 8');

-- Laravel Passport, League OAuth2: the id of a JWT, in char(80) or varchar
CREATE TABLE passport (id char(80) PRIMARY KEY, user_id bigint, scopes text, revoked boolean NOT NULL, expires_at timestamp(0));
INSERT INTO passport VALUES (repeat('a', 80), 7, '[]', false, future()), (repeat('b', 80), 7, '[]', false, past()), (repeat('c', 80), 7, '[]', true, NULL), ('short', 8, '[]', false, NULL);
SELECT attach('passport', 'id', 'plaintext', 'user_id', 'expires_at', 'revoked', mapping => '{"scope_expression": "scopes::jsonb"}');
INSERT INTO truth (source, token, verdict) VALUES ('passport', repeat('a', 80), 'valid 7'), ('passport', repeat('b', 80), 'refused'), ('passport', repeat('c', 80), 'refused'), ('passport', 'short', 'valid 8'), ('passport', 'short ', 'refused');

-- Django REST knox: SHA-512
CREATE TABLE knox (digest varchar(128) PRIMARY KEY, token_key varchar(25), expiry timestamptz, user_id int);
INSERT INTO knox SELECT encode(digest(t, 'sha512'), 'hex'), left(t, 15), e AT TIME ZONE 'UTC', 7 FROM (VALUES ('live', future()), ('old', past()), ('never', NULL)) v(t, e);
SELECT attach('knox', 'digest', 'sha512-hex', 'user_id', 'expiry');
INSERT INTO truth (source, token, verdict) VALUES ('knox', 'live', 'valid 7'), ('knox', 'old', 'refused'), ('knox', 'never', 'valid 7'), ('knox', 'x', 'refused');

-- DRF API key: PREFIX.SECRET, a salted digest of the whole, found by the prefix
CREATE TABLE drf_api_key (id varchar(150) PRIMARY KEY, prefix varchar(8) UNIQUE, hashed_key varchar(150), revoked boolean, expiry_date timestamptz);
CREATE FUNCTION check_password(password text, stored text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT stored = 'salted$' || split_part(stored, '$', 2) || '$' || encode(sha256((split_part(stored, '$', 2) || password)::bytea), 'hex') $$;
INSERT INTO drf_api_key SELECT p || '.x', p, 'salted$salt$' || x256('salt' || p || '.secret'), r, NULL FROM (VALUES ('p1', false), ('p2', true)) v(p, r);
SELECT attach('drf_api_key', 'prefix', 'plaintext', expires => 'expiry_date', revoked => 'revoked', id => 'id',
    mapping => '{"lookup": "split_part(token, ''.'', 1)", "verify": "wild.check_password(token, hashed_key)"}');
INSERT INTO truth (source, token, verdict) VALUES ('drf_api_key', 'p1.secret', 'valid'), ('drf_api_key', 'p1.other', 'refused'), ('drf_api_key', 'p2.secret', 'refused'), ('drf_api_key', 'p1', 'refused');

-- Doorkeeper: a beginning and a number of seconds, 0 or NULL is never; codes are used up
CREATE TABLE doorkeeper (id bigserial PRIMARY KEY, resource_owner_id bigint, token varchar UNIQUE, expires_in int, scopes varchar, created_at timestamp(6), revoked_at timestamp(6));
INSERT INTO doorkeeper (resource_owner_id, token, expires_in, created_at, revoked_at) VALUES (7, 'live', 7200, past(), NULL), (7, 'old', 600, past(), NULL), (7, 'never', NULL, past(), NULL), (7, 'gone', NULL, past(), now());
SELECT attach('doorkeeper', 'token', 'plaintext', 'resource_owner_id', revoked => 'revoked_at', scope => 'scopes',
    mapping => '{"expires_expression": "created_at + expires_in * interval ''1 second''", "scope_separator": " "}');
INSERT INTO truth (source, token, verdict) VALUES ('doorkeeper', 'live', 'valid 7'), ('doorkeeper', 'old', 'refused'), ('doorkeeper', 'never', 'valid 7'), ('doorkeeper', 'gone', 'refused');

-- GitLab: base64 of SHA-256 of token and a key; a date; revoked, of which NULL is no
CREATE TABLE gitlab (id bigserial PRIMARY KEY, user_id bigint, revoked boolean, expires_at date, token_digest varchar UNIQUE);
CREATE TABLE gitlab_users (id bigint PRIMARY KEY, state varchar);
INSERT INTO gitlab_users VALUES (7, 'active'), (8, 'blocked');
CREATE FUNCTION gitlab_digest(text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT wild.b64(sha256(($1 || 'KEY')::bytea)) $$;
INSERT INTO gitlab (user_id, revoked, expires_at, token_digest) SELECT u, r, e, gitlab_digest(t) FROM (VALUES (7, 'glpat-live', false, current_date + 30), (7, 'glpat-null', NULL, NULL), (7, 'glpat-old', false, current_date - 1), (7, 'glpat-rev', true, NULL), (8, 'glpat-blk', false, NULL)) v(u, t, r, e);
SELECT attach('gitlab', 'token_digest', 'plaintext', 'user_id', revoked => 'revoked', prefix => 'glpat-',
    mapping => '{"lookup": "wild.gitlab_digest(token)", "expires_expression": "expires_at", "null_flag": "live"}');
SELECT tokenauth_attach_parent('gitlab', 'gitlab_users', 'user_id', live_when => $$state = 'active'$$);
INSERT INTO truth (source, token, verdict) VALUES ('gitlab', 'glpat-live', 'valid 7'), ('gitlab', 'glpat-null', 'valid 7'), ('gitlab', 'glpat-old', 'refused'), ('gitlab', 'glpat-rev', 'refused'), ('gitlab', 'glpat-blk', 'refused');

-- Gogs, RubyGems, trigger.dev, activepieces: SHA-256 in hex
CREATE TABLE gogs (id bigserial PRIMARY KEY, uid bigint, sha1 varchar(40) UNIQUE, sha256 varchar(64) UNIQUE);
INSERT INTO gogs (uid, sha256) VALUES (7, x256('tok'));
SELECT attach('gogs', 'sha256', 'sha256-hex', 'uid');
CREATE TABLE rubygems (id bigserial PRIMARY KEY, owner_type varchar, owner_id bigint, hashed_key varchar UNIQUE, expires_at timestamp, soft_deleted_at timestamp);
INSERT INTO rubygems (owner_type, owner_id, hashed_key, expires_at, soft_deleted_at) VALUES ('User', 7, x256('rubygems_live'), NULL, NULL), ('User', 7, x256('rubygems_old'), past(), NULL), ('User', 7, x256('rubygems_del'), NULL, now());
SELECT attach('rubygems', 'hashed_key', 'sha256-hex', 'owner_id', 'expires_at', 'soft_deleted_at', 'owner_type', prefix => 'rubygems_');
CREATE TABLE trigger_dev (id text PRIMARY KEY, "hashedToken" text UNIQUE, "userId" text, "revokedAt" timestamp(3));
INSERT INTO trigger_dev VALUES ('1', x256('tr_pat_live'), 'u7', NULL), ('2', x256('tr_pat_rev'), 'u7', now());
SELECT attach('trigger_dev', 'hashedToken', 'sha256-hex', 'userId', revoked => 'revokedAt', prefix => 'tr_pat_');
CREATE TABLE activepieces (id varchar(21) PRIMARY KEY, "platformId" varchar(21), "hashedValue" varchar);
INSERT INTO activepieces VALUES ('a', 'p7', x256('sk-live'));
CREATE UNIQUE INDEX ON activepieces ("hashedValue");
SELECT attach('activepieces', 'hashedValue', 'sha256-hex', 'platformId', prefix => 'sk-');
INSERT INTO truth (source, token, verdict) VALUES ('gogs', 'tok', 'valid 7'), ('gogs', 'x', 'refused'), ('rubygems', 'rubygems_live', 'valid 7'), ('rubygems', 'rubygems_old', 'refused'), ('rubygems', 'rubygems_del', 'refused'), ('trigger_dev', 'tr_pat_live', 'valid u7'), ('trigger_dev', 'tr_pat_rev', 'refused'), ('activepieces', 'sk-live', 'valid p7');

-- Sentry, miniflux, n8n, chatwoot, concourse, woodpecker, outline: plaintext
CREATE TABLE sentry (id bigserial PRIMARY KEY, user_id bigint, token varchar(64) UNIQUE, expires_at timestamptz, scope_list text[]);
INSERT INTO sentry (user_id, token, expires_at, scope_list) VALUES (7, 'live', NULL, '{org:read,team:read}'), (7, 'old', now() - interval '1 h', NULL);
SELECT attach('sentry', 'token', 'plaintext', 'user_id', 'expires_at', scope => 'scope_list');
CREATE TABLE miniflux (id serial PRIMARY KEY, user_id int, token text UNIQUE);
INSERT INTO miniflux (user_id, token) VALUES (7, 'live');
SELECT attach('miniflux', 'token', 'plaintext', 'user_id');
CREATE TABLE n8n (id varchar(36) PRIMARY KEY, "userId" uuid, "apiKey" varchar UNIQUE);
INSERT INTO n8n VALUES ('a', '00000000-0000-0000-0000-000000000007', 'n8n_api_live');
SELECT attach('n8n', 'apiKey', 'plaintext', 'userId');
CREATE TABLE chatwoot (id bigserial PRIMARY KEY, owner_type varchar, owner_id bigint, token varchar UNIQUE);
INSERT INTO chatwoot (owner_type, owner_id, token) VALUES ('User', 7, 'live'), ('AgentBot', 7, 'bot');
SELECT attach('chatwoot', 'token', 'plaintext', 'owner_id', live_when => $$owner_type = 'User'$$);
CREATE TABLE concourse (token text PRIMARY KEY, sub text, expires_at timestamptz, claims jsonb);
INSERT INTO concourse VALUES ('live', 's7', now() + interval '1 h', '{}'), ('old', 's7', now() - interval '1 h', '{}');
SELECT attach('concourse', 'token', 'plaintext', 'sub', 'expires_at', claims => '{claims}');
CREATE TABLE woodpecker (id serial PRIMARY KEY, owner_id bigint, token varchar(255));
INSERT INTO woodpecker (owner_id, token) VALUES (7, 'live');
CREATE INDEX ON woodpecker (token);
SELECT attach('woodpecker', 'token', 'plaintext', 'id');
CREATE TABLE outline (id uuid PRIMARY KEY, secret varchar(255) UNIQUE, "userId" int, "expiresAt" timestamptz, "deletedAt" timestamptz);
INSERT INTO outline VALUES (gen_random_uuid(), 'ol_api_live', 7, NULL, NULL), (gen_random_uuid(), 'ol_api_old', 7, now() - interval '1 h', NULL), (gen_random_uuid(), 'ol_api_del', 7, NULL, now());
SELECT attach('outline', 'secret', 'plaintext', 'userId', 'expiresAt', 'deletedAt', prefix => 'ol_api_');
INSERT INTO truth (source, token, verdict) VALUES ('sentry', 'live', 'valid 7'), ('sentry', 'old', 'refused'), ('miniflux', 'live', 'valid 7'), ('n8n', 'n8n_api_live', 'valid 00000000-0000-0000-0000-000000000007'), ('chatwoot', 'live', 'valid 7'), ('chatwoot', 'bot', 'refused'), ('concourse', 'live', 'valid s7'), ('concourse', 'old', 'refused'), ('woodpecker', 'live', 'valid 1'), ('outline', 'ol_api_live', 'valid 7'), ('outline', 'ol_api_old', 'refused'), ('outline', 'ol_api_del', 'refused');

-- PostHog: a literal before the digest
CREATE TABLE posthog (id varchar(50) PRIMARY KEY, user_id int, secure_value varchar(300) UNIQUE, scopes varchar(100)[]);
INSERT INTO posthog VALUES ('a', 7, 'sha256$' || x256('phx_live'), '{*}'), ('b', 7, 'pbkdf2_sha256$260000$temp$x', NULL);
SELECT attach('posthog', 'secure_value', 'sha256-hex', 'user_id', scope => 'scopes', prefix => 'phx_', mapping => '{"stored_prefix": "sha256$"}');
INSERT INTO truth (source, token, verdict) VALUES ('posthog', 'phx_live', 'valid 7'), ('posthog', 'phx_x', 'refused');

-- Mattermost, SuperTokens, Synapse, SonarQube: milliseconds since the epoch
CREATE TABLE mattermost (id varchar(26) PRIMARY KEY, token varchar(26), expiresat bigint, userid varchar(26));
INSERT INTO mattermost VALUES ('1', 'live', ms(future()), 'u7'), ('2', 'old', ms(past()), 'u7'), ('3', 'never', 0, 'u7');
CREATE INDEX ON mattermost (token);
SELECT attach('mattermost', 'token', 'plaintext', 'userid', mapping => '{"expires_expression": "CASE WHEN expiresat > 0 THEN to_timestamp(expiresat / 1000.0) END"}');
CREATE TABLE mattermost_codes (token varchar(64) PRIMARY KEY, createat bigint, type varchar(64), extra varchar(2048));
INSERT INTO mattermost_codes VALUES ('live', ms(past()), 'password_recovery', '{"UserId":"u7"}'), ('old', ms(past()) - 90000000, 'password_recovery', '{"UserId":"u7"}');
SELECT attach('mattermost_codes', 'token', 'plaintext', scope => 'type', on_revoke => 'delete',
    mapping => '{"expires_expression": "to_timestamp(createat / 1000.0 + 86400)", "user_expression": "extra::jsonb ->> ''UserId''"}');
CREATE TABLE supertokens (session_handle varchar(255) PRIMARY KEY, user_id varchar(128), expires_at bigint);
INSERT INTO supertokens VALUES ('live', 'u7', ms(future())), ('old', 'u7', 1000);
SELECT attach('supertokens', 'session_handle', 'plaintext', 'user_id', mapping => '{"expires_expression": "to_timestamp(expires_at / 1000.0)"}');
CREATE TABLE synapse_users (name text PRIMARY KEY, deactivated smallint);
CREATE TABLE synapse (id bigint PRIMARY KEY, user_id text, token text UNIQUE, valid_until_ms bigint);
INSERT INTO synapse_users VALUES ('@a:b', 0), ('@c:d', 1);
INSERT INTO synapse VALUES (1, '@a:b', 'syt_live', NULL), (2, '@a:b', 'syt_old', 1000), (3, '@c:d', 'syt_gone', NULL);
SELECT attach('synapse', 'token', 'plaintext', 'user_id', prefix => 'syt_', mapping => '{"expires_expression": "to_timestamp(valid_until_ms / 1000.0)"}');
SELECT tokenauth_attach_parent('synapse', 'synapse_users', 'user_id', 'name', live_when => 'deactivated = 0');
CREATE TABLE sonarqube (uuid varchar(40) PRIMARY KEY, user_uuid varchar(255), token_hash varchar(255) UNIQUE, type varchar(100), expiration_date bigint);
INSERT INTO sonarqube SELECT t, 'u7', encode(digest(t, 'sha384'), 'hex'), 'USER_TOKEN', e FROM (VALUES ('live', NULL::bigint), ('old', 1000)) v(t, e);
SELECT attach('sonarqube', 'token_hash', 'sha384-hex', 'user_uuid', scope => 'type', id => 'uuid', mapping => '{"expires_expression": "to_timestamp(expiration_date / 1000.0)"}');
INSERT INTO truth (source, token, verdict) VALUES ('mattermost', 'live', 'valid u7'), ('mattermost', 'old', 'refused'), ('mattermost', 'never', 'valid u7'), ('mattermost_codes', 'live', 'valid u7'), ('mattermost_codes', 'old', 'refused'), ('supertokens', 'live', 'valid u7'), ('supertokens', 'old', 'refused'), ('synapse', 'syt_live', 'valid @a:b'), ('synapse', 'syt_old', 'refused'), ('synapse', 'syt_gone', 'refused'), ('sonarqube', 'live', 'valid u7'), ('sonarqube', 'old', 'refused');

-- Sourcegraph: the digest of the bytes that the hex token stands for; two parents
CREATE TABLE sourcegraph_users (id serial PRIMARY KEY, deleted_at timestamptz);
CREATE TABLE sourcegraph (id bigserial PRIMARY KEY, subject_user_id int, creator_user_id int, value_sha256 bytea UNIQUE, deleted_at timestamptz, scopes text[]);
INSERT INTO sourcegraph_users VALUES (7, NULL), (8, now());
INSERT INTO sourcegraph (subject_user_id, creator_user_id, value_sha256, deleted_at, scopes) VALUES (7, 7, sha256('\xabcd01'), NULL, '{user:all}'), (7, 7, sha256('\xabcd02'), now(), '{user:all}'), (7, 8, sha256('\xabcd03'), NULL, '{user:all}');
SELECT attach('sourcegraph', 'value_sha256', 'sha256-bytea', 'subject_user_id', revoked => 'deleted_at', scope => 'scopes', encoding => 'hex');
SELECT tokenauth_attach_parent('sourcegraph', 'sourcegraph_users', c, live_when => 'deleted_at IS NULL') FROM unnest('{subject_user_id,creator_user_id}'::name[]) c;
INSERT INTO truth (source, token, verdict) VALUES ('sourcegraph', 'abcd01', 'valid 7'), ('sourcegraph', 'abcd02', 'refused'), ('sourcegraph', 'abcd03', 'refused');

-- Plausible, Langfuse, OpenProject: SHA-256 of the token and a secret; Strapi, Devise, NetBox, hexpm: HMAC.
-- A function of the owner's has the secret.
CREATE FUNCTION peppered(text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT encode(sha256(('SECRET' || $1)::bytea), 'hex') $$;
CREATE FUNCTION keyed(text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT encode(public.hmac($1, 'KEY', 'sha256'), 'hex') $$;
CREATE TABLE plausible (id bigserial PRIMARY KEY, user_id bigint, key_hash varchar(255) UNIQUE, scopes text[]);
INSERT INTO plausible (user_id, key_hash, scopes) VALUES (7, peppered('live'), '{stats:read}');
SELECT attach('plausible', 'key_hash', 'plaintext', 'user_id', scope => 'scopes', mapping => '{"lookup": "wild.peppered(token)"}');
CREATE TABLE langfuse (id text PRIMARY KEY, project_id text, fast_hashed_secret_key text UNIQUE, expires_at timestamp(3));
INSERT INTO langfuse VALUES ('1', 'p7', peppered('sk-lf-live'), NULL), ('2', 'p7', peppered('sk-lf-old'), past());
SELECT attach('langfuse', 'fast_hashed_secret_key', 'plaintext', 'project_id', 'expires_at', prefix => 'sk-lf-', mapping => '{"lookup": "wild.peppered(token)"}');
CREATE TABLE openproject (id serial PRIMARY KEY, user_id int, type varchar, value varchar(128), expires_on timestamp);
INSERT INTO openproject (user_id, type, value) VALUES (7, 'Token::API', peppered('live')), (8, 'Token::RSS', 'plainrss');
CREATE UNIQUE INDEX ON openproject (value);
SELECT attach('openproject', 'value', 'plaintext', 'user_id', 'expires_on', live_when => $$type = 'Token::API'$$, mapping => '{"lookup": "wild.peppered(token)"}');
CREATE TABLE strapi (id serial PRIMARY KEY, type varchar(255), access_key varchar(255), expires_at timestamp(6));
INSERT INTO strapi (type, access_key, expires_at) VALUES ('full-access', keyed('live'), NULL), ('read-only', keyed('old'), past());
CREATE UNIQUE INDEX ON strapi (access_key);
SELECT attach('strapi', 'access_key', 'plaintext', expires => 'expires_at', scope => 'type', mapping => '{"lookup": "wild.keyed(token)"}');
CREATE TABLE devise (id bigserial PRIMARY KEY, email varchar UNIQUE, reset_password_token varchar UNIQUE, reset_password_sent_at timestamp);
INSERT INTO devise VALUES (7, 'a', keyed('live'), past()), (8, 'b', keyed('old'), past() - interval '7 h');
SELECT attach('devise', 'reset_password_token', 'plaintext', 'id', on_revoke => 'forget',
    mapping => '{"lookup": "wild.keyed(token)", "expires_expression": "reset_password_sent_at + interval ''6 hours''"}');
CREATE TABLE netbox (id bigserial PRIMARY KEY, version smallint, user_id int, expires timestamptz, enabled boolean, plaintext varchar(40) UNIQUE, key varchar(12) UNIQUE, hmac_digest varchar(64));
INSERT INTO netbox (version, user_id, enabled, key, hmac_digest) VALUES (2, 7, true, 'KEY1', keyed('tok1')), (2, 7, false, 'KEY2', keyed('tok2'));
SELECT attach('netbox', 'key', 'plaintext', 'user_id', 'expires', id => 'id', prefix => 'nbt_', live_when => 'version = 2',
    mapping => '{"lookup": "split_part(substr(token, 5), ''.'', 1)", "verify": "wild.keyed(split_part(token, ''.'', 2)) = hmac_digest", "active_column": "enabled"}');
SELECT tokenauth_attach('netbox', source => 'netbox v1', token_column => 'plaintext', stored_as => 'plaintext', id_column => 'id', user_column => 'user_id',
    expires_column => 'expires', live_when => 'version = 1', mapping => '{"active_column": "enabled"}');
INSERT INTO netbox (version, user_id, enabled, plaintext) VALUES (1, 8, true, repeat('f', 40)), (1, 8, false, repeat('e', 40));
INSERT INTO truth (source, token, verdict) VALUES ('netbox v1', repeat('f', 40), 'valid 8'), ('netbox v1', repeat('e', 40), 'refused'), ('netbox v1', 'nbt_KEY1.tok1', 'refused'), ('netbox v1', 'KEY1', 'refused');
CREATE TABLE hexpm (id serial PRIMARY KEY, user_id int, secret_first text UNIQUE, secret_second text, revoke_at timestamp);
INSERT INTO hexpm (user_id, secret_first, secret_second, revoke_at) SELECT 7, left(keyed(t), 32), right(keyed(t), 32), r FROM (VALUES ('live', NULL), ('soon', future()), ('rev', past())) v(t, r);
SELECT attach('hexpm', 'secret_first', 'plaintext', 'user_id', 'revoke_at', id => 'id',
    mapping => '{"lookup": "left(wild.keyed(token), 32)", "verify": "right(wild.keyed(token), 32) = secret_second"}');
INSERT INTO truth (source, token, verdict) VALUES ('plausible', 'live', 'valid 7'), ('plausible', 'x', 'refused'), ('langfuse', 'sk-lf-live', 'valid p7'), ('langfuse', 'sk-lf-old', 'refused'), ('openproject', 'live', 'valid 7'), ('openproject', 'plainrss', 'refused'), ('strapi', 'live', 'valid'), ('strapi', 'old', 'refused'), ('devise', 'live', 'valid 7'), ('devise', 'old', 'refused'), ('netbox', 'nbt_KEY1.tok1', 'valid 7'), ('netbox', 'nbt_KEY1.tok2', 'refused'), ('netbox', 'nbt_KEY2.tok2', 'refused'), ('hexpm', 'live', 'valid 7'), ('hexpm', 'soon', 'valid 7'), ('hexpm', 'rev', 'refused');

-- Discourse: a key of all users; Laravel's and Rails' and Auth.js' and connect-pg-simple's sessions
CREATE TABLE discourse (id serial PRIMARY KEY, user_id int, revoked_at timestamp, key_hash varchar, allowed_ips inet[]);
CREATE INDEX ON discourse (key_hash);
INSERT INTO discourse (user_id, revoked_at, key_hash) VALUES (7, NULL, x256('live')), (7, now(), x256('rev')), (NULL, NULL, x256('all'));
SELECT attach('discourse', 'key_hash', 'sha256-hex', 'user_id', revoked => 'revoked_at', claims => '{allowed_ips}', mapping => '{"null_user": "valid"}');
CREATE TABLE discourse_user (id serial PRIMARY KEY, user_id int, revoked_at timestamp, scopes text[], key_hash varchar UNIQUE);
INSERT INTO discourse_user (user_id, revoked_at, scopes, key_hash) VALUES (7, NULL, '{read}', x256('live')), (7, now(), '{read}', x256('rev'));
SELECT attach('discourse_user', 'key_hash', 'sha256-hex', 'user_id', revoked => 'revoked_at', scope => 'scopes');
CREATE TABLE laravel_sessions (id varchar(255) PRIMARY KEY, user_id bigint, payload text, last_activity int);
INSERT INTO laravel_sessions VALUES ('live', 7, '', extract(epoch FROM now())::int), ('old', 7, '', 1000), ('guest', NULL, '', extract(epoch FROM now())::int);
SELECT attach('laravel_sessions', 'id', 'plaintext', 'user_id', mapping => '{"expires_expression": "to_timestamp(last_activity + 120 * 60)", "null_user": "valid"}');
CREATE TABLE rails_sessions (id bigserial PRIMARY KEY, user_id bigint);
INSERT INTO rails_sessions (user_id) VALUES (7);
SELECT attach('rails_sessions', 'id', 'plaintext', 'user_id');
CREATE TABLE authjs (id serial PRIMARY KEY, "userId" int, expires timestamptz, "sessionToken" varchar(255) UNIQUE);
INSERT INTO authjs ("userId", expires, "sessionToken") VALUES (7, now() + interval '1 d', 'live'), (7, now() - interval '1 d', 'old');
SELECT attach('authjs', 'sessionToken', 'plaintext', 'userId', 'expires');
CREATE TABLE connect_pg (sid varchar PRIMARY KEY, sess json, expire timestamp(6));
INSERT INTO connect_pg VALUES ('live', '{"user": "u7"}', future()), ('old', '{"user": "u7"}', past());
SELECT attach('connect_pg', 'sid', 'plaintext', expires => 'expire', mapping => '{"user_expression": "sess ->> ''user''"}');
INSERT INTO truth (source, token, verdict) VALUES ('discourse', 'live', 'valid 7'), ('discourse', 'rev', 'refused'), ('discourse', 'all', 'valid'), ('discourse_user', 'live', 'valid 7'), ('discourse_user', 'rev', 'refused'), ('laravel_sessions', 'live', 'valid 7'), ('laravel_sessions', 'old', 'refused'), ('laravel_sessions', 'guest', 'valid'), ('rails_sessions', '1', 'valid 7'), ('rails_sessions', '2', 'refused'), ('rails_sessions', '01', 'refused'), ('authjs', 'live', 'valid 7'), ('authjs', 'old', 'refused'), ('connect_pg', 'live', 'valid u7'), ('connect_pg', 'old', 'refused');

-- Supabase: SHA-224 of address and code
CREATE TABLE supabase_codes (id uuid PRIMARY KEY, user_id uuid, token_type text, token_hash text, expires_at timestamptz);
INSERT INTO supabase_codes VALUES (gen_random_uuid(), '00000000-0000-0000-0000-000000000007', 'recovery', encode(digest('a@b123456', 'sha224'), 'hex'), now() + interval '1 h');
CREATE INDEX ON supabase_codes USING hash (token_hash);
SELECT attach('supabase_codes', 'token_hash', 'sha224-hex', 'user_id', 'expires_at', scope => 'token_type', on_revoke => 'delete', id => 'id');
INSERT INTO truth (source, token, verdict) VALUES ('supabase_codes', 'a@b123456', 'valid 00000000-0000-0000-0000-000000000007'), ('supabase_codes', 'a@b000000', 'refused');

-- Matrix: the user stands in the session's row.  Supabase: when a session is over.
CREATE TABLE matrix_sessions (oauth2_session_id uuid PRIMARY KEY, user_id uuid, finished_at timestamptz);
CREATE TABLE matrix (oauth2_access_token_id uuid PRIMARY KEY, oauth2_session_id uuid NOT NULL REFERENCES matrix_sessions, access_token text NOT NULL UNIQUE, created_at timestamptz NOT NULL, expires_at timestamptz, revoked_at timestamptz);
INSERT INTO matrix_sessions VALUES ('00000000-0000-0000-0000-0000000000a1', '00000000-0000-0000-0000-000000000007', NULL), ('00000000-0000-0000-0000-0000000000a2', '00000000-0000-0000-0000-000000000007', now());
INSERT INTO matrix SELECT gen_random_uuid(), ('00000000-0000-0000-0000-0000000000' || s)::uuid, t, now(), e AT TIME ZONE 'UTC', r FROM (VALUES ('mat_live', 'a1', future(), NULL::timestamptz), ('mat_old', 'a1', past(), NULL), ('mat_fin', 'a2', future(), NULL), ('mat_rev', 'a1', future(), now())) v(t, s, e, r);
SELECT attach('matrix', 'access_token', 'plaintext', expires => 'expires_at', revoked => 'revoked_at', id => 'oauth2_access_token_id', prefix => 'mat_');
SELECT tokenauth_attach_parent('matrix', 'matrix_sessions', 'oauth2_session_id', 'oauth2_session_id', 'finished_at IS NULL', '{"user_column": "user_id"}');
CREATE TABLE supabase_sessions (id uuid PRIMARY KEY, user_id uuid NOT NULL, not_after timestamptz);
CREATE TABLE supabase (instance_id uuid, id bigserial PRIMARY KEY, token varchar(255) UNIQUE, user_id varchar(255), revoked boolean, created_at timestamptz, updated_at timestamptz, parent varchar(255), session_id uuid REFERENCES supabase_sessions ON DELETE CASCADE);
INSERT INTO supabase_sessions VALUES ('00000000-0000-0000-0000-0000000000a1', gen_random_uuid(), NULL), ('00000000-0000-0000-0000-0000000000a2', gen_random_uuid(), now() - interval '1 h'), ('00000000-0000-0000-0000-0000000000a3', gen_random_uuid(), now() + interval '1 h');
INSERT INTO supabase (token, user_id, revoked, session_id) SELECT t, 'u7', r, ('00000000-0000-0000-0000-0000000000' || s)::uuid FROM (VALUES ('live', false, 'a1'), ('rev', true, 'a1'), ('over', false, 'a2'), ('on', false, 'a3')) v(t, r, s);
SELECT attach('supabase', 'token', 'plaintext', 'user_id', revoked => 'revoked', id => 'id');
SELECT tokenauth_attach_parent('supabase', 'supabase_sessions', 'session_id', mapping => '{"expires_column": "not_after"}');
INSERT INTO truth (source, token, verdict) VALUES ('matrix', 'mat_live', 'valid 00000000-0000-0000-0000-000000000007'), ('matrix', 'mat_old', 'refused'), ('matrix', 'mat_fin', 'refused'), ('matrix', 'mat_rev', 'refused'), ('supabase', 'live', 'valid u7'), ('supabase', 'rev', 'refused'), ('supabase', 'over', 'refused'), ('supabase', 'on', 'valid u7'), ('supabase', 'x', 'refused');

-- Immich, better-auth: base64 and base64url
CREATE TABLE immich (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), token varchar, "userId" int, "expiresAt" timestamptz);
INSERT INTO immich (token, "userId") VALUES (b64(digest('live', 'sha256')), 7);
CREATE UNIQUE INDEX ON immich (token);
SELECT attach('immich', 'token', 'sha256-base64', 'userId', 'expiresAt');
CREATE TABLE immich_key (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), key bytea, "userId" int, permissions varchar[]);
CREATE INDEX ON immich_key (key);
INSERT INTO immich_key (key, "userId", permissions) VALUES (digest('live', 'sha256'), 7, '{all}');
SELECT attach('immich_key', 'key', 'sha256-bytea', 'userId', scope => 'permissions');
CREATE TABLE better_auth (id text PRIMARY KEY, key text, "userId" text, enabled boolean, remaining int, "expiresAt" timestamptz);
CREATE INDEX ON better_auth (key);
INSERT INTO better_auth SELECT t, rtrim(translate(b64(digest(t, 'sha256')), '+/', '-_'), '='), 'u7', e, r, x AT TIME ZONE 'UTC' FROM (VALUES ('live', true, NULL, NULL), ('off', false, NULL, NULL), ('spent', true, 0, NULL), ('old', true, NULL, past())) v(t, e, r, x);
SELECT attach('better_auth', 'key', 'sha256-base64url', 'userId', 'expiresAt', live_when => 'remaining IS NULL OR remaining > 0', mapping => '{"active_column": "enabled"}');
INSERT INTO truth (source, token, verdict) VALUES ('immich', 'live', 'valid 7'), ('immich_key', 'live', 'valid 7'), ('better_auth', 'live', 'valid u7'), ('better_auth', 'off', 'refused'), ('better_auth', 'spent', 'refused'), ('better_auth', 'old', 'refused');

-- Directus: the token is a column of the users' table
CREATE TABLE directus (id uuid PRIMARY KEY, email varchar(255) UNIQUE, status varchar(16), token varchar(255) UNIQUE);
INSERT INTO directus VALUES ('00000000-0000-0000-0000-000000000007', 'a', 'active', 'live'), ('00000000-0000-0000-0000-000000000008', 'b', 'suspended', 'susp');
SELECT attach('directus', 'token', 'plaintext', 'id', live_when => $$status = 'active'$$, on_revoke => 'forget');
INSERT INTO truth (source, token, verdict) VALUES ('directus', 'live', 'valid 00000000-0000-0000-0000-000000000007'), ('directus', 'susp', 'refused');

-- Kong, Logto: an index that begins with something else, so another is added
CREATE TABLE kong (id uuid PRIMARY KEY, consumer_id int, key text, ttl timestamptz, ws_id uuid, UNIQUE (ws_id, key));
INSERT INTO kong VALUES (gen_random_uuid(), 7, 'live', NULL, gen_random_uuid()), (gen_random_uuid(), 7, 'old', now() - interval '1 h', gen_random_uuid());
\o
SELECT attach('kong', 'key', 'plaintext', 'consumer_id', 'ttl');
\o /dev/null
CREATE INDEX ON kong (key);
SELECT attach('kong', 'key', 'plaintext', 'consumer_id', 'ttl');
CREATE TABLE kong_oauth2 (id uuid PRIMARY KEY, created_at timestamptz, access_token text, expires_in int, authenticated_userid text, scope text);
INSERT INTO kong_oauth2 VALUES (gen_random_uuid(), now(), 'live', 7200, 'u7', 'email'), (gen_random_uuid(), now() - interval '3 h', 'old', 7200, 'u7', 'email'), (gen_random_uuid(), now() - interval '3 h', 'never', 0, 'u7', 'email');
CREATE INDEX ON kong_oauth2 (access_token);
SELECT attach('kong_oauth2', 'access_token', 'plaintext', 'authenticated_userid', scope => 'scope',
    mapping => '{"expires_expression": "CASE WHEN expires_in > 0 THEN created_at + expires_in * interval ''1 second'' END", "scope_separator": " "}');
CREATE TABLE logto (tenant_id varchar(21), user_id varchar(128), value varchar(64), expires_at timestamptz);
CREATE INDEX ON logto (value);
INSERT INTO logto VALUES ('default', 'u7', 'pat_live', NULL), ('default', 'u7', 'pat_old', now() - interval '1 h');
SELECT attach('logto', 'value', 'plaintext', 'user_id', 'expires_at', prefix => 'pat_');
INSERT INTO truth (source, token, verdict) VALUES ('kong', 'live', 'valid 7'), ('kong', 'old', 'refused'), ('kong_oauth2', 'live', 'valid u7'), ('kong_oauth2', 'old', 'refused'), ('kong_oauth2', 'never', 'valid u7'), ('logto', 'pat_live', 'valid u7'), ('logto', 'pat_old', 'refused');

-- Vikunja, Saleor, Odoo, Harbor: a salted hash, found by what the table has of the token
CREATE TABLE vikunja (id bigserial PRIMARY KEY, token_salt text, token_hash text UNIQUE, token_last_eight varchar(8), expires_at timestamp, owner_id bigint);
CREATE INDEX ON vikunja (token_last_eight);
INSERT INTO vikunja (token_salt, token_hash, token_last_eight, expires_at, owner_id) SELECT s, x256(s || t), right(t, 8), e, u FROM (VALUES ('s1', 'tk_one00000001', future(), 7), ('s2', 'tk_two00000001', future(), 8), ('s3', 'tk_old00000003', past(), 7)) v(s, t, e, u);
SELECT attach('vikunja', 'token_last_eight', 'plaintext', 'owner_id', 'expires_at', id => 'id', prefix => 'tk_',
    mapping => '{"lookup": "right(token, 8)", "verify": "wild.x256(token_salt || token) = token_hash"}');
CREATE TABLE odoo (id serial PRIMARY KEY, user_id int, expiration_date timestamp, index varchar(8), key varchar);
CREATE INDEX ON odoo (index);
INSERT INTO odoo (user_id, index, key) VALUES (7, 'abcdefgh', crypt('abcdefghrest', gen_salt('bf', 4)));
SELECT attach('odoo', 'index', 'plaintext', 'user_id', 'expiration_date', id => 'id', mapping => '{"lookup": "left(token, 8)", "verify": "public.crypt(token, key) = key"}');
CREATE TABLE saleor (id serial PRIMARY KEY, auth_token varchar(128) UNIQUE, token_last_4 varchar(4), app_id int);
CREATE INDEX ON saleor (token_last_4);
INSERT INTO saleor (auth_token, token_last_4, app_id) VALUES (crypt('xxxxlive', gen_salt('bf', 4)), 'live', 7), (crypt('yyyylive', gen_salt('bf', 4)), 'live', 8);
SELECT attach('saleor', 'token_last_4', 'plaintext', 'app_id', id => 'id', mapping => '{"lookup": "right(token, 4)", "verify": "public.crypt(token, auth_token) = auth_token"}');
CREATE TABLE harbor (id serial PRIMARY KEY, name varchar(255), expiresat bigint, disabled boolean, secret varchar(2048), salt varchar(64));
CREATE INDEX ON harbor (name);
INSERT INTO harbor (name, expiresat, disabled, secret, salt) VALUES ('robot$a', -1, false, x256('salt' || 'secret'), 'salt'), ('robot$b', 1000, false, x256('salt' || 'secret'), 'salt');
SELECT attach('harbor', 'name', 'plaintext', 'id', revoked => 'disabled', id => 'id',
    mapping => '{"lookup": "split_part(token, '':'', 1)", "verify": "wild.x256(salt || split_part(token, '':'', 2)) = secret", "expires_expression": "CASE WHEN expiresat >= 0 THEN to_timestamp(expiresat) END"}');
INSERT INTO truth (source, token, verdict) VALUES ('vikunja', 'tk_one00000001', 'valid 7'), ('vikunja', 'tk_two00000001', 'valid 8'), ('vikunja', 'tk_xxx00000001', 'refused'), ('vikunja', 'tk_old00000003', 'refused'), ('odoo', 'abcdefghrest', 'valid 7'), ('odoo', 'abcdefghother', 'refused'), ('saleor', 'xxxxlive', 'valid 7'), ('saleor', 'yyyylive', 'valid 8'), ('saleor', 'zzzzlive', 'refused'), ('harbor', 'robot$a:secret', 'valid 1'), ('harbor', 'robot$a:other', 'refused'), ('harbor', 'robot$b:secret', 'refused');

-- PeerTube, Kratos, authentik, Infisical, Hoppscotch, vaultwarden, Spring
CREATE TABLE peertube (id serial PRIMARY KEY, "accessToken" varchar(255) NOT NULL UNIQUE, "accessTokenExpiresAt" timestamptz, "refreshToken" varchar(255) NOT NULL UNIQUE, "refreshTokenExpiresAt" timestamptz, "userId" int);
INSERT INTO peertube ("accessToken", "accessTokenExpiresAt", "refreshToken", "refreshTokenExpiresAt", "userId") VALUES ('live', now() + interval '1 d', 'r1', now() + interval '9 d', 7), ('old', now() - interval '1 d', 'r2', now() + interval '9 d', 7), ('older', now() - interval '1 d', 'r3', now() - interval '1 h', 7);
SELECT attach('peertube', 'accessToken', 'plaintext', 'userId', 'accessTokenExpiresAt');
SELECT tokenauth_attach('peertube', source => 'peertube refresh', token_column => 'refreshToken', stored_as => 'plaintext', user_column => 'userId', expires_column => 'refreshTokenExpiresAt');
INSERT INTO truth (source, token, verdict) VALUES ('peertube', 'r1', 'refused'), ('peertube refresh', 'r1', 'valid 7'), ('peertube refresh', 'r2', 'valid 7'), ('peertube refresh', 'r3', 'refused'), ('peertube refresh', 'live', 'refused');
CREATE TABLE kratos (id uuid PRIMARY KEY, expires_at timestamp, identity_id int, token varchar(39) UNIQUE, active boolean DEFAULT false);
INSERT INTO kratos SELECT gen_random_uuid(), e, 7, t, a FROM (VALUES ('ory_st_live', true, future()), ('ory_st_off', false, future()), ('ory_st_old', true, past())) v(t, a, e);
SELECT attach('kratos', 'token', 'plaintext', 'identity_id', 'expires_at', prefix => 'ory_st_', mapping => '{"active_column": "active"}');
CREATE TABLE authentik (token_uuid uuid PRIMARY KEY, expires timestamptz, expiring boolean, key text, intent text, user_id int);
CREATE INDEX ON authentik (key);
INSERT INTO authentik VALUES (gen_random_uuid(), now() + interval '1 h', true, 'live', 'api', 7), (gen_random_uuid(), now() - interval '1 h', true, 'old', 'api', 7), (gen_random_uuid(), now() - interval '1 h', false, 'never', 'api', 7);
SELECT attach('authentik', 'key', 'plaintext', 'user_id', scope => 'intent', mapping => '{"expires_expression": "CASE WHEN expiring THEN expires END"}');
CREATE TABLE infisical (id uuid PRIMARY KEY, ttl bigint, max_ttl bigint, uses bigint, uses_limit bigint, renewed_at timestamptz, revoked boolean, identity_id int, created_at timestamptz);
INSERT INTO infisical SELECT ('00000000-0000-0000-0000-0000000000a' || n)::uuid, 2592000, 2592000, u, l, NULL, false, 7, c FROM (VALUES (1, 0, 0, now()), (2, 3, 3, now()), (3, 0, 0, now() - interval '60 d')) v(n, u, l, c);
SELECT attach('infisical', 'id', 'plaintext', 'identity_id', revoked => 'revoked', live_when => 'uses_limit = 0 OR uses < uses_limit',
    mapping => '{"expires_expression": "least(coalesce(renewed_at, created_at) + ttl * interval ''1 s'', created_at + max_ttl * interval ''1 s'')"}');
CREATE TABLE hoppscotch (id text PRIMARY KEY, "userUid" text, token text UNIQUE, "expiresOn" timestamp(3));
INSERT INTO hoppscotch VALUES ('1', 'u7', 'abc', NULL), ('2', 'u7', 'old', past());
SELECT attach('hoppscotch', 'token', 'plaintext', 'userUid', 'expiresOn', prefix => 'pat-', mapping => '{"token_part": "after prefix"}');
CREATE TABLE vaultwarden (uuid char(36) PRIMARY KEY, user_uuid char(36), refresh_token text);
INSERT INTO vaultwarden VALUES ('00000000-0000-0000-0000-0000000000a1', '00000000-0000-0000-0000-000000000007', 'live');
CREATE INDEX ON vaultwarden (refresh_token);
SELECT attach('vaultwarden', 'refresh_token', 'plaintext', mapping => '{"user_expression": "user_uuid::text"}');
CREATE TABLE spring (id varchar(100) PRIMARY KEY, principal_name varchar(200), access_token_value text, access_token_expires_at timestamp, access_token_metadata text);
INSERT INTO spring VALUES ('1', 'u7', 'live', future(), '{"metadata.token.invalidated":false}'), ('2', 'u7', 'inv', future(), '{"metadata.token.invalidated":true}'), ('3', 'u7', 'old', past(), '{}'), ('4', 'u7', repeat('x', 1100), future(), '{}');
CREATE INDEX ON spring USING hash (access_token_value);
SELECT attach('spring', 'access_token_value', 'plaintext', 'principal_name', 'access_token_expires_at', live_when => $$(access_token_metadata::jsonb ->> 'metadata.token.invalidated') IS DISTINCT FROM 'true'$$);
INSERT INTO truth (source, token, verdict) VALUES ('peertube', 'live', 'valid 7'), ('peertube', 'old', 'refused'), ('kratos', 'ory_st_live', 'valid 7'), ('kratos', 'ory_st_off', 'refused'), ('kratos', 'ory_st_old', 'refused'), ('authentik', 'live', 'valid 7'), ('authentik', 'old', 'refused'), ('authentik', 'never', 'valid 7'), ('infisical', '00000000-0000-0000-0000-0000000000a1', 'valid 7'), ('infisical', '00000000-0000-0000-0000-0000000000a2', 'refused'), ('infisical', '00000000-0000-0000-0000-0000000000a3', 'refused'), ('hoppscotch', 'pat-abc', 'valid u7'), ('hoppscotch', 'pat-old', 'refused'), ('hoppscotch', 'abc', 'refused'), ('vaultwarden', 'live', 'valid 00000000-0000-0000-0000-000000000007'), ('spring', 'live', 'valid u7'), ('spring', 'inv', 'refused'), ('spring', 'old', 'refused'), ('spring', repeat('x', 1100), 'valid u7');

-- Grafana: the name and the secret are in the token, as JSON in base64
CREATE TABLE grafana (id bigserial PRIMARY KEY, name varchar(190), key varchar(190) UNIQUE, expires bigint, is_revoked boolean DEFAULT false, service_account_id bigint);
CREATE FUNCTION grafana_part(token text, part text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT convert_from(decode(token, 'base64'), 'UTF8')::jsonb ->> part $$;
INSERT INTO grafana (name, key, expires, is_revoked, service_account_id) VALUES ('a', x256('a' || 's1'), NULL, false, 7), ('b', x256('b' || 's2'), 1000, false, 7), ('c', x256('c' || 's3'), NULL, NULL, 7);
CREATE INDEX ON grafana (name);
SELECT attach('grafana', 'name', 'plaintext', 'service_account_id', revoked => 'is_revoked', id => 'id',
    mapping => '{"lookup": "wild.grafana_part(token, ''n'')", "verify": "wild.x256(wild.grafana_part(token, ''n'') || wild.grafana_part(token, ''k'')) = key", "expires_expression": "to_timestamp(expires)", "null_flag": "live"}');
INSERT INTO truth (source, token, verdict) SELECT 'grafana', b64(convert_to(format('{"n":"%s","k":"%s"}', n, k), 'UTF8')), v FROM (VALUES ('a', 's1', 'valid 7'), ('a', 's2', 'refused'), ('b', 's2', 'refused'), ('c', 's3', 'valid 7')) t(n, k, v);
INSERT INTO truth (source, token, verdict) VALUES ('grafana', 'no base64 at all', 'refused');
\o

CREATE FUNCTION ask(token text, source name) RETURNS text LANGUAGE sql AS $$
    SELECT CASE WHEN i.status = 'valid' THEN i.status || coalesce(' ' || i.user_id, '') ELSE 'refused' END FROM tokenauth_identify(token, source) i $$;
SELECT count(DISTINCT relation) AS tables, count(DISTINCT source) AS sources, count(*) AS tokens FROM truth JOIN tokenauth_sources USING (source);
SELECT source, left(token, 30), verdict, ask(token, source) FROM truth WHERE ask(token, source) IS DISTINCT FROM verdict ORDER BY n;
-- of the cache
SELECT source, left(token, 30), verdict, ask(token, source) FROM truth WHERE ask(token, source) IS DISTINCT FROM verdict ORDER BY n;
SELECT count(*) > 100 AS cached FROM tokenauth_cache WHERE believed;
-- Rows that go are gone for the next question.
DO $$
DECLARE
    t regclass;
BEGIN
    FOR t IN SELECT DISTINCT relation FROM truth JOIN tokenauth_sources USING (source) LOOP
        EXECUTE format('DELETE FROM %s', t);
    END LOOP;
END $$;
SELECT source, left(token, 30), ask(token, source) FROM truth WHERE ask(token, source) <> 'refused' ORDER BY n;
DROP SCHEMA wild CASCADE;
