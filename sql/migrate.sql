--
-- From plaintext to digests: tokenauth_hash_in_place().  Its course under load,
-- interrupted and resumed is t/018.
--
CREATE SCHEMA mig;
CREATE TABLE mig.key (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    token varchar(255) NOT NULL UNIQUE CHECK (length(token) > 4),
    token_prefix text NOT NULL DEFAULT '',
    user_id text NOT NULL,
    scope text,
    used_at timestamptz,
    expires_at timestamptz,
    revoked boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT '2020-01-01'
);
CREATE INDEX by_token_and_scope ON mig.key (token, scope);
SELECT tokenauth_attach('mig.key', prefix => 'key_', token_column => 'token', stored_as => 'plaintext');
INSERT INTO mig.key (token, user_id, revoked)
SELECT 'key_' || n, n, n % 10 = 0 FROM generate_series(1, 100) n;
-- umlauts are bytes, too; and a token may be long
INSERT INTO mig.key (token, user_id) VALUES ('key_tschüß', 'umlaut'), ('other', 'prefix');
ALTER TABLE mig.key ALTER token TYPE text;
INSERT INTO mig.key (token, user_id) VALUES (repeat('key_', 300), 'long');

-- What the owner has for changes of his own is no business of ours.
CREATE TABLE mig.audit (what text);
CREATE FUNCTION mig.touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at = now();
    INSERT INTO mig.audit VALUES (OLD.token);
    RETURN NEW;
END $$;
CREATE TRIGGER touch BEFORE UPDATE ON mig.key FOR EACH ROW EXECUTE FUNCTION mig.touch();
CREATE FUNCTION mig.later() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO mig.audit VALUES ('later');
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER later AFTER UPDATE ON mig.key DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION mig.later();
ALTER TABLE mig.key ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY nobody ON mig.key USING (false);

-- Everybody's answer, and how the table looks.
CREATE FUNCTION mig.judged() RETURNS TABLE (status text, n bigint, wrong bigint) LANGUAGE sql AS $$
    SELECT i.status, count(*), count(*) FILTER (WHERE i.user_id <> n::text)
    FROM generate_series(1, 101) n, tokenauth_identify('key_' || n) i GROUP BY 1 ORDER BY 1
$$;
CREATE FUNCTION mig.looks(OUT what text, OUT how text) RETURNS SETOF record LANGUAGE sql AS $$
    SELECT attname::text, format_type(atttypid, atttypmod) || CASE WHEN attnotnull THEN ' not null' ELSE '' END
    FROM pg_attribute WHERE attrelid = 'mig.key'::regclass AND attnum > 0 AND NOT attisdropped
        AND (attname ~ 'token' OR attname ~ 'hash')
    UNION ALL
    SELECT tgname::text, 'trigger ' || tgenabled::text FROM pg_trigger WHERE tgrelid = 'mig.key'::regclass AND tgname ~ 'tokenauth'
    UNION ALL
    SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = 'mig.key'::regclass
        AND pg_get_indexdef(indexrelid) ~ '\(.*(token|hash)'
    UNION ALL
    SELECT conname::text, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'mig.key'::regclass AND contype = 'c'
    ORDER BY 1, 2
$$;
SELECT * FROM mig.judged();
SELECT * FROM mig.looks();

-- Refused before anything is done.
CALL tokenauth_hash_in_place(NULL);
CALL tokenauth_hash_in_place('key', 0);
CALL tokenauth_hash_in_place('key', 1000001);
CALL tokenauth_hash_in_place('key', NULL);
CALL tokenauth_hash_in_place('nokey');
BEGIN;
CALL tokenauth_hash_in_place('key');
ROLLBACK;
DO $$ BEGIN
    BEGIN
        CALL tokenauth_hash_in_place('key');
    EXCEPTION WHEN division_by_zero THEN
    END;
END $$;
CREATE FUNCTION mig.inside() RETURNS void LANGUAGE plpgsql AS $$ BEGIN CALL tokenauth_hash_in_place('key'); END $$;
SELECT mig.inside();
SELECT tokenauth_create_table('mig.hashed', prefix => 'hsh_');
CALL tokenauth_hash_in_place('hashed');
SELECT tokenauth_hash_row();
CREATE TRIGGER wrong AFTER INSERT ON mig.hashed FOR EACH ROW EXECUTE FUNCTION tokenauth_hash_row('a', 'b', 'text');
INSERT INTO mig.hashed (user_id, token_hash) VALUES (gen_random_uuid(), '');
DROP TRIGGER wrong ON mig.hashed;

