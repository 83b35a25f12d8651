--
-- Revoking all tokens of a user, in several sources.
--
CREATE FUNCTION h(text) RETURNS text LANGUAGE sql AS $$ SELECT encode(sha256($1::bytea), 'hex') $$;
CREATE TABLE a (id serial PRIMARY KEY, token_hash text UNIQUE, user_id text, revoked boolean NOT NULL DEFAULT false);
CREATE TABLE b (LIKE a INCLUDING ALL);
SELECT tokenauth_attach('a', prefix => 'a_'), tokenauth_attach('b', prefix => 'b_');
CREATE FUNCTION renew() RETURNS void LANGUAGE sql AS $$
    DELETE FROM a;
    DELETE FROM b;
    INSERT INTO a (token_hash, user_id) VALUES (h('a_1'), 'u'), (h('a_2'), 'u');
    INSERT INTO b (token_hash, user_id) VALUES (h('b_1'), 'u'), (h('b_2'), 'v');
$$;
CREATE VIEW statuses AS
    SELECT token, (tokenauth_identify(token)).status FROM unnest('{a_1,a_2,b_1,b_2}'::text[]) token;

-- What one source's trigger does to another's rows, before their turn has come,
-- keeps none of their tokens alive: they are moved to another user, or made anew.
CREATE FUNCTION move_b() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE b SET user_id = 'moved' WHERE user_id = OLD.user_id;
    RETURN NEW;
END $$;
CREATE FUNCTION replace_b() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM b WHERE user_id = OLD.user_id;
    INSERT INTO b (token_hash, user_id) VALUES (h('b_1'), 'moved') ON CONFLICT DO NOTHING;
    RETURN NEW;
END $$;
CREATE FUNCTION move_a() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE a SET user_id = 'moved' WHERE user_id = OLD.user_id;
    RETURN NEW;
END $$;
SELECT renew();
CREATE TRIGGER react AFTER UPDATE OF revoked ON a FOR EACH ROW EXECUTE FUNCTION move_b();
SELECT tokenauth_revoke_user('u');
SELECT * FROM statuses;
DROP TRIGGER react ON a;
SELECT renew();
CREATE TRIGGER react AFTER UPDATE OF revoked ON a FOR EACH ROW EXECUTE FUNCTION replace_b();
SELECT tokenauth_revoke_user('u');
SELECT * FROM statuses;
DROP TRIGGER react ON a;
SELECT renew();
CREATE TRIGGER react AFTER UPDATE OF revoked ON b FOR EACH ROW EXECUTE FUNCTION move_a();
SELECT tokenauth_revoke_user('u');
SELECT * FROM statuses;
DROP TRIGGER react ON b;

-- What is returned is how many tokens were ended, also where a row is written twice,
-- because the first time was in vain
CREATE FUNCTION undo_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.user_id = 'u' THEN
        NEW.user_id := 'moved';
        NEW.revoked := false;
    END IF;
    RETURN NEW;
END $$;
SELECT renew();
CREATE TRIGGER undo_once BEFORE UPDATE ON a FOR EACH ROW EXECUTE FUNCTION undo_once();
SELECT tokenauth_revoke_user('u');
SELECT * FROM statuses;
SELECT tokenauth_revoke_user('u');
DROP TRIGGER undo_once ON a;
-- or has several rows
SELECT renew();
ALTER TABLE a DROP CONSTRAINT a_token_hash_key;
CREATE INDEX ON a (token_hash);
INSERT INTO a (token_hash, user_id) VALUES (h('a_1'), 'u'), (h('a_1'), 'v'), (NULL, 'u');
SELECT tokenauth_revoke_user('u');
SELECT * FROM statuses;
SELECT tokenauth_detach('a'), tokenauth_detach('b');
DROP VIEW statuses;
DROP TABLE a, b;
DROP FUNCTION renew, move_a, move_b, replace_b, undo_once;

-- What a user id can be is for the type of the column to say; a number is one as it is told.
CREATE TABLE int4s (id int PRIMARY KEY, token_hash text UNIQUE, user_id int, revoked boolean NOT NULL DEFAULT false);
CREATE TABLE int8s (id int PRIMARY KEY, token_hash text UNIQUE, user_id bigint, revoked boolean NOT NULL DEFAULT false);
CREATE TABLE uuids (id int PRIMARY KEY, token_hash text UNIQUE, user_id uuid, revoked boolean NOT NULL DEFAULT false);
SELECT tokenauth_attach('int4s', prefix => 'int4_'), tokenauth_attach('int8s', prefix => 'int8_'),
       tokenauth_attach('uuids', prefix => 'uuid_');
-- as a number of tokens, if each source that can have it has one
CREATE FUNCTION readable(id text) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    n int := 0;
    t text;
    told text;
BEGIN
    FOREACH t IN ARRAY '{int4s,int8s,uuids}'::text[] LOOP
        BEGIN
            EXECUTE format('INSERT INTO %1$I SELECT 1, %2$L, CAST($1 AS %3$s)', t, h(t), rtrim(t, 's')) USING id;
            EXECUTE format('SELECT CASE WHEN %L = ''uuids'' THEN $1 ELSE user_id::text END FROM %1$I', t) INTO told USING id;
            n := n + (told = id)::int;
        EXCEPTION WHEN data_exception THEN NULL;
        END;
    END LOOP;
    RETURN n;
END $$;
CREATE FUNCTION revokes_readable(id text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    n int;
BEGIN
    DELETE FROM int4s;
    DELETE FROM int8s;
    DELETE FROM uuids;
    n := readable(id);
    RETURN tokenauth_revoke_user(id) = n;
END $$;
SELECT readable('17'), tokenauth_revoke_user('17');
SELECT quote_literal(id), revokes_readable(id) FROM unnest(ARRAY['17', E' 17\n', '+17', '-17', '0x11', '0o21', '0b11', '1_000', '1_', '3000000000',
    '30000000000000000000', '17.0', '1e3', '', ' ', '-', 'seventeen', '0123456789abcdef0123456789abcdef',
    '{01234567-89ab-cdef-0123-456789abcdef}', '01234567-89AB-CDEF-0123-456789ABCDEF', '{0123456789abcdef0123456789abcdef',
    '0123-4567-89ab-cdef-0123-4567-89ab-cdef', '0-123456789abcdef0123456789abcdef', '00000000000000000000000000000017']) id;
SELECT tokenauth_detach('int4s'), tokenauth_detach('int8s'), tokenauth_detach('uuids');
DROP TABLE int4s, int8s, uuids;
DROP FUNCTION readable, revokes_readable, h;
