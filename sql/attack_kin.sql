-- Several sources of one table, and tables of parents with tokens of their own: none
-- tells the tokens of another, or makes them.
CREATE SCHEMA kin_attack;
SET search_path = kin_attack, public;
SET client_min_messages = warning;

-- What is told of a token is no token: not by convention, not where it is said, and
-- whichever comes first.
CREATE TABLE session (id text PRIMARY KEY, refresh_token text UNIQUE, user_id int, public text UNIQUE, revoked bool NOT NULL DEFAULT false);
INSERT INTO session VALUES ('s-secret', 'r-secret', 7, 'laptop');
SELECT tokenauth_attach('session', 'session', prefix => 's-', token_column => 'id', stored_as => 'plaintext');
SELECT tokenauth_attach('session', 'refresh', prefix => 'r-', token_column => 'refresh_token', stored_as => 'plaintext');
SELECT source, token_column, id_column FROM tokenauth_sources ORDER BY 1;
SELECT status, user_id, token_id FROM tokenauth_identify('r-secret');
SELECT count(*), min(token_id) FROM tokenauth_list(7, 'refresh');
SELECT tokenauth_detach('refresh');
CREATE FUNCTION refresh(VARIADIC extra text[]) RETURNS name LANGUAGE plpgsql AS $$
DECLARE
    result name;
BEGIN
    EXECUTE format('SELECT tokenauth_attach(%L, %L, prefix => %L, token_column => %L, stored_as => %L, %s)',
                   'session', 'refresh', 'r-', 'refresh_token', 'plaintext', array_to_string(extra, ', ')) INTO result;
    RETURN result;
END $$;
\set SHOW_CONTEXT never
SELECT refresh($$id_column => 'id'$$);
SELECT refresh($$claims => '{public, id}'$$);
SELECT refresh($$user_column => 'id'$$);
SELECT refresh($$scope_column => 'id'$$);
SELECT refresh($$mapping => '{"id_expression": "left(id, 3)"}'$$);
SELECT refresh($$user_column => ''$$, $$mapping => '{"user_expression": "public || id"}'$$);
SELECT refresh($$live_when => 'id IS NOT NULL'$$);      -- counts, and is not told
SELECT tokenauth_detach('session');
SELECT tokenauth_detach('refresh');
SELECT refresh($$id_column => 'id'$$);
SELECT tokenauth_attach('session', 'session', prefix => 's-', token_column => 'id', stored_as => 'plaintext');
SELECT tokenauth_detach('refresh');
SELECT refresh($$mapping => '{"tenant_expression": "lower(id)"}'$$);
SELECT tokenauth_attach('session', 'session', prefix => 's-', token_column => 'id', stored_as => 'plaintext');
SELECT source FROM tokenauth_sources;
SELECT tokenauth_detach('refresh');

-- nor by a row that a parent has
CREATE TABLE device (id int PRIMARY KEY, token text UNIQUE, name text, session text);
INSERT INTO device VALUES (1, 'd-secret', 'phone', 's-secret');
SELECT tokenauth_attach('session', 'session', prefix => 's-', token_column => 'id', stored_as => 'plaintext');
SELECT tokenauth_attach('session', 'refresh', prefix => 'r-', token_column => 'refresh_token', stored_as => 'plaintext');
SELECT tokenauth_attach('device', 'device', prefix => 'd-', token_column => 'token', stored_as => 'plaintext', user_column => '', on_revoke => 'delete');
SELECT tokenauth_attach_parent('device', 'session', 'session', mapping => '{"user_column": "id"}');
SELECT tokenauth_attach_parent('device', 'session', 'session', mapping => '{"user_column": "refresh_token"}');
SELECT tokenauth_attach_parent('device', 'session', 'session', mapping => '{"user_expression": "public || right(refresh_token, 4)"}');
SELECT tokenauth_attach_parent('device', 'session', 'session', mapping => '{"user_column": "user_id"}');
SELECT status, user_id, token_id FROM tokenauth_identify('d-secret');
SELECT tokenauth_detach('device');
SELECT tokenauth_detach('refresh');
SELECT tokenauth_attach('device', 'device', prefix => 'd-', token_column => 'token', stored_as => 'plaintext', user_column => '', on_revoke => 'delete');
SELECT tokenauth_attach_parent('device', 'session', 'session', mapping => '{"user_column": "public"}');
SELECT tokenauth_attach('session', 'public', prefix => 'p-', token_column => 'public', stored_as => 'plaintext');
SELECT status, user_id FROM tokenauth_identify('d-secret');

