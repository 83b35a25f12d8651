--
-- A token is what was asked for, or what it is made from, whatever defaults, triggers and
-- rules of the table there are.
--
CREATE SCHEMA asked;
SET search_path = asked, public;
SET client_min_messages = warning;
\set SHOW_CONTEXT never
CREATE TABLE code (token text PRIMARY KEY, user_id int, tenant_id text, scope text, used_at timestamptz);
CREATE TABLE sess (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, token_hash text UNIQUE, user_id int DEFAULT 1, tenant_id text DEFAULT 'root',
    scope text DEFAULT 'admin', plan text DEFAULT 'free', revoked boolean NOT NULL DEFAULT false);
SELECT tokenauth_attach('code', token_column => 'token', stored_as => 'plaintext', mapping => '{"null_user": "valid"}');
SELECT tokenauth_attach('sess', prefix => 's_', claims => '{plan}');
INSERT INTO code SELECT 'full_' || i, 7, 'acme', 'read' FROM generate_series(1, 9) i;
INSERT INTO code VALUES ('none', 7, NULL, NULL), ('nobody', NULL, 'acme', NULL);
CREATE FUNCTION exchanged(code text, tenant text DEFAULT NULL) RETURNS TABLE (result text, user_id text, tenant_id text, scope text) LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY SELECT e.status, i.user_id, i.tenant_id, i.scope FROM tokenauth_exchange(code, 'sess', source => 'code', tenant_id => tenant) e, tokenauth_identify(e.token) i;
EXCEPTION WHEN OTHERS THEN
    RETURN QUERY SELECT sqlstate || ' ' || sqlerrm, NULL, NULL, NULL;
END $$;

-- What a code has not is not what the default of a column says: as for scopes, so for tenants,
SELECT * FROM exchanged('full_1');
BEGIN;
SELECT * FROM exchanged('none');
ROLLBACK;
SELECT * FROM exchanged('none', 'theirs');
UPDATE code SET used_at = NULL WHERE token = 'none';
ALTER TABLE sess ALTER tenant_id SET NOT NULL;
SELECT * FROM exchanged('none');
ALTER TABLE sess ALTER tenant_id DROP NOT NULL;
-- and users
SELECT * FROM exchanged('nobody');
SELECT tokenauth_detach('sess');
SELECT tokenauth_attach('sess', prefix => 's_', claims => '{plan}', mapping => '{"null_user": "valid"}');
SELECT * FROM exchanged('nobody');
UPDATE code SET used_at = NULL;
-- nor what an expression makes of a default; and a column that is generated takes none
CREATE TABLE told (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, token_hash text UNIQUE, user_id int DEFAULT 1, org text DEFAULT 'root', made text GENERATED ALWAYS AS (lower(org)) STORED, revoked boolean NOT NULL DEFAULT false);
SELECT tokenauth_attach('told', prefix => 't_', mapping => '{"tenant_expression": "lower(org)"}');
SELECT e.status FROM tokenauth_exchange('none', 'told', source => 'code') e;
SELECT tokenauth_detach('told'), tokenauth_attach('told', prefix => 't_', user_column => '', mapping => '{"user_expression": "user_id + 0", "null_user": "valid"}');
SELECT e.status FROM tokenauth_exchange('nobody', 'told', source => 'code') e;
SELECT tokenauth_detach('told'), tokenauth_attach('told', prefix => 't_', tenant_column => 'made');
SELECT e.status FROM tokenauth_exchange('none', 'told', source => 'code') e;
SELECT token IS NOT NULL AS issued FROM tokenauth_issue(7, 'told', tenant_id => 'acme'::text);
SELECT token IS NOT NULL AS issued FROM tokenauth_issue(7, 'told', attributes => '{"org": "acme"}');
SELECT tokenauth_detach('told');

-- A trigger gives the row to whom the session says, before it is written, or afterwards.
CREATE FUNCTION before() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RETURN jsonb_populate_record(NEW, current_setting('asked.row')::jsonb);
END $$;
CREATE FUNCTION after() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('UPDATE asked.sess SET %s WHERE id = %s', current_setting('asked.set'), NEW.id);
    RETURN NULL;
