-- What ends a token's life is judged last, by the row that is meant, whatever the session's
-- settings; and who makes a token of a source may do so.
\set SHOW_CONTEXT never
CREATE SCHEMA ending_attack;
SET search_path = ending_attack, public;
SET client_min_messages = warning;

-- Inserting the row of a new token brings the old one back.
CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, token_hash text UNIQUE NOT NULL, user_id int, expires_at timestamptz, used_at timestamptz, revoked bool NOT NULL DEFAULT false);
SELECT tokenauth_attach('t', prefix => 't_');
CREATE FUNCTION revive() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE ending_attack.t SET revoked = false, used_at = NULL, expires_at = '2100-01-01' WHERE id = 1; RETURN NULL; END $$;
CREATE TRIGGER revive AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION revive();
INSERT INTO t (token_hash, user_id, expires_at) VALUES (encode(sha256('t_1'),'hex'), 7, '2099-01-01');
SELECT token IS NOT NULL AS rotated FROM tokenauth_rotate('t_1');
SELECT token IS NOT NULL AS rotated FROM tokenauth_rotate('t_1', grace => '1 min'::interval);
SELECT status, token IS NOT NULL AS made FROM tokenauth_exchange('t_1', 't');
CREATE TABLE s (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, token_hash text UNIQUE NOT NULL, user_id int, revoked bool NOT NULL DEFAULT false);
SELECT tokenauth_attach('s', prefix => 's_');
CREATE TRIGGER revive AFTER INSERT ON s FOR EACH ROW EXECUTE FUNCTION revive();
SELECT status, token IS NOT NULL AS made FROM tokenauth_exchange('t_1', 's');
DROP TRIGGER revive ON s;
SELECT n, (tokenauth_exchange('t_1', 's')).status FROM generate_series(1, 2) n;
SELECT tokenauth_detach('t'), tokenauth_detach('s');

-- A token that can be of two sources: writing into one revives the row of the other, also
-- where there is no row to write.
CREATE TABLE a (id int PRIMARY KEY, token text UNIQUE, user_id int, revoked bool NOT NULL DEFAULT false);
CREATE TABLE b (LIKE a INCLUDING ALL);
SELECT tokenauth_attach('a', prefix => 'a_', token_column => 'token', stored_as => 'plaintext');
SELECT tokenauth_attach('b', token_column => 'token', stored_as => 'plaintext');
INSERT INTO a VALUES (1, 'a_1', 7);
CREATE FUNCTION revive_a() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE ending_attack.a SET revoked = false; RETURN NULL; END $$;
CREATE TRIGGER revive AFTER UPDATE ON b FOR EACH STATEMENT EXECUTE FUNCTION revive_a();
SELECT tokenauth_revoke('a_1');
SELECT status FROM tokenauth_identify('a_1');
SELECT tokenauth_revoke('a_1'), tokenauth_revoke('nothing');
CREATE TRIGGER revive AFTER UPDATE ON a FOR EACH STATEMENT WHEN (pg_trigger_depth() < 1) EXECUTE FUNCTION revive_a();
UPDATE a SET revoked = false;
SELECT tokenauth_revoke('a_1');
SELECT tokenauth_detach('a'), tokenauth_detach('b');

