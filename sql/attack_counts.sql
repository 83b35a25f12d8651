--
-- A token that is issued, rotated, renewed or exchanged counts in the source that was
-- asked, and in another one of the same column only if what it came from did.
--
CREATE SCHEMA counts_attack;
SET search_path = counts_attack, public;
SET client_min_messages = warning;
\set SHOW_CONTEXT never
CREATE FUNCTION status(token text) RETURNS TABLE (source name, status text, user_id text) LANGUAGE sql AS $$
    SELECT s.source, i.status, i.user_id FROM tokenauth_sources s, tokenauth_identify(status.token, s.source) i ORDER BY 1 $$;

-- Rotated where it is valid, it does not come to life where it was ended: by a time that is copied there,
CREATE TABLE flags (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, token_hash text UNIQUE NOT NULL, user_id int, revoked bool NOT NULL DEFAULT false, revoked_at timestamptz);
SELECT tokenauth_attach('flags', 'r', revoked_column => 'revoked');
SELECT tokenauth_attach('flags', 'w', revoked_column => 'revoked_at');
SELECT token AS t FROM tokenauth_issue(7, 'r') \gset
SELECT token AS t FROM tokenauth_rotate(:'t', source => 'r') \gset
SELECT * FROM status(:'t');
SELECT tokenauth_revoke(:'t', source => 'w');
SELECT token AS t FROM tokenauth_rotate(:'t', source => 'r') \gset
SELECT token AS t FROM tokenauth_rotate((SELECT max(id) FROM flags), 7, source => 'r') \gset
SELECT * FROM status(:'t');
-- that of another column,
SELECT tokenauth_detach('w');
ALTER TABLE flags ADD ended_at timestamptz;
CREATE FUNCTION forget() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.ended_at := NULL; RETURN NEW; END $$;
CREATE TRIGGER forget BEFORE INSERT ON flags FOR EACH ROW EXECUTE FUNCTION forget();
SELECT tokenauth_attach('flags', 'w', revoked_column => 'ended_at');
UPDATE flags SET ended_at = now();
SELECT token IS NOT NULL AS rotated FROM tokenauth_rotate(:'t', source => 'r');
SELECT token IS NOT NULL AS rotated FROM tokenauth_rotate((SELECT max(id) FROM flags), 7, source => 'r');
SELECT * FROM status(:'t');
UPDATE flags SET ended_at = NULL;
SELECT token IS NOT NULL AS rotated FROM tokenauth_rotate(:'t', source => 'r');
DROP TRIGGER forget ON flags;
-- or that cannot be read, which is not known
SELECT token AS t FROM tokenauth_issue(7, 'r') \gset
ALTER TABLE flags RENAME ended_at TO finished_at;
SELECT token IS NOT NULL AS rotated FROM tokenauth_rotate(:'t', source => 'r');
SELECT token IS NOT NULL AS issued FROM tokenauth_issue(7, 'r');
ALTER TABLE flags RENAME finished_at TO ended_at;
SELECT token IS NOT NULL AS rotated FROM tokenauth_rotate(:'t', source => 'r');
SELECT tokenauth_detach(s) FROM unnest('{r, w}'::name[]) s;
-- by its age, also where it has a grace,
CREATE TABLE ages (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, token_hash text UNIQUE NOT NULL, user_id int, created_at timestamptz NOT NULL DEFAULT now(), expires_at timestamptz, revoked bool NOT NULL DEFAULT false);
SELECT tokenauth_attach('ages', 'long');
SELECT tokenauth_attach('ages', 'day', expires_column => '', mapping => $${"expires_expression": "created_at + interval '24 hours'"}$$);
SELECT token AS t FROM tokenauth_issue(7, 'long') \gset
UPDATE ages SET created_at = now() - interval '3 days';
SELECT token IS NOT NULL AS rotated FROM tokenauth_rotate(:'t', source => 'long');
SELECT token IS NOT NULL AS rotated FROM tokenauth_rotate(:'t', grace => '1 min'::interval, source => 'long');
SELECT tokenauth_detach(s) FROM unnest('{long, day}'::name[]) s;
-- by a use, which is copied; nor is it used up here, and alive there by that
CREATE TABLE uses (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, token_hash text UNIQUE NOT NULL, user_id int, used_at timestamptz, revoked bool NOT NULL DEFAULT false);
SELECT tokenauth_attach('uses', 'many', used_column => '');
SELECT tokenauth_attach('uses', 'once');
SELECT token AS t FROM tokenauth_issue(7, 'many') \gset
SELECT status FROM tokenauth_exchange(:'t', 'many', source => 'once');
SELECT token AS t FROM tokenauth_rotate(:'t', source => 'many') \gset
SELECT * FROM status(:'t');
SELECT tokenauth_detach('many');
SELECT tokenauth_attach('uses', 'afterwards', used_column => '', live_when => 'used_at IS NOT NULL');
SELECT token AS t FROM tokenauth_issue(7, 'once') \gset
CREATE TABLE session (token_hash text PRIMARY KEY, user_id int);
SELECT tokenauth_attach('session');
SELECT status FROM tokenauth_exchange(:'t', 'session', source => 'once');
SELECT * FROM status(:'t');
SELECT tokenauth_detach(s) FROM unnest('{once, afterwards, session}'::name[]) s;
-- what is exchanged within one column is made from the code
CREATE TABLE codes (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, token_hash text UNIQUE NOT NULL, user_id int, used_at timestamptz, revoked bool NOT NULL DEFAULT false, revoked_at timestamptz);
SELECT tokenauth_attach('codes', 'c', revoked_column => 'revoked');
SELECT tokenauth_attach('codes', 'v', revoked_column => 'revoked_at', used_column => '');
SELECT token AS t FROM tokenauth_issue(7, 'c') \gset
SELECT token AS t, status FROM tokenauth_exchange(:'t', 'c', source => 'c') \gset
SELECT * FROM status(:'t');
SELECT tokenauth_revoke(:'t', source => 'v');
SELECT status FROM tokenauth_exchange(:'t', 'c', source => 'c');
SELECT * FROM status(:'t');
SELECT tokenauth_detach(s) FROM unnest('{c, v}'::name[]) s;
-- Renewed here, it does not come back there.
CREATE TABLE sliding (token_hash text PRIMARY KEY, user_id int, expires_at timestamptz);
SELECT tokenauth_attach('sliding', 'slides', sliding_ttl => '7 days', sliding_threshold => '3 days', on_revoke => 'delete');
SELECT tokenauth_attach('sliding', 'shorter', expires_column => '', mapping => $${"expires_expression": "expires_at - interval '2 days'"}$$, on_revoke => 'delete');
INSERT INTO sliding VALUES (encode(sha256('s_1'), 'hex'), 7, now() + interval '2 days 12 hours'), (encode(sha256('s_2'), 'hex'), 7, now() + interval '12 hours');
SELECT tokenauth_renew('s_1', 'slides') > now() + interval '6 days' AS renewed;
SELECT tokenauth_renew('s_2', 'slides');
SELECT * FROM status('s_2');
SELECT tokenauth_detach(s) FROM unnest('{slides, shorter}'::name[]) s;

