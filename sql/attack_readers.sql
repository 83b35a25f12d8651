-- Who can read tokens, or what they are made of or shown by, is found, whichever column has it.
\set SHOW_CONTEXT never
CREATE SCHEMA readers_attack;
SET search_path = readers_attack, public;
SET client_min_messages = warning;
CREATE ROLE readers_origin;
CREATE ROLE readers_copy;
CREATE ROLE readers_other;
CREATE ROLE readers_whole;

-- Seen failing where the token column alone is asked about.
CREATE TABLE made (id int PRIMARY KEY, secret text, "Secret hash" text GENERATED ALWAYS AS (encode(sha256((id || secret)::bytea), 'hex')) STORED UNIQUE, user_id int, revoked bool NOT NULL DEFAULT false);
GRANT SELECT (secret) ON made TO readers_origin;
GRANT SELECT (id, user_id) ON made TO readers_other;
GRANT SELECT ON made TO readers_whole;
SELECT tokenauth_attach('made', prefix => 'm_', token_column => 'Secret hash', id_column => '');
CREATE TABLE copied (id int PRIMARY KEY, token_hash text UNIQUE, copy text GENERATED ALWAYS AS (upper(token_hash)) STORED, user_id int, revoked bool NOT NULL DEFAULT false);
GRANT SELECT (copy) ON copied TO readers_copy;
GRANT SELECT (token_hash, copy, id) ON copied TO readers_origin;
GRANT SELECT (user_id) ON copied TO readers_other;
SELECT tokenauth_attach('copied', prefix => 'c_');
CREATE TABLE verified (id int PRIMARY KEY, found_by text DEFAULT 'v', secret text, user_id int, revoked bool NOT NULL DEFAULT false);
CREATE INDEX ON verified (found_by);
GRANT SELECT (secret) ON verified TO PUBLIC;
GRANT SELECT (user_id) ON verified TO readers_other;
SELECT tokenauth_attach('verified', prefix => 'v_', token_column => 'found_by', stored_as => 'plaintext', mapping => '{"lookup": "left(token, 1)", "verify": "token = secret"}');

SELECT source, severity, finding, fix FROM tokenauth_doctor() WHERE finding ~ 'can read' ORDER BY source, finding;

-- The fixes leave nothing to be found, and take nothing else.
CREATE FUNCTION mend() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    statement text;
BEGIN
    FOR statement IN SELECT fix FROM tokenauth_doctor() WHERE source IN ('made', 'copied', 'verified') AND finding ~ 'can read' LOOP
        EXECUTE regexp_replace(statement, '--.*', '');
    END LOOP;
END $$;
SELECT mend();
SELECT source, finding FROM tokenauth_doctor() WHERE source IN ('made', 'copied', 'verified') AND finding ~ 'can read';
SELECT r, c, has_column_privilege(r, t, c, 'SELECT') FROM (VALUES ('readers_other', 'made', 'user_id'), ('readers_whole', 'made', 'user_id'), ('readers_whole', 'made', 'secret'), ('readers_origin', 'made', 'secret'), ('readers_origin', 'copied', 'id'), ('readers_origin', 'copied', 'copy'), ('readers_other', 'verified', 'user_id'), ('readers_other', 'verified', 'secret')) v (r, t, c);

SELECT tokenauth_detach('made'), tokenauth_detach('copied'), tokenauth_detach('verified');
DROP SCHEMA readers_attack CASCADE;
DROP ROLE readers_origin, readers_copy, readers_other, readers_whole;
