--
-- What code of an owner's does to sources, and to the session, while tokens are revoked.
--
SET client_min_messages = warning;
\set SHOW_CONTEXT never
CREATE SCHEMA meanwhile;
SET search_path = meanwhile, public;

-- It attaches the source anew, so that the token is in another column, in the transaction
-- that has attached it before, and gives the token to another user.
CREATE TABLE anew (id int PRIMARY KEY, token_hash text UNIQUE, hash2 text UNIQUE, other text UNIQUE, user_id int, revoked bool NOT NULL DEFAULT false);
INSERT INTO anew VALUES (1, encode(sha256('a_1'), 'hex'), encode(sha256('a_1'), 'base64'), 'x1', 7);
CREATE FUNCTION anew() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_trigger_depth() > 1 THEN RETURN NULL; END IF;
    IF NOT EXISTS (SELECT FROM public.tokenauth_sources WHERE source = 'anew' AND token_column = 'hash2') THEN
        PERFORM public.tokenauth_detach('anew');
        PERFORM public.tokenauth_attach('meanwhile.anew', prefix => 'a_', token_column => 'hash2', stored_as => 'sha256-base64');
    END IF;
    UPDATE meanwhile.anew SET revoked = false, user_id = 8;
    RETURN NULL;
END $$;
CREATE TRIGGER anew AFTER UPDATE ON anew FOR EACH ROW EXECUTE FUNCTION anew();
SELECT tokenauth_attach('anew', 'too', prefix => 'z_', token_column => 'other', stored_as => 'plaintext');
BEGIN;
SELECT tokenauth_attach('anew', prefix => 'a_');
SELECT tokenauth_revoke_user(7, 'anew');
ROLLBACK;
BEGIN;
SELECT tokenauth_attach('anew', prefix => 'a_');
SELECT tokenauth_revoke(1, 7, 'anew');
ROLLBACK;
BEGIN;
SELECT tokenauth_attach('anew', prefix => 'a_');
SELECT tokenauth_revoke('a_1');
ROLLBACK;
DROP TRIGGER anew ON anew;
-- but to attach another table does not matter
CREATE TABLE elsewhere (id int PRIMARY KEY, token_hash text UNIQUE, user_id int, revoked bool NOT NULL DEFAULT false);
CREATE FUNCTION elsewhere() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM public.tokenauth_attach('meanwhile.elsewhere', prefix => 'e_');
    RETURN NULL;
END $$;
CREATE TRIGGER elsewhere AFTER UPDATE ON anew FOR EACH ROW EXECUTE FUNCTION elsewhere();
BEGIN;
SELECT tokenauth_attach('anew', prefix => 'a_');
SELECT tokenauth_revoke('a_1');
SELECT status FROM tokenauth_identify('a_1');
ROLLBACK;
DROP TRIGGER elsewhere ON anew;

-- It attaches one more source, in which the token lives.
CREATE FUNCTION more() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM public.tokenauth_sources WHERE source = 'more') THEN
        PERFORM public.tokenauth_attach('meanwhile.anew', 'more', prefix => 'a_1', token_column => 'hash2', stored_as => 'sha256-base64',
                                        revoked_column => '', live_when => 'id > 0', on_revoke => TG_ARGV[0]);
    END IF;
    RETURN NULL;
END $$;
SELECT tokenauth_attach('anew', prefix => 'a_');
CREATE TRIGGER more AFTER UPDATE ON anew FOR EACH ROW EXECUTE FUNCTION more('forget');
BEGIN;
SELECT tokenauth_revoke('a_1');
SELECT status, source FROM tokenauth_identify('a_1');
ROLLBACK;
BEGIN;
SELECT tokenauth_revoke_user(7);
SELECT status, source FROM tokenauth_identify('a_1');
ROLLBACK;
DROP TRIGGER more ON anew;
CREATE OR REPLACE FUNCTION more() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM public.tokenauth_sources WHERE source = 'more') THEN
        PERFORM public.tokenauth_attach('meanwhile.anew', 'more', prefix => 'a_1', token_column => 'hash2', stored_as => 'sha256-base64',
                                        revoked_column => '', live_when => 'id > 0');
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER more AFTER UPDATE ON anew FOR EACH ROW EXECUTE FUNCTION more();
BEGIN;
SELECT tokenauth_revoke('a_1');
SELECT status, source FROM tokenauth_identify('a_1');
ROLLBACK;
SELECT tokenauth_detach('anew'), tokenauth_detach('too');
DROP TABLE anew;

