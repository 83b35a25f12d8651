--
-- Code of a table's owner that runs while we work on the table.
--

-- A cursor of ours is closed under us.
CREATE FUNCTION public.close_cursors(uuid) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS $$
DECLARE
    portal refcursor;
BEGIN
    FOR i IN 1..100 LOOP
        BEGIN
            portal := format('<unnamed portal %s>', i);
            CLOSE portal;
            RAISE NOTICE 'a cursor was closed';
        EXCEPTION WHEN invalid_cursor_name OR invalid_cursor_state THEN NULL;
        END;
    END LOOP;
    RETURN true;
END $$;
SELECT tokenauth_create_table('attack_token');
SELECT tokenauth_detach('attack_token');
SELECT tokenauth_attach('attack_token', prefix => 'atk_',
                        live_when => 'public.close_cursors(user_id)');
SELECT count(tokenauth_issue(gen_random_uuid()::text, 'attack_token'))
FROM generate_series(1, 3);
SELECT tokenauth_warm('attack_token');
SELECT tokenauth_detach('attack_token');
DROP TABLE attack_token;
DROP FUNCTION public.close_cursors;

-- A source is changed each time that a token of it is judged.
CREATE TABLE endless (id int PRIMARY KEY, token_hash text UNIQUE, user_id int);
INSERT INTO endless VALUES (1, encode(sha256('end_1'), 'hex'), 1);
CREATE FUNCTION public.change_source() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    CREATE OR REPLACE FUNCTION public.endless(int) RETURNS boolean IMMUTABLE LANGUAGE plpgsql
        AS 'BEGIN RETURN public.change_source(); END';
    RETURN public.tokenauth_resolve('end_none', NULL::int) IS NULL;
END $$;
CREATE FUNCTION public.endless(int) RETURNS boolean IMMUTABLE LANGUAGE plpgsql
    AS 'BEGIN RETURN public.change_source(); END';
SELECT tokenauth_attach('endless', prefix => 'end_', live_when => 'public.endless(id)');
SET statement_timeout = '60s';
SELECT tokenauth_resolve('end_1', NULL::int);
RESET statement_timeout;
SELECT tokenauth_detach('endless');
DROP TABLE endless;
DROP FUNCTION public.endless, public.change_source;

-- Something is left in the session's temporary schema, where the session's user
-- would find it by its name.
CREATE ROLE regress_attacker;
CREATE SCHEMA attack AUTHORIZATION regress_attacker;
CREATE FUNCTION attack.as_whom(text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    RAISE NOTICE 'the attacker''s code runs as %', current_user;
    RETURN true;
END $$;
CREATE FUNCTION attack.leave_behind() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    way text;
BEGIN
    FOREACH way IN ARRAY ARRAY[
        'CREATE DOMAIN pg_temp.text AS pg_catalog.text CHECK (attack.as_whom(VALUE))',
        'CREATE TYPE pg_temp.bool AS ENUM (''a'')',
        'CREATE TYPE pg_temp.date AS RANGE (SUBTYPE = float8)',
        'CREATE TYPE pg_temp.name AS (a int)',
        'CREATE TABLE pg_temp.pg_class (a int)',
        'CREATE VIEW pg_temp.pg_type AS SELECT 1',
        'CREATE SEQUENCE pg_temp.pg_proc',
        'PREPARE p AS SELECT 1',
        'LISTEN l',
        'DECLARE c CURSOR WITH HOLD FOR SELECT attack.as_whom(''c'')']
    LOOP
        BEGIN
            EXECUTE way;
            RAISE NOTICE 'done: %', way;
        EXCEPTION WHEN OTHERS THEN NULL;
        END;
    END LOOP;
    RETURN NEW;
END $$;
SELECT tokenauth_create_table('attack.token', prefix => 'left_');
ALTER TABLE attack.token OWNER TO regress_attacker;
CREATE TRIGGER leave_behind BEFORE UPDATE ON attack.token
    FOR EACH ROW EXECUTE FUNCTION attack.leave_behind();
CREATE TEMP TABLE mine (a int);
SELECT tokenauth_revoke(token)
FROM tokenauth_issue('00000000-0000-0000-0000-000000000001', 'token');
SELECT 'x'::text;
SELECT typname FROM pg_type WHERE typnamespace = pg_my_temp_schema() AND typname !~ 'mine';
SELECT tokenauth_detach('token');
DROP SCHEMA attack CASCADE;
DROP OWNED BY regress_attacker;
DROP ROLE regress_attacker;
