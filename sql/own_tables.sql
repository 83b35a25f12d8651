--
-- Every table of ours is used with the rights of the extension's owner: what
-- would run there, or change what is written there, is found and cured, and
-- nothing is written meanwhile.
--
\set SHOW_CONTEXT never
\set VERBOSITY terse
\pset tuples_only
SET client_min_messages = warning;
CREATE ROLE regress_mallory;
CREATE FUNCTION digest_of(token text) RETURNS text LANGUAGE sql IMMUTABLE
    RETURN encode(sha256(token::bytea), 'hex');
CREATE TABLE own (id int PRIMARY KEY GENERATED ALWAYS AS IDENTITY, token_hash text UNIQUE, user_id int, revoked boolean, expires_at timestamptz);
SELECT tokenauth_attach('own', prefix => 'own_');
INSERT INTO own (token_hash, user_id, revoked) VALUES (digest_of('own_1'), 1, false), (digest_of('own_2'), 1, true);
CREATE VIEW ours AS
    SELECT c.oid::regclass AS name FROM pg_class c JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid
        JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.deptype = 'e'
    WHERE e.extname = 'tokenauth' AND c.relkind <> 'v' AND c.relkind <> 'c';
CREATE FUNCTION act(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    RETURN 'done';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLERRM;
END $$;
-- Damage, what is found, and whether the fix cures it and leaves the known answers.
CREATE PROCEDURE damage(tab regclass, statement text) LANGUAGE plpgsql AS $$
DECLARE
    found record;
    n int := 0;
BEGIN
    EXECUTE format(statement, tab);
    RAISE WARNING '%', format(statement, tab);
    RAISE WARNING 'ready: %, rotate: %, attach: %', tokenauth_ready(),
        act($s$SELECT tokenauth_rotate('own_1', grace => '1 hour'); DELETE FROM own WHERE NOT (token_hash = ANY (ARRAY[digest_of('own_1'), digest_of('own_2')]))$s$),
        act($s$SELECT tokenauth_create_table('more', prefix => 'more_'); SELECT tokenauth_detach('more'); DROP TABLE more$s$);
    FOR found IN SELECT * FROM tokenauth_doctor() LOOP
        RAISE WARNING '%: %', found.severity, found.finding;
        RAISE WARNING '%', found.fix;
        EXECUTE found.fix;
    END LOOP;
    SELECT count(*) INTO n FROM tokenauth_doctor();
    IF n > 0 THEN
        RAISE WARNING 'not cured';
    END IF;
    RAISE WARNING '%', (SELECT string_agg((tokenauth_identify(t)).status, ', ') FROM unnest('{own_1,own_2}'::text[]) t);
END $$;
SELECT * FROM tokenauth_doctor();
TABLE ours;
CREATE FUNCTION mine() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''mine''; END';
DO $$
DECLARE
    tab regclass;
    trigger name;
BEGIN
    FOR tab IN SELECT name FROM ours LOOP
        CALL damage(tab, 'GRANT TRIGGER, UPDATE ON %s TO regress_mallory');
        CALL damage(tab, 'GRANT INSERT ON %s TO PUBLIC');
        CALL damage(tab, 'CREATE TRIGGER "My trigger" BEFORE INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION mine()');
        CALL damage(tab, 'CREATE RULE "My rule" AS ON UPDATE TO %s DO INSTEAD NOTHING');
        CALL damage(tab, 'ALTER TABLE %s ENABLE ROW LEVEL SECURITY');
        CALL damage(tab, 'ALTER TABLE %s FORCE ROW LEVEL SECURITY');
        CALL damage(tab, 'ALTER TABLE %s DISABLE TRIGGER ALL');
        CALL damage(tab, 'ALTER TABLE %s ENABLE TRIGGER USER');
        FOR trigger IN SELECT tgname FROM pg_trigger WHERE tgrelid = tab ORDER BY tgname LOOP
            CALL damage(tab, format('DROP TRIGGER %I ON %%s', trigger));
        END LOOP;
    END LOOP;
END $$;
SELECT tokenauth_detach('own');
DROP PROCEDURE damage;
DROP VIEW ours;
DROP TABLE own;
DROP FUNCTION act, mine, digest_of;
DROP ROLE regress_mallory;
