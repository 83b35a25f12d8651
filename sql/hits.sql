--
-- What the cache does, seen by its figures.
--
SELECT tokenauth_create_table('tok', prefix => 'tok_');
INSERT INTO tok (user_id, token_hash)
SELECT '00000000-0000-0000-0000-00000000000a',
    encode(sha256(('tok_' || n)::bytea), 'hex')
FROM generate_series(1, 1000) n;
SELECT tokenauth_stats_reset();

CREATE VIEW figures AS
    SELECT hits, negative_hits, misses, publishes, publishes_skipped,
        evictions, bypasses_disabled, bypasses_own_writes, entries, bytes / 184 AS by_bytes,
        note
    FROM tokenauth_stats WHERE source = 'tok';

SELECT count(tokenauth_resolve('tok_' || n)) FROM generate_series(1, 100) n;
SELECT * FROM figures;
SELECT count(tokenauth_resolve('tok_' || n)) FROM generate_series(1, 100) n;
SELECT * FROM figures;

-- Refusals are remembered.
SELECT tokenauth_resolve('tok_none');
SELECT tokenauth_resolve('tok_none');
SELECT * FROM figures;
-- But not beyond the INSERT of that token, which costs no valid one a miss.
INSERT INTO tok (user_id, token_hash)
VALUES ('00000000-0000-0000-0000-00000000000b', encode(sha256('tok_none'), 'hex'));
SELECT tokenauth_resolve('tok_none');
SELECT tokenauth_stats_reset();
SELECT count(tokenauth_resolve('tok_' || n)) FROM generate_series(1, 100) n;
SELECT hits, misses FROM figures;
COPY tok (user_id, token_hash) FROM PROGRAM
    'for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39 40; do printf "00000000-0000-0000-0000-00000000000c\tcopied-%s\n" $i; done';
SELECT count(tokenauth_resolve('tok_' || n)) FROM generate_series(1, 100) n;
SELECT hits, misses FROM figures;

-- A change that does not matter costs nothing; one that does costs one bucket.
SELECT tokenauth_stats_reset();
UPDATE tok SET last_used_at = now(), name = 'renamed'
WHERE token_hash = encode(sha256('tok_1'), 'hex');
SELECT tokenauth_resolve('tok_1');
SELECT hits, misses FROM figures;
UPDATE tok SET expires_at = 'infinity'
WHERE token_hash = encode(sha256('tok_1'), 'hex');
SELECT tokenauth_resolve('tok_1');
SELECT tokenauth_resolve('tok_1');
SELECT hits, misses FROM figures;

-- VACUUM and ANALYZE cost nothing.
SELECT tokenauth_stats_reset();
VACUUM ANALYZE tok;
SELECT tokenauth_resolve('tok_1');
SELECT hits, misses FROM figures;

-- Own writes are judged by the table, and published by nobody.
BEGIN;
UPDATE tok SET revoked = true WHERE token_hash = encode(sha256('tok_2'), 'hex');
SELECT tokenauth_resolve('tok_2') IS NULL AS two, tokenauth_resolve('tok_3') IS NOT NULL AS three;
ROLLBACK;
SELECT hits, misses, bypasses_own_writes, publishes FROM figures;
SELECT tokenauth_resolve('tok_2');

-- Switched off.
SET tokenauth.enabled = off;
SELECT tokenauth_resolve('tok_2');
RESET tokenauth.enabled;
SELECT bypasses_disabled FROM figures;

-- Flushed.
SELECT tokenauth_stats_reset();
SELECT tokenauth_flush('tok');
SELECT tokenauth_resolve('tok_1');
SELECT hits, misses FROM figures;
SELECT tokenauth_flush();
SELECT tokenauth_resolve('tok_1');
SELECT hits, misses FROM figures;
SELECT tokenauth_flush('nothing');

-- No refusals wanted.
SET tokenauth.negative_ttl = 0;
SELECT tokenauth_resolve('tok_nobody');
SELECT tokenauth_resolve('tok_nobody');
SELECT negative_hits FROM figures;
RESET tokenauth.negative_ttl;

-- Expired tokens are refusals, and take no valid one's place.
INSERT INTO tok (user_id, token_hash, expires_at)
SELECT '00000000-0000-0000-0000-00000000000d', encode(sha256(('tok_old' || n)::bytea), 'hex'), '-infinity'
FROM generate_series(1, 10) n;
SET tokenauth.negative_ttl = 0;
SELECT publishes FROM figures;
SELECT count(tokenauth_resolve('tok_old' || n)) FROM generate_series(1, 10) n;
SELECT publishes FROM figures;
RESET tokenauth.negative_ttl;

-- A flood of random tokens evicts no valid one.  Under valgrind a share of it will do.
\set share 1
\getenv share TOKENAUTH_TEST_SHARE
SELECT count(tokenauth_resolve('tok_' || n)) FROM generate_series(1, 1000) n;
SELECT count(tokenauth_resolve('tok_flood_' || n)) FROM generate_series(1, 400000 / :share) n;
SELECT tokenauth_stats_reset();
SELECT count(tokenauth_resolve('tok_' || n)) FROM generate_series(1, 1000) n;
SELECT hits, misses, evictions FROM figures;

-- An entry is believed for tokenauth.ttl.
SELECT tokenauth_flush();
SET tokenauth.ttl = '1s';
SELECT tokenauth_resolve('tok_5') IS NOT NULL AS five;
SELECT pg_sleep(1.1);
SELECT tokenauth_stats_reset();
SELECT tokenauth_resolve('tok_5') IS NOT NULL AS five;
SELECT hits, misses FROM figures;
RESET tokenauth.ttl;

DROP VIEW figures;
DROP TABLE tok;
