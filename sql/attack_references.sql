--
-- A foreign key to one of our tables runs the triggers of its own table, as that
-- one's owner, whenever our row goes: with a superuser's session behind it.
--
SET client_min_messages = warning;
CREATE ROLE regress_mallory;
CREATE SCHEMA mallory AUTHORIZATION regress_mallory;
RESET client_min_messages;
SELECT tokenauth_create_table('victim', prefix => 'vic_');
INSERT INTO victim (user_id, token_hash, expires_at)
SELECT gen_random_uuid(), encode(sha256(('vic_' || n)::bytea), 'hex'), now() + interval '1 day' FROM generate_series(1, 2) n;
GRANT ALL ON ALL TABLES IN SCHEMA public TO regress_mallory;
-- a grace that is over
SELECT count(token) FROM tokenauth_rotate('vic_1', grace => '1 hour');
ALTER TABLE tokenauth_retiring DISABLE TRIGGER guard;
UPDATE tokenauth_retiring SET shortened_to = '-infinity' WHERE relation = 'victim'::regclass;
ALTER TABLE tokenauth_retiring ENABLE ALWAYS TRIGGER guard;

SET ROLE regress_mallory;
CREATE FUNCTION mallory.as_whom(text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    RAISE NOTICE 'mallory''s code runs as a superuser: %', (SELECT rolsuper FROM pg_roles WHERE rolname = current_user);
    RETURN true;
END $$;
CREATE FUNCTION mallory.leave_behind() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    way text;
BEGIN
    FOREACH way IN ARRAY ARRAY[
        'CREATE DOMAIN pg_temp.text AS pg_catalog.text CHECK (mallory.as_whom(VALUE))',
        'CREATE TEMP TABLE pg_class (a int)',
        'PREPARE p AS SELECT 1']
    LOOP
        BEGIN
            EXECUTE way;
            RAISE NOTICE 'done: %', way;
        EXCEPTION WHEN OTHERS THEN
            RAISE NOTICE '%', SQLERRM;
        END;
    END LOOP;
    RETURN NULL;
END $$;
CREATE FUNCTION mallory.later() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM mallory.as_whom('later');
    RETURN NULL;
END $$;
CREATE TABLE mallory.source (source name REFERENCES public.tokenauth_source ON DELETE CASCADE);
CREATE TABLE mallory.retiring (relation oid, token_hash bytea,
    FOREIGN KEY (relation, token_hash) REFERENCES public.tokenauth_retiring ON DELETE CASCADE);
INSERT INTO mallory.source VALUES ('victim');
INSERT INTO mallory.retiring SELECT relation, token_hash FROM tokenauth_retiring WHERE relation = 'victim'::regclass;
CREATE TRIGGER leave_behind AFTER DELETE ON mallory.source FOR EACH ROW EXECUTE FUNCTION mallory.leave_behind();
CREATE TRIGGER leave_behind AFTER DELETE ON mallory.retiring FOR EACH ROW EXECUTE FUNCTION mallory.leave_behind();
RESET ROLE;
SELECT finding, fix FROM tokenauth_doctor() WHERE finding ~ 'foreign key';

SELECT count(token) FROM tokenauth_rotate('vic_2', grace => '1 hour');
SELECT 'x'::text;
BEGIN;
SELECT tokenauth_detach('victim');
SELECT 'x'::text;
ROLLBACK;
-- deferred, it would run as whoever commits
CREATE CONSTRAINT TRIGGER later AFTER DELETE ON mallory.source DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION mallory.later();
SELECT tokenauth_detach('victim');

SET client_min_messages = warning;
DROP OWNED BY regress_mallory;
DROP ROLE regress_mallory;
RESET client_min_messages;
SELECT tokenauth_detach('victim');
DROP TABLE victim;
