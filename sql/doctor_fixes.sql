--
-- The doctor's fixes never guess, and never leave out, what a token is judged
-- by.  Each damage here is followed by its fix as it is pasted, after which no
-- dead token is valid, and then with its places filled in, after which each
-- token has its answer of before.  psql goes on after an error, even in a
-- transaction, as editors and drivers do: a fix is done whole or not at all.
--
\set ON_ERROR_ROLLBACK on
\set SHOW_CONTEXT never
\set VERBOSITY terse
\pset tuples_only
SET client_min_messages = warning;
CREATE FUNCTION digest_of(token text) RETURNS text LANGUAGE sql IMMUTABLE
    RETURN encode(sha256(token::bytea), 'hex');
CREATE FUNCTION judged(token text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN (tokenauth_identify(token)).status;
EXCEPTION WHEN OTHERS THEN
    RETURN 'error';
END $$;
CREATE FUNCTION filled(fix text, VARIADIC choices text[]) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    FOR n IN 1 .. cardinality(choices) LOOP
        fix := regexp_replace(fix, '<[^<>]+>', choices[n]);
    END LOOP;
    RETURN fix;
END $$;

CREATE TABLE answers (token text, status text);
INSERT INTO answers VALUES ('f_live', 'valid'), ('f_revoked', 'revoked'), ('f_expired', 'expired'),
    ('f_used', 'used'), ('f_asleep', 'disabled'), ('f_orphan', 'disabled'), ('f_unknown', 'unknown');
CREATE VIEW open AS SELECT token, judged(token) FROM answers WHERE status <> 'valid' AND judged(token) = 'valid';
CREATE VIEW changed AS SELECT token, judged(token) FROM answers WHERE status <> judged(token);

CREATE PROCEDURE renew() LANGUAGE plpgsql AS $$
BEGIN
    DROP TABLE IF EXISTS fix, old_fix, org, old_org CASCADE;
    CREATE TABLE org (id int PRIMARY KEY, live boolean);
    INSERT INTO org VALUES (1, true), (2, false);
    CREATE TABLE fix (id int PRIMARY KEY, token_hash text UNIQUE, user_id int, org int, plan text,
        expires_at timestamptz, used_at timestamptz, revoked boolean, awake boolean, active boolean);
    INSERT INTO fix VALUES (1, digest_of('f_live'), 1, 1, 'x', NULL, NULL, false, true, true),
        (2, digest_of('f_revoked'), 1, 1, 'x', 'infinity', NULL, true, true, false),
        (3, digest_of('f_expired'), 1, 1, 'x', '2001-01-01', NULL, false, true, true),
        (4, digest_of('f_used'), 1, 1, 'x', NULL, '2001-01-01', false, true, true),
        (5, digest_of('f_asleep'), 1, 1, 'x', NULL, NULL, false, false, true),
        (6, digest_of('f_orphan'), 1, 2, 'x', NULL, NULL, false, true, true);
    PERFORM tokenauth_attach('fix', prefix => 'f_', live_when => 'awake', claims => '{plan}');
    PERFORM tokenauth_attach_parent('fix', 'org', 'org', live_when => 'live');
END $$;
-- What the doctor says to do about errors.
CREATE VIEW cure AS SELECT coalesce(string_agg(fix, E'\n'), 'SELECT ''no finding''') AS fix
    FROM tokenauth_doctor() WHERE severity = 'error';

CALL renew();
TABLE changed;
TABLE cure;

-- What says that a token is revoked is gone; what is left means the opposite.
ALTER TABLE fix DROP revoked;
SELECT substring(fix, 'revoked_column => <[^>]*>') FROM cure;
SELECT fix FROM cure \gset
BEGIN;
:fix
COMMIT;
SELECT fix = :'fix' AS untouched FROM cure;
TABLE open;
ALTER TABLE fix ADD gone boolean;
UPDATE fix SET gone = NOT active;
SELECT filled(fix, '''gone''') AS fix FROM cure \gset
BEGIN;
:fix
SHOW search_path;
COMMIT;
TABLE changed;
TABLE cure;
-- Nothing is left that could say it.
CALL renew();
ALTER TABLE fix DROP revoked, DROP active, DROP COLUMN used_at;
SELECT substring(fix, 'revoked_column => <[^>]*>'), substring(fix, 'used_column => <[^>]*>') FROM cure;
SELECT fix FROM cure \gset
BEGIN;
:fix
COMMIT;
SELECT fix = :'fix' AS untouched FROM cure;
TABLE open;
ALTER TABLE fix ADD revoked_at timestamptz, ADD used_at timestamptz;
UPDATE fix SET revoked_at = now() WHERE id = 2;
UPDATE fix SET used_at = now() WHERE id = 4;
SELECT filled(fix, '''revoked_at''') AS fix FROM cure \gset
BEGIN;
:fix
COMMIT;
TABLE changed;
-- The same with a status.
CALL renew();
ALTER TABLE fix ADD status text DEFAULT 'on';
UPDATE fix SET status = 'off' WHERE revoked;
SELECT tokenauth_detach('fix');
SELECT tokenauth_attach('fix', prefix => 'f_', live_when => 'awake', revoked_column => 'status', active_values => '{on}');
SELECT tokenauth_attach_parent('fix', 'org', 'org', live_when => 'live');
TABLE changed;
ALTER TABLE fix RENAME status TO state;
SELECT substring(fix, 'revoked_column => <[^>]*>') FROM cure;
SELECT fix FROM cure \gset
BEGIN;
:fix
COMMIT;
SELECT fix = :'fix' AS untouched FROM cure;
TABLE open;
SELECT filled(fix, '''state''') AS fix FROM cure \gset
BEGIN;
:fix
COMMIT;
TABLE changed;
-- When it expires; whose it is; what it is; several at once.
CALL renew();
ALTER TABLE fix RENAME expires_at TO valid_until;
ALTER TABLE fix ADD valid_from timestamptz DEFAULT 'infinity';
SELECT substring(fix, 'expires_column => <[^>]*>') FROM cure;
SELECT fix FROM cure \gset
BEGIN;
:fix
COMMIT;
SELECT fix = :'fix' AS untouched FROM cure;
TABLE open;
SELECT filled(fix, '''valid_until''') AS fix FROM cure \gset
BEGIN;
:fix
COMMIT;
TABLE changed;
ALTER TABLE fix RENAME user_id TO owner;
ALTER TABLE fix RENAME token_hash TO digest;
ALTER TABLE fix RENAME id TO no;
ALTER TABLE fix RENAME org TO team;
ALTER TABLE fix RENAME plan TO tariff;
SELECT fix FROM cure;
SELECT fix FROM cure \gset
BEGIN;
:fix
COMMIT;
SELECT fix = :'fix' AS untouched FROM cure;
TABLE open;
SELECT filled(fix, '''digest''', '''no''', '''owner''', 'ARRAY[''tariff'']', '''team''') AS fix FROM cure \gset
BEGIN;
:fix
COMMIT;
TABLE changed;
-- Types: what the values mean nobody knows but the user.
CALL renew();
ALTER TABLE fix ALTER revoked TYPE int USING 1 - revoked::int;
SELECT fix FROM cure;
SELECT fix FROM cure \gset
BEGIN;
:fix
COMMIT;
SELECT fix = :'fix' AS untouched FROM cure;
TABLE open;
SELECT filled(fix, 'revoked = 0') AS fix FROM cure \gset
BEGIN;
:fix
COMMIT;
TABLE changed;
ALTER TABLE fix ALTER expires_at TYPE date;
SELECT fix FROM cure \gset
BEGIN;
:fix
COMMIT;
SELECT fix = :'fix' AS untouched FROM cure;
TABLE open;
SELECT filled(fix, 'expires_at::timestamptz') AS fix FROM cure \gset
BEGIN;
:fix
COMMIT;
TABLE changed;
ALTER TABLE fix ALTER token_hash TYPE bytea USING decode(token_hash, 'hex');
SELECT fix FROM cure \gset
BEGIN;
:fix
COMMIT;
SELECT fix = :'fix' AS untouched FROM cure;
TABLE open;
SELECT filled(fix, 'encode(token_hash, ''hex'')') AS fix FROM cure \gset
BEGIN;
:fix
COMMIT;
TABLE changed;
ALTER TABLE org ALTER id TYPE bigint;
SELECT fix FROM cure \gset
BEGIN;
:fix
COMMIT;
TABLE changed;
ALTER TABLE fix ALTER plan TYPE regclass USING 'fix'::regclass;
SELECT fix FROM cure;
SELECT fix FROM cure \gset
BEGIN;
:fix
COMMIT;
TABLE changed;
-- A condition whose column is gone; its parent's; the parent itself.
ALTER TABLE fix RENAME awake TO woke;
SELECT fix FROM cure \gset
BEGIN;
:fix
COMMIT;
SELECT fix = :'fix' AS untouched FROM cure;
TABLE open;
SELECT replace(fix, 'awake', 'woke') AS fix FROM cure \gset
BEGIN;
:fix
COMMIT;
TABLE changed;
ALTER TABLE org RENAME live TO alive;
SELECT fix FROM cure \gset
BEGIN;
:fix
COMMIT;
SELECT fix = :'fix' AS untouched FROM cure;
TABLE open;
SELECT replace(fix, '''live''', '''alive''') AS fix FROM cure \gset
BEGIN;
:fix
COMMIT;
TABLE changed;
ALTER TABLE org RENAME id TO key;
SELECT fix FROM cure \gset
BEGIN;
:fix
COMMIT;
SELECT fix = :'fix' AS untouched FROM cure;
TABLE open;
ALTER TABLE org RENAME key TO id;
TABLE changed;
DROP TABLE org;
SELECT fix FROM cure \gset
BEGIN;
:fix
COMMIT;
SELECT fix = :'fix' AS untouched FROM cure;
TABLE open;
-- Another table has the name: a copy in which all tokens live.
CALL renew();
ALTER TABLE fix RENAME TO old_fix;
CREATE TABLE fix (LIKE old_fix INCLUDING ALL);
INSERT INTO fix SELECT * FROM old_fix;
UPDATE fix SET revoked = false, expires_at = NULL, used_at = NULL, awake = true, org = 1;
SELECT substring(fix, 'relation => <[^>]*>') FROM cure;
SELECT fix FROM cure \gset
BEGIN;
:fix
COMMIT;
SELECT fix = :'fix' AS untouched FROM cure;
TABLE open;
SELECT filled(fix, '''public.old_fix''') AS fix FROM cure \gset
BEGIN;
:fix
COMMIT;
TABLE changed;
CALL renew();
ALTER TABLE org RENAME TO old_org;
CREATE TABLE org AS SELECT id, true AS live FROM old_org;
ALTER TABLE org ADD PRIMARY KEY (id);
SELECT fix FROM cure \gset
BEGIN;
:fix
COMMIT;
SELECT fix = :'fix' AS untouched FROM cure;
TABLE open;
SELECT filled(fix, '''public.old_org''') AS fix FROM cure \gset
BEGIN;
:fix
COMMIT;
TABLE changed;
-- A table without triggers may be another; one with some is not.
DROP TRIGGER tokenauth_row ON fix;
SELECT fix FROM cure \gset
BEGIN;
:fix
COMMIT;
TABLE changed;
DROP TRIGGER tokenauth_row ON fix;
DROP TRIGGER tokenauth_truncate ON fix;
SELECT fix FROM cure \gset
BEGIN;
:fix
COMMIT;
SELECT fix = :'fix' AS untouched FROM cure;
TABLE open;
SELECT filled(fix, '''public.fix''') AS fix FROM cure \gset
BEGIN;
:fix
COMMIT;
TABLE changed;
-- What is registered is not valid, or names a time zone that is none.
UPDATE tokenauth_source SET timezone = 'Europe/Atlantis';
ALTER TABLE fix ALTER expires_at TYPE timestamp USING expires_at AT TIME ZONE 'UTC';
SELECT substring(fix, 'timezone => <[^>]*>') FROM cure;
SELECT fix FROM cure \gset
BEGIN;
:fix
COMMIT;
SELECT fix = :'fix' AS untouched FROM cure;
TABLE open;
SELECT filled(fix, '''UTC''') AS fix FROM cure \gset
BEGIN;
:fix
COMMIT;
TABLE changed;
UPDATE tokenauth_source SET sliding_ttl = '-1 day';
SELECT fix FROM cure \gset
BEGIN;
:fix
COMMIT;
SELECT fix = :'fix' AS untouched FROM cure;
TABLE open;
-- What needs no choice.
CALL renew();
ALTER TABLE fix DISABLE TRIGGER tokenauth_row;
SELECT fix FROM cure \gset
:fix
TABLE changed;
ALTER TABLE fix DROP CONSTRAINT fix_token_hash_key;
SELECT fix FROM cure \gset
:fix
TABLE changed;
ALTER TABLE org DROP CONSTRAINT org_pkey;
SELECT fix FROM cure \gset
:fix
TABLE changed;
ALTER TABLE fix SET UNLOGGED;
SELECT fix FROM cure \gset
:fix
TABLE changed;
CREATE TABLE old_fix () INHERITS (fix);
INSERT INTO old_fix SELECT 9, digest_of('f_unknown'), 1, 1;
SELECT fix FROM cure \gset
:fix
TABLE changed;
TABLE cure;
DROP VIEW cure, open, changed;
DROP TABLE answers, fix, old_fix, org;
DROP PROCEDURE renew;
DROP FUNCTION judged, filled, digest_of;
