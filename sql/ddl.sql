--
-- What counts is renamed, altered, replaced, and changed back meanwhile (G1): no
-- answer of before may come back with it.  The argument in doc/coherence.md, step 3.
--
CREATE FUNCTION h(text) RETURNS text LANGUAGE sql AS
    $$ SELECT encode(sha256($1::bytea), 'hex') $$;
-- what is told of a token now; asked twice, so that the next change finds it cached
CREATE FUNCTION told(token text, OUT answer text) LANGUAGE plpgsql AS $$
DECLARE
    i tokenauth_identity;
BEGIN
    FOR n IN 1..2 LOOP
        i := tokenauth_identify(token);
        answer := concat_ws(' ', i.status, i.user_id, i.claims);
    END LOOP;
EXCEPTION WHEN OTHERS THEN
    answer := SQLSTATE;
END $$;
CREATE TABLE t (id int PRIMARY KEY, token_hash text UNIQUE, user_id int, tenant_id int,
    suspended boolean DEFAULT false, plan text DEFAULT 'free', note text);
CREATE TABLE p (id int PRIMARY KEY, old_id int UNIQUE, live boolean DEFAULT true, state text DEFAULT 'ok');
INSERT INTO p (id, old_id) SELECT n, n + 100 FROM generate_series(1, 3) n;
CREATE FUNCTION renew() RETURNS void LANGUAGE sql AS $$
    DELETE FROM t;
    INSERT INTO t (id, token_hash, user_id, tenant_id)
    SELECT n, h('tok' || n), n, n FROM generate_series(1, 3) n;
    UPDATE p SET live = true, state = 'ok' WHERE NOT live OR state <> 'ok';
$$;

-- A column is renamed away, rows are changed, and it is renamed back.
SELECT renew();
SELECT tokenauth_attach('t', live_when => 'NOT suspended', claims => '{plan}');
SELECT tokenauth_attach_parent('t', 'p', 'tenant_id', live_when => $$live AND state = 'ok'$$);
SELECT told('tok1'), told('tok2'), told('tok3');
ALTER TABLE t RENAME suspended TO x;
UPDATE t SET x = true WHERE id = 1;
DELETE FROM t WHERE id = 3;
ALTER TABLE t RENAME x TO suspended;
SELECT told('tok1'), told('tok2'), told('tok3');
-- the same in one transaction
BEGIN;
ALTER TABLE t RENAME suspended TO x;
UPDATE t SET x = true WHERE id = 2;
ALTER TABLE t RENAME x TO suspended;
COMMIT;
SELECT told('tok2');
-- a claim
SELECT renew();
SELECT told('tok1');
ALTER TABLE t RENAME plan TO x;
UPDATE t SET x = 'paid' WHERE id = 1;
ALTER TABLE t RENAME x TO plan;
SELECT told('tok1');
-- the user column changes places with another, and back
BEGIN;
ALTER TABLE t RENAME user_id TO x;
ALTER TABLE t RENAME note TO user_id;
COMMIT;
UPDATE t SET x = 42 WHERE id = 1;
BEGIN;
ALTER TABLE t RENAME user_id TO note;
ALTER TABLE t RENAME x TO user_id;
COMMIT;
SELECT told('tok1');
ALTER TABLE t DROP note;
ALTER TABLE t ADD note int;
SELECT told('tok2');
BEGIN;
ALTER TABLE t RENAME user_id TO x;
ALTER TABLE t RENAME note TO user_id;
COMMIT;
UPDATE t SET x = 43 WHERE id = 2;
BEGIN;
ALTER TABLE t RENAME user_id TO note;
ALTER TABLE t RENAME x TO user_id;
COMMIT;
SELECT told('tok2');
-- a parent's condition, and its key
SELECT told('tok1'), told('tok2'), told('tok3');
ALTER TABLE p RENAME live TO x;
UPDATE p SET x = false WHERE id = 1;
ALTER TABLE p RENAME x TO live;
SELECT told('tok1');
BEGIN;
ALTER TABLE p RENAME state TO x;
UPDATE p SET x = 'bad' WHERE id = 2;
ALTER TABLE p RENAME x TO state;
COMMIT;
SELECT told('tok2');
BEGIN;
ALTER TABLE p RENAME id TO x;
ALTER TABLE p RENAME old_id TO id;
COMMIT;
UPDATE p SET x = 4 WHERE x = 3;
BEGIN;
ALTER TABLE p RENAME id TO old_id;
ALTER TABLE p RENAME x TO id;
COMMIT;
SELECT told('tok3');
UPDATE p SET id = 3 WHERE id = 4;
SELECT tokenauth_detach('t');
-- the same where there is no condition, so that no other thing is watched
CREATE TABLE u (token_hash text UNIQUE, user_id int, other int);
INSERT INTO u VALUES (h('tok1'), 1, 1);
SELECT tokenauth_attach('u');
SELECT told('tok1');
BEGIN;
ALTER TABLE u RENAME user_id TO x;
ALTER TABLE u RENAME other TO user_id;
COMMIT;
UPDATE u SET x = 42;
BEGIN;
ALTER TABLE u RENAME user_id TO other;
ALTER TABLE u RENAME x TO user_id;
COMMIT;
SELECT told('tok1');
-- A trigger of ours that does not fire for all columns, or rows, is none.
DROP TRIGGER tokenauth_row ON u;
CREATE TRIGGER tokenauth_row AFTER INSERT OR DELETE OR UPDATE OF other ON u
    FOR EACH ROW EXECUTE FUNCTION tokenauth_changed();