-- It gives a token that cannot be revoked to another user: the next call finds it all the
-- same.
CREATE TABLE first (id int PRIMARY KEY, token_hash text UNIQUE, user_id int, revoked boolean NOT NULL DEFAULT false);
CREATE TABLE second (LIKE first INCLUDING ALL);
INSERT INTO first VALUES (1, encode(sha256('f_1'), 'hex'), 7);
INSERT INTO second VALUES (1, encode(sha256('s_1'), 'hex'), 7);
CREATE FUNCTION give() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.revoked := false; NEW.user_id := 8; RETURN NEW; END $$;
CREATE TRIGGER give BEFORE UPDATE ON second FOR EACH ROW EXECUTE FUNCTION give();
SELECT tokenauth_attach('first', prefix => 'f_'), tokenauth_attach('second', prefix => 's_');
SELECT tokenauth_revoke_user(7);
SELECT (tokenauth_identify('f_1')).status, (tokenauth_identify('s_1')).status, (tokenauth_identify('s_1')).user_id;
SELECT tokenauth_revoke_user(7);
DROP TRIGGER give ON second;
SELECT tokenauth_revoke_user(7);
SELECT tokenauth_detach('first'), tokenauth_detach('second');

-- It attaches another table, so that a token rotated by its id is looked up in a source
-- that has been read again: that its life has not been shortened is seen all the same.
CREATE TABLE graced (id serial PRIMARY KEY, token_hash text UNIQUE, user_id int, expires_at timestamptz, revoked bool NOT NULL DEFAULT false);
INSERT INTO graced (token_hash, user_id, expires_at) VALUES (encode(sha256('g_1'), 'hex'), 7, now() + '1 year');
SELECT tokenauth_attach('graced', prefix => 'g_');
CREATE TRIGGER elsewhere AFTER INSERT ON graced FOR EACH ROW EXECUTE FUNCTION elsewhere();
BEGIN;
SELECT expires_at > now() + '300 days' AS long FROM tokenauth_rotate(1, 7, source => 'graced', grace => '10 min'::interval);
SELECT expires_at > now() + '300 days' AS long FROM tokenauth_identify('g_1');
SELECT count(*) AS remembered FROM tokenauth_retiring WHERE relation = 'graced'::regclass;
ROLLBACK;
CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.expires_at := OLD.expires_at; RETURN NEW; END $$;
CREATE TRIGGER keep BEFORE UPDATE ON graced FOR EACH ROW EXECUTE FUNCTION keep();
SELECT expires_at > now() + '300 days' AS long FROM tokenauth_rotate(1, 7, source => 'graced', grace => '10 min'::interval);
SELECT tokenauth_detach('graced');

-- To revoke a token gives it no life in another source of its column: there it is revoked,
-- too, or it is an error where one source is named.
CREATE TABLE kinds (id int PRIMARY KEY, tok text UNIQUE, user_id int, revoked bool NOT NULL DEFAULT false);
INSERT INTO kinds VALUES (1, 'k_1', 7), (2, 'k_2', 8);
SELECT tokenauth_attach('kinds', 'living', token_column => 'tok', stored_as => 'plaintext');
SELECT tokenauth_attach('kinds', 'dead', token_column => 'tok', stored_as => 'plaintext', revoked_column => '', live_when => 'revoked', on_revoke => 'forget');
SELECT tokenauth_revoke(token => 'k_1', source => 'living');
SELECT tokenauth_revoke_user(7, 'living');
SELECT tokenauth_revoke(1, 7, 'living');
SELECT (tokenauth_identify('k_1', source => 'living')).status, (tokenauth_identify('k_1', source => 'dead')).status;
SELECT tokenauth_revoke('k_1');
SELECT tokenauth_revoke_user(8);
SELECT tok, revoked FROM kinds ORDER BY id;
SELECT tokenauth_detach('dead');
-- also where that takes it for another user's
ALTER TABLE kinds ADD other_user int DEFAULT 9;
UPDATE kinds SET tok = 'k_' || id, revoked = false;
SELECT tokenauth_attach('kinds', 'dead', token_column => 'tok', stored_as => 'plaintext', user_column => 'other_user', revoked_column => '', live_when => 'revoked', on_revoke => 'forget');
SELECT tokenauth_revoke_user(7);
SELECT tokenauth_revoke(1, 7);
SELECT (tokenauth_identify('k_1', source => 'living')).status, (tokenauth_identify('k_1', source => 'dead')).status;
SELECT tokenauth_revoke('k_1');
SELECT tok, revoked FROM kinds ORDER BY id;
SELECT tokenauth_detach('dead');
-- also in one that is attached by that
UPDATE kinds SET tok = 'k_' || id, revoked = false;
CREATE FUNCTION kin() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM public.tokenauth_attach('meanwhile.kinds', 'kin', token_column => 'tok', stored_as => 'plaintext', revoked_column => '', live_when => 'revoked', on_revoke => 'forget');
    RETURN NULL;
