-- Why a token is valid or is not, step by step, for the owner of its table.
CREATE SCHEMA explain;
SET search_path = explain, public;
CREATE FUNCTION why(token text, source name DEFAULT NULL) RETURNS TABLE (what text, outcome text)
LANGUAGE sql AS 'SELECT what, outcome FROM tokenauth_explain($1, $2) ORDER BY step';
CREATE TABLE account (id int PRIMARY KEY, live boolean);
CREATE TABLE org (id int PRIMARY KEY);
INSERT INTO account VALUES (7, true), (8, false);
INSERT INTO org VALUES (1);
CREATE TABLE key (id serial PRIMARY KEY, token_hash text UNIQUE, user_id int, org_id int, expires_at timestamptz, revoked boolean NOT NULL DEFAULT false, used_at timestamptz, kind text);
SELECT tokenauth_attach('key', prefix => 'exp_', live_when => $$kind = 'api'$$);
SELECT tokenauth_attach_parent('key', 'org', 'org_id');
SELECT tokenauth_attach_parent('key', 'account', 'user_id', live_when => 'live');
CREATE FUNCTION add(token text, user_id int DEFAULT 7, org_id int DEFAULT 1, expires_at timestamptz DEFAULT NULL, revoked boolean DEFAULT false, used_at timestamptz DEFAULT NULL, kind text DEFAULT 'api') RETURNS void
LANGUAGE sql AS $$ INSERT INTO key (token_hash, user_id, org_id, expires_at, revoked, used_at, kind) VALUES (encode(sha256(token::bytea), 'hex'), $2, $3, $4, $5, $6, $7) $$;

-- Each step of a valid token, and what each refusal rests on.
SELECT add('exp_live');
SELECT * FROM why('exp_live');
SELECT * FROM tokenauth_explain('exp_live', 'key') WHERE step > 3;
SELECT add('exp_revoked', revoked => true), add('exp_used', used_at => now()), add('exp_kind', kind => 'web'), add('exp_user', user_id => NULL);
SELECT * FROM why('exp_revoked') OFFSET 3;
SELECT * FROM why('exp_used') OFFSET 3;
SELECT * FROM why('exp_kind') OFFSET 3;
SELECT * FROM why('exp_user') OFFSET 3;
SELECT add('exp_org', org_id => 2), add('exp_account', user_id => 8), add('exp_free', org_id => NULL);
SELECT * FROM why('exp_org') OFFSET 6;
SELECT * FROM why('exp_account') OFFSET 6;
SELECT * FROM why('exp_free') OFFSET 6;
SET timezone = 'UTC';
SELECT add('exp_over', expires_at => '2020-01-01 00:00:00+00');
SELECT what, split_part(outcome, ' ', 1), right(outcome, 4) FROM why('exp_over') WHERE what IN ('expires', 'status');

-- The table is asked, not the cache, and nothing is counted.
CREATE TABLE kept (token_hash text UNIQUE, user_id int, last_used_at timestamptz);
INSERT INTO kept VALUES (encode(sha256('kept'), 'hex'), 7);
SELECT tokenauth_attach('kept');
SELECT outcome FROM why('kept', 'kept') WHERE what = 'status';
SELECT outcome FROM why('unkept', 'kept') WHERE what = 'status';
SELECT hits, negative_hits, misses, negative_lookups, publishes, uses_noted, entries FROM tokenauth_stats WHERE source = 'kept';
SELECT tokenauth_resolve('kept', 0, 'kept');
SELECT outcome FROM why('kept', 'kept') WHERE what = 'status';
SELECT hits, negative_hits, misses, negative_lookups, publishes, uses_noted, entries FROM tokenauth_stats WHERE source = 'kept';
SELECT tokenauth_detach('kept');

-- What was presented otherwise, or stored otherwise.
SELECT * FROM why('exp_live' || E'\n') OFFSET 1;
SELECT * FROM why('"exp_live"', 'key');
SELECT * FROM why('Bearer exp_live', 'key') OFFSET 1;
SELECT * FROM why(encode(sha256('exp_live'), 'hex'), 'key') OFFSET 1;
SELECT * FROM why('exp_LIVE') OFFSET 2;
SELECT * FROM why('exp_nothing') OFFSET 2;
SELECT * FROM why('') ;
SELECT * FROM why('other');
SELECT * FROM why(NULL);
SELECT * FROM why('exp_live', 'nowhere');
CREATE FUNCTION missed(stored text) RETURNS SETOF text LANGUAGE sql AS $$
    UPDATE key SET token_hash = stored WHERE user_id = 7 AND kind = 'miss';
    SELECT outcome FROM why('exp_miss-1') WHERE what = 'near miss' $$;
INSERT INTO key (user_id, kind) VALUES (7, 'miss');
SELECT missed('exp_miss-1');
SELECT missed('miss-1');
SELECT missed(upper(encode(sha256('exp_miss-1'), 'hex')));
SELECT missed(encode(sha256('exp_miss-1'), 'base64'));
SELECT missed(encode(digest('miss-1', 'sha512'), 'hex'));
SELECT missed(encode(sha256('miss-1'), 'hex'));
SELECT missed(encode(sha256('exp_live'), 'hex') || ' ');