ALTER TABLE u ENABLE ALWAYS TRIGGER tokenauth_row;
SELECT told('tok1');
UPDATE u SET user_id = 43;
SELECT told('tok1');
DROP TRIGGER tokenauth_row ON u;
CREATE TRIGGER tokenauth_row AFTER INSERT OR DELETE OR UPDATE ON u
    FOR EACH ROW WHEN (pg_trigger_depth() > 0) EXECUTE FUNCTION tokenauth_changed();
ALTER TABLE u ENABLE ALWAYS TRIGGER tokenauth_row;
SELECT told('tok1');
UPDATE u SET user_id = 44;
SELECT told('tok1');
DROP TABLE u;

-- Columns that an expression uses without naming them as columns.
SELECT renew();
SELECT tokenauth_attach('t', live_when => 'NOT suspended(t) AND ((t).plan <> ''none'')');
SELECT tokenauth_attach_parent('t', 'p', 'tenant_id', live_when => 'live(p) AND (p).state = ''ok''');
SELECT live_when FROM tokenauth_sources;
SELECT told('tok1'), told('tok2'), told('tok3');
UPDATE t SET suspended = true WHERE id = 1;
UPDATE t SET plan = 'none' WHERE id = 2;
UPDATE p SET live = false WHERE id = 3;
SELECT told('tok1'), told('tok2'), told('tok3');
SELECT renew();
SELECT told('tok3');
UPDATE p SET state = 'bad' WHERE id = 3;
SELECT told('tok3');
SELECT tokenauth_detach('t');

-- Names within types: an enum's labels, a composite's attributes; wherever they are.
CREATE TYPE color AS ENUM ('red', 'green');
CREATE DOMAIN paint AS color;
CREATE TYPE wall AS (paint paint, n int);
CREATE DOMAIN house AS wall[];
ALTER TABLE t ADD colors color[] DEFAULT '{red}', ADD paints paint[] DEFAULT '{red}',
    ADD wall wall DEFAULT '(red,1)', ADD house house DEFAULT ARRAY['(red,1)'::wall];
