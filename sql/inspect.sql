--
-- What the views for operators say: tokenauth_stats and tokenauth_cache.
--
CREATE ROLE regress_monitor;
GRANT pg_monitor TO regress_monitor;
CREATE TABLE seen (
    id int PRIMARY KEY,
    user_id int,
    tenant_id text,
    token_hash text NOT NULL UNIQUE,
    expires_at timestamptz,
    revoked bool NOT NULL DEFAULT false,
    used_at timestamptz,
    last_used_at timestamptz,
    note text
);
SELECT tokenauth_attach('seen', prefix => 'seen_', used_column => '', claims => ARRAY['note']);
INSERT INTO seen (id, user_id, tenant_id, token_hash, expires_at, revoked) VALUES
    (1, 11, 'one', encode(sha256('seen_1'), 'hex'), NULL, false),
    (2, 12, NULL, encode(sha256('seen_2'), 'hex'), '2999-01-01 UTC', false),
    (3, 13, 'three', encode(sha256('seen_3'), 'hex'), NULL, true),
    (4, NULL, 'four', encode(sha256('seen_4'), 'hex'), '2001-01-01 UTC', false);

-- Nothing was asked: no ratio.
SELECT clock_timestamp() AS before \gset
SELECT tokenauth_stats_reset();
SELECT hit_ratio, hits, entries, bytes, stats_reset BETWEEN :'before' AND now() AS since, note FROM tokenauth_stats;
SELECT count(*) FROM tokenauth_cache;

-- What each figure counts.
CREATE FUNCTION ask(int) RETURNS text LANGUAGE sql AS
    $$ SELECT (tokenauth_identify('seen_' || $1)).status $$;
SELECT n, ask(n) FROM generate_series(1, 5) n;
SELECT hit_ratio, hits, negative_hits, misses, negative_lookups, publishes, entries, bytes / 184 AS by_bytes
FROM tokenauth_stats;
SELECT n, ask(n) FROM generate_series(1, 5) n;
SELECT hit_ratio, hits, negative_hits, misses, negative_lookups, publishes FROM tokenauth_stats;
SET tokenauth.enabled = off;
SELECT n, ask(n) FROM generate_series(1, 5) n;
RESET tokenauth.enabled;
SELECT round(hit_ratio::numeric, 4) AS hit_ratio, negative_lookups, bypasses_disabled FROM tokenauth_stats;
BEGIN;
UPDATE seen SET tenant_id = 'uno' WHERE id = 1;
SELECT ask(1);
ROLLBACK;
ALTER TABLE seen DISABLE TRIGGER tokenauth_row;
SELECT ask(1);
SELECT hit_ratio, bypasses_own_writes, bypasses_source, note IS NOT NULL AS noted FROM tokenauth_stats;
ALTER TABLE seen ENABLE ALWAYS TRIGGER tokenauth_row;
UPDATE seen SET note = repeat('too long ', 100) WHERE id = 1;
SELECT ask(1), ask(1);
SELECT uncacheable, invalidations FROM tokenauth_stats;
UPDATE seen SET note = NULL WHERE id = 1;

-- Last uses, and what was loaded.
SELECT uses_noted >= 2 AS noted, uses_dropped, last_flush IS NULL OR uses_written > 0 AS flushed, last_warm
FROM tokenauth_stats;
SELECT tokenauth_flush_last_used() >= 0 AS ok;
SELECT count(*) FROM tokenauth_warm();
SELECT uses_written >= 2 AS written, last_flush BETWEEN stats_reset AND clock_timestamp() AS flushed,
    last_warm BETWEEN stats_reset AND clock_timestamp() AS loaded
FROM tokenauth_stats;

-- What is in the cache.
SELECT tokenauth_flush();
SELECT source, count(*) FROM tokenauth_cache WHERE believed GROUP BY source;
SELECT n, ask(n) FROM generate_series(1, 5) n;
SELECT source, user_id, tenant_id, status, age BETWEEN '0' AND '1 hour' AS aged,
    last_used_at BETWEEN now() - interval '1 hour' AND now() AS used, expires_at
