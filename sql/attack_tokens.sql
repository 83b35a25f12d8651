-- Expressions over the token that is presented are code of the table's owner: it sees
-- no token of another source, and cannot make revoking one say what is not so.
CREATE ROLE tokens_mallory;
CREATE SCHEMA tokens_attack AUTHORIZATION tokens_mallory;
GRANT USAGE ON SCHEMA public TO tokens_mallory;
GRANT EXECUTE ON FUNCTION tokenauth_attach TO tokens_mallory;
SET search_path = tokens_attack, public;

-- A source of somebody else's, with a prefix, and one of mallory's, with none, which a
-- superuser has attached in spite of that.
CREATE TABLE good (id int PRIMARY KEY, token text UNIQUE, user_id int, revoked boolean NOT NULL DEFAULT false);
ALTER TABLE good OWNER TO CURRENT_USER;
INSERT INTO good VALUES (1, 'g_1secret', 7), (2, 'g_2secret', 8);
SELECT tokenauth_attach('good', prefix => 'g_', token_column => 'token', stored_as => 'plaintext');
SET ROLE tokens_mallory;
CREATE FUNCTION spy(token text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RAISE NOTICE 'mallory sees %', token; RETURN token; END $$;
CREATE TABLE bad (id int PRIMARY KEY, token text UNIQUE, user_id int, revoked boolean NOT NULL DEFAULT false);
INSERT INTO bad VALUES (1, 'mine', 9);
SELECT tokenauth_attach('bad', token_column => 'token', stored_as => 'plaintext', mapping => '{"lookup": "tokens_attack.spy(token)"}');
RESET ROLE;
SELECT tokenauth_attach('bad', token_column => 'token', stored_as => 'plaintext', mapping => '{"lookup": "tokens_attack.spy(token)"}');
SELECT tokenauth_revoke('g_1secret');
SELECT tokenauth_revoke('anything else');
SELECT tokenauth_resolve('anything else', NULL::int);
SELECT tokenauth_resolve('mine', NULL::int, 'bad');
SELECT tokenauth_revoke('mine', source => 'bad');
-- A longer prefix would lead tokens of the other source to mallory.
SET ROLE tokens_mallory;
SELECT tokenauth_detach('bad');
RESET ROLE;
SELECT tokenauth_detach('bad');
SET ROLE tokens_mallory;
SELECT tokenauth_attach('bad', prefix => 'g_2', token_column => 'token', stored_as => 'plaintext', mapping => '{"lookup": "tokens_attack.spy(token)"}');
SELECT tokenauth_attach('bad', prefix => 'g', token_column => 'token', stored_as => 'plaintext');
SELECT tokenauth_attach('bad', prefix => 'b_', token_column => 'token', stored_as => 'plaintext', mapping => '{"lookup": "tokens_attack.spy(token)"}');
RESET ROLE;
SELECT tokenauth_resolve('g_2secret', NULL::int);

-- A trigger that keeps the token alive under another id.
CREATE TABLE moved (id int PRIMARY KEY, found_by text, secret text, user_id int, revoked boolean NOT NULL DEFAULT false);
CREATE INDEX ON moved (found_by);
CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.revoked := false; NEW.id := OLD.id + 1; RETURN NEW; END $$;
INSERT INTO moved VALUES (1, 'm', 'm_secret', 7);
SELECT tokenauth_attach('moved', prefix => 'm_', token_column => 'found_by', stored_as => 'plaintext',
                        mapping => '{"lookup": "left(token, 1)", "verify": "token = secret"}');
CREATE TRIGGER keep BEFORE UPDATE ON moved FOR EACH ROW EXECUTE FUNCTION keep();
SELECT tokenauth_revoke('m_secret');
DROP TRIGGER keep ON moved;
-- All rows of the token are revoked, and no other.
INSERT INTO moved VALUES (2, 'm', 'm_secret', 7), (3, 'm', 'm_other', 8);
SELECT status FROM tokenauth_identify('m_secret');
SELECT tokenauth_revoke('m_secret');
SELECT id, revoked FROM moved ORDER BY id;
-- A row that its id does not tell from others.
CREATE TABLE alike (id int, found_by text, secret text, user_id int, revoked boolean NOT NULL DEFAULT false);
CREATE INDEX ON alike (found_by);
INSERT INTO alike VALUES (1, 'a', 'a_secret', 7), (1, 'a', 'a_other', 8), (NULL, 'a', 'a_null', 9);
SELECT tokenauth_attach('alike', prefix => 'a_', token_column => 'found_by', stored_as => 'plaintext',
                        mapping => '{"lookup": "left(token, 1)", "verify": "token = secret"}');
SELECT tokenauth_revoke('a_secret');
SELECT tokenauth_revoke('a_null');
SELECT count(*) FROM alike WHERE revoked;

-- The token does not come out again.
SELECT tokenauth_detach('bad');
SELECT tokenauth_attach('bad', source => 'out', prefix => 'o_', token_column => 'token', stored_as => 'plaintext',
                        user_column => '', mapping => '{"user_expression": "token"}');
SELECT tokenauth_attach('bad', source => 'out', prefix => 'o_', token_column => 'token', stored_as => 'plaintext',
                        scope_column => '', mapping => '{"scope_expression": "token || ''x''"}');

-- What revoking writes is not a live value in another dress.
CREATE TABLE dressed (token text PRIMARY KEY, user_id int, state smallint, code varchar(3));
SELECT tokenauth_attach('dressed', token_column => 'token', stored_as => 'plaintext', revoked_column => 'state', active_values => '{1}', mapping => '{"revoked_value": "01"}');
SELECT tokenauth_attach('dressed', token_column => 'token', stored_as => 'plaintext', revoked_column => 'state', active_values => '{1}', mapping => '{"revoked_value": "x"}');
SELECT tokenauth_attach('dressed', token_column => 'token', stored_as => 'plaintext', revoked_column => 'code', active_values => '{on}', mapping => '{"revoked_value": "revoked"}');

-- What an expression means does not depend on the session that revokes, which can still
-- set this on a server before PostgreSQL 19.
SELECT current_setting('server_version_num')::int < 190000 AS has_other_strings \gset
CREATE TABLE text_user (token text PRIMARY KEY, uid text, revoked boolean NOT NULL DEFAULT false);
INSERT INTO text_user VALUES ('t', 'corp\bob');
SELECT tokenauth_attach('text_user', token_column => 'token', stored_as => 'plaintext', mapping => $${"user_expression": "replace(uid, 'corp\\b', '')"}$$);
SELECT user_id FROM tokenauth_identify('t', 'text_user');
\if :has_other_strings
SET standard_conforming_strings = off;
SET escape_string_warning = off;
\endif
SELECT tokenauth_revoke_user('ob', 'text_user');
RESET standard_conforming_strings;
SELECT status FROM tokenauth_identify('t', 'text_user');

-- Rows of applications that log out by token = '' are found by nothing.
CREATE TABLE gone (id int PRIMARY KEY, token text UNIQUE, token_bytes bytea UNIQUE, digest char(10) UNIQUE, user_id int);
INSERT INTO gone VALUES (1, '', '', NULL, 7);
SELECT tokenauth_attach('gone', token_column => 'token', stored_as => 'plaintext', mapping => $${"lookup": "split_part(token, '.', 2)"}$$);
SELECT status, user_id FROM tokenauth_identify('x', 'gone');
SELECT tokenauth_detach('gone');
SELECT tokenauth_attach('gone', token_column => 'token_bytes', stored_as => 'plaintext', mapping => $${"lookup": "substr(decode(md5(token), 'hex'), 100)"}$$);
SELECT status, user_id FROM tokenauth_identify('x', 'gone');
SELECT tokenauth_detach('gone');
-- A part that is empty, of what a verify accepts.
SELECT tokenauth_attach('gone', token_column => 'token', stored_as => 'plaintext', mapping => $${"token_part": "before .", "verify": "true"}$$);
SELECT status, user_id FROM tokenauth_identify('.x', 'gone');
SELECT tokenauth_detach('gone');
-- A digest that is longer than its column.
SELECT tokenauth_attach('gone', token_column => 'digest');
UPDATE gone SET digest = left(encode(sha256('x'), 'hex'), 10);
SELECT status, user_id FROM tokenauth_identify('x', 'gone');

DROP SCHEMA tokens_attack CASCADE;
DROP OWNED BY tokens_mallory;
DROP ROLE tokens_mallory;
