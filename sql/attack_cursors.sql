--
-- Cursors of the session that calls us, which the code of a table's owner reaches by
-- their names: reads, closes, and replaces by others, whose queries then run at the
-- caller's next FETCH.
--
SET client_min_messages = warning;
CREATE ROLE regress_mallory;
CREATE SCHEMA mallory AUTHORIZATION regress_mallory;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO regress_mallory;
RESET client_min_messages;
CREATE TABLE vault (n int PRIMARY KEY, secret text);
INSERT INTO vault SELECT n, 'secret ' || n FROM generate_series(1, 200) n;

SET ROLE regress_mallory;
CREATE FUNCTION mallory.evil() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RAISE NOTICE 'mallory''s code runs as %', current_user;
    RETURN 'evil';
END $$;
-- reads what it can, then closes it and opens its own
CREATE FUNCTION mallory.meddle() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    names text[] := ARRAY(SELECT format('<unnamed portal %s>', n) FROM generate_series(1, 100) n);
    way text;
    c refcursor;
    r record;
BEGIN
    FOREACH c IN ARRAY names || '{known,held,finished,unused,judging,""}' LOOP
        BEGIN
            FETCH c INTO r;
            RAISE NOTICE 'read: %', r;
        EXCEPTION WHEN OTHERS THEN NULL;
        END;
        FOREACH way IN ARRAY '{FETCH %I,MOVE %I,CLOSE %I}'::text[] LOOP
            BEGIN
                EXECUTE format(way, c);
                RAISE NOTICE 'done: %', format(way, 'a cursor');
            EXCEPTION WHEN OTHERS THEN NULL;
            END;
        END LOOP;
        BEGIN
            CLOSE c;
            RAISE NOTICE 'closed';
        EXCEPTION WHEN OTHERS THEN NULL;
        END;
        BEGIN
            OPEN c FOR SELECT mallory.evil() FROM generate_series(1, 3);
        EXCEPTION WHEN OTHERS THEN NULL;
        END;
    END LOOP;
