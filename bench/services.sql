-- The token tables of five services, each in a schema of its own, and each with as many
-- tokens as there are users with a note.  "active" is what the client asks for there.
\set ON_ERROR_STOP on
\set QUIET on
SET client_min_messages = warning;

-- multica has the table of schema.sql.
CREATE SCHEMA multica;
CREATE VIEW multica.active AS SELECT * FROM public.active;

-- dify: plain text, not unique by itself, a scope, two parents
CREATE SCHEMA dify;
CREATE TABLE dify.tenants (id uuid PRIMARY KEY, status text NOT NULL DEFAULT 'normal');
CREATE TABLE dify.apps (id uuid PRIMARY KEY, status text NOT NULL DEFAULT 'normal',
    enable_api boolean NOT NULL DEFAULT true);
CREATE TABLE dify.api_tokens (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), app_id uuid, tenant_id uuid,
    type varchar(16), token varchar(255), last_used_at timestamp, created_at timestamp NOT NULL DEFAULT now());
CREATE VIEW dify.active AS SELECT n, 'app-' || right(token, 40) AS token, hash, user_id, body FROM public.active;
INSERT INTO dify.tenants SELECT user_id FROM dify.active;
INSERT INTO dify.apps SELECT md5(user_id::text)::uuid FROM dify.active;
INSERT INTO dify.api_tokens (app_id, tenant_id, type, token)
SELECT md5(user_id::text)::uuid, user_id, 'app', token FROM dify.active;
CREATE INDEX ON dify.api_tokens (token, type);
SELECT tokenauth_attach('dify.api_tokens', source => 'dify', prefix => 'app-', token_column => 'token',
    stored_as => 'plaintext', user_column => 'tenant_id', scope_column => 'type', on_revoke => 'delete') \g /dev/null
SELECT tokenauth_attach_parent('dify', 'dify.apps', 'app_id', live_when => $$status = 'normal' AND enable_api$$),
    tokenauth_attach_parent('dify', 'dify.tenants', 'tenant_id', live_when => $$status <> 'archive'$$) \g /dev/null

-- visionA: session tokens
CREATE SCHEMA visiona;
CREATE TABLE visiona.session_tokens (token_hash text PRIMARY KEY, user_id text NOT NULL, device_id text,
    parent_hash text, created_at timestamptz NOT NULL DEFAULT now(), expires_at timestamptz NOT NULL, revoked_at timestamptz);
CREATE VIEW visiona.active AS SELECT n, token, bench_hash(token) AS hash, user_id::text, body
FROM (SELECT n, 'vAs_' || encode(sha256(int8send(n)), 'hex') AS token, user_id, body FROM public.active) t;
INSERT INTO visiona.session_tokens (token_hash, user_id, expires_at)
SELECT hash, user_id, now() + interval '90 days' FROM visiona.active;
SELECT tokenauth_attach('visiona.session_tokens', source => 'visiona', prefix => 'vAs_', id_column => '') \g /dev/null

-- scrabble: sessions without an end
CREATE SCHEMA scrabble;
CREATE TABLE scrabble.sessions (session_id uuid PRIMARY KEY DEFAULT gen_random_uuid(), account_id uuid NOT NULL,
    token_hash text NOT NULL UNIQUE, status text NOT NULL DEFAULT 'active', created_at timestamptz NOT NULL DEFAULT now(),
    last_seen_at timestamptz, revoked_at timestamptz);
CREATE VIEW scrabble.active AS SELECT n, token, bench_hash(token) AS hash, user_id, body
FROM (SELECT n, encode(sha256(int8send(n)), 'hex') AS token, user_id, body FROM public.active) t;
INSERT INTO scrabble.sessions (account_id, token_hash) SELECT user_id, hash FROM scrabble.active;
SELECT tokenauth_attach('scrabble.sessions', source => 'scrabble', id_column => 'session_id', user_column => 'account_id',
    revoked_column => 'status', active_values => '{active}', last_used_column => 'last_seen_at') \g /dev/null

-- xtablo: the hash of bytes, which the cookie has in base64url; a row of the user's beside it
CREATE SCHEMA xtablo;
CREATE TABLE xtablo.users (id uuid PRIMARY KEY, email text NOT NULL);
CREATE TABLE xtablo.sessions (id text PRIMARY KEY, user_id uuid NOT NULL REFERENCES xtablo.users ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now(), expires_at timestamptz NOT NULL);
CREATE VIEW xtablo.active AS SELECT n, rtrim(translate(encode(bytes, 'base64'), '+/', '-_'), '=') AS token,
    encode(sha256(bytes), 'hex') AS hash, user_id, body
FROM (SELECT n, sha256(int8send(n)) AS bytes, user_id, body FROM public.active) t;
INSERT INTO xtablo.users SELECT user_id, 'somebody@example.com' FROM xtablo.active;
INSERT INTO xtablo.sessions (id, user_id, expires_at) SELECT hash, user_id, now() + interval '30 days' FROM xtablo.active;
CREATE INDEX ON xtablo.sessions (user_id);
SELECT tokenauth_attach('xtablo.sessions', source => 'xtablo', token_column => 'id', token_encoding => 'base64url',
    on_revoke => 'delete') \g /dev/null
SELECT tokenauth_attach_parent('xtablo', 'xtablo.users', 'user_id') \g /dev/null

VACUUM (FREEZE, ANALYZE);
CHECKPOINT;
