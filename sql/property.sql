--
-- tokenauth_identify() against a plain SQL judgement of the same rows, over
-- thousands of random changes, each asked twice: by the table, by the cache.
--
CREATE TABLE org (id int PRIMARY KEY, state text, noise int);
CREATE TABLE tok (
    id int PRIMARY KEY, token text NOT NULL, user_id text, tenant_id int, scope text,
    expires_at timestamptz, status text, used_at timestamptz, enabled boolean, noise int);
CREATE INDEX ON tok (token);
INSERT INTO org SELECT n, 'ok' FROM generate_series(0, 4) n;
-- no used_column, so that valid tokens are cached
SELECT tokenauth_attach('tok', source => 'cached', prefix => 'p', token_column => 'token', stored_as => 'plaintext',
    revoked_column => 'status', active_values => '{active,trial}', used_column => '', live_when => 'enabled',
    claims => '{scope,expires_at}');
SELECT tokenauth_attach_parent('cached', 'org', 'tenant_id', live_when => $$state <> 'closed'$$);

-- The judgement by SQL: live rows, and if there is none the one that speaks.
CREATE FUNCTION judge(asked text, at timestamptz) RETURNS text LANGUAGE sql AS $$
    WITH judged AS (
        SELECT CASE WHEN NOT coalesce(t.status = ANY ('{active,trial}'), false) THEN 'revoked'
                WHEN t.expires_at <= at THEN 'expired'
                WHEN NOT coalesce(t.enabled, false) OR
                    (t.tenant_id IS NOT NULL AND NOT coalesce(o.state <> 'closed', false)) THEN 'disabled'
                ELSE 'valid' END AS verdict,
            t.*, CASE WHEN NOT coalesce(t.status = ANY ('{active,trial}'), false) THEN 1
                WHEN NOT coalesce(t.enabled, false) OR
                    (t.tenant_id IS NOT NULL AND NOT coalesce(o.state <> 'closed', false)) THEN 2
                ELSE 3 END AS rank
        FROM tok t LEFT JOIN org o ON o.id = t.tenant_id WHERE t.token = asked)
    SELECT CASE (SELECT count(*) FROM judged WHERE verdict = 'valid')
        WHEN 0 THEN coalesce((SELECT verdict FROM judged
            ORDER BY rank DESC, expires_at DESC NULLS FIRST LIMIT 1), 'unknown')
        WHEN 1 THEN (SELECT coalesce('valid ' || user_id || ' ' || coalesce(tenant_id::text, '') || ' ' ||
            coalesce(scope, '') || ' ' || id, 'disabled') FROM judged WHERE verdict = 'valid')
        ELSE 'unknown' END
$$;
CREATE FUNCTION asked(t text) RETURNS text LANGUAGE sql AS $$
    SELECT CASE status WHEN 'valid' THEN 'valid ' || user_id || ' ' || coalesce(tenant_id, '') || ' ' ||
            coalesce(scope, '') || ' ' || token_id
        ELSE status END FROM tokenauth_identify(t)
$$;
CREATE FUNCTION pick(VARIADIC choices text[]) RETURNS text LANGUAGE sql VOLATILE AS
    $$ SELECT choices[1 + floor(random() * cardinality(choices))::int] $$;

-- Under valgrind a share will do.
\set share 1
\getenv share TOKENAUTH_TEST_SHARE
SELECT set_config('property.share', :'share', false) IS NULL AS "null";
SELECT setseed(0.42);
SELECT tokenauth_stats_reset();
DO $$
DECLARE
    step int;
    t text;
    n int;
    before text;
    answer text;
    after text;
    wrong int := 0;
    checked int := 0;
    share int := current_setting('property.share');
BEGIN
    FOR step IN 1..1500 / share LOOP
        n := floor(random() * 60);
        CASE floor(random() * 10)
        WHEN 0, 1 THEN
            INSERT INTO tok VALUES (n, 'p' || n % 55, pick('u1', 'u2', repeat('u', 70), NULL), pick('0', '1', '2', '3', '4', '9', NULL)::int,
                pick('read', 'write', NULL), pick(NULL, 'infinity', '-infinity', (clock_timestamp() + interval '1 hour')::text,
                    (clock_timestamp() + interval '20 ms')::text)::timestamptz,
                pick('active', 'trial', 'active', 'closed', NULL), NULL, pick('true', 'true', 'true', 'false', NULL)::boolean, 0)
            ON CONFLICT (id) DO UPDATE SET token = 'p' || (n + (random() < 0.1)::int) % 55, tenant_id = excluded.tenant_id, status = excluded.status,
                expires_at = excluded.expires_at, enabled = excluded.enabled, user_id = excluded.user_id;
        WHEN 2 THEN DELETE FROM tok WHERE id = n AND random() < 0.5;
        WHEN 3 THEN UPDATE tok SET status = pick('active', 'trial', 'active', 'gone') WHERE id % 20 = n % 20;
        WHEN 4 THEN UPDATE tok SET enabled = (random() < 0.7) WHERE id = n;
        WHEN 5 THEN UPDATE org SET state = pick('ok', 'ok', 'closed') WHERE id = n % 5;
        WHEN 6 THEN UPDATE tok SET expires_at = clock_timestamp() + interval '15 ms' WHERE id = n;
        WHEN 7 THEN UPDATE tok SET noise = step WHERE id = n; UPDATE org SET noise = step WHERE id = n % 5;
        WHEN 8 THEN
            DELETE FROM org WHERE id = n % 5 AND random() < 0.3;
            INSERT INTO org VALUES ((n + 2) % 5, 'ok', 0) ON CONFLICT DO NOTHING;
        ELSE PERFORM tokenauth_revoke_user(pick('u1', 'nobody', 'nobody', 'nobody'), 'cached');
        END CASE;
        IF random() < 0.2 THEN
            ROLLBACK;
        ELSE
            -- a transaction sees its own changes
            t := 'p' || n % 55;
            before := judge(t, clock_timestamp());
            answer := asked(t);
            after := judge(t, clock_timestamp());
            checked := checked + 1;
            IF answer NOT IN (before, after) THEN
                wrong := wrong + 1;
                RAISE NOTICE 'own changes, step %: % is % but was told %', step, t, after, answer;
            END IF;
            COMMIT;
        END IF;
        FOR pass IN 1..2 LOOP
            FOR i IN 0..3 LOOP
                t := 'p' || (n + i * 7) % 58;
                -- the clock goes on: the answer may be either side's
                before := judge(t, clock_timestamp());
                answer := asked(t);
                after := judge(t, clock_timestamp());
                checked := checked + 1;
                IF answer NOT IN (before, after) THEN
                    wrong := wrong + 1;
                    RAISE NOTICE 'step %, pass %: % is % but was told %', step, pass, t, after, answer;
                END IF;
            END LOOP;
            COMMIT;
        END LOOP;
    END LOOP;
    RAISE NOTICE '% wrong', wrong;
    IF checked < 10000 / share THEN
        RAISE NOTICE 'only % checked', checked;
    END IF;
END $$;
-- enough of each to mean something (most tokens are dead in one way or another)
SELECT hits, negative_hits, misses, invalidations FROM tokenauth_stats, (SELECT current_setting('property.share')::int) s (share)
    WHERE hits < 50 / share OR negative_hits < 500 / share OR misses < 500 / share OR invalidations < 250 / share;

SELECT tokenauth_detach('cached');
DROP FUNCTION judge, asked, pick;
DROP TABLE tok, org;
