-- Attaching looks at some rows: it refuses what no token can find, and says how many
-- are valid.  No value is told.
CREATE SCHEMA samples;
SET search_path = samples, public;
CREATE TABLE t (id int, token_hash text UNIQUE, token text UNIQUE, raw bytea UNIQUE, user_id int, expires_at timestamptz, revoked boolean NOT NULL DEFAULT false, scope text);

-- Salted and slow hashes, whatever is said.
INSERT INTO t (token_hash, token) SELECT crypt('secret' || n, gen_salt('bf', 4)), 'pbkdf2_sha256$1$' || n FROM generate_series(1, 3) n;
SELECT tokenauth_attach('t');
SELECT tokenauth_attach('t', stored_as => 'plaintext');
SELECT tokenauth_attach('t', token_column => 'token', stored_as => 'plaintext');
-- but where they are verified, the row is found by something else
SELECT tokenauth_attach('t', stored_as => 'plaintext', token_column => 'token', scope_column => '', mapping => '{"lookup": "left(token, 9)", "verify": "crypt(token, token_hash) = token_hash"}');
SELECT tokenauth_detach('t');

-- Digests of another form, or another digest.
TRUNCATE t;
INSERT INTO t (token_hash, raw) SELECT encode(sha256(n::text::bytea), 'hex'), sha512(n::text::bytea) FROM generate_series(1, 3) n;
SELECT tokenauth_attach('t', stored_as => 'sha256-base64');
SELECT tokenauth_attach('t', stored_as => 'sha512-hex');
SELECT tokenauth_attach('t', mapping => '{"stored_prefix": "sha256$"}');
SELECT tokenauth_attach('t', token_column => 'raw', stored_as => 'sha256-bytea');
UPDATE t SET token_hash = upper(token_hash);
SELECT tokenauth_attach('t');
UPDATE t SET token_hash = encode(decode(token_hash, 'hex'), 'base64');
SELECT tokenauth_attach('t');
UPDATE t SET token_hash = rtrim(translate(token_hash, '+/', '-_'), '=');
SELECT tokenauth_attach('t', stored_as => 'sha256-base64');
SELECT tokenauth_attach('t', stored_as => 'sha256-base64url');
SELECT tokenauth_detach('t');

-- Plaintext that could be digests: refused by the column's name, or a notice.
TRUNCATE t;
INSERT INTO t (token_hash) SELECT encode(sha256(n::text::bytea), 'hex') FROM generate_series(1, 12) n;
SELECT tokenauth_attach('t', stored_as => 'plaintext');
SELECT tokenauth_attach('t', stored_as => 'plaintext', mapping => '{"lookup": "token", "null_user": "valid"}');
SELECT status FROM tokenauth_identify(encode(sha256('7'), 'hex'), 't');
SELECT tokenauth_detach('t');
UPDATE t SET token = token_hash, user_id = 7;
SELECT tokenauth_attach('t', token_column => 'token', stored_as => 'plaintext');
SELECT tokenauth_detach('t');

-- What share is valid: as it is judged, so without a user none is.
UPDATE t SET id = (SELECT count(*) FROM t u WHERE u.token_hash <= t.token_hash);
SELECT tokenauth_attach('t');
SELECT tokenauth_detach('t');
UPDATE t SET expires_at = CASE WHEN id <= 3 THEN now() - interval '1 h' ELSE 'infinity' END, revoked = id = 4, token_hash = CASE WHEN id = 5 THEN 'other' WHEN id <> 6 THEN token_hash END;
SELECT tokenauth_attach('t');
SELECT tokenauth_detach('t');
SELECT tokenauth_attach('t', live_when => 'id < 3');
SELECT tokenauth_detach('t');
UPDATE t SET revoked = true;
SELECT tokenauth_attach('t');
SELECT tokenauth_detach('t');
-- a row that cannot be judged is told of, but not what is in it
SELECT tokenauth_attach('t', live_when => '1 / (id - 9) < 3', revoked_column => '');
SELECT tokenauth_detach('t');
-- few rows say nothing
DELETE FROM t WHERE id > 9;
SELECT tokenauth_attach('t');
SELECT tokenauth_detach('t');

-- A text with several scopes is one scope, unless that is said.
UPDATE t SET scope = 'read write';
SELECT tokenauth_attach('t');
SELECT tokenauth_detach('t');
SELECT tokenauth_attach('t', mapping => '{"scope_separator": " "}');
SELECT tokenauth_detach('t');

-- Of a larger table some places are looked at.
CREATE TABLE large (token_hash text UNIQUE, user_id int) WITH (fillfactor = 10);
INSERT INTO large SELECT encode(sha256(n::text::bytea), 'hex'), n FROM generate_series(1, 400) n;
SELECT tokenauth_attach('large');
SELECT tokenauth_detach('large');
-- also by another than its owner's superuser, and without any right to read it
CREATE ROLE tokenauth_samples;
GRANT USAGE ON SCHEMA samples TO tokenauth_samples;
GRANT EXECUTE ON FUNCTION tokenauth_attach, tokenauth_detach TO tokenauth_samples;
ALTER TABLE large OWNER TO tokenauth_samples;
REVOKE ALL ON large FROM tokenauth_samples;
SET ROLE tokenauth_samples;
SELECT tokenauth_attach('samples.large');
SELECT tokenauth_detach('large');
RESET ROLE;

-- The index that lacks is told as it is to be written; what is verified need not be unique.
CREATE TABLE "Odd" ("Key" char(60), hashed text, user_id int);
SELECT tokenauth_attach('"Odd"', token_column => 'Key', stored_as => 'plaintext');
SELECT tokenauth_attach('"Odd"', token_column => 'Key', stored_as => 'plaintext', mapping => '{"lookup": "left(token, 60)", "verify": "crypt(token, hashed) = hashed"}');

SET client_min_messages = warning;
DROP SCHEMA samples CASCADE;
DROP OWNED BY tokenauth_samples;
DROP ROLE tokenauth_samples;
