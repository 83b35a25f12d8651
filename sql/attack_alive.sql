-- A trigger that lets a token live on, in whatever dress: revoking says so.
CREATE SCHEMA alive_attack;
SET search_path = alive_attack, public;
CREATE TABLE parent (id int PRIMARY KEY, active bool);
INSERT INTO parent VALUES (1, false);
CREATE TABLE moved (id int PRIMARY KEY, found_by text, secret text, user_id int, parent_id int, revoked boolean NOT NULL DEFAULT false);
CREATE INDEX ON moved (found_by);
SELECT tokenauth_attach('moved', prefix => 'm_', token_column => 'found_by', stored_as => 'plaintext',
                        mapping => '{"lookup": "left(token, 1)", "verify": "token = secret"}');
SELECT tokenauth_attach_parent('moved', 'parent', 'parent_id', 'id', live_when => 'active');

-- It gives the row another id, while the token is refused for another reason: its
-- parent is suspended, it is there twice, or it has no user.
CREATE FUNCTION move() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.revoked := false; NEW.id := OLD.id + 1; RETURN NEW; END $$;
CREATE TRIGGER move BEFORE UPDATE ON moved FOR EACH ROW EXECUTE FUNCTION move();
INSERT INTO moved VALUES (1, 'm', 'm_secret', 7, 1);
SELECT tokenauth_revoke('m_secret');
UPDATE parent SET active = true;
SELECT tokenauth_revoke('m_secret');
DROP TRIGGER move ON moved;
CREATE FUNCTION double() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO moved SELECT OLD.id + n, OLD.found_by, OLD.secret, OLD.user_id, OLD.parent_id FROM generate_series(1, 2) n; RETURN NEW; END $$;
CREATE TRIGGER double BEFORE UPDATE ON moved FOR EACH ROW EXECUTE FUNCTION double();
SELECT tokenauth_revoke('m_secret');
DROP TRIGGER double ON moved;
CREATE FUNCTION orphan() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.revoked := false; NEW.id := OLD.id + 1; NEW.user_id := NULL; RETURN NEW; END $$;
CREATE TRIGGER orphan BEFORE UPDATE ON moved FOR EACH ROW EXECUTE FUNCTION orphan();
SELECT tokenauth_revoke('m_secret');
DROP TRIGGER orphan ON moved;

-- It gives the row to another user, too, when that one's are revoked.
CREATE FUNCTION give() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.revoked := false; NEW.id := OLD.id + 1; NEW.user_id := 8; RETURN NEW; END $$;
CREATE TRIGGER give BEFORE UPDATE ON moved FOR EACH ROW EXECUTE FUNCTION give();
SELECT tokenauth_revoke_user(7, 'moved');
SELECT tokenauth_revoke(1, 7, 'moved');
SELECT id, user_id, revoked FROM moved;
DROP TRIGGER give ON moved;

-- Without it, and with tokens that this transaction has written itself.
BEGIN;
INSERT INTO moved VALUES (2, 'm', 'm_two', 8, 1), (3, 'm', 'm_three', 7, 1);
SELECT tokenauth_revoke_user(7, 'moved');
SELECT tokenauth_revoke('m_two');
SELECT id, user_id, revoked FROM moved ORDER BY id;
COMMIT;

-- What a rotation remembers is named by what the row has, not by a key of the cache,
-- so that a token can be rotated by its id where the row does not tell its SHA-256.
CREATE TABLE long (id serial PRIMARY KEY, token_hash text UNIQUE, user_id int, expires_at timestamptz, revoked boolean NOT NULL DEFAULT false);
SELECT tokenauth_attach('long', prefix => 'l_', stored_as => 'sha512-hex');
INSERT INTO long (token_hash, user_id, expires_at) VALUES (encode(sha512('l_1'), 'hex'), 1, now() + '1 year');
SELECT token IS NOT NULL AS rotated FROM tokenauth_rotate('l_1', grace => '10 min'::interval);
SELECT r.token_hash = sha256(sha256(convert_to(l.token_hash, 'UTF8')) || 'long') AS by_stored_value
    FROM tokenauth_retiring r, long l WHERE r.relation = 'long'::regclass AND l.id = 1;
