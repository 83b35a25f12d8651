--
-- Attack: the owner of a table binds an identity in somebody else's
-- transaction, by code of his that the other's calls run; and ids of one source
-- pass for those of another.
--
\set SHOW_CONTEXT never
CREATE ROLE tokenauth_web;
CREATE ROLE tokenauth_mallory;
CREATE SCHEMA app AUTHORIZATION tokenauth_mallory;
GRANT USAGE ON SCHEMA app TO tokenauth_web;
GRANT EXECUTE ON FUNCTION tokenauth_attach, tokenauth_attach_parent, tokenauth_detach, tokenauth_authenticate
    TO tokenauth_mallory;
GRANT EXECUTE ON FUNCTION tokenauth_resolve, tokenauth_identify, tokenauth_authenticate, tokenauth_revoke(text),
    tokenauth_user, tokenauth_rotate(text, interval, name, jsonb) TO tokenauth_web;

-- What mallory's code does wherever it runs.
SET ROLE tokenauth_mallory;
CREATE FUNCTION app.bind(of_row anyelement) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    PERFORM public.tokenauth_authenticate('mallory_1');
    RETURN true;
END $$;
CREATE FUNCTION app.bind_in_trigger() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM public.tokenauth_authenticate('mallory_1');
    RETURN NEW;
END $$;
CREATE TABLE app.tok (token_hash text PRIMARY KEY, user_id text, revoked boolean NOT NULL DEFAULT false);
INSERT INTO app.tok VALUES (encode(sha256('mallory_1'), 'hex'), 'mallory');
SELECT tokenauth_attach('app.tok', prefix => 'mallory_');

-- A condition of a source, and of a parent.
CREATE TABLE app.cond (token_hash text PRIMARY KEY, user_id text, parent int);
INSERT INTO app.cond VALUES (encode(sha256('cond_1'), 'hex'), 'u', 1);
CREATE TABLE app.parent (id int PRIMARY KEY);
INSERT INTO app.parent VALUES (1);
SELECT tokenauth_attach('app.cond', prefix => 'cond_', live_when => 'app.bind(user_id)');
SET ROLE tokenauth_web;
BEGIN;
SELECT status FROM tokenauth_identify('cond_1');
SELECT tokenauth_user(NULL::text);
ROLLBACK;
SET ROLE tokenauth_mallory;
SELECT tokenauth_detach('cond');
SELECT tokenauth_attach('app.cond', prefix => 'cond_');
SELECT tokenauth_attach_parent('cond', 'app.parent', 'parent', live_when => 'app.bind(id)');
SET ROLE tokenauth_web;
BEGIN;
SELECT status FROM tokenauth_identify('cond_1');
SELECT tokenauth_user(NULL::text);
ROLLBACK;
-- the same where the caller owns the table: no place for it all the same
SET ROLE tokenauth_mallory;
SELECT tokenauth_authenticate('cond_1');

-- A trigger on a token table, as it is revoked or rotated.
CREATE TABLE app.trig (token_hash text PRIMARY KEY, user_id text, revoked boolean NOT NULL DEFAULT false);
INSERT INTO app.trig VALUES (encode(sha256('trig_1'), 'hex'), 'u');
SELECT tokenauth_attach('app.trig', prefix => 'trig_');
CREATE TRIGGER bind BEFORE INSERT OR UPDATE ON app.trig FOR EACH ROW EXECUTE FUNCTION app.bind_in_trigger();
SET ROLE tokenauth_web;
BEGIN;
SELECT tokenauth_revoke('trig_1');
ROLLBACK;
SELECT token IS NULL FROM tokenauth_rotate('trig_1');

-- A trigger on any table, also a deferred one, which runs at COMMIT.
SET ROLE tokenauth_mallory;
CREATE TABLE app.comments (body text);
GRANT INSERT ON app.comments TO tokenauth_web;
CREATE TRIGGER bind BEFORE INSERT ON app.comments FOR EACH ROW WHEN (NEW.body = 'now')
    EXECUTE FUNCTION app.bind_in_trigger();