END $$;
CREATE FUNCTION mallory.condition(text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    PERFORM mallory.meddle();
    RETURN true;
END $$;
CREATE FUNCTION mallory.react() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM mallory.meddle();
    IF NEW.user_id = 'fails' THEN
        RAISE EXCEPTION 'mallory does not want to';
    END IF;
    RETURN NEW;
END $$;
CREATE TABLE mallory.judged (token_hash text UNIQUE, user_id text, revoked bool NOT NULL DEFAULT false);
CREATE TABLE mallory.written (LIKE mallory.judged INCLUDING ALL);
CREATE TRIGGER react BEFORE UPDATE ON mallory.written FOR EACH ROW EXECUTE FUNCTION mallory.react();
INSERT INTO mallory.judged SELECT encode(sha256(('jud_' || n)::bytea), 'hex'), 'u' FROM generate_series(1, 20) n;
INSERT INTO mallory.written SELECT encode(sha256(('wri_' || n)::bytea), 'hex'),
    CASE WHEN n > 10 THEN 'fails' ELSE 'u' END FROM generate_series(1, 20) n;
RESET ROLE;
-- how many rows it has time to look at is not of interest
SET client_min_messages = error;
SELECT tokenauth_attach('mallory.judged', prefix => 'jud_', live_when => 'mallory.condition(user_id)');
SELECT tokenauth_attach('mallory.written', prefix => 'wri_');
RESET client_min_messages;

-- cursors by name: open, not yet used, at its end, and from a transaction before
BEGIN;
DECLARE held CURSOR WITH HOLD FOR SELECT secret FROM vault ORDER BY n LIMIT 3;
COMMIT;
BEGIN;
DECLARE known CURSOR FOR SELECT secret FROM vault ORDER BY n;
DECLARE unused CURSOR FOR SELECT secret FROM vault ORDER BY n;
DECLARE finished CURSOR FOR SELECT secret FROM vault ORDER BY n LIMIT 1;
FETCH known;
FETCH ALL FROM finished;
FETCH held;
SELECT tokenauth_resolve('jud_1', NULL::text);
SELECT tokenauth_revoke('wri_1');
FETCH known;
FETCH unused;
FETCH finished;
FETCH held;
-- a cursor that calls us itself
DECLARE judging CURSOR FOR SELECT n, tokenauth_resolve('jud_' || n, NULL::text) FROM generate_series(2, 4) n;
FETCH judging;
FETCH judging;
FETCH known;
CLOSE finished;
-- the error goes to a savepoint
SAVEPOINT s;
FETCH known;
DECLARE inner_one CURSOR FOR SELECT 1;
SELECT tokenauth_revoke('wri_11');
ROLLBACK TO s;
FETCH known;
FETCH held;
FETCH inner_one;
COMMIT;
SELECT name FROM pg_cursors ORDER BY name;
CLOSE held;

-- PL/pgSQL: a cursor, and loops
CREATE FUNCTION pg_temp.by_cursor() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    c CURSOR FOR SELECT secret FROM vault ORDER BY n;
    found text[];
    s text;
BEGIN
    OPEN c;
    FETCH c INTO s;
    found := found || s;
    PERFORM tokenauth_resolve('jud_5', NULL::text);
    FETCH c INTO s;
    found := found || s;
    PERFORM tokenauth_revoke('wri_2');
    FETCH c INTO s;
    found := found || s;
    FOR i IN 11..12 LOOP
        BEGIN
            FETCH c INTO s;
            found := found || s;
            PERFORM tokenauth_revoke('wri_' || i);
        EXCEPTION WHEN OTHERS THEN
            found := found || SQLERRM;
        END;
    END LOOP;
    FETCH c INTO s;
    CLOSE c;
    RETURN found || s;
END $$;
SELECT pg_temp.by_cursor();
CREATE FUNCTION pg_temp.by_loop() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    r record;
    seen int := 0;
    failed int := 0;
BEGIN
    FOR r IN SELECT n, secret FROM vault ORDER BY n LOOP
        seen := seen + 1;
        IF r.n % 20 = 0 THEN
            BEGIN
                PERFORM tokenauth_resolve('jud_' || 5 + r.n / 20, NULL::text);
                PERFORM tokenauth_revoke('wri_' || 5 + r.n / 20);
            EXCEPTION WHEN raise_exception THEN
                failed := failed + 1;
            END;
        END IF;
    END LOOP;
    RETURN format('%s rows, %s failed', seen, failed);
END $$;
SELECT pg_temp.by_loop();
-- as another role's session, and as the owner of a security-definer function
ALTER FUNCTION pg_temp.by_cursor() SECURITY DEFINER;
SET ROLE regress_mallory;
SELECT pg_temp.by_cursor();
RESET ROLE;

-- A cursor that the owner's code leaves behind, for a name that is not taken yet
BEGIN;
SELECT tokenauth_revoke('wri_3');
SELECT name FROM pg_cursors WHERE statement ~ 'mallory';
FETCH known;
ROLLBACK;

-- The owner's own cursors: in there they work as ever, also under another owner's eyes
SET ROLE regress_mallory;
CREATE OR REPLACE FUNCTION mallory.react() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    c CURSOR FOR SELECT n FROM generate_series(1, 3) n;
    r record;
    found int[];
BEGIN
    OPEN c;
    FETCH c INTO r;
    found := found || r.n;
    PERFORM public.tokenauth_resolve('jud_16', NULL::text);
    FETCH c INTO r;
    found := found || r.n;
    FOR r IN SELECT n FROM generate_series(101, 102) n LOOP
        PERFORM public.tokenauth_resolve('jud_17', NULL::text);
        found := found || r.n;
    END LOOP;
    RAISE NOTICE 'found %', found;
    RETURN NEW;
END $$;
RESET ROLE;
SELECT tokenauth_revoke('wri_4');


-- Who is the owner himself, and nobody else, keeps his cursors as they are.
CREATE TABLE own_judged AS SELECT * FROM mallory.judged;
ALTER TABLE own_judged ADD UNIQUE (token_hash);
CREATE FUNCTION fetch_known(text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    c refcursor := 'known';
    s text;
BEGIN
    FETCH c INTO s;
    RETURN s = 'secret 1';
END $$;
SELECT tokenauth_attach('own_judged', prefix => 'jud_1', live_when => 'fetch_known(user_id)');
BEGIN;
DECLARE known CURSOR FOR SELECT secret FROM vault ORDER BY n;
DECLARE unused CURSOR FOR SELECT secret FROM vault ORDER BY n;
SELECT tokenauth_resolve('jud_18', NULL::text);
FETCH known;
FETCH unused;
COMMIT;
SELECT tokenauth_detach('own_judged');
DROP TABLE own_judged;
DROP FUNCTION fetch_known;

SELECT tokenauth_detach('judged'), tokenauth_detach('written');
SET client_min_messages = warning;
DROP OWNED BY regress_mallory CASCADE;
DROP ROLE regress_mallory;
DROP TABLE vault;
