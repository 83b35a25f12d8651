--
-- Code of a table's owner changes which columns have the names that the source goes by,
-- while tokenauth has a value of the table in hand: one of the type before must not be
-- taken for one of the type since.  bigint and integer are no pointers, text is one.
--
SET client_min_messages = warning;
CREATE ROLE regress_attacker;
CREATE SCHEMA attack AUTHORIZATION regress_attacker;
GRANT EXECUTE ON FUNCTION tokenauth_identify TO regress_attacker;
SET ROLE regress_attacker;
CREATE TABLE attack.token (token bigint PRIMARY KEY, other text UNIQUE, user_id text,
    revoked boolean NOT NULL DEFAULT false);
INSERT INTO attack.token VALUES (4702111234474983745, 'x', 'u'), (2, 'y', 'v');
-- other is the token column now
CREATE FUNCTION attack.swap() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'attack.token'::regclass AND attname = 'other') THEN
        ALTER TABLE attack.token RENAME token TO was;
        ALTER TABLE attack.token RENAME other TO token;
    END IF;
    -- the source is read again
    PERFORM public.tokenauth_identify('m_y', 'm');
EXCEPTION WHEN OTHERS THEN
    -- and stays renamed, where only the reading failed
    IF EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'attack.token'::regclass AND attname = 'other') THEN
        ALTER TABLE attack.token RENAME token TO was;
        ALTER TABLE attack.token RENAME other TO token;
    END IF;
END $$;
CREATE FUNCTION attack.react() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM attack.swap();
    RETURN NULL;
END $$;
RESET ROLE;
RESET client_min_messages;

-- A trigger, when a token is revoked: by itself, and with all of its user
SET ROLE regress_attacker;
CREATE TRIGGER react BEFORE UPDATE ON attack.token FOR EACH ROW EXECUTE FUNCTION attack.react();
RESET ROLE;
SELECT tokenauth_attach('attack.token', source => 'm', id_column => '', stored_as => 'plaintext', token_column => 'token');
SELECT status FROM tokenauth_identify('4702111234474983745', 'm');
SELECT tokenauth_revoke('4702111234474983745', source => 'm'::name);
SELECT tokenauth_revoke_user('u', source => 'm');
SET ROLE regress_attacker;
DROP TRIGGER react ON attack.token;
CREATE TRIGGER react BEFORE UPDATE ON attack.token FOR EACH STATEMENT EXECUTE FUNCTION attack.react();
RESET ROLE;
SELECT tokenauth_revoke('4702111234474983745', source => 'm'::name);
SELECT tokenauth_revoke_user('u', source => 'm');
SELECT token, user_id, revoked FROM attack.token ORDER BY 2;
SELECT tokenauth_detach('m');
DROP TRIGGER react ON attack.token;

-- An expression, when rows are listed
SET ROLE regress_attacker;
CREATE FUNCTION attack.who(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    PERFORM attack.swap();
    RETURN $1;
END $$;
RESET ROLE;
SELECT tokenauth_attach('attack.token', source => 'm', id_column => '', stored_as => 'plaintext', token_column => 'token',
    mapping => '{"user_expression": "attack.who(user_id)"}');
BEGIN;
SELECT status FROM tokenauth_list('u', source => 'm', include_dead => true);
ROLLBACK;
SELECT tokenauth_detach('m');

-- A lookup, before the token is looked for, and a condition, while its row is judged
SET ROLE regress_attacker;
CREATE FUNCTION attack.look(text) RETURNS bigint LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF $1 = 'm_x' THEN
        PERFORM attack.swap();
    END IF;
    RETURN 4702111234474983745;
END $$;
CREATE FUNCTION attack.condition(text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF $1 = 'u' THEN
        PERFORM attack.swap();
    END IF;
    RETURN true;
END $$;
RESET ROLE;
SELECT tokenauth_attach('attack.token', source => 'm', prefix => 'm_', id_column => '', stored_as => 'plaintext', token_column => 'token',
    mapping => '{"lookup": "attack.look(token)"}');
SELECT status FROM tokenauth_identify('m_z', 'm');
BEGIN;
SELECT status FROM tokenauth_identify('m_x', 'm');
ROLLBACK;
SELECT tokenauth_detach('m');
SELECT tokenauth_attach('attack.token', source => 'm', id_column => '', stored_as => 'plaintext', token_column => 'token',
    live_when => 'attack.condition(user_id)');
SELECT status FROM tokenauth_identify('2', 'm');
BEGIN;
SELECT status FROM tokenauth_identify('4702111234474983745', 'm');
ROLLBACK;
SELECT tokenauth_detach('m');

-- The function of an expression becomes one that returns another type
SET ROLE regress_attacker;
CREATE FUNCTION attack.renumber() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    DROP FUNCTION attack.number(text);
    CREATE FUNCTION attack.number(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $1';
    PERFORM public.tokenauth_identify('2', 'm');
END $$;
CREATE FUNCTION attack.number(text) RETURNS bigint LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    PERFORM attack.renumber();
    RETURN 4702111234474983745;
END $$;
RESET ROLE;
SELECT tokenauth_attach('attack.token', source => 'm', id_column => '', stored_as => 'plaintext', token_column => 'token',
    mapping => '{"user_expression": "attack.number(user_id)"}');
BEGIN;
SELECT status, user_id FROM tokenauth_identify('4702111234474983745', 'm');
ROLLBACK;
SELECT tokenauth_detach('m');

-- The condition of a parent, before the row of another parent is looked for
SET ROLE regress_attacker;
CREATE TABLE attack.first (id int PRIMARY KEY, name text);
CREATE TABLE attack.second (id int PRIMARY KEY, other text UNIQUE);
CREATE TABLE attack.child (token text UNIQUE, user_id text, first_id int, second_id int);
INSERT INTO attack.first VALUES (1, 'one'), (2, 'two');
INSERT INTO attack.second VALUES (1234567, 'x');
INSERT INTO attack.child VALUES ('c_1', 'u', 1, 1234567), ('c_2', 'u', 2, 1234567);
CREATE FUNCTION attack.swap_parent() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'attack.second'::regclass AND attname = 'other') THEN
        ALTER TABLE attack.second RENAME id TO was;
        ALTER TABLE attack.second RENAME other TO id;
    END IF;
    BEGIN
        PERFORM public.tokenauth_identify('c_2', 'c');
    EXCEPTION WHEN OTHERS THEN NULL;
    END;
END $$;
CREATE FUNCTION attack.parent_lives(text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF $1 = 'one' THEN
        PERFORM attack.swap_parent();
    END IF;
    RETURN true;
END $$;
RESET ROLE;
SELECT tokenauth_attach('attack.child', source => 'c', id_column => '', stored_as => 'plaintext', token_column => 'token');
SELECT tokenauth_attach_parent('c', 'attack.first', 'first_id', 'id', live_when => 'attack.parent_lives(name)');
SELECT tokenauth_attach_parent('c', 'attack.second', 'second_id', 'id');
SELECT status FROM tokenauth_identify('c_2', 'c');
BEGIN;
SELECT status FROM tokenauth_identify('c_1', 'c');
ROLLBACK;
SELECT tokenauth_detach('c');

SELECT 'the server has not crashed' AS result;
SET client_min_messages = warning;
DROP SCHEMA attack CASCADE;
DROP OWNED BY regress_attacker CASCADE;
DROP ROLE regress_attacker;
