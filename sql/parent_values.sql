-- What the rows of parents say of a token: whose it is, of which tenant, until when;
-- and parents of parents.
CREATE SCHEMA family;
SET search_path = family, public;
SET timezone = 'UTC';

CREATE FUNCTION status(token text, source name DEFAULT 'token') RETURNS text
LANGUAGE sql AS $$
    SELECT i.status || coalesce(' ' || i.user_id, '') || coalesce(' of ' || i.tenant_id, '')
        || coalesce(', until ' || to_char(i.expires_at AT TIME ZONE 'UTC', 'YYYY'), '')
    FROM tokenauth_identify(token, source) i
$$;
-- of the table, then of the cache: they must not differ
CREATE FUNCTION twice(token text, source name DEFAULT 'token') RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    a text := status(token, source);
    b text := status(token, source);
BEGIN
    RETURN CASE WHEN a = b THEN a ELSE a || ' BUT ' || b END;
END $$;

-- token -> session -> account -> plan
CREATE TABLE plan (name text PRIMARY KEY, ends_at timestamptz, tenant int);
CREATE TABLE account (id int PRIMARY KEY, plan varchar(20), blocked bool NOT NULL DEFAULT false, until timestamp);
CREATE TABLE session (id uuid PRIMARY KEY, account_id int, started timestamptz, seconds int);
CREATE TABLE token (id serial PRIMARY KEY, token text UNIQUE NOT NULL, session_id uuid, expires_at timestamptz, revoked bool NOT NULL DEFAULT false);
INSERT INTO plan VALUES ('paid', '2090-06-01', 1), ('free', NULL, 2), ('over', '2000-06-01', 3);
INSERT INTO account VALUES (7, 'paid'), (8, 'free'), (9, 'over'), (10, 'none'), (11, NULL);
INSERT INTO account VALUES (12, 'free', true);
INSERT INTO session SELECT ('00000000-0000-0000-0000-0000000000' || n)::uuid, n, '2070-01-01', NULL FROM generate_series(10, 12) n;
INSERT INTO session VALUES ('00000000-0000-0000-0000-000000000007', 7, '2070-01-01', NULL),
    ('00000000-0000-0000-0000-000000000008', 8, '2070-06-01', 86400), ('00000000-0000-0000-0000-000000000009', 9, '2070-01-01', NULL),
    ('00000000-0000-0000-0000-000000000050', 50, NULL, NULL), ('00000000-0000-0000-0000-000000000060', NULL, NULL, NULL);
INSERT INTO token (token, session_id)
    SELECT 't' || right(id::text, 2)::int, id FROM session;
INSERT INTO token (token, session_id, expires_at) VALUES ('alone', NULL, NULL), ('lost', '00000000-0000-0000-0000-000000000099', NULL),
    ('short', '00000000-0000-0000-0000-000000000007', '2060-06-01'), ('old', '00000000-0000-0000-0000-000000000007', '2001-01-01');

-- Refused: what is not known, said twice, of no parent, of another type.
SELECT tokenauth_attach('token', token_column => 'token', stored_as => 'plaintext');
SELECT tokenauth_attach_parent('token', 'session', 'session_id', mapping => '{"user_colum": "account_id"}');
SELECT tokenauth_attach_parent('token', 'session', 'session_id', mapping => '{"live_when": "true"}');
SELECT tokenauth_attach_parent('token', 'session', 'session_id', mapping => '{"scope_column": "id"}');
SELECT tokenauth_attach_parent('token', 'session', 'session_id', mapping => '{"user_column": "account_id", "user_expression": "account_id"}');
SELECT tokenauth_attach_parent('token', 'session', 'session_id', mapping => '{"user_column": "nothing"}');
SELECT tokenauth_attach_parent('token', 'session', 'session_id', mapping => '{"user_column": "started"}');
SELECT tokenauth_attach_parent('token', 'session', 'session_id', mapping => '{"expires_column": "seconds"}');
SELECT tokenauth_attach_parent('token', 'session', 'session_id', mapping => '{"expires_expression": "now()"}');
SELECT tokenauth_attach_parent('token', 'session', 'session_id', mapping => '{"expires_expression": "seconds"}');
SELECT tokenauth_attach_parent('token', 'account', 'account_id', mapping => '{"of": "session_id"}');
SELECT tokenauth_attach_parent('token', 'token', 'id', mapping => '{"user_column": "token"}');
SELECT tokenauth_attach_parent('token', 'token', 'id', mapping => '{"user_expression": "left(token, 3)"}');
SELECT parents, parent_mappings FROM tokenauth_sources;

-- The user and an expiry of the session; the account; the expiry and the tenant of its plan.
SELECT tokenauth_attach_parent('token', 'session', 'session_id',
    mapping => '{"user_column": "account_id", "expires_expression": "started + seconds * interval ''1 second''"}');