END $$;
CREATE TRIGGER kin AFTER UPDATE ON kinds EXECUTE FUNCTION kin();
SELECT tokenauth_attach('kinds', 'other', token_column => 'tok', stored_as => 'plaintext', live_when => 'id < 0');
SELECT tokenauth_revoke(token => 'k_1', source => 'living');
SELECT tokenauth_revoke_user(7, 'living');
DROP TRIGGER kin ON kinds;
SELECT tokenauth_detach('other');
-- but what cannot be read there keeps it from nothing: an expression, a parent
ALTER TABLE kinds ADD org int;
CREATE TABLE org (id int PRIMARY KEY);
INSERT INTO org VALUES (1);
CREATE FUNCTION fails(id int) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN IF id > 0 THEN RAISE 'failed'; END IF; RETURN true; END $$;
SELECT tokenauth_attach('kinds', 'broken', token_column => 'tok', stored_as => 'plaintext', live_when => 'meanwhile.fails(org)');
SELECT tokenauth_attach('kinds', 'member', token_column => 'tok', stored_as => 'plaintext', live_when => 'org > 0');
SELECT tokenauth_attach_parent('member', 'org', 'org', live_when => 'meanwhile.fails(id)');
UPDATE kinds SET org = 1;
SELECT tokenauth_revoke(token => 'k_1', source => 'living');
SELECT tokenauth_revoke_user(8, 'living');
SELECT tok, revoked FROM kinds ORDER BY id;
SELECT tokenauth_detach('living'), tokenauth_detach('broken'), tokenauth_detach('member');
-- where that leaves unknown if it lives there now, it is no success
UPDATE kinds SET revoked = false;
SELECT tokenauth_attach('kinds', 'living', token_column => 'tok', stored_as => 'plaintext');
SELECT tokenauth_attach('kinds', 'dead', token_column => 'tok', stored_as => 'plaintext', user_column => 'other_user', revoked_column => '', live_when => 'revoked AND meanwhile.fails(org)');
SELECT tokenauth_revoke(token => 'k_1', source => 'living');
SELECT tokenauth_revoke_user(8, 'living');
SELECT tok, revoked FROM kinds ORDER BY id;
SELECT tokenauth_detach('living'), tokenauth_detach('dead');

-- A source of the column with another prefix takes no such token, but its hash.
CREATE TABLE hashes (id int PRIMARY KEY, token_hash text UNIQUE, user_id int, other_user int, revoked bool NOT NULL DEFAULT false);
INSERT INTO hashes SELECT i, encode(sha256(convert_to('ha_' || i, 'UTF8')), 'hex'), 7, 9 FROM generate_series(1, 2) i;
SELECT tokenauth_attach('hashes', 'ha', prefix => 'ha_');
SELECT tokenauth_attach('hashes', 'hb', prefix => 'hb_', user_column => 'other_user', revoked_column => '', live_when => 'revoked');
SELECT tokenauth_revoke('ha_1');
SELECT (tokenauth_identify_hash(sha256('ha_1'), source => 'hb')).status;
SELECT tokenauth_detach('ha'), tokenauth_detach('hb');

-- It attaches another table: rows of another kind of token in the column stay that.
CREATE TABLE several (id int PRIMARY KEY, tok text UNIQUE, kind text, user_id int, revoked bool NOT NULL DEFAULT false);
INSERT INTO several SELECT i, 'x_' || i, CASE i % 2 WHEN 0 THEN 'b' ELSE 'a' END, 7 FROM generate_series(1, 4) i;
SELECT tokenauth_attach('several', k, token_column => 'tok', stored_as => 'plaintext', live_when => format('kind = %L', k)) FROM unnest('{a, b}'::text[]) k;
CREATE FUNCTION once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM public.tokenauth_sources WHERE source = 'elsewhere') THEN
        PERFORM public.tokenauth_attach('meanwhile.elsewhere', prefix => 'e_');
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER once AFTER UPDATE ON several EXECUTE FUNCTION once();
BEGIN;
SELECT tokenauth_revoke_user(7, 'a');
SELECT id, kind, revoked FROM several ORDER BY id;
ROLLBACK;
SELECT tokenauth_detach('a'), tokenauth_detach('b');

