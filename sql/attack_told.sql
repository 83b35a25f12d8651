--
-- A column that refers to a token column by a foreign key has tokens, and so has one to
-- which a token column refers.  No source tells them.
--
CREATE SCHEMA told_attack;
SET search_path = told_attack, public;
SET client_min_messages = warning;
\set SHOW_CONTEXT never
CREATE TABLE session (id int PRIMARY KEY, tenant_id int, refresh text UNIQUE, user_id int, revoked bool NOT NULL DEFAULT false, UNIQUE (tenant_id, refresh));
INSERT INTO session VALUES (1, 5, 'r-secret', 7);
CREATE TABLE device (id int PRIMARY KEY, token text UNIQUE, session text REFERENCES session (refresh), user_id int, tenant_id int, revoked bool NOT NULL DEFAULT false);
INSERT INTO device VALUES (1, 'd-1', 'r-secret', 7, 5);
CREATE FUNCTION refresh() RETURNS name LANGUAGE sql AS $$
    SELECT tokenauth_attach('session', 'refresh', prefix => 'r-', token_column => 'refresh', stored_as => 'plaintext') $$;
CREATE FUNCTION device(VARIADIC extra text[]) RETURNS name LANGUAGE plpgsql AS $$
DECLARE
    result name;
BEGIN
    EXECUTE format('SELECT tokenauth_attach(%L, prefix => %L, token_column => %L, stored_as => %L, %s)',
                   'device', 'd-', 'token', 'plaintext', array_to_string(extra, ', ')) INTO result;
    RETURN result;
END $$;

-- The token first, or what would tell it; by whatever it would be told.
SELECT refresh();
SELECT device($$claims => '{session}'$$);
SELECT device($$user_column => 'session'$$);
SELECT device($$mapping => '{"scope_expression": "left(session, 30)"}'$$);
SELECT device($$live_when => 'session IS NOT NULL'$$);     -- counts, and is not told
SELECT tokenauth_detach('device');
SELECT tokenauth_detach('refresh');
SELECT device($$claims => '{session}'$$);
SELECT refresh();
SELECT source FROM tokenauth_sources ORDER BY 1;
SELECT tokenauth_detach('device');

-- A key that is made later: what it leads to is told no more.
ALTER TABLE device DROP CONSTRAINT device_session_fkey;
SELECT device($$claims => '{session}'$$);
SELECT refresh();
SELECT status, claims FROM tokenauth_identify('d-1');
ALTER TABLE device ADD CONSTRAINT key FOREIGN KEY (session) REFERENCES session (refresh);
SELECT status, claims FROM tokenauth_identify('d-1');
SELECT finding FROM tokenauth_doctor() WHERE source = 'device' AND severity = 'error';
ALTER TABLE device DROP CONSTRAINT key;
-- of several columns, the one alone that has tokens
ALTER TABLE device ADD CONSTRAINT key FOREIGN KEY (tenant_id, session) REFERENCES session (tenant_id, refresh);
SELECT status, claims FROM tokenauth_identify('d-1');
SELECT tokenauth_detach('device');
SELECT device($$claims => '{tenant_id}'$$);
SELECT status, tenant_id, claims FROM tokenauth_identify('d-1');
SELECT tokenauth_detach('device');
ALTER TABLE device DROP CONSTRAINT key;
SELECT tokenauth_detach('refresh');

-- Through a table in between, a generated column, partitions.
CREATE TABLE login (session text PRIMARY KEY REFERENCES session (refresh), made text GENERATED ALWAYS AS (session || '') STORED UNIQUE);
INSERT INTO login VALUES ('r-secret');
ALTER TABLE device ADD CONSTRAINT key FOREIGN KEY (session) REFERENCES login (made);
SELECT refresh();
SELECT device($$claims => '{session}'$$);
SELECT tokenauth_detach('refresh');
SELECT device($$claims => '{session}'$$);
SELECT refresh();
SELECT tokenauth_detach('device');
ALTER TABLE device DROP CONSTRAINT key;
CREATE TABLE parted (session text PRIMARY KEY) PARTITION BY LIST (session);
CREATE TABLE part PARTITION OF parted DEFAULT;
INSERT INTO parted VALUES ('r-secret');
ALTER TABLE part ADD CONSTRAINT part FOREIGN KEY (session) REFERENCES session (refresh);
ALTER TABLE device ADD CONSTRAINT key FOREIGN KEY (session) REFERENCES parted;
SELECT device($$claims => '{session}'$$);
SELECT refresh();
SELECT tokenauth_detach('device');
SELECT refresh();
SELECT device($$claims => '{session}'$$);
ALTER TABLE device DROP CONSTRAINT key;
SELECT tokenauth_detach('refresh');