SELECT twice(token) FROM token ORDER BY id;
SELECT tokenauth_attach_parent('token', 'account', 'account_id', live_when => 'NOT blocked',
    mapping => '{"of": "session_id", "expires_column": "until"}');
SELECT token, twice(token) FROM token ORDER BY id;
SELECT tokenauth_attach_parent('token', 'plan', 'account_id', mapping => '{"of": "session_id"}');
SELECT tokenauth_attach_parent('token', 'plan', 'plan', 'name', mapping => '{"of": "account_id", "tenant_column": "tenant"}');
SELECT tokenauth_attach_parent('token', 'plan', 'plan', 'name', mapping => '{"of": "session_id.account_id", "tenant_column": "tenant", "expires_column": "ends_at"}');
SELECT tokenauth_attach_parent('token', 'plan', 'plan', 'name', mapping => '{"of": "session_id.account_id", "expires_column": "ends_at"}');
SELECT tokenauth_attach_parent('token', 'session', 'session_id', mapping => '{"tenant_column": "account_id"}');
SELECT parents, parent_mappings FROM tokenauth_sources;
-- "alone" has no session, t60's has no account, t11's account no plan: which would say how long
SELECT token, twice(token) FROM token ORDER BY id;

SELECT tokenauth_attach_parent('token', 'account', 'id', mapping => '{"user_column": "id"}');

-- Each row on the way counts, at once.
UPDATE session SET account_id = 8 WHERE account_id = 7;
SELECT token, twice(token) FROM token WHERE token IN ('t7', 'short') ORDER BY 1;
UPDATE account SET plan = 'paid' WHERE id = 8;
SELECT token, twice(token) FROM token WHERE token IN ('t7', 't8') ORDER BY 1;
UPDATE account SET until = '2050-01-01' WHERE id = 8;
SELECT token, twice(token) FROM token WHERE token IN ('t7', 't8') ORDER BY 1;
UPDATE plan SET ends_at = '2040-01-01', tenant = 4 WHERE name = 'paid';
SELECT token, twice(token) FROM token WHERE token IN ('t7', 't8') ORDER BY 1;
UPDATE plan SET ends_at = '2001-01-01' WHERE name = 'paid';
SELECT token, twice(token) FROM token WHERE token IN ('t7', 't8') ORDER BY 1;
UPDATE plan SET ends_at = NULL WHERE name = 'paid';
UPDATE account SET blocked = true WHERE id = 8;
SELECT token, twice(token) FROM token WHERE token IN ('t7', 't8') ORDER BY 1;
UPDATE account SET blocked = false, until = NULL WHERE id = 8;
DELETE FROM account WHERE id = 8;
SELECT token, twice(token) FROM token WHERE token IN ('t7', 't8') ORDER BY 1;
INSERT INTO account VALUES (8, 'paid');
SELECT token, twice(token) FROM token WHERE token IN ('t7', 't8') ORDER BY 1;
TRUNCATE session;
SELECT token, twice(token) FROM token WHERE token IN ('t7', 't8') ORDER BY 1;
INSERT INTO session VALUES ('00000000-0000-0000-0000-000000000007', 8), ('00000000-0000-0000-0000-000000000008', 8), ('00000000-0000-0000-0000-000000000009', 10);
SELECT token, twice(token) FROM token WHERE token IN ('t7', 't8') ORDER BY 1;
SELECT tokenauth_resolve('t7', NULL::int), tokenauth_resolve('t7', NULL::int, scope => 'x');
SELECT tokenauth_resolve('t7');
BEGIN;
SELECT user_id, tenant_id FROM tokenauth_bind('t7');
SELECT tokenauth_user(NULL::int), tokenauth_tenant(NULL::int);
COMMIT;

