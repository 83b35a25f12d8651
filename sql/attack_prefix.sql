-- Which source a token is led to: never one whose owner's code sees it, if it could be
-- another owner's; and one that accepts it, if it is named, is asked by revoking, too.
CREATE ROLE prefix_mallory;
CREATE ROLE prefix_victim;
CREATE SCHEMA prefix_attack;
GRANT ALL ON SCHEMA prefix_attack TO prefix_mallory, prefix_victim;
GRANT EXECUTE ON FUNCTION tokenauth_attach, tokenauth_detach TO prefix_mallory, prefix_victim;
SET search_path = prefix_attack, public;

SET ROLE prefix_victim;
CREATE TABLE good (id int PRIMARY KEY, token text UNIQUE, user_id int, revoked boolean NOT NULL DEFAULT false);
INSERT INTO good VALUES (1, 'eyJ.secret', 7), (2, 'sk_live_secret', 8);
SET ROLE prefix_mallory;
CREATE FUNCTION spy(token text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RAISE NOTICE 'mallory sees %', token; RETURN token; END $$;
CREATE TABLE bad (id int PRIMARY KEY, token text UNIQUE, user_id int, revoked boolean NOT NULL DEFAULT false);
INSERT INTO bad VALUES (1, 'e_mine', 9), (3, 'e_second', 9);
CREATE TABLE worse (LIKE bad INCLUDING ALL);
CREATE VIEW findings AS SELECT severity, source, finding FROM tokenauth_doctor() WHERE finding LIKE '%by its name only%';
GRANT SELECT ON findings TO PUBLIC;
RESET ROLE;

-- The empty prefix is one: that of a source without one.
SET ROLE prefix_victim;
SELECT tokenauth_attach('good', token_column => 'token', stored_as => 'plaintext');
SET ROLE prefix_mallory;
SELECT tokenauth_attach('bad', prefix => 'e', token_column => 'token', stored_as => 'plaintext', mapping => '{"lookup": "prefix_attack.spy(token)"}');
SELECT tokenauth_attach('bad', prefix => 'e', token_column => 'token', stored_as => 'plaintext');
-- Nor a second source without a prefix, which would make all calls ambiguous.
SELECT tokenauth_attach('bad', token_column => 'token', stored_as => 'plaintext');
RESET ROLE;
SELECT tokenauth_resolve('eyJ.secret', NULL::int);
-- A superuser may, and is told.
SELECT tokenauth_attach('bad', prefix => 'e', token_column => 'token', stored_as => 'plaintext', mapping => '{"lookup": "prefix_attack.spy(token)"}');
SELECT tokenauth_resolve('eyJ.secret', NULL::int);
SELECT user_id FROM tokenauth_identify('e_mine', 'bad');
SELECT status FROM tokenauth_identify('e_mine');
SELECT tokenauth_revoke('e_unknown');
SELECT tokenauth_revoke('x_unknown');
SELECT tokenauth_revoke('eyJ.secret');
SELECT * FROM findings;

-- The same for the source that is there first, and the other way round.
SELECT tokenauth_detach('good');
SELECT * FROM findings;
SELECT status FROM tokenauth_identify('e_second');
SET ROLE prefix_victim;
SELECT tokenauth_attach('good', token_column => 'token', stored_as => 'plaintext');
RESET ROLE;
SELECT tokenauth_detach('bad');
SELECT tokenauth_attach('bad', prefix => 'sk_live_', token_column => 'token', stored_as => 'plaintext', mapping => '{"lookup": "prefix_attack.spy(token)"}');
SELECT tokenauth_attach('good', prefix => 'sk_', token_column => 'token', stored_as => 'plaintext');
SELECT tokenauth_resolve('sk_live_secret', NULL::int);
SELECT source FROM findings;

-- Who owns what, and who may act for whom, is as it is now.
ALTER TABLE good OWNER TO prefix_mallory;
SELECT source FROM findings;
SELECT tokenauth_resolve('sk_live_1', NULL::int);
ALTER TABLE good OWNER TO prefix_victim;
SELECT tokenauth_resolve('sk_live_secret', NULL::int);
GRANT prefix_victim TO prefix_mallory;
SELECT tokenauth_resolve('sk_live_2', NULL::int);
REVOKE prefix_victim FROM prefix_mallory;
SELECT tokenauth_resolve('sk_live_secret', NULL::int);
ALTER ROLE prefix_mallory SUPERUSER;
SELECT source FROM findings;
ALTER ROLE prefix_mallory NOSUPERUSER;
SELECT tokenauth_resolve('sk_live_secret', NULL::int);

-- A row that restores a source is no other way in.
SELECT tokenauth_detach('bad');
SET ROLE prefix_mallory;
SELECT tokenauth_attach('bad', prefix => 'sk_live_', token_column => 'token', stored_as => 'plaintext', mapping => '{"lookup": "prefix_attack.spy(token)"}');
SELECT tokenauth_attach('bad', prefix => 'b_', token_column => 'token', stored_as => 'plaintext', mapping => '{"lookup": "prefix_attack.spy(token)"}');
RESET ROLE;
CREATE TABLE restored AS SELECT * FROM tokenauth_source WHERE source = 'bad';
GRANT SELECT ON restored TO prefix_mallory;
GRANT INSERT ON tokenauth_source TO prefix_mallory;
GRANT USAGE ON TYPE tokenauth_relation, tokenauth_parent TO prefix_mallory;
SELECT tokenauth_detach('bad');
UPDATE restored SET prefix = 'sk_live_';
SET ROLE prefix_mallory;
INSERT INTO tokenauth_source SELECT * FROM restored;
RESET ROLE;
UPDATE restored SET prefix = NULL;
SET ROLE prefix_mallory;
INSERT INTO tokenauth_source SELECT * FROM restored;
RESET ROLE;
UPDATE restored SET prefix = 'b_';
SET ROLE prefix_mallory;
INSERT INTO tokenauth_source SELECT * FROM restored;
RESET ROLE;
SELECT tokenauth_detach('bad');

-- Of one owner, the longer prefix takes the token; revoking asks both sources.
SET ROLE prefix_mallory;
SELECT tokenauth_attach('bad', prefix => 'k_', token_column => 'token', stored_as => 'plaintext');
SELECT tokenauth_attach('worse', prefix => 'k_a', token_column => 'token', stored_as => 'plaintext');
INSERT INTO bad VALUES (2, 'k_ab1', 7);
RESET ROLE;
SELECT tokenauth_resolve('k_ab1', NULL::int), tokenauth_resolve('k_ab1', NULL::int, 'bad');
SELECT tokenauth_revoke('k_ab1');
SELECT tokenauth_resolve('k_ab1', NULL::int, 'bad');

DROP SCHEMA prefix_attack CASCADE;
DROP OWNED BY prefix_mallory, prefix_victim;
DROP ROLE prefix_mallory, prefix_victim;