-- Parts, encodings, and other columns.
CREATE TABLE part (id int, secret uuid UNIQUE, raw bytea UNIQUE, user_id int);
INSERT INTO part VALUES (1, 'abcdef00-0000-0000-0000-000000000001', sha256('\xabcd'), 7);
SELECT tokenauth_attach('part', token_column => 'secret', stored_as => 'plaintext', mapping => '{"token_part": "after |"}');
SELECT * FROM why('1|abcdef00-0000-0000-0000-000000000001', 'part');
SELECT * FROM why('1|ABCDEF00-0000-0000-0000-000000000001', 'part');
SELECT * FROM why('abcdef00-0000-0000-0000-000000000001', 'part');
SELECT tokenauth_detach('part');
SELECT tokenauth_attach('part', token_column => 'raw', stored_as => 'sha256-bytea');
SELECT * FROM why('abcd', 'part');
SELECT tokenauth_detach('part');
SELECT tokenauth_attach('part', token_column => 'raw', stored_as => 'sha256-bytea', token_encoding => 'hex');
SELECT * FROM why('abcd', 'part');
SELECT * FROM why('abc', 'part');
SELECT tokenauth_detach('part');

-- Salted hashes; several rows.
CREATE TABLE salted (id int, short text, hashed text, user_id int);
CREATE INDEX ON salted (short);
INSERT INTO salted VALUES (1, 'abc', crypt('abc.one', gen_salt('bf', 4)), 7), (2, 'abc', crypt('abc.two', gen_salt('bf', 4)), 8);
SELECT tokenauth_attach('salted', token_column => 'short', stored_as => 'plaintext', mapping => '{"lookup": "split_part(token, ''.'', 1)", "verify": "crypt(token, hashed) = hashed"}');
SELECT * FROM why('abc.two', 'salted');
SELECT * FROM why('abc.three', 'salted');
SELECT tokenauth_detach('salted');
SELECT tokenauth_attach('salted', token_column => 'short', stored_as => 'plaintext');
SELECT * FROM why('abc', 'salted');
SELECT tokenauth_detach('salted');
-- without an index there is a problem, and no near misses
SELECT tokenauth_attach('salted', token_column => 'short', stored_as => 'plaintext');
DROP INDEX salted_short_idx;
SELECT * FROM why('ABC', 'salted');
ALTER TABLE salted DROP short;
SELECT * FROM why('ABC', 'salted');
SELECT tokenauth_detach('salted');

-- A parent that is dead is the reason, not the user that the next one does not tell.
CREATE TABLE team (id int PRIMARY KEY, ok boolean);
CREATE TABLE member (id int PRIMARY KEY, person int);
INSERT INTO team VALUES (1, false);
INSERT INTO member VALUES (1, 7), (2, NULL);
CREATE TABLE badge (token text PRIMARY KEY, team int, member int);
INSERT INTO badge VALUES ('exp_dead', 1, 1), ('exp_nobody', NULL, 2), ('exp_somebody', NULL, 1);
SELECT tokenauth_attach('badge', token_column => 'token', stored_as => 'plaintext', user_column => '', on_revoke => 'delete');
SELECT tokenauth_attach_parent('badge', 'team', 'team', live_when => 'ok');
SELECT tokenauth_attach_parent('badge', 'member', 'member', mapping => '{"user_column": "person"}');
SELECT token, what, outcome FROM badge, tokenauth_explain(token, 'badge') WHERE what IN ('parent', 'user', 'status');
SELECT tokenauth_detach('badge');

-- Who does not own the table learns nothing, whatever was granted.
CREATE ROLE tokenauth_asker;
GRANT USAGE ON SCHEMA explain TO tokenauth_asker;
GRANT EXECUTE ON FUNCTION tokenauth_resolve TO tokenauth_asker;
GRANT SELECT ON key TO tokenauth_asker;
SET ROLE tokenauth_asker;
SELECT * FROM tokenauth_explain('exp_org', 'key');
RESET ROLE;
GRANT EXECUTE ON FUNCTION tokenauth_explain TO tokenauth_asker;
SET ROLE tokenauth_asker;
SELECT * FROM tokenauth_explain('exp_org', 'key');
SELECT * FROM tokenauth_explain('exp_org');
SELECT * FROM tokenauth_explain('exp_nothing');
RESET ROLE;
ALTER TABLE key OWNER TO tokenauth_asker;
REVOKE ALL ON key FROM tokenauth_asker;
SET ROLE tokenauth_asker;
SELECT outcome FROM tokenauth_explain('exp_org') WHERE what = 'status';
RESET ROLE;

-- Neither a token nor a digest is in what it says.
CREATE TABLE said AS SELECT w.* FROM unnest('{exp_live,exp_org,exp_miss-1,exp_nothing}'::text[]) token, tokenauth_explain(token, 'key') w;
SELECT count(*) > 30 AS much, count(*) FILTER (WHERE outcome ~ '_live|_org|miss-|_nothing|[0-9a-f]{16}') AS tokens FROM said;

SET client_min_messages = warning;
DROP SCHEMA explain CASCADE;
DROP OWNED BY tokenauth_asker;
DROP ROLE tokenauth_asker;
