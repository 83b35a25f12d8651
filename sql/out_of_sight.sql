--
-- The registry is out of sight for a while, and a parent's row is changed: no
-- session knows then that tokens depend on it.  What was cached before is not
-- believed after.
--
CREATE FUNCTION judged(token text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN (tokenauth_identify(token)).status;
EXCEPTION WHEN OTHERS THEN
    RETURN SQLERRM;
END $$;
CREATE FUNCTION digest_of(token text) RETURNS text LANGUAGE sql IMMUTABLE
    RETURN encode(sha256(token::bytea), 'hex');
CREATE TABLE org (id int PRIMARY KEY, live bool NOT NULL DEFAULT true);
CREATE TABLE tok (token_hash text PRIMARY KEY, user_id int NOT NULL DEFAULT 1, org int);
SELECT tokenauth_attach('tok', prefix => 'tok_');
SELECT tokenauth_attach_parent('tok', 'org', 'org', live_when => 'live');
INSERT INTO org SELECT n FROM generate_series(1, 9) n;
INSERT INTO tok (token_hash, org) SELECT digest_of('tok_' || n), n FROM generate_series(1, 9) n;

-- Each way out of sight, and back.
CREATE PROCEDURE away(n int, there text, back text) LANGUAGE plpgsql AS $$
DECLARE
    before text;
BEGIN
    before := judged('tok_' || n);
    COMMIT;
    EXECUTE there;
    COMMIT;
    UPDATE org SET live = false WHERE id = n;
    COMMIT;
    EXECUTE back;
    COMMIT;
    RAISE NOTICE '%: %, then %', split_part(there, ';', 1), before, judged('tok_' || n);
END $$;
CREATE SCHEMA elsewhere;
CALL away(1, 'ALTER TABLE tokenauth_source RENAME TO tokenauth_hidden',
    'ALTER TABLE tokenauth_hidden RENAME TO tokenauth_source');
CALL away(2, 'ALTER TABLE tokenauth_source SET SCHEMA elsewhere',
    'ALTER TABLE elsewhere.tokenauth_source SET SCHEMA public');
CALL away(3, 'ALTER TABLE tokenauth_source DISABLE TRIGGER registry_guard',
    'ALTER TABLE tokenauth_source ENABLE ALWAYS TRIGGER registry_guard');
CALL away(4, 'ALTER FUNCTION tokenauth_registry_guard RENAME TO hidden',
    'ALTER FUNCTION hidden RENAME TO tokenauth_registry_guard');
-- Of a form that this version does not know: rows and tables can be changed.
CALL away(5, 'ALTER TYPE tokenauth_parent SET SCHEMA elsewhere',
    'ALTER TYPE elsewhere.tokenauth_parent SET SCHEMA public');
CALL away(6, 'ALTER TABLE tokenauth_source RENAME parents TO hidden',
    'ALTER TABLE tokenauth_source RENAME hidden TO parents');
CALL away(7, 'ALTER TABLE tokenauth_source ADD COLUMN newer text',
    'ALTER TABLE tokenauth_source DROP COLUMN newer');
SELECT judged('tok_8');
ALTER TABLE tokenauth_source ADD COLUMN newer text;
CREATE TABLE of_others (id int);
ALTER TABLE org DISABLE TRIGGER ALL;
UPDATE org SET live = false WHERE id = 8;
ALTER TABLE org ENABLE ALWAYS TRIGGER tokenauth_row, ENABLE ALWAYS TRIGGER tokenauth_truncate;
SELECT judged('tok_8');
ALTER TABLE tokenauth_source DROP COLUMN newer;
SELECT judged('tok_8'), judged('tok_9'), tokenauth_ready();

DROP EXTENSION tokenauth CASCADE;
DROP TABLE tok, org, of_others;
DROP SCHEMA elsewhere;
DROP PROCEDURE away;
DROP FUNCTION judged, digest_of;
CREATE EXTENSION tokenauth;