-- Ids are written in one way, in whatever session.
CREATE FUNCTION skip() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TABLE at (id timestamptz PRIMARY KEY, found_by text, secret text, user_id int, revoked boolean NOT NULL DEFAULT false);
CREATE INDEX ON at (found_by);
SELECT tokenauth_attach('at', prefix => 'm_', token_column => 'found_by', stored_as => 'plaintext', mapping => '{"lookup": "left(token, 1)", "verify": "token = secret"}');
INSERT INTO at VALUES ('2026-01-01 00:00+00', 'm', 'm_secret', 7);
CREATE TABLE number (id float8 PRIMARY KEY, found_by text, secret text, user_id int, revoked boolean NOT NULL DEFAULT false);
CREATE INDEX ON number (found_by);
SELECT tokenauth_attach('number', prefix => 'f_', token_column => 'found_by', stored_as => 'plaintext', mapping => '{"lookup": "left(token, 1)", "verify": "token = secret"}');
INSERT INTO number VALUES (0.1::float8 + 0.2::float8, 'f', 'f_secret', 7);
CREATE TRIGGER skip BEFORE UPDATE ON at FOR EACH ROW EXECUTE FUNCTION skip();
CREATE TRIGGER skip BEFORE UPDATE ON number FOR EACH ROW EXECUTE FUNCTION skip();
SET TimeZone = 'Europe/Berlin';
SET extra_float_digits = 0;
SELECT token_id, status FROM tokenauth_list(7, 'at');
SELECT tokenauth_revoke_user(7, 'at');
SELECT tokenauth_revoke('2026-01-01 00:00+00'::text, '7'::text, 'at');
SELECT tokenauth_revoke_user(7, 'number');
DROP TRIGGER skip ON at;
DROP TRIGGER skip ON number;
SELECT tokenauth_revoke_user(7, 'at'), tokenauth_revoke_user(7, 'number');
SELECT status FROM tokenauth_identify('m_secret');
RESET TimeZone;
RESET extra_float_digits;
SELECT tokenauth_detach('at'), tokenauth_detach('number');

-- An id that several rows have, or none, is not that of another user's row.
CREATE TABLE shared (n int PRIMARY KEY, name text, found_by text, secret text, user_id int, revoked boolean NOT NULL DEFAULT false);
CREATE INDEX ON shared (found_by);
SELECT tokenauth_attach('shared', prefix => 'm_', id_column => 'name', token_column => 'found_by', stored_as => 'plaintext', mapping => '{"lookup": "left(token, 1)", "verify": "token = secret"}');
INSERT INTO shared VALUES (1, 'laptop', 'm', 'm_7', 7), (2, 'laptop', 'm', 'm_8', 8), (3, 'phone', 'm', 'm_9', 9), (4, NULL, 'm', 'm_10', 10);
SELECT tokenauth_revoke_user(7, 'shared');
SELECT tokenauth_revoke_user(10, 'shared');
SELECT tokenauth_revoke('laptop'::text, '7'::text, 'shared');
SELECT tokenauth_revoke_user(9, 'shared');
SELECT user_id, revoked FROM shared ORDER BY 1;
SELECT tokenauth_detach('shared');

-- Who says in his own table whose a code is does not get that user's session of another.
CREATE ROLE ending_mallory;
CREATE ROLE ending_victim;
GRANT ALL ON SCHEMA ending_attack TO ending_mallory, ending_victim;
CREATE TABLE code (token_hash text PRIMARY KEY, user_id int, used_at timestamptz);
CREATE TABLE code_too (LIKE code INCLUDING ALL);
CREATE TABLE sess (id int GENERATED ALWAYS AS IDENTITY, token_hash text UNIQUE, user_id int, revoked bool NOT NULL DEFAULT false);
ALTER TABLE code OWNER TO ending_mallory;
ALTER TABLE code_too OWNER TO ending_victim;
ALTER TABLE sess OWNER TO ending_victim;
SELECT tokenauth_attach('code', prefix => 'c_', on_revoke => 'delete'), tokenauth_attach('code_too', prefix => 'd_', on_revoke => 'delete'), tokenauth_attach('sess', prefix => 'sess_');
INSERT INTO code VALUES (encode(sha256('c_1'),'hex'), 1, NULL);
INSERT INTO code_too VALUES (encode(sha256('d_1'),'hex'), 2, NULL);
SELECT status FROM tokenauth_exchange('c_1', 'sess');
SELECT status FROM tokenauth_exchange('d_1', 'sess');
SELECT status FROM tokenauth_exchange('c_1', 'sess', source => 'code');     -- told, it is meant
SELECT user_id FROM sess ORDER BY 1;
-- and says it before code of his changes what a column means
INSERT INTO code VALUES (encode(sha256('c_2'),'hex'), 3, NULL);
CREATE FUNCTION retype() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    ALTER TABLE ending_attack.code RENAME user_id TO old_id; ALTER TABLE ending_attack.code ADD user_id text; RETURN NULL;
EXCEPTION WHEN OTHERS THEN RETURN NULL; END $$;
CREATE TRIGGER retype AFTER UPDATE ON code FOR EACH STATEMENT EXECUTE FUNCTION retype();
SELECT status FROM tokenauth_exchange('c_2', 'sess', source => 'code');
SELECT user_id FROM sess ORDER BY 1;
SELECT tokenauth_detach('code'), tokenauth_detach('code_too'), tokenauth_detach('sess');


