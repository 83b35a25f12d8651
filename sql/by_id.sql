--
-- A user's tokens by id: listed with what he knows them by, and replaced.
--
SELECT tokenauth_create_table('tok', prefix => 'tok_');
\set a '00000000-0000-4000-8000-00000000000a'
\set b '00000000-0000-4000-8000-00000000000b'
SELECT token, token_id FROM tokenauth_issue(:'a'::uuid, expires_in => '1 day', attributes => '{"name": "laptop"}') \gset
SELECT token AS other, token_id AS other_id FROM tokenauth_issue(:'b'::uuid, attributes => '{"name": "phone"}') \gset
SELECT token_id = :'token_id' AS id, name, token_prefix = left(:'token', 12) AS prefix, scope, created_at IS NOT NULL AS created,
    expires_at - created_at BETWEEN '1 day' AND '1 day 1 minute' AS lifetime, last_used_at, status, claims
FROM tokenauth_list(:'a'::uuid);

-- Replaced: the same but for the token; the old one dies, and is found no more.
SELECT token AS next, token_id AS next_id FROM tokenauth_rotate(:'token_id'::uuid, :'a'::uuid) \gset
SELECT (tokenauth_identify(:'token')).status AS old, tokenauth_resolve(:'next') = :'a' AS new, :'next_id' <> :'token_id' AS new_id;
SELECT name, status, expires_at - created_at BETWEEN '1 day' AND '1 day 1 minute' AS lifetime
FROM tokenauth_list(:'a'::uuid, include_dead => true) ORDER BY created_at;
\set VERBOSITY sqlstate
SELECT tokenauth_rotate(:'token_id'::uuid, :'a'::uuid);
\set VERBOSITY default
SELECT tokenauth_rotate(:'token_id'::uuid, :'a'::uuid);
-- untyped, it is an id and a user's, not a token and its grace
SELECT token AS next, token_id AS next_id FROM tokenauth_rotate(:'next_id', :'a') \gset
SELECT tokenauth_rotate(:'next', '1 hour');
SELECT (tokenauth_identify(:'next')).status;
-- not another's, and no more is said of that
SELECT tokenauth_rotate(:'other_id', :'a');
SELECT tokenauth_rotate(:'next_id', :'b');
SELECT tokenauth_rotate(gen_random_uuid(), :'a'::uuid);
SELECT tokenauth_rotate(NULL, :'a'::uuid);
SELECT tokenauth_rotate(:'next_id', NULL);
SELECT tokenauth_rotate(:'other', :'b');
SELECT tokenauth_rotate(7, 8);
SELECT tokenauth_rotate(:'next_id', :'a' || ' OR true');
SELECT tokenauth_resolve(:'other') = :'b' AS other_lives, tokenauth_resolve(:'next') = :'a' AS lives, count(*) FROM tok;
-- nor what does not live
UPDATE tok SET expires_at = now() - interval '1 minute' WHERE id = :'other_id';
SELECT tokenauth_rotate(:'other_id', :'b');
UPDATE tok SET expires_at = NULL WHERE id = :'other_id';
-- with a grace, and again within it: as by the token
SELECT token AS third FROM tokenauth_rotate(:'next_id', :'a', grace => '1 hour') \gset
SELECT (tokenauth_identify(:'next')).status AS old, (tokenauth_identify(:'third')).status AS new;
SELECT token AS fourth FROM tokenauth_rotate(:'next_id', :'a', '30 minutes'::interval) \gset
SELECT expires_at - now() BETWEEN '29 minutes' AND '31 minutes' AS shorter FROM tokenauth_identify(:'next');
SELECT expires_at - now() BETWEEN '23 hours' AND '24 hours 1 minute' AS full FROM tokenauth_identify(:'fourth');
SELECT count(*) FROM tokenauth_retiring WHERE relation = 'tok'::regclass;
-- attributes as by the token; rolled back, the old one goes on
BEGIN;
SELECT tokenauth_rotate(:'other_id', :'b', attributes => '{"user_id": "x"}');
ROLLBACK;
BEGIN;
SELECT token_id AS gone FROM tokenauth_rotate(:'other_id', :'b', attributes => '{"name": "new phone"}') \gset
SELECT name, status FROM tokenauth_list(:'b') ORDER BY name;
ROLLBACK;
SELECT name, status FROM tokenauth_list(:'b');

