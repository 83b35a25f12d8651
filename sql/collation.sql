--
-- What a condition's collation is, is part of what it means.
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
DROP TABLE tok;
DROP SCHEMA soft CASCADE;
DROP SCHEMA other CASCADE;
DROP FUNCTION judged;
