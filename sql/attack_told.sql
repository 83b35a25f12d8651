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
DROP SCHEMA told_attack CASCADE;
