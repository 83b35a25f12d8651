--
-- What a transaction sees of its own changes, and in which isolation.
--
SELECT tokenauth_create_table('tok', prefix => 'tok_');
INSERT INTO tok (user_id, token_hash)
VALUES ('00000000-0000-0000-0000-00000000000a', encode(sha256('tok_1'), 'hex'));
CREATE FUNCTION who(text) RETURNS text LANGUAGE sql AS
    'SELECT right(tokenauth_resolve($1)::text, 2)';
SELECT who('tok_1');

-- Own writes, and their end.
BEGIN;
UPDATE tok SET user_id = '00000000-0000-0000-0000-00000000000b';
SELECT who('tok_1');
SAVEPOINT s1;
UPDATE tok SET revoked = true;
SELECT who('tok_1');
ROLLBACK TO s1;
SELECT who('tok_1');
SAVEPOINT s2;
DELETE FROM tok;
SELECT who('tok_1');
RELEASE s2;
SELECT who('tok_1');
ROLLBACK;
SELECT who('tok_1');

-- A token issued and used in one transaction.
BEGIN;
SELECT who('tok_2');
INSERT INTO tok (user_id, token_hash)
VALUES ('00000000-0000-0000-0000-00000000000c', encode(sha256('tok_2'), 'hex'));
SELECT who('tok_2');
COMMIT;
SELECT who('tok_2');

-- Exceptions are subtransactions.
DO $$
BEGIN
    BEGIN
        UPDATE tok SET revoked = true;
        RAISE EXCEPTION 'no';
    EXCEPTION WHEN raise_exception THEN
        RAISE NOTICE 'after the exception: %', who('tok_1');
    END;
END $$;
SELECT who('tok_1');

-- A user's trigger that asks for the token just changed, whatever its name.
CREATE FUNCTION ask() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE NOTICE '% sees %', TG_NAME, who('tok_1');
    RETURN NULL;
END $$;
CREATE TRIGGER "Ask_first" AFTER UPDATE ON tok FOR EACH ROW EXECUTE FUNCTION ask();
CREATE TRIGGER ask_last AFTER UPDATE ON tok FOR EACH ROW EXECUTE FUNCTION ask();
UPDATE tok SET user_id = '00000000-0000-0000-0000-00000000000d'
WHERE token_hash = encode(sha256('tok_1'), 'hex');
DROP TRIGGER "Ask_first" ON tok;
DROP TRIGGER ask_last ON tok;

-- In one statement, only what earlier ones did: as any query would.
WITH change AS (UPDATE tok SET revoked = true RETURNING 1)
SELECT count(*), who('tok_1') FROM change;
SELECT who('tok_1');
UPDATE tok SET revoked = false;

-- But a volatile function in RETURNING sees what the statement has done.
CREATE FUNCTION who_now(text) RETURNS text LANGUAGE plpgsql AS
    'BEGIN RETURN coalesce(who($1), ''refused''); END';
BEGIN;
UPDATE tok SET revoked = true WHERE token_hash = encode(sha256('tok_1'), 'hex')
RETURNING who_now('tok_1');
ROLLBACK;
-- Other tables' writes do not keep a transaction from the cache.
CREATE TABLE other (n int);
SELECT who('tok_1');
SELECT tokenauth_stats_reset();
BEGIN;
INSERT INTO other VALUES (1);
SELECT who('tok_1');
COMMIT;
SELECT hits, bypasses_own_writes FROM tokenauth_stats;
DROP TABLE other;
DROP FUNCTION who_now;

-- Fresh in any isolation.
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT who('tok_1');
UPDATE tok SET revoked = true;
SELECT who('tok_1');
ROLLBACK;
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT who('tok_1');
UPDATE tok SET revoked = true;
SELECT who('tok_1');
ROLLBACK;

-- Cursors ask at each FETCH.
BEGIN;
DECLARE c CURSOR FOR SELECT n, who('tok_1') FROM generate_series(1, 3) n;
FETCH c;
UPDATE tok SET revoked = true;
FETCH c;
ROLLBACK;

-- DDL in a transaction, its own to see and undone by ROLLBACK.
BEGIN;
ALTER TABLE tok DISABLE TRIGGER tokenauth_row;
UPDATE tok SET user_id = '00000000-0000-0000-0000-00000000000e';
SELECT who('tok_1');
ALTER TABLE tok ENABLE ALWAYS TRIGGER tokenauth_row;
SELECT who('tok_1');
ROLLBACK;
SELECT who('tok_1');
BEGIN;
TRUNCATE tok;
SELECT who('tok_1');
ROLLBACK;
SELECT who('tok_1');
BEGIN;
SELECT tokenauth_detach('tok');
SELECT who('tok_1');
ROLLBACK;
SELECT who('tok_1');
BEGIN;
DROP TABLE tok;
SELECT who('tok_1');
ROLLBACK;
SELECT who('tok_1');