-- The registry says so by a superuser's hand, or in a dump: it refuses.
UPDATE tokenauth_source SET id_column = 'session' WHERE source = 'device';
SELECT status, user_id, token_id FROM tokenauth_identify('d-secret');
INSERT INTO tokenauth_source SELECT (jsonb_populate_record(s, '{"source": "names", "prefix": "n-", "token_column": "session", "parents": "{}", "parent_mappings": null}')).* FROM tokenauth_source s WHERE source = 'device';
SELECT status, user_id, token_id FROM tokenauth_identify('d-secret');
SELECT finding FROM tokenauth_doctor() WHERE source IN ('device', 'names') AND severity = 'error' ORDER BY 1;
DELETE FROM tokenauth_source WHERE source = 'names';
SELECT status, user_id, token_id FROM tokenauth_identify('d-secret');
SELECT tokenauth_detach('device');
SELECT tokenauth_detach('session');

-- A column with tokens is shown neither as a name nor as what is known of them, and no
-- such form is written into it.
CREATE TABLE shown (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, token_hash text UNIQUE, token_prefix text UNIQUE, name text UNIQUE, user_id int, revoked bool NOT NULL DEFAULT false);
SELECT tokenauth_attach('shown', 'one', prefix => 'one_');
SELECT tokenauth_attach('shown', 'two', prefix => 'two_', token_column => 'token_prefix', stored_as => 'plaintext');
SELECT tokenauth_attach('shown', 'three', prefix => 'three_', token_column => 'name', stored_as => 'plaintext');
SELECT token AS one FROM tokenauth_issue(7, source => 'one') \gset
SELECT token_hash IS NOT NULL AS hash, token_prefix, name FROM shown;
UPDATE shown SET name = 'three_secret', token_prefix = 'two_secret';
SELECT token_id, name, token_prefix, status FROM tokenauth_list(7, 'one');
SELECT tokenauth_detach(s) FROM unnest('{one, two, three}'::name[]) s;

-- Attributes do not make a token of another source, by whatever that one asks for.
CREATE TABLE service (id int PRIMARY KEY, owner int);
INSERT INTO service VALUES (1, 999);
CREATE TABLE kinds (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, token text UNIQUE NOT NULL, kind text NOT NULL, note text, user_id int, subject int, service_id int);
SELECT tokenauth_attach('kinds', 'pat', token_column => 'token', stored_as => 'plaintext', live_when => $$kind = 'pat'$$, on_revoke => 'delete');
SELECT tokenauth_attach('kinds', 'admin', token_column => 'token', stored_as => 'plaintext', live_when => $$kind = 'admin'$$, on_revoke => 'delete');
SELECT tokenauth_attach('kinds', 'subject', token_column => 'token', stored_as => 'plaintext', user_column => '', live_when => $$kind = 'subject'$$, on_revoke => 'delete',
                        mapping => '{"user_expression": "subject"}');