-- Nor does a successor become another user's: by what is not copied, by a trigger.
CREATE TABLE holders (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, token_hash text UNIQUE NOT NULL, user_id int, note text, kind text, revoked bool NOT NULL DEFAULT false);
SELECT tokenauth_attach('holders', 'account', id_column => '', user_column => 'id');
INSERT INTO holders (token_hash) VALUES (encode(sha256('h_1'), 'hex'));
SELECT token IS NOT NULL AS rotated FROM tokenauth_rotate('h_1', source => 'account');
SELECT tokenauth_attach('holders', 'user', id_column => '');
UPDATE holders SET user_id = 7;
SELECT token IS NOT NULL AS rotated FROM tokenauth_rotate('h_1', source => 'user');
SELECT tokenauth_detach('account');
SELECT tokenauth_attach('holders', 'admin', live_when => $$kind = 'admin'$$);
CREATE FUNCTION decide() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.note = 'another' THEN NEW.user_id := 8; END IF;
    IF NEW.note = 'promote' THEN NEW.kind := 'admin'; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER decide BEFORE INSERT ON holders FOR EACH ROW EXECUTE FUNCTION decide();
SELECT token IS NOT NULL AS rotated FROM tokenauth_rotate('h_1', source => 'user', attributes => '{"note": "another"}');
SELECT token IS NOT NULL AS rotated FROM tokenauth_rotate('h_1', source => 'user', attributes => '{"note": "promote"}');
SELECT token AS h FROM tokenauth_rotate('h_1', source => 'user', attributes => '{"note": "laptop"}') \gset
SELECT * FROM status(:'h');
SELECT tokenauth_detach(s) FROM unnest('{user, admin}'::name[]) s;
-- Nor does one get another scope there: by a trigger, by what is not copied,
CREATE TABLE scopes (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, token_hash text UNIQUE NOT NULL, user_id int, scope text, token_prefix text, created_at timestamptz, expires_at timestamptz, used_at timestamptz, revoked bool NOT NULL DEFAULT false);
SELECT tokenauth_attach('scopes', 'plain', scope_column => '', used_column => '');
SELECT tokenauth_attach('scopes', 'scoped', used_column => '', mapping => '{"scope_separator": " "}');
INSERT INTO scopes (token_hash, user_id, scope) VALUES (encode(sha256('x_1'), 'hex'), 7, 'read');
CREATE FUNCTION widen() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.scope := 'read admin'; RETURN NEW; END $$;
CREATE TRIGGER widen BEFORE INSERT OR UPDATE ON scopes FOR EACH ROW EXECUTE FUNCTION widen();
BEGIN;
SELECT token IS NOT NULL AS rotated FROM tokenauth_rotate('x_1', source => 'plain');
ROLLBACK;
-- also where it is the old row, during its grace,
DROP TRIGGER widen ON scopes;
CREATE TRIGGER widen BEFORE UPDATE ON scopes FOR EACH ROW EXECUTE FUNCTION widen();
BEGIN;
SELECT token IS NOT NULL AS rotated FROM tokenauth_rotate('x_1', source => 'plain', grace => '1 h'::interval);
ROLLBACK;
BEGIN;
SELECT token IS NOT NULL AS rotated FROM tokenauth_rotate(1, 7, source => 'plain', grace => '1 h'::interval);
ROLLBACK;
-- which comes to life in no other source by its end, either
SELECT tokenauth_attach('scopes', 'former', scope_column => '', used_column => '', revoked_column => '', live_when => 'revoked', on_revoke => 'delete');
BEGIN;
SELECT token IS NOT NULL AS rotated FROM tokenauth_rotate('x_1', source => 'plain');
ROLLBACK;
SELECT tokenauth_detach(s) FROM unnest('{scoped, former}'::name[]) s;
DROP TRIGGER widen ON scopes;
SELECT tokenauth_attach('scopes', 'scoped', scope_column => '', used_column => '', mapping => $${"scope_expression": "CASE WHEN token_prefix IS NULL THEN 'read' ELSE 'admin' END"}$$);
BEGIN;
SELECT token IS NOT NULL AS rotated FROM tokenauth_rotate('x_1', source => 'plain');
ROLLBACK;
SELECT tokenauth_detach('scoped');
SELECT tokenauth_attach('scopes', 'scoped', scope_column => '', used_column => '', mapping => $${"scope_expression": "CASE WHEN expires_at IS NULL THEN 'read' ELSE 'admin' END"}$$);
BEGIN;
SELECT token IS NOT NULL AS rotated FROM tokenauth_rotate('x_1', source => 'plain', grace => '1 h'::interval);
ROLLBACK;
BEGIN;
SELECT token IS NOT NULL AS rotated FROM tokenauth_rotate('x_1', source => 'plain');
ROLLBACK;
SELECT tokenauth_detach('scoped');
-- or by a use of the old one; nor of whoever has asked for the scope of the new one
SELECT tokenauth_attach('scopes', 'scoped', mapping => $${"scope_separator": " "}$$, used_column => '');
SELECT tokenauth_attach('scopes', 'once', mapping => $${"scope_separator": " "}$$);
SELECT token AS t FROM tokenauth_issue(7, 'once', scope => 'read write') \gset
SELECT token AS t, status FROM tokenauth_exchange(:'t', 'once', source => 'once', scope => 'read') \gset
SELECT s.*, scope FROM status(:'t') s, tokenauth_identify(:'t', source => s.source) WHERE s.status = 'valid';
CREATE FUNCTION use() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.used_at IS NOT NULL THEN NEW.scope := 'admin'; END IF; RETURN NEW; END $$;
CREATE TRIGGER use BEFORE UPDATE ON scopes FOR EACH ROW EXECUTE FUNCTION use();
BEGIN;
SELECT status FROM tokenauth_exchange(:'t', 'once', source => 'once');
ROLLBACK;
DROP TRIGGER use ON scopes;
SELECT token AS t, status FROM tokenauth_exchange(:'t', 'once', source => 'once') \gset
SELECT s.*, scope FROM status(:'t') s, tokenauth_identify(:'t', source => s.source) WHERE s.status = 'valid';
SELECT tokenauth_detach(s) FROM unnest('{plain, scoped, once}'::name[]) s;

