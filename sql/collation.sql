--
-- What a collation is, is part of what a condition and a column mean.
--
CREATE FUNCTION judged() RETURNS text LANGUAGE sql
    RETURN (tokenauth_identify('tok_1')).status;
CREATE SCHEMA soft;
CREATE SCHEMA hard;
CREATE COLLATION soft.kind (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE COLLATION hard.kind FROM "C";
CREATE TABLE tok (token_hash text PRIMARY KEY, user_id int NOT NULL, kind text NOT NULL);
INSERT INTO tok VALUES (encode(sha256('tok_1'), 'hex'), 1, 'HUMAN');
SELECT tokenauth_attach('tok', prefix => 'tok_', live_when => 'kind COLLATE soft.kind = ''human''');
SELECT judged(), judged();

-- Another collation gets its name.
BEGIN;
ALTER COLLATION soft.kind RENAME TO other;
CREATE COLLATION soft.kind FROM "C";
COMMIT;
SELECT judged(), judged();
BEGIN;
DROP COLLATION soft.kind;
ALTER COLLATION soft.other RENAME TO kind;
COMMIT;
SELECT judged(), judged();

-- Or its schema's.
BEGIN;
ALTER SCHEMA soft RENAME TO other;
ALTER SCHEMA hard RENAME TO soft;
COMMIT;
SELECT judged(), judged();

SELECT tokenauth_detach('tok');

-- A status to which 'Revoked' is equal to 'revoked' cannot be set apart from it.
ALTER TABLE tok ADD status text COLLATE other.kind DEFAULT 'Revoked';
SELECT tokenauth_attach('tok', prefix => 'tok_', revoked_column => 'status', active_values => '{Revoked,live}');
SELECT tokenauth_attach('tok', prefix => 'tok_', revoked_column => 'status', active_values => '{live}');
CREATE DOMAIN other.status AS text COLLATE other.kind;
ALTER TABLE tok ADD of_domain other.status;
SELECT tokenauth_attach('tok', prefix => 'tok_', revoked_column => 'of_domain', active_values => '{live}');
-- a condition can be told what is meant
SELECT tokenauth_attach('tok', prefix => 'tok_', live_when => 'status IN (''LIVE'', ''trial'')', revoked_column => '');
SELECT judged(), judged();
UPDATE tok SET status = 'live';
SELECT judged(), judged();
SELECT tokenauth_detach('tok');
-- and one that becomes so
ALTER TABLE tok ALTER status TYPE text COLLATE "C";
SELECT tokenauth_attach('tok', prefix => 'tok_', revoked_column => 'status', active_values => '{live}');
SELECT judged(), judged();
ALTER TABLE tok ALTER status TYPE text COLLATE other.kind;
SELECT judged();
SELECT severity, finding, fix FROM tokenauth_doctor();
SELECT replace(fix, substring(fix FROM '<[^<>]+>'), 'status') AS fix FROM tokenauth_doctor() \gset
:fix
SELECT judged(), count(*) FROM tokenauth_doctor();
SELECT tokenauth_revoke('tok_1');
SELECT judged(), status FROM tok;
SELECT tokenauth_detach('tok');

-- Users that are equal are asked anew together.
CREATE TABLE banned (name text COLLATE other.kind);
CREATE FUNCTION welcome(text) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS
    $$ BEGIN RETURN NOT EXISTS (SELECT FROM public.banned WHERE name = $1); END $$;
ALTER TABLE tok DROP user_id, ADD user_id text COLLATE other.kind DEFAULT 'Ada';
SELECT tokenauth_attach('tok', prefix => 'tok_', revoked_column => '', live_when => 'welcome(user_id)');
SELECT judged(), judged();
INSERT INTO banned VALUES ('ada');
SELECT tokenauth_flush_user('ada');
SELECT judged(), judged();

SELECT tokenauth_detach('tok');
DROP TABLE tok, banned;
DROP FUNCTION welcome;
DROP SCHEMA soft CASCADE;
DROP SCHEMA other CASCADE;
DROP FUNCTION judged;