SELECT token IS NOT NULL AS rotated, expires_at > now() + '300 days' AS keeps_its_life FROM tokenauth_rotate(1, 1, source => 'long', grace => '10 min'::interval);
SELECT status, count(*) FROM tokenauth_list(1, 'long') GROUP BY 1 ORDER BY 1;
SELECT (tokenauth_identify('l_1')).status;
SELECT tokenauth_detach('long');
SELECT tokenauth_detach('moved');

-- A cancellation that came before a source is looked at for a limited time is not its
-- code's to catch.
CREATE TABLE deaf (token text PRIMARY KEY, user_id int, revoked boolean NOT NULL DEFAULT false);
CREATE FUNCTION deaf() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_sleep(0.01);
    RETURN NEW;
EXCEPTION WHEN query_canceled THEN
    RETURN NEW;
END $$;
CREATE TRIGGER deaf BEFORE UPDATE ON deaf FOR EACH ROW EXECUTE FUNCTION deaf();
INSERT INTO deaf VALUES ('x', 7);
SELECT tokenauth_attach('deaf', token_column => 'token', stored_as => 'plaintext');
SELECT pg_cancel_backend(pg_backend_pid()), tokenauth_revoke_user(7);
SELECT revoked FROM deaf;
SELECT tokenauth_revoke_user(7);
SELECT tokenauth_detach('deaf');

-- It waits until the token has been judged: what revoking another one brings about
-- revives it, and gives it to another user.
CREATE TABLE first (id int PRIMARY KEY, token_hash text UNIQUE, user_id int, revoked boolean NOT NULL DEFAULT false);
CREATE TABLE second (LIKE first INCLUDING ALL);
CREATE TABLE fired (n int);
INSERT INTO fired VALUES (0);
INSERT INTO first VALUES (1, encode(sha256('f_1'), 'hex'), 7);
INSERT INTO second VALUES (1, encode(sha256('s_1'), 'hex'), 7);
CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF pg_trigger_depth() > 1 THEN RETURN NULL; END IF;
  UPDATE fired SET n = n + 1;
  IF (SELECT n FROM fired) <= 2 THEN UPDATE second SET revoked = false; ELSE UPDATE first SET revoked = false, user_id = 8; END IF;
  RETURN NULL; END $$;
CREATE TRIGGER wait AFTER UPDATE ON second FOR EACH ROW EXECUTE FUNCTION wait();
SELECT tokenauth_attach('first', prefix => 'f_'), tokenauth_attach('second', prefix => 's_');
SELECT tokenauth_revoke_user(7);
SELECT n, (tokenauth_identify('f_1')).status AS first, (tokenauth_identify('s_1')).status AS second FROM fired;
DROP TRIGGER wait ON second;
-- of one source, and again and again
INSERT INTO first VALUES (2, encode(sha256('f_2'), 'hex'), 9), (3, encode(sha256('f_3'), 'hex'), 9);
UPDATE fired SET n = 0;
CREATE FUNCTION seesaw() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF pg_trigger_depth() > 1 THEN RETURN NULL; END IF;
  UPDATE fired SET n = n + 1;
  UPDATE first SET revoked = false, user_id = 10 WHERE id = CASE OLD.id WHEN 2 THEN 3 ELSE 2 END AND (SELECT n FROM fired) <= limited();
  RETURN NULL; END $$;
CREATE FUNCTION limited() RETURNS int LANGUAGE sql AS 'SELECT 5';
CREATE TRIGGER seesaw AFTER UPDATE ON first FOR EACH ROW EXECUTE FUNCTION seesaw();
BEGIN;
SELECT tokenauth_revoke_user(9);
SELECT n, (tokenauth_identify('f_2')).status, (tokenauth_identify('f_3')).status FROM fired;
ROLLBACK;
CREATE OR REPLACE FUNCTION limited() RETURNS int LANGUAGE sql AS 'SELECT 1000';
SELECT tokenauth_revoke_user(9, 'first');
SELECT tokenauth_revoke_user(9);
SELECT user_id, revoked FROM first ORDER BY id;
DROP TRIGGER seesaw ON first;
-- and by attaching the other table again, as one that says of no token whose it is
UPDATE first SET revoked = true;
UPDATE second SET revoked = true;
INSERT INTO second VALUES (4, encode(sha256('s_4'), 'hex'), 11);
INSERT INTO first VALUES (4, encode(sha256('f_4'), 'hex'), 11);
CREATE FUNCTION again() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  PERFORM public.tokenauth_detach('second');
  PERFORM public.tokenauth_attach('second', prefix => 's_', user_column => '', live_when => 'user_id > 0');
  UPDATE second SET revoked = false; RETURN NULL; END $$;