-- It makes a new token for each that is revoked: that source is left out, and no other.
CREATE TABLE again (id serial PRIMARY KEY, tok text UNIQUE DEFAULT gen_random_uuid()::text, user_id int, revoked boolean NOT NULL DEFAULT false);
INSERT INTO again (user_id) VALUES (7);
UPDATE first SET revoked = false;
SELECT tokenauth_attach('first', prefix => 'f_'), tokenauth_attach('again', prefix => 'g_', token_column => 'tok', stored_as => 'plaintext');
CREATE FUNCTION again() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO meanwhile.again (user_id) VALUES (7); RETURN NULL; END $$;
CREATE TRIGGER again AFTER UPDATE ON again FOR EACH ROW EXECUTE FUNCTION again();
SELECT tokenauth_revoke_user(7);
SELECT (tokenauth_identify('f_1')).status;
SELECT tokenauth_revoke_user(7, 'again');
SELECT tokenauth_detach('first'), tokenauth_detach('again');

-- It has the table inherited from while a token of it is rotated, so that nothing is known of
-- its columns.
CREATE TABLE heir (id serial PRIMARY KEY, token_hash text UNIQUE, user_id int, expires_at timestamptz, revoked boolean NOT NULL DEFAULT false);
INSERT INTO heir (token_hash, user_id, expires_at) VALUES (encode(sha256('h_1'), 'hex'), 7, now() + '1 day');
CREATE FUNCTION heir() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN CREATE TABLE meanwhile.child () INHERITS (meanwhile.heir); RETURN NEW; END $$;
CREATE TRIGGER heir BEFORE UPDATE ON heir FOR EACH ROW EXECUTE FUNCTION heir();
SELECT tokenauth_attach('heir', prefix => 'h_');
SELECT token IS NOT NULL AS rotated FROM tokenauth_rotate('h_1', '1 minute'::interval);
SELECT token IS NOT NULL AS rotated FROM tokenauth_rotate('h_1');
SELECT (tokenauth_identify('h_1')).status;
-- the same where tokens of a kind are revoked one by one
INSERT INTO heir (token_hash, user_id) VALUES (encode(sha256('h_2'), 'hex'), 7);
SELECT tokenauth_attach('heir', 'other', prefix => 'h_x', live_when => 'id < 0');
SELECT tokenauth_revoke_user(7, 'heir');
SELECT tokenauth_detach('heir'), tokenauth_detach('other');

-- It raises an error as long as it likes: no more of it is told than is read.
CREATE FUNCTION loud() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE '%', repeat('x', 3000000); END $$;
UPDATE first SET revoked = false;
CREATE TABLE loud (LIKE first INCLUDING ALL);
INSERT INTO loud VALUES (1, encode(sha256('l_1'), 'hex'), 7);
CREATE TRIGGER loud BEFORE UPDATE ON loud EXECUTE FUNCTION loud();
SELECT tokenauth_attach('first', prefix => 'f_'), tokenauth_attach('loud', prefix => 'l_');
SELECT tokenauth_revoke_user(7);
SELECT tokenauth_detach('first'), tokenauth_detach('loud');

-- An expression makes the transaction read-only: that is undone with its other settings.
CREATE TABLE closed (id int PRIMARY KEY, token_hash text UNIQUE, u int, revoked bool NOT NULL DEFAULT false);
INSERT INTO closed VALUES (1, encode(sha256('c_1'), 'hex'), 7);
CREATE FUNCTION close(u int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    PERFORM set_config('transaction_read_only', 'on', false);
    IF u < 0 THEN RAISE 'failed'; END IF;
    RETURN u;
END $$;
SELECT tokenauth_attach('closed', prefix => 'c_', user_column => '', mapping => '{"user_expression": "close(u)"}');
BEGIN;
SELECT status FROM tokenauth_identify('c_1');
SELECT token_id FROM tokenauth_list(7, 'closed');
SHOW transaction_read_only;
SAVEPOINT s;
UPDATE closed SET u = -1;
SELECT token_id FROM tokenauth_list(7, 'closed');
ROLLBACK TO s;
SHOW transaction_read_only;
SELECT tokenauth_revoke_user(7, 'closed');
SHOW transaction_read_only;
ROLLBACK;
SELECT tokenauth_detach('closed');
DROP SCHEMA meanwhile CASCADE;