-- Nor does a token live longer in another source than that one's max_lifetime allows: a new one,
CREATE TABLE lives (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, token_hash text UNIQUE NOT NULL, user_id int, org int, created_at timestamptz DEFAULT now(), expires_at timestamptz, used_at timestamptz, revoked bool NOT NULL DEFAULT false);
SELECT tokenauth_attach('lives', 'long', used_column => '', tenant_column => '', sliding_ttl => '30 days', sliding_threshold => '29 days', created_column => 'created_at');
SELECT tokenauth_attach('lives', 'hour', used_column => '', tenant_column => '', sliding_ttl => '10 min', sliding_threshold => '5 min', max_lifetime => '1 hour', created_column => 'created_at');
CREATE FUNCTION lives(token text) RETURNS TABLE (source name, status text, hours numeric) LANGUAGE sql AS $$
    SELECT s.source, i.status, round(extract(epoch FROM i.expires_at - now()) / 3600, 1) FROM tokenauth_sources s, tokenauth_identify(lives.token, s.source) i ORDER BY 1 $$;
SELECT (lives(token)).* FROM tokenauth_issue(7, 'long');
SELECT (lives(token)).* FROM tokenauth_issue(7, 'long', expires_in => '10 years');
SELECT (lives(token)).* FROM tokenauth_issue(7, 'long', expires_in => '1 hour');
SELECT (lives(token)).* FROM tokenauth_issue(7, 'hour', expires_in => '10 years');
-- one that is renewed or rotated, or exchanged for,
SELECT token AS t FROM tokenauth_issue(7, 'hour', expires_in => '4 min') \gset
BEGIN;
SELECT tokenauth_renew(:'t', 'long') > now() + interval '1 hour' AS longer;
ROLLBACK;
SELECT round(extract(epoch FROM tokenauth_renew(:'t', 'hour') - now()) / 60) AS minutes;
BEGIN;
SELECT (lives(token)).* FROM tokenauth_rotate(:'t', source => 'long');
ROLLBACK;
SELECT (lives(token)).* FROM tokenauth_rotate(:'t', source => 'hour');
SELECT tokenauth_attach('lives', 'once', tenant_column => '');
SELECT token AS t FROM tokenauth_issue(7, 'hour', expires_in => '4 min') \gset
BEGIN;
SELECT (lives(token)).* FROM tokenauth_exchange(:'t', 'once', '10 years', source => 'once');
ROLLBACK;
SELECT (lives(token)).* FROM tokenauth_exchange(:'t', 'once', '30 min', source => 'once') WHERE token IS NOT NULL;
SELECT tokenauth_detach('once');
-- also where a parent ends it sooner for the time being, or it is not known when it began
CREATE TABLE lives_org (id int PRIMARY KEY, expires_at timestamptz);
INSERT INTO lives_org VALUES (1, now() + interval '15 min');
SELECT tokenauth_attach_parent('hour', 'lives_org', 'org', mapping => '{"expires_column": "expires_at"}');
INSERT INTO lives (token_hash, user_id, org, expires_at) VALUES (encode(sha256('l_1'), 'hex'), 7, 1, now() + interval '4 min'), (encode(sha256('l_2'), 'hex'), 7, NULL, now() + interval '4 min');
SELECT tokenauth_renew('l_1', 'long') > now() + interval '1 hour' AS longer;
SELECT tokenauth_detach('hour');
SELECT tokenauth_attach('lives', 'hour', used_column => '', tenant_column => '', max_lifetime => '1 hour', created_column => 'used_at');
SELECT tokenauth_renew('l_2', 'long') > now() + interval '1 hour' AS longer;
-- One can be renewed within that, and replaced by one of a life that is bounded, or ends when the old one did.
SELECT tokenauth_detach('hour');
UPDATE lives SET created_at = now() - interval '1 day';
SELECT tokenauth_attach('lives', 'month', used_column => '', tenant_column => '', max_lifetime => '31 days', created_column => 'created_at');
SELECT tokenauth_renew('l_1', 'long') > now() + interval '29 days' AS renewed;
SELECT tokenauth_detach('long');
SELECT tokenauth_attach('lives', 'long', used_column => '', tenant_column => '');
UPDATE lives SET created_at = now() - interval '50 years', expires_at = now() + interval '50 years';
SELECT token IS NOT NULL AS rotated FROM tokenauth_rotate('l_1', source => 'long');
SELECT token IS NOT NULL AS rotated FROM tokenauth_rotate('l_2', grace => '1 min'::interval, source => 'month');
UPDATE lives SET created_at = NULL, expires_at = now() + interval '50 years', revoked = false;
SELECT (lives(token)).* FROM tokenauth_rotate('l_1', source => 'long');
SELECT tokenauth_detach(s) FROM unnest('{long, month}'::name[]) s;

