--
-- What a table's owner may, or may no more: tokenauth_ready(), the doctor and
-- resolve agree; and rules that make something else of what is written.
--
\set SHOW_CONTEXT never
\set VERBOSITY terse
\pset tuples_only
SET client_min_messages = warning;
CREATE ROLE "regress Owner";
CREATE ROLE regress_helper;
CREATE SCHEMA "Fns";
GRANT USAGE ON SCHEMA "Fns" TO "regress Owner";
CREATE FUNCTION digest_of(token text) RETURNS text LANGUAGE sql IMMUTABLE
    RETURN encode(sha256(token::bytea), 'hex');
CREATE FUNCTION "Fns".is_on(int) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN $1 > 0; END';
CREATE FUNCTION "Fns".is_same(int, int) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN $1 = $2; END';
CREATE OPERATOR "Fns".=== (FUNCTION = "Fns".is_same, LEFTARG = int, RIGHTARG = int);
CREATE FUNCTION "Fns".is_inlined(int) RETURNS boolean LANGUAGE sql IMMUTABLE RETURN "Fns".is_on($1);
CREATE TABLE org (id int PRIMARY KEY, live int);
CREATE TABLE own (id int PRIMARY KEY, token_hash text UNIQUE, user_id int, revoked boolean, org int, awake int);
INSERT INTO org VALUES (1, 1), (2, 0);
INSERT INTO own VALUES (1, digest_of('own_1'), 1, false, 1, 1), (2, digest_of('own_2'), 1, true, 1, 1),
    (3, digest_of('own_3'), 1, false, 2, 1), (4, digest_of('own_4'), 1, false, 1, 0);
ALTER TABLE org OWNER TO "regress Owner";
ALTER TABLE own OWNER TO "regress Owner";
CREATE VIEW known AS SELECT string_agg((tokenauth_identify('own_' || n)).status, ' ') FROM generate_series(1, 4) n;
CREATE FUNCTION answers() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM tokenauth_flush();
    RETURN (SELECT * FROM known);
EXCEPTION WHEN OTHERS THEN
    RETURN 'error';
END $$;
-- Take a right away; then all three say that tokens cannot be judged, or none;
-- and after the fix, with its place filled in, that they can.
CREATE PROCEDURE lose(loss text, again text DEFAULT 'no place') LANGUAGE plpgsql AS $$
DECLARE
    found record;
BEGIN
    EXECUTE loss;
    RAISE WARNING '%', loss;
    RAISE WARNING '%; ready: %', answers(), tokenauth_ready();
    FOR found IN SELECT * FROM tokenauth_doctor() LOOP
        RAISE WARNING '%: %', found.severity, found.finding;
        RAISE WARNING '%', found.fix;
        EXECUTE regexp_replace(found.fix, '<[^<>]+>', again);
    END LOOP;
    RAISE WARNING '%; ready: %', answers(), tokenauth_ready();
END $$;

-- An owner who may not evaluate a condition cannot have it.
REVOKE EXECUTE ON FUNCTION "Fns".is_on FROM PUBLIC;
SELECT tokenauth_attach('own', prefix => 'own_', live_when => '"Fns".is_on(awake)');
GRANT EXECUTE ON FUNCTION "Fns".is_on TO "regress Owner";
SELECT tokenauth_attach('own', prefix => 'own_', live_when => '"Fns".is_on(awake) AND awake OPERATOR("Fns".===) 1');
SELECT tokenauth_attach_parent('own', 'org', 'org', live_when => '"Fns".is_inlined(live)');
SELECT answers(), tokenauth_ready();
SELECT * FROM tokenauth_doctor();
CALL lose('REVOKE EXECUTE ON FUNCTION "Fns".is_on FROM "regress Owner"', 'EXECUTE ON FUNCTION "Fns".is_on');
CALL lose('REVOKE EXECUTE ON FUNCTION "Fns".is_same FROM PUBLIC');
CALL lose('REVOKE EXECUTE ON FUNCTION "Fns".is_inlined FROM PUBLIC');
CALL lose('REVOKE USAGE ON SCHEMA "Fns" FROM "regress Owner"', 'USAGE ON SCHEMA "Fns"');
-- by a role that it was a member of, which nothing tells a session
REVOKE EXECUTE ON FUNCTION "Fns".is_on FROM "regress Owner";
GRANT EXECUTE ON FUNCTION "Fns".is_on TO regress_helper;
GRANT regress_helper TO "regress Owner";
SELECT answers(), tokenauth_ready();
CALL lose('REVOKE regress_helper FROM "regress Owner"', 'EXECUTE ON FUNCTION "Fns".is_on');
-- in another session, which has read nothing yet
REVOKE USAGE ON SCHEMA "Fns" FROM "regress Owner";
\c -
\set VERBOSITY terse
\pset tuples_only on
SET client_min_messages = warning;
SELECT answers(), tokenauth_ready();
SELECT severity, finding, fix FROM tokenauth_doctor();
GRANT USAGE ON SCHEMA "Fns" TO "regress Owner";
SELECT answers(), tokenauth_ready();

