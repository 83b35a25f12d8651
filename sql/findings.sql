--
-- What the doctor finds in settings, in the owner's rights, and in some rows; and
-- that a source with such a finding is no trouble for others.
--
\set SHOW_CONTEXT never
\set VERBOSITY terse
CREATE FUNCTION h(text) RETURNS text LANGUAGE sql IMMUTABLE RETURN encode(sha256($1::bytea), 'hex');
CREATE VIEW found AS
    SELECT * FROM tokenauth_doctor() WHERE finding ~ 'tokenauth.enabled|the owner of table .* has no right|values of column';
CREATE VIEW findings AS
    SELECT severity, source, replace(finding, quote_ident(current_database()), 'DB') AS finding,
        replace(fix, quote_ident(current_database()), 'DB') AS fix FROM found;
CREATE VIEW agree AS
    SELECT tokenauth_ready() = NOT EXISTS (SELECT FROM tokenauth_doctor() WHERE severity = 'error') AS agree;

-- The cache is off for a database, a role, both, all.
CREATE ROLE "regress Off";
SELECT format('ALTER DATABASE %I SET tokenauth.enabled = off', current_database()) \gexec
ALTER ROLE "regress Off" SET tokenauth.enabled = 'no';
SELECT format('ALTER ROLE "regress Off" IN DATABASE %I SET tokenauth.enabled = false', current_database()) \gexec
ALTER ROLE ALL SET tokenauth.enabled = off;
ALTER ROLE CURRENT_USER SET tokenauth.enabled = on;
TABLE findings;
TABLE agree;
SELECT string_agg(fix, ' ') AS fix FROM found \gset
:fix
TABLE findings;
ALTER ROLE CURRENT_USER RESET tokenauth.enabled;
DROP ROLE "regress Off";

-- An owner who may not what we do as the owner.
CREATE ROLE regress_poor;
CREATE SCHEMA poor;
CREATE TABLE poor.tok (token_hash text PRIMARY KEY, user_id text, last_used_at timestamptz,
    revoked boolean NOT NULL DEFAULT false);
CREATE TABLE rich (LIKE poor.tok INCLUDING ALL);
SELECT tokenauth_attach('poor.tok', prefix => 'p_');
SELECT tokenauth_attach('rich', prefix => 'r_');
INSERT INTO poor.tok VALUES (h('p_1'), 'u');
INSERT INTO rich VALUES (h('r_1'), 'u');
ALTER TABLE poor.tok OWNER TO regress_poor;
REVOKE UPDATE ON poor.tok FROM regress_poor;
TABLE findings;
TABLE agree;
-- judged they are all the same; uses are written, and tokens revoked, where they can be
SELECT tokenauth_resolve('p_1', NULL::text), tokenauth_resolve('r_1', NULL::text);
SELECT tokenauth_flush_last_used();
SELECT (SELECT last_used_at IS NOT NULL FROM rich) AS rich, (SELECT last_used_at IS NOT NULL FROM poor.tok) AS poor;
SELECT tokenauth_revoke_user('u');
SELECT status FROM unnest('{p_1,r_1}'::text[]) t, tokenauth_identify(t);
SELECT string_agg(fix, ' ') AS fix FROM found \gset
:fix
TABLE findings;
SELECT tokenauth_revoke_user('u');
-- one that deletes
CREATE TABLE poor.session (token_hash text PRIMARY KEY, user_id text);
SELECT tokenauth_attach('poor.session', prefix => 's_', on_revoke => 'delete');
ALTER TABLE poor.session OWNER TO regress_poor;
REVOKE DELETE, SELECT ON poor.session FROM regress_poor;
TABLE findings;
SELECT fix FROM found \gset
:fix
TABLE findings;

-- Values that are no digests.
INSERT INTO poor.session SELECT upper(h('s_' || n)) FROM generate_series(1, 3) n;
SELECT status FROM tokenauth_identify('s_1');
SELECT severity, source, finding, substring(fix, 'stored_as => <[^>]*>') FROM findings;
TABLE agree;
INSERT INTO poor.session SELECT h('s_' || n) FROM generate_series(4, 20) n;
TABLE findings;
INSERT INTO poor.session SELECT '$2b$10$' || n FROM generate_series(1, 10) n;
SELECT severity, source, finding FROM findings;
DROP SCHEMA poor CASCADE;
DROP TABLE rich;
CREATE TABLE bytes (token_hash bytea PRIMARY KEY, user_id text);
SELECT tokenauth_attach('bytes', stored_as => 'sha256-bytea');
INSERT INTO bytes VALUES (convert_to(h('x'), 'UTF8'));
SELECT severity, source, finding FROM findings;
UPDATE bytes SET token_hash = sha256('x');
TABLE findings;
DROP TABLE bytes;
DROP VIEW findings, found, agree;
DROP FUNCTION h;
DROP ROLE regress_poor;

-- A column that could end the life of tokens; by attaching again that
-- is settled.
CREATE TABLE later (token_hash text UNIQUE, user_id int, expiry timestamptz);
SELECT tokenauth_attach('later', prefix => 'l_', expires_column => '');
CREATE VIEW overlooked AS SELECT severity, finding, substring(fix, '[a-z_]* => <[^>]*>') AS fix FROM tokenauth_doctor() WHERE finding ~ 'life of tokens';
TABLE overlooked;
ALTER TABLE later ADD "deletedAt" timestamptz, ADD is_active boolean, ADD note text;
TABLE overlooked;
SELECT tokenauth_detach('later');
SELECT tokenauth_attach('later', prefix => 'l_', expires_column => '', revoked_column => 'deletedAt', mapping => '{"ignored_columns": ["expiry", "is_active"]}');
TABLE overlooked;
SELECT tokenauth_detach('later');
DROP VIEW overlooked;
DROP TABLE later;
