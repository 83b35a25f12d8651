--
-- What one owner says of his tokens keeps no source of another owner from being read.
--
SET client_min_messages = warning;
\set SHOW_CONTEXT never
CREATE ROLE outage_victim;
CREATE ROLE outage_mallory;
CREATE SCHEMA outage;
GRANT ALL ON SCHEMA outage TO outage_victim, outage_mallory;
SET search_path = outage, public;
SELECT tokenauth_grant('outage_victim', 'attach'), tokenauth_grant('outage_mallory', 'attach');
CREATE TABLE users (id text PRIMARY KEY, name text);
INSERT INTO users VALUES ('u7', 'seven');
GRANT SELECT, REFERENCES ON users TO outage_victim, outage_mallory;
SET ROLE outage_victim;
CREATE TABLE victim (id int PRIMARY KEY, token_hash text UNIQUE, user_id text REFERENCES users, tenant_id text, revoked bool NOT NULL DEFAULT false);
INSERT INTO victim VALUES (1, encode(sha256('v_1'), 'hex'), 'u7');
SELECT tokenauth_attach('victim', prefix => 'v_');
SET ROLE outage_mallory;
CREATE TABLE mallory (id int PRIMARY KEY, k text UNIQUE, secret text, user_id text, revoked bool NOT NULL DEFAULT false);
SELECT tokenauth_attach('mallory', prefix => 'm_', token_column => 'k', stored_as => 'plaintext');
CREATE FUNCTION victims() RETURNS TABLE (status text, user_id text) LANGUAGE sql AS $$
    SELECT status, user_id FROM tokenauth_identify('v_1') $$;
RESET ROLE;
SELECT * FROM victims();

-- His tokens are what the victim tells: by a key, a renamed column, a way to a parent.
SET ROLE outage_mallory;
ALTER TABLE mallory ADD CONSTRAINT key FOREIGN KEY (k) REFERENCES users;
RESET ROLE;
SELECT tokenauth_flush();
\c -
SET search_path = outage, public;
SET client_min_messages = warning;
SELECT * FROM victims();
SELECT source, finding FROM tokenauth_doctor() WHERE severity = 'error';
SET ROLE outage_mallory;
ALTER TABLE mallory DROP CONSTRAINT key, ADD r text REFERENCES users;
ALTER TABLE mallory RENAME k TO old;
ALTER TABLE mallory RENAME r TO k;
RESET ROLE;
\c -
SET search_path = outage, public;
SET client_min_messages = warning;
SELECT * FROM victims();
SET ROLE outage_mallory;
ALTER TABLE mallory RENAME k TO r;
ALTER TABLE mallory RENAME old TO k;
RESET ROLE;
ALTER TABLE users OWNER TO outage_mallory;
SET ROLE outage_mallory;
SELECT tokenauth_attach_parent('mallory', 'users', 'k', 'id');
RESET ROLE;
SELECT * FROM victims();
SET ROLE outage_mallory;
SELECT tokenauth_detach('mallory');
-- or what his verify has a word of
SELECT tokenauth_attach('mallory', prefix => 'm_', token_column => 'k', stored_as => 'plaintext', mapping => '{"lookup": "left(token, 3)", "verify": "token = secret AND ''x y z'' <> token"}');
ALTER TABLE mallory ADD y text REFERENCES users;
RESET ROLE;
SELECT * FROM victims();

-- Nor does that keep the victim from attaching, or leave out what says whose a token is.
SET ROLE outage_victim;
SELECT tokenauth_detach('victim');
SELECT tokenauth_attach('victim', prefix => 'v_');
RESET ROLE;
SELECT user_column, tenant_column FROM tokenauth_sources WHERE source = 'victim';
SELECT * FROM victims();

-- What the victim's own columns refer to is told, whosever tokens it has: his own does.
SET ROLE outage_mallory;
ALTER TABLE mallory ADD CONSTRAINT tokens UNIQUE (secret);
GRANT REFERENCES ON mallory TO outage_victim;
RESET ROLE;
ALTER TABLE victim DROP CONSTRAINT victim_user_id_fkey;
UPDATE victim SET user_id = NULL;
SET ROLE outage_victim;
ALTER TABLE victim ADD CONSTRAINT tells FOREIGN KEY (user_id) REFERENCES mallory (secret);
RESET ROLE;
SELECT * FROM victims();
-- and no more, once the key is gone, in the same session
SET ROLE outage_victim;
ALTER TABLE victim DROP CONSTRAINT tells;
RESET ROLE;
SELECT * FROM victims();
-- who has all rights of the victim's may keep it from being read
GRANT outage_victim TO outage_mallory;
SET ROLE outage_mallory;
ALTER TABLE mallory ADD CONSTRAINT key FOREIGN KEY (secret) REFERENCES users;
RESET ROLE;
UPDATE victim SET user_id = 'u7';
ALTER TABLE victim ADD FOREIGN KEY (user_id) REFERENCES users;
SELECT * FROM victims();
-- the same session hears who has them, of roles and of owners
REVOKE outage_victim FROM outage_mallory;
SELECT * FROM victims();
GRANT outage_victim TO outage_mallory;
SELECT * FROM victims();
REVOKE outage_victim FROM outage_mallory;
ALTER ROLE outage_mallory SUPERUSER;
SELECT * FROM victims();
ALTER ROLE outage_mallory NOSUPERUSER;
SELECT * FROM victims();
ALTER TABLE mallory OWNER TO outage_victim;
SELECT * FROM victims();
ALTER TABLE mallory OWNER TO outage_mallory;
SELECT * FROM victims();
ALTER TABLE mallory DROP CONSTRAINT key, DROP y;
\c -
SET search_path = outage, public;
SET client_min_messages = warning;
SELECT * FROM victims();
SELECT tokenauth_detach('victim'), tokenauth_detach('mallory');
DROP SCHEMA outage CASCADE;
DROP OWNED BY outage_victim, outage_mallory;
DROP ROLE outage_victim, outage_mallory;