-- EXECUTE is not for everybody, and only the owner may.
CREATE ROLE tokenauth_owner;
CREATE ROLE tokenauth_other;
GRANT USAGE, CREATE ON SCHEMA mig TO tokenauth_owner;
ALTER TABLE mig.key OWNER TO tokenauth_owner;
ALTER TABLE mig.audit OWNER TO tokenauth_owner;
SET ROLE tokenauth_owner;
CALL tokenauth_hash_in_place('key');
RESET ROLE;
GRANT EXECUTE ON PROCEDURE tokenauth_hash_in_place TO tokenauth_owner, tokenauth_other;
SET ROLE tokenauth_other;
CALL tokenauth_hash_in_place('key');
RESET ROLE;

-- What stands in the way is told, by us or by PostgreSQL, and all stays as it was.
-- a trigger function of the owner's, which nobody but we would look into
CALL tokenauth_hash_in_place('key');
CREATE OR REPLACE FUNCTION mig.touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at = now();
    INSERT INTO mig.audit VALUES (to_jsonb(OLD) ->> 'token');
    RETURN NEW;
END $$;
CREATE VIEW mig.v AS SELECT token FROM mig.key;
CALL tokenauth_hash_in_place('key');
DROP VIEW mig.v;
CREATE TABLE mig.child (token text REFERENCES mig.key (token));
CALL tokenauth_hash_in_place('key');
DROP TABLE mig.child;
CREATE TABLE mig.known (token text PRIMARY KEY);
ALTER TABLE mig.key ADD CONSTRAINT is_known FOREIGN KEY (token) REFERENCES mig.known NOT VALID;
CALL tokenauth_hash_in_place('key');
ALTER TABLE mig.key DROP CONSTRAINT is_known;
ALTER TABLE mig.key ADD COLUMN first text GENERATED ALWAYS AS (left(token, 3)) STORED;
CALL tokenauth_hash_in_place('key');
ALTER TABLE mig.key DROP COLUMN first;
CREATE INDEX by_user ON mig.key (user_id, token);
CALL tokenauth_hash_in_place('key');
DROP INDEX mig.by_user;
CREATE INDEX of_some ON mig.key (user_id) WHERE token ~ 'x';
CALL tokenauth_hash_in_place('key');
DROP INDEX mig.of_some;
CREATE UNIQUE INDEX of_both ON mig.key (token, user_id);
CALL tokenauth_hash_in_place('key');
DROP INDEX mig.of_both;
ALTER TABLE mig.key ADD CONSTRAINT not_own CHECK (token <> user_id);
CALL tokenauth_hash_in_place('key');
ALTER TABLE mig.key DROP CONSTRAINT not_own;
CREATE POLICY by_token ON mig.key USING (token <> '');
CALL tokenauth_hash_in_place('key');
DROP POLICY by_token ON mig.key;
CREATE TRIGGER "~~last" BEFORE INSERT ON mig.key FOR EACH ROW EXECUTE FUNCTION mig.touch();
CALL tokenauth_hash_in_place('key');
DROP TRIGGER "~~last" ON mig.key;
CREATE TRIGGER of_column AFTER UPDATE OF token ON mig.key FOR EACH ROW EXECUTE FUNCTION mig.later();
CALL tokenauth_hash_in_place('key');
DROP TRIGGER of_column ON mig.key;
SET client_min_messages = error;
CREATE PUBLICATION tokenauth_pub FOR TABLE mig.key;
RESET client_min_messages;
CALL tokenauth_hash_in_place('key');
DROP PUBLICATION tokenauth_pub;
CREATE TABLE mig.dependent (token_hash text UNIQUE, user_id text, key_token text);
SELECT tokenauth_attach('mig.dependent', prefix => 'dep_');
SELECT tokenauth_attach_parent('dependent', 'mig.key', 'key_token', 'token');
CALL tokenauth_hash_in_place('key');
SELECT tokenauth_detach('dependent');
CREATE UNIQUE INDEX by_user ON mig.key (user_id);
SELECT tokenauth_attach('mig.dependent', prefix => 'dep_');
SELECT tokenauth_attach_parent('dependent', 'mig.key', 'key_token', 'user_id', live_when => $$token <> ''$$);
CALL tokenauth_hash_in_place('key');
SELECT tokenauth_detach('dependent');
DROP INDEX mig.by_user;
DROP TABLE mig.dependent;
CREATE TABLE mig.generated (secret text, token text UNIQUE GENERATED ALWAYS AS ('gen_' || secret) STORED, user_id text,
    by_token text UNIQUE);