-- A row that a token column refers to has all tokens; a parent must not tell them, nor
-- whoever refers to it.
CREATE TABLE vault (id int PRIMARY KEY, token text UNIQUE, owner int);
INSERT INTO vault VALUES (1, 'd-1', 7), (2, 'r-secret', 7);
ALTER TABLE session ADD FOREIGN KEY (refresh) REFERENCES vault (token);
ALTER TABLE device ADD vault_id int DEFAULT 1 REFERENCES vault, DROP COLUMN user_id;
SELECT refresh();
SELECT device($$revoked_column => 'revoked'$$);
SELECT tokenauth_attach_parent('device', 'vault', 'vault_id', mapping => '{"user_column": "token"}');
SELECT tokenauth_attach_parent('device', 'vault', 'vault_id', mapping => '{"user_column": "owner"}');
SELECT status, user_id FROM tokenauth_identify('d-1');
SELECT tokenauth_detach('device');
SELECT tokenauth_detach('refresh');
SELECT device($$revoked_column => 'revoked'$$);
SELECT tokenauth_attach_parent('device', 'vault', 'vault_id', mapping => '{"user_column": "token"}');
SELECT refresh();
SELECT tokenauth_detach('device');
ALTER TABLE device ADD CONSTRAINT key FOREIGN KEY (session) REFERENCES vault (token);
SELECT device($$claims => '{session}'$$);
SELECT refresh();
SELECT tokenauth_detach('device');

-- Its own table's rows refer to each other; no convention picks such a column.
CREATE TABLE chain (token text PRIMARY KEY, id text REFERENCES chain, user_id int, revoked bool NOT NULL DEFAULT false);
SELECT tokenauth_attach('chain', token_column => 'token', stored_as => 'plaintext');
SELECT id_column FROM tokenauth_sources WHERE source = 'chain';
SELECT tokenauth_detach('chain');
SELECT tokenauth_attach('chain', token_column => 'token', stored_as => 'plaintext', claims => '{id}');

-- What a verify compares the token with is a secret, of whatever source.
CREATE TABLE account (id int PRIMARY KEY, key_id text UNIQUE, secret text, user_id int, region text UNIQUE, pin int, revoked bool NOT NULL DEFAULT false);
INSERT INTO account VALUES (1, 'k', 'k-secret', 7, 'r-eu', 1234);
CREATE FUNCTION verified(VARIADIC extra text[]) RETURNS name LANGUAGE plpgsql AS $$
DECLARE
    result name;
BEGIN
    EXECUTE format('SELECT tokenauth_attach(%L, prefix => %L, token_column => %L, stored_as => %L, mapping => %L, %s)',
                   'account', 'k-', 'key_id', 'plaintext', '{"lookup": "left(token, 1)", "verify": "token = secret OR token = id::text || user_id::text OR token = pin::text"}',
                   array_to_string(extra, ', ')) INTO result;
    RETURN result;
END $$;
SELECT verified($$claims => '{secret}'$$);
SELECT verified($$claims => '{pin}'$$);
SELECT verified($$id_column => 'secret'$$);
SELECT verified($$user_column => 'secret'$$);
SELECT verified($$claims => '{region}'$$);     -- its id and user go into what is compared, but are told
SELECT status, user_id, token_id, claims FROM tokenauth_identify('k-secret');
SELECT tokenauth_attach('account', 'region', prefix => 'r-', token_column => 'region', stored_as => 'plaintext', claims => '{secret}');
SELECT tokenauth_detach('account');
SELECT tokenauth_attach('account', 'region', prefix => 'r-', token_column => 'region', stored_as => 'plaintext', claims => '{secret}');
SELECT verified($$on_revoke => 'flag'$$);
SELECT tokenauth_detach('region');
-- whatever settings the session has
SET quote_all_identifiers = on;
SELECT verified($$claims => '{secret}'$$);
RESET quote_all_identifiers;
-- a word of its text, quoted or not, is its name; part of one is not
ALTER TABLE account RENAME secret TO "the secret";
ALTER TABLE account ADD secret text, ADD the text;
SELECT tokenauth_attach('account', prefix => 'k-', token_column => 'key_id', stored_as => 'plaintext', mapping => '{"lookup": "left(token, 1)", "verify": "token = \"the secret\""}', claims => '{the secret}');
SELECT tokenauth_attach('account', prefix => 'k-', token_column => 'key_id', stored_as => 'plaintext', mapping => '{"lookup": "left(token, 1)", "verify": "token = \"the secret\""}', claims => '{user_id}');
-- a source that cannot be read now may be mended
ALTER TABLE account RENAME user_id TO user_no;
SELECT tokenauth_attach('account', 'region', prefix => 'r-', token_column => 'region', stored_as => 'plaintext', user_column => 'user_no', claims => '{the secret}');
SELECT tokenauth_detach('account');
DROP TABLE account;
-- a number is one if nothing else is
CREATE TABLE numbered (id uuid PRIMARY KEY, lot int, user_id int, revoked bool NOT NULL DEFAULT false, expires_at timestamptz);
CREATE INDEX ON numbered (lot);
INSERT INTO numbered VALUES ('00000000-0000-0000-0000-000000000007', 1, 7, true, '2021-01-01');
SELECT tokenauth_attach('numbered', prefix => 'n_', token_column => 'lot', stored_as => 'plaintext', mapping => '{"lookup": "1", "verify": "token = ''n_'' || id::text"}');
SELECT id_column, user_column FROM tokenauth_sources WHERE source = 'numbered';
SELECT tokenauth_detach('numbered');
-- what ends a token is no secret; nor is it left out silently
SELECT tokenauth_attach('numbered', prefix => 'n_', token_column => 'lot', stored_as => 'plaintext', revoked_column => '', expires_column => '',
                        mapping => '{"lookup": "1", "verify": "token = ''n_'' || id::text AND NOT revoked AND expires_at IS NULL"}');