CREATE CONSTRAINT TRIGGER later AFTER INSERT ON app.comments DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION app.bind_in_trigger();
SET ROLE tokenauth_web;
BEGIN;
INSERT INTO app.comments VALUES ('now');
SELECT tokenauth_user(NULL::text);
ROLLBACK;
BEGIN;
INSERT INTO app.comments VALUES ('later');
COMMIT;

-- What core runs as the owner: an index expression, as it is created.
SET ROLE tokenauth_mallory;
CREATE TABLE app.indexed (id int);
INSERT INTO app.indexed VALUES (1);
RESET ROLE;
BEGIN;
CREATE INDEX ON app.indexed ((app.bind(id)));
ROLLBACK;

-- None of this hinders a session that authenticates itself: in a function, one
-- with its owner's rights, a block with an exception handler.
CREATE FUNCTION app.login(token text) RETURNS text LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    BEGIN
        RETURN public.tokenauth_authenticate(token);
    EXCEPTION WHEN invalid_authorization_specification THEN
        RETURN 'nobody';
    END;
END $$;
SET ROLE tokenauth_web;
SELECT app.login('mallory_1'), app.login('mallory_2');
-- and a refusal leaves no trace of the sandbox behind
BEGIN;
SAVEPOINT s;
SELECT tokenauth_revoke('trig_1');
ROLLBACK TO s;
SELECT tokenauth_authenticate('mallory_1');
COMMIT;
RESET ROLE;

-- Device 7 is not user 7: policies can ask for a source.
CREATE TABLE app.user_tok (token_hash text PRIMARY KEY, user_id bigint, tenant_id bigint);
CREATE TABLE app.device_tok (token_hash text PRIMARY KEY, device_id bigint, tenant_id bigint);
CREATE TABLE app.text_tok (token_hash text PRIMARY KEY, user_id text);
SELECT tokenauth_attach('app.user_tok', prefix => 'user_');
SELECT tokenauth_attach('app.device_tok', prefix => 'device_', user_column => 'device_id');
SELECT tokenauth_attach('app.text_tok', prefix => 'text_');
INSERT INTO app.user_tok VALUES (encode(sha256('user_7'), 'hex'), 7, 70);
INSERT INTO app.device_tok VALUES (encode(sha256('device_7'), 'hex'), 7, 70);
INSERT INTO app.text_tok VALUES (encode(sha256('text_7'), 'hex'), '7');
CREATE TABLE app.note (owner bigint, body text);
INSERT INTO app.note VALUES (7, 'of user 7');
ALTER TABLE app.note ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON app.note USING (owner = (SELECT tokenauth_user(NULL::bigint, 'user_tok')));
GRANT SELECT ON app.note TO tokenauth_web;
GRANT EXECUTE ON FUNCTION tokenauth_source, tokenauth_tenant TO tokenauth_web;
SET ROLE tokenauth_web;
SELECT tokenauth_source();
BEGIN;
SELECT tokenauth_authenticate('user_7'), tokenauth_source();
SELECT body FROM app.note;
SELECT tokenauth_user(NULL::bigint), tokenauth_user(NULL::bigint, source => 'user_tok') AS same,
    tokenauth_user(NULL::bigint, 'device_tok') AS other, tokenauth_user(source => 'nothing') AS nothing,
    tokenauth_tenant(NULL::bigint, 'user_tok') AS tenant, tokenauth_tenant(NULL::bigint, 'device_tok') AS none;
ROLLBACK;
BEGIN;
SELECT tokenauth_authenticate('device_7'), tokenauth_source();
SELECT body FROM app.note;
SELECT tokenauth_user(NULL::bigint), tokenauth_user(NULL::bigint, 'user_tok') AS pinned;
COMMIT;
-- who asks for one source's ids is not troubled by another's type
BEGIN;
SELECT tokenauth_authenticate('text_7'), tokenauth_source();
SELECT body FROM app.note;
SELECT tokenauth_user(NULL::bigint);
ROLLBACK;
RESET ROLE;

SET client_min_messages = warning;
DROP SCHEMA app CASCADE;
DROP OWNED BY tokenauth_web, tokenauth_mallory;
DROP ROLE tokenauth_web, tokenauth_mallory;