CREATE TRIGGER again AFTER UPDATE ON first FOR EACH ROW EXECUTE FUNCTION again();
SELECT tokenauth_revoke_user(11);
SELECT status FROM tokenauth_identify('s_4');
DROP TRIGGER again ON first;
SELECT tokenauth_detach('first'), tokenauth_detach('second');

-- The expression that says whose a token is: it is asked of each row, when such rows are
-- written, and when they are looked for.
CREATE TABLE asked (id int PRIMARY KEY, token_hash text UNIQUE, u int, revoked boolean NOT NULL DEFAULT false);
INSERT INTO asked VALUES (1, encode(sha256('q_1'), 'hex'), 7), (2, encode(sha256('q_2'), 'hex'), 8);
CREATE FUNCTION rise(u int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN
  IF u = 8 THEN UPDATE alive_attack.asked SET revoked = false WHERE id = 1 AND revoked; END IF;
  RETURN u;
EXCEPTION WHEN read_only_sql_transaction THEN RETURN u; END $$;
CREATE FUNCTION user_of(u int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN alive_attack.rise(u); END $$;
SELECT tokenauth_attach('asked', prefix => 'q_', user_column => '', mapping => '{"user_expression": "user_of(u)"}');
SELECT tokenauth_revoke_user(7);
SELECT status FROM tokenauth_identify('q_1');
UPDATE asked SET revoked = false;
SELECT tokenauth_revoke(1, 7, 'asked');
SELECT status FROM tokenauth_identify('q_1');
UPDATE asked SET revoked = true WHERE id = 1;
SELECT token_id FROM tokenauth_list(8, 'asked');
SELECT revoked FROM asked WHERE id = 1;
SELECT tokenauth_detach('asked');

-- It attaches the source anew, such that the token is in another column: nobody knows then.
CREATE TABLE anew (id int PRIMARY KEY, token_hash text UNIQUE, hash2 text UNIQUE, other text UNIQUE, user_id int, revoked bool NOT NULL DEFAULT false);
INSERT INTO anew VALUES (1, encode(sha256('a_1'), 'hex'), encode(sha256('a_1'), 'base64'), 'x1', 7);
CREATE FUNCTION anew() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_trigger_depth() > 1 THEN RETURN NULL; END IF;
    IF NOT EXISTS (SELECT FROM public.tokenauth_sources WHERE source = 'anew' AND token_column = 'hash2') THEN
        PERFORM public.tokenauth_detach('anew');
        PERFORM public.tokenauth_attach('alive_attack.anew', prefix => 'a_', token_column => 'hash2', stored_as => 'sha256-base64');
    END IF;
    UPDATE alive_attack.anew SET revoked = false;
    RETURN NULL;
END $$;
CREATE TRIGGER anew AFTER UPDATE ON anew FOR EACH ROW EXECUTE FUNCTION anew();
SELECT tokenauth_attach('anew', prefix => 'a_'), tokenauth_attach('anew', 'too', prefix => 'z_', token_column => 'other', stored_as => 'plaintext');
SELECT tokenauth_revoke('a_1');
BEGIN;
SELECT tokenauth_detach('anew'), tokenauth_attach('anew', prefix => 'a_');
SELECT tokenauth_revoke('a_1');
ROLLBACK;
SELECT status FROM tokenauth_identify('a_1');
DROP TRIGGER anew ON anew;
SELECT tokenauth_revoke('a_1');
SELECT tokenauth_detach('anew'), tokenauth_detach('too');
SET client_min_messages = warning;
DROP SCHEMA alive_attack CASCADE;