-- No argument of an issue makes it one of another source: by what that one asks for,
CREATE TABLE kinds (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, token text UNIQUE NOT NULL, user_id int, org int, scope text, note text, expires_at timestamptz, suspended bool NOT NULL DEFAULT false);
CREATE FUNCTION attach_kind(name name, VARIADIC extra text[]) RETURNS name LANGUAGE plpgsql AS $$
DECLARE
    result name;
BEGIN
    EXECUTE format('SELECT tokenauth_attach(%L, %L, token_column => %L, stored_as => %L, on_revoke => %L, tenant_column => %L, %s)',
                   'kinds', name, 'token', 'plaintext', 'delete', 'org', array_to_string(extra, ', ')) INTO result;
    RETURN result;
END $$;
SELECT attach_kind('api', $$live_when => 'NOT suspended'$$);
SELECT attach_kind('adm', $$live_when => 'scope = ''admin'' AND NOT suspended'$$);
SELECT token IS NOT NULL AS issued FROM tokenauth_issue(7, 'api', scope => 'admin');
SELECT token AS t FROM tokenauth_issue(7, 'api', scope => 'read', tenant_id => 1, expires_in => '1 day') \gset
SELECT * FROM status(:'t');
-- what neither the call nor a trigger decides is the table's
SELECT token AS t FROM tokenauth_issue(7, 'adm', scope => 'admin', tenant_id => 1) \gset
SELECT * FROM status(:'t');
CREATE TABLE code (token_hash text PRIMARY KEY, user_id int, scope text, used_at timestamptz);
SELECT tokenauth_attach('code');
SELECT token AS c FROM tokenauth_issue(7, 'code', scope => 'admin') \gset
SELECT status FROM tokenauth_exchange(:'c', 'api', source => 'code');
SELECT status FROM tokenauth_exchange(:'c', 'api', source => 'code', scope => 'read');
SELECT tokenauth_detach(s) FROM unnest('{code, adm}'::name[]) s;
SELECT attach_kind('adm', $$live_when => 'user_id = 1'$$);
SELECT token IS NOT NULL AS issued FROM tokenauth_issue(1, 'api');
SELECT token IS NOT NULL AS issued FROM tokenauth_issue(7, 'api');
SELECT tokenauth_detach('adm');
-- by a status, by whose it is, by a parent,
SELECT attach_kind('adm', $$scope_column => ''$$, $$revoked_column => 'scope'$$, $$active_values => '{admin}'$$);
SELECT token IS NOT NULL AS issued FROM tokenauth_issue(7, 'api', scope => 'admin');
SELECT token IS NOT NULL AS issued FROM tokenauth_issue(7, 'api');
SELECT tokenauth_detach('adm');
SELECT tokenauth_attach('kinds', 'adm', token_column => 'token', stored_as => 'plaintext', user_column => 'org', on_revoke => 'delete');
SELECT token IS NOT NULL AS issued FROM tokenauth_issue(7, 'api', tenant_id => 1);
SELECT token IS NOT NULL AS issued FROM tokenauth_issue(7, 'api', tenant_id => 7);
SELECT token IS NOT NULL AS issued FROM tokenauth_issue(7, 'api');
SELECT tokenauth_detach('adm');
CREATE TABLE org (id int PRIMARY KEY, staff bool);
INSERT INTO org VALUES (1, true), (2, false);
SELECT attach_kind('adm', $$user_column => 'user_id'$$);
SELECT tokenauth_attach_parent('adm', 'org', 'org', live_when => 'staff');
SELECT token IS NOT NULL AS issued FROM tokenauth_issue(7, 'api', tenant_id => 1);
SELECT token IS NOT NULL AS issued FROM tokenauth_issue(7, 'api', tenant_id => 2);
SELECT tokenauth_attach_parent('api', 'org', 'org', live_when => 'staff');
SELECT token IS NOT NULL AS issued FROM tokenauth_issue(7, 'api', tenant_id => 1);
SELECT tokenauth_detach('adm');
-- by a trigger, whatever it goes by
SELECT attach_kind('adm', $$live_when => 'note = ''admin'' AND NOT suspended'$$);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.note := NEW.scope; RETURN NEW; END $$;
CREATE TRIGGER note BEFORE INSERT ON kinds FOR EACH ROW EXECUTE FUNCTION note();
SELECT token IS NOT NULL AS issued FROM tokenauth_issue(7, 'api', scope => 'admin');
SELECT token AS t FROM tokenauth_issue(7, 'api', scope => 'read') \gset
SELECT * FROM status(:'t');
SELECT tokenauth_detach('adm');
-- without a condition, too: the way to a parent, a status, whose it is
ALTER TABLE kinds ADD parent int, ADD status text NOT NULL DEFAULT 'none', ADD made_by int;
CREATE OR REPLACE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.parent := CASE WHEN NEW.scope = 'admin' THEN 1 END;
    NEW.status := CASE WHEN NEW.scope = 'admin' THEN 'admin' ELSE 'none' END;
    NEW.made_by := CASE WHEN NEW.scope = 'admin' THEN 1 END;
    RETURN NEW;