SELECT tokenauth_attach('mig.generated', prefix => 'gen_', token_column => 'token', stored_as => 'plaintext');
CALL tokenauth_hash_in_place('generated');
SELECT tokenauth_detach('generated');
SELECT tokenauth_attach('mig.generated', prefix => 'gen_', token_column => 'by_token', stored_as => 'plaintext',
    live_when => $$by_token <> 'gen_x'$$);
CALL tokenauth_hash_in_place('generated');
SELECT tokenauth_detach('generated');
SELECT * FROM mig.looks();

-- A row that cannot be written stops it in the middle; nobody notices, and
-- what is written meanwhile has its digest, whatever is given for it.
CREATE TABLE mig.unwritable (user_id text);
GRANT SELECT ON mig.unwritable TO PUBLIC;
CREATE FUNCTION mig.writable(text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM mig.unwritable u WHERE u.user_id = $1) THEN
        RAISE 'not this row' USING DETAIL = 'It is that of user ' || $1;
    END IF;
    RETURN $1;
END $$;
CREATE INDEX writable ON mig.key (mig.writable(user_id));
INSERT INTO mig.unwritable VALUES ('50');
CALL tokenauth_hash_in_place('key', 20);
SELECT * FROM mig.looks();
SELECT * FROM mig.judged();
SELECT count(*) FROM mig.key WHERE token_hash IS NOT NULL;
INSERT INTO mig.key (token, user_id) VALUES ('key_101', '101');
INSERT INTO mig.key (token, user_id, token_hash) VALUES ('key_102', '102', 'x');
UPDATE mig.key SET revoked = true WHERE token = 'key_99';
UPDATE mig.key SET token_hash = NULL WHERE token = 'key_98';
UPDATE mig.key SET token = 'key_097' WHERE token = 'key_97';
SELECT token, revoked FROM mig.key WHERE token_hash = encode(sha256(token::bytea), 'hex')
    AND token IN ('key_097', 'key_98', 'key_99', 'key_101', 'key_102') ORDER BY 1;