ALTER TABLE numbered ADD pat text UNIQUE;
UPDATE numbered SET pat = 'pat_1';
SELECT tokenauth_attach('numbered', 'pat', prefix => 'pat_', token_column => 'pat', stored_as => 'plaintext');
SELECT expires_column, revoked_column FROM tokenauth_sources WHERE source = 'pat';
SELECT status FROM tokenauth_identify('pat_1');
SELECT tokenauth_detach('pat'), tokenauth_detach('numbered');
CREATE TABLE users (id int PRIMARY KEY, pat text UNIQUE);
ALTER TABLE numbered DROP user_id, ADD user_id text;
ALTER TABLE numbered ADD FOREIGN KEY (user_id) REFERENCES users (pat);
SELECT tokenauth_attach('users', prefix => 'pat_', token_column => 'pat', stored_as => 'plaintext', user_column => 'id', on_revoke => 'forget');
SELECT tokenauth_attach('numbered', prefix => 'n_', token_column => 'pat', stored_as => 'plaintext');
SELECT tokenauth_attach('numbered', prefix => 'n_', token_column => 'pat', stored_as => 'plaintext', user_column => '');
SELECT tokenauth_detach('numbered'), tokenauth_detach('users');
DROP TABLE numbered, users;

-- A source finds its parents by their tokens, without a foreign key.
ALTER TABLE device DROP CONSTRAINT key, DROP vault_id, ADD user_id int, ADD badge text UNIQUE;
ALTER TABLE session DROP CONSTRAINT session_refresh_fkey;
SELECT refresh();
SELECT device($$claims => '{session}'$$);      -- nothing says what it is
SELECT tokenauth_attach_parent('device', 'session', 'session', 'refresh', live_when => 'NOT revoked');
SELECT tokenauth_detach('device');
SELECT device($$user_column => ''$$);
SELECT tokenauth_attach_parent('device', 'session', 'session', 'refresh', mapping => '{"user_column": "user_id"}');
SELECT tokenauth_attach('device', 'other', prefix => 'o-', token_column => 'badge', id_column => '', stored_as => 'plaintext', claims => '{session}');
SELECT tokenauth_detach('refresh');
SELECT tokenauth_attach('device', 'other', prefix => 'o-', token_column => 'badge', id_column => '', stored_as => 'plaintext', claims => '{session}');
SELECT refresh();
SELECT tokenauth_detach('other');
SELECT tokenauth_detach('device');

-- Of what a very long expression is made is not read: it may be made of every column.
CREATE TABLE long (id int PRIMARY KEY, a text UNIQUE, b text);
SELECT tokenauth_attach('long', token_column => 'a', stored_as => 'plaintext', user_column => 'b');
SELECT tokenauth_detach('long');
DO $$ BEGIN EXECUTE format('ALTER TABLE long ADD made text GENERATED ALWAYS AS (a || %L) STORED', repeat('x', 100000)); END $$;
SELECT tokenauth_attach('long', token_column => 'a', stored_as => 'plaintext', user_column => 'b');
SELECT tokenauth_detach('long');
SELECT tokenauth_attach('long', token_column => 'made', stored_as => 'plaintext', user_column => 'b');

-- In two steps, and through what is generated.
CREATE TABLE root (id int PRIMARY KEY, base text, tok text GENERATED ALWAYS AS (base || '') STORED UNIQUE);
CREATE TABLE mid (tok text PRIMARY KEY REFERENCES root (tok));
CREATE TABLE login2 (id int PRIMARY KEY, refresh text UNIQUE REFERENCES mid (tok), user_id int, revoked bool NOT NULL DEFAULT false);
CREATE TABLE device2 (id int PRIMARY KEY, token_hash text UNIQUE, root_id int REFERENCES root, last text REFERENCES root (tok), revoked bool NOT NULL DEFAULT false);
INSERT INTO root VALUES (1, 'r-two');
INSERT INTO mid VALUES ('r-two');
INSERT INTO login2 VALUES (1, 'r-two', 7);
SELECT tokenauth_attach('login2', prefix => 'r2-', token_column => 'refresh', stored_as => 'plaintext');
SELECT tokenauth_attach('device2', prefix => 'd2_', user_column => '', claims => '{last}');
SELECT tokenauth_attach('device2', prefix => 'd2_', user_column => '');
SELECT tokenauth_attach_parent('device2', 'root', 'root_id', mapping => '{"user_column": "tok"}');
SELECT tokenauth_attach_parent('device2', 'root', 'root_id', mapping => '{"user_column": "base"}');
SELECT tokenauth_detach('device2'), tokenauth_detach('login2');
DROP SCHEMA told_attack CASCADE;