SELECT tokenauth_attach('kinds', 'service', token_column => 'token', stored_as => 'plaintext', user_column => '', on_revoke => 'delete');
SELECT tokenauth_attach_parent('service', 'service', 'service_id', mapping => '{"user_column": "owner"}');
SELECT token IS NOT NULL AS pat FROM tokenauth_issue(7, source => 'pat', attributes => '{"kind": "admin"}');
SELECT token IS NOT NULL AS pat FROM tokenauth_issue(7, source => 'pat', attributes => '{"kind": "subject", "subject": 1}');
SELECT token IS NOT NULL AS pat FROM tokenauth_issue(7, source => 'pat', attributes => '{"kind": "pat", "service_id": 1}');
SELECT token AS pat FROM tokenauth_issue(7, source => 'pat', attributes => '{"kind": "pat", "note": "laptop", "subject": 1}') \gset
SELECT token IS NOT NULL AS pat FROM tokenauth_rotate(:'pat', source => 'pat', attributes => '{"service_id": 1}');
SELECT s, status, user_id FROM unnest('{pat, admin, subject, service}'::name[]) s, tokenauth_identify(:'pat', s);
SELECT token IS NOT NULL AS admin FROM tokenauth_issue(7, source => 'admin', attributes => '{"kind": "admin", "note": "its own kind"}');
-- a trigger decides with them
CREATE FUNCTION promote() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.note = 'promote' THEN NEW.kind := 'admin'; END IF; RETURN NEW; END $$;
CREATE TRIGGER promote BEFORE INSERT ON kinds FOR EACH ROW EXECUTE FUNCTION promote();
SELECT tokenauth_detach('service');
SELECT tokenauth_attach('kinds', 'service', token_column => 'token', stored_as => 'plaintext', user_column => '', live_when => 'service_id IS NOT NULL', on_revoke => 'delete');
SELECT tokenauth_attach_parent('service', 'service', 'service_id', mapping => '{"user_column": "owner"}');
SELECT token IS NOT NULL AS pat FROM tokenauth_issue(7, source => 'pat', attributes => '{"kind": "pat", "note": "promote"}');
ALTER TABLE kinds ALTER kind SET DEFAULT 'pat';
SELECT token IS NOT NULL AS pat FROM tokenauth_issue(7, source => 'pat', attributes => '{"note": "promote"}');
SELECT token IS NOT NULL AS pat FROM tokenauth_issue(7, source => 'pat', attributes => '{"note": "laptop"}');
-- or could: of a source without a condition nobody knows
SELECT tokenauth_detach('service');
SELECT tokenauth_attach('kinds', 'service', token_column => 'token', stored_as => 'plaintext', user_column => '', on_revoke => 'delete');
SELECT tokenauth_attach_parent('service', 'service', 'service_id', mapping => '{"user_column": "owner"}');
SELECT token IS NOT NULL AS pat FROM tokenauth_issue(7, source => 'pat', attributes => '{"note": "laptop"}');
SELECT kind, note, user_id, subject, service_id FROM kinds ORDER BY id;
-- what another source's user is, where each has a column of its own
CREATE TABLE pair (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, access text UNIQUE, refresh text UNIQUE, user_id int, subject int, note text, revoked bool NOT NULL DEFAULT false);
SELECT tokenauth_attach('pair', 'access', token_column => 'access', stored_as => 'plaintext');
SELECT tokenauth_attach('pair', 'refresh', token_column => 'refresh', stored_as => 'plaintext', user_column => '', mapping => '{"user_expression": "subject"}');
SELECT token IS NOT NULL AS access FROM tokenauth_issue(7, source => 'access', attributes => '{"subject": 1}');
SELECT token IS NOT NULL AS access FROM tokenauth_issue(7, source => 'access', attributes => '{"note": "laptop"}');
SELECT tokenauth_detach('refresh');
ALTER TABLE pair ADD service_id int, ADD plan text, ADD device text;
SELECT tokenauth_attach('pair', 'refresh', token_column => 'refresh', stored_as => 'plaintext', user_column => '', claims => '{plan}');
SELECT tokenauth_attach_parent('refresh', 'service', 'service_id', mapping => '{"user_column": "owner"}');
SELECT token IS NOT NULL AS access FROM tokenauth_issue(7, source => 'access', attributes => '{"service_id": 1}');
SELECT token IS NOT NULL AS access FROM tokenauth_issue(7, source => 'access', attributes => '{"plan": "gold"}');
SELECT token IS NOT NULL AS access FROM tokenauth_issue(7, source => 'access', attributes => '{"device": "phone"}');
SELECT tokenauth_detach(s) FROM unnest('{pat, admin, subject, service, access, refresh}'::name[]) s;
-- what both tell is for the attributes to give
SELECT tokenauth_attach('pair', 'access', token_column => 'access', stored_as => 'plaintext', user_column => '', claims => '{plan}');
SELECT tokenauth_attach('pair', 'refresh', token_column => 'refresh', stored_as => 'plaintext', user_column => '', claims => '{plan}');
SELECT tokenauth_attach_parent(s, 'service', 'service_id', mapping => '{"user_column": "owner"}') FROM unnest('{access, refresh}'::name[]) s;
SELECT token IS NOT NULL AS access FROM tokenauth_issue(NULL, source => 'access', attributes => '{"service_id": 1, "plan": "gold"}');
SELECT tokenauth_detach(s) FROM unnest('{access, refresh}'::name[]) s;