-- Rows written without our trigger, by a transaction that then asks.
BEGIN;
SET LOCAL session_replication_role = replica;
UPDATE tok SET user_id = '00000000-0000-0000-0000-0000000000ff';
SELECT who('tok_1');
COMMIT;
SELECT who('tok_1');

-- More tokens than are noted one by one.
INSERT INTO tok (user_id, token_hash)
SELECT '00000000-0000-0000-0000-00000000000a', encode(sha256(('tok_m' || n)::bytea), 'hex')
FROM generate_series(1, 100) n;
SELECT count(tokenauth_resolve('tok_m' || n)) FROM generate_series(1, 100) n;
SELECT count(tokenauth_resolve('tok_m' || n)) FROM generate_series(1, 100) n;
UPDATE tok SET revoked = true WHERE ctid IN (SELECT ctid FROM tok ORDER BY token_hash LIMIT 60);
SELECT count(*) FROM tok WHERE NOT revoked;
SELECT count(tokenauth_resolve(t)) FROM (
    SELECT 'tok_m' || n FROM generate_series(1, 100) n
    UNION ALL VALUES ('tok_1'), ('tok_2')) s(t);

-- A trigger of the user's on a parent, which asks before ours has told.
CREATE TABLE org (id int PRIMARY KEY, live boolean NOT NULL DEFAULT true);
INSERT INTO org VALUES (1);
ALTER TABLE tok ADD COLUMN org int DEFAULT 1;
SELECT tokenauth_attach_parent('tok', 'org', 'org', live_when => 'live');
INSERT INTO tok (user_id, token_hash)
VALUES ('00000000-0000-0000-0000-00000000000e', encode(sha256('tok_5'), 'hex'));
SELECT who('tok_5');
CREATE FUNCTION ask_too() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE NOTICE '% sees %', TG_NAME, who('tok_5');
    RETURN NULL;
END $$;
CREATE TRIGGER "Ask_first" AFTER UPDATE ON org FOR EACH ROW EXECUTE FUNCTION ask_too();
UPDATE org SET live = false;
SELECT who('tok_5');
-- A token moves to another parent.
INSERT INTO org VALUES (2);
UPDATE tok SET org = 2 WHERE token_hash = encode(sha256('tok_5'), 'hex');
SELECT who('tok_5');
SELECT who('tok_5');
UPDATE tok SET org = 1 WHERE token_hash = encode(sha256('tok_5'), 'hex');
SELECT who('tok_5');

-- Two live rows of a token, which a deferred constraint allows until the end.
CREATE TABLE deferred (token_hash text PRIMARY KEY DEFERRABLE INITIALLY DEFERRED, user_id int NOT NULL);
SELECT tokenauth_attach('deferred', prefix => 'def_');
INSERT INTO deferred VALUES (encode(sha256('def_1'), 'hex'), 1);
SELECT tokenauth_resolve('def_1', NULL::int);
BEGIN;
INSERT INTO deferred VALUES (encode(sha256('def_1'), 'hex'), 2);
SELECT tokenauth_resolve('def_1', NULL::int);
ROLLBACK;
SELECT tokenauth_resolve('def_1', NULL::int);
-- Or that a unique index of more columns allows.
CREATE TABLE kinds (token_hash text, kind int, user_id int NOT NULL, expires_at timestamptz, UNIQUE (token_hash, kind));
SELECT tokenauth_attach('kinds', prefix => 'kin_');
INSERT INTO kinds VALUES (encode(sha256('kin_1'), 'hex'), 1, 1);
SELECT tokenauth_resolve('kin_1', NULL::int);
INSERT INTO kinds VALUES (encode(sha256('kin_1'), 'hex'), 2, 2, clock_timestamp() + '1 hour');
SELECT tokenauth_resolve('kin_1', NULL::int);
-- That is no lasting refusal: one of them expires.
UPDATE kinds SET expires_at = clock_timestamp() + '1 s' WHERE kind = 2;
SELECT count(tokenauth_resolve('kin_1', NULL::int));
SELECT pg_sleep(1.1);
SELECT tokenauth_resolve('kin_1', NULL::int);

DROP FUNCTION who;
DROP FUNCTION ask;
DROP TABLE tok, org, deferred, kinds;
DROP FUNCTION ask_too;