END $$;
SELECT attach_kind('adm', $$user_column => 'user_id'$$);
SELECT token IS NOT NULL AS issued FROM tokenauth_issue(7, 'api', scope => 'admin');
SELECT tokenauth_attach_parent('adm', 'org', 'parent', live_when => 'staff');
SELECT token IS NOT NULL AS issued FROM tokenauth_issue(7, 'api', scope => 'admin');
SELECT tokenauth_detach('adm');
SELECT attach_kind('adm', $$revoked_column => 'status'$$, $$active_values => '{admin}'$$);
SELECT token IS NOT NULL AS issued FROM tokenauth_issue(7, 'api', scope => 'admin');
SELECT tokenauth_detach('adm');
SELECT attach_kind('adm', $$user_column => 'made_by'$$);
SELECT token IS NOT NULL AS issued FROM tokenauth_issue(7, 'api', scope => 'admin');
SELECT token IS NOT NULL AS issued FROM tokenauth_issue(7, 'api', scope => 'read');
SELECT tokenauth_detach(s) FROM unnest('{api, adm}'::name[]) s;
-- by a default that goes by what the session has set, or is not known to the server
CREATE TABLE defaults (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, token_hash text UNIQUE NOT NULL, user_id int, kind text, made timestamptz DEFAULT now(), expires_at timestamptz, revoked bool NOT NULL DEFAULT false);
CREATE FUNCTION decided(new_default text, extra text DEFAULT $$live_when => 'kind = ''admin'''$$) RETURNS text LANGUAGE plpgsql SET client_min_messages = error AS $$
DECLARE
    result text;
