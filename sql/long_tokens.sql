--
-- A token may be as long as a text can be: a JWT is longer than 1,024 bytes.
--
CREATE TABLE tok (token_hash text PRIMARY KEY, user_id text, last_used_at timestamptz, revoked boolean NOT NULL DEFAULT false);
CREATE TABLE raw (token_hash bytea PRIMARY KEY, user_id text);
CREATE TABLE plain (token text, user_id text, revoked boolean NOT NULL DEFAULT false);
CREATE INDEX ON plain USING hash (token);
CREATE TABLE hexed (token_hash text PRIMARY KEY, user_id text);
CREATE TABLE based (token_hash text PRIMARY KEY, user_id text);
SELECT tokenauth_attach('tok', prefix => 'ey');
SELECT tokenauth_attach('raw', prefix => 'raw', stored_as => 'sha256-bytea');
SELECT tokenauth_attach('plain', prefix => 'plain', token_column => 'token', stored_as => 'plaintext');
SELECT tokenauth_attach('hexed', prefix => 'ab', token_encoding => 'hex');
SELECT tokenauth_attach('based', prefix => 'base', token_encoding => 'base64url');

-- Of many lengths, in each dress; what tokenauth hashes is what SQL hashes.
CREATE TABLE length AS
    SELECT n FROM unnest('{8,1020,1023,1024,1025,1026,1028,2046,2048,2050,2052,3072,4096,5000,10000,200000}'::int[]) n;
CREATE FUNCTION text_of(n int, chars int) RETURNS text LANGUAGE sql IMMUTABLE AS
    $$ SELECT left(string_agg(encode(sha256((n || ' ' || i)::bytea), 'hex'), '' ORDER BY i), chars) FROM generate_series(0, chars / 64) i $$;
CREATE FUNCTION base64url(bytea) RETURNS text LANGUAGE sql IMMUTABLE AS
    $$ SELECT rtrim(translate(encode($1, 'base64'), E'+/\n', '-_'), '=') $$;
CREATE TABLE token AS
    SELECT n, 'tok' AS source, 'ey' || text_of(n, n - 2) AS token, ('ey' || text_of(n, n - 2))::bytea AS bytes FROM length
    UNION ALL SELECT n, 'raw', 'raw' || text_of(n, n - 3), ('raw' || text_of(n, n - 3))::bytea FROM length
    UNION ALL SELECT n, 'plain', 'plain' || text_of(n, n - 5), NULL FROM length
    UNION ALL SELECT n, 'hexed', 'ab' || text_of(n, n / 2 * 2 - 2), decode('ab' || text_of(n, n / 2 * 2 - 2), 'hex') FROM length
    UNION ALL SELECT n, 'based', base64url(b), b FROM (SELECT n, '\x6dab1e'::bytea || text_of(n, n - 3)::bytea AS b FROM length) l;
INSERT INTO tok SELECT encode(sha256(bytes), 'hex'), n FROM token WHERE source = 'tok';
INSERT INTO raw SELECT sha256(bytes), n FROM token WHERE source = 'raw';
INSERT INTO plain SELECT token, n FROM token WHERE source = 'plain';
INSERT INTO hexed SELECT encode(sha256(bytes), 'hex'), n FROM token WHERE source = 'hexed';
INSERT INTO based SELECT encode(sha256(bytes), 'hex'), n FROM token WHERE source = 'based';
-- asked twice: by the table, by the cache
SELECT t.source, string_agg(status || CASE WHEN user_id = n::text THEN '' ELSE '!' END, ' ' ORDER BY n) FROM token t, tokenauth_identify(token)
GROUP BY 1 ORDER BY 1;
SELECT t.source, string_agg(status || CASE WHEN user_id = n::text THEN '' ELSE '!' END, ' ' ORDER BY n) FROM token t, tokenauth_identify(token)
GROUP BY 1 ORDER BY 1;
SELECT count(*) FROM token WHERE tokenauth_resolve(token, NULL::text) = n::text;
SELECT count(*) FROM token WHERE n = 5000 AND source = 'tok' AND tokenauth_authenticate(token) = '5000';

-- One character more, less or other is another token.
SELECT t.source, string_agg(DISTINCT status, ' ' ORDER BY status) FROM token t,
    unnest(ARRAY[token || '0', left(token, -1), overlay(token PLACING '~' FROM n / 2), overlay(token PLACING '~' FROM length(token))]) other,
    tokenauth_identify(other)
GROUP BY 1 ORDER BY 1;
-- malformed if the encoding says so, wherever it says so
SELECT n, string_agg(DISTINCT status, ' ') FROM token t, generate_series(5, n, greatest(n / 9, 1)) at,
    tokenauth_identify(overlay(token PLACING '~' FROM at)) WHERE t.source IN ('hexed', 'based') AND n < 10000 GROUP BY 1 ORDER BY 1;

-- Revoked, one by one and all.
SELECT source, count(*) FILTER (WHERE revoked) AS revoked, count(*)
FROM (SELECT t.source, tokenauth_revoke(token) AS revoked FROM token t WHERE t.source IN ('tok', 'plain') AND n > 1024) r
GROUP BY 1 ORDER BY 1;
SELECT t.source, string_agg(status, ' ' ORDER BY n) FROM token t, tokenauth_identify(token) WHERE t.source IN ('tok', 'plain')
GROUP BY 1 ORDER BY 1;
SELECT tokenauth_revoke_user('5000', 'tok'), tokenauth_revoke_user('1020', 'tok');
SELECT i.token AS next FROM token t, tokenauth_rotate(t.token) i WHERE t.source = 'tok' AND n = 8 \gset

-- Hashed in place they stay what they are.
UPDATE plain SET revoked = (user_id = '5000');
CREATE TABLE before AS SELECT n, status, user_id FROM token t, tokenauth_identify(token) WHERE t.source = 'plain';
CALL tokenauth_hash_in_place('plain');
SELECT count(*), count(*) FILTER (WHERE b.status = i.status AND b.user_id IS NOT DISTINCT FROM i.user_id) AS same,
    count(*) FILTER (WHERE i.status = 'valid') AS valid
FROM before b JOIN token t USING (n), tokenauth_identify(token) i WHERE t.source = 'plain';
SELECT count(*) FROM plain WHERE token_hash ~ '^[0-9a-f]{64}$';

SELECT tokenauth_detach(source) IS NULL FROM tokenauth_sources;
DROP TABLE token, tok, raw, plain, hexed, based, length, before;
DROP FUNCTION text_of, base64url;
