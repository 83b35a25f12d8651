-- When a token was last used: noted at a hit, written later, forward only.
-- The launcher may write at any time, so what is shown does not depend on who
-- has written.
\t on
\pset format unaligned

CREATE FUNCTION is_recent(timestamptz) RETURNS text LANGUAGE sql AS
    $$ SELECT CASE WHEN $1 IS NULL THEN 'never'
                   WHEN $1 > now() THEN 'in the future'
                   WHEN now() - $1 < '1 hour' THEN 'just now'
                   ELSE 'long ago' END $$;
CREATE PROCEDURE flush_uses() LANGUAGE plpgsql AS
    $$ BEGIN PERFORM tokenauth_flush_last_used(); END $$;

-- digests
SELECT tokenauth_create_table('pat', prefix => 'pat_');
SELECT token AS token, token_id AS id FROM tokenauth_issue('00000000-0000-0000-0000-000000000001') \gset
CALL flush_uses();
SELECT is_recent(last_used_at) FROM pat;
SELECT count(tokenauth_resolve(:'token')) FROM generate_series(1, 100);
SELECT uses_noted, uses_dropped FROM tokenauth_stats;
-- told before it is written
SELECT is_recent(last_used_at) FROM tokenauth_list('00000000-0000-0000-0000-000000000001');
CALL flush_uses();
SELECT is_recent(last_used_at) FROM pat;
-- once is enough
SELECT last_used_at AS before FROM pat \gset
SELECT tokenauth_resolve(:'token') IS NOT NULL;
CALL flush_uses();
SELECT last_used_at = :'before' FROM pat;
SELECT uses_noted, uses_written FROM tokenauth_stats;

-- A use in a transaction that fails is a use, a look at the list is none, and
-- neither is a refusal.
SELECT token AS other FROM tokenauth_issue('00000000-0000-0000-0000-000000000002') \gset
SELECT count(*) FROM tokenauth_list('00000000-0000-0000-0000-000000000002');
SELECT tokenauth_resolve(:'other', scope => 'none') IS NULL;
CALL flush_uses();
SELECT is_recent(last_used_at) FROM pat WHERE user_id = '00000000-0000-0000-0000-000000000002';
BEGIN;
SELECT status FROM tokenauth_identify(:'other');
ROLLBACK;
CALL flush_uses();
SELECT is_recent(last_used_at) FROM pat WHERE user_id = '00000000-0000-0000-0000-000000000002';

-- Forward only; who writes the column is free to.
SELECT token AS later FROM tokenauth_issue('00000000-0000-0000-0000-000000000003') \gset
SELECT tokenauth_resolve(:'later') IS NOT NULL;
UPDATE pat SET last_used_at = now() + '1 day' WHERE user_id = '00000000-0000-0000-0000-000000000003';
CALL flush_uses();
SELECT is_recent(last_used_at) FROM pat WHERE user_id = '00000000-0000-0000-0000-000000000003';
-- what the row has is known when the token is looked up
SELECT token AS old FROM tokenauth_issue('00000000-0000-0000-0000-000000000004') \gset
UPDATE pat SET last_used_at = now() - '30 seconds'::interval WHERE user_id = '00000000-0000-0000-0000-000000000004';
SELECT uses_noted AS noted FROM tokenauth_stats \gset
SELECT tokenauth_resolve(:'old') IS NOT NULL;
SELECT uses_noted - :noted FROM tokenauth_stats;

-- Writing it is no change of the token.
SELECT invalidations AS before FROM tokenauth_stats \gset
SELECT tokenauth_resolve(:'token') IS NOT NULL;
UPDATE pat SET last_used_at = NULL;
SELECT invalidations - :before FROM tokenauth_stats;
DROP TABLE pat;

-- bytea, and a time without a zone
CREATE TABLE session (
    id serial PRIMARY KEY, digest bytea NOT NULL UNIQUE, account_id int,
    last_used_at timestamp);
INSERT INTO session (digest, account_id) VALUES (sha256('session_1'), 1);
SELECT tokenauth_attach('session', token_column => 'digest', stored_as => 'sha256-bytea', user_column => 'account_id',
    timezone => 'Asia/Tokyo');
SELECT tokenauth_resolve('session_1', NULL::int);
CALL flush_uses();
SELECT is_recent(last_used_at AT TIME ZONE 'Asia/Tokyo') FROM session;
DROP TABLE session;

-- Tokens themselves: the row is found by its id, of whatever type.
CREATE TABLE sessions (
    id text PRIMARY KEY, token text NOT NULL UNIQUE, user_id text, last_used_at timestamptz);
INSERT INTO sessions VALUES ('cm3r8x9g40000abcd1234efgh', 'plain_1', 'u1'),
    ('an id that is by far too long to be kept', 'plain_2', 'u2');
SELECT tokenauth_attach('sessions', token_column => 'token', stored_as => 'plaintext');
SELECT tokenauth_resolve('plain_1', NULL::text), tokenauth_resolve('plain_2', NULL::text);
CALL flush_uses();
SELECT user_id, is_recent(last_used_at) FROM sessions ORDER BY 1;
SELECT uses_noted, uses_dropped FROM tokenauth_stats;
DROP TABLE sessions;