SELECT renew();
SELECT tokenauth_attach('t', claims => '{colors,paints,wall,house}');
SELECT told('tok1');
ALTER TYPE color RENAME VALUE 'red' TO 'blue';
SELECT told('tok1');
ALTER TYPE wall RENAME ATTRIBUTE n TO m;
SELECT told('tok1');
SELECT tokenauth_detach('t');
SELECT tokenauth_attach('t', claims => '{house}');
SELECT told('tok1');
ALTER TYPE wall RENAME ATTRIBUTE m TO o;
SELECT told('tok1');
ALTER TYPE color RENAME VALUE 'blue' TO 'white';
SELECT told('tok1');
SELECT tokenauth_detach('t');
-- a cast makes it another value
SELECT tokenauth_attach('t', claims => '{wall,colors}');
SELECT told('tok1');
CREATE FUNCTION color_json(color) RETURNS json IMMUTABLE LANGUAGE sql AS $$ SELECT '"a color"'::json $$;
CREATE CAST (color AS json) WITH FUNCTION color_json(color);
SELECT told('tok1');
CREATE OR REPLACE FUNCTION color_json(color) RETURNS json IMMUTABLE LANGUAGE sql AS $$ SELECT '"another"'::json $$;
SELECT told('tok1');
ALTER FUNCTION color_json STABLE;
SELECT told('tok1'), cacheable FROM (SELECT count(*) = 0 AS cacheable FROM tokenauth_doctor() WHERE severity = 'error') d;
DROP CAST (color AS json);
SELECT told('tok1');
DROP FUNCTION color_json;
SELECT tokenauth_detach('t');
-- what is written otherwise when something else is renamed is not cached
ALTER TABLE t ADD class regclass DEFAULT 'p';
SELECT tokenauth_attach('t', claims => '{class}');
SELECT tokenauth_attach('t', id_column => 'class');
SELECT tokenauth_attach('t', claims => '{note}');
ALTER TABLE t ALTER note TYPE regclass USING 'p'::regclass;
SELECT told('tok1');
ALTER TABLE p RENAME TO pp;
SELECT told('tok1');
SELECT severity, finding FROM tokenauth_doctor() WHERE source = 't' AND severity = 'error';
ALTER TABLE pp RENAME TO p;
ALTER TABLE t DROP note, ADD note text, DROP class;
SELECT tokenauth_detach('t');

-- A function that a condition calls is replaced, moved away, declared otherwise.
CREATE FUNCTION rule(int) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1 > 0';
SELECT tokenauth_attach('t', live_when => 'public.rule(user_id)');
SELECT told('tok1');
CREATE OR REPLACE FUNCTION rule(int) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1 > 1';
SELECT told('tok1'), told('tok2');
ALTER FUNCTION rule(int) RENAME TO other_rule;
SELECT told('tok1'), told('tok2');
SELECT severity, finding FROM tokenauth_doctor() WHERE source = 't' AND severity = 'error';
UPDATE t SET note = 'still writable';
ALTER FUNCTION other_rule(int) RENAME TO rule;
SELECT told('tok1'), told('tok2');
ALTER FUNCTION rule(int) STABLE;
SELECT told('tok2');
ALTER FUNCTION rule(int) IMMUTABLE;
SELECT told('tok2');
SELECT tokenauth_detach('t');
DROP FUNCTION rule(int);

-- A claim's column goes: who asks for no claims is judged, by the table; who does is
-- told which it is.
SELECT tokenauth_attach('t', claims => '{plan,note}', live_when => 'NOT suspended', on_revoke => 'delete');
SELECT told('tok1');
ALTER TABLE t RENAME plan TO tariff;
SELECT tokenauth_resolve('tok1', 0), tokenauth_resolve('nothing', 0);
SELECT tokenauth_identify('tok1');
SELECT status FROM tokenauth_identify('nothing');
SELECT tokenauth_authenticate('tok1');
SELECT tokenauth_user(0);
SELECT token_id, status FROM tokenauth_list('1', 't');
UPDATE t SET suspended = true WHERE id = 1;
SELECT tokenauth_resolve('tok1', 0), tokenauth_revoke('tok2');
SELECT severity, finding FROM tokenauth_doctor() WHERE source = 't' AND severity = 'error';
SELECT tokenauth_ready();
-- how it is done right
BEGIN;
ALTER TABLE t RENAME tariff TO plan;
SELECT tokenauth_detach('t');
SELECT tokenauth_attach('t', claims => '{plan,note}', live_when => 'NOT suspended');
COMMIT;
SELECT told('tok3');

SELECT tokenauth_detach('t');
DROP TABLE t, p;
DROP TYPE color, wall CASCADE;
DROP FUNCTION h, told, renew;
