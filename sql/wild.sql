-- Token tables of sixty-four public projects, as their applications make and fill them,
-- attached as they are; and what the application says of each token.  Each is asked of
-- the table and of the cache, and again after a change by SQL.  doc/projects.md has the
-- table of them (t/063).
--
-- Where there is no index, what attaching says to create is created.  In t/063 the
-- server has peppers; elsewhere an expression stands in for them.
CREATE SCHEMA wild;
SET search_path = wild, public;
SET client_min_messages = warning;
SET wild.project = '';

CREATE TABLE project (n serial PRIMARY KEY, name text UNIQUE, indexed boolean NOT NULL DEFAULT false);
CREATE TABLE truth (n serial, project text DEFAULT current_setting('wild.project'), source name, token text, verdict text);
-- what ends the life of a token that was valid
CREATE TABLE change (n serial, project text DEFAULT current_setting('wild.project'), source name, token text, statement text);

-- A schema for each, for many tables have the same name.
CREATE FUNCTION in_schema(project text) RETURNS text LANGUAGE sql AS $$
    SELECT format('SET search_path = p%s, wild, public', n) FROM wild.project WHERE name = $1 $$;
CREATE PROCEDURE project(name text) LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO wild.project (name) VALUES ($1);
    EXECUTE 'CREATE SCHEMA p' || currval('wild.project_n_seq');
    EXECUTE wild.in_schema($1);
    PERFORM set_config('wild.project', $1, false);
END $$;
-- attach(): the arguments but for the table, the source and the mapping.
CREATE FUNCTION attach(source name, relation regclass, arguments text, mapping jsonb DEFAULT NULL,
    stored_as text DEFAULT NULL, lookup text DEFAULT NULL)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    call text;
    hint text;
BEGIN
    IF lookup IS NOT NULL AND current_setting('wild.peppers', true) IS DISTINCT FROM 'on' THEN
        stored_as := 'plaintext';
        mapping := mapping - '{pepper,pepper_as}'::text[] || jsonb_build_object('lookup', lookup);
    END IF;
    call := concat_ws(', ', format('SELECT tokenauth_attach(%L, source => %L', relation, source), arguments,
        'stored_as => ' || quote_literal(stored_as), format('mapping => %L)', mapping));
    BEGIN
        EXECUTE call;
    EXCEPTION WHEN object_not_in_prerequisite_state THEN
        GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
        -- not all that a token is found by is unique, such as its last eight characters
        EXECUTE replace(replace(substring(hint FROM 'CREATE .*;$'), ' CONCURRENTLY', ''), ' UNIQUE', '');
        UPDATE wild.project SET indexed = true WHERE name = current_setting('wild.project');
        EXECUTE call;
    END;
END $$;

