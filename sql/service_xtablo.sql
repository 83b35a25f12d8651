--
-- xtablo: web sessions whose id is the digest of the cookie's 32 raw bytes.
--
CREATE TABLE users (id uuid PRIMARY KEY, email text NOT NULL);
CREATE TABLE sessions (
    id text PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL
);
SELECT tokenauth_attach('sessions', token_column => 'id', token_encoding => 'base64url',
    sliding_ttl => '30 days', sliding_threshold => '7 days', on_revoke => 'delete');
SELECT token_column, id_column, user_column FROM tokenauth_sources;

CREATE FUNCTION cookie(bytea) RETURNS text LANGUAGE sql AS
    $$ SELECT rtrim(translate(encode($1, 'base64'), '+/', '-_'), '=') $$;
INSERT INTO users VALUES ('00000000-0000-0000-0000-00000000000a', 'a@example.com'),
    ('00000000-0000-0000-0000-00000000000b', 'b@example.com');
CREATE TABLE raw AS SELECT n, sha256(n::text::bytea) AS bytes FROM generate_series(1, 3) n;
INSERT INTO sessions (id, user_id, expires_at)
SELECT encode(sha256(bytes), 'hex'), '00000000-0000-0000-0000-00000000000a', now() + interval '30 days'
FROM raw WHERE n < 3;
SELECT cookie(bytes) FROM raw WHERE n = 1 \gset
SELECT tokenauth_resolve(:'cookie');
SELECT status, user_id, token_id FROM tokenauth_identify(:'cookie');

-- Its look-up, joined to the user, in one query.
SELECT u.email FROM users u WHERE u.id = tokenauth_resolve(:'cookie');

-- Anything else is refused, and known as no cookie: padding, the other
-- alphabet, left-over bits, hex, the digest itself.
SELECT what, status FROM (VALUES
    ('padded', :'cookie' || '='),
    ('standard alphabet', translate(:'cookie', '-_', '+/') || '+'),
    ('left-over bits', left(:'cookie', 42) || chr(ascii(right(:'cookie', 1)) + 1)),
    ('too short', left(:'cookie', 41)),
    ('digest', encode(sha256((SELECT bytes FROM raw WHERE n = 1)), 'hex')),
    ('space', :'cookie' || ' ')) v(what, cookie), tokenauth_identify(cookie);

-- Created, extended only when less than 7 days remain, rotated at login: one
-- call each.
SELECT length(token) AS length, tokenauth_resolve(token) FROM tokenauth_issue('00000000-0000-0000-0000-00000000000b');
SELECT tokenauth_renew(:'cookie') = expires_at AS unchanged FROM sessions, raw
WHERE n = 1 AND id = encode(sha256(bytes), 'hex');
UPDATE sessions SET expires_at = now() + '6 days' FROM raw WHERE n = 1 AND id = encode(sha256(bytes), 'hex');
SELECT tokenauth_renew(:'cookie') - now() > '29 days' AS extended;
SELECT token AS rotated FROM tokenauth_rotate(:'cookie') \gset
SELECT tokenauth_resolve(:'cookie') IS NULL AS old_is_dead, tokenauth_resolve(:'rotated');
SELECT tokenauth_rotate(:'cookie');
SELECT n, tokenauth_resolve(cookie(bytes)) IS NOT NULL AS valid FROM raw ORDER BY n;

-- Logged out by deletion, and by the user's own.
SELECT tokenauth_revoke(cookie(bytes)) FROM raw WHERE n = 2;
SELECT count(*) FROM sessions;
DELETE FROM users WHERE email = 'a@example.com';
SELECT n, status FROM raw, tokenauth_identify(cookie(bytes)) ORDER BY n;

SELECT tokenauth_detach('sessions');
DROP TABLE sessions, users, raw;
DROP FUNCTION cookie;