-- What a generated column is made of decides what it says, and shows what it has.
CREATE TABLE made (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, token text UNIQUE, other text UNIQUE, note text, owner text, days int, place text, name text, user_id int, revoked bool NOT NULL DEFAULT false,
    scope text GENERATED ALWAYS AS (CASE note WHEN 'x' THEN 'admin' ELSE 'read' END) STORED,
    owner_id text GENERATED ALWAYS AS (upper(owner)) STORED,
    is_new bool GENERATED ALWAYS AS (days < 30) STORED,
    service_no int GENERATED ALWAYS AS (length(place)) STORED,
    shown text GENERATED ALWAYS AS (other || '') STORED UNIQUE);
SELECT tokenauth_attach('made', token_column => 'token', stored_as => 'plaintext', user_column => 'user_id', tenant_column => 'owner_id', live_when => 'is_new');
SELECT token IS NOT NULL AS scope FROM tokenauth_issue(7, source => 'made', attributes => '{"note": "x"}');
SELECT token IS NOT NULL AS tenant FROM tokenauth_issue(7, source => 'made', attributes => '{"owner": "x"}');
SELECT token AS made FROM tokenauth_issue(7, source => 'made', attributes => '{"name": "laptop", "days": 1}') \gset
SELECT token IS NOT NULL AS scope FROM tokenauth_rotate(:'made', source => 'made', attributes => '{"note": "x"}');
SELECT token IS NOT NULL AS life FROM tokenauth_rotate(:'made', source => 'made', attributes => '{"days": 2}');
SELECT status, scope FROM tokenauth_identify(:'made', 'made');
SELECT tokenauth_attach('made', 'other', token_column => 'other', stored_as => 'plaintext', claims => '{name}');
SELECT tokenauth_detach('made');
SELECT tokenauth_attach('made', token_column => 'token', stored_as => 'plaintext', claims => '{shown}');
SELECT tokenauth_attach('made', token_column => 'token', stored_as => 'plaintext', mapping => '{"tenant_expression": "upper(shown)"}');
SELECT tokenauth_detach('other');
-- a token that is generated is in what it is made of, too
SELECT tokenauth_attach('made', 'other', token_column => 'shown', stored_as => 'plaintext');
SELECT tokenauth_attach('made', token_column => 'token', stored_as => 'plaintext', claims => '{other}');
SELECT source FROM tokenauth_sources;
SELECT tokenauth_detach('other');
-- so does a row that a generated column refers to
SELECT tokenauth_attach('made', token_column => 'token', stored_as => 'plaintext', user_column => '');
SELECT tokenauth_attach_parent('made', 'service', 'service_no', mapping => '{"user_column": "owner"}');
SELECT token AS made FROM tokenauth_issue(NULL, source => 'made', attributes => '{"place": "a"}') \gset
SELECT status, user_id FROM tokenauth_identify(:'made', 'made');
SELECT token IS NOT NULL AS parent FROM tokenauth_rotate(:'made', source => 'made', attributes => '{"place": "aa"}');
SELECT tokenauth_detach('made');