END $$;
SELECT token FROM tokenauth_issue(7, 'sess', scope => 'read'::text, tenant_id => 'acme'::text, attributes => '{"plan": "paid"}') \gset
CREATE TRIGGER before BEFORE INSERT ON sess FOR EACH ROW EXECUTE FUNCTION before();
SET asked.row = '{"tenant_id": "other"}';
SELECT * FROM exchanged('full_2');
SELECT (tokenauth_identify(token)).tenant_id FROM tokenauth_issue(7, 'sess', tenant_id => 'acme'::text);
SELECT (tokenauth_identify(t.token)).tenant_id FROM tokenauth_rotate(:'token') t;
SET asked.row = '{"scope": "admin"}';
SELECT * FROM exchanged('full_2');
SELECT (tokenauth_identify(token)).scope FROM tokenauth_issue(7, 'sess', scope => 'read');
SELECT (tokenauth_identify(t.token)).scope FROM tokenauth_rotate(:'token') t;
SET asked.row = '{"plan": "free"}';
SELECT (tokenauth_identify(t.token)).claims FROM tokenauth_rotate(:'token') t;
-- what was not asked for is the table's own affair, and so is what does not say more
SET asked.row = '{"tenant_id": "other", "scope": "read"}';
SELECT i.user_id, i.tenant_id, i.scope FROM tokenauth_issue(7, 'sess') t, tokenauth_identify(t.token) i;
SET asked.row = '{}';
SELECT * FROM exchanged('full_2');
SELECT (tokenauth_identify(t.token)).claims FROM tokenauth_rotate(:'token') t;
DROP TRIGGER before ON sess;
SELECT token FROM tokenauth_issue(7, 'sess', attributes => '{"plan": "paid"}') \gset
CREATE TRIGGER after AFTER INSERT ON sess FOR EACH ROW EXECUTE FUNCTION after();
SET asked.set = 'user_id = 8';
SELECT * FROM exchanged('full_3');
SELECT (tokenauth_identify(token)).user_id FROM tokenauth_issue(7, 'sess');
SELECT (tokenauth_identify(t.token)).user_id FROM tokenauth_rotate(:'token') t;
SET asked.set = 'plan = ''free''';
SELECT (tokenauth_identify(t.token)).claims FROM tokenauth_rotate(:'token') t;
-- a claim that is made of what is copied
ALTER TABLE sess ADD rank text GENERATED ALWAYS AS (upper(plan)) STORED;
SELECT tokenauth_detach('sess');
SELECT tokenauth_attach('sess', prefix => 's_', claims => '{rank}', mapping => '{"null_user": "valid"}');
SELECT (tokenauth_identify(t.token)).claims FROM tokenauth_rotate(:'token') t;
SELECT (tokenauth_identify(:'token')).status;
-- several scopes, in whatever type
DROP TRIGGER after ON sess;
CREATE TABLE lists (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, token_hash text UNIQUE, user_id int, a text[], v varchar(20)[], j json, jb jsonb, t varchar(50), c char(20), revoked boolean NOT NULL DEFAULT false);
CREATE FUNCTION lists() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.j := '["b","a","c"]'; NEW.jb := NEW.j; NEW.a := '{b,a,c}'; NEW.v := NEW.a; NEW.t := 'b a c'; NEW.c := 'bac'; RETURN NEW; END $$;
CREATE FUNCTION listed(which name) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    said text;
BEGIN
    PERFORM tokenauth_attach('lists', prefix => 'l_', scope_column => which, mapping => CASE which WHEN 't' THEN '{"scope_separator": " "}' ELSE '{}' END::jsonb);
    SELECT i.scope INTO said FROM tokenauth_issue(7, 'lists', scope => CASE which WHEN 'c' THEN 'ba' ELSE 'b a' END) t, tokenauth_identify(t.token) i;
    PERFORM tokenauth_detach('lists');
    RETURN said;