-- What the applications compute.  Those that verify slowly do so in few rounds here.
CREATE FUNCTION r256(text) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$ SELECT sha256($1::bytea) $$;
CREATE FUNCTION x256(text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT encode(sha256($1::bytea), 'hex') $$;
CREATE FUNCTION b64(bytea) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT replace(encode($1, 'base64'), E'\n', '') $$;
CREATE FUNCTION b64u(bytea) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT rtrim(translate(wild.b64($1), '+/', '-_'), '=') $$;
CREATE FUNCTION pbkdf2(password text, salt text, rounds int, length int, hash text) RETURNS bytea LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    result bytea := '';
    block bytea;
    round bytea;
BEGIN
    FOR i IN 1..100 LOOP
        round := public.hmac(salt::bytea || int4send(i), password::bytea, hash);
        block := round;
        FOR j IN 2..rounds LOOP
            round := public.hmac(round, password::bytea, hash);
            FOR k IN 0..octet_length(block) - 1 LOOP
                block := set_byte(block, k, get_byte(block, k) # get_byte(round, k));
            END LOOP;
        END LOOP;
        result := result || block;
        EXIT WHEN octet_length(result) >= length;
    END LOOP;
    RETURN substr(result, 1, length);
END $$;
-- a test vector of RFC 6070, and the same with SHA-256
SELECT encode(pbkdf2('password', 'salt', 2, 20, 'sha1'), 'hex') AS sha1, encode(pbkdf2('password', 'salt', 2, 32, 'sha256'), 'hex') AS sha256;
-- Django's: ALGORITHM$ROUNDS$SALT$BASE64
CREATE FUNCTION django_password(password text, salt text, rounds int) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT format('pbkdf2_sha256$%s$%s$%s', rounds, salt, wild.b64(wild.pbkdf2(password, salt, rounds, 32, 'sha256'))) $$;
CREATE FUNCTION check_password(password text, stored text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT stored = wild.django_password(password, split_part(stored, '$', 3), split_part(stored, '$', 2)::int) $$;
\o /dev/null

-- Laravel Sanctum: token shown: "ID|SECRET"; stored: hex SHA-256 of SECRET; found by ID, or by hash where there is no "|"
CALL project('Laravel Sanctum');
CREATE TABLE personal_access_tokens (id bigserial PRIMARY KEY, tokenable_type varchar(255) NOT NULL, tokenable_id bigint NOT NULL,
  name text NOT NULL, token varchar(64) NOT NULL UNIQUE, abilities text, last_used_at timestamp(0), expires_at timestamp(0), created_at timestamp(0), updated_at timestamp(0));
CREATE INDEX ON personal_access_tokens (tokenable_type, tokenable_id);
INSERT INTO personal_access_tokens (tokenable_type, tokenable_id, name, token, expires_at) VALUES
 ('User', 7, 'live', x256('aaa'), NULL), ('User', 7, 'old', x256('bbb'), now() AT TIME ZONE 'UTC' - interval '1 h'), ('Admin', 7, 'adm', x256('ccc'), NULL);
SELECT attach('sanctum', 'personal_access_tokens', $$token_column => 'token', user_column => 'tokenable_id', live_when => 'tokenable_type = ''User'''$$,
    mapping => '{"token_part": "after | if any", "verify": "strpos(token, ''|'') = 0 OR split_part(token, ''|'', 1) = id::text", "scope_expression": "abilities::jsonb"}');
INSERT INTO truth (source, token, verdict) VALUES ('sanctum', '1|aaa', 'valid 7'), ('sanctum', 'aaa', 'valid 7'), ('sanctum', '2|bbb', 'refused'), ('sanctum', '9|aaa', 'refused'), ('sanctum', 'ccc', 'refused');
INSERT INTO change (source, token, statement) VALUES ('sanctum', '1|aaa', $$DELETE FROM personal_access_tokens WHERE id = 1$$);

-- Laravel Passport: token shown: a JWT; the row's id is its jti; the application checks the signature first
CALL project('Laravel Passport');
CREATE TABLE oauth_access_tokens (id char(80) PRIMARY KEY, user_id bigint, client_id uuid NOT NULL, name varchar(255), scopes text, revoked boolean NOT NULL,
  created_at timestamp(0), updated_at timestamp(0), expires_at timestamp(0));
CREATE TABLE oauth_access_tokens_older (id varchar(100) PRIMARY KEY, user_id bigint, client_id bigint NOT NULL, name varchar(255), scopes text, revoked boolean NOT NULL,
  created_at timestamp(0), updated_at timestamp(0), expires_at timestamp(0));
INSERT INTO oauth_access_tokens SELECT i, u, gen_random_uuid(), '', '[]', r, now(), now(), now() AT TIME ZONE 'UTC' + e FROM (VALUES (repeat('a', 80), 7, false, interval '1 h'), (repeat('b', 80), 7, false, '-1 h'), (repeat('c', 80), 7, true, NULL), ('short', 8, false, NULL)) v(i, u, r, e);
INSERT INTO oauth_access_tokens_older VALUES ('jti1', 7, 1, '', '[]', false, now(), now(), now() AT TIME ZONE 'UTC' + '1 h'), ('jti2', 7, 1, '', '[]', false, now(), now(), now() AT TIME ZONE 'UTC' - interval '1 h'),
 ('jti3', 7, 1, '', '[]', true, now(), now(), NULL);
SELECT attach('passport', 'oauth_access_tokens', $$token_column => 'id', id_column => '', stored_as => 'plaintext'$$,
    mapping => '{"scope_expression": "scopes::jsonb"}');
SELECT attach('passport older', 'oauth_access_tokens_older', $$token_column => 'id', id_column => '', stored_as => 'plaintext'$$,
    mapping => '{"scope_expression": "scopes::jsonb"}');
INSERT INTO truth (source, token, verdict) VALUES ('passport', repeat('a', 80), 'valid 7'), ('passport', repeat('b', 80), 'refused'), ('passport', repeat('c', 80), 'refused'), ('passport', 'short', 'valid 8'), ('passport', 'short ', 'refused'), ('passport older', 'jti1', 'valid 7'), ('passport older', 'jti2', 'refused'), ('passport older', 'jti3', 'refused'), ('passport older', 'jti9', 'refused');
INSERT INTO change (source, token, statement) VALUES ('passport older', 'jti1', $$UPDATE oauth_access_tokens_older SET revoked = true WHERE id = 'jti1'$$);
INSERT INTO change (source, token, statement) VALUES ('passport', 'short', $$UPDATE oauth_access_tokens SET revoked = true WHERE id = 'short'$$);

-- Django REST knox: stored: hex SHA-512 of the token's text (setting), and its first 15 characters
CALL project('Django REST knox');
CREATE TABLE knox_authtoken (digest varchar(128) PRIMARY KEY, token_key varchar(25) NOT NULL, created timestamptz NOT NULL, expiry timestamptz, user_id integer NOT NULL);
CREATE INDEX ON knox_authtoken (token_key);
INSERT INTO knox_authtoken SELECT encode(digest(t, 'sha512'), 'hex'), left(t, 15), now(), e, 7 FROM (VALUES ('live', now() + interval '1 h'), ('old', now() - interval '1 h')) v(t, e);
SELECT attach('knox', 'knox_authtoken', $$token_column => 'digest', stored_as => 'sha512-hex', created_column => 'created'$$);
INSERT INTO truth (source, token, verdict) VALUES ('knox', 'live', 'valid 7'), ('knox', 'old', 'refused'), ('knox', 'x', 'refused');
INSERT INTO change (source, token, statement) VALUES ('knox', 'live', $$DELETE FROM knox_authtoken$$);

-- DRF API key: token: PREFIX.SECRET; stored: Django password hash of the whole (PBKDF2, salted); with a setting "plain_sha512$$" || hex(sha512(token || prefix))
CALL project('DRF API key');
CREATE TABLE rest_framework_api_key_apikey (id varchar(150) PRIMARY KEY, prefix varchar(8) NOT NULL UNIQUE, hashed_key varchar(150) NOT NULL, created timestamptz NOT NULL, name varchar(50) NOT NULL, revoked boolean NOT NULL, expiry_date timestamptz);
INSERT INTO rest_framework_api_key_apikey SELECT p || '.x', p, django_password(p || '.secret', 'salt', 3), now(), 'a', r, NULL FROM (VALUES ('p1', false), ('p2', true)) v(p, r);
SELECT attach('drf_api_key', 'rest_framework_api_key_apikey', $$token_column => 'prefix', stored_as => 'plaintext', expires_column => 'expiry_date'$$,
    mapping => '{"lookup": "split_part(token, ''.'', 1)", "verify": "wild.check_password(token, hashed_key)"}');
INSERT INTO truth (source, token, verdict) VALUES ('drf_api_key', 'p1.secret', 'valid'), ('drf_api_key', 'p1.other', 'refused'), ('drf_api_key', 'p2.secret', 'refused'), ('drf_api_key', 'p1', 'refused');
INSERT INTO change (source, token, statement) VALUES ('drf_api_key', 'p1.secret', $$UPDATE rest_framework_api_key_apikey SET revoked = true$$);

-- Doorkeeper: one-time codes: created_at + expires_in; used up by setting revoked_at
CALL project('Doorkeeper');
CREATE TABLE oauth_access_grants (id bigserial PRIMARY KEY, resource_owner_id bigint NOT NULL, application_id bigint NOT NULL, token varchar NOT NULL UNIQUE, expires_in integer NOT NULL, redirect_uri text NOT NULL, scopes varchar NOT NULL DEFAULT '', created_at timestamp(6) NOT NULL, revoked_at timestamp(6));
INSERT INTO oauth_access_grants (resource_owner_id, application_id, token, expires_in, redirect_uri, created_at) VALUES (7, 1, 'live', 600, '', now() AT TIME ZONE 'UTC'), (7, 1, 'old', 600, '', now() AT TIME ZONE 'UTC' - interval '1 h');
SELECT attach('doorkeeper', 'oauth_access_grants', $$token_column => 'token', stored_as => 'plaintext', user_column => 'resource_owner_id', scope_column => 'scopes', revoked_column => '', used_column => 'revoked_at'$$,
    mapping => '{"expires_expression": "created_at + expires_in * interval ''1 second''", "scope_separator": " "}');
INSERT INTO truth (source, token, verdict) VALUES ('doorkeeper', 'live', 'valid 7'), ('doorkeeper', 'old', 'refused'), ('doorkeeper', 'x', 'refused');
INSERT INTO change (source, token, statement) VALUES ('doorkeeper', 'live', $$UPDATE oauth_access_grants SET revoked_at = now() WHERE token = 'live'$$);

-- GitLab: stored: base64 of SHA-256(token || key); expires_at is a date (valid until it begins, UTC); revoked is nullable and NULL is live
CALL project('GitLab');
CREATE TABLE users (id bigint PRIMARY KEY, state varchar);
CREATE TABLE personal_access_tokens (id bigserial PRIMARY KEY, user_id bigint NOT NULL, name varchar NOT NULL, revoked boolean DEFAULT false, expires_at date, created_at timestamp, updated_at timestamp, scopes varchar NOT NULL DEFAULT '--- []', impersonation boolean NOT NULL DEFAULT false, token_digest varchar, last_used_at timestamp);
CREATE UNIQUE INDEX ON personal_access_tokens (token_digest);
INSERT INTO users VALUES (7, 'active');
INSERT INTO personal_access_tokens (user_id, name, revoked, expires_at, token_digest) SELECT 7, t, r, e, b64(r256(t || 'KEY')) FROM (VALUES ('glpat-live', false, current_date + 30), ('glpat-null', NULL::boolean, NULL::date), ('glpat-old', false, current_date - 1), ('glpat-rev', true, NULL)) v(t, r, e);
INSERT INTO users VALUES (8, 'blocked');
INSERT INTO personal_access_tokens (user_id, name, token_digest) VALUES (8, '', b64(r256('glpat-blkKEY')));
SELECT attach('gitlab', 'personal_access_tokens', $$token_column => 'token_digest', prefix => 'glpat-'$$,
    mapping => '{"pepper": "gitlab", "pepper_as": "suffix", "expires_expression": "expires_at", "null_flag": "live"}',
    stored_as => 'sha256-base64', lookup => $$wild.b64(wild.r256(token || 'KEY'))$$);
SELECT tokenauth_attach_parent('gitlab', 'users', 'user_id', live_when => 'state = ''active''');
INSERT INTO truth (source, token, verdict) VALUES ('gitlab', 'glpat-live', 'valid 7'), ('gitlab', 'glpat-null', 'valid 7'), ('gitlab', 'glpat-old', 'refused'), ('gitlab', 'glpat-rev', 'refused'), ('gitlab', 'glpat-blk', 'refused');
INSERT INTO change (source, token, statement) VALUES ('gitlab', 'glpat-live', $$UPDATE users SET state = 'blocked'$$);

-- Gogs
CALL project('Gogs');
CREATE TABLE access_token (id bigserial PRIMARY KEY, uid bigint, name varchar(255), sha1 varchar(40) UNIQUE, sha256 varchar(64) NOT NULL UNIQUE, created_unix bigint, updated_unix bigint);
INSERT INTO access_token (uid, name, sha1, sha256) VALUES (7, 'a', left(x256('tok'), 40), x256('tok'));
SELECT attach('gogs', 'access_token', $$token_column => 'sha256', user_column => 'uid'$$);
INSERT INTO truth (source, token, verdict) VALUES ('gogs', 'tok', 'valid 7'), ('gogs', 'x', 'refused');
INSERT INTO change (source, token, statement) VALUES ('gogs', 'tok', $$DELETE FROM access_token$$);

-- Sentry
CALL project('Sentry');
CREATE TABLE sentry_apitoken (id bigserial PRIMARY KEY, application_id bigint, user_id bigint NOT NULL, token varchar(64) NOT NULL UNIQUE, refresh_token varchar(64) UNIQUE, expires_at timestamptz, date_added timestamptz NOT NULL, scope_list text[]);
INSERT INTO sentry_apitoken (user_id, token, expires_at, date_added) VALUES (7, 'live', NULL, now()), (7, 'old', now() - interval '1 h', now());
SELECT attach('sentry', 'sentry_apitoken', $$token_column => 'token', stored_as => 'plaintext', scope_column => 'scope_list'$$);
INSERT INTO truth (source, token, verdict) VALUES ('sentry', 'live', 'valid 7'), ('sentry', 'old', 'refused'), ('sentry', 'x', 'refused');
INSERT INTO change (source, token, statement) VALUES ('sentry', 'live', $$DELETE FROM sentry_apitoken WHERE token = 'live'$$);

-- PostHog: stored: "sha256$" || hex SHA-256 (older keys: PBKDF2 with a fixed salt)
CALL project('PostHog');
CREATE TABLE posthog_user (id integer PRIMARY KEY, is_active boolean NOT NULL);
CREATE TABLE posthog_personalapikey (id varchar(50) PRIMARY KEY, user_id integer NOT NULL, label varchar(40) NOT NULL, value varchar(50) UNIQUE, mask_value varchar(11), secure_value varchar(300) UNIQUE, created_at timestamptz NOT NULL, last_used_at timestamptz, scopes varchar(100)[], scoped_teams integer[]);
INSERT INTO posthog_user VALUES (7, true);
INSERT INTO posthog_personalapikey (id, user_id, label, secure_value, created_at) VALUES ('a', 7, '', 'sha256$' || x256('phx_live'), now());
INSERT INTO posthog_user VALUES (8, false);
INSERT INTO posthog_personalapikey (id, user_id, label, secure_value, created_at) VALUES ('b', 8, '', 'sha256$' || x256('phx_off'), now()), ('c', 7, '', 'pbkdf2_sha256$260000$temp$x', now());
SELECT attach('posthog', 'posthog_personalapikey', $$token_column => 'secure_value', prefix => 'phx_', scope_column => 'scopes'$$,
    mapping => '{"stored_prefix": "sha256$"}');
SELECT tokenauth_attach_parent('posthog', 'posthog_user', 'user_id', live_when => 'is_active');
INSERT INTO truth (source, token, verdict) VALUES ('posthog', 'phx_live', 'valid 7'), ('posthog', 'phx_off', 'refused'), ('posthog', 'phx_x', 'refused');
INSERT INTO change (source, token, statement) VALUES ('posthog', 'phx_live', $$DELETE FROM posthog_personalapikey$$);

-- Mattermost sessions: expiresat: milliseconds since the epoch, 0 never
CALL project('Mattermost sessions');
CREATE TABLE sessions (id varchar(26) PRIMARY KEY, token varchar(26), createat bigint, expiresat bigint, lastactivityat bigint, userid varchar(26), deviceid varchar(512), roles varchar(256), isoauth boolean, props jsonb, expirednotify boolean);
CREATE INDEX ON sessions (token); CREATE INDEX ON sessions (userid);
INSERT INTO sessions (id, token, expiresat, userid) VALUES ('1', 'live', (extract(epoch FROM now()) * 1000)::bigint + 3600000, 'u7'), ('2', 'old', (extract(epoch FROM now()) * 1000)::bigint - 3600000, 'u7'), ('3', 'never', 0, 'u7');
SELECT attach('mattermost', 'sessions', $$token_column => 'token', stored_as => 'plaintext', user_column => 'userid', last_used_column => ''$$,
    mapping => '{"expires_expression": "CASE WHEN expiresat > 0 THEN to_timestamp(expiresat / 1000.0) END"}');
INSERT INTO truth (source, token, verdict) VALUES ('mattermost', 'live', 'valid u7'), ('mattermost', 'old', 'refused'), ('mattermost', 'never', 'valid u7'), ('mattermost', 'x', 'refused');
INSERT INTO change (source, token, statement) VALUES ('mattermost', 'live', $$UPDATE sessions SET expiresat = 1 WHERE token = 'live'$$);
INSERT INTO change (source, token, statement) VALUES ('mattermost', 'never', $$DELETE FROM sessions$$);

-- Mattermost one-time tokens: one-time tokens; valid for a time that depends on the type, from createat (ms); deleted on use; the user is in "extra"
CALL project('Mattermost one-time tokens');
CREATE TABLE tokens (token varchar(64) PRIMARY KEY, createat bigint, type varchar(64), extra varchar(2048));
INSERT INTO tokens VALUES ('live', (extract(epoch FROM now()) * 1000)::bigint, 'password_recovery', '{"UserId":"u7"}'), ('old', (extract(epoch FROM now()) * 1000)::bigint - 90000000, 'password_recovery', '{"UserId":"u7"}');
SELECT attach('mattermost codes', 'tokens', $$token_column => 'token', stored_as => 'plaintext', scope_column => 'type', on_revoke => 'delete', created_column => ''$$,
    mapping => '{"expires_expression": "to_timestamp(createat / 1000.0 + 86400)", "user_expression": "extra::jsonb ->> ''UserId''"}');
INSERT INTO truth (source, token, verdict) VALUES ('mattermost codes', 'live', 'valid u7'), ('mattermost codes', 'old', 'refused');
INSERT INTO change (source, token, statement) VALUES ('mattermost codes', 'live', $$DELETE FROM tokens$$);

-- Sourcegraph: stored: SHA-256 of the bytes that the hex token stands for; scopes in an array; both users must be there
CALL project('Sourcegraph');
CREATE TABLE users (id serial PRIMARY KEY, deleted_at timestamptz);
CREATE TABLE access_tokens (id bigserial PRIMARY KEY, subject_user_id integer NOT NULL, value_sha256 bytea NOT NULL UNIQUE, note text NOT NULL, created_at timestamptz NOT NULL DEFAULT now(), last_used_at timestamptz, deleted_at timestamptz, creator_user_id integer NOT NULL, scopes text[] NOT NULL, internal boolean DEFAULT false);
CREATE INDEX access_tokens_lookup ON access_tokens USING hash (value_sha256) WHERE deleted_at IS NULL;
INSERT INTO users VALUES (7, NULL), (8, now());
INSERT INTO access_tokens (subject_user_id, creator_user_id, value_sha256, note, deleted_at, scopes) VALUES (7, 7, sha256('\xabcd01'), '', NULL, '{user:all}'), (7, 7, sha256('\xabcd02'), '', now(), '{user:all}'), (7, 8, sha256('\xabcd03'), '', NULL, '{user:all}');
SELECT attach('sourcegraph', 'access_tokens', $$token_column => 'value_sha256', stored_as => 'sha256-bytea', token_encoding => 'hex', user_column => 'subject_user_id', revoked_column => 'deleted_at', scope_column => 'scopes'$$);
SELECT tokenauth_attach_parent('sourcegraph', 'users', 'subject_user_id', live_when => 'deleted_at IS NULL');
SELECT tokenauth_attach_parent('sourcegraph', 'users', 'creator_user_id', live_when => 'deleted_at IS NULL');
INSERT INTO truth (source, token, verdict) VALUES ('sourcegraph', 'abcd01', 'valid 7'), ('sourcegraph', 'abcd02', 'refused'), ('sourcegraph', 'abcd03', 'refused'), ('sourcegraph', 'abcd09', 'refused');
INSERT INTO change (source, token, statement) VALUES ('sourcegraph', 'abcd01', $$UPDATE access_tokens SET deleted_at = now() WHERE id = 1$$);

-- RubyGems
CALL project('RubyGems');
CREATE TABLE api_keys (id bigserial PRIMARY KEY, owner_type varchar, owner_id bigint, hashed_key varchar NOT NULL, name varchar NOT NULL, push_rubygem boolean NOT NULL DEFAULT false, last_accessed_at timestamp, expires_at timestamp, soft_deleted_at timestamp, created_at timestamp NOT NULL, updated_at timestamp NOT NULL);
CREATE UNIQUE INDEX ON api_keys (hashed_key);
INSERT INTO api_keys (owner_type, owner_id, hashed_key, name, expires_at, soft_deleted_at, created_at, updated_at) VALUES ('User', 7, x256('rubygems_live'), '', NULL, NULL, now(), now()), ('User', 7, x256('rubygems_old'), '', now() AT TIME ZONE 'UTC' - interval '1 s', NULL, now(), now()), ('User', 7, x256('rubygems_del'), '', NULL, now(), now(), now());
SELECT attach('rubygems', 'api_keys', $$token_column => 'hashed_key', prefix => 'rubygems_', user_column => 'owner_id', scope_column => 'owner_type', revoked_column => 'soft_deleted_at', last_used_column => 'last_accessed_at'$$);
INSERT INTO truth (source, token, verdict) VALUES ('rubygems', 'rubygems_live', 'valid 7'), ('rubygems', 'rubygems_old', 'refused'), ('rubygems', 'rubygems_del', 'refused'), ('rubygems', 'rubygems_x', 'refused');
INSERT INTO change (source, token, statement) VALUES ('rubygems', 'rubygems_live', $$UPDATE api_keys SET expires_at = now() AT TIME ZONE 'UTC' WHERE id = 1$$);

-- Plausible: stored: hex SHA-256(secret || token)
CALL project('Plausible');
CREATE TABLE api_keys (id bigserial PRIMARY KEY, user_id bigint NOT NULL, name varchar(255) NOT NULL, key_prefix varchar(255), key_hash varchar(255) NOT NULL UNIQUE, scopes text[] NOT NULL DEFAULT '{}', hourly_request_limit integer, inserted_at timestamp NOT NULL, updated_at timestamp NOT NULL);
INSERT INTO api_keys (user_id, name, key_hash, inserted_at, updated_at) VALUES (7, '', x256('SECRET' || 'live'), now(), now());
SELECT attach('plausible', 'api_keys', $$token_column => 'key_hash', scope_column => 'scopes'$$,
    mapping => '{"pepper": "plausible", "pepper_as": "prefix"}',
    stored_as => 'sha256-hex', lookup => $$wild.x256('SECRET' || token)$$);
INSERT INTO truth (source, token, verdict) VALUES ('plausible', 'live', 'valid 7'), ('plausible', 'x', 'refused');
INSERT INTO change (source, token, statement) VALUES ('plausible', 'live', $$DELETE FROM api_keys$$);

-- Discourse API keys: a key without a user is one of all users
CALL project('Discourse API keys');
CREATE TABLE api_keys (id serial PRIMARY KEY, user_id integer, created_by_id integer, created_at timestamp NOT NULL, updated_at timestamp NOT NULL, allowed_ips inet[], hidden boolean NOT NULL DEFAULT false, last_used_at timestamp, revoked_at timestamp, description text, key_hash varchar NOT NULL, truncated_key varchar NOT NULL);
CREATE INDEX ON api_keys (key_hash);
INSERT INTO api_keys (user_id, created_at, updated_at, revoked_at, key_hash, truncated_key) VALUES (7, now(), now(), NULL, x256('live'), ''), (7, now(), now(), now(), x256('rev'), ''), (NULL, now(), now(), NULL, x256('all'), '');
SELECT attach('discourse', 'api_keys', $$token_column => 'key_hash', claims => '{allowed_ips}'$$,
    mapping => '{"null_user": "valid"}');
INSERT INTO truth (source, token, verdict) VALUES ('discourse', 'live', 'valid 7'), ('discourse', 'rev', 'refused'), ('discourse', 'all', 'valid');
INSERT INTO change (source, token, statement) VALUES ('discourse', 'live', $$UPDATE api_keys SET revoked_at = now()$$);
INSERT INTO change (source, token, statement) VALUES ('discourse', 'all', $$SELECT$$);

-- Discourse user API keys
CALL project('Discourse user API keys');
CREATE TABLE user_api_keys (id serial PRIMARY KEY, user_id integer NOT NULL, client_id varchar NOT NULL UNIQUE, application_name varchar NOT NULL, push_url varchar, created_at timestamp NOT NULL, updated_at timestamp NOT NULL, revoked_at timestamp, scopes text[] NOT NULL DEFAULT '{}', last_used_at timestamp NOT NULL, key_hash varchar NOT NULL UNIQUE);
INSERT INTO user_api_keys (user_id, client_id, application_name, created_at, updated_at, revoked_at, scopes, last_used_at, key_hash) VALUES (7, 'a', '', now(), now(), NULL, '{read}', now(), x256('live')), (7, 'b', '', now(), now(), now(), '{read}', now(), x256('rev'));
SELECT attach('discourse user', 'user_api_keys', $$token_column => 'key_hash', scope_column => 'scopes'$$);
INSERT INTO truth (source, token, verdict) VALUES ('discourse user', 'live', 'valid 7'), ('discourse user', 'rev', 'refused'), ('discourse user', 'x', 'refused');
INSERT INTO change (source, token, statement) VALUES ('discourse user', 'live', $$UPDATE user_api_keys SET revoked_at = now()$$);

-- Supabase one-time tokens: stored: hex SHA-224(address || code); one row of a user and kind
CALL project('Supabase one-time tokens');
CREATE TYPE one_time_token_type AS ENUM ('confirmation_token', 'recovery_token');
CREATE TABLE one_time_tokens (id uuid PRIMARY KEY, user_id uuid NOT NULL, token_type one_time_token_type NOT NULL, token_hash text NOT NULL CHECK (char_length(token_hash) > 0), relates_to text NOT NULL, created_at timestamp NOT NULL DEFAULT now(), updated_at timestamp NOT NULL DEFAULT now(), expires_at timestamptz);
CREATE INDEX ON one_time_tokens USING hash (token_hash); CREATE UNIQUE INDEX ON one_time_tokens (user_id, token_type);
INSERT INTO one_time_tokens (id, user_id, token_type, token_hash, relates_to, expires_at) SELECT gen_random_uuid(), '00000000-0000-0000-0000-000000000007', 'recovery_token', encode(digest('a@b' || '123456', 'sha224'), 'hex'), 'a@b', now() + interval '1 h';
SELECT attach('supabase codes', 'one_time_tokens', $$stored_as => 'sha224-hex', scope_column => 'token_type', on_revoke => 'delete'$$);
INSERT INTO truth (source, token, verdict) VALUES ('supabase codes', 'a@b123456', 'valid 00000000-0000-0000-0000-000000000007'), ('supabase codes', 'a@b000000', 'refused');
INSERT INTO change (source, token, statement) VALUES ('supabase codes', 'a@b123456', $$DELETE FROM one_time_tokens$$);

-- Supabase refresh tokens
CALL project('Supabase refresh tokens');
CREATE TABLE auth_sessions (id uuid PRIMARY KEY, user_id uuid NOT NULL, not_after timestamptz);
CREATE TABLE refresh_tokens (instance_id uuid, id bigserial PRIMARY KEY, token varchar(255) UNIQUE, user_id varchar(255), revoked boolean, created_at timestamptz, updated_at timestamptz, parent varchar(255), session_id uuid REFERENCES auth_sessions ON DELETE CASCADE);
INSERT INTO auth_sessions VALUES ('00000000-0000-0000-0000-0000000000a1', gen_random_uuid(), NULL), ('00000000-0000-0000-0000-0000000000a2', gen_random_uuid(), now() - interval '1 h');
INSERT INTO refresh_tokens (token, user_id, revoked, session_id) VALUES ('live', 'u7', false, '00000000-0000-0000-0000-0000000000a1'), ('rev', 'u7', true, '00000000-0000-0000-0000-0000000000a1'), ('sess', 'u7', false, '00000000-0000-0000-0000-0000000000a2');
INSERT INTO auth_sessions VALUES ('00000000-0000-0000-0000-0000000000a3', gen_random_uuid(), now() + interval '1 h');
INSERT INTO refresh_tokens (token, user_id, revoked, session_id) VALUES ('on', 'u7', false, '00000000-0000-0000-0000-0000000000a3');
SELECT attach('supabase', 'refresh_tokens', $$token_column => 'token', stored_as => 'plaintext'$$);
SELECT tokenauth_attach_parent('supabase', 'auth_sessions', 'session_id', mapping => '{"expires_column": "not_after"}');
INSERT INTO truth (source, token, verdict) VALUES ('supabase', 'live', 'valid u7'), ('supabase', 'rev', 'refused'), ('supabase', 'sess', 'refused'), ('supabase', 'on', 'valid u7'), ('supabase', 'x', 'refused');
INSERT INTO change (source, token, statement) VALUES ('supabase', 'live', $$DELETE FROM auth_sessions WHERE not_after IS NULL$$);
INSERT INTO change (source, token, statement) VALUES ('supabase', 'on', $$UPDATE auth_sessions SET not_after = now()$$);

-- Immich sessions: stored: base64 SHA-256 in text, no index on it (version read)
CALL project('Immich sessions');
CREATE TABLE sessions (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), token varchar NOT NULL, "createdAt" timestamptz NOT NULL DEFAULT now(), "updatedAt" timestamptz NOT NULL DEFAULT now(), "expiresAt" timestamptz, "userId" uuid NOT NULL, "parentId" uuid REFERENCES sessions ON DELETE CASCADE, "deviceType" varchar NOT NULL DEFAULT '');
INSERT INTO sessions (token, "userId") VALUES (b64(r256('live')), '00000000-0000-0000-0000-000000000007');
SELECT attach('immich', 'sessions', $$token_column => 'token', stored_as => 'sha256-base64'$$);
INSERT INTO truth (source, token, verdict) VALUES ('immich', 'live', 'valid 00000000-0000-0000-0000-000000000007'), ('immich', 'x', 'refused');
INSERT INTO change (source, token, statement) VALUES ('immich', 'live', $$DELETE FROM sessions$$);

-- Immich API keys
CALL project('Immich API keys');
CREATE TABLE api_key (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), name varchar NOT NULL, key bytea NOT NULL, "userId" uuid NOT NULL, "createdAt" timestamptz NOT NULL DEFAULT now(), "updatedAt" timestamptz NOT NULL DEFAULT now(), permissions varchar[] NOT NULL DEFAULT '{}');
CREATE INDEX ON api_key (key);
INSERT INTO api_key (name, key, "userId") VALUES ('', r256('live'), '00000000-0000-0000-0000-000000000007');
SELECT attach('immich key', 'api_key', $$token_column => 'key', stored_as => 'sha256-bytea', scope_column => 'permissions'$$);
INSERT INTO truth (source, token, verdict) VALUES ('immich key', 'live', 'valid 00000000-0000-0000-0000-000000000007'), ('immich key', 'x', 'refused');
INSERT INTO change (source, token, statement) VALUES ('immich key', 'live', $$DELETE FROM api_key$$);

-- Matrix Authentication Service: the user is not in the token's row but in its session's
CALL project('Matrix Authentication Service');
CREATE TABLE oauth2_sessions (oauth2_session_id uuid PRIMARY KEY, user_id uuid, finished_at timestamptz);
CREATE TABLE oauth2_access_tokens (oauth2_access_token_id uuid PRIMARY KEY, oauth2_session_id uuid NOT NULL REFERENCES oauth2_sessions, access_token text NOT NULL UNIQUE, created_at timestamptz NOT NULL, expires_at timestamptz, revoked_at timestamptz);
INSERT INTO oauth2_sessions VALUES ('00000000-0000-0000-0000-0000000000a1', '00000000-0000-0000-0000-000000000007', NULL), ('00000000-0000-0000-0000-0000000000a2', '00000000-0000-0000-0000-000000000007', now());
INSERT INTO oauth2_access_tokens VALUES (gen_random_uuid(), '00000000-0000-0000-0000-0000000000a1', 'mat_live', now(), now() + interval '5 min', NULL), (gen_random_uuid(), '00000000-0000-0000-0000-0000000000a1', 'mat_old', now(), now() - interval '5 min', NULL), (gen_random_uuid(), '00000000-0000-0000-0000-0000000000a2', 'mat_fin', now(), now() + interval '5 min', NULL), (gen_random_uuid(), '00000000-0000-0000-0000-0000000000a1', 'mat_rev', now(), now() + interval '5 min', now());
SELECT attach('matrix', 'oauth2_access_tokens', $$token_column => 'access_token', stored_as => 'plaintext', prefix => 'mat_', id_column => 'oauth2_access_token_id'$$);
SELECT tokenauth_attach_parent('matrix', 'oauth2_sessions', 'oauth2_session_id', 'oauth2_session_id', live_when => 'finished_at IS NULL', mapping => '{"user_column": "user_id"}');
INSERT INTO truth (source, token, verdict) VALUES ('matrix', 'mat_live', 'valid 00000000-0000-0000-0000-000000000007'), ('matrix', 'mat_old', 'refused'), ('matrix', 'mat_fin', 'refused'), ('matrix', 'mat_rev', 'refused');
INSERT INTO change (source, token, statement) VALUES ('matrix', 'mat_live', $$UPDATE oauth2_sessions SET finished_at = now()$$);

-- Concourse
CALL project('Concourse');
CREATE TABLE access_tokens (token text PRIMARY KEY, sub text NOT NULL, expires_at timestamptz NOT NULL, claims jsonb NOT NULL);
INSERT INTO access_tokens VALUES ('live', 's7', now() + interval '1 h', '{"sub": "s7"}'), ('old', 's7', now() - interval '1 h', '{}');
SELECT attach('concourse', 'access_tokens', $$token_column => 'token', stored_as => 'plaintext', user_column => 'sub', claims => '{claims}'$$);
INSERT INTO truth (source, token, verdict) VALUES ('concourse', 'live', 'valid s7'), ('concourse', 'old', 'refused'), ('concourse', 'x', 'refused');
INSERT INTO change (source, token, statement) VALUES ('concourse', 'live', $$DELETE FROM access_tokens$$);

-- Miniflux
CALL project('Miniflux');
CREATE TABLE api_keys (id serial PRIMARY KEY, user_id integer NOT NULL, token text NOT NULL UNIQUE, description text NOT NULL, last_used_at timestamptz, created_at timestamptz DEFAULT now());
INSERT INTO api_keys (user_id, token, description) VALUES (7, 'live', '');
SELECT attach('miniflux', 'api_keys', $$token_column => 'token', stored_as => 'plaintext'$$);
INSERT INTO truth (source, token, verdict) VALUES ('miniflux', 'live', 'valid 7'), ('miniflux', 'x', 'refused');
INSERT INTO change (source, token, statement) VALUES ('miniflux', 'live', $$DELETE FROM api_keys$$);

-- Directus: the token is a column of the users' table
CALL project('Directus');
CREATE TABLE directus_users (id uuid PRIMARY KEY, email varchar(255) UNIQUE, status varchar(16) NOT NULL DEFAULT 'active', role uuid, token varchar(255) UNIQUE, last_access timestamptz);
INSERT INTO directus_users (id, status, token) VALUES ('00000000-0000-0000-0000-000000000007', 'active', 'live'), ('00000000-0000-0000-0000-000000000008', 'suspended', 'susp');
SELECT attach('directus', 'directus_users', $$token_column => 'token', stored_as => 'plaintext', user_column => 'id', id_column => '', live_when => 'status = ''active''', on_revoke => 'forget'$$);
INSERT INTO truth (source, token, verdict) VALUES ('directus', 'live', 'valid 00000000-0000-0000-0000-000000000007'), ('directus', 'susp', 'refused'), ('directus', 'x', 'refused');
INSERT INTO change (source, token, statement) VALUES ('directus', 'live', $$UPDATE directus_users SET token = NULL WHERE token = 'live'$$);

-- Outline
CALL project('Outline');
CREATE TABLE users (id uuid PRIMARY KEY, "suspendedAt" timestamptz);
CREATE TABLE "apiKeys" (id uuid PRIMARY KEY, name varchar(255) NOT NULL, secret varchar(255) NOT NULL UNIQUE, "userId" uuid NOT NULL, "expiresAt" timestamptz, "lastActiveAt" timestamptz, "createdAt" timestamptz NOT NULL, "updatedAt" timestamptz NOT NULL, "deletedAt" timestamptz);
INSERT INTO users VALUES ('00000000-0000-0000-0000-000000000007');
INSERT INTO "apiKeys" (id, name, secret, "userId", "expiresAt", "createdAt", "updatedAt", "deletedAt") VALUES (gen_random_uuid(), '', 'ol_api_live', '00000000-0000-0000-0000-000000000007', NULL, now(), now(), NULL), (gen_random_uuid(), '', 'ol_api_old', '00000000-0000-0000-0000-000000000007', now() - interval '1 h', now(), now(), NULL), (gen_random_uuid(), '', 'ol_api_del', '00000000-0000-0000-0000-000000000007', NULL, now(), now(), now());
SELECT attach('outline', '"apiKeys"', $$token_column => 'secret', stored_as => 'plaintext', prefix => 'ol_api_', revoked_column => 'deletedAt', last_used_column => 'lastActiveAt'$$);
SELECT tokenauth_attach_parent('outline', 'users', 'userId', live_when => '"suspendedAt" IS NULL');
INSERT INTO truth (source, token, verdict) VALUES ('outline', 'ol_api_live', 'valid 00000000-0000-0000-0000-000000000007'), ('outline', 'ol_api_old', 'refused'), ('outline', 'ol_api_del', 'refused');
INSERT INTO change (source, token, statement) VALUES ('outline', 'ol_api_live', $$UPDATE users SET "suspendedAt" = now()$$);

-- Strapi: stored: hex HMAC-SHA-512(token, salt of the installation), no index; no user
CALL project('Strapi');
CREATE TABLE strapi_api_tokens (id serial PRIMARY KEY, name varchar(255), description varchar(255), type varchar(255), access_key varchar(255), last_used_at timestamp(6), expires_at timestamp(6), lifespan bigint, created_at timestamp(6), updated_at timestamp(6), created_by_id integer);
INSERT INTO strapi_api_tokens (name, type, access_key, expires_at) VALUES ('a', 'full-access', encode(hmac('live', 'SALT', 'sha512'), 'hex'), NULL), ('b', 'read-only', encode(hmac('old', 'SALT', 'sha512'), 'hex'), now() AT TIME ZONE 'UTC' - interval '1 h');
SELECT attach('strapi', 'strapi_api_tokens', $$token_column => 'access_key', scope_column => 'type'$$,
    mapping => '{"pepper": "strapi"}',
    stored_as => 'hmac-sha512-hex', lookup => $$encode(public.hmac(token, 'SALT', 'sha512'), 'hex')$$);
INSERT INTO truth (source, token, verdict) VALUES ('strapi', 'live', 'valid'), ('strapi', 'old', 'refused');
INSERT INTO change (source, token, statement) VALUES ('strapi', 'live', $$DELETE FROM strapi_api_tokens$$);

-- better-auth: stored: base64url SHA-256 without padding; enabled; a number of uses may be left
CALL project('better-auth');
CREATE TABLE apikey (id text PRIMARY KEY, name text, start text, prefix text, key text NOT NULL, "userId" text NOT NULL, enabled boolean DEFAULT true, remaining integer, "expiresAt" timestamptz, "createdAt" timestamptz NOT NULL, "updatedAt" timestamptz NOT NULL, permissions text, metadata text);
CREATE INDEX ON apikey (key);
INSERT INTO apikey (id, key, "userId", enabled, remaining, "expiresAt", "createdAt", "updatedAt") SELECT t, b64u(r256(t)), 'u7', e, r, x, now(), now() FROM (VALUES ('live', true, NULL::int, NULL::timestamptz), ('off', false, NULL, NULL), ('spent', true, 0, NULL), ('old', true, NULL, now() - interval '1 h')) v(t, e, r, x);
SELECT attach('better-auth', 'apikey', $$token_column => 'key', stored_as => 'sha256-base64url', live_when => 'remaining IS NULL OR remaining > 0'$$,
    mapping => '{"active_column": "enabled"}');
INSERT INTO truth (source, token, verdict) VALUES ('better-auth', 'live', 'valid u7'), ('better-auth', 'off', 'refused'), ('better-auth', 'spent', 'refused'), ('better-auth', 'old', 'refused');
INSERT INTO change (source, token, statement) VALUES ('better-auth', 'live', $$UPDATE apikey SET enabled = false$$);

-- Langfuse: stored: hex SHA-256(secret || hex(SHA-256(salt of the installation)))
CALL project('Langfuse');
CREATE TABLE api_keys (id text PRIMARY KEY, created_at timestamp(3) NOT NULL DEFAULT now(), note text, public_key text NOT NULL UNIQUE, hashed_secret_key text NOT NULL UNIQUE, display_secret_key text NOT NULL, last_used_at timestamp(3), expires_at timestamp(3), project_id text, fast_hashed_secret_key text UNIQUE, organization_id text, scope text NOT NULL DEFAULT 'PROJECT');
INSERT INTO api_keys (id, public_key, hashed_secret_key, display_secret_key, project_id, fast_hashed_secret_key, expires_at) VALUES ('1', 'pk1', 'u1', '', 'p7', x256('sk-lf-live' || x256('SALT')), NULL), ('2', 'pk2', 'u2', '', 'p7', x256('sk-lf-old' || x256('SALT')), now() AT TIME ZONE 'UTC' - interval '1 h');
SELECT attach('langfuse', 'api_keys', $$token_column => 'fast_hashed_secret_key', prefix => 'sk-lf-', user_column => 'project_id', claims => '{public_key}'$$,
    mapping => '{"pepper": "langfuse", "pepper_as": "suffix"}',
    stored_as => 'sha256-hex', lookup => $$wild.x256(token || wild.x256('SALT'))$$);
INSERT INTO truth (source, token, verdict) VALUES ('langfuse', 'sk-lf-live', 'valid p7'), ('langfuse', 'sk-lf-old', 'refused');
INSERT INTO change (source, token, statement) VALUES ('langfuse', 'sk-lf-live', $$DELETE FROM api_keys$$);

-- trigger.dev
CALL project('trigger.dev');
CREATE TABLE "PersonalAccessToken" (id text PRIMARY KEY, name text NOT NULL, "encryptedToken" jsonb NOT NULL, "obfuscatedToken" text NOT NULL, "hashedToken" text NOT NULL UNIQUE, "userId" text NOT NULL, "revokedAt" timestamp(3), "lastAccessedAt" timestamp(3), "createdAt" timestamp(3) NOT NULL DEFAULT now(), "updatedAt" timestamp(3) NOT NULL);
INSERT INTO "PersonalAccessToken" (id, name, "encryptedToken", "obfuscatedToken", "hashedToken", "userId", "revokedAt", "updatedAt") VALUES ('1', '', '{}', '', x256('tr_pat_live'), 'u7', NULL, now()), ('2', '', '{}', '', x256('tr_pat_rev'), 'u7', now(), now());
SELECT attach('trigger.dev', '"PersonalAccessToken"', $$token_column => 'hashedToken', prefix => 'tr_pat_', last_used_column => 'lastAccessedAt'$$);
INSERT INTO truth (source, token, verdict) VALUES ('trigger.dev', 'tr_pat_live', 'valid u7'), ('trigger.dev', 'tr_pat_rev', 'refused'), ('trigger.dev', 'tr_pat_x', 'refused');
INSERT INTO change (source, token, statement) VALUES ('trigger.dev', 'tr_pat_live', $$UPDATE "PersonalAccessToken" SET "revokedAt" = now()$$);

-- NetBox: v2: "nbt_" KEY "." TOKEN; stored: hex HMAC-SHA-256(TOKEN) with one of several peppers, found by KEY; v1: plain text in another column
CALL project('NetBox');
CREATE TABLE users_token (id bigserial PRIMARY KEY, version smallint NOT NULL, user_id integer NOT NULL, created timestamptz NOT NULL, expires timestamptz, last_used timestamptz, enabled boolean NOT NULL, write_enabled boolean NOT NULL DEFAULT true, plaintext varchar(40) UNIQUE, key varchar(12) UNIQUE, pepper_id smallint, hmac_digest varchar(64), allowed_ips cidr[]);
INSERT INTO users_token (version, user_id, created, enabled, key, pepper_id, hmac_digest) VALUES (2, 7, now(), true, 'KEY1', 1, encode(hmac('tok1', 'PEPPER1', 'sha256'), 'hex')), (2, 7, now(), false, 'KEY2', 1, encode(hmac('tok2', 'PEPPER1', 'sha256'), 'hex'));
INSERT INTO users_token (version, user_id, created, enabled, plaintext) VALUES (1, 7, now(), true, repeat('f', 40));
CREATE FUNCTION wild.netbox_digest(token text, pepper int) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT encode(public.hmac(token, 'PEPPER' || pepper, 'sha256'), 'hex') $$;
SELECT attach('netbox', 'users_token', $$token_column => 'key', stored_as => 'plaintext', prefix => 'nbt_', last_used_column => 'last_used', live_when => 'version = 2'$$,
    mapping => '{"lookup": "split_part(substr(token, 5), ''.'', 1)", "verify": "wild.netbox_digest(split_part(token, ''.'', 2), pepper_id) = hmac_digest", "active_column": "enabled"}');
SELECT attach('netbox v1', 'users_token', $$token_column => 'plaintext', stored_as => 'plaintext', last_used_column => 'last_used', live_when => 'version = 1'$$,
    mapping => '{"active_column": "enabled"}');
INSERT INTO truth (source, token, verdict) VALUES ('netbox', 'nbt_KEY1.tok1', 'valid 7'), ('netbox', 'nbt_KEY1.tok2', 'refused'), ('netbox', 'nbt_KEY2.tok2', 'refused'), ('netbox v1', repeat('f', 40), 'valid 7'), ('netbox v1', 'nbt_KEY1.tok1', 'refused'), ('netbox v1', 'KEY1', 'refused');
INSERT INTO change (source, token, statement) VALUES ('netbox', 'nbt_KEY1.tok1', $$UPDATE users_token SET enabled = false WHERE key = 'KEY1'$$);
INSERT INTO change (source, token, statement) VALUES ('netbox v1', repeat('f', 40), $$UPDATE users_token SET enabled = false$$);

-- hex.pm: stored: hex HMAC-SHA-256(token) in two halves; revoke_at may lie in the future
CALL project('hex.pm');
CREATE TABLE keys (id serial PRIMARY KEY, user_id integer, organization_id integer, name text NOT NULL, secret_first text NOT NULL UNIQUE, secret_second text NOT NULL, public boolean NOT NULL DEFAULT true, revoke_at timestamp, inserted_at timestamp NOT NULL, updated_at timestamp NOT NULL, last_use jsonb, permissions jsonb[] NOT NULL DEFAULT '{}');
INSERT INTO keys (user_id, name, secret_first, secret_second, revoke_at, inserted_at, updated_at) SELECT 7, t, left(d, 32), right(d, 32), r, now(), now() FROM (VALUES ('live', NULL::timestamp), ('soon', now() AT TIME ZONE 'UTC' + interval '1 h'), ('rev', now() AT TIME ZONE 'UTC' - interval '1 s')) v(t, r), LATERAL encode(hmac(t, 'APP', 'sha256'), 'hex') d;
CREATE FUNCTION wild.hexpm_digest(text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT encode(public.hmac($1, 'APP', 'sha256'), 'hex') $$;
SELECT attach('hex.pm', 'keys', $$token_column => 'secret_first', stored_as => 'plaintext', revoked_column => '', expires_column => 'revoke_at'$$,
    mapping => '{"lookup": "left(wild.hexpm_digest(token), 32)", "verify": "right(wild.hexpm_digest(token), 32) = secret_second"}');
INSERT INTO truth (source, token, verdict) VALUES ('hex.pm', 'live', 'valid 7'), ('hex.pm', 'soon', 'valid 7'), ('hex.pm', 'rev', 'refused');
INSERT INTO change (source, token, statement) VALUES ('hex.pm', 'live', $$UPDATE keys SET revoke_at = now() AT TIME ZONE 'UTC'$$);
INSERT INTO change (source, token, statement) VALUES ('hex.pm', 'soon', $$SELECT$$);

-- SonarQube: stored: hex SHA-384; all times in milliseconds since the epoch
CALL project('SonarQube');
CREATE TABLE user_tokens (uuid varchar(40) PRIMARY KEY, user_uuid varchar(255) NOT NULL, name varchar(100) NOT NULL, token_hash varchar(255) NOT NULL UNIQUE, last_connection_date bigint, created_at bigint NOT NULL, project_key varchar(255), type varchar(100) NOT NULL, expiration_date bigint);
INSERT INTO user_tokens SELECT t, 'u7', t, encode(digest(t, 'sha384'), 'hex'), NULL, 1, NULL, 'USER_TOKEN', e FROM (VALUES ('live', NULL::bigint), ('old', 1000)) v(t, e);
SELECT attach('sonarqube', 'user_tokens', $$stored_as => 'sha384-hex', id_column => 'uuid', user_column => 'user_uuid', scope_column => 'type', created_column => ''$$,
    mapping => '{"expires_expression": "to_timestamp(expiration_date / 1000.0)"}');
INSERT INTO truth (source, token, verdict) VALUES ('sonarqube', 'live', 'valid u7'), ('sonarqube', 'old', 'refused');
INSERT INTO change (source, token, statement) VALUES ('sonarqube', 'live', $$DELETE FROM user_tokens$$);

-- Kong key-auth: a key is unique within a workspace, so that a workspace is a source; the index begins with it
CALL project('Kong key-auth');
CREATE TABLE keyauth_credentials (id uuid PRIMARY KEY, created_at timestamptz DEFAULT now(), consumer_id uuid, key text, ttl timestamptz, tags text[], ws_id uuid, UNIQUE (id, ws_id), UNIQUE (ws_id, key));
INSERT INTO keyauth_credentials (id, consumer_id, key, ttl, ws_id) VALUES (gen_random_uuid(), '00000000-0000-0000-0000-000000000007', 'live', NULL, '00000000-0000-0000-0000-0000000000a1'), (gen_random_uuid(), '00000000-0000-0000-0000-000000000007', 'old', now() - interval '1 h', '00000000-0000-0000-0000-0000000000a1'), (gen_random_uuid(), '00000000-0000-0000-0000-000000000008', 'both', NULL, '00000000-0000-0000-0000-0000000000a1'), (gen_random_uuid(), '00000000-0000-0000-0000-000000000009', 'both', NULL, '00000000-0000-0000-0000-0000000000a2');
SELECT attach('kong', 'keyauth_credentials', $$token_column => 'key', stored_as => 'plaintext', user_column => 'consumer_id', tenant_column => 'ws_id', expires_column => 'ttl', live_when => 'ws_id = ''00000000-0000-0000-0000-0000000000a1'''$$);
SELECT attach('kong 2', 'keyauth_credentials', $$token_column => 'key', stored_as => 'plaintext', user_column => 'consumer_id', tenant_column => 'ws_id', expires_column => 'ttl', live_when => 'ws_id = ''00000000-0000-0000-0000-0000000000a2'''$$);
INSERT INTO truth (source, token, verdict) VALUES ('kong', 'live', 'valid 00000000-0000-0000-0000-000000000007'), ('kong', 'old', 'refused'), ('kong', 'both', 'valid 00000000-0000-0000-0000-000000000008'), ('kong 2', 'both', 'valid 00000000-0000-0000-0000-000000000009'), ('kong 2', 'live', 'refused');
INSERT INTO change (source, token, statement) VALUES ('kong', 'live', $$DELETE FROM keyauth_credentials$$);
INSERT INTO change (source, token, statement) VALUES ('kong', 'both', $$SELECT$$);
INSERT INTO change (source, token, statement) VALUES ('kong 2', 'both', $$SELECT$$);

-- Kong OAuth 2
CALL project('Kong OAuth 2');
CREATE TABLE oauth2_tokens (id uuid PRIMARY KEY, created_at timestamptz DEFAULT now(), credential_id uuid, service_id uuid, access_token text, refresh_token text, token_type text, expires_in integer, authenticated_userid text, scope text, ttl timestamptz, ws_id uuid, UNIQUE (ws_id, access_token), UNIQUE (ws_id, refresh_token));
INSERT INTO oauth2_tokens (id, created_at, access_token, expires_in, authenticated_userid, scope, ws_id) SELECT gen_random_uuid(), now() - age, token, expires_in, 'u7', 'email', '00000000-0000-0000-0000-0000000000a1'
    FROM (VALUES (interval '0', 'live', 7200), ('3 h', 'old', 7200), ('3 h', 'never', 0)) v (age, token, expires_in);
SELECT attach('kong oauth', 'oauth2_tokens', $$token_column => 'access_token', stored_as => 'plaintext', user_column => 'authenticated_userid', scope_column => 'scope', live_when => 'ws_id = ''00000000-0000-0000-0000-0000000000a1'''$$,
    mapping => '{"expires_expression": "CASE WHEN expires_in > 0 THEN created_at + expires_in * interval ''1 second'' END", "scope_separator": " "}');
INSERT INTO truth (source, token, verdict) VALUES ('kong oauth', 'live', 'valid u7'), ('kong oauth', 'old', 'refused'), ('kong oauth', 'never', 'valid u7');
INSERT INTO change (source, token, statement) VALUES ('kong oauth', 'live', $$DELETE FROM oauth2_tokens$$);
INSERT INTO change (source, token, statement) VALUES ('kong oauth', 'never', $$SELECT$$);

-- OpenProject: stored: hex SHA-256(token || fixed salt), or plain text, by the type of the row; no index
CALL project('OpenProject');
CREATE TABLE tokens (id serial PRIMARY KEY, user_id integer, type varchar, value varchar(128) NOT NULL DEFAULT '', created_at timestamp NOT NULL, expires_on timestamp, data jsonb);
CREATE INDEX ON tokens (user_id);
INSERT INTO tokens (user_id, type, value, created_at) VALUES (7, 'Token::API', x256('live' || 'SALT'), now()), (7, 'Token::RSS', 'plainrss', now());
SELECT attach('openproject', 'tokens', $$token_column => 'value', live_when => 'type = ''Token::API'''$$,
    mapping => '{"pepper": "openproject", "pepper_as": "suffix"}',
    stored_as => 'sha256-hex', lookup => $$wild.x256(token || 'SALT')$$);
SELECT attach('openproject rss', 'tokens', $$token_column => 'value', stored_as => 'plaintext', live_when => 'type = ''Token::RSS'''$$);
INSERT INTO truth (source, token, verdict) VALUES ('openproject', 'live', 'valid 7'), ('openproject', 'plainrss', 'refused'), ('openproject rss', 'plainrss', 'valid 7'), ('openproject rss', 'live', 'refused');
INSERT INTO change (source, token, statement) VALUES ('openproject', 'live', $$DELETE FROM tokens$$);
INSERT INTO change (source, token, statement) VALUES ('openproject rss', 'plainrss', $$SELECT$$);

-- Vikunja: stored: hex PBKDF2 with a salt of the row, found by the last eight characters
CALL project('Vikunja');
CREATE TABLE api_tokens (id bigserial PRIMARY KEY, title text NOT NULL, token_salt text NOT NULL, token_hash text NOT NULL UNIQUE, token_last_eight varchar(8) NOT NULL, permissions json NOT NULL, expires_at timestamp NOT NULL, created timestamp NOT NULL, owner_id bigint NOT NULL);
INSERT INTO api_tokens (title, token_salt, token_hash, token_last_eight, permissions, expires_at, created, owner_id) SELECT '', s, encode(pbkdf2(t, s, 3, 50, 'sha256'), 'hex'), right(t, 8), '{}', now() AT TIME ZONE 'UTC' + e, now(), u FROM (VALUES ('s1', 'tk_one00000001', interval '1 d', 7), ('s2', 'tk_two00000001', '1 d', 8), ('s3', 'tk_old00000003', '-1 h', 7)) v(s, t, e, u);
SELECT attach('vikunja', 'api_tokens', $$token_column => 'token_last_eight', stored_as => 'plaintext', prefix => 'tk_', user_column => 'owner_id', created_column => 'created'$$,
    mapping => '{"lookup": "right(token, 8)", "verify": "encode(wild.pbkdf2(token, token_salt, 3, 50, ''sha256''), ''hex'') = token_hash"}');
INSERT INTO truth (source, token, verdict) VALUES ('vikunja', 'tk_one00000001', 'valid 7'), ('vikunja', 'tk_two00000001', 'valid 8'), ('vikunja', 'tk_xxx00000001', 'refused'), ('vikunja', 'tk_old00000003', 'refused');
INSERT INTO change (source, token, statement) VALUES ('vikunja', 'tk_one00000001', $$DELETE FROM api_tokens$$);
INSERT INTO change (source, token, statement) VALUES ('vikunja', 'tk_two00000001', $$SELECT$$);

-- Grafana: the name, which is the salt, and the secret stand in the token, as JSON in base64
CALL project('Grafana');
CREATE TABLE api_key (id bigserial PRIMARY KEY, org_id bigint NOT NULL, name varchar(190) NOT NULL, key varchar(190) NOT NULL UNIQUE, role varchar(255) NOT NULL, created timestamp NOT NULL, updated timestamp NOT NULL, expires bigint, service_account_id bigint, last_used_at timestamp, is_revoked boolean DEFAULT false);
INSERT INTO api_key (org_id, name, key, role, created, updated, expires, is_revoked, service_account_id) SELECT 1, n, encode(pbkdf2(k, n, 3, 50, 'sha256'), 'hex'), 'Viewer', now(), now(), e, r, 7 FROM (VALUES ('a', 's1', NULL, false), ('b', 's2', 1000, false), ('c', 's3', NULL, NULL)) v(n, k, e, r);
CREATE FUNCTION wild.grafana_part(token text, part text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT convert_from(decode(token, 'base64'), 'UTF8')::jsonb ->> part $$;
SELECT attach('grafana', 'api_key', $$token_column => 'name', stored_as => 'plaintext', user_column => 'service_account_id', revoked_column => 'is_revoked'$$,
    mapping => '{"lookup": "wild.grafana_part(token, ''n'')", "verify": "encode(wild.pbkdf2(wild.grafana_part(token, ''k''), wild.grafana_part(token, ''n''), 3, 50, ''sha256''), ''hex'') = key", "expires_expression": "to_timestamp(expires)", "null_flag": "live"}');
INSERT INTO truth (source, token, verdict) SELECT 'grafana', b64(convert_to(format('{"n":"%s","k":"%s"}', n, k), 'UTF8')), v FROM (VALUES ('a', 's1', 'valid 7'), ('a', 's2', 'refused'), ('b', 's2', 'refused'), ('c', 's3', 'valid 7')) t(n, k, v);
INSERT INTO truth (source, token, verdict) VALUES ('grafana', 'no base64 at all', 'refused');
INSERT INTO change (source, token, statement) SELECT source, token, 'UPDATE api_key SET is_revoked = true' FROM truth WHERE source = 'grafana' AND verdict = 'valid 7';

-- Devise: one-time code; stored: hex HMAC-SHA-256 with a derived key, in the users' table; good for 6 hours after reset_password_sent_at
CALL project('Devise');
CREATE TABLE users (id bigserial PRIMARY KEY, email varchar NOT NULL UNIQUE, encrypted_password varchar NOT NULL DEFAULT '', reset_password_token varchar UNIQUE, reset_password_sent_at timestamp, created_at timestamp NOT NULL, updated_at timestamp NOT NULL);
INSERT INTO users (id, email, reset_password_token, reset_password_sent_at, created_at, updated_at) VALUES (7, 'a', encode(hmac('live', 'KEY', 'sha256'), 'hex'), now() AT TIME ZONE 'UTC', now(), now()), (8, 'b', encode(hmac('old', 'KEY', 'sha256'), 'hex'), now() AT TIME ZONE 'UTC' - interval '7 h', now(), now());
SELECT attach('devise', 'users', $$token_column => 'reset_password_token', user_column => 'id', id_column => '', on_revoke => 'forget'$$,
    mapping => '{"pepper": "devise", "expires_expression": "reset_password_sent_at + interval ''6 hours''"}',
    stored_as => 'hmac-sha256-hex', lookup => $$encode(public.hmac(token, 'KEY', 'sha256'), 'hex')$$);
INSERT INTO truth (source, token, verdict) VALUES ('devise', 'live', 'valid 7'), ('devise', 'old', 'refused');
INSERT INTO change (source, token, statement) VALUES ('devise', 'live', $$UPDATE users SET reset_password_token = NULL$$);

-- PeerTube
CALL project('PeerTube');
CREATE TABLE "user" (id serial PRIMARY KEY, blocked boolean NOT NULL DEFAULT false);
CREATE TABLE "oAuthToken" (id serial PRIMARY KEY, "accessToken" varchar(255) NOT NULL UNIQUE, "accessTokenExpiresAt" timestamptz NOT NULL, "refreshToken" varchar(255) NOT NULL UNIQUE, "refreshTokenExpiresAt" timestamptz NOT NULL, "authName" varchar(255), "createdAt" timestamptz NOT NULL, "updatedAt" timestamptz NOT NULL, "userId" integer NOT NULL, "oAuthClientId" integer NOT NULL);
INSERT INTO "user" VALUES (7, false); INSERT INTO "oAuthToken" ("accessToken", "accessTokenExpiresAt", "refreshToken", "refreshTokenExpiresAt", "createdAt", "updatedAt", "userId", "oAuthClientId") VALUES ('live', now() + interval '1 d', 'r1', now() + interval '9 d', now(), now(), 7, 1), ('old', now() - interval '1 d', 'r2', now() + interval '9 d', now(), now(), 7, 1);
SELECT attach('peertube', '"oAuthToken"', $$token_column => 'accessToken', stored_as => 'plaintext', expires_column => 'accessTokenExpiresAt'$$);
SELECT tokenauth_attach_parent('peertube', '"user"', 'userId', live_when => 'NOT blocked');
SELECT attach('peertube refresh', '"oAuthToken"', $$token_column => 'refreshToken', stored_as => 'plaintext', expires_column => 'refreshTokenExpiresAt'$$);
SELECT tokenauth_attach_parent('peertube refresh', '"user"', 'userId', live_when => 'NOT blocked');
INSERT INTO truth (source, token, verdict) VALUES ('peertube', 'live', 'valid 7'), ('peertube', 'old', 'refused'), ('peertube', 'x', 'refused'), ('peertube', 'r1', 'refused'), ('peertube refresh', 'r1', 'valid 7'), ('peertube refresh', 'r2', 'valid 7'), ('peertube refresh', 'live', 'refused');
INSERT INTO change (source, token, statement) VALUES ('peertube', 'live', $$DELETE FROM "oAuthToken" WHERE "accessToken" = 'live'$$);
INSERT INTO change (source, token, statement) VALUES ('peertube refresh', 'r2', $$UPDATE "user" SET blocked = true$$);

-- Logto: index and key begin with the tenant
CALL project('Logto');
CREATE TABLE personal_access_tokens (tenant_id varchar(21) NOT NULL, user_id varchar(128) NOT NULL, name varchar(256) NOT NULL, value varchar(64) NOT NULL, created_at timestamptz NOT NULL DEFAULT now(), expires_at timestamptz, PRIMARY KEY (tenant_id, user_id, name));
CREATE INDEX ON personal_access_tokens (tenant_id, value);
INSERT INTO personal_access_tokens VALUES ('default', 'u7', 'a', 'pat_live', now(), NULL), ('default', 'u7', 'b', 'pat_old', now(), now() - interval '1 h'), ('admin', 'u8', 'a', 'pat_admin', now(), NULL);
SELECT attach('logto', 'personal_access_tokens', $$token_column => 'value', stored_as => 'plaintext', prefix => 'pat_', live_when => 'tenant_id = ''default'''$$);
INSERT INTO truth (source, token, verdict) VALUES ('logto', 'pat_live', 'valid u7'), ('logto', 'pat_old', 'refused'), ('logto', 'pat_x', 'refused'), ('logto', 'pat_admin', 'refused');
INSERT INTO change (source, token, statement) VALUES ('logto', 'pat_live', $$DELETE FROM personal_access_tokens$$);

-- n8n
CALL project('n8n');
CREATE TABLE user_api_keys (id varchar(36) PRIMARY KEY, "userId" uuid NOT NULL, label varchar(100) NOT NULL, "apiKey" varchar NOT NULL, "createdAt" timestamptz(3) NOT NULL DEFAULT now(), "updatedAt" timestamptz(3) NOT NULL DEFAULT now());
CREATE UNIQUE INDEX ON user_api_keys ("apiKey"); CREATE UNIQUE INDEX ON user_api_keys ("userId", label);
INSERT INTO user_api_keys (id, "userId", label, "apiKey") VALUES ('a', '00000000-0000-0000-0000-000000000007', '', 'n8n_api_live');
SELECT attach('n8n', 'user_api_keys', $$token_column => 'apiKey', stored_as => 'plaintext'$$);
INSERT INTO truth (source, token, verdict) VALUES ('n8n', 'n8n_api_live', 'valid 00000000-0000-0000-0000-000000000007'), ('n8n', 'x', 'refused');
INSERT INTO change (source, token, statement) VALUES ('n8n', 'n8n_api_live', $$DELETE FROM user_api_keys$$);

-- Activepieces: no index on the digest (version read)
CALL project('Activepieces');
CREATE TABLE api_key (id varchar(21) PRIMARY KEY, created timestamptz NOT NULL DEFAULT now(), updated timestamptz NOT NULL DEFAULT now(), "displayName" varchar NOT NULL, "platformId" varchar(21) NOT NULL, "hashedValue" varchar NOT NULL, "truncatedValue" varchar NOT NULL, "lastUsedAt" varchar);
INSERT INTO api_key (id, "displayName", "platformId", "hashedValue", "truncatedValue") VALUES ('a', '', 'p7', x256('sk-live'), '');
SELECT attach('activepieces', 'api_key', $$token_column => 'hashedValue', prefix => 'sk-', user_column => 'platformId', last_used_column => ''$$);
INSERT INTO truth (source, token, verdict) VALUES ('activepieces', 'sk-live', 'valid p7'), ('activepieces', 'sk-x', 'refused');
INSERT INTO change (source, token, statement) VALUES ('activepieces', 'sk-live', $$DELETE FROM api_key$$);

-- Infisical: a JWT carries the row's id; lifetime and a number of uses in integers
CALL project('Infisical');
CREATE TABLE identity_access_tokens (id uuid PRIMARY KEY, "accessTokenTTL" bigint NOT NULL DEFAULT 2592000, "accessTokenMaxTTL" bigint NOT NULL DEFAULT 2592000, "accessTokenNumUses" bigint NOT NULL DEFAULT 0, "accessTokenNumUsesLimit" bigint NOT NULL DEFAULT 0, "accessTokenLastUsedAt" timestamptz, "accessTokenLastRenewedAt" timestamptz, "isAccessTokenRevoked" boolean NOT NULL DEFAULT false, "identityId" uuid NOT NULL, "createdAt" timestamptz NOT NULL DEFAULT now(), "updatedAt" timestamptz NOT NULL DEFAULT now());
INSERT INTO identity_access_tokens (id, "identityId", "accessTokenNumUses", "accessTokenNumUsesLimit", "createdAt") VALUES ('00000000-0000-0000-0000-0000000000a1', '00000000-0000-0000-0000-000000000007', 0, 0, now()), ('00000000-0000-0000-0000-0000000000a2', '00000000-0000-0000-0000-000000000007', 3, 3, now()), ('00000000-0000-0000-0000-0000000000a3', '00000000-0000-0000-0000-000000000007', 0, 0, now() - interval '60 d');
SELECT attach('infisical', 'identity_access_tokens', $$token_column => 'id', id_column => '', stored_as => 'plaintext', user_column => 'identityId', revoked_column => 'isAccessTokenRevoked', live_when => '"accessTokenNumUsesLimit" = 0 OR "accessTokenNumUses" < "accessTokenNumUsesLimit"'$$,
    mapping => '{"expires_expression": "least(coalesce(\"accessTokenLastRenewedAt\", \"createdAt\") + \"accessTokenTTL\" * interval ''1 s'', \"createdAt\" + \"accessTokenMaxTTL\" * interval ''1 s'')"}');
INSERT INTO truth (source, token, verdict) VALUES ('infisical', '00000000-0000-0000-0000-0000000000a1', 'valid 00000000-0000-0000-0000-000000000007'), ('infisical', '00000000-0000-0000-0000-0000000000a2', 'refused'), ('infisical', '00000000-0000-0000-0000-0000000000a3', 'refused');
INSERT INTO change (source, token, statement) VALUES ('infisical', '00000000-0000-0000-0000-0000000000a1', $$UPDATE identity_access_tokens SET "isAccessTokenRevoked" = true$$);

-- authentik: "expires" counts only where "expiring" is true
CALL project('authentik');
CREATE TABLE authentik_core_user (id serial PRIMARY KEY, is_active boolean NOT NULL);
CREATE TABLE authentik_core_token (token_uuid uuid PRIMARY KEY, expires timestamptz, expiring boolean NOT NULL, identifier varchar(255) NOT NULL, key text NOT NULL, intent text NOT NULL, description text NOT NULL DEFAULT '', user_id integer NOT NULL);
CREATE INDEX ON authentik_core_token (identifier); CREATE INDEX ON authentik_core_token (key);
INSERT INTO authentik_core_user VALUES (7, true); INSERT INTO authentik_core_token VALUES (gen_random_uuid(), now() + interval '1 h', true, '', 'live', 'api', '', 7), (gen_random_uuid(), now() - interval '1 h', true, '', 'old', 'api', '', 7), (gen_random_uuid(), now() - interval '1 h', false, '', 'never', 'api', '', 7);
SELECT attach('authentik', 'authentik_core_token', $$token_column => 'key', stored_as => 'plaintext', id_column => 'token_uuid', scope_column => 'intent'$$,
    mapping => '{"expires_expression": "CASE WHEN expiring THEN expires END"}');
SELECT tokenauth_attach_parent('authentik', 'authentik_core_user', 'user_id', live_when => 'is_active');
INSERT INTO truth (source, token, verdict) VALUES ('authentik', 'live', 'valid 7'), ('authentik', 'old', 'refused'), ('authentik', 'never', 'valid 7');
INSERT INTO change (source, token, statement) VALUES ('authentik', 'live', $$UPDATE authentik_core_user SET is_active = false$$);
INSERT INTO change (source, token, statement) VALUES ('authentik', 'never', $$SELECT$$);

-- Vaultwarden: ids are char(36); no index on the token
CALL project('Vaultwarden');
CREATE TABLE devices (uuid char(36) NOT NULL PRIMARY KEY, created_at timestamp NOT NULL, updated_at timestamp NOT NULL, user_uuid char(36) NOT NULL, name text NOT NULL, atype integer NOT NULL, push_token text, refresh_token text NOT NULL, twofactor_remember text);
INSERT INTO devices VALUES ('00000000-0000-0000-0000-0000000000a1', now(), now(), '00000000-0000-0000-0000-000000000007', '', 1, NULL, 'live', NULL);
SELECT attach('vaultwarden', 'devices', $$token_column => 'refresh_token', stored_as => 'plaintext', id_column => ''$$,
    mapping => '{"user_expression": "user_uuid::text"}');
INSERT INTO truth (source, token, verdict) VALUES ('vaultwarden', 'live', 'valid 00000000-0000-0000-0000-000000000007'), ('vaultwarden', 'x', 'refused');
INSERT INTO change (source, token, statement) VALUES ('vaultwarden', 'live', $$DELETE FROM devices$$);

-- Auth.js
CALL project('Auth.js');
CREATE TABLE sessions (id serial PRIMARY KEY, "userId" integer NOT NULL, expires timestamptz NOT NULL, "sessionToken" varchar(255) UNIQUE NOT NULL);
INSERT INTO sessions ("userId", expires, "sessionToken") VALUES (7, now() + interval '1 d', 'live'), (7, now() - interval '1 d', 'old');
SELECT attach('auth.js', 'sessions', $$token_column => 'sessionToken', stored_as => 'plaintext'$$);
INSERT INTO truth (source, token, verdict) VALUES ('auth.js', 'live', 'valid 7'), ('auth.js', 'old', 'refused'), ('auth.js', 'x', 'refused');
INSERT INTO change (source, token, statement) VALUES ('auth.js', 'live', $$DELETE FROM sessions$$);

-- Rails sessions: the signed cookie holds the row's id
CALL project('Rails sessions');
CREATE TABLE sessions (id bigserial PRIMARY KEY, user_id bigint NOT NULL, ip_address varchar, user_agent varchar, created_at timestamp(6) NOT NULL, updated_at timestamp(6) NOT NULL);
INSERT INTO sessions (user_id, created_at, updated_at) VALUES (7, now(), now());
SELECT attach('rails', 'sessions', $$token_column => 'id', id_column => '', stored_as => 'plaintext'$$);
INSERT INTO truth (source, token, verdict) VALUES ('rails', '1', 'valid 7'), ('rails', '2', 'refused'), ('rails', '01', 'refused');
INSERT INTO change (source, token, statement) VALUES ('rails', '1', $$DELETE FROM sessions$$);

-- Odoo: stored: PBKDF2-SHA-512, salted; found by the first eight characters
CALL project('Odoo');
CREATE TABLE res_users_apikeys (id serial PRIMARY KEY, name varchar NOT NULL, user_id integer NOT NULL, scope varchar, expiration_date timestamp, index varchar(8) NOT NULL, key varchar NOT NULL, create_date timestamp);
CREATE INDEX ON res_users_apikeys (user_id, index);
CREATE FUNCTION wild.odoo_key(token text, salt text, rounds int) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT format('$pbkdf2-sha512$%s$%s$%s', rounds, salt, rtrim(translate(wild.b64(wild.pbkdf2(token, convert_from(decode(salt || '==', 'base64'), 'UTF8'), rounds, 64, 'sha512')), '+', '.'), '=')) $$;
INSERT INTO res_users_apikeys (name, user_id, index, key, expiration_date) SELECT '', 7, left(t, 8), odoo_key(t, 'c2FsdA', 3), e FROM (VALUES ('abcdefghrest', NULL), ('abcdefgiold', now() AT TIME ZONE 'UTC' - interval '1 h')) v(t, e);
SELECT attach('odoo', 'res_users_apikeys', $$token_column => 'index', stored_as => 'plaintext', expires_column => 'expiration_date'$$,
    mapping => '{"lookup": "left(token, 8)", "verify": "wild.odoo_key(token, split_part(key, ''$'', 4), split_part(key, ''$'', 3)::int) = key"}');
INSERT INTO truth (source, token, verdict) VALUES ('odoo', 'abcdefghrest', 'valid 7'), ('odoo', 'abcdefghother', 'refused'), ('odoo', 'abcdefgiold', 'refused');
INSERT INTO change (source, token, statement) VALUES ('odoo', 'abcdefghrest', $$DELETE FROM res_users_apikeys$$);

-- Saleor: stored: Django password hash, salted; found by the last four characters
CALL project('Saleor');
CREATE TABLE app_apptoken (id serial PRIMARY KEY, name varchar(128) NOT NULL, auth_token varchar(128) NOT NULL UNIQUE, token_last_4 varchar(4) NOT NULL, app_id integer NOT NULL);
INSERT INTO app_apptoken (name, auth_token, token_last_4, app_id) VALUES ('', django_password('xxxxlive', 's1', 3), 'live', 7), ('', django_password('yyyylive', 's2', 3), 'live', 8);
SELECT attach('saleor', 'app_apptoken', $$token_column => 'token_last_4', stored_as => 'plaintext', user_column => 'app_id'$$,
    mapping => '{"lookup": "right(token, 4)", "verify": "wild.check_password(token, auth_token)"}');
INSERT INTO truth (source, token, verdict) VALUES ('saleor', 'xxxxlive', 'valid 7'), ('saleor', 'yyyylive', 'valid 8'), ('saleor', 'zzzzlive', 'refused');
INSERT INTO change (source, token, statement) VALUES ('saleor', 'xxxxlive', $$DELETE FROM app_apptoken$$);
INSERT INTO change (source, token, statement) VALUES ('saleor', 'yyyylive', $$SELECT$$);

-- Ory Kratos
CALL project('Ory Kratos');
CREATE TABLE identities (id uuid PRIMARY KEY, state varchar(255) NOT NULL DEFAULT 'active');
CREATE TABLE sessions (id uuid PRIMARY KEY, issued_at timestamp NOT NULL, expires_at timestamp NOT NULL, authenticated_at timestamp NOT NULL, identity_id uuid NOT NULL, created_at timestamp NOT NULL, updated_at timestamp NOT NULL, token varchar(39) UNIQUE, active boolean DEFAULT false, nid uuid, aal varchar(4), logout_token varchar(39));
INSERT INTO identities VALUES ('00000000-0000-0000-0000-000000000007', 'active'), ('00000000-0000-0000-0000-000000000008', 'inactive');
INSERT INTO sessions SELECT gen_random_uuid(), now(), e, now(), i, now(), now(), t, a FROM (VALUES ('ory_st_live', true, now() AT TIME ZONE 'UTC' + interval '1 h', '00000000-0000-0000-0000-000000000007'::uuid), ('ory_st_off', false, now() AT TIME ZONE 'UTC' + interval '1 h', '00000000-0000-0000-0000-000000000007'), ('ory_st_old', true, now() AT TIME ZONE 'UTC' - interval '1 h', '00000000-0000-0000-0000-000000000007'), ('ory_st_inact', true, now() AT TIME ZONE 'UTC' + interval '1 h', '00000000-0000-0000-0000-000000000008')) v(t, a, e, i);
SELECT attach('kratos', 'sessions', $$token_column => 'token', stored_as => 'plaintext', prefix => 'ory_st_', user_column => 'identity_id', tenant_column => 'nid'$$,
    mapping => '{"active_column": "active"}');
SELECT tokenauth_attach_parent('kratos', 'identities', 'identity_id', live_when => 'state = ''active''');
INSERT INTO truth (source, token, verdict) VALUES ('kratos', 'ory_st_live', 'valid 00000000-0000-0000-0000-000000000007'), ('kratos', 'ory_st_off', 'refused'), ('kratos', 'ory_st_old', 'refused'), ('kratos', 'ory_st_inact', 'refused');
INSERT INTO change (source, token, statement) VALUES ('kratos', 'ory_st_live', $$UPDATE sessions SET active = false$$);

-- Synapse
CALL project('Synapse');
CREATE TABLE users (name text PRIMARY KEY, deactivated smallint NOT NULL DEFAULT 0);
CREATE TABLE access_tokens (id bigint PRIMARY KEY, user_id text NOT NULL, device_id text, token text NOT NULL UNIQUE, valid_until_ms bigint, puppets_user_id text, last_validated bigint, refresh_token_id bigint, used boolean NOT NULL DEFAULT false);
INSERT INTO users VALUES ('@a:b', 0); INSERT INTO access_tokens (id, user_id, token, valid_until_ms) VALUES (1, '@a:b', 'syt_live', NULL), (2, '@a:b', 'syt_old', 1000);
INSERT INTO users VALUES ('@c:d', 1);
INSERT INTO access_tokens (id, user_id, token) VALUES (3, '@c:d', 'syt_gone');
SELECT attach('synapse', 'access_tokens', $$token_column => 'token', stored_as => 'plaintext', prefix => 'syt_', tenant_column => 'device_id'$$,
    mapping => '{"expires_expression": "to_timestamp(valid_until_ms / 1000.0)"}');
SELECT tokenauth_attach_parent('synapse', 'users', 'user_id', 'name', live_when => 'deactivated = 0');
INSERT INTO truth (source, token, verdict) VALUES ('synapse', 'syt_live', 'valid @a:b'), ('synapse', 'syt_old', 'refused'), ('synapse', 'syt_gone', 'refused'), ('synapse', 'syt_x', 'refused');
INSERT INTO change (source, token, statement) VALUES ('synapse', 'syt_live', $$UPDATE users SET deactivated = 1$$);

-- Hoppscotch: token: "pat-" and the plain text stored
CALL project('Hoppscotch');
CREATE TABLE "PersonalAccessToken" (id text PRIMARY KEY, "userUid" text NOT NULL, label text NOT NULL, token text NOT NULL UNIQUE, "expiresOn" timestamp(3), "createdOn" timestamp(3) NOT NULL DEFAULT now(), "updatedOn" timestamp(3) NOT NULL);
INSERT INTO "PersonalAccessToken" (id, "userUid", label, token, "expiresOn", "updatedOn") VALUES ('1', 'u7', '', 'abc', NULL, now()), ('2', 'u7', '', 'old', now() AT TIME ZONE 'UTC' - interval '1 s', now());
SELECT attach('hoppscotch', '"PersonalAccessToken"', $$token_column => 'token', stored_as => 'plaintext', prefix => 'pat-', user_column => 'userUid'$$,
    mapping => '{"token_part": "after prefix"}');
INSERT INTO truth (source, token, verdict) VALUES ('hoppscotch', 'pat-abc', 'valid u7'), ('hoppscotch', 'pat-old', 'refused'), ('hoppscotch', 'abc', 'refused');
INSERT INTO change (source, token, statement) VALUES ('hoppscotch', 'pat-abc', $$DELETE FROM "PersonalAccessToken"$$);

-- Woodpecker: no index on the token
CALL project('Woodpecker');
CREATE TABLE agents (id serial PRIMARY KEY, created bigint, updated bigint, name varchar(255), owner_id bigint, org_id bigint, token varchar(255), last_contact bigint, no_schedule boolean);
INSERT INTO agents (name, owner_id, org_id, token) VALUES ('', 7, -1, 'live');
SELECT attach('woodpecker', 'agents', $$token_column => 'token', stored_as => 'plaintext', user_column => 'id', id_column => '', tenant_column => 'org_id'$$);
INSERT INTO truth (source, token, verdict) VALUES ('woodpecker', 'live', 'valid 1'), ('woodpecker', 'x', 'refused');
INSERT INTO change (source, token, statement) VALUES ('woodpecker', 'live', $$DELETE FROM agents$$);

-- Harbor: presented: name and secret; stored: PBKDF2 with a salt of the row; epoch, -1 never
CALL project('Harbor');
CREATE TABLE robot (id serial PRIMARY KEY, name varchar(255), description varchar(1024), project_id integer, expiresat bigint, disabled boolean NOT NULL DEFAULT false, secret varchar(2048), salt varchar(64), duration integer, visible boolean NOT NULL DEFAULT true, UNIQUE (name, project_id));
INSERT INTO robot (name, project_id, expiresat, secret, salt) SELECT n, 7, e, encode(pbkdf2('secret', 'salt', 3, 16, 'sha256'), 'hex'), 'salt' FROM (VALUES ('robot$a', -1), ('robot$b', 1000)) v(n, e);
SELECT attach('harbor', 'robot', $$token_column => 'name', stored_as => 'plaintext', user_column => 'id', id_column => '', tenant_column => 'project_id', revoked_column => 'disabled'$$,
    mapping => '{"lookup": "split_part(token, '':'', 1)", "verify": "encode(wild.pbkdf2(split_part(token, '':'', 2), salt, 3, 16, ''sha256''), ''hex'') = secret", "expires_expression": "CASE WHEN expiresat >= 0 THEN to_timestamp(expiresat) END"}');
INSERT INTO truth (source, token, verdict) VALUES ('harbor', 'robot$a:secret', 'valid 1'), ('harbor', 'robot$a:other', 'refused'), ('harbor', 'robot$b:secret', 'refused');
INSERT INTO change (source, token, statement) VALUES ('harbor', 'robot$a:secret', $$UPDATE robot SET disabled = true$$);

-- Laravel sessions: last_activity in seconds since the epoch; lifetime in the settings
CALL project('Laravel sessions');
CREATE TABLE sessions (id varchar(255) PRIMARY KEY, user_id bigint, ip_address varchar(45), user_agent text, payload text NOT NULL, last_activity integer NOT NULL);
INSERT INTO sessions (id, user_id, payload, last_activity) VALUES ('live', 7, '', extract(epoch FROM now())::int), ('old', 7, '', 1000), ('guest', NULL, '', extract(epoch FROM now())::int);
SELECT attach('laravel', 'sessions', $$token_column => 'id', id_column => '', stored_as => 'plaintext'$$,
    mapping => '{"expires_expression": "to_timestamp(last_activity + 120 * 60)", "null_user": "valid"}');
INSERT INTO truth (source, token, verdict) VALUES ('laravel', 'live', 'valid 7'), ('laravel', 'old', 'refused'), ('laravel', 'guest', 'valid');
INSERT INTO change (source, token, statement) VALUES ('laravel', 'live', $$DELETE FROM sessions$$);
INSERT INTO change (source, token, statement) VALUES ('laravel', 'guest', $$SELECT$$);

-- connect-pg-simple: the user is in the json; expire is local time of the server
CALL project('connect-pg-simple');
CREATE TABLE session (sid varchar PRIMARY KEY, sess json NOT NULL, expire timestamp(6) NOT NULL);
INSERT INTO session VALUES ('live', '{"user": "u7"}', now() AT TIME ZONE 'UTC' + interval '1 h'), ('old', '{"user": "u7"}', now() AT TIME ZONE 'UTC' - interval '1 h');
SELECT attach('connect-pg', 'session', $$token_column => 'sid', stored_as => 'plaintext'$$,
    mapping => '{"user_expression": "sess ->> ''user''"}');
INSERT INTO truth (source, token, verdict) VALUES ('connect-pg', 'live', 'valid u7'), ('connect-pg', 'old', 'refused');
INSERT INTO change (source, token, statement) VALUES ('connect-pg', 'live', $$DELETE FROM session$$);

-- Spring Authorization Server: four kinds of token in a row, each with its own expiry; invalidated: in the metadata's text; no index
CALL project('Spring Authorization Server');
CREATE TABLE oauth2_authorization (id varchar(100) PRIMARY KEY, registered_client_id varchar(100) NOT NULL, principal_name varchar(200) NOT NULL, authorization_grant_type varchar(100) NOT NULL, authorized_scopes varchar(1000), state varchar(500), authorization_code_value text, authorization_code_expires_at timestamp, access_token_value text, access_token_expires_at timestamp, access_token_metadata text, access_token_scopes varchar(1000), refresh_token_value text, refresh_token_expires_at timestamp, refresh_token_metadata text);
INSERT INTO oauth2_authorization (id, registered_client_id, principal_name, authorization_grant_type, access_token_value, access_token_expires_at, access_token_metadata) VALUES ('1', 'c', 'u7', '', 'live', now() AT TIME ZONE 'UTC' + interval '5 min', '{"metadata.token.invalidated":false}'), ('2', 'c', 'u7', '', 'inv', now() AT TIME ZONE 'UTC' + interval '5 min', '{"metadata.token.invalidated":true}'), ('3', 'c', 'u7', '', 'old', now() AT TIME ZONE 'UTC' - interval '5 min', '{"metadata.token.invalidated":false}'), ('4', 'c', 'u7', '', repeat('x', 1100), now() AT TIME ZONE 'UTC' + interval '5 min', '{"metadata.token.invalidated":false}');
SELECT attach('spring', 'oauth2_authorization', $$token_column => 'access_token_value', stored_as => 'plaintext', user_column => 'principal_name', expires_column => 'access_token_expires_at', live_when => '(access_token_metadata::jsonb ->> ''metadata.token.invalidated'') IS DISTINCT FROM ''true'''$$);
INSERT INTO truth (source, token, verdict) VALUES ('spring', 'live', 'valid u7'), ('spring', 'inv', 'refused'), ('spring', 'old', 'refused'), ('spring', repeat('x', 1100), 'valid u7');
INSERT INTO change (source, token, statement) VALUES ('spring', 'live', $$UPDATE oauth2_authorization SET access_token_metadata = '{"metadata.token.invalidated":true}'$$);
INSERT INTO change (source, token, statement) VALUES ('spring', repeat('x', 1100), $$SELECT$$);

-- League OAuth2 (PHP): identifier char(80): the jti of a JWT
CALL project('League OAuth2 (PHP)');
CREATE TABLE oauth2_access_token (identifier char(80) PRIMARY KEY, client varchar(32) NOT NULL, expiry timestamp(0) NOT NULL, user_identifier varchar(128), scopes text, revoked boolean NOT NULL);
INSERT INTO oauth2_access_token VALUES (repeat('a', 80), 'c', now() AT TIME ZONE 'UTC' + interval '1 h', 'u7', NULL, false), (repeat('b', 80), 'c', now() AT TIME ZONE 'UTC' - interval '1 h', 'u7', NULL, false), (repeat('c', 80), 'c', now() AT TIME ZONE 'UTC' + interval '1 h', 'u7', NULL, true);
SELECT attach('league', 'oauth2_access_token', $$token_column => 'identifier', stored_as => 'plaintext', user_column => 'user_identifier'$$);
INSERT INTO truth (source, token, verdict) VALUES ('league', repeat('a', 80), 'valid u7'), ('league', repeat('b', 80), 'refused'), ('league', repeat('c', 80), 'refused');
INSERT INTO change (source, token, statement) VALUES ('league', repeat('a', 80), $$UPDATE oauth2_access_token SET revoked = true$$);

-- SuperTokens: the handle of the session is in a JWT; milliseconds since the epoch
CALL project('SuperTokens');
CREATE TABLE session_info (session_handle varchar(255) PRIMARY KEY, user_id varchar(128) NOT NULL, refresh_token_hash_2 varchar(128) NOT NULL, session_data text, expires_at bigint NOT NULL, created_at_time bigint NOT NULL, jwt_user_payload text);
INSERT INTO session_info VALUES ('live', 'u7', '', '', (extract(epoch FROM now()) * 1000)::bigint + 1000000, 1, ''), ('old', 'u7', '', '', 1000, 1, '');
SELECT attach('supertokens', 'session_info', $$token_column => 'session_handle', stored_as => 'plaintext'$$,
    mapping => '{"expires_expression": "to_timestamp(expires_at / 1000.0)"}');
INSERT INTO truth (source, token, verdict) VALUES ('supertokens', 'live', 'valid u7'), ('supertokens', 'old', 'refused');
INSERT INTO change (source, token, statement) VALUES ('supertokens', 'live', $$DELETE FROM session_info$$);

-- Chatwoot
CALL project('Chatwoot');
CREATE TABLE access_tokens (id bigserial PRIMARY KEY, owner_type varchar, owner_id bigint, token varchar, created_at timestamp NOT NULL, updated_at timestamp NOT NULL);
CREATE INDEX ON access_tokens (owner_type, owner_id); CREATE UNIQUE INDEX ON access_tokens (token);
INSERT INTO access_tokens (owner_type, owner_id, token, created_at, updated_at) VALUES ('User', 7, 'live', now(), now()), ('AgentBot', 7, 'bot', now(), now());
SELECT attach('chatwoot', 'access_tokens', $$token_column => 'token', stored_as => 'plaintext', user_column => 'owner_id', live_when => 'owner_type = ''User'''$$);
INSERT INTO truth (source, token, verdict) VALUES ('chatwoot', 'live', 'valid 7'), ('chatwoot', 'bot', 'refused'), ('chatwoot', 'x', 'refused');
INSERT INTO change (source, token, statement) VALUES ('chatwoot', 'live', $$DELETE FROM access_tokens$$);

-- Django REST framework
CALL project('Django REST framework');
CREATE TABLE authtoken_token (key varchar(40) PRIMARY KEY, created timestamptz NOT NULL, user_id integer NOT NULL UNIQUE);
INSERT INTO authtoken_token VALUES (repeat('a', 40), now(), 7);
SELECT attach('drf', 'authtoken_token', $$token_column => 'key', stored_as => 'plaintext', created_column => 'created'$$);
INSERT INTO truth (source, token, verdict) VALUES ('drf', repeat('a', 40), 'valid 7'), ('drf', 'x', 'refused');
INSERT INTO change (source, token, statement) VALUES ('drf', repeat('a', 40), $$DELETE FROM authtoken_token$$);

-- Django sessions: the user stands in session_data, which is signed and compressed
CALL project('Django sessions');
CREATE TABLE django_session (session_key varchar(40) PRIMARY KEY, session_data text NOT NULL, expire_date timestamptz NOT NULL);
CREATE INDEX ON django_session (expire_date);
INSERT INTO django_session VALUES ('live', 'signed', now() + interval '1 d'), ('old', 'signed', now() - interval '1 s');
SELECT attach('django', 'django_session', $$token_column => 'session_key', stored_as => 'plaintext', expires_column => 'expire_date'$$);
INSERT INTO truth (source, token, verdict) VALUES ('django', 'live', 'valid'), ('django', 'old', 'refused'), ('django', 'x', 'refused');
INSERT INTO change (source, token, statement) VALUES ('django', 'live', $$UPDATE django_session SET expire_date = now()$$);

-- Phoenix (phx.gen.auth): digests of what the base64url stands for; those of sessions as they are, which the signed cookie has, here in hex; the index begins with the context
CALL project('Phoenix (phx.gen.auth)');
CREATE TABLE users_tokens (id bigserial PRIMARY KEY, user_id bigint NOT NULL, token bytea NOT NULL, context varchar(255) NOT NULL, sent_to varchar(255), inserted_at timestamp(0) NOT NULL);
CREATE INDEX ON users_tokens (user_id); CREATE UNIQUE INDEX ON users_tokens (context, token);
INSERT INTO users_tokens (user_id, token, context, inserted_at) VALUES (7, sha256('read the bytes of this random se'), 'api-token', now() AT TIME ZONE 'UTC'), (7, sha256('old'), 'api-token', now() AT TIME ZONE 'UTC' - interval '366 d'), (7, 'session', 'session', now() AT TIME ZONE 'UTC');
SELECT attach('phoenix', 'users_tokens', $$stored_as => 'sha256-bytea', token_column => 'token', token_encoding => 'base64url', live_when => 'context = ''api-token'''$$,
    mapping => '{"expires_expression": "inserted_at + interval ''365 days''"}');
SELECT attach('phoenix session', 'users_tokens', $$token_column => 'token', stored_as => 'plaintext', live_when => 'context = ''session'''$$,
    mapping => '{"lookup": "decode(token, ''hex'')", "expires_expression": "inserted_at + interval ''60 days''"}');
INSERT INTO truth (source, token, verdict) VALUES ('phoenix', 'cmVhZCB0aGUgYnl0ZXMgb2YgdGhpcyByYW5kb20gc2U', 'valid 7'), ('phoenix', 'b2xk', 'refused'), ('phoenix', 'c2Vzc2lvbg', 'refused'), ('phoenix session', '73657373696f6e', 'valid 7'), ('phoenix session', '00ff', 'refused'), ('phoenix session', 'no hex', 'refused');
INSERT INTO change (source, token, statement) VALUES ('phoenix', 'cmVhZCB0aGUgYnl0ZXMgb2YgdGhpcyByYW5kb20gc2U', $$DELETE FROM users_tokens WHERE context = 'api-token'$$);
INSERT INTO change (source, token, statement) VALUES ('phoenix session', '73657373696f6e', $$DELETE FROM users_tokens$$);

-- Coder: ID-SECRET, found by the id
CALL project('Coder');
CREATE TABLE api_keys (id text PRIMARY KEY, hashed_secret bytea NOT NULL, user_id uuid NOT NULL, last_used timestamptz NOT NULL, expires_at timestamptz NOT NULL, created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL, lifetime_seconds bigint NOT NULL DEFAULT 86400, token_name text NOT NULL DEFAULT '');
INSERT INTO api_keys SELECT i, r256(s), '00000000-0000-0000-0000-000000000007', now(), now() + e, now(), now() FROM (VALUES ('abcdefghij', 'live', interval '1 d'), ('klmnopqrst', 'old', '-1 s')) v(i, s, e);
SELECT attach('coder', 'api_keys', $$token_column => 'id', id_column => '', stored_as => 'plaintext', last_used_column => 'last_used'$$,
    mapping => '{"lookup": "split_part(token, ''-'', 1)", "verify": "sha256(split_part(token, ''-'', 2)::bytea) = hashed_secret"}');
INSERT INTO truth (source, token, verdict) VALUES ('coder', 'abcdefghij-live', 'valid 00000000-0000-0000-0000-000000000007'), ('coder', 'abcdefghij-other', 'refused'), ('coder', 'abcdefghij', 'refused'), ('coder', 'klmnopqrst-old', 'refused');
INSERT INTO change (source, token, statement) VALUES ('coder', 'abcdefghij-live', $$DELETE FROM api_keys$$);

\o
SET search_path = wild, public;
CREATE FUNCTION ask(token text, source name) RETURNS text LANGUAGE sql AS $$
    SELECT CASE WHEN i.status = 'valid' THEN i.status || coalesce(' ' || i.user_id, '') ELSE 'refused' END FROM tokenauth_identify(token, source) i $$;
CREATE VIEW wrong AS
    SELECT source, left(token, 30), verdict, ask(token, source) FROM truth WHERE ask(token, source) IS DISTINCT FROM verdict ORDER BY n;
SELECT count(DISTINCT project) AS projects, count(DISTINCT source) AS sources, count(*) AS tokens, count(*) FILTER (WHERE verdict LIKE 'valid%') AS valid
    FROM truth JOIN tokenauth_sources USING (source);
SELECT name AS "without a verdict" FROM project WHERE name NOT IN (SELECT project FROM truth WHERE verdict LIKE 'valid%') OR name NOT IN (SELECT project FROM truth WHERE verdict = 'refused');
SELECT * FROM wrong;
-- of the cache
SELECT * FROM wrong;
SELECT count(*) > 100 AS cached FROM tokenauth_cache WHERE believed;
\if :{?page}
    -- the table of doc/projects.md
    SELECT format('| %s | `%s.%s` %s | `%s` | %s | %s |', p.name, substring(relation::text FROM '[^.]*$'), token_column,
            replace(replace(format_type(atttypid, atttypmod), 'character varying', 'varchar'), 'character', 'char'), stored_as,
            coalesce((SELECT string_agg('`' || what || '`', ', ') FROM unnest(array_remove(ARRAY[
                CASE WHEN prefix <> '' THEN 'prefix' END,
                CASE WHEN token_encoding <> 'text' THEN 'token_encoding' END,
                CASE WHEN live_when <> '' THEN 'live_when' END,
                CASE WHEN on_revoke = 'forget' THEN 'on_revoke' END]
                || ARRAY(SELECT jsonb_object_keys(mapping) ORDER BY 1), NULL)) what), ''),
            concat_ws(', ', CASE WHEN p.indexed THEN 'an index' END, CASE cardinality(parents) WHEN 1 THEN 'a parent' ELSE cardinality(parents) || ' parents' END))
        FROM project p JOIN (SELECT DISTINCT project, source FROM truth) t ON t.project = p.name
            JOIN tokenauth_sources s USING (source)
            JOIN pg_attribute ON attrelid = relation AND attname = token_column
        ORDER BY p.n, source;
\endif
-- A change by SQL counts for the next question.
SELECT in_schema(project), statement FROM change ORDER BY n \gexec
SET search_path = wild, public;
SELECT count(*) AS changed FROM change;
SELECT source, token, ask(token, source) FROM change WHERE ask(token, source) <> 'refused' ORDER BY n;
SELECT source, token FROM change JOIN truth USING (source, token) WHERE verdict = 'refused';
-- Rows that go are gone.
DO $$
DECLARE
    t regclass;
BEGIN
    FOR t IN SELECT DISTINCT relation FROM truth JOIN tokenauth_sources USING (source) LOOP
        EXECUTE format('DELETE FROM %s', t);
    END LOOP;
END $$;
SELECT source, left(token, 30), ask(token, source) FROM truth WHERE ask(token, source) <> 'refused' ORDER BY n;
SELECT 'DROP SCHEMA p' || n || ' CASCADE' FROM project ORDER BY n \gexec
DROP SCHEMA wild CASCADE;
RESET search_path;
