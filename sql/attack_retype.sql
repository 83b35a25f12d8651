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

-- A lookup, before the token is looked for, and a verify, before its row is judged
SET ROLE regress_attacker;
CREATE FUNCTION attack.look(text) RETURNS bigint LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF $1 = 'm_x' THEN
        PERFORM attack.swap();
    END IF;
    RETURN 4702111234474983745;
END $$;
CREATE FUNCTION attack.verify(text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF $1 = 'm_x' THEN
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
    live_when => 'attack.verify(''m_x'')');
BEGIN;
SELECT status FROM tokenauth_identify('4702111234474983745', 'm');
ROLLBACK;
SELECT tokenauth_detach('m');

-- The function of an expression becomes one that returns another type
SET ROLE regress_attacker;
CREATE FUNCTION attack.number(text) RETURNS bigint LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    EXECUTE 'DROP FUNCTION attack.number(text)';
    EXECUTE 'CREATE FUNCTION attack.number(text) RETURNS text LANGUAGE sql IMMUTABLE AS ''SELECT $1''';
    BEGIN
        PERFORM public.tokenauth_identify('2', 'm');
    EXCEPTION WHEN OTHERS THEN NULL;
    END;
    RETURN 4702111234474983745;
END $$;
RESET ROLE;
SELECT tokenauth_attach('attack.token', source => 'm', id_column => '', stored_as => 'plaintext', token_column => 'token',
    mapping => '{"user_expression": "attack.number(user_id)"}');
BEGIN;
SELECT status, user_id FROM tokenauth_identify('4702111234474983745', 'm');
ROLLBACK;
SELECT tokenauth_detach('m');

SELECT 'the server has not crashed' AS result;
SET client_min_messages = warning;
DROP SCHEMA attack CASCADE;
DROP OWNED BY regress_attacker CASCADE;
DROP ROLE regress_attacker;