EXCEPTION WHEN OTHERS THEN RETURN sqlerrm;
END $$;
SELECT which, listed(which) FROM unnest('{a,v,j,jb,t,c}'::name[]) which;
CREATE TRIGGER lists BEFORE INSERT ON lists FOR EACH ROW EXECUTE FUNCTION lists();
SELECT which, listed(which) FROM unnest('{a,v,j,jb,t,c}'::name[]) which;
-- of a type that has no equality, or one that calls others equal, too; by whatever collation
CREATE EXTENSION ltree SCHEMA public;
CREATE COLLATION careless (provider = icu, locale = 'und-u-ks-level1', deterministic = false);
CREATE DOMAIN label AS varchar(10) COLLATE careless;
CREATE TABLE kinds (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, token_hash text UNIQUE, user_id text COLLATE careless, tenant_id label, l ltree, p point, b box, t text COLLATE careless, n numeric(6,2), revoked boolean NOT NULL DEFAULT false);
CREATE TRIGGER before BEFORE INSERT ON kinds FOR EACH ROW EXECUTE FUNCTION before();
CREATE FUNCTION issued(changes jsonb, which name DEFAULT 't', scope text DEFAULT 'admin') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    said text;
BEGIN
    PERFORM set_config('asked.row', changes::text, true);
    PERFORM tokenauth_attach('kinds', prefix => 'k_', scope_column => which);
    SELECT concat_ws(' ', i.user_id, i.tenant_id, i.scope) INTO said FROM tokenauth_issue('bob'::text, 'kinds', scope => scope, tenant_id => 'acme'::text) t, tokenauth_identify(t.token) i;
    PERFORM tokenauth_detach('kinds');
    RETURN said;
EXCEPTION WHEN OTHERS THEN RETURN sqlerrm;
END $$;
SELECT which, scope, issued('{}', which, scope), issued(jsonb_build_object(which, other), which, scope)
    FROM (VALUES ('l'::name, 'a.b', 'a.c'), ('p', '(1,1)', '(1,2)'), ('b', '(1,1),(0,0)', '(5,5),(4,4)'), ('t', 'admin', 'ADMÎN'), ('n', '1', '1.01'), ('n', '1.00', '1.01')) x (which, scope, other);
