--
-- Code of a table's owner runs while its source is read, or has it read again while it
-- is judged by.  A source that was read half way has no column at all; no code runs
-- while one is read, or is looked at by the doctor.
--
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE ROLE regress_attacker;
CREATE SCHEMA attack AUTHORIZATION regress_attacker;
GRANT EXECUTE ON FUNCTION tokenauth_identify TO regress_attacker;
RESET client_min_messages;

-- An expression renames a column that is read before its own, and has the source read
SET ROLE regress_attacker;
CREATE TABLE attack.half (id int PRIMARY KEY, token text UNIQUE, uid text, tenant text, big bigint,
    seconds int DEFAULT 2000000000, revoked boolean NOT NULL DEFAULT false, last_used_at timestamptz);
INSERT INTO attack.half VALUES (1, 'h_1', 'u', 't', 5), (2, 'h_2', 'u', 't', 5);
-- not when the table is attached; the renaming stays, though the reading of the source fails
CREATE FUNCTION attack.rename_and_read() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('attack.live', true) IS DISTINCT FROM 'on' THEN
        RETURN;
    END IF;
    IF EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'attack.half'::regclass AND attname = 'uid') THEN
        ALTER TABLE attack.half RENAME uid TO gone;
    END IF;
    BEGIN
        PERFORM public.tokenauth_identify('h_2', 'h');
    EXCEPTION WHEN OTHERS THEN
        RAISE NOTICE 'within: %', SQLERRM;
    END;
END $$;
CREATE FUNCTION attack.id(int) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF $1 = 1 THEN
        PERFORM attack.rename_and_read();
    END IF;
    RETURN $1::text;
END $$;
CREATE FUNCTION attack.lives(int) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF $1 = 1 THEN
        PERFORM attack.rename_and_read();
    END IF;
    RETURN true;
END $$;
RESET ROLE;
-- then the tenant is an expression, a column of another length, one with a pointer
SELECT tokenauth_attach('attack.half', source => 'h', token_column => 'token', stored_as => 'plaintext',
    id_column => '', user_column => 'uid', tenant_column => '', last_used_column => '',
    mapping => '{"id_expression": "attack.id(id)", "tenant_expression": "tenant || ''x''"}');
SELECT status, tenant_id FROM tokenauth_identify('h_2', 'h');
BEGIN;
SET LOCAL attack.live = 'on';
SELECT status, tenant_id FROM tokenauth_identify('h_1', 'h');
ROLLBACK;
SELECT tokenauth_detach('h');
SELECT tokenauth_attach('attack.half', source => 'h', token_column => 'token', stored_as => 'plaintext',
    id_column => '', user_column => 'uid', tenant_column => 'big', last_used_column => '',
    mapping => '{"id_expression": "attack.id(id)"}');
BEGIN;
SET LOCAL attack.live = 'on';
SELECT status, tenant_id FROM tokenauth_identify('h_1', 'h');
ROLLBACK;
SELECT tokenauth_detach('h');
-- a condition, and then an expiry: it must not be lost, either
SELECT tokenauth_attach('attack.half', source => 'h', token_column => 'token', stored_as => 'plaintext',
    id_column => 'id', user_column => 'uid', expires_column => '', last_used_column => '',
    live_when => 'attack.lives(id)', mapping => '{"expires_expression": "to_timestamp(seconds)"}');
BEGIN;
SET LOCAL attack.live = 'on';
SELECT status, expires_at FROM tokenauth_identify('h_1', 'h');
ROLLBACK;
SELECT status FROM tokenauth_identify('h_2', 'h');
SELECT tokenauth_detach('h');

-- A trigger does it, between the two statements of a flush of last uses
SET ROLE regress_attacker;
CREATE FUNCTION attack.react() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM attack.rename_and_read();
    RETURN NULL;
END $$;
CREATE TRIGGER react BEFORE UPDATE ON attack.half FOR EACH ROW EXECUTE FUNCTION attack.react();
RESET ROLE;
SELECT tokenauth_attach('attack.half', source => 'h', token_column => 'token', stored_as => 'plaintext',
    id_column => 'id', user_column => 'uid', last_used_column => 'last_used_at');