-- The functions on a token's life find the rows of a user through the parents.
SELECT token_id, expires_at IS NULL AS forever, status FROM tokenauth_list(8, source => 'token');
SELECT tokenauth_issue(8, source => 'token');
SELECT tokenauth_issue(NULL::int, source => 'token', tenant_id => 1);
SELECT expires_at FROM tokenauth_issue(NULL::int, source => 'token', attributes => '{"session_id": "00000000-0000-0000-0000-000000000007"}');
SELECT count(*) FROM tokenauth_list(8, source => 'token');
SELECT tokenauth_rotate('t8', grace => interval '1 hour', source => 'token');
SELECT expires_at FROM tokenauth_rotate('t8', source => 'token');
SELECT token_id, status FROM tokenauth_list(8, source => 'token', include_dead => true) ORDER BY token_id::int;
SELECT tokenauth_revoke((SELECT id FROM token WHERE token = 't7'), 7, source => 'token');
SELECT tokenauth_revoke((SELECT id FROM token WHERE token = 't7'), 8, source => 'token');
SELECT twice('t7');
SELECT tokenauth_revoke_user(9), tokenauth_revoke_user(8), tokenauth_revoke_user(8);
SELECT count(*) FROM tokenauth_list(8, source => 'token');
SELECT tokenauth_revoke_tenant(4), tokenauth_revoke_tenant(3);
SELECT CASE WHEN length(token) < 9 THEN token ELSE 'new' END AS token, revoked FROM token ORDER BY id;
-- a successor has no expiry of its own because its session has one
UPDATE token SET revoked = false;
UPDATE session SET started = '2070-01-01', seconds = 1;
SELECT twice('t7');
SELECT expires_at FROM tokenauth_rotate('t7', source => 'token');
SELECT expires_at IS NULL AS its_own FROM token ORDER BY id DESC LIMIT 1;
SELECT expires_at, status FROM tokenauth_list(8, source => 'token') LIMIT 1;
-- used once, another source's token becomes none of this one
CREATE TABLE code (token text PRIMARY KEY, user_id int, used_at timestamptz);
INSERT INTO code VALUES ('c', 7);
SELECT tokenauth_attach('code', token_column => 'token', stored_as => 'plaintext', prefix => 'c', used_column => 'used_at');
SELECT tokenauth_exchange('c', 'token');
SELECT used_at FROM code;
SELECT tokenauth_detach('code');

-- Columns on the way count for the fingerprint; what is gone is said, with the way back.
ALTER TABLE account RENAME plan TO tariff;
SELECT status('t8');
SELECT finding FROM tokenauth_doctor() WHERE source = 'token' AND severity = 'error';
ALTER TABLE account RENAME tariff TO plan;
ALTER TABLE session RENAME account_id TO owner;
SELECT status('t8');
SELECT finding FROM tokenauth_doctor() WHERE source = 'token' AND severity = 'error';
ALTER TABLE session RENAME owner TO account_id;
UPDATE token SET revoked = false;
SELECT twice('t8');
-- the doctor's fix says all of it again
CREATE TEMP TABLE kept AS SELECT * FROM tokenauth_source;
ALTER TABLE token RENAME id TO number;
SELECT regexp_replace(fix, '<[^>]*>', '''id''') AS fix FROM tokenauth_doctor() WHERE source = 'token' AND severity = 'error' \gset
ALTER TABLE token RENAME number TO id;
:fix
SELECT k.parents::text = s.parents::text AS parents, k.parent_mappings = s.parent_mappings AS mappings
FROM kept k, tokenauth_source s;
SELECT twice('t8');

-- A registry of before has nothing of this; one that does not fit is refused.
UPDATE tokenauth_source SET parent_mappings = NULL;
SELECT status('t8');
UPDATE tokenauth_source SET parents = parents[1:1];
SELECT status('t8');
UPDATE tokenauth_source SET parent_mappings = '{NULL,NULL}';
SELECT status('t8');
UPDATE tokenauth_source SET parent_mappings = ARRAY['{"because": "x"}'::jsonb];
SELECT status('t8');
UPDATE tokenauth_source SET parent_mappings = ARRAY['[]'::jsonb];
SELECT status('t8');
UPDATE tokenauth_source SET parent_mappings = ARRAY['{"of": "session_id"}'::jsonb];
SELECT status('t8');
UPDATE tokenauth_source SET parent_mappings = ARRAY['{"user_column": "account_id"}'::jsonb], user_column = 'id';
SELECT status('t8');
UPDATE tokenauth_source SET (parents, parent_mappings, user_column) = (SELECT parents, parent_mappings, user_column FROM kept);
SELECT twice('t8');

-- Without a user: as its mapping says.
SELECT tokenauth_detach('token');
SELECT tokenauth_attach('token', token_column => 'token', stored_as => 'plaintext', mapping => '{"null_user": "valid"}');
SELECT tokenauth_attach_parent('token', 'session', 'session_id', mapping => '{"user_column": "account_id"}');
SELECT twice('alone'), twice('lost'), twice('t9');
SELECT tokenauth_detach('token');

-- Each table's owner runs what is said of it, and need see no other.
CREATE ROLE regress_family;
GRANT USAGE ON SCHEMA family TO regress_family;
CREATE FUNCTION who(account int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RAISE LOG '%', current_user;
    RETURN CASE current_user WHEN 'regress_family' THEN account END;
END $$;
ALTER TABLE session OWNER TO regress_family;
ALTER TABLE session ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
SELECT tokenauth_attach('token', token_column => 'token', stored_as => 'plaintext');
SELECT tokenauth_attach_parent('token', 'session', 'session_id', mapping => '{"user_expression": "family.who(account_id)"}');
SELECT twice('t8'), twice('t9');
SELECT count(*) FROM tokenauth_list(8, source => 'token');
SELECT tokenauth_revoke_user(10);
SELECT twice('t8'), twice('t9');
SELECT tokenauth_detach('token');
DROP SCHEMA family CASCADE;
DROP ROLE regress_family;
