--
-- tokenauth_doctor(): each finding is made, told, and cured by its own fix.
-- t/023 has those that need another server.
--
\x
-- A fix with its places filled in.
CREATE FUNCTION filled(fix text, VARIADIC choices text[]) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    FOR n IN 1 .. cardinality(choices) LOOP
        fix := regexp_replace(fix, '<[^<>]+>', choices[n]);
    END LOOP;
    RETURN fix;
END $$;
CREATE ROLE regress_doctor;
GRANT pg_monitor TO regress_doctor;
CREATE SCHEMA "Auth";
CREATE TYPE state AS ENUM ('active', 'suspended', 'revoked');
CREATE TABLE "Auth".member (id int PRIMARY KEY, active bool NOT NULL, "Name" text);
CREATE TABLE "Auth"."Tokens" (
    id int PRIMARY KEY,
    user_id int NOT NULL,
    "Digest" text NOT NULL,
    team text,
    state state NOT NULL DEFAULT 'active',
    frozen bool NOT NULL DEFAULT false,
    expires_at timestamptz
);
CREATE UNIQUE INDEX tokens_digest ON "Auth"."Tokens" ("Digest");
INSERT INTO "Auth".member SELECT n, true, 'member ' || n FROM generate_series(1, 10) n;
INSERT INTO "Auth"."Tokens" (id, user_id, "Digest", team)
SELECT n, n, encode(sha256(('doc_' || n)::bytea), 'hex'), 'team' FROM generate_series(1, 10) n;
SELECT tokenauth_attach('"Auth"."Tokens"', source => 'doc''s', prefix => 'doc_', token_column => 'Digest',
    revoked_column => 'state', active_values => ARRAY['active'], live_when => 'NOT frozen',
    claims => ARRAY['team', 'expires_at'], timezone => 'Europe/Berlin');
SELECT tokenauth_attach_parent('doc''s', '"Auth".member', 'user_id', live_when => 'active');
SELECT source, prefix, token_column, id_column, user_column, expires_column, revoked_column,
    last_used_column, active_values, live_when, claims, timezone, parents
FROM tokenauth_sources \gset before_

-- In health.
SELECT * FROM tokenauth_doctor();

-- What a column is called, or what type it has.
ALTER TABLE "Auth"."Tokens" RENAME "Digest" TO "SHA";
ALTER TABLE "Auth"."Tokens" RENAME expires_at TO valid_until;
SELECT tokenauth_resolve('doc_1', NULL::int);
SELECT * FROM tokenauth_doctor();
SELECT filled(fix, '''SHA''', '''valid_until''', 'ARRAY[''team'', ''valid_until'']') AS fix FROM tokenauth_doctor() \gset
:fix
SELECT * FROM tokenauth_doctor();
SELECT tokenauth_identify('doc_1');
-- It is attached as it was, but for what has another name.
SELECT source = :'before_source' AND prefix = :'before_prefix' AND id_column = :'before_id_column'
    AND user_column = :'before_user_column' AND revoked_column = :'before_revoked_column'
    AND last_used_column IS NULL AND active_values = :'before_active_values'
    AND live_when = :'before_live_when' AND timezone = :'before_timezone'
    AND parents::text = :'before_parents' AS same,
    token_column, expires_column, claims
FROM tokenauth_sources;
ALTER TABLE "Auth"."Tokens" RENAME "SHA" TO "Digest";
ALTER TABLE "Auth"."Tokens" RENAME valid_until TO expires_at;
SELECT filled(fix, '''Digest''', '''expires_at''', 'ARRAY[''team'', ''expires_at'']') AS fix FROM tokenauth_doctor() \gset
:fix
SELECT * FROM tokenauth_doctor();

-- Where several columns could be it, a person must choose.
ALTER TABLE "Auth"."Tokens" ADD COLUMN owner_1 int, ADD COLUMN owner_2 int;
ALTER TABLE "Auth"."Tokens" RENAME user_id TO owner;
SELECT * FROM tokenauth_doctor();
SELECT fix FROM tokenauth_doctor() \gset
:fix
ROLLBACK;
ALTER TABLE "Auth"."Tokens" RENAME owner TO user_id;
ALTER TABLE "Auth"."Tokens" DROP COLUMN owner_1, DROP COLUMN owner_2;
SELECT * FROM tokenauth_doctor();

ALTER TABLE "Auth"."Tokens" ALTER COLUMN expires_at TYPE text;
SELECT * FROM tokenauth_doctor();
SELECT filled(fix, 'expires_at::timestamptz') AS fix FROM tokenauth_doctor() \gset
:fix
SELECT * FROM tokenauth_doctor();
ALTER TABLE "Auth".member ALTER COLUMN id TYPE bigint;
SELECT * FROM tokenauth_doctor();
SELECT fix FROM tokenauth_doctor() \gset
:fix
SELECT * FROM tokenauth_doctor();
SELECT tokenauth_resolve('doc_1', NULL::bigint);