SELECT status FROM tokenauth_identify('h_1', 'h');
\set VERBOSITY sqlstate
BEGIN;
SET LOCAL attack.live = 'on';
SELECT tokenauth_revoke('h_1', source => 'h'::name);
ROLLBACK;
BEGIN;
SET LOCAL attack.live = 'on';
SELECT tokenauth_flush_last_used() IS NOT NULL AS flushed;
ROLLBACK;
\set VERBOSITY default
SELECT tokenauth_detach('h');
SELECT 'the server has not crashed' AS result;

-- A literal whose type was an enum has become a composite type with a domain
CREATE TABLE good (id int PRIMARY KEY, token_hash text UNIQUE, user_id int, revoked boolean NOT NULL DEFAULT false);
SELECT tokenauth_attach('good', prefix => 'good_');
SET ROLE regress_attacker;
CREATE TYPE attack.e AS ENUM ('(a)');
CREATE TABLE attack.bad (id int PRIMARY KEY, token_hash text UNIQUE, user_id int, revoked boolean NOT NULL DEFAULT false);
RESET ROLE;
SELECT tokenauth_attach('attack.bad', live_when => $$'(a)'::attack.e IS NOT NULL AND id > 0$$);
SET ROLE regress_attacker;
CREATE FUNCTION attack.spy(text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    RAISE NOTICE 'the attacker reads: %', current_query();
    ALTER TABLE attack.bad RENAME user_id TO other;
    ALTER TABLE attack.bad RENAME other TO user_id;
    RETURN true;
END $$;
CREATE DOMAIN attack.d AS text CHECK (attack.spy(VALUE));
DROP TYPE attack.e;
CREATE TYPE attack.e AS (x attack.d);
RESET ROLE;
SELECT source, note FROM tokenauth_stats ORDER BY source;
SELECT tokenauth_ready('good');
SELECT severity, source, finding FROM tokenauth_doctor() WHERE source = 'bad' AND severity = 'error';
SELECT tokenauth_resolve('good_x', NULL::int);
SELECT tokenauth_detach('bad');
-- nor its operators, though they are core's
SET ROLE regress_attacker;
DROP TYPE attack.e;
DROP DOMAIN attack.d;
CREATE TYPE attack.e AS ENUM ('(a)');
RESET ROLE;
SELECT tokenauth_attach('attack.bad', live_when => $$'(a)'::attack.e IS NOT NULL AND id > 0$$);
SET ROLE regress_attacker;
CREATE DOMAIN attack.d AS text CHECK (length(VALUE) > 0);
DROP TYPE attack.e;
CREATE TYPE attack.e AS (x attack.d);
RESET ROLE;
SELECT note FROM tokenauth_stats WHERE source = 'bad';
SELECT tokenauth_detach('bad');

-- The doctor, and whoever asks whether all is ready, run none of a condition's functions
SET ROLE regress_attacker;
CREATE FUNCTION attack.f(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN $1; END $$;
RESET ROLE;
SELECT tokenauth_attach('attack.bad', live_when => 'id >= attack.f(0)');
SET ROLE regress_attacker;
CREATE OR REPLACE FUNCTION attack.f(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RAISE NOTICE 'the attacker''s code runs';
    RETURN $1;
END $$;
RESET ROLE;
SELECT tokenauth_ready();
SELECT severity, finding FROM tokenauth_doctor() WHERE source = 'bad' AND severity = 'error';
-- but tell that a right is lacking
REVOKE EXECUTE ON FUNCTION attack.f FROM PUBLIC, regress_attacker;
SELECT tokenauth_ready();
SELECT finding FROM tokenauth_doctor() WHERE source = 'bad' AND severity = 'error';
SELECT tokenauth_detach('bad');
-- nor do they keep whoever attaches the table for ever
SET ROLE regress_attacker;
CREATE FUNCTION attack.slow(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM pg_sleep(1000); RETURN $1; END $$;
RESET ROLE;
SET tokenauth.source_timeout = '50ms';
SELECT tokenauth_attach('attack.bad', live_when => 'id >= attack.slow(0)');
RESET tokenauth.source_timeout;

-- Types of types, as deep as one likes: so many are watched, and no more
SET ROLE regress_attacker;
CREATE DOMAIN attack.d0 AS text;
DO $$
BEGIN
    FOR i IN 1..300 LOOP
        EXECUTE format('CREATE DOMAIN attack.d%s AS attack.d%s', i, i - 1);
    END LOOP;
END $$;
CREATE TABLE attack.deep (id attack.d300, token text UNIQUE, user_id int, revoked boolean NOT NULL DEFAULT false);
CREATE TABLE attack.flat (id attack.d200, token text UNIQUE, user_id int, revoked boolean NOT NULL DEFAULT false);
RESET ROLE;
SELECT tokenauth_attach('attack.deep', token_column => 'token', stored_as => 'plaintext');
SELECT tokenauth_attach('attack.flat', token_column => 'token', stored_as => 'plaintext');
SELECT tokenauth_detach('flat');
-- and so many columns of composite types
SET ROLE regress_attacker;
DO $$
BEGIN
    EXECUTE (SELECT format('CREATE TYPE attack.c1 AS (%s)', string_agg('c' || n || ' int', ', ')) FROM generate_series(1, 1500) n);
    EXECUTE (SELECT format('CREATE TYPE attack.c2 AS (%s, z attack.c1)', string_agg('c' || n || ' int', ', ')) FROM generate_series(1, 600) n);
END $$;
CREATE TABLE attack.wide (id int, token text UNIQUE, user_id int, info attack.c2, revoked boolean NOT NULL DEFAULT false);
CREATE TABLE attack.narrow (id int, token text UNIQUE, user_id int, info attack.c1, revoked boolean NOT NULL DEFAULT false);
RESET ROLE;
SELECT tokenauth_attach('attack.wide', token_column => 'token', stored_as => 'plaintext', claims => '{info}', prefix => 'wide_');
SELECT note FROM tokenauth_stats WHERE source = 'wide';
SELECT tokenauth_attach('attack.narrow', token_column => 'token', stored_as => 'plaintext', claims => '{info}', prefix => 'narrow_');
SELECT note FROM tokenauth_stats WHERE source = 'narrow';
SELECT tokenauth_detach(source) FROM tokenauth_sources WHERE source IN ('wide', 'narrow');

-- Our trigger on a table that is no source: it may be a source that was lost, but no other is less ready
SELECT tokenauth_ready('good');
CREATE TABLE attack.none (id int);
CREATE TRIGGER t AFTER INSERT ON attack.none FOR EACH ROW EXECUTE FUNCTION tokenauth_changed();
SELECT tokenauth_ready('good');
SELECT severity, finding FROM tokenauth_doctor() WHERE finding ~ 'belongs to no';
SELECT tokenauth_ready();
-- nor does writing there, or into what is left of a parent, empty the cache; a table that the registry has counts
INSERT INTO good VALUES (1, encode(sha256('good_1'), 'hex'), 7);
SELECT tokenauth_resolve('good_1', NULL::int) FROM generate_series(1, 2);
CREATE TABLE attack.parent (id int PRIMARY KEY, live boolean);
CREATE TABLE attack.child (token_hash text PRIMARY KEY, user_id int, parent_id int);
SELECT tokenauth_attach('attack.child', prefix => 'child_');
SELECT tokenauth_attach_parent('child', 'attack.parent', 'parent_id');
DROP TABLE attack.child;
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'attack.parent'::regclass AND tgfoid = 'tokenauth_changed'::regproc;
CREATE TABLE attack.parted (id int) PARTITION BY LIST (id);
CREATE TRIGGER t AFTER INSERT ON attack.parted FOR EACH ROW EXECUTE FUNCTION tokenauth_changed();
CREATE TABLE attack.part PARTITION OF attack.parted DEFAULT;
INSERT INTO attack.none VALUES (1);
INSERT INTO attack.parent VALUES (1, true);
INSERT INTO attack.parted VALUES (1);
TRUNCATE attack.parent;
SELECT source, user_id, believed FROM tokenauth_cache WHERE source = 'good' AND user_id IS NOT NULL;
UPDATE good SET user_id = 8;
SELECT source, user_id, believed FROM tokenauth_cache WHERE source = 'good' AND user_id IS NOT NULL;
DROP TABLE attack.none;

SELECT tokenauth_detach('good');
SET client_min_messages = warning;
DROP TABLE good;
DROP SCHEMA attack CASCADE;
DROP OWNED BY regress_attacker CASCADE;
DROP ROLE regress_attacker;