FROM tokenauth_cache WHERE believed ORDER BY user_id, status;
-- Entries without anybody to believe them are marked: one of a row that was
-- changed, those of other columns, all while the table must be asked.
UPDATE seen SET revoked = true WHERE id = 1;
SELECT user_id, status, believed FROM tokenauth_cache WHERE user_id IN ('11', '12') ORDER BY believed, user_id;
ALTER TABLE seen ALTER COLUMN user_id TYPE uuid USING '00000000-0000-0000-0000-00000000000a';
SELECT DISTINCT user_id, tenant_id, believed FROM tokenauth_cache;
SELECT ask(2);
SELECT user_id, status FROM tokenauth_cache WHERE believed;
SET tokenauth.ttl = '1s';
SELECT tokenauth_flush();
SELECT ask(2);
CREATE PROCEDURE wait_until(condition text) LANGUAGE plpgsql AS $$
DECLARE done bool;
BEGIN
    FOR i IN 1..3000 LOOP
        EXECUTE 'SELECT ' || condition INTO done;
        EXIT WHEN done;
        PERFORM pg_sleep(0.02);
    END LOOP;
END $$;
CALL wait_until('NOT EXISTS (SELECT FROM tokenauth_cache WHERE believed)');
SELECT user_id, believed FROM tokenauth_cache WHERE believed;
RESET tokenauth.ttl;
-- One that has expired since is told to have.
UPDATE seen SET expires_at = clock_timestamp() + '1s' WHERE id = 2;
SELECT count(ask(2));
CALL wait_until($$(SELECT status FROM tokenauth_cache WHERE believed) = 'expired'$$);
SELECT status, expires_at < clock_timestamp() AS past FROM tokenauth_cache WHERE believed;
-- A lifetime beyond what an entry can tell.
SET tokenauth.ttl = '1d';
SELECT tokenauth_flush();
INSERT INTO seen (id, user_id, token_hash) VALUES (6, '00000000-0000-0000-0000-00000000000a', encode(sha256('seen_6'), 'hex'));
SELECT ask(6);
SELECT status, user_id, age FROM tokenauth_cache WHERE believed;
RESET tokenauth.ttl;

-- No digest, no token, for anybody; and all of it for pg_monitor alone.
SELECT count(*) FROM tokenauth_cache c WHERE c::text ~ '[0-9a-f]{40}|seen_';
SET ROLE regress_monitor;
SELECT count(*) > 0 AS some FROM tokenauth_cache;
SELECT source FROM tokenauth_stats;
SELECT * FROM seen;
RESET ROLE;
REVOKE pg_monitor FROM regress_monitor;
SET ROLE regress_monitor;
SELECT * FROM tokenauth_cache;
SELECT * FROM tokenauth_cache_entries();
SELECT * FROM tokenauth_stats;
RESET ROLE;

-- Every column says what it is.
SELECT attrelid::regclass, attname FROM pg_attribute
WHERE attrelid IN ('tokenauth_stats'::regclass, 'tokenauth_cache'::regclass)
    AND attnum > 0 AND col_description(attrelid, attnum) IS NULL;
-- Every setting says what it is, with its unit.
SELECT name, unit, short_desc, extra_desc FROM pg_settings
WHERE name LIKE 'tokenauth.%' AND name NOT LIKE '%.test%'
    AND (short_desc !~ '^[A-Z].*\.$' OR extra_desc !~ '^[A-Z0-9].*\.$' OR (vartype = 'integer' AND unit IS NULL AND short_desc !~ 'how many'));

-- What a source that is none any more has left is not shown.
SELECT tokenauth_detach('seen');
SELECT count(*) FROM tokenauth_cache;
DROP FUNCTION ask;
DROP PROCEDURE wait_until;
DROP TABLE seen;
DROP ROLE regress_monitor;
