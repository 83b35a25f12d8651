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
SELECT expires_at IS NULL AS forever FROM tokenauth_rotate('p_1', grace => '5 minutes');
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
\set VERBOSITY terse
UPDATE tokenauth_source SET on_revoke = 'forget it' WHERE source = 'sessions';
\set VERBOSITY default
UPDATE tokenauth_source SET on_revoke = NULL WHERE source = 'sessions';
SELECT status FROM tokenauth_identify('s_1');
-- Nor is it guessed what an earlier version did not register.
UPDATE tokenauth_source SET on_revoke = NULL WHERE source = 'flagged';
INSERT INTO flagged VALUES (h('f_3'), '7');
SELECT tokenauth_revoke('f_3');
SELECT tokenauth_revoke_user('7', 'flagged');
SELECT severity, source, finding FROM tokenauth_doctor();
SELECT fix FROM tokenauth_doctor() \gset
:fix
SELECT tokenauth_revoke('f_3'), (tokenauth_identify('f_3')).status;
SELECT count(*) FROM tokenauth_doctor();
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
-- a key of some rows only, and of what the user is elsewhere
CREATE TABLE live_one (id int PRIMARY KEY, token_hash text UNIQUE, user_id int, kind text);
CREATE UNIQUE INDEX ON live_one (user_id) WHERE kind = 'web';
SELECT tokenauth_attach('live_one', on_revoke => 'delete');
ALTER TABLE live_one ADD FOREIGN KEY (user_id) REFERENCES account;
SELECT tokenauth_attach('live_one', on_revoke => 'delete');
DROP TABLE live_one, profile;

-- Whatever else a row is known by can be an account's key, of several columns,
-- of an expression, of some rows, or an exclusion constraint.
CREATE FUNCTION accepted(columns text, arguments text DEFAULT 'user_column => ''user_id''', index text DEFAULT NULL)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    detail text;
BEGIN
    EXECUTE format('CREATE TABLE acc (token_hash text UNIQUE, %s)', columns);
    IF index IS NOT NULL THEN
        EXECUTE format('CREATE UNIQUE INDEX ON acc %s', index);
    END IF;
    EXECUTE format('SELECT tokenauth_attach(''acc'', prefix => ''a_'', on_revoke => ''delete'', %s)', arguments);
    DROP TABLE acc;
    RETURN 'accepted';
EXCEPTION
    WHEN object_not_in_prerequisite_state THEN
        GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
        RETURN detail;
END $$;
-- accounts
SELECT accepted('tenant_id int, user_id int, PRIMARY KEY (tenant_id, user_id)');
SELECT accepted('id int PRIMARY KEY, tenant_id int, user_id int, UNIQUE (tenant_id, user_id)');
SELECT accepted('email text', 'user_column => ''email''', '(lower(email))');
SELECT accepted('tenant_id int, email text', 'user_column => ''email''', '(tenant_id, lower(email))');
SELECT accepted('email text', 'user_column => ''''', '(lower(email))');
SELECT accepted('id int PRIMARY KEY, email text, deleted_at timestamptz', 'user_column => ''''', '(email) WHERE deleted_at IS NULL');
SELECT accepted('email text, EXCLUDE (email WITH =)', 'user_column => ''''');
SELECT accepted('id int PRIMARY KEY, user_id int, email text UNIQUE');
SELECT accepted('id int PRIMARY KEY', 'tenant_column => ''id''');
SELECT accepted('id int PRIMARY KEY, tenant_id int UNIQUE', 'tenant_column => ''tenant_id''');
SELECT accepted('user_id int', index => '((true))');
SELECT accepted('tenant_id int, id int, user_id int REFERENCES account, PRIMARY KEY (tenant_id, user_id)');
-- tokens
SELECT accepted('id int PRIMARY KEY, user_id int, device text, UNIQUE (user_id, device)');
SELECT accepted('id int PRIMARY KEY, tenant_id int, user_id int, name text', index => '(tenant_id, user_id, lower(name))');
SELECT accepted('id int PRIMARY KEY, tenant_id int, name text, UNIQUE (tenant_id, name)', 'tenant_column => ''tenant_id''');
SELECT accepted('tenant_id int, id int, user_id int, PRIMARY KEY (tenant_id, id)');
SELECT accepted('user_id int, UNIQUE (user_id, token_hash)');
-- a member's, by its tenant, though its user is known; a membership
SELECT accepted('id int PRIMARY KEY, user_id int, tenant_id int, email text, UNIQUE (tenant_id, email)', 'tenant_column => ''tenant_id''');
SELECT accepted('id int PRIMARY KEY, user_id int, workspace int REFERENCES account, UNIQUE (user_id, workspace)');
SELECT accepted('sid text PRIMARY KEY, user_id int');
SELECT accepted('sid text PRIMARY KEY, user_id int', 'id_column => ''sid''');
SELECT accepted('id int PRIMARY KEY, user_id int, account int UNIQUE REFERENCES account');
SELECT accepted('id int PRIMARY KEY, user_id int, during tstzrange, EXCLUDE USING gist (during WITH &&)');