BEGIN
    EXECUTE format('ALTER TABLE defaults ALTER kind SET DEFAULT %s', new_default);
    EXECUTE format('SELECT tokenauth_attach(%L, %L, %s)', 'defaults', 'other', extra);
    SELECT string_agg(i.source || ' ' || i.status, ', ' ORDER BY i.source) INTO result FROM tokenauth_issue(7, 'own') t, status(t.token) i;
    PERFORM tokenauth_detach('other');
    RETURN result;
EXCEPTION WHEN invalid_parameter_value THEN
    RETURN SQLERRM;
END $$;
SELECT tokenauth_attach('defaults', 'own');
SET app.kind = 'admin';
SELECT decided($$current_setting('app.kind')$$);
SELECT decided($$coalesce(current_setting('app.kind', true), 'plain')::text$$);
SELECT decided($$CASE WHEN session_user = 'nobody' THEN 'user' ELSE 'admin' END$$);
CREATE FUNCTION left_out(kind text DEFAULT current_setting('app.kind')) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT kind';
SELECT decided('left_out()');
CREATE DOMAIN kind AS text DEFAULT current_setting('app.kind');
ALTER TABLE defaults ADD in_domain kind;
SELECT decided($$'admin'$$, $$live_when => 'in_domain = ''admin'''$$);
ALTER TABLE defaults DROP in_domain, ADD generated text GENERATED ALWAYS AS (upper(kind)) STORED;
SELECT decided($$current_setting('app.kind')$$, $$live_when => 'generated = ''ADMIN'''$$);
ALTER TABLE defaults DROP generated;
-- whose it is, and what else is told
SELECT decided($$current_setting('app.kind')$$, $$user_column => 'kind'$$);
SELECT decided($$current_setting('app.kind')$$, $$scope_column => 'kind'$$);
SELECT decided($$current_setting('app.kind')$$, $$claims => '{kind}'$$);
-- what no session decides is the table's, as is a default of what does not count
SELECT decided($$'admin'$$);
SELECT decided($$'admin'$$, $$claims => '{kind}'$$);
SELECT decided($$current_setting('app.kind')$$, $$live_when => 'user_id IS NULL'$$);
SELECT decided($$current_setting('app.kind')$$, $$live_when => 'made IS NOT NULL AND id > 0', claims => '{made, id, user_id}'$$);
SELECT decided('gen_random_uuid()', $$live_when => 'kind IS NOT NULL'$$);
-- the times go by the source's time zone and fixed settings
CREATE FUNCTION any_(new_default text) RETURNS text LANGUAGE sql AS $f$ SELECT decided(new_default, $$live_when => 'kind IS NOT NULL'$$) $f$;
SELECT d, any_(d) FROM unnest(ARRAY[$$now() + interval '7 days'$$, $$date_trunc('day', now()) - interval '1 s'$$, 'CURRENT_DATE', 'LOCALTIME', 'now()::date + 3',
    $$extract(epoch FROM now())::bigint + 3600$$, 'CURRENT_TIMESTAMP::text', $$CASE CURRENT_DATE - now()::date WHEN 0 THEN 'admin' END$$, $$age(now(), '2020-01-01 00:00Z')$$,
    $$now() + make_interval(days => 7)$$, $$(now() AT TIME ZONE 'UTC')::text::timestamptz$$, $$least(now(), clock_timestamp() + '1 h')$$, $$'x'::text || gen_random_uuid()::text$$]) d;
