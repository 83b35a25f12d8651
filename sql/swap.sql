--
-- Tables that change their names, and a trigger function that is not ours any
-- more: a source is judged by the table that is meant, or not at all.
--
CREATE FUNCTION judged(token text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN (tokenauth_identify(token)).status;
EXCEPTION WHEN OTHERS THEN
    RETURN SQLERRM;
END $$;
CREATE FUNCTION digest_of(token text) RETURNS text LANGUAGE sql IMMUTABLE
    RETURN encode(sha256(token::bytea), 'hex');

SELECT tokenauth_create_table('tok', prefix => 'tok_');
INSERT INTO tok (user_id, token_hash) SELECT gen_random_uuid(), digest_of('tok_' || n) FROM generate_series(1, 4) n;
SELECT judged('tok_1'), judged('tok_1'), tokenauth_ready();

-- Renamed, it is the same table.
ALTER TABLE tok RENAME TO tok_v1;
SELECT judged('tok_1'), tokenauth_ready(), (SELECT relation FROM tokenauth_sources);
-- A view may stand in for it.
CREATE VIEW tok AS SELECT * FROM tok_v1;
SELECT judged('tok_1'), tokenauth_ready();
DELETE FROM tok WHERE token_hash = digest_of('tok_4');
SELECT judged('tok_4');
DROP VIEW tok;

-- But not another table: the application revokes in that one.
CREATE TABLE tok (LIKE tok_v1 INCLUDING ALL);
INSERT INTO tok SELECT * FROM tok_v1;
SELECT judged('tok_1'), tokenauth_ready();
UPDATE tok SET revoked = true WHERE token_hash = digest_of('tok_1');
SELECT judged('tok_1');
SELECT tokenauth_revoke('tok_2');
SELECT severity, source, finding, fix FROM tokenauth_doctor();
SELECT regexp_replace(fix, '<[^<>]+>', '''public.tok''') AS fix FROM tokenauth_doctor() \gset
:fix
SELECT judged('tok_1'), judged('tok_2'), tokenauth_ready(), (SELECT relation FROM tokenauth_sources);
-- The old one's triggers are gone with its being a source.
SELECT tgrelid::regclass, count(*) FROM pg_trigger WHERE tgfoid = 'tokenauth_changed'::regproc GROUP BY 1;

-- The swap in one transaction, and the way it is done without an outage.
BEGIN;
ALTER TABLE tok RENAME TO tok_v2;
ALTER TABLE tok_v1 RENAME TO tok;
SELECT judged('tok_1');
ROLLBACK;
SELECT judged('tok_1'), judged('tok_2');
BEGIN;
ALTER TABLE tok RENAME TO tok_v2;
ALTER TABLE tok_v1 RENAME TO tok;
SELECT tokenauth_detach('tok');
SELECT tokenauth_attach('tok', prefix => 'tok_');
COMMIT;
SELECT judged('tok_1'), judged('tok_2'), tokenauth_ready(), (SELECT relation FROM tokenauth_sources);

-- The same by schemas; and back.
CREATE SCHEMA green;
CREATE SCHEMA blue;
SELECT tokenauth_create_table('blue.keys', prefix => 'key_');
CREATE TABLE green.keys (LIKE blue.keys INCLUDING ALL);
INSERT INTO blue.keys (user_id, token_hash) VALUES (gen_random_uuid(), digest_of('key_1'));
SELECT judged('key_1');
ALTER SCHEMA blue RENAME TO old_blue;
SELECT judged('key_1'), tokenauth_ready();
ALTER SCHEMA green RENAME TO blue;
SELECT judged('key_1'), tokenauth_ready();
ALTER SCHEMA blue RENAME TO green;
ALTER SCHEMA old_blue RENAME TO blue;
SELECT judged('key_1'), tokenauth_ready();

-- And for what tokens depend on.
CREATE TABLE org (id int PRIMARY KEY, live bool);
INSERT INTO org VALUES (1, true);
CREATE TABLE member (token_hash text PRIMARY KEY, user_id int, org int);
SELECT tokenauth_attach('member', prefix => 'mem_');
SELECT tokenauth_attach_parent('member', 'org', 'org', live_when => 'live');
INSERT INTO member VALUES (digest_of('mem_1'), 1, 1);
SELECT judged('mem_1');
ALTER TABLE org RENAME TO old_org;
SELECT judged('mem_1');
CREATE TABLE org (LIKE old_org INCLUDING ALL);
SELECT judged('mem_1'), tokenauth_ready('member'), tokenauth_ready('tok');
SELECT regexp_replace(fix, '<[^<>]+>', '''public.org''') AS fix FROM tokenauth_doctor() \gset
:fix
SELECT judged('mem_1'), tokenauth_ready();
INSERT INTO org VALUES (1, true);
SELECT judged('mem_1');

-- A table without any of our triggers is not known to be the one attached.
DROP TRIGGER tokenauth_row ON member;
SELECT judged('mem_1'), (SELECT note FROM tokenauth_stats WHERE source = 'member');
DROP TRIGGER tokenauth_truncate ON member;
SELECT judged('mem_1'), (SELECT note FROM tokenauth_stats WHERE source = 'member');
SELECT severity, source, finding, fix FROM tokenauth_doctor();
SELECT regexp_replace(fix, '<[^<>]+>', '''public.member''') AS fix FROM tokenauth_doctor() \gset
:fix
SELECT judged('mem_1'), tokenauth_ready();

-- The triggers' function is replaced: nothing is cached then, and what was is
-- not believed, also once it is back.
SELECT tokenauth_stats_reset();
SELECT judged('key_1'), judged('key_1'), (SELECT hits > 0 AS hit FROM tokenauth_stats WHERE source = 'keys');
CREATE OR REPLACE FUNCTION tokenauth_changed() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
SELECT severity, source, finding, fix FROM tokenauth_doctor() WHERE source = 'keys';
UPDATE blue.keys SET revoked = true;
SELECT judged('key_1'), tokenauth_ready();
UPDATE blue.keys SET revoked = false;
SELECT fix FROM tokenauth_doctor() WHERE source = 'keys' \gset
:fix
SELECT judged('key_1'), judged('key_1'), tokenauth_ready();
BEGIN;
CREATE OR REPLACE FUNCTION tokenauth_changed() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
UPDATE blue.keys SET revoked = true;
:fix
COMMIT;
SELECT judged('key_1');
UPDATE blue.keys SET revoked = false;
SELECT judged('key_1');
ALTER FUNCTION tokenauth_changed() SET work_mem = '1MB';
SELECT severity, finding FROM tokenauth_doctor() WHERE source = 'keys';
UPDATE blue.keys SET revoked = true;
SELECT judged('key_1');
ALTER FUNCTION tokenauth_changed() RESET ALL;
SELECT * FROM tokenauth_doctor();
-- The same of the registry's.
CREATE OR REPLACE FUNCTION tokenauth_registry_guard() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
SELECT judged('tok_1'), judged('mem_1'), tokenauth_ready();
SELECT fix FROM tokenauth_doctor() WHERE severity = 'error' \gset
SET client_min_messages = warning;
:fix
SELECT judged('tok_1'), judged('mem_1'), tokenauth_ready();

DROP SCHEMA green CASCADE;
DROP SCHEMA blue CASCADE;
DROP TABLE tok, tok_v2, member, org, old_org;
DROP FUNCTION judged, digest_of;
