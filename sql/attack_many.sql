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
DROP SCHEMA many_attack CASCADE;
