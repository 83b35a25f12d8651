--
-- What the code of a table's owner can read of the statement that calls us, in
-- which a token may stand: nothing.
--
SET client_min_messages = warning;
CREATE ROLE regress_mallory;
CREATE ROLE regress_caller;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO regress_caller;
CREATE SCHEMA mallory AUTHORIZATION regress_mallory;
RESET client_min_messages;
SET ROLE regress_mallory;
CREATE TABLE mallory.seen (what text, query text, context text);
CREATE FUNCTION mallory.statement(OUT query text, OUT context text) LANGUAGE plpgsql AS $$
BEGIN
    query := current_query();
    GET DIAGNOSTICS context = PG_CONTEXT;
    BEGIN
        RAISE EXCEPTION 'x';
    EXCEPTION WHEN OTHERS THEN
        DECLARE
            trail text;
        BEGIN
            GET STACKED DIAGNOSTICS trail = PG_EXCEPTION_CONTEXT;
            context := context || trail;
        END;
    END;
END $$;
-- of cursors, also that of the running query, and of prepared statements
CREATE FUNCTION mallory.statements() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    every text := '';
    found text;
    source text;
BEGIN
    FOREACH source IN ARRAY '{pg_cursors,pg_prepared_statements,pg_cursor(),pg_prepared_statement()}'::text[] LOOP
        BEGIN
            EXECUTE 'SELECT string_agg(s::text, NULL) FROM ' || source || ' s' INTO found;
            every := concat(every, found);
        EXCEPTION WHEN insufficient_privilege THEN NULL;
        END;
    END LOOP;
    RETURN every;
END $$;
-- A condition that says it is immutable, and is true where it has seen nothing.
CREATE FUNCTION mallory.has_seen() RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    s record;
BEGIN
    s := mallory.statement();
    RETURN s.query ~ 'mal_' OR s.context ~ 'mal_' OR mallory.statements() ~ 'mal_';
END $$;
CREATE TABLE mallory.tok (id int PRIMARY KEY, user_id int NOT NULL, token_hash text UNIQUE NOT NULL,
    revoked bool NOT NULL DEFAULT false, last_used_at timestamptz);
INSERT INTO mallory.tok SELECT n, n, encode(sha256(('mal_' || n)::bytea), 'hex') FROM generate_series(1, 9) n;
CREATE FUNCTION mallory.look() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO mallory.seen SELECT TG_OP, s.query, s.context FROM mallory.statement() s;
    RETURN NEW;
END $$;
CREATE TRIGGER look BEFORE INSERT OR UPDATE ON mallory.tok FOR EACH ROW EXECUTE FUNCTION mallory.look();
RESET ROLE;
SELECT tokenauth_attach('mallory.tok', prefix => 'mal_', revoked_column => 'revoked',
    live_when => 'mallory.has_seen() IS NOT TRUE');

SET ROLE regress_caller;
SELECT tokenauth_resolve('mal_1', NULL::int);
SELECT tokenauth_revoke('mal_2');
CREATE FUNCTION pg_temp.serve(token text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    answer text;
BEGIN
    EXECUTE format('SELECT tokenauth_resolve(%L, NULL::int)', token) INTO answer;
    EXECUTE format('SELECT tokenauth_revoke(%L)', token);
    RETURN concat_ws(', ', answer, current_query());
END $$;
SELECT pg_temp.serve('mal_3');
PREPARE other AS SELECT tokenauth_resolve('mal_5', NULL::int);
BEGIN;
DECLARE other CURSOR FOR SELECT tokenauth_resolve('mal_6', NULL::int);
SELECT tokenauth_resolve('mal_7', NULL::int);
FETCH other;
COMMIT;
EXECUTE other;
DEALLOCATE other;
-- afterwards it is there again, also where an error was caught
SELECT current_query();
RESET ROLE;
SELECT what, query, context ~ 'mal_' AS seen FROM mallory.seen;
CREATE OR REPLACE FUNCTION mallory.look() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'no';
END $$;
SET ROLE regress_caller;
SELECT tokenauth_revoke('mal_4');
DO $$
BEGIN
    PERFORM tokenauth_revoke('mal_4');
EXCEPTION WHEN OTHERS THEN
    RAISE NOTICE '%: %', SQLERRM, left(current_query(), 4);
END $$;
RESET ROLE;
-- The owner sees where it went wrong, in his code and in his caller's.
SELECT tokenauth_revoke('mal_4');
DO $$
BEGIN
    PERFORM tokenauth_revoke('mal_4');
END $$;

-- The other way round: a caller who cancels the owner's code learns nothing of it.
CREATE OR REPLACE FUNCTION mallory.has_seen() RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    EXECUTE 'SELECT ''what mallory has read'', pg_sleep(600)';
    RETURN false;
END $$;
SET ROLE regress_caller;
SET statement_timeout = '200ms';
SELECT tokenauth_resolve('mal_8', NULL::int);
RESET statement_timeout;
RESET ROLE;

SELECT tokenauth_detach('tok');
SET client_min_messages = warning;
DROP OWNED BY regress_mallory, regress_caller CASCADE;
DROP ROLE regress_mallory, regress_caller;