-- An id of a fixed length, and a collation to which other ids are the same.
CREATE TABLE sessions (
    id character(8) PRIMARY KEY, token text NOT NULL UNIQUE, user_id text, last_used_at timestamptz);
INSERT INTO sessions VALUES ('abc', 'plain_1', 'u1'), ('abcdefgh', 'plain_2', 'u2');
SELECT tokenauth_attach('sessions', token_column => 'token', stored_as => 'plaintext', on_revoke => 'delete');
SELECT tokenauth_resolve('plain_1', NULL::text), tokenauth_resolve('plain_2', NULL::text);
CALL flush_uses();
SELECT user_id, is_recent(last_used_at) FROM sessions ORDER BY 1;
SELECT tokenauth_revoke('abc', 'u1'), tokenauth_revoke('abcdefgh', 'u2');
DROP TABLE sessions;
CREATE COLLATION any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE sessions (
    id text COLLATE any_case, token text NOT NULL UNIQUE, user_id text, last_used_at timestamptz);
INSERT INTO sessions VALUES ('abc', 'plain_1', 'u1'), ('ABC', 'plain_2', 'u2');
SELECT tokenauth_attach('sessions', token_column => 'token', stored_as => 'plaintext');
SELECT tokenauth_resolve('plain_1', NULL::text);
CALL flush_uses();
SELECT user_id, is_recent(last_used_at) FROM sessions ORDER BY 1;
DROP TABLE sessions;
DROP COLLATION any_case;

-- Triggers of the owner run as the owner, with the table's schema as path; one
-- that fails fails the flush, and resolve notices nothing.
CREATE SCHEMA app;
SELECT tokenauth_create_table('app.token');
CREATE ROLE last_used_owner;
GRANT ALL ON SCHEMA app TO last_used_owner;
ALTER TABLE app.token OWNER TO last_used_owner;
CREATE TABLE app.seen (who name, path text, new timestamptz);
GRANT ALL ON app.seen TO last_used_owner;
CREATE FUNCTION app.see() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN
    INSERT INTO app.seen VALUES (current_user, current_setting('search_path'), NEW.last_used_at);
    RETURN NEW;
END $$;
CREATE TRIGGER see BEFORE UPDATE OF last_used_at ON app.token FOR EACH ROW EXECUTE FUNCTION app.see();
SELECT token AS token FROM tokenauth_issue('00000000-0000-0000-0000-000000000001') \gset
SELECT tokenauth_resolve(:'token') IS NOT NULL;
CALL flush_uses();
SELECT DISTINCT who, path, is_recent(new) FROM app.seen;
DROP TABLE app.token;

-- A source without such a column notes nothing.
CREATE TABLE bare (token_hash text UNIQUE, user_id int);
INSERT INTO bare VALUES (encode(sha256('bare'), 'hex'), 7);
SELECT tokenauth_attach('bare');
SELECT tokenauth_resolve('bare', NULL::int);
SELECT uses_noted, uses_dropped FROM tokenauth_stats;

-- Triggers that are meant for changes of a row, by the setting that says that
-- this is none, or by the columns that they are for.
CREATE TABLE touched (token_hash text PRIMARY KEY, user_id int, name text, last_used_at timestamptz,
    updated_at timestamptz, audited int NOT NULL DEFAULT 0, touched int NOT NULL DEFAULT 0);
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END $$;
CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.audited := OLD.audited + 1;
    RETURN NEW;
END $$;
CREATE FUNCTION each_time() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.touched := OLD.touched + 1;
    RETURN NEW;
END $$;
CREATE TRIGGER touch BEFORE UPDATE ON touched FOR EACH ROW
    WHEN (current_setting('tokenauth.writing_last_used', true) IS DISTINCT FROM 'on')
    EXECUTE FUNCTION touch();
CREATE TRIGGER audit BEFORE UPDATE OF user_id, name ON touched FOR EACH ROW EXECUTE FUNCTION audit();
CREATE TRIGGER each_time BEFORE UPDATE ON touched FOR EACH ROW EXECUTE FUNCTION each_time();
INSERT INTO touched VALUES (encode(sha256('tch_1'), 'hex'), 1, 'before');
SELECT tokenauth_attach('touched', prefix => 'tch_');
SELECT tokenauth_resolve('tch_1', NULL::int);
CALL flush_uses();
SELECT is_recent(last_used_at), updated_at IS NOT NULL AS updated, audited, touched FROM touched;
SHOW tokenauth.writing_last_used;
UPDATE touched SET name = 'after';
SELECT updated_at IS NOT NULL AS updated, audited, touched FROM touched;
SET tokenauth.writing_last_used = on;
-- also after an error
UPDATE touched SET last_used_at = NULL, updated_at = NULL;
SELECT tokenauth_flush();
ALTER TABLE touched ADD CHECK (last_used_at IS NULL) NOT VALID;
SELECT tokenauth_resolve('tch_1', NULL::int);
\set VERBOSITY terse
SELECT tokenauth_flush_last_used();
\set VERBOSITY default
SHOW tokenauth.writing_last_used;
DROP TABLE touched;
DROP FUNCTION touch, audit, each_time;

DROP TABLE bare;
DROP SCHEMA app CASCADE;
DROP OWNED BY last_used_owner;
DROP ROLE last_used_owner;
DROP PROCEDURE flush_uses;
DROP FUNCTION is_recent;
\t off