-- What is called when the table is written.
ALTER TABLE own ALTER user_id SET DEFAULT "Fns".is_on(1)::int;
ALTER TABLE own ADD CHECK ("Fns".is_on(1));
CREATE INDEX ON own ("Fns".is_on(awake));
CREATE INDEX ON own ((awake OPERATOR("Fns".===) 2));
SELECT * FROM tokenauth_doctor();
SELECT tokenauth_detach('own');
SELECT tokenauth_attach('own', prefix => 'own_');
REVOKE EXECUTE ON FUNCTION "Fns".is_on FROM "regress Owner";
SELECT severity, finding, fix FROM tokenauth_doctor();
SELECT tokenauth_revoke('own_4');
SELECT fix FROM tokenauth_doctor() \gset
:fix
SELECT tokenauth_revoke('own_4');
SELECT * FROM tokenauth_doctor();
REVOKE EXECUTE ON FUNCTION "Fns".is_same FROM "regress Owner";
SELECT severity, finding, fix FROM tokenauth_doctor();
SELECT fix FROM tokenauth_doctor() \gset
:fix
SELECT * FROM tokenauth_doctor();

-- Rules: judged is by the rows, but a revocation can come to nothing.
CREATE RULE "No update" AS ON UPDATE TO own DO INSTEAD NOTHING;
SELECT severity, finding, fix FROM tokenauth_doctor();
SELECT tokenauth_ready();
SELECT (tokenauth_identify('own_1')).status;
SELECT fix FROM tokenauth_doctor() \gset
:fix
SELECT * FROM tokenauth_doctor();
CREATE RULE some_inserts AS ON INSERT TO own WHERE new.id > 100 DO INSTEAD NOTHING;
CREATE RULE also AS ON UPDATE TO own DO ALSO NOTIFY regress_own;
CREATE RULE no_delete AS ON DELETE TO own DO INSTEAD NOTHING;
SELECT severity, finding, fix FROM tokenauth_doctor();
-- one that is not obeyed
ALTER TABLE own DISABLE RULE some_inserts, ENABLE REPLICA RULE also;
SELECT * FROM tokenauth_doctor();
-- where rows are deleted
SELECT tokenauth_detach('own');
SELECT tokenauth_attach('own', prefix => 'own_', revoked_column => '', on_revoke => 'delete');
SELECT severity, finding, fix FROM tokenauth_doctor();
-- row-level security hides nothing from tokenauth
DROP RULE no_delete ON own;
ALTER TABLE own ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
SELECT * FROM tokenauth_doctor();
SELECT (tokenauth_identify('own_1')).status, tokenauth_revoke('own_1');
SELECT (tokenauth_identify('own_1')).status;

-- triggers that run at COMMIT
ALTER TABLE own DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY;
CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TABLE who (id int PRIMARY KEY);
-- (a deferred unique key is looked at later only where there is a conflict)
ALTER TABLE own ADD who int REFERENCES who DEFERRABLE INITIALLY DEFERRED,
    ADD UNIQUE (who) DEFERRABLE INITIALLY DEFERRED;
SELECT severity, finding, fix FROM tokenauth_doctor();
SELECT fix FROM tokenauth_doctor() LIMIT 1 \gset
:fix
CREATE CONSTRAINT TRIGGER late AFTER UPDATE ON own DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION late();
SELECT severity, finding, fix FROM tokenauth_doctor();
DROP TRIGGER late ON own;
SELECT * FROM tokenauth_doctor();

SELECT tokenauth_detach('own');
DROP VIEW known;
DROP PROCEDURE lose;
DROP FUNCTION answers;
DROP TABLE own, org, who;
DROP FUNCTION late;
DROP SCHEMA "Fns" CASCADE;
DROP FUNCTION digest_of;
DROP ROLE "regress Owner", regress_helper;