-- A claim, or what a condition needs.
ALTER TABLE "Auth"."Tokens" DROP COLUMN team;
SELECT * FROM tokenauth_doctor();
SELECT filled(fix, 'ARRAY[''expires_at'']') AS fix FROM tokenauth_doctor() \gset
:fix
SELECT * FROM tokenauth_doctor();
ALTER TABLE "Auth"."Tokens" RENAME frozen TO halted;
SELECT * FROM tokenauth_doctor();
SELECT replace(fix, 'frozen', 'halted') AS fix FROM tokenauth_doctor() \gset
:fix
SELECT * FROM tokenauth_doctor();
ALTER TABLE "Auth".member ALTER COLUMN active TYPE text;
SELECT severity, source, finding FROM tokenauth_doctor();
SELECT replace(fix, '''active''::', '''active = ''''true''''''::') AS fix FROM tokenauth_doctor() \gset
:fix
SELECT * FROM tokenauth_doctor();
SELECT tokenauth_resolve('doc_1', NULL::bigint);

-- Triggers: disabled, not ALWAYS, gone, incomplete; by whatever name.
ALTER TABLE "Auth"."Tokens" DISABLE TRIGGER tokenauth_truncate;
SELECT * FROM tokenauth_doctor();
SELECT tokenauth_ready(), tokenauth_ready('doc''s');
SELECT fix FROM tokenauth_doctor() \gset
:fix
SELECT * FROM tokenauth_doctor();
SELECT tokenauth_ready(), tokenauth_ready('doc''s');
ALTER TRIGGER tokenauth_row ON "Auth".member RENAME TO "My trigger";
ALTER TABLE "Auth".member ENABLE TRIGGER "My trigger";
SELECT * FROM tokenauth_doctor();
SELECT fix FROM tokenauth_doctor() \gset
:fix
SELECT * FROM tokenauth_doctor();
DROP TRIGGER tokenauth_truncate ON "Auth".member;
SELECT * FROM tokenauth_doctor();
SELECT fix FROM tokenauth_doctor() \gset
:fix
SELECT * FROM tokenauth_doctor();
SELECT tgname FROM pg_trigger WHERE tgrelid = '"Auth".member'::regclass ORDER BY 1;

-- Index: gone, or left invalid; of the token, or of a parent's key.
DROP INDEX "Auth".tokens_digest;
SELECT * FROM tokenauth_doctor();
INSERT INTO "Auth"."Tokens" (id, user_id, "Digest") SELECT 11, user_id, "Digest" FROM "Auth"."Tokens" WHERE id = 1;
SELECT fix FROM tokenauth_doctor() \gset
:fix
DELETE FROM "Auth"."Tokens" WHERE id = 11;
SELECT * FROM tokenauth_doctor();
SELECT fix FROM tokenauth_doctor() \gset
:fix
SELECT * FROM tokenauth_doctor();
ALTER TABLE "Auth".member DROP CONSTRAINT member_pkey;
SELECT * FROM tokenauth_doctor();
SELECT fix FROM tokenauth_doctor() \gset
:fix
SELECT * FROM tokenauth_doctor();

-- What kind of table it is.
ALTER TABLE "Auth"."Tokens" SET UNLOGGED;
SELECT * FROM tokenauth_doctor();
SELECT fix FROM tokenauth_doctor() \gset
:fix
SELECT * FROM tokenauth_doctor();
CREATE TABLE "Auth".above (id bigint NOT NULL);
CREATE TABLE "Auth".above_too (active text NOT NULL);
CREATE TABLE "Auth".below () INHERITS ("Auth".member);
ALTER TABLE "Auth".member INHERIT "Auth".above;
ALTER TABLE "Auth".member INHERIT "Auth".above_too;
SELECT * FROM tokenauth_doctor();
SELECT fix FROM tokenauth_doctor() \gset
:fix
SELECT * FROM tokenauth_doctor();
CREATE TABLE "Auth".parts (LIKE "Auth"."Tokens") PARTITION BY LIST (id);
ALTER TABLE "Auth".parts ATTACH PARTITION "Auth"."Tokens" DEFAULT;
SELECT * FROM tokenauth_doctor();
SELECT fix FROM tokenauth_doctor() \gset
:fix
SELECT * FROM tokenauth_doctor();
SELECT count(tokenauth_resolve('doc_' || n, NULL::bigint)) FROM generate_series(1, 10) n;
-- A parent that is gone is not done without: the fix waits for it.
DROP TABLE "Auth".member CASCADE;
SELECT * FROM tokenauth_doctor();
SELECT fix FROM tokenauth_doctor() \gset
:fix
SELECT tokenauth_resolve('doc_1', NULL::bigint);
CREATE TABLE "Auth".member (id bigint PRIMARY KEY, active text NOT NULL);
INSERT INTO "Auth".member SELECT id, 'true' FROM generate_series(1, 10) id;
:fix
SELECT * FROM tokenauth_doctor();

-- Who can read the digests.
CREATE ROLE regress_doctor_app;
CREATE ROLE "regress_doctor App";
CREATE ROLE regress_doctor_owner;
GRANT regress_doctor_owner TO regress_doctor;
GRANT SELECT, UPDATE ON "Auth"."Tokens" TO regress_doctor_app WITH GRANT OPTION;
GRANT SELECT (id, "Digest") ON "Auth"."Tokens" TO "regress_doctor App";
GRANT USAGE ON SCHEMA "Auth" TO PUBLIC;
SET ROLE regress_doctor_app;
GRANT SELECT ON "Auth"."Tokens" TO pg_checkpoint;
RESET ROLE;
GRANT SELECT ON "Auth"."Tokens" TO PUBLIC;
SELECT * FROM tokenauth_doctor();
SELECT string_agg(fix, E'\n') AS fix FROM tokenauth_doctor() \gset
:fix
SELECT * FROM tokenauth_doctor();
SELECT role, has_table_privilege(role, '"Auth"."Tokens"', 'UPDATE') AS updates, columns
FROM unnest(ARRAY['regress_doctor_app', 'regress_doctor App', 'pg_checkpoint']) role,
    LATERAL (SELECT array_agg(attname ORDER BY attnum) AS columns FROM pg_attribute
             WHERE attrelid = '"Auth"."Tokens"'::regclass AND attnum > 0
                 AND has_column_privilege(role, attrelid, attnum, 'SELECT')) a;
-- The owner, and roles that act for it, may.
ALTER TABLE "Auth"."Tokens" OWNER TO regress_doctor_owner;
GRANT SELECT ON "Auth"."Tokens" TO regress_doctor;
SELECT * FROM tokenauth_doctor();
GRANT pg_read_all_data TO "regress_doctor App";
SELECT severity, source, finding, regexp_replace(fix, 'BY [^;]*', 'BY ...') AS fix FROM tokenauth_doctor();
SELECT fix FROM tokenauth_doctor() \gset
:fix
SELECT * FROM tokenauth_doctor();

-- A flood of bad tokens.
SELECT tokenauth_stats_reset();
SELECT count(tokenauth_resolve('doc_' || n, NULL::bigint)) FROM generate_series(1, 1010) n;
SELECT severity, source, regexp_replace(finding, 'since .* the', 'since ... the') AS finding, fix FROM tokenauth_doctor();
-- There are none, if many more tokens are good.
SELECT count(tokenauth_resolve('doc_' || n, NULL::bigint)) FROM generate_series(1, 10) n, generate_series(1, 100);
SELECT * FROM tokenauth_doctor();
SELECT count(tokenauth_resolve('doc_' || n, NULL::bigint)) FROM generate_series(2000, 3000) n;
SELECT fix FROM tokenauth_doctor() \gset
:fix
SELECT * FROM tokenauth_doctor();

-- Who may ask: pg_monitor, without any right on the tables.
DROP OWNED BY regress_doctor, "regress_doctor App", regress_doctor_app;
REVOKE regress_doctor_owner FROM regress_doctor;
ALTER TABLE "Auth"."Tokens" DISABLE TRIGGER tokenauth_row;
SET ROLE regress_doctor;
SELECT count(*) FROM "Auth"."Tokens";
SELECT * FROM tokenauth_doctor();
RESET ROLE;
SELECT fix FROM tokenauth_doctor() \gset
:fix
SET ROLE regress_doctor_app;
SELECT * FROM tokenauth_doctor();
RESET ROLE;

SELECT tokenauth_detach('doc''s');
SET client_min_messages = warning;
DROP SCHEMA "Auth" CASCADE;
DROP TYPE state;
RESET client_min_messages;

-- A table of tokens themselves.
CREATE TABLE plain (token text PRIMARY KEY, user_id int);
SELECT tokenauth_attach('plain', token_column => 'token', stored_as => 'plaintext');
GRANT SELECT ON plain TO regress_doctor_app;
SELECT * FROM tokenauth_doctor();
-- A warning keeps nobody out; another source's error keeps that source out.
SELECT tokenauth_ready(), tokenauth_ready('plain');
SELECT tokenauth_create_table('broken', prefix => 'broken_');
DROP TRIGGER tokenauth_row ON broken;
SELECT tokenauth_ready(), tokenauth_ready('plain'), tokenauth_ready('broken');
SELECT tokenauth_ready('none');
DROP TABLE broken;
DROP TABLE plain;
-- A source whose table is gone is none.
SELECT * FROM tokenauth_doctor();
DROP ROLE regress_doctor, regress_doctor_app, "regress_doctor App", regress_doctor_owner;
DROP FUNCTION filled;