CREATE CONSTRAINT TRIGGER now AFTER UPDATE ON mig.key FOR EACH ROW EXECUTE FUNCTION mig.later();
DROP TRIGGER later ON mig.key;
SELECT tokenauth_revoke('key_96');
SELECT token FROM tokenauth_issue('103', 'key') \gset
SELECT tokenauth_identify(:'token') = ROW('valid', 'key', '103', token_id, NULL, NULL, NULL, NULL)::tokenauth_identity
FROM tokenauth_list('103', 'key');
SELECT token AS rotated FROM tokenauth_rotate(:'token') \gset
SELECT status FROM tokenauth_identify(:'token');
SELECT count(*) FROM mig.key WHERE user_id = '103' AND token_hash = encode(sha256(token::bytea), 'hex');
-- neither column can go, or change, behind the trigger's back
ALTER TABLE mig.key DROP COLUMN token_hash;
ALTER TABLE mig.key DROP COLUMN token;
\set VERBOSITY terse
ALTER TABLE mig.key ALTER COLUMN token TYPE varchar(2000);
\set VERBOSITY default
-- given up by one statement
BEGIN;
ALTER TABLE mig.key DROP COLUMN token_hash CASCADE;
SELECT * FROM mig.looks();
INSERT INTO mig.key (token, user_id) VALUES ('key_201', '201');
ROLLBACK;
-- somebody meddles: with the trigger, with digests, with the index
ALTER TABLE mig.key DISABLE TRIGGER USER;
UPDATE mig.key SET token_hash = 'wrong' WHERE token = 'key_98';
UPDATE mig.key SET token_hash = token_hash || 'x' WHERE token = 'key_101';
ALTER TABLE mig.key ENABLE TRIGGER touch;
ALTER TABLE mig.key ENABLE ALWAYS TRIGGER tokenauth_row;
ALTER TABLE mig.key ENABLE ALWAYS TRIGGER tokenauth_truncate;
DROP TRIGGER "~tokenauth_hash" ON mig.key;
DROP INDEX mig.key_token_hash_idx;
-- goes on, as the owner, whatever he thinks that an operator is
DROP INDEX mig.writable;
CREATE FUNCTION mig.never(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT false';
CREATE OPERATOR mig.= (LEFTARG = text, RIGHTARG = text, FUNCTION = mig.never);
TRUNCATE mig.audit;
SET ROLE tokenauth_owner;
SET search_path = mig, pg_catalog, public;
SET default_transaction_isolation = serializable;
CALL public.tokenauth_hash_in_place('key', 7);
RESET default_transaction_isolation;
RESET search_path;
RESET ROLE;
SELECT * FROM mig.looks();
SELECT source, stored_as, token_column, prefix FROM tokenauth_sources WHERE source = 'key';
-- nothing of it shows in the rows, nor has anybody been told the tokens
SELECT count(*) FROM mig.audit;
SELECT user_id FROM mig.key WHERE updated_at <> '2020-01-01' ORDER BY user_id;
SELECT count(DISTINCT token_hash), count(*) FROM mig.key;
SELECT * FROM mig.judged();
SELECT status, user_id FROM tokenauth_identify('key_tschüß');
SELECT status FROM tokenauth_identify('other', 'key');
SELECT status FROM tokenauth_identify(repeat('key_', 300));
SELECT status FROM tokenauth_identify('key_097');
SELECT status FROM tokenauth_identify(:'rotated');
SELECT user_id, token_hash ~ '^[0-9a-f]{64}$' AS is_digest, length(token_hash) FROM mig.key WHERE user_id = 'long';
-- asked by digest, as any other source
SELECT tokenauth_resolve_hash(sha256('key_1'), NULL::text, 'key');
-- there is no way back in silence
INSERT INTO mig.key (token, user_id) VALUES ('key_104', '104');
CALL tokenauth_hash_in_place('key');

-- The life of a token goes on.
SELECT token FROM tokenauth_rotate(:'rotated') \gset
SELECT status FROM tokenauth_identify(:'rotated');
SELECT tokenauth_revoke(:'token');
SELECT status FROM tokenauth_identify(:'token');
SELECT token FROM tokenauth_issue('105', 'key') \gset
SELECT status FROM tokenauth_exchange(:'token', 'key', attributes => '{}');
SELECT status FROM tokenauth_identify(:'token');
SELECT count(*) FROM tokenauth_list('105', 'key');

SELECT tokenauth_detach('key');
DROP TABLE mig.key;

-- The token is the primary key, and the replica's identity.
CREATE TABLE mig.pk (token text PRIMARY KEY, user_id text);
SELECT tokenauth_attach('mig.pk', prefix => 'pk_', token_column => 'token', stored_as => 'plaintext');
INSERT INTO mig.pk VALUES ('pk_1', '1');
-- as the doctor says
SELECT fix FROM tokenauth_doctor() WHERE finding ~ 'holds the tokens' \gset
:fix
SELECT finding FROM tokenauth_doctor() WHERE finding ~ 'holds the tokens';
SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'mig.pk'::regclass AND contype = 'p';
SELECT tokenauth_resolve('pk_1', NULL::text);
CREATE TABLE mig.ident (token text NOT NULL, token_hash int, user_id text);
CREATE UNIQUE INDEX ident_token ON mig.ident (token);
ALTER TABLE mig.ident REPLICA IDENTITY USING INDEX ident_token;
SELECT tokenauth_attach('mig.ident', prefix => 'id_', token_column => 'token', stored_as => 'plaintext');
INSERT INTO mig.ident VALUES ('id_1', 1, '1');
CALL tokenauth_hash_in_place('ident');
SELECT indexrelid::regclass, indisreplident FROM pg_index WHERE indrelid = 'mig.ident'::regclass;
SELECT tokenauth_resolve('id_1', NULL::text);

-- Not unique, may be NULL, and what is hashed are the bytes it stands for.
CREATE TABLE mig.web ("a ""token""" text, user_id text);
CREATE INDEX ON mig.web ("a ""token""");
SELECT tokenauth_attach('mig.web', source => 'web', prefix => 'Az', token_column => 'a "token"', stored_as => 'plaintext',
    token_encoding => 'base64url');
-- the second stands for no bytes, the last two are the same
INSERT INTO mig.web VALUES ('Azaz', '1'), ('Azaza', '2'), (NULL, '3'), ('AzAz', '4'), ('AzAz', '5');
CALL tokenauth_hash_in_place('web', 1);
SELECT "a ""token""_hash" = encode(sha256('\x0336b3'), 'hex') AS of_bytes, left("a ""token""_hash", 1) AS first, user_id
FROM mig.web ORDER BY user_id;
SELECT t, status, user_id FROM unnest('{Azaz,Azaza,AzAz}'::text[]) t, tokenauth_identify(t);

-- Of every type that a token can be of, and of a part of what is presented.
CREATE TABLE mig.as_uuid (token uuid PRIMARY KEY, user_id int);
CREATE TABLE mig.as_char (token char(12) UNIQUE, user_id int);
CREATE TABLE mig.as_number (token bigint UNIQUE, user_id int);
CREATE TABLE mig.as_part (token text UNIQUE, user_id int);
SELECT tokenauth_attach('mig.as_uuid', token_column => 'token', stored_as => 'plaintext');
SELECT tokenauth_attach('mig.as_char', token_column => 'token', stored_as => 'plaintext');
SELECT tokenauth_attach('mig.as_number', token_column => 'token', stored_as => 'plaintext');
SELECT tokenauth_attach('mig.as_part', prefix => 'part_', token_column => 'token', stored_as => 'plaintext', mapping => '{"token_part": "after prefix"}');
INSERT INTO mig.as_uuid VALUES ('0b5c1c8a-0000-4000-8000-00000000000a', 1);
INSERT INTO mig.as_char VALUES ('c-secret', 2);
INSERT INTO mig.as_number VALUES (-12345678901, 3);
INSERT INTO mig.as_part VALUES ('secret', 4);
CREATE VIEW mig.each_type AS
    SELECT s, status, user_id FROM (VALUES ('as_uuid'::name, '0b5c1c8a-0000-4000-8000-00000000000a'), ('as_uuid', '0B5C1C8A-0000-4000-8000-00000000000A'),
            ('as_char', 'c-secret'), ('as_char', 'c-secret    '), ('as_number', '-12345678901'), ('as_number', '-012345678901'),
            ('as_part', 'part_secret'), ('as_part', 'secret')) t (s, token),
        tokenauth_identify(token, s);
SELECT * FROM mig.each_type;
CALL tokenauth_hash_in_place('as_uuid');
CALL tokenauth_hash_in_place('as_char');
CALL tokenauth_hash_in_place('as_number');
CALL tokenauth_hash_in_place('as_part');
SELECT * FROM mig.each_type;
SELECT a.token_hash = encode(sha256('0b5c1c8a-0000-4000-8000-00000000000a'), 'hex') AS as_uuid, c.token_hash = encode(sha256('c-secret'), 'hex') AS as_char,
    n.token_hash = encode(sha256('-12345678901'), 'hex') AS as_number, p.token_hash = encode(sha256('secret'), 'hex') AS as_part
    FROM mig.as_uuid a, mig.as_char c, mig.as_number n, mig.as_part p;

-- Done in a procedure, or in a loop, of all sources.
CREATE TABLE mig.last (token text UNIQUE, user_id text);
SELECT tokenauth_attach('mig.last', prefix => 'last_', token_column => 'token', stored_as => 'plaintext');
DO $$
DECLARE s name;
BEGIN
    FOR s IN SELECT source FROM tokenauth_sources WHERE stored_as = 'plaintext' LOOP
        CALL tokenauth_hash_in_place(s);
    END LOOP;
END $$;
SELECT source, stored_as FROM tokenauth_sources ORDER BY 1;

SELECT tokenauth_detach(source) FROM tokenauth_sources;
SET client_min_messages = warning;
DROP SCHEMA mig CASCADE;
RESET client_min_messages;
DROP OWNED BY tokenauth_owner, tokenauth_other;
DROP ROLE tokenauth_owner, tokenauth_other;