SELECT issued('{"user_id": "BOB"}'), issued('{"tenant_id": "Acmé"}');
DROP EXTENSION ltree CASCADE;
-- Code that is no trigger of the table's own: what an index is made of, by what it takes a row,
-- when our trigger fires.
CREATE TABLE hidden (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, token_hash text UNIQUE, user_id int, scope text, kind text DEFAULT 'api', revoked boolean NOT NULL DEFAULT false);
SELECT tokenauth_attach('hidden', prefix => 'h_', live_when => $$kind = 'api'$$), tokenauth_attach('hidden', 'login', prefix => 'i_', live_when => $$kind = 'login'$$);
CREATE FUNCTION change(row_id int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('UPDATE asked.hidden SET %s WHERE id = $1 AND NOT (%1$s)', current_setting('asked.set')) USING row_id;
END $$;
CREATE FUNCTION hides(row_id int) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    PERFORM asked.change(row_id);
    RETURN true;
END $$;
CREATE FUNCTION issued(source name) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    said text;
BEGIN
    SELECT concat_ws(' ', i.source, i.status, i.user_id, i.scope) INTO said FROM tokenauth_issue(7, source, scope => 'read') t, tokenauth_identify(t.token) i;
    RETURN said;
EXCEPTION WHEN OTHERS THEN RETURN sqlerrm;
END $$;
SELECT issued('hidden');
TRUNCATE hidden;
CREATE INDEX hides ON hidden (hides(id));
SET asked.set = 'user_id = 1';
SELECT issued('hidden');
SET asked.set = 'scope = ''admin''';
SELECT issued('hidden');
SET asked.set = 'kind = ''login''';
SELECT issued('hidden');
SET asked.set = 'user_id = 7';
SELECT issued('hidden');
DROP INDEX hides;
TRUNCATE hidden;
CREATE INDEX hides ON hidden (id) WHERE hides(id);
SET asked.set = 'user_id = 1';
SELECT issued('hidden');
DROP INDEX hides;
CREATE TRIGGER hides AFTER INSERT ON hidden FOR EACH ROW WHEN (asked.hides(NEW.id)) EXECUTE FUNCTION tokenauth_changed();
SELECT issued('hidden');
-- A trigger that a default makes while the INSERT is planned; also one that undoes that.
CREATE FUNCTION asked.late() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.user_id := 1;
    IF current_setting('asked.set') = 'undo' THEN
        CREATE OR REPLACE TRIGGER late BEFORE INSERT ON asked.planned FOR EACH ROW WHEN (false) EXECUTE FUNCTION public.tokenauth_changed();
    END IF;
    RETURN NEW;
END $$;
CREATE FUNCTION asked.makes_late() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('asked.set') <> '' THEN
        CREATE OR REPLACE TRIGGER late BEFORE INSERT ON asked.planned FOR EACH ROW EXECUTE FUNCTION asked.late();
    END IF;
END $$;
CREATE FUNCTION asked.five() RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM asked.makes_late(); RETURN 5; END $$;
SET asked.set = '';
CREATE TABLE planned (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, token_hash text UNIQUE, user_id int, scope text, five int DEFAULT asked.five(), revoked boolean NOT NULL DEFAULT false);
CREATE TRIGGER late BEFORE INSERT ON planned FOR EACH ROW WHEN (false) EXECUTE FUNCTION tokenauth_changed();
SELECT tokenauth_attach('planned', prefix => 'late_');
SELECT issued('planned');
SET asked.set = 'undo';
SELECT issued('planned');
SET asked.set = 'keep';
SELECT issued('planned');
SET asked.set = '';
SELECT tokenauth_detach('planned');
-- An index's expression that inserts another row with the token, of another kind.
CREATE TABLE doubled (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, token_hash text, kind text NOT NULL DEFAULT 'api', user_id int, scope text, plan text, revoked boolean NOT NULL DEFAULT false);
CREATE INDEX ON doubled (token_hash);
SELECT tokenauth_attach('doubled', prefix => 'double_', live_when => $$kind = 'api'$$),
    tokenauth_attach('doubled', 'doubled_web', live_when => $$kind = 'web'$$, claims => '{plan}');
CREATE FUNCTION asked.inserts(hash text, plan text) RETURNS void LANGUAGE sql AS $$
    INSERT INTO asked.doubled (token_hash, kind, user_id, scope, plan) VALUES (hash, 'web', 7, 'read', plan)
$$;
CREATE FUNCTION asked.doubles(hash text, kind text) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF kind = 'api' AND current_setting('asked.set') <> '' THEN
        PERFORM asked.inserts(hash, current_setting('asked.set'));
    END IF;
    RETURN 1;
END $$;
CREATE INDEX doubles ON doubled (asked.doubles(token_hash, kind));
SELECT issued('doubled');
SET asked.set = 'gold';
SELECT issued('doubled');
DROP INDEX doubles;
-- A default that is altered while the row is inserted: what it went by counts.
CREATE FUNCTION asked.kind() RETURNS text LANGUAGE sql AS $$ SELECT current_setting('asked.kind') $$;
CREATE FUNCTION asked.alters() RETURNS int LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('asked.set') <> '' THEN
        ALTER FUNCTION asked.kind() IMMUTABLE;
    END IF;
    RETURN 1;
END $$;
CREATE TABLE altered (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, token_hash text UNIQUE, kind text NOT NULL DEFAULT asked.kind(), user_id int, scope text, one int DEFAULT asked.alters(), revoked boolean NOT NULL DEFAULT false);
SELECT tokenauth_attach('altered', prefix => 'alter_'), tokenauth_attach('altered', 'altered_web', live_when => $$kind = 'web'$$);
SET asked.set = '';
SET asked.kind = 'api';
SELECT issued('altered');
SET asked.kind = 'web';
SELECT issued('altered');
SET asked.set = 'alter';
SELECT issued('altered');
SELECT tokenauth_detach('altered_web'), tokenauth_detach('altered'), tokenauth_detach('doubled_web'), tokenauth_detach('doubled');
-- A column that cuts spaces off has no room for a user, or a scope, that ends in some.
CREATE TABLE spaced (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, token_hash text UNIQUE, user_id text, tenant_id text, expires_at timestamptz, used_at timestamptz);
CREATE TABLE narrow (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, token_hash text UNIQUE, user_id varchar(3), tenant_id varchar(4), scopes varchar(5)[], revoked boolean NOT NULL DEFAULT false);
INSERT INTO spaced (token_hash, user_id, tenant_id) VALUES (encode(sha256('spaced_1'), 'hex'), 'bob ', 'acme'), (encode(sha256('spaced_2'), 'hex'), 'bob', 'acme ');
SELECT tokenauth_attach('spaced', prefix => 'spaced_', tenant_column => 'tenant_id'),
    tokenauth_attach('narrow', prefix => 'narrow_', tenant_column => 'tenant_id', scope_column => 'scopes');
SELECT tokenauth_exchange('spaced_1', 'narrow');
SELECT tokenauth_exchange('spaced_2', 'narrow');
SELECT tokenauth_issue('bob   '::text, 'narrow');
SELECT tokenauth_issue('bob'::text, 'narrow', scope => 'admin2');
SELECT i.user_id, i.scope FROM tokenauth_issue('bob'::text, 'narrow', scope => 'admin') t, tokenauth_identify(t.token) i;
-- A column that reads what is carried, or asked for, as something else is refused: what it tells
-- is what was asked for, to the byte.
CREATE FUNCTION asked.becomes(say text, types text, made_from text DEFAULT 'carried') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    said text;
BEGIN
    EXECUTE format('CREATE TABLE asked.tell (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, token_hash text UNIQUE, user_id %s, tenant_id %s, scope %s, revoked boolean NOT NULL DEFAULT false)',
                   VARIADIC string_to_array(types, '/'));
    IF made_from = 'by trigger' THEN
        CREATE TRIGGER before BEFORE INSERT ON asked.tell FOR EACH ROW EXECUTE FUNCTION asked.before();
    END IF;
    PERFORM tokenauth_attach('asked.tell', prefix => 'tell_');
    INSERT INTO asked.spoken (token_hash, user_id, tenant_id, scope) SELECT encode(sha256('spoken_1'), 'hex'), p[1], p[2], p[3] FROM string_to_array(say, '/') p;
    IF made_from = 'asked' THEN
        SELECT concat_ws('/', i.user_id, i.tenant_id, i.scope) INTO said FROM string_to_array(say, '/') p,
            tokenauth_issue(p[1], 'tell', tenant_id => p[2], scope => p[3]) t, tokenauth_identify(t.token) i;
    ELSE
        SELECT concat_ws('/', i.user_id, i.tenant_id, i.scope) INTO said FROM tokenauth_exchange('spoken_1', 'tell') t, tokenauth_identify(t.token) i;
    END IF;
    RAISE raise_exception USING MESSAGE = said;
EXCEPTION
    WHEN raise_exception THEN RETURN sqlerrm;
    WHEN OTHERS THEN RETURN sqlstate || ' ' || sqlerrm;
END $$;
CREATE TABLE spoken (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, token_hash text UNIQUE, user_id text, tenant_id text, scope text, expires_at timestamptz, used_at timestamptz);
SELECT tokenauth_attach('spoken', prefix => 'spoken_');
CREATE EXTENSION citext SCHEMA public;
CREATE TYPE asked.mood AS ENUM ('sad', 'happy');
CREATE DOMAIN asked.cut AS name;
CREATE DOMAIN asked.account AS bigint CHECK (VALUE > 0);
SET asked.row = '{}';
CREATE TABLE becoming AS SELECT * FROM (VALUES
    (1, ' 7/acme/read', 'int/text/text'), (2, '007/acme/read', 'int/text/text'), (3, '+7 /acme/read', 'bigint/text/text'), (4, '7/acme/read', 'int/text/text'), (5, '-7/5/read', 'bigint/asked.account/text'),
    (6, '7/05/read', 'int/asked.account/text'), (7, 'Bob/Acme/Read', 'public.citext/public.citext/public.citext'), (8, 'bob /acme/read', 'varchar(3)/text/text'), (9, 'bob/acme /read', 'text/varchar(4)/text'),
    (10, '00000000-0000-4000-8000-00000000000A/acme/read', 'uuid/text/text'), (11, 'bob/acme/00000000-0000-4000-8000-00000000000A', 'text/text/uuid'), (12, 'bob/acme/00000000-0000-4000-8000-00000000000a', 'text/text/uuid'),
    (13, 'bob/acme/a_readonly', 'text/text/"char"'), (14, 'bob/acme/a', 'text/text/"char"'), (15, 'bob/acme/' || repeat('a', 63) || '-read', 'text/text/name'), (16, 'bob/acme/' || repeat('a', 63) || '-read', 'text/text/asked.cut'),
    (17, 'bob/acme/7.4', 'text/text/numeric(3,0)'), (18, 'bob/acme/7', 'text/text/numeric(3,0)'), (19, 'bob/acme/1', 'text/text/numeric(6,2)'), (20, 'bob/acme/1.00', 'text/text/numeric(6,2)'),
    (21, 'bob/acme/yes', 'text/text/boolean'), (22, 'bob/acme/true', 'text/text/boolean'), (23, 'bob/acme/t', 'text/text/boolean'), (24, 'bob/acme/happy', 'text/text/asked.mood'), (25, 'bob/acme/10.0.0.1', 'text/text/inet'),
    (26, 'bob/acme/10.0.0.1/8', 'text/text/inet'), (27, 'bob/acme/admin ', 'text/text/char(10)'), (28, 'bob/acme/admin', 'text/text/char(10)'), (29, 'bob/acme/admin     ', 'text/text/char(10)'), (30, 'bob/acme/admin  ', 'text/text/varchar(5)'),
    (31, 'bob/acme/1e2', 'text/text/float8'), (32, '//', 'text/text/text')) v (n, say, types);
SELECT n, types, becomes(say, types) AS carried, becomes(say, types, 'asked') AS asked, becomes(say, types, 'by trigger') AS "beside a trigger" FROM becoming ORDER BY n;
DROP EXTENSION citext;
-- a trigger's change is found, whatever the type makes of it
SET asked.row = '{"scope": "7"}';
SELECT becomes('bob/acme/7', 'text/text/numeric(3,0)', 'by trigger'), becomes('bob/acme/8', 'text/text/numeric(3,0)', 'by trigger');
-- a char(n) pads what it tells: that is exchanged as it is told
CREATE TABLE padded (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, token_hash text UNIQUE, user_id text, scope char(10), expires_at timestamptz, used_at timestamptz);
CREATE TABLE padded_too (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, token_hash text UNIQUE, user_id text, scope char(10), revoked boolean NOT NULL DEFAULT false);
SELECT tokenauth_attach('padded', prefix => 'padded_'), tokenauth_attach('padded_too', prefix => 'pad_');
INSERT INTO padded (token_hash, user_id, scope) SELECT encode(sha256(('padded_' || n)::bytea), 'hex'), 'bob', 'admin' FROM generate_series(1, 3) n;
SELECT '[' || i.scope || ']' AS scope FROM tokenauth_exchange('padded_1', 'padded_too') e, tokenauth_identify(e.token) i;
-- an id is a user's if it is written as the column writes it
CREATE TABLE numbered (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, token_hash text UNIQUE, user_id int, tenant_id bigint, revoked boolean NOT NULL DEFAULT false);
SELECT tokenauth_attach('numbered', prefix => 'num_');
SELECT count(token) FROM tokenauth_issue(7, 'numbered', tenant_id => 8);
SELECT u, tokenauth_revoke_user(u), tokenauth_revoke_tenant(replace(u, '7', '8')), tokenauth_revoke('1'::text, u), tokenauth_revoke_user(u, 'numbered'), tokenauth_revoke_tenant(replace(u, '7', '8'), 'numbered'), tokenauth_revoke('1'::text, u, 'numbered'),
    (SELECT count(*) FROM tokenauth_list(u, 'numbered')) AS listed FROM unnest('{" 7","007","+7 "}'::text[]) u;
SELECT tokenauth_rotate('1'::text, ' 7'::text, source => 'numbered');
SELECT (SELECT count(*) FROM tokenauth_list('7'::text, 'numbered')), tokenauth_revoke_tenant('8'::text);
SELECT tokenauth_detach(source) FROM unnest('{spoken,padded,padded_too,numbered}'::name[]) source;
-- Nobody chooses another source's token in the new row, by a default or what is made of it.
CREATE FUNCTION asked.hashed(text) RETURNS text LANGUAGE sql IMMUTABLE RETURN encode(sha256(convert_to($1, 'UTF8')), 'hex');
CREATE TABLE both_tokens (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, access_hash text UNIQUE, secret text DEFAULT nullif(current_setting('asked.secret'), ''),
    refresh_hash text UNIQUE GENERATED ALWAYS AS (asked.hashed(secret)) STORED, user_id int, scope text, salt uuid DEFAULT gen_random_uuid(), revoked boolean NOT NULL DEFAULT false);
SELECT tokenauth_attach('both_tokens', 'access', token_column => 'access_hash', prefix => 'access_'),
    tokenauth_attach('both_tokens', 'refresh', token_column => 'refresh_hash', prefix => 'refresh_');
SET asked.secret = '';
SELECT issued('access');
SELECT token AS access FROM tokenauth_issue(7, 'access', scope => 'read') \gset
SET asked.secret = 'mine';
SELECT issued('access');
SELECT tokenauth_rotate(:'access');
SELECT tokenauth_detach('refresh');
ALTER TABLE both_tokens DROP refresh_hash, DROP secret, ADD refresh uuid UNIQUE DEFAULT gen_random_uuid();
SELECT tokenauth_attach('both_tokens', 'refresh', token_column => 'refresh', stored_as => 'plaintext');
SELECT issued('access');
SELECT tokenauth_detach('refresh'), tokenauth_detach('access');
-- Nor is one refused that is random, however a text is made of that.
CREATE SEQUENCE asked.numbers;
CREATE FUNCTION asked.beside(made text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    said text;
BEGIN
    EXECUTE format('CREATE TABLE asked.pair (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, access_hash text UNIQUE, refresh text UNIQUE DEFAULT %s, user_id int, revoked boolean NOT NULL DEFAULT false)', made);
    PERFORM tokenauth_attach('asked.pair', 'access', token_column => 'access_hash', prefix => 'access_'),
        tokenauth_attach('asked.pair', 'refresh', token_column => 'refresh', stored_as => 'plaintext');
    SELECT i.status INTO said FROM tokenauth_issue(7, 'access') t, tokenauth_rotate(t.token) r, tokenauth_identify(r.token) i;
    RAISE raise_exception USING MESSAGE = said;
EXCEPTION WHEN OTHERS THEN RETURN sqlerrm;
END $$;
SELECT made, asked.beside(made) FROM unnest(ARRAY[$$'rt_' || gen_random_uuid()$$, $$gen_random_uuid() || '_rt'$$, $$concat('rt_', gen_random_uuid())$$, $$concat_ws('_', 'rt', gen_random_uuid(), 7)$$,
    $$format('rt_%s', gen_random_uuid())$$, $$format('rt')  || gen_random_uuid()$$, $$array_to_string(ARRAY[gen_random_uuid()], '')$$, $$array_to_string(ARRAY[gen_random_uuid()], '', 'x')$$, $$concat(VARIADIC ARRAY[gen_random_uuid()])$$,
    $$md5(clock_timestamp()::text || gen_random_uuid())$$, $$'rt_' || nextval('asked.numbers')$$,
    $$'rt_' || current_setting('asked.secret')$$, $$concat('rt_', current_setting('asked.secret'))$$, $$format('%s', current_setting('asked.secret'))$$, $$concat_ws(current_setting('asked.secret'), 'rt', gen_random_uuid())$$,
    $$'rt_' || 7::money$$, $$concat('rt_', 'asked.sess'::regclass)$$, $$concat(ROW(1))$$, $$array_to_string(ARRAY['asked.sess'::regclass], '')$$, $$array_to_string(string_to_array(current_setting('asked.secret'), ','), '')$$, $$md5(random()::text)$$]) made;
SELECT tokenauth_detach('narrow'), tokenauth_detach('spaced');
SELECT tokenauth_detach('sess'), tokenauth_detach('code'), tokenauth_detach('hidden'), tokenauth_detach('login');
DROP SCHEMA asked CASCADE;