-- A parent with an expiry that is attached within a grace lifts no limit.
CREATE TABLE ends (id int PRIMARY KEY, at timestamptz);
INSERT INTO ends VALUES (1, 'infinity');
CREATE TABLE graced (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, token_hash text UNIQUE NOT NULL, user_id int, ends_id int,
    created_at timestamptz NOT NULL DEFAULT now(), expires_at timestamptz, revoked bool NOT NULL DEFAULT false);
SELECT tokenauth_attach('graced', prefix => 'g_');
SELECT token AS first FROM tokenauth_issue(7, source => 'graced', expires_in => '30 days', attributes => '{"ends_id": 1}') \gset
UPDATE graced SET created_at = now() - interval '300 days';
SELECT token AS second FROM tokenauth_rotate(:'first', grace => '1 hour') \gset
SELECT tokenauth_revoke(:'second');
SELECT tokenauth_attach_parent('graced', 'ends', 'ends_id', mapping => '{"expires_column": "at"}');
SELECT expires_at < now() + interval '2 hours' AS within_the_grace FROM tokenauth_rotate(:'first');
SELECT tokenauth_detach('graced');

-- Attributes set an id, but not where it says whose the token is.
CREATE TABLE card (id uuid NOT NULL, token_hash text UNIQUE NOT NULL, code text UNIQUE, revoked bool NOT NULL DEFAULT false, used_at timestamptz);
SELECT tokenauth_attach('card', prefix => 'c_', id_column => 'id', user_column => 'id');
SELECT token FROM tokenauth_issue('00000000-0000-0000-0000-000000000008'::uuid, source => 'card', attributes => '{"id": "00000000-0000-0000-0000-000000000007"}');
SELECT tokenauth_detach('card');
SELECT tokenauth_attach('card', prefix => 'c_', id_column => 'id', tenant_column => 'id', user_column => '');
SELECT token FROM tokenauth_issue(NULL, source => 'card', attributes => '{"id": "00000000-0000-0000-0000-000000000007"}');
SELECT tokenauth_detach('card');
-- nor by a parent
CREATE TABLE person (id uuid PRIMARY KEY);
INSERT INTO person VALUES ('00000000-0000-0000-0000-000000000007');
SELECT tokenauth_attach('card', prefix => 'c_', id_column => 'id', user_column => '');
SELECT tokenauth_attach_parent('card', 'person', 'id', mapping => '{"user_column": "id"}');
SELECT token FROM tokenauth_issue(NULL, source => 'card', attributes => '{"id": "00000000-0000-0000-0000-000000000007"}');
SELECT tokenauth_detach('card');
-- nor to another source; that both have the same id is nothing
SELECT tokenauth_attach('card', 'codes', prefix => 'k_', token_column => 'code', id_column => '', user_column => 'id');
SELECT tokenauth_attach('card', prefix => 'c_', id_column => 'id', user_column => '');
SELECT token FROM tokenauth_issue(NULL, source => 'card', attributes => '{"id": "00000000-0000-0000-0000-000000000007"}');
SELECT tokenauth_detach('codes');
SELECT tokenauth_attach('card', 'codes', prefix => 'k_', token_column => 'code', id_column => 'id', user_column => '');
SELECT token_id FROM tokenauth_issue(NULL, source => 'card', attributes => '{"id": "00000000-0000-0000-0000-000000000007"}');
SELECT tokenauth_detach('codes');
SELECT tokenauth_detach('card');
DROP SCHEMA kin_attack CASCADE;
