--
-- Attack: attributes, which an application may take from its user, set the user,
-- scope or life of a new token; one source prevents revoking in others.
--
\set SHOW_CONTEXT never
CREATE TABLE code (token_hash text PRIMARY KEY, user_id text NOT NULL, tenant_id text, scope text,
    expires_at timestamptz, used_at timestamptz, revoked_at timestamptz);
CREATE TABLE sess (id text PRIMARY KEY, token_hash text UNIQUE, user_id text NOT NULL, tenant_id text, scope text,
    expires_at timestamptz, created_at timestamptz DEFAULT now(), last_used_at timestamptz, revoked_at timestamptz,
    app_id int, approved boolean DEFAULT false, plan text, note text);
CREATE TABLE app (id int PRIMARY KEY);
INSERT INTO app VALUES (1), (2);
SELECT tokenauth_attach('code', prefix => 'c_');
SELECT tokenauth_attach('sess', prefix => 's_', live_when => 'approved', claims => '{plan}');
SELECT tokenauth_attach_parent('sess', 'app', 'app_id');

-- What is refused, of each column; the code is still good then.
CREATE FUNCTION refused(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    done text;
BEGIN
    EXECUTE call INTO done;
    RAISE SQLSTATE 'ZZ000' USING MESSAGE = done;
EXCEPTION
    WHEN SQLSTATE 'ZZ000' THEN RETURN 'ACCEPTED';
    WHEN OTHERS THEN RETURN sqlerrm;
END $$;
SELECT token AS code FROM tokenauth_issue('u', 'code', '15 minutes', scope => 'read', tenant_id => '1') \gset
SELECT token AS old FROM tokenauth_issue('u', 'sess', '1 day', scope => 'read', tenant_id => '1',
    attributes => '{"approved": true, "app_id": 1, "plan": "free", "note": "n"}') \gset
CREATE TABLE given AS SELECT attname::text AS name FROM pg_attribute WHERE attrelid = 'sess'::regclass AND attnum > 0;
SELECT name,
    refused(format('SELECT token FROM tokenauth_issue(''u'', ''sess'', attributes => %L)', jsonb_build_object(name, NULL))) AS issue,
    refused(format('SELECT token FROM tokenauth_exchange(%L, ''sess'', attributes => %L)', :'code', jsonb_build_object(name, NULL))) AS exchange,
    refused(format('SELECT token FROM tokenauth_rotate(%L, attributes => %L)', :'old', jsonb_build_object(name, NULL))) AS rotate
FROM given;
SELECT status FROM tokenauth_identify(:'code');

-- Exchanged, it is of the code's user, tenant and scope, or of a scope that the
-- caller names in an argument of its own.
BEGIN;
SELECT token_id FROM tokenauth_exchange(:'code', 'sess', attributes => '{"approved": true, "note": "mine"}') \gset
SELECT user_id, tenant_id, scope, expires_at, note FROM sess WHERE id = :'token_id';
ROLLBACK;
BEGIN;
SELECT token_id FROM tokenauth_exchange(:'code', 'sess', '1 hour', scope => 'session', tenant_id => '1') \gset
SELECT user_id, tenant_id, scope, expires_at - now() > '59 minutes' AS lifetime FROM sess WHERE id = :'token_id';
ROLLBACK;
SELECT tokenauth_exchange(:'code', 'sess', tenant_id => '2');
SELECT status FROM tokenauth_identify(:'code');
-- a code without a tenant can be given one
SELECT token AS free FROM tokenauth_issue('u', 'code', '15 minutes') \gset
SELECT token_id FROM tokenauth_exchange(:'free', 'sess', tenant_id => '2') \gset
SELECT tenant_id, scope FROM sess WHERE id = :'token_id';
-- and one without a user cannot stand for any
CREATE TABLE anon (token_hash text PRIMARY KEY, used_at timestamptz);
SELECT tokenauth_attach('anon', prefix => 'a_');
SELECT token AS anon FROM tokenauth_issue(NULL, 'anon') \gset
SELECT tokenauth_exchange(:'anon', 'sess');

-- Rotated, a token is what it was, but for what does not matter to it.
SELECT token_id FROM tokenauth_rotate(:'old', attributes => '{"note": "rotated"}') \gset
SELECT user_id, tenant_id, scope, approved, app_id, plan, note, expires_at - now() > '23 hours' AS lifetime
FROM sess WHERE id = :'token_id';


-- Only tokenauth_rotate() writes what a token's life was before a rotation
-- shortened it, regardless of privileges on our tables.
CREATE ROLE tokenauth_writer;
GRANT pg_write_all_data, pg_read_all_data TO tokenauth_writer;
GRANT EXECUTE ON FUNCTION tokenauth_rotate(text, interval, name, jsonb) TO tokenauth_writer;
GRANT ALL ON ALL TABLES IN SCHEMA public TO tokenauth_writer;
SELECT token AS mine FROM tokenauth_issue('w', 'sess', '1 hour', attributes => '{"approved": true}') \gset
SET ROLE tokenauth_writer;
INSERT INTO tokenauth_retiring SELECT 'sess'::regclass, sha256(:'mine'), expires_at, NULL FROM sess WHERE user_id = 'w';
INSERT INTO tokenauth_retiring VALUES (0, '', now(), NULL) ON CONFLICT DO NOTHING;
SELECT expires_at < now() + interval '61 minutes' AS as_granted FROM tokenauth_rotate(:'mine');
RESET ROLE;
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM tokenauth_writer;
DROP OWNED BY tokenauth_writer;
DROP ROLE tokenauth_writer;

SELECT tokenauth_detach(source) IS NULL FROM tokenauth_sources;
DROP TABLE code, sess, app, given, anon;

--
-- One source must not prevent revoking in others: each is tried by itself.
--
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$;
CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(600); RETURN NULL; END $$;
CREATE TABLE good (id int, token_hash text PRIMARY KEY, user_id text, tenant_id text, revoked boolean DEFAULT false);
CREATE TABLE bad (id int, token_hash text PRIMARY KEY, user_id text, tenant_id text, revoked boolean DEFAULT false);
CREATE TABLE plain (token text PRIMARY KEY, user_id text, tenant_id text, revoked boolean DEFAULT false);
SELECT tokenauth_attach('bad', prefix => 'bad_');
SELECT tokenauth_attach('good', prefix => 'good_');
SELECT tokenauth_attach('plain', token_column => 'token', stored_as => 'plaintext');
CREATE FUNCTION fill() RETURNS void LANGUAGE sql AS $$
    TRUNCATE good, bad, plain;
    INSERT INTO good SELECT n, encode(sha256(('good_' || n)::bytea), 'hex'), 'u', 't' FROM generate_series(1, 3) n;
    INSERT INTO bad SELECT n, encode(sha256(('bad_' || n)::bytea), 'hex'), 'u', 't' FROM generate_series(1, 3) n;
    INSERT INTO plain VALUES ('good_1', 'u', 't'), ('bad_1', 'u', 't');
$$;
CREATE FUNCTION live() RETURNS text LANGUAGE sql AS $$
    SELECT format('good: %s, bad: %s, plain: %s', (SELECT count(*) FROM good WHERE NOT revoked),
        (SELECT count(*) FROM bad WHERE NOT revoked), (SELECT count(*) FROM plain WHERE NOT revoked))
$$;
-- in health
SELECT fill();
SELECT tokenauth_revoke('good_1'), tokenauth_revoke('good_1') AS again, tokenauth_revoke('nothing') AS unknown;
SELECT tokenauth_revoke('2'::text, 'u'::text), tokenauth_revoke_user('u'), tokenauth_revoke_user('u') AS again, live();

-- a trigger that raises, for each statement; the result is no success
CREATE TRIGGER refuse BEFORE UPDATE ON bad EXECUTE FUNCTION refuse();
SELECT fill();
SELECT tokenauth_revoke('bad_1') IS NULL AS "null", live();
SELECT tokenauth_revoke('good_1'), live();
SELECT tokenauth_revoke('2'::text, 'u'::text) IS NULL AS "null", live();
SELECT tokenauth_revoke_user('u') IS NULL AS "null", live();
SELECT fill();
SELECT tokenauth_revoke_tenant('t') IS NULL AS "null", live();
SELECT tokenauth_flush_user('u');
-- nor one that looks like the transaction's own: cancelled, not serializable, out
-- of memory; or is genuine, but provoked
DROP TRIGGER refuse ON bad;
CREATE FUNCTION pretend() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_ARGV[0] = '25001' THEN
        EXECUTE 'VACUUM';
    END IF;
    RAISE EXCEPTION 'pretended' USING ERRCODE = TG_ARGV[0];
END $$;
CREATE FUNCTION despite(code text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM fill();
    EXECUTE format('CREATE TRIGGER pretend BEFORE UPDATE ON bad EXECUTE FUNCTION pretend(%L)', code);
    RETURN coalesce(tokenauth_revoke_user('u')::text, 'NULL') || ', ' || live();
END $$;
BEGIN;
SELECT despite('40001');
ROLLBACK;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT despite('40001');
ROLLBACK;
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT despite('40001');
ROLLBACK;
BEGIN;
SELECT despite('40P01');
ROLLBACK;
BEGIN;
SELECT despite('57014');
ROLLBACK;
BEGIN;
SELECT despite('53200');
ROLLBACK;
BEGIN;
SELECT despite('25001');
ROLLBACK;
DROP FUNCTION pretend, despite;
CREATE TRIGGER refuse BEFORE UPDATE ON bad EXECUTE FUNCTION refuse();
-- the source by name: its error is the caller's
SELECT fill();
SELECT tokenauth_revoke('bad_1', source => 'bad');
SELECT tokenauth_revoke('good_2', source => 'good'), tokenauth_revoke('good_2', source => 'bad') AS not_of_that, live();
SELECT tokenauth_revoke('good_1', source => 'plain'), live();
SELECT tokenauth_revoke('good_1', source => 'nothing');
SELECT tokenauth_revoke(NULL, source => 'good');
SELECT tokenauth_revoke_user('u', 'bad');
-- no other is concerned: it is the caller's, too
CREATE TABLE numbers (token_hash text PRIMARY KEY, user_id int);
SELECT tokenauth_detach('good'), tokenauth_detach('plain');
SELECT tokenauth_attach('numbers', prefix => 'n_');
SELECT tokenauth_revoke_user('u');
SELECT tokenauth_detach('numbers');
SELECT tokenauth_attach('good', prefix => 'good_');
SELECT tokenauth_attach('plain', token_column => 'token', stored_as => 'plaintext');
DROP TRIGGER refuse ON bad;

-- a table that cannot be written by its owner, nor read as its source says
CREATE ROLE tokenauth_poor;
ALTER TABLE bad OWNER TO tokenauth_poor;
REVOKE ALL ON bad FROM tokenauth_poor;
SELECT fill();
SELECT tokenauth_revoke_user('u') IS NULL AS "null", live();
ALTER TABLE bad OWNER TO CURRENT_USER;
ALTER TABLE bad RENAME revoked TO gone;
SELECT tokenauth_revoke_user('u') IS NULL AS "null";
ALTER TABLE bad RENAME gone TO revoked;

-- code that takes too long
CREATE TRIGGER dawdle BEFORE UPDATE ON bad EXECUTE FUNCTION dawdle();
SET tokenauth.source_timeout = '3s';
SELECT fill();
SELECT tokenauth_revoke_user('u') IS NULL AS "null", live();
SELECT fill();
SELECT tokenauth_revoke('bad_1') IS NULL AS "null", live();
-- code that takes too long within another limit, which it brings about
CREATE FUNCTION nest() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM tokenauth_revoke_tenant('nobody');
    PERFORM pg_sleep(600);
    RETURN NULL;
END $$;
DROP TRIGGER dawdle ON bad;
CREATE TRIGGER nest BEFORE UPDATE ON bad FOR EACH ROW EXECUTE FUNCTION nest();
SELECT fill();
SELECT tokenauth_revoke_user('u') IS NULL AS "null", live();
DROP TRIGGER nest ON bad;
CREATE TRIGGER dawdle BEFORE UPDATE ON bad EXECUTE FUNCTION dawdle();
-- the statement's own timeout is an error
SET tokenauth.source_timeout = 0;
SELECT fill();
SET statement_timeout = '200ms';
SELECT tokenauth_revoke_user('u');
RESET statement_timeout;
RESET tokenauth.source_timeout;
SELECT live();
-- a transaction that must not write
BEGIN READ ONLY;
SELECT tokenauth_revoke_user('u');
ROLLBACK;

SELECT tokenauth_detach(source) IS NULL FROM tokenauth_sources;
DROP TABLE good, bad, plain, numbers;
DROP FUNCTION refuse, dawdle, nest, fill, live, refused;
DROP ROLE tokenauth_poor;

-- Whoever may make triggers on the table of graces gets no code run by its owner.
CREATE ROLE regress_mallory;
GRANT ALL ON tokenauth_retiring TO regress_mallory;
GRANT CREATE ON SCHEMA public TO regress_mallory;
SELECT tokenauth_create_table('graceful', prefix => 'grc_');
INSERT INTO graceful (user_id, token_hash) VALUES (gen_random_uuid(), encode(sha256('grc_1'), 'hex'));
SET ROLE regress_mallory;
CREATE FUNCTION mine() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE WARNING 'runs as a superuser: %', (SELECT rolsuper FROM pg_roles WHERE rolname = current_user); RETURN NEW; END $$;
CREATE TRIGGER zz BEFORE INSERT ON tokenauth_retiring FOR EACH ROW EXECUTE FUNCTION mine();
RESET ROLE;
SELECT tokenauth_rotate('grc_1', grace => '1 hour');
DROP TRIGGER zz ON tokenauth_retiring;
ALTER TABLE tokenauth_retiring DISABLE TRIGGER guard;
SELECT tokenauth_rotate('grc_1', grace => '1 hour');
ALTER TABLE tokenauth_retiring ENABLE ALWAYS TRIGGER guard;
SELECT token IS NOT NULL AS rotated FROM tokenauth_rotate('grc_1', grace => '1 hour');
SELECT tokenauth_detach('graceful');
DROP TABLE graceful;
DROP FUNCTION mine;
REVOKE ALL ON tokenauth_retiring FROM regress_mallory;
REVOKE ALL ON SCHEMA public FROM regress_mallory;
DROP ROLE regress_mallory;
