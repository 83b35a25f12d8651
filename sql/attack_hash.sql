--
-- tokenauth_hash_in_place() on what an owner has prepared for it.
--
CREATE ROLE regress_hash_owner;
CREATE SCHEMA hash_attack AUTHORIZATION regress_hash_owner;

-- The trigger, on columns that are not text.
CREATE TABLE hash_attack.number (token float8, digest text);
CREATE TRIGGER hash BEFORE INSERT ON hash_attack.number
    FOR EACH ROW EXECUTE FUNCTION tokenauth_hash_row('token', 'digest', 'text');
INSERT INTO hash_attack.number VALUES (4096);
CREATE TABLE hash_attack.digest_number (token text, digest bigint);
CREATE TRIGGER hash BEFORE INSERT ON hash_attack.digest_number
    FOR EACH ROW EXECUTE FUNCTION tokenauth_hash_row('token', 'digest', 'text');
INSERT INTO hash_attack.digest_number VALUES ('token', 4096);
CREATE TABLE hash_attack.name (token name, digest bytea);
CREATE TRIGGER hash BEFORE INSERT ON hash_attack.name
    FOR EACH ROW EXECUTE FUNCTION tokenauth_hash_row('token', 'digest', 'text');
INSERT INTO hash_attack.name VALUES ('token');

-- A column that looks like one of an earlier call, but is of another type, or
-- is given its value otherwise; and a trigger that names one.
CREATE TABLE hash_attack.key (token text NOT NULL UNIQUE, user_id text,
    token_hash bigint CONSTRAINT token_hash_filled CHECK (token_hash IS NOT NULL),
    token_hash1 text COLLATE "C" CONSTRAINT token_hash1_filled CHECK (token_hash1 IS NOT NULL)
        GENERATED ALWAYS AS ('x') STORED,
    token_hash2 text CONSTRAINT token_hash2_filled CHECK (token_hash2 IS NOT NULL),
    token_hash3 text COLLATE "C" DEFAULT 'x' CONSTRAINT token_hash3_filled CHECK (token_hash3 IS NOT NULL));
INSERT INTO hash_attack.key (token, user_id, token_hash, token_hash2)
SELECT 'key_' || n, n, 4096 + n, 'y' FROM generate_series(1, 3) n;
SELECT tokenauth_attach('hash_attack.key', token_column => 'token', stored_as => 'plaintext');
ALTER TABLE hash_attack.key DISABLE TRIGGER USER;
CREATE TRIGGER hash BEFORE INSERT ON hash_attack.key
    FOR EACH ROW EXECUTE FUNCTION tokenauth_hash_row('token', 'token', 'text');
ALTER TABLE hash_attack.key ENABLE TRIGGER USER;
ALTER TABLE hash_attack.key ENABLE ALWAYS TRIGGER tokenauth_row, ENABLE ALWAYS TRIGGER tokenauth_truncate;
CALL tokenauth_hash_in_place('key');
SELECT token_column, stored_as FROM tokenauth_sources WHERE source = 'key';
SELECT n, tokenauth_resolve('key_' || n, NULL::text, source => 'key') FROM generate_series(1, 4) n;
SELECT tokenauth_detach('key');
DROP TABLE hash_attack.key;

-- What the owner's code may not do stays forbidden while rows are filled:
-- triggers and foreign keys of others' tables are on.
CREATE TABLE hash_attack.parent (id bigint PRIMARY KEY);
CREATE TABLE hash_attack.child (id bigint REFERENCES hash_attack.parent);
GRANT INSERT ON hash_attack.child TO regress_hash_owner;
CREATE FUNCTION hash_attack.intrude() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO hash_attack.child VALUES (1);
EXCEPTION WHEN foreign_key_violation THEN
    RAISE NOTICE 'foreign keys are checked, session_replication_role is %',
        current_setting('session_replication_role');
END $$;
CREATE FUNCTION hash_attack.on_update() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE NOTICE 'a trigger has fired';
    PERFORM hash_attack.intrude();
    RETURN NEW;
END $$;
CREATE FUNCTION hash_attack.indexed(text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
    PERFORM hash_attack.intrude();
    RETURN $1;
END $$;
CREATE TABLE hash_attack.key (token text UNIQUE, user_id text,
    whose text GENERATED ALWAYS AS (hash_attack.indexed(user_id)) STORED);
ALTER TABLE hash_attack.key OWNER TO regress_hash_owner;
INSERT INTO hash_attack.key SELECT 'key_' || n, n FROM generate_series(1, 2) n;
CREATE INDEX ON hash_attack.key (hash_attack.indexed(user_id));
CREATE TRIGGER on_update BEFORE UPDATE ON hash_attack.key
    FOR EACH ROW EXECUTE FUNCTION hash_attack.on_update();
ALTER TABLE hash_attack.key ENABLE ALWAYS TRIGGER on_update;
CREATE TRIGGER on_replica BEFORE UPDATE ON hash_attack.key
    FOR EACH ROW EXECUTE FUNCTION hash_attack.on_update();
ALTER TABLE hash_attack.key ENABLE REPLICA TRIGGER on_replica;
SELECT tokenauth_attach('hash_attack.key', token_column => 'token', stored_as => 'plaintext');
CALL tokenauth_hash_in_place('key');
SELECT * FROM hash_attack.child;
SELECT n, tokenauth_resolve('key_' || n, NULL::text, source => 'key') FROM generate_series(1, 3) n;
-- what is indexed and generated is right
SET enable_seqscan = off;
SELECT user_id, whose FROM hash_attack.key WHERE hash_attack.indexed(user_id) = '2';
RESET enable_seqscan;
SELECT tokenauth_detach('key');

-- A constraint of the owner's would not be looked at.
CREATE TABLE hash_attack.other (token text NOT NULL UNIQUE, user_id text,
    token_hash text COLLATE "C" CONSTRAINT token_hash_filled CHECK (token_hash IS NOT NULL)
        CHECK (token_hash <> ''));
SELECT tokenauth_attach('hash_attack.other', token_column => 'token', stored_as => 'plaintext');
CALL tokenauth_hash_in_place('other');
ALTER TABLE hash_attack.other DROP CONSTRAINT other_token_hash_check;
CALL tokenauth_hash_in_place('other');
SELECT tokenauth_detach('other');

-- The digest column may be what another source tells, to which the table is a parent.
CREATE TABLE hash_attack.above (id int PRIMARY KEY, token text UNIQUE NOT NULL, user_id int, revoked bool NOT NULL DEFAULT false,
    token_hash text COLLATE "C", CONSTRAINT token_hash_filled CHECK (token_hash IS NOT NULL) NOT VALID);
CREATE TABLE hash_attack.below (id int PRIMARY KEY, token text UNIQUE, above int, revoked bool NOT NULL DEFAULT false);
SELECT tokenauth_attach('hash_attack.above', prefix => 'above_', token_column => 'token', stored_as => 'plaintext');
SELECT tokenauth_attach('hash_attack.below', prefix => 'below_', token_column => 'token', stored_as => 'plaintext', user_column => '');
SELECT tokenauth_attach_parent('below', 'hash_attack.above', 'above', mapping => '{"user_column": "token_hash"}');
CALL tokenauth_hash_in_place('above');
SELECT source, token_column, stored_as FROM tokenauth_sources WHERE source IN ('above', 'below') ORDER BY 1;
SELECT status FROM tokenauth_identify('below_1');
SELECT tokenauth_detach('below'), tokenauth_detach('above');

DROP SCHEMA hash_attack CASCADE;
DROP ROLE regress_hash_owner;
