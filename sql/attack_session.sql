--
-- What else the session that calls us has under a name or a number, and what code of
-- a table's owner could leave for it in its temporary schema.
--
SET client_min_messages = warning;
CREATE ROLE regress_attacker;
CREATE SCHEMA attack AUTHORIZATION regress_attacker;
RESET client_min_messages;
SET ROLE regress_attacker;
CREATE TABLE attack.ways (id serial, way text);
CREATE FUNCTION attack.evil(text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RAISE NOTICE 'the attacker''s code runs as %', current_user;
    RETURN $1;
END $$;
CREATE OPERATOR attack.@@ (LEFTARG = int, RIGHTARG = int, FUNCTION = pg_advisory_unlock);
CREATE AGGREGATE attack.close_all(int) (SFUNC = lo_truncate, STYPE = int, INITCOND = '0');
-- says which of the ways work, or fail for another reason than that they are refused
CREATE FUNCTION attack.try_all() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    w text;
BEGIN
    FOR w IN SELECT way FROM attack.ways ORDER BY id LOOP
        BEGIN
            EXECUTE w;
            RAISE NOTICE 'done: %', w;
        EXCEPTION WHEN OTHERS THEN
            IF SQLSTATE <> '42501' THEN
                RAISE NOTICE '% (%): %', w, SQLSTATE, SQLERRM;
            END IF;
        END;
    END LOOP;
END $$;
CREATE FUNCTION attack.react() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM attack.try_all();
    RETURN NEW;
END $$;
CREATE FUNCTION attack.condition(text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    PERFORM attack.try_all();
    RETURN true;
END $$;
CREATE TABLE attack.token (token_hash text UNIQUE, user_id text, revoked bool NOT NULL DEFAULT false);
INSERT INTO attack.token SELECT encode(sha256(('att_' || n)::bytea), 'hex'), 'u' FROM generate_series(1, 9) n;
CREATE TRIGGER react BEFORE UPDATE ON attack.token FOR EACH ROW EXECUTE FUNCTION attack.react();
CREATE TABLE attack.movable (a int, b int);
CREATE FUNCTION attack.movable(int) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE TYPE attack.movable_type AS ENUM ('a');
-- it had the session to itself for a while
CREATE FUNCTION pg_temp.left_behind(text) RETURNS text LANGUAGE sql AS 'SELECT $1';
CREATE TEMP TABLE left_behind (a int, b int);
RESET ROLE;
SELECT tokenauth_attach('attack.token', prefix => 'att_', live_when => 'attack.condition(user_id)');

-- The temporary schema
INSERT INTO attack.ways (way) VALUES
    ('CREATE FUNCTION pg_temp.helper(text) RETURNS text LANGUAGE sql AS ''SELECT attack.evil($1)'''),
    ('CREATE PROCEDURE pg_temp.helper(int) LANGUAGE sql AS ''SELECT attack.evil(NULL)'''),
    ('CREATE AGGREGATE pg_temp.total(int) (SFUNC = int4pl, STYPE = int)'),
    ('CREATE OPERATOR pg_temp.=== (LEFTARG = text, RIGHTARG = text, FUNCTION = texteq)'),
    ('CREATE COLLATION pg_temp.mine (LOCALE = ''C'')'),
    ('CREATE TEXT SEARCH CONFIGURATION pg_temp.mine (COPY = pg_catalog.simple)'),
    ('CREATE TEXT SEARCH DICTIONARY pg_temp.mine (TEMPLATE = simple)'),
    ('CREATE STATISTICS pg_temp.mine ON a, b FROM attack.movable'),
    ('CREATE CONVERSION pg_temp.mine FOR ''LATIN1'' TO ''UTF8'' FROM iso8859_1_to_utf8'),
    ('CREATE DOMAIN pg_temp.text AS pg_catalog.text CHECK (attack.evil(VALUE) IS NOT NULL)'),
    ('CREATE TYPE pg_temp.date AS RANGE (SUBTYPE = float8)'),
    ('CREATE TYPE pg_temp.shell'),
    ('CREATE TABLE pg_temp.pg_class (a int)'),
    ('CREATE VIEW pg_temp.pg_type AS SELECT 1'),
    ('CREATE OR REPLACE FUNCTION pg_temp.left_behind(text) RETURNS text LANGUAGE sql AS ''SELECT attack.evil($1)'''),
    ('ALTER FUNCTION pg_temp.left_behind(text) RENAME TO helper'),
    ('ALTER FUNCTION pg_temp.left_behind(text) SECURITY DEFINER'),
    ('ALTER TABLE pg_temp.left_behind RENAME TO pg_class'),
    ('CREATE INDEX ON pg_temp.left_behind (attack.movable(a))');
CREATE FUNCTION pg_temp.helper(varchar) RETURNS text LANGUAGE sql AS $$ SELECT $1 $$;
SELECT tokenauth_revoke('att_1');
SELECT tokenauth_resolve('att_2', NULL::text);
SELECT pg_temp.helper('x');
SELECT proname, proargtypes::regtype[] FROM pg_proc WHERE pronamespace = pg_my_temp_schema() ORDER BY 1;
-- core does not let anybody move things there
TRUNCATE attack.ways;
INSERT INTO attack.ways (way) VALUES
    ('ALTER FUNCTION attack.movable(int) SET SCHEMA pg_temp'),
    ('ALTER TABLE attack.movable SET SCHEMA pg_temp'),
    ('ALTER TYPE attack.movable_type SET SCHEMA pg_temp');
SELECT tokenauth_revoke('att_3');

-- Statements and functions
TRUNCATE attack.ways;
INSERT INTO attack.ways (way) VALUES
    ('EXECUTE ps'),
    ('EXPLAIN (COSTS OFF) EXECUTE ps'),
    ('EXPLAIN (COSTS OFF) CREATE TABLE attack.made AS EXECUTE ps'),
    ('CREATE TABLE attack.made AS EXECUTE ps'),
    ('DO ''BEGIN EXECUTE ''''EXECUTE ps''''; END'''),
    ('DEALLOCATE ps'),
    ('DEALLOCATE ALL'),
    ('PREPARE other AS SELECT 1'),
    ('SET CONSTRAINTS ALL DEFERRED'),
    ('SET CONSTRAINTS ALL IMMEDIATE'),
    ('LOAD ''$libdir/plugins/none'''),
    ('LISTEN l'),
    ('UNLISTEN *'),
    ('DISCARD ALL'),
    ('CLOSE ALL'),
    ('SELECT * FROM pg_cursors'),
    ('SELECT * FROM pg_prepared_statement()'),
    ('SELECT pg_listening_channels()'),
    ('SELECT pg_advisory_lock(7)'),
    ('SELECT pg_try_advisory_lock_shared(1, 2)'),
    ('SELECT pg_advisory_unlock(7)'),
    ('SELECT pg_advisory_unlock_shared(7)'),
    ('SELECT pg_advisory_unlock_all()'),
    ('SELECT * FROM pg_advisory_unlock(1, 2)'),
    ('SELECT 1 OPERATOR(attack.@@) 2'),
    ('SELECT attack.close_all(n) FROM generate_series(1, 2) n'),
    ('SELECT attack.close_all(n) OVER () FROM generate_series(1, 2) n'),
    ('SELECT n FROM generate_series(1, 2) n ORDER BY lo_tell(0)'),
    ('SELECT lo_open(4711, 393216)'),
    ('SELECT loread(0, 100)'),
    ('SELECT lowrite(0, ''broken'')'),
    ('SELECT lo_lseek64(0, 1, 0)'),
    ('SELECT lo_close(0)'),
    ('SELECT pg_export_snapshot()'),
    ('SELECT pg_temp.of_the_caller()'),
    -- these may be
    ('SELECT pg_advisory_xact_lock(8)'),
    ('EXPLAIN (COSTS OFF) SELECT 1'),
    ('CREATE TABLE attack.log (what text)'),
    ('DO ''BEGIN INSERT INTO attack.log VALUES (1); END'''),
    ('NOTIFY n'),
    ('SET LOCAL work_mem = 1024');
CREATE FUNCTION pg_temp.of_the_caller() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM pg_authid';
CREATE TABLE parent (id int PRIMARY KEY DEFERRABLE INITIALLY IMMEDIATE);
INSERT INTO parent VALUES (1);
SELECT lo_from_bytea(4711, 'secret content');
PREPARE ps AS SELECT 'another token';
LISTEN l;
SELECT pg_advisory_lock(7), pg_advisory_lock(1, 2);
BEGIN;
SELECT lo_open(4711, x'60000'::int);
SELECT tokenauth_revoke('att_4');
SELECT convert_from(loread(0, 100), 'UTF8');
SAVEPOINT s;
INSERT INTO parent VALUES (1);
ROLLBACK TO s;
SET CONSTRAINTS ALL DEFERRED;
INSERT INTO parent VALUES (1);
DROP TABLE attack.log;
SELECT tokenauth_resolve('att_5', NULL::text);
ROLLBACK;
EXECUTE ps;
SELECT pg_listening_channels();
SELECT pg_advisory_unlock(7), pg_advisory_unlock(1, 2);
DEALLOCATE ps;
UNLISTEN *;
SELECT lo_unlink(4711);

-- What comes next at random, which others would know.
TRUNCATE attack.ways;
INSERT INTO attack.ways (way) VALUES
    ('SELECT setseed(0.5)'),
    ('SET seed = 0.5'),
    ('SET LOCAL seed = 0.5'),
    ('SELECT set_config(''seed'', ''0.5'', false)');
SELECT setseed(0.25);
SELECT random() AS first, random() AS next \gset
SELECT setseed(0.25);
SELECT random() = :first AS first;
SELECT tokenauth_resolve('att_6', NULL::text);
SELECT random() = :next AS next;
SET seed = 0.25;
SELECT random() = :first AS first;

-- Where we write rows ourselves, only generated columns and indexes run the owner's
-- code: its settings do not stay either, and cursors are out of its reach.
SET ROLE regress_attacker;
CREATE FUNCTION attack.generated(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    c refcursor := 'held';
BEGIN
    PERFORM set_config('search_path', 'attack', false);
    BEGIN
        CLOSE c;
        RAISE NOTICE 'closed';
        OPEN c FOR SELECT attack.evil('x');
    EXCEPTION WHEN invalid_cursor_name OR invalid_cursor_state THEN NULL;
    END;
    RETURN $1;
END $$;
CREATE TABLE attack.plain (token text UNIQUE, user_id text,
    generated text GENERATED ALWAYS AS (attack.generated(user_id)) STORED);
INSERT INTO attack.plain VALUES ('pla_' || repeat('a', 30), 'u');
RESET search_path;
RESET ROLE;
SELECT tokenauth_attach('attack.plain', prefix => 'pla_', token_column => 'token', stored_as => 'plaintext');
BEGIN;
DECLARE held CURSOR WITH HOLD FOR SELECT n FROM generate_series(1, 2) n;
COMMIT;
SET client_min_messages = warning;
CALL tokenauth_hash_in_place('plain');
RESET client_min_messages;
SHOW search_path;
FETCH held;
CLOSE held;
SELECT tokenauth_resolve('pla_' || repeat('a', 30), NULL::text);
SELECT tokenauth_detach('plain');

-- A setting that has a timer end the session, where there is one: PostgreSQL 17
SET ROLE regress_attacker;
CREATE FUNCTION attack.wait() RETURNS void LANGUAGE sql AS 'SELECT pg_sleep(0.05)';
CREATE FUNCTION attack.wait_timed() RETURNS void LANGUAGE sql AS 'SELECT pg_sleep(0.05)';
DO $$
BEGIN
    IF current_setting('server_version_num')::int >= 170000 THEN
        ALTER FUNCTION attack.wait_timed() SET transaction_timeout = 1;
    END IF;
END $$;
CREATE FUNCTION attack.end_session() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('server_version_num')::int >= 170000 THEN
        PERFORM set_config('transaction_timeout', '1ms', false);
        PERFORM attack.wait();
        PERFORM set_config('transaction_timeout', '0', false);
        PERFORM set_config('transaction_timeout', '1ms', true);
        PERFORM attack.wait();
        EXECUTE 'SET transaction_timeout = 1';
        EXECUTE 'RESET transaction_timeout';
        EXECUTE 'RESET ALL';
        PERFORM attack.wait_timed();
    END IF;
END $$;
CREATE FUNCTION attack.condition_timed(text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    PERFORM attack.end_session();
    RETURN true;
END $$;
CREATE TABLE attack.timed (token text UNIQUE, user_id text);
INSERT INTO attack.timed VALUES ('tim_1', 'u');
RESET ROLE;
SELECT tokenauth_attach('attack.timed', prefix => 'tim_', token_column => 'token', stored_as => 'plaintext',
    live_when => 'attack.condition_timed(user_id)');
SELECT tokenauth_resolve('tim_1', NULL::text);
BEGIN;
SAVEPOINT s;
SELECT tokenauth_resolve('tim_1', NULL::text);
ROLLBACK TO s;
SELECT pg_sleep(0.05);
COMMIT;
SELECT tokenauth_detach('timed');

-- What is no business of a sandbox's is left alone: the server's own maintenance is a
-- security-restricted operation, too, and uses the temporary schema.
CREATE MATERIALIZED VIEW seen AS SELECT n FROM generate_series(1, 3) n;
CREATE UNIQUE INDEX ON seen (n);
REFRESH MATERIALIZED VIEW CONCURRENTLY seen;
DROP MATERIALIZED VIEW seen;

SELECT tokenauth_detach('token');
SET client_min_messages = warning;
DROP TABLE parent;
DROP SCHEMA attack CASCADE;
DROP OWNED BY regress_attacker CASCADE;
DROP ROLE regress_attacker;