-- An expression that is asked writes nothing, so that no token lives on by being looked at.
CREATE TABLE lazarus (id int PRIMARY KEY, found_by text, secret text, user_id int, looked int NOT NULL DEFAULT 0, revoked bool NOT NULL DEFAULT false);
CREATE INDEX ON lazarus (found_by);
INSERT INTO lazarus VALUES (1, 'l', 'l_secret', 7);
CREATE FUNCTION rise(id int) RETURNS bool LANGUAGE plpgsql AS $$
BEGIN
    UPDATE ending_attack.lazarus SET revoked = false, looked = looked + 1 WHERE lazarus.id = rise.id;
    RETURN true;
END $$;
CREATE FUNCTION verify(id int) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN ending_attack.rise(id); END $$;
CREATE FUNCTION swallow(id int) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    PERFORM set_config('transaction_read_only', 'off', true);
    RETURN ending_attack.rise(id);
EXCEPTION WHEN OTHERS THEN
    RETURN true;
END $$;
SELECT tokenauth_attach('lazarus', prefix => 'l_', token_column => 'found_by', stored_as => 'plaintext',
                        mapping => '{"lookup": "left(token, 1)", "verify": "token = secret AND verify(id)"}');
SELECT status FROM tokenauth_identify('l_secret');
SELECT tokenauth_revoke('l_secret');
SELECT tokenauth_detach('lazarus');
SELECT tokenauth_attach('lazarus', prefix => 'l_', token_column => 'found_by', stored_as => 'plaintext', live_when => 'swallow(id)',
                        mapping => '{"lookup": "left(token, 1)", "verify": "token = secret AND swallow(id)"}');
SELECT status FROM tokenauth_identify('l_secret');
SELECT tokenauth_revoke('l_secret');
SELECT status FROM tokenauth_identify('l_secret');
SELECT looked, revoked FROM lazarus;
SELECT tokenauth_detach('lazarus');

-- A row that an expression fails for leaves nothing in memory, however many there are.
CREATE TABLE heap (id int PRIMARY KEY, found_by text, user_id int, revoked bool NOT NULL DEFAULT false);
CREATE INDEX ON heap (found_by);
INSERT INTO heap SELECT n, 'h', 7 FROM generate_series(1, 1000) n;
CREATE FUNCTION states() RETURNS bigint LANGUAGE sql AS $$ SELECT count(*) FROM pg_backend_memory_contexts WHERE name = 'ExecutorState' $$;
CREATE FUNCTION is_light(id int) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF id = 1000 THEN RETURN ending_attack.states() < 50; END IF;
    RETURN 1 / (id - id) = 1;
END $$;
SELECT tokenauth_attach('heap', prefix => 'h_', token_column => 'found_by', stored_as => 'plaintext',
                        mapping => '{"lookup": "left(token, 1)", "verify": "is_light(id)"}');
SELECT status FROM tokenauth_identify('h_1');
SELECT tokenauth_detach('heap');
DROP SCHEMA ending_attack CASCADE;
DROP ROLE ending_mallory, ending_victim;