-- Which source: the one that is named, or the only one; it must have such columns.
CREATE TABLE no_id (token_hash text UNIQUE, user_id int);
SELECT tokenauth_attach('no_id', prefix => 'n_', id_column => '');
SELECT tokenauth_rotate('1', :'a');
SELECT tokenauth_rotate(1, 1, source => 'no_id');
SELECT tokenauth_rotate(1, 1, source => 'nothing');
SELECT tokenauth_detach('no_id');
DROP TABLE no_id, tok;

-- Ids and tokens of other types; the stored text in no error.
CREATE TABLE plain (id serial PRIMARY KEY, token varchar(80) UNIQUE, user_id varchar(20), name varchar(5), revoked boolean NOT NULL DEFAULT false);
SELECT tokenauth_attach('plain', token_column => 'token', stored_as => 'plaintext', prefix => 'k');
SELECT token, token_id FROM tokenauth_issue(7, attributes => '{"name": "n"}') \gset
SELECT token AS next, token_id FROM tokenauth_rotate(:token_id, 7) \gset
SELECT (tokenauth_identify(:'token')).status AS old, (tokenauth_identify(:'next')).status AS new, :token_id AS id;
SELECT token_id, name, token_prefix, status FROM tokenauth_list(7);
INSERT INTO plain (token, user_id) VALUES ('not a token of ours', '7'), (NULL, '7');
SELECT tokenauth_rotate(3, 7);
SELECT tokenauth_rotate(4, 7);
DROP TABLE plain;
CREATE TABLE bytes (id text, token bytea, user_id uuid, revoked boolean NOT NULL DEFAULT false);
CREATE INDEX ON bytes (token);
SELECT tokenauth_attach('bytes', token_column => 'token', stored_as => 'sha256-bytea', prefix => 'y_');
INSERT INTO bytes VALUES ('x', sha256('y_1'), :'a'), ('x', sha256('y_2'), :'b'), ('twice', sha256('y_3'), :'a'), ('twice', sha256('y_4'), :'a'),
    ('mine', sha256('y_5'), :'a'), ('yours', sha256('y_5'), :'b'), ('NULL', NULL, :'a');
SELECT length(token) FROM tokenauth_rotate('x', :'a', attributes => '{"id": "x2"}');
SELECT t, (tokenauth_identify(t)).status FROM unnest('{y_1,y_2}'::text[]) t;
-- several rows of that id, or of that token, of which one is another user's
SELECT tokenauth_rotate('twice', :'a'::uuid);
SELECT tokenauth_rotate('mine', :'a'::uuid);
SELECT tokenauth_rotate('NULL', :'a'::uuid);
UPDATE bytes SET revoked = true WHERE id = 'yours';
SELECT tokenauth_rotate('mine', :'a'::uuid);
SELECT id, revoked FROM bytes WHERE token = sha256('y_5') ORDER BY id;
-- a trigger of the table that gives the row away: the new token is the user's who asked
DROP TABLE bytes;
CREATE TABLE moved (id int, token_hash text UNIQUE, user_id int, revoked boolean NOT NULL DEFAULT false);
SELECT tokenauth_attach('moved', prefix => 'm_');
INSERT INTO moved VALUES (1, encode(sha256('m_1'), 'hex'), 1);
CREATE FUNCTION give_away() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.user_id = 2; RETURN NEW; END $$;
CREATE TRIGGER give_away BEFORE UPDATE ON moved FOR EACH ROW EXECUTE FUNCTION give_away();
SELECT token FROM tokenauth_rotate(1, 1, attributes => '{"id": 2}') \gset
SELECT tokenauth_resolve(:'token', 0) AS new, (tokenauth_identify('m_1')).status AS old;
DROP TABLE moved;
DROP FUNCTION give_away;

-- EXECUTE is the gate.
CREATE ROLE tokenauth_api;
SET ROLE tokenauth_api;
SELECT tokenauth_rotate(1, 1);
RESET ROLE;
DROP ROLE tokenauth_api;
