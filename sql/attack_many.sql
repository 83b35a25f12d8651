-- What an owner can make many of is looked at up to a limit: beyond it, it is refused aloud.
\set SHOW_CONTEXT never
CREATE SCHEMA many_attack;
SET search_path = many_attack, public;
SET client_min_messages = warning;

-- The labels of an enum.  All of them were read, and kept, by each session that read the source.
DO $$ BEGIN EXECUTE (SELECT format('CREATE TYPE many_attack.status AS ENUM (''revoked'', %s)', string_agg(quote_literal('s' || n), ', ')) FROM generate_series(1, 1999) n); END $$;
CREATE TYPE few AS ENUM ('live', 'dead');
CREATE TABLE t (id int PRIMARY KEY, token_hash text UNIQUE, user_id int, status status NOT NULL DEFAULT 's1', info status, other few);
INSERT INTO t VALUES (1, encode(sha256('t_1'), 'hex'), 7);
SELECT tokenauth_attach('t', prefix => 't_', revoked_column => 'status', active_values => '{s1}', live_when => 'info IS NULL OR info <> ''s2''');
SELECT status FROM tokenauth_identify('t_1');
SELECT note FROM tokenauth_stats;
ALTER TYPE status ADD VALUE 'one more';
SELECT status FROM tokenauth_identify('t_1');
SELECT note FROM tokenauth_stats;
SELECT severity, finding FROM tokenauth_doctor() WHERE source = 't' ORDER BY 2;
\c
SET search_path = many_attack, public;
SET client_min_messages = warning;
SELECT status FROM tokenauth_identify('t_1');
SELECT tokenauth_detach('t');
SELECT tokenauth_attach('t', prefix => 't_', revoked_column => 'status', active_values => '{s1}');
SELECT tokenauth_attach('t', prefix => 't_', revoked_column => '', claims => '{info}');
SELECT tokenauth_attach('t', prefix => 't_', revoked_column => '', live_when => 'info <> ''s2''');
SELECT tokenauth_attach('t', prefix => 't_', revoked_column => '', mapping => '{"scope_expression": "ARRAY[info]"}');

-- Indexes by which no token is found.
CREATE TABLE i (token_hash text, user_id int, revoked bool NOT NULL DEFAULT false);
DO $$ BEGIN FOR n IN 1 .. 100 LOOP CREATE INDEX ON i USING brin (token_hash); END LOOP; END $$;
CREATE UNIQUE INDEX found ON i (token_hash);
SELECT tokenauth_attach('i', prefix => 'i_');
DROP INDEX i_token_hash_idx7;
SELECT tokenauth_attach('i', prefix => 'i_');
SELECT note FROM tokenauth_stats;

-- Tables that inherit: the fix names some of them, and then the next.
DO $$ BEGIN FOR n IN 1 .. 101 LOOP EXECUTE format('CREATE TABLE child_%s () INHERITS (i)', n); END LOOP; END $$;
SELECT severity, left(finding, 60) AS finding, (length(fix) - length(replace(fix, 'NO INHERIT', ''))) / 10 AS statements FROM tokenauth_doctor() WHERE source = 'i';
DO $$ BEGIN EXECUTE (SELECT fix FROM tokenauth_doctor() WHERE source = 'i'); END $$;
DO $$ BEGIN EXECUTE (SELECT fix FROM tokenauth_doctor() WHERE source = 'i'); END $$;
SELECT severity, finding FROM tokenauth_doctor() WHERE source = 'i';
SELECT tokenauth_detach('i');
-- Rows that are changed of a source that cannot be read, for who owns a parent's table has it
-- inherited, or referred to tokens.  For each row it was read again, and what had been read was kept.
CREATE TABLE person (id int PRIMARY KEY, note text);
INSERT INTO person SELECT generate_series(1, 300);
CREATE TABLE rows (id int PRIMARY KEY, tok text UNIQUE, user_id int, name text, revoked bool NOT NULL DEFAULT false);
INSERT INTO rows SELECT i, 'r_' || i, i, 'n' || i FROM generate_series(1, 300) i;
SELECT tokenauth_attach('rows', token_column => 'tok', stored_as => 'plaintext', claims => '{name}'), tokenauth_attach_parent('rows', 'person', 'user_id');
CREATE VIEW kept AS SELECT count(*) < 50 AS few FROM pg_backend_memory_contexts WHERE name = 'tokenauth source';
CREATE TABLE heir () INHERITS (person);
BEGIN;
UPDATE rows SET revoked = NOT revoked;
UPDATE person SET id = -id;
DO $$ BEGIN FOR i IN 1 .. 300 LOOP UPDATE rows SET revoked = NOT revoked WHERE id = i; END LOOP; END $$;
SELECT * FROM kept;
DO $$ BEGIN FOR i IN 1 .. 300 LOOP
    BEGIN PERFORM public.tokenauth_resolve('r_1', NULL::int, source => 'rows'); EXCEPTION WHEN OTHERS THEN NULL; END;
END LOOP; END $$;
SELECT * FROM kept;
ROLLBACK;
DROP TABLE heir;
SELECT status FROM tokenauth_identify('r_1', source => 'rows');
BEGIN;
CREATE TABLE heir () INHERITS (person);
UPDATE rows SET revoked = NOT revoked WHERE id = 1;
DROP TABLE heir;
SELECT status FROM tokenauth_identify('r_1', source => 'rows');
UPDATE rows SET revoked = NOT revoked WHERE id = 1;
SELECT status FROM tokenauth_identify('r_1', source => 'rows');
COMMIT;
SELECT status FROM tokenauth_identify('r_1', source => 'rows');
ALTER TABLE rows ADD FOREIGN KEY (name) REFERENCES rows (tok) NOT VALID;
SELECT status FROM tokenauth_identify('r_1', source => 'rows');
BEGIN;
UPDATE rows SET revoked = NOT revoked;
SELECT * FROM kept;
ROLLBACK;
SELECT tokenauth_detach('rows');

-- A table of twenty sources, each with a column of its own for when the row was made.  Seen
-- bringing the server down where each is a parameter of the INSERT.
SELECT format('CREATE TABLE made (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, user_id int, scope text, note text, revoked bool NOT NULL DEFAULT false, %s)',
              string_agg(format('hash_%s text UNIQUE, made_%1$s timestamptz DEFAULT now()', n), ', ')) FROM generate_series(1, 20) n \gexec
SELECT count(tokenauth_attach('made', 'made_' || n, token_column => 'hash_' || n, prefix => 'made' || n || '_', created_column => 'made_' || n)) FROM generate_series(1, 20) n;
SELECT token FROM tokenauth_issue(7, 'made_1', scope => 'read', attributes => '{"note": "x"}') \gset
SELECT token IS NOT NULL AS rotated FROM tokenauth_rotate(:'token');
SELECT count(*), count(DISTINCT m.value) FROM made, LATERAL jsonb_each(to_jsonb(made)) m WHERE key ~ '^made_' AND value <> 'null' GROUP BY id ORDER BY id;
SELECT count(tokenauth_detach('made_' || n)) FROM generate_series(1, 20) n;
DROP SCHEMA many_attack CASCADE;
