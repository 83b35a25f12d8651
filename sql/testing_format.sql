--
-- Issued tokens by the million (with a test build), or a fifth of it.
--
\set share 1
\getenv share TOKENAUTH_TEST_SHARE
SELECT least(:share, 5) AS share \gset
CREATE FUNCTION test_issue(text) RETURNS text AS '$libdir/tokenauth', 'tokenauth_test_issue'
    LANGUAGE C VOLATILE STRICT;
CREATE FUNCTION test_is_issued(text, text) RETURNS boolean AS '$libdir/tokenauth', 'tokenauth_test_is_issued'
    LANGUAGE C IMMUTABLE STRICT;
CREATE UNLOGGED TABLE million AS SELECT test_issue('tok_') AS token FROM generate_series(1, 1000000 / :share);
-- Unique, well-formed, and known again.
SELECT count(*) * :share AS count, count(DISTINCT token) * :share AS different,
    count(DISTINCT left(token, 31)) * :share AS without_checksum,
    count(*) FILTER (WHERE token ~ '^tok_[0-9A-Za-z]{33}$') * :share AS form,
    count(*) FILTER (WHERE test_is_issued('tok_', token)) * :share AS known
FROM million;
-- Each digit at each place, to within 10 % of what it would be if all were alike often.
SELECT at, count(*) AS digits, max(n) < 1.1 * 1000000 / :share / 62 AND min(n) > 0.9 * 1000000 / :share / 62 AS even
FROM (SELECT at, substr(token, at, 1), count(*) AS n
      FROM million, unnest(ARRAY[5, 18, 31]) at GROUP BY 1, 2) d
GROUP BY at ORDER BY at;
-- One character changed, at every place, to every other digit in turn.
SELECT count(*) * :share AS count, count(*) FILTER (WHERE test_is_issued('tok_', mutated)) AS accepted
FROM (SELECT overlay(token PLACING substr(digits, 1 + (position(substr(token, at, 1) IN digits) + n % 61) % 62, 1) FROM at) AS mutated, token
      FROM (SELECT token, (row_number() OVER ())::int AS n FROM million) m,
          LATERAL (SELECT 5 + n % 33 AS at, '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz' AS digits) a) x
WHERE mutated <> token;
-- The longest prefix makes 55 bytes; one without "_" gets it.
SELECT length(test_issue(repeat('p', 21))) AS longest, test_issue('key') ~ '^key_' AS added, length(test_issue('')) AS none;
DROP TABLE million;
DROP FUNCTION test_issue, test_is_issued;
