--
-- Revoking deletes rows only where that was asked for, and where a row is
-- nothing but a token.
--
\set SHOW_CONTEXT never
CREATE FUNCTION h(text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT encode(sha256($1::bytea), 'hex') $$;

-- No flag, and nothing was said: it is an error, and the rows stay.
CREATE TABLE plain (token_hash text PRIMARY KEY, id int UNIQUE, user_id text, expires_at timestamptz);
SELECT tokenauth_attach('plain', prefix => 'p_');
INSERT INTO plain VALUES (h('p_1'), 1, '7'), (h('p_2'), 2, '7'), (h('p_3'), 3, '8');
SELECT on_revoke IS NULL AS nothing FROM tokenauth_sources;
SELECT tokenauth_revoke('p_1');
SELECT tokenauth_revoke(token => 'p_1', source => 'plain');
SELECT tokenauth_revoke('1', '7');
SELECT tokenauth_revoke_user('7');
SELECT tokenauth_rotate('p_1');
SELECT count(*) FROM plain;
-- what is not there need not be revoked
SELECT tokenauth_revoke('p_unknown'), tokenauth_revoke('1', '8'), tokenauth_revoke_user('9');
-- in a grace the token ends by itself
SELECT expires_at IS NULL AS forever FROM tokenauth_rotate('p_1', '5 minutes');
SELECT count(*), count(expires_at) FROM plain;
DELETE FROM plain WHERE token_hash NOT IN (h('p_1'), h('p_2'), h('p_3'));

-- Several sources: it is named and left out, the others are revoked.
CREATE TABLE flagged (token_hash text PRIMARY KEY, user_id text, revoked boolean NOT NULL DEFAULT false);
SELECT tokenauth_attach('flagged', prefix => 'f_');
INSERT INTO flagged VALUES (h('f_1'), '7'), (h('f_2'), '9');
CREATE TABLE sessions (token_hash text PRIMARY KEY, user_id text);
SELECT tokenauth_attach('sessions', prefix => 's_', on_revoke => 'delete');
INSERT INTO sessions VALUES (h('s_1'), '7'), (h('s_2'), '9');
SELECT source, on_revoke FROM tokenauth_sources ORDER BY source;
SELECT tokenauth_revoke_user('7');
SELECT tokenauth_revoke_user('9');
SELECT (SELECT count(*) FROM plain) AS plain, (SELECT count(*) FROM sessions) AS sessions,
    (SELECT array_agg(revoked) FROM flagged) AS flagged;
SELECT tokenauth_detach('plain');
SELECT tokenauth_attach('plain', prefix => 'p_', on_revoke => 'delete');
SELECT tokenauth_revoke('p_1'), tokenauth_revoke('p_1'), tokenauth_revoke_user('7');
SELECT token_hash = h('p_3') AS the_other_user FROM plain;

-- What can be said.
CREATE TABLE more (token_hash text PRIMARY KEY, user_id int, revoked boolean NOT NULL DEFAULT false);
SELECT tokenauth_attach('more', on_revoke => 'forget it');
SELECT tokenauth_attach('more', on_revoke => '');
SELECT tokenauth_attach('more', on_revoke => 'flag', revoked_column => '');
-- a flag that the application sets, and tokenauth does not
SELECT tokenauth_attach('more', prefix => 'm_', on_revoke => 'delete');
INSERT INTO more VALUES (h('m_1'), 1, false), (h('m_2'), 1, true);
SELECT tokenauth_revoke_user('1', 'more');
SELECT user_id, revoked FROM more;
SELECT status FROM tokenauth_identify('m_2');
DROP TABLE more;
-- The registry is not believed that says what cannot be.
UPDATE tokenauth_source SET on_revoke = 'flag' WHERE source = 'sessions';
SELECT status FROM tokenauth_identify('s_1');
UPDATE tokenauth_source SET on_revoke = 'forget' WHERE source = 'sessions';
UPDATE tokenauth_source SET on_revoke = NULL WHERE source = 'sessions';
SELECT status FROM tokenauth_identify('s_1');
DROP TABLE plain, flagged, sessions;

-- A row that is more than a token is not deleted: an account with a token...
CREATE TABLE account (id int PRIMARY KEY, email text UNIQUE, api_token text UNIQUE, name text);
SELECT tokenauth_attach('account', token_column => 'api_token', stored_as => 'plaintext',
    user_column => 'id', on_revoke => 'delete');
SELECT tokenauth_attach('account', token_column => 'api_token', stored_as => 'plaintext',
    id_column => '', user_column => 'id', on_revoke => 'delete');
SELECT tokenauth_attach('account', token_column => 'api_token', stored_as => 'plaintext',
    user_column => 'email', on_revoke => 'delete');
SELECT tokenauth_attach('account', token_column => 'api_token', stored_as => 'plaintext', user_column => 'id');
INSERT INTO account VALUES (7, 'a@example.org', 'secret', 'Ada'), (8, 'b@example.org', NULL, 'Bob');
SELECT tokenauth_revoke_user('7');
SELECT tokenauth_revoke('secret');
SELECT id, name FROM account ORDER BY id;
DROP TABLE account;
-- one token for each user, whose account is elsewhere
CREATE TABLE account (id int PRIMARY KEY);
INSERT INTO account VALUES (7);
CREATE TABLE one_each (token_hash text PRIMARY KEY, user_id int UNIQUE REFERENCES account);
SELECT tokenauth_attach('one_each', on_revoke => 'delete');
INSERT INTO one_each VALUES (h('1'), 7);
SELECT tokenauth_revoke_user('7');
DROP TABLE one_each;
-- but not one that extends the account
CREATE TABLE profile (user_id int PRIMARY KEY REFERENCES account, token_hash text UNIQUE, name text);
SELECT tokenauth_attach('profile', on_revoke => 'delete');
-- some rows only are unique
CREATE TABLE live_one (id int PRIMARY KEY, token_hash text UNIQUE, user_id int, kind text);
CREATE UNIQUE INDEX ON live_one (user_id) WHERE kind = 'web';
SELECT tokenauth_attach('live_one', on_revoke => 'delete');
DROP TABLE live_one, profile;

-- ... or one that other tables refer to, when it was attached or later.
CREATE TABLE device (id int PRIMARY KEY, token_hash text UNIQUE, user_id int, prior int REFERENCES device);
CREATE TABLE note (device int REFERENCES device ON DELETE CASCADE);
SELECT tokenauth_attach('device', on_revoke => 'delete');
DROP TABLE note;
SELECT tokenauth_attach('device', on_revoke => 'delete');
INSERT INTO device VALUES (1, h('d_1'), 7), (2, h('d_2'), 7);
SELECT tokenauth_revoke('d_1');
CREATE TABLE note (device int REFERENCES device ON DELETE CASCADE);
INSERT INTO note VALUES (2);
SELECT tokenauth_revoke('d_2');
SELECT count(*) FROM note;
SELECT severity, source, finding, fix FROM tokenauth_doctor();
SELECT tokenauth_ready();
ALTER TABLE device ADD revoked_at timestamptz;
SELECT regexp_replace(fix, '<[^<>]+>', '''revoked_at''') AS fix FROM tokenauth_doctor() \gset
:fix
SELECT tokenauth_revoke('d_2');
SELECT count(*) FROM note;
SELECT count(*) FROM tokenauth_doctor();
DROP TABLE note;
DROP TABLE device, account;
DROP FUNCTION h;
