-- A row that is made from another one has none of the tokens that other sources have in
-- that one: not in a column, nor in what a token column is made of.
\set SHOW_CONTEXT never
CREATE SCHEMA carried_attack;
SET search_path = carried_attack, public;
SET client_min_messages = warning;

-- Seen failing where only the token column itself is not copied: two_1 stays valid in the new
-- row, though its own row has been revoked.
CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, token_hash text UNIQUE, secret text,
    secret_hash text GENERATED ALWAYS AS (encode(sha256(secret::bytea), 'hex')) STORED,
    name text, user_id int, revoked bool NOT NULL DEFAULT false);
CREATE INDEX ON t (secret_hash);
SELECT tokenauth_attach('t', 'one', prefix => 'one_');
SELECT tokenauth_attach('t', 'two', prefix => 'two_', token_column => 'secret_hash');
INSERT INTO t (token_hash, secret, name, user_id) VALUES (encode(sha256('one_1'), 'hex'), 'two_1', 'laptop', 7);
SELECT status, user_id FROM tokenauth_identify('two_1');
SELECT token IS NOT NULL AS rotated FROM tokenauth_rotate('one_1');
SELECT status, user_id FROM tokenauth_identify('two_1');
SELECT id, secret, name, user_id, revoked FROM t ORDER BY id;

-- Nor do attributes give one.
SELECT token AS one FROM tokenauth_issue(7, 'one') \gset
SELECT tokenauth_issue(7, 'one', attributes => '{"secret": "two_2"}');
SELECT tokenauth_rotate(:'one', attributes => '{"secret": "two_2"}');
SELECT count(*) FROM t WHERE secret = 'two_2';
SELECT tokenauth_detach('one'), tokenauth_detach('two');

-- A column that must not be empty is not filled, either.
ALTER TABLE t DROP COLUMN secret_hash, DROP COLUMN secret;
ALTER TABLE t ADD COLUMN secret text NOT NULL DEFAULT gen_random_uuid();
ALTER TABLE t ADD COLUMN secret_hash text GENERATED ALWAYS AS (encode(sha256(secret::bytea), 'hex')) STORED;
CREATE INDEX ON t (secret_hash);
SELECT tokenauth_attach('t', 'one', prefix => 'one_');
SELECT tokenauth_attach('t', 'two', prefix => 'two_', token_column => 'secret_hash');
INSERT INTO t (token_hash, secret, user_id) VALUES (encode(sha256('one_3'), 'hex'), 'two_3', 7);
SELECT token AS one FROM tokenauth_rotate('one_3') \gset
SELECT status FROM tokenauth_identify('two_3');
ALTER TABLE t ALTER COLUMN secret DROP DEFAULT;
SELECT tokenauth_rotate(:'one');

-- What the source itself judges by is carried over; then the rotation is refused.
CREATE TABLE judged (LIKE t INCLUDING ALL);
SELECT tokenauth_detach('one'), tokenauth_detach('two');
SELECT tokenauth_attach('judged', 'one', prefix => 'one_', live_when => 'secret IS NOT NULL');
SELECT tokenauth_attach('judged', 'two', prefix => 'two_', token_column => 'secret_hash');
INSERT INTO judged (token_hash, secret, user_id) VALUES (encode(sha256('one_4'), 'hex'), 'two_4', 7);
SELECT tokenauth_rotate('one_4');
SELECT status, (tokenauth_identify('two_4')).status FROM tokenauth_identify('one_4');
SELECT tokenauth_detach('one'), tokenauth_detach('two');

-- A trigger carries the token over.
CREATE TABLE triggered (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, token_hash text UNIQUE, refresh_hash text, user_id int, revoked bool NOT NULL DEFAULT false);
CREATE INDEX ON triggered (refresh_hash);
SELECT tokenauth_attach('triggered', 'one', prefix => 'one_');
SELECT tokenauth_attach('triggered', 'two', prefix => 'two_', token_column => 'refresh_hash');
INSERT INTO triggered (token_hash, refresh_hash, user_id) VALUES (encode(sha256('one_5'), 'hex'), encode(sha256('two_5'), 'hex'), 7);
SELECT token IS NOT NULL AS rotated FROM tokenauth_rotate('one_5');
SELECT status FROM tokenauth_identify('two_5');
CREATE FUNCTION carry() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.refresh_hash := (SELECT refresh_hash FROM carried_attack.triggered WHERE user_id = NEW.user_id AND refresh_hash IS NOT NULL ORDER BY id DESC LIMIT 1); RETURN NEW; END $$;
INSERT INTO triggered (token_hash, refresh_hash, user_id) VALUES (encode(sha256('one_6'), 'hex'), encode(sha256('two_6'), 'hex'), 7);
CREATE TRIGGER carry BEFORE INSERT ON triggered FOR EACH ROW EXECUTE FUNCTION carry();
SELECT tokenauth_rotate('one_6');
SELECT status, (tokenauth_identify('two_6')).status FROM tokenauth_identify('one_6');
SELECT tokenauth_detach('one'), tokenauth_detach('two');

-- A source that finds its rows by a column that says little, and verifies the token by another.
CREATE TABLE verified (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, token_hash text UNIQUE, found_by text DEFAULT 'two', secret text, user_id int, revoked bool NOT NULL DEFAULT false);
CREATE INDEX ON verified (found_by);
SELECT tokenauth_attach('verified', 'one', prefix => 'one_');
SELECT tokenauth_attach('verified', 'two', prefix => 'two_', token_column => 'found_by', stored_as => 'plaintext', mapping => '{"lookup": "left(token, 3)", "verify": "token = secret"}');
INSERT INTO verified (token_hash, secret, user_id) VALUES (encode(sha256('one_7'), 'hex'), 'two_7', 7);
SELECT status FROM tokenauth_identify('two_7');
SELECT token AS one FROM tokenauth_rotate('one_7') \gset
SELECT status FROM tokenauth_identify('two_7');
SELECT token IS NOT NULL AS rotated FROM tokenauth_rotate(:'one');
SELECT tokenauth_issue(7, 'one', attributes => '{"secret": "two_8"}');
SELECT status FROM tokenauth_identify('two_8');
SELECT tokenauth_detach('one'), tokenauth_detach('two');

DROP SCHEMA carried_attack CASCADE;