-- but what a session can set, or is told of it, or nobody knows
SELECT d, any_(d) FROM unnest(ARRAY['random()', $$to_char(now(), 'TMMonth')$$, 'pg_backend_pid()', 'txid_current()', 'pg_conf_load_time()', 'CURRENT_USER', 'session_user', 'CURRENT_CATALOG',
    $$coalesce(current_query(), 'x')$$, $$current_setting('app.kind')$$, $$'defaults'::text::regclass$$, $$CASE WHEN now() > '2020-01-01 00:00Z' THEN current_setting('app.kind') END$$,
    $$now() + length(current_setting('app.kind')) * interval '1 day'$$, $$date_trunc(replace(current_setting('app.kind'), 'admin', 'day'), now())$$,
    $$to_date('2020' || current_setting('app.kind'), 'YYYY')$$, 'statement_timestamp()::time::text || random()']) d;
-- what has a known name is not what is known
CREATE SCHEMA alike;
CREATE FUNCTION alike.kind() RETURNS text LANGUAGE sql STABLE AS $$ SELECT current_setting('app.kind') $$;
CREATE FUNCTION alike.now() RETURNS timestamptz LANGUAGE sql STABLE AS $$ SELECT timestamptz 'epoch' + length(alike.kind()) * interval '1 s' $$;
CREATE FUNCTION alike.gen_random_uuid() RETURNS uuid LANGUAGE sql VOLATILE AS $$ SELECT md5(alike.kind())::uuid $$;
CREATE FUNCTION alike.uuidv7() RETURNS uuid LANGUAGE sql VOLATILE AS $$ SELECT md5(alike.kind())::uuid $$;
CREATE FUNCTION alike.uuid_generate_v4() RETURNS uuid LANGUAGE sql VOLATILE AS $$ SELECT md5(alike.kind())::uuid $$;
CREATE FUNCTION alike.plus(timestamptz, interval) RETURNS timestamptz LANGUAGE sql STABLE AS $$ SELECT alike.now() $$;
CREATE OPERATOR alike.+ (FUNCTION = alike.plus, LEFTARG = timestamptz, RIGHTARG = interval);
CREATE OPERATOR alike.- (FUNCTION = pg_catalog.timestamptz_pl_interval, LEFTARG = timestamptz, RIGHTARG = interval);
CREATE TYPE alike.pair AS (a text);
CREATE FUNCTION alike.text(alike.pair) RETURNS text LANGUAGE sql STABLE AS $$ SELECT alike.kind() $$;
CREATE CAST (alike.pair AS text) WITH FUNCTION alike.text(alike.pair);
CREATE CAST (alike.pair AS date) WITH INOUT;
CREATE TYPE alike.kinds AS ENUM ('user', 'admin');
CREATE FUNCTION alike.left_out(a interval DEFAULT length(alike.kind()) * interval '1 day') RETURNS interval LANGUAGE sql IMMUTABLE AS $$ SELECT a $$;
SELECT d, any_(d) FROM unnest(ARRAY['alike.now()', 'alike.gen_random_uuid()', 'alike.uuidv7()', 'alike.uuid_generate_v4()', $$now() OPERATOR(alike.+) interval '1 h'$$,
    $$ROW('x')::alike.pair::text$$, $$coalesce((CASE WHEN now() IS NULL THEN ROW('x')::alike.pair::date END)::text, 'x')$$, $$alike.kind()::alike.kinds$$, 'now() + alike.left_out()', 'alike.plus(now(), NULL)']) d;
