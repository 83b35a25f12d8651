--
-- What is not there where something is expected.
--

-- Two rows of one token, of which the one that speaks for it is nobody's.
CREATE TABLE shared (id int, token_hash text, user_id text, expires_at timestamptz);
CREATE INDEX ON shared (token_hash);
SELECT tokenauth_attach('shared', prefix => 'sh_');
INSERT INTO shared VALUES
    (1, encode(sha256('sh_1'), 'hex'), 'a', '2000-01-01 00:00+00'),
    (NULL, encode(sha256('sh_1'), 'hex'), NULL, NULL);
SELECT token_id, status FROM tokenauth_list('a', include_dead => true);
UPDATE shared SET id = 2, user_id = 'b' WHERE user_id IS NULL;
SELECT token_id, status FROM tokenauth_list('a', include_dead => true);
SELECT token_id, status FROM tokenauth_list('b', include_dead => true);
UPDATE shared SET id = NULL WHERE id = 2;
SELECT token_id, status FROM tokenauth_list('b', include_dead => true);
SELECT tokenauth_detach('shared');
DROP TABLE shared;
