--
-- By which index tokens are found, and which one is to be made where none will do.
--
CREATE SCHEMA indexes;
SET search_path = indexes, public;
CREATE TABLE t (id int PRIMARY KEY, context text NOT NULL, token text, user_id int, revoked bool NOT NULL DEFAULT false);
INSERT INTO t VALUES (1, 'api', 'both', 7), (2, 'mail', 'both', 7), (3, 'mail', 'mail', 7), (4, 'api', 'api', 8);
CREATE FUNCTION attach() RETURNS void LANGUAGE sql AS $$
    SELECT tokenauth_attach('t', token_column => 'token', stored_as => 'plaintext', live_when => 'context = ''api''') $$;

-- What keeps an index from being used is said; no unique one is proposed where another
-- shows that a token can be there twice.
SELECT attach();
CREATE UNIQUE INDEX by_context ON t (context, token);
SELECT attach();
DROP INDEX by_context;
CREATE UNIQUE INDEX live ON t (token) WHERE NOT revoked AND context = 'api';
SELECT attach();
DROP INDEX live;
CREATE INDEX ranges ON t USING brin (token);
SELECT attach();
DROP INDEX ranges;
CREATE INDEX folded ON t (lower(token), token);
SELECT attach();
DROP INDEX folded;
CREATE INDEX more ON t (token, lower(context));
SELECT attach();
DROP INDEX more;

-- One that begins with the token will do.  It is unique with the context alone: a token
-- can have several rows, of which those of another context are disabled, not unknown.
CREATE UNIQUE INDEX by_token ON t (token, context);
SELECT attach();
SELECT token, status, user_id, token_id FROM unnest('{both,mail,api,none}'::text[]) token, tokenauth_identify(token) ORDER BY token;
UPDATE t SET context = 'api' WHERE id = 3;
SELECT status, user_id FROM tokenauth_identify('mail');
UPDATE t SET context = 'mail' WHERE id = 4;
SELECT status, user_id FROM tokenauth_identify('api');
INSERT INTO t VALUES (5, 'web', 'both', 9);
SELECT status, user_id FROM tokenauth_identify('both');
SELECT tokenauth_detach('t');
-- two live rows: whose token it is cannot be told
SELECT tokenauth_attach('t', token_column => 'token', stored_as => 'plaintext', live_when => 'context <> ''mail''');
SELECT status, user_id FROM tokenauth_identify('both');
SELECT tokenauth_detach('t');
SELECT attach();

-- The doctor proposes what can be made.
DROP INDEX by_token;
CREATE UNIQUE INDEX by_context ON t (context, token);
SELECT finding, fix FROM tokenauth_doctor() WHERE source = 't' AND fix ~ 'INDEX';
SELECT fix FROM tokenauth_doctor() WHERE source = 't' AND fix ~ 'INDEX' \gset
:fix
SELECT count(*) FROM tokenauth_doctor() WHERE source = 't' AND fix ~ 'INDEX';
SELECT status, user_id FROM tokenauth_identify('both');
SELECT tokenauth_detach('t');

-- What is verified is found by what several tokens can have.
SELECT tokenauth_attach('t', token_column => 'token', stored_as => 'plaintext', prefix => 'x', mapping => '{"lookup": "left(token, 4)", "verify": "token = context"}');
DROP INDEX t_token_idx;
SELECT finding, fix FROM tokenauth_doctor() WHERE source = 't' AND fix ~ 'INDEX';
SELECT fix FROM tokenauth_doctor() WHERE source = 't' AND fix ~ 'INDEX' \gset
:fix
SELECT count(*) FROM tokenauth_doctor() WHERE source = 't' AND fix ~ 'INDEX';

-- A parent's must be unique.
CREATE TABLE p (id int, name text);
CREATE INDEX ON p (id);
SELECT tokenauth_attach_parent('t', 'p', 'user_id', 'id');
CREATE UNIQUE INDEX ON p (name, id);
SELECT tokenauth_attach_parent('t', 'p', 'user_id', 'id');

SELECT tokenauth_detach('t');
SET client_min_messages = warning;
DROP SCHEMA indexes CASCADE;