SELECT any_($$now() OPERATOR(alike.-) interval '1 h'$$);
-- of an extension those in C: who owns the extension can add others
SELECT any_('gen_random_bytes(16)'), any_($$crypt('x', gen_salt('bf', 4))$$);
ALTER EXTENSION pgcrypto ADD FUNCTION alike.gen_random_uuid();
SELECT any_('alike.gen_random_uuid()');
ALTER EXTENSION pgcrypto DROP FUNCTION alike.gen_random_uuid();
-- those that not all servers have
SELECT exists(SELECT FROM pg_available_extensions WHERE name = 'uuid-ossp') AS has_ossp, current_setting('server_version_num')::int >= 180000 AS has_v7, current_setting('server_version_num')::int >= 160000 AS has_json \gset
SET client_min_messages = error;
CREATE SCHEMA ossp;
\set generate gen_random_uuid()
\if :has_ossp
CREATE EXTENSION "uuid-ossp" SCHEMA ossp;
\set generate ossp.uuid_generate_v4()
\endif
SELECT any_(:'generate');
\set generate gen_random_uuid()
\if :has_v7
\set generate 'uuidv7(interval ''1 day'')'
\endif
SELECT any_(:'generate');
\set generate gen_random_uuid()
\if :has_json
\set generate 'JSON_ARRAY(gen_random_uuid() RETURNING text)'
\endif
SELECT any_(:'generate');
DROP SCHEMA alike, ossp CASCADE;
RESET client_min_messages;
-- the same in all sessions
BEGIN;
ALTER TABLE defaults ALTER kind SET DEFAULT CURRENT_DATE::text || LOCALTIME(0)::text || CURRENT_TIMESTAMP::text || interval '-1 day 3 h'::text || extract(hour FROM now());
DELETE FROM defaults;
SELECT token IS NOT NULL AS issued FROM tokenauth_issue(7, 'own');
SET LOCAL TimeZone = 'Pacific/Kiritimati';
SET LOCAL DateStyle = 'German';
SET LOCAL IntervalStyle = 'sql_standard';
SELECT token IS NOT NULL AS issued FROM tokenauth_issue(7, 'own');
SELECT count(*), count(DISTINCT kind) FROM defaults;
ROLLBACK;
SET app.kind = 'user';
SELECT decided($$current_setting('app.kind')$$);
RESET app.kind;
SELECT tokenauth_detach('own');

-- Nor do settings of the session decide, by defaults that go by them: when it began, its kind.
CREATE TABLE zoned (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, token_hash text UNIQUE, user_id int, began timestamp NOT NULL DEFAULT now(), expires_at timestamp DEFAULT now() + interval '1 hour',
    kind text NOT NULL DEFAULT quote_ident('web'), revoked bool NOT NULL DEFAULT false);
SELECT tokenauth_attach('zoned', 'hour', created_column => 'began', max_lifetime => '1 hour', timezone => 'UTC');
SELECT tokenauth_attach('zoned', 'quoted', live_when => $$kind = '"web"'$$, timezone => 'UTC');
SET TimeZone = 'Pacific/Kiritimati';
SET quote_all_identifiers = on;
SELECT token AS t FROM tokenauth_issue(7, 'hour') \gset
RESET TimeZone;
RESET quote_all_identifiers;
SELECT began <= now() AT TIME ZONE 'UTC' AS began, expires_at <= now() AT TIME ZONE 'UTC' + interval '1 hour' AS ends, kind FROM zoned;
SELECT * FROM status(:'t');
SELECT tokenauth_detach('hour'), tokenauth_detach('quoted');
DROP SCHEMA counts_attack CASCADE;