-- ... or one that other tables refer to, when it was attached or later.
CREATE TABLE device (id int PRIMARY KEY, token_hash text UNIQUE, user_id int, email text);
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
SELECT regexp_replace(fix, '<[^<>]+>', '''revoked_at''') AS fix FROM tokenauth_doctor() WHERE severity = 'warning' \gset
:fix
SELECT tokenauth_revoke('d_2');
SELECT count(*) FROM note;
SELECT count(*) FROM tokenauth_doctor();
DROP TABLE note;

-- Its own rows, too: a token is not deleted with another, nor changed.
CREATE FUNCTION own(action text) RETURNS text LANGUAGE sql AS $$
    SELECT accepted('id int PRIMARY KEY, user_id int, prior int REFERENCES acc ' || action)
$$;
SELECT action, own(action) FROM unnest('{ON DELETE CASCADE,ON DELETE SET NULL,ON DELETE SET DEFAULT,ON DELETE RESTRICT,
    ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED}'::text[]) action;
SELECT accepted('id int PRIMARY KEY, user_id int REFERENCES acc ON DELETE CASCADE');
-- through a partitioned table
SELECT tokenauth_detach('device');
ALTER TABLE device DROP revoked_at;
SELECT tokenauth_attach('device', prefix => 'd_', on_revoke => 'delete');
CREATE TABLE part (device int, n int) PARTITION BY RANGE (n);
CREATE TABLE part1 PARTITION OF part FOR VALUES FROM (0) TO (9);
INSERT INTO device VALUES (3, h('d_3'), 7);
INSERT INTO part VALUES (3, 1);
ALTER TABLE part1 ADD FOREIGN KEY (device) REFERENCES device ON DELETE CASCADE;
SELECT tokenauth_revoke('d_3');
ALTER TABLE part1 DROP CONSTRAINT part1_device_fkey;
ALTER TABLE part ADD FOREIGN KEY (device) REFERENCES device ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED;
SELECT tokenauth_revoke('d_3');
SELECT count(*) FROM part;
DROP TABLE part;
-- a key that comes later
SELECT tokenauth_revoke('d_3');
INSERT INTO device VALUES (3, h('d_3'), 7), (4, h('d_4'), 7);
ALTER TABLE device ADD prior int REFERENCES device ON DELETE CASCADE;
UPDATE device SET prior = 3 WHERE id = 4;
SELECT tokenauth_revoke('d_3');
SELECT tokenauth_revoke_user('7');
SELECT tokenauth_rotate('d_3', attributes => '{"id": 5}');
SELECT id, prior FROM device ORDER BY id;
SELECT severity, finding FROM tokenauth_doctor();
ALTER TABLE device DROP prior;
SELECT count(*) FROM tokenauth_doctor();
CREATE UNIQUE INDEX ON device (lower(email));
SELECT tokenauth_revoke('d_3');
SELECT severity, finding FROM tokenauth_doctor();
SELECT count(*) FROM device;
DROP TABLE device, account;
DROP FUNCTION h, accepted, own;
