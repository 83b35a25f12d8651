-- Peppers: what is said of them at attach.  The file that has them, and what comes of
-- it: t/027_pepper.pl.
CREATE TABLE t (id bigserial PRIMARY KEY, hash text UNIQUE, user_id int);
CREATE FUNCTION attach(stored_as text, mapping jsonb) RETURNS name LANGUAGE sql AS $$
    SELECT tokenauth_attach('t', token_column => 'hash', stored_as => attach.stored_as, mapping => attach.mapping) $$;

-- What does not fit together.
SELECT attach('hmac-sha256-hex', NULL);
SELECT attach('hmac-sha256', '{"pepper": "a"}');
SELECT attach('hmac-plaintext', '{"pepper": "a"}');
SELECT attach('hmac-hmac-sha256-hex', '{"pepper": "a"}');
SELECT attach('plaintext', '{"pepper": "a"}');
SELECT attach('plaintext', '{"pepper": "a", "lookup": "token"}');
SELECT attach('sha256-hex', '{"pepper": "a"}');
SELECT attach('sha256-hex', '{"pepper_as": "prefix"}');
SELECT attach('sha256-hex', '{"pepper": "a", "pepper_as": "middle"}');
SELECT attach('hmac-sha256-hex', '{"pepper": "a", "pepper_as": "prefix"}');

-- What is no name.
SELECT attach('hmac-sha256-hex', '{"pepper": "a b"}');
SELECT attach('hmac-sha256-hex', '{"pepper": ""}');
SELECT attach('hmac-sha256-hex', '{"pepper": 1}');
SELECT attach('hmac-sha256-hex', '{"pepper": {"a": "b"}}');
SELECT attach('hmac-sha256-hex', '{"pepper": []}');
SELECT attach('hmac-sha256-hex', '{"pepper": [1]}');
SELECT attach('hmac-sha256-hex', '{"pepper": [["a"]]}');
SELECT attach('hmac-sha256-hex', '{"pepper": ["a", ""]}');
SELECT attach('hmac-sha256-hex', '{"pepper": ["a", "a"]}');
SELECT attach('hmac-sha256-hex', '{"pepper": ["a", "b", "c", "d", "e"]}');
SELECT attach('hmac-sha256-hex', jsonb_build_object('pepper', repeat('a', 64)));

-- No file has them.
SELECT attach('hmac-sha256-hex', '{"pepper": "a"}');
SELECT attach('sha512-base64', '{"pepper": ["a.1", "b-2", "c_3", "D"], "pepper_as": "suffix"}');
DROP FUNCTION attach;
DROP TABLE t;
