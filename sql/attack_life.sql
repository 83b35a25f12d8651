--
-- A token's successor lives as long as the token was made for, however often it is
-- rotated, and in no source of its column longer than there.
--
CREATE SCHEMA lives_on;
SET search_path = lives_on, public;
SET client_min_messages = warning;
\set SHOW_CONTEXT never
\set VERBOSITY terse
CREATE FUNCTION hashed(text) RETURNS text IMMUTABLE LANGUAGE sql AS $$ SELECT encode(sha256($1::bytea), 'hex') $$;
-- So often, or a share of it, where the same story is told on several servers.
\set share 1
\getenv share TOKENAUTH_TEST_SHARE
SELECT set_config('lives_on.times', greatest(100 / :share, 4)::text, false) IS NULL AS "null";
-- How long a token of ten minutes lives from now on after so many rotations; whole minutes.
CREATE FUNCTION minutes(token text, source name DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
    SELECT i.status || COALESCE(' ' || CASE WHEN isfinite(i.expires_at) THEN round(extract(epoch FROM i.expires_at - clock_timestamp()) / 60)::text ELSE 'infinity' END, '') FROM tokenauth_identify(token, source => source) i
$$;
CREATE FUNCTION rotated(token text, VARIADIC sources text[] DEFAULT '{NULL}') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    asked text;
BEGIN
    FOR i IN 1..current_setting('lives_on.times')::int LOOP
        FOREACH asked IN ARRAY sources LOOP
            SELECT r.token INTO token FROM tokenauth_rotate(token, source => asked::name) r;
        END LOOP;
    END LOOP;
    RETURN minutes(token, sources[1]::name);
EXCEPTION WHEN OTHERS THEN
    RETURN sqlstate || ' ' || sqlerrm;
END $$;

-- Rotated in a transaction that began long ago; as the default of our own table has it.
SELECT tokenauth_create_table('lives', prefix => 'l_');
SELECT token AS t FROM tokenauth_issue('4e5a2b1c-0000-4000-8000-000000000001', 'lives', expires_in => '10 min') \gset
BEGIN;
SELECT FROM pg_sleep(1.5);
SELECT rotated(:'t');
SELECT token AS t FROM tokenauth_issue('4e5a2b1c-0000-4000-8000-000000000001', 'lives', expires_in => '10 min') \gset
SELECT rotated(:'t');
COMMIT;
SELECT tokenauth_detach('lives');

-- When it was made is a default that lies, or is kept in whole seconds, as is its expiry;
-- the table makes it, or code of the owner's.
CREATE FUNCTION old(timestamptz) RETURNS timestamptz IMMUTABLE LANGUAGE sql AS $$ SELECT '2026-01-01Z'::timestamptz $$;
CREATE FUNCTION grown(created text, expires text DEFAULT 'timestamptz', code text DEFAULT NULL, ttl interval DEFAULT '10 min') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text;
BEGIN
    EXECUTE format('CREATE TABLE made (id serial PRIMARY KEY, token_hash text UNIQUE, user_id int, expires_at %s, created_at %s, revoked bool NOT NULL DEFAULT false)', expires, created);
    PERFORM tokenauth_attach('made', prefix => 'm_');
    IF code IS NOT NULL THEN
        EXECUTE format('CREATE FUNCTION code() RETURNS trigger LANGUAGE plpgsql AS %L', 'BEGIN ' || split_part(code, '|', 2) || '; RETURN NEW; END');
        EXECUTE format('CREATE TRIGGER code %s ON made FOR EACH ROW EXECUTE FUNCTION code()', split_part(code, '|', 1));
    END IF;
    -- a time that would be rounded down
    PERFORM pg_sleep((1.2 - extract(microseconds FROM clock_timestamp())::int % 1000000 / 1e6)) FROM regexp_matches(created || expires, '\(0\)');
    SELECT rotated(token) INTO result FROM tokenauth_issue(7, 'made', ttl);
    RAISE '%', result;
EXCEPTION WHEN raise_exception THEN
    RETURN sqlerrm;
END $$;
SELECT grown($$timestamptz DEFAULT date_trunc('century', now())$$), grown($$timestamp DEFAULT now() - interval '1 year'$$), grown('timestamptz');
SELECT grown('timestamp(0)'), grown('timestamp', 'timestamptz(0)'), grown('timestamp(0)', 'timestamp(0)'), grown('timestamptz(2)', 'timestamp(1)');
SELECT grown('timestamptz GENERATED ALWAYS AS (old(expires_at)) STORED');
SELECT grown('timestamptz', code => $$BEFORE INSERT| NEW.created_at := '2026-01-01Z'$$), grown('timestamptz', code => $$BEFORE INSERT OR UPDATE| NEW.created_at := NEW.expires_at - interval '1 hour'$$);
-- or it moves when the token expires
SELECT grown('timestamptz', code => $$BEFORE INSERT| NEW.expires_at := NEW.expires_at + interval '1 hour'$$), grown('timestamptz', code => $$BEFORE INSERT OR UPDATE| NEW.expires_at := NEW.expires_at + interval '1 hour'$$);
SELECT grown('timestamptz', code => $$BEFORE INSERT| NEW.expires_at := CASE WHEN NEW.id > 1 THEN 'infinity' ELSE NEW.expires_at END$$),
    grown('timestamptz', code => $$BEFORE INSERT OR UPDATE| NEW.expires_at := CASE WHEN NEW.id > 1 THEN NULL ELSE NEW.expires_at END$$);
SELECT grown('timestamptz', code => $$AFTER INSERT| UPDATE made SET expires_at = expires_at + interval '1 hour', created_at = created_at - interval '1 hour' WHERE id = NEW.id$$);
-- who always says when it does, says so
SELECT grown('timestamptz', code => $$BEFORE INSERT OR UPDATE| NEW.expires_at := now() + interval '30 min'$$);
-- a difference that is no time
SELECT grown('timestamptz', code => $$BEFORE INSERT| NEW.created_at := '4713-02-01 BC'; NEW.expires_at := CASE WHEN NEW.id > 1 THEN NEW.expires_at ELSE '294276-12-31 00:00Z' END$$) LIKE 'valid 1537%' AS ends;

-- A grace that does not end is none; it is not reckoned with.
CREATE TABLE graces (id serial PRIMARY KEY, token_hash text UNIQUE, user_id int, created_at timestamptz DEFAULT now(), expires_at timestamptz, revoked bool NOT NULL DEFAULT false);
SELECT tokenauth_attach('graces', prefix => 'g_');
INSERT INTO graces (token_hash, user_id, expires_at) VALUES (hashed('g_1'), 7, now() + interval '1 day'), (hashed('g_2'), 7, NULL), (hashed('g_3'), 7, 'infinity');
CREATE FUNCTION graced(token text, grace text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN minutes(r.token) FROM tokenauth_rotate(graced.token, grace => graced.grace::interval) r;
EXCEPTION WHEN OTHERS THEN
    -- the type has no such value before PostgreSQL 17
    RETURN replace(sqlstate, '22007', '22023');
END $$;
SELECT t, graced(t, 'infinity'), graced(t, '290000 years'), minutes(t) LIKE 'valid%' AS valid FROM unnest('{g_1, g_2, g_3}'::text[]) t;
SELECT t, graced(t, '280000 years'), minutes(t) LIKE 'valid%' AS valid FROM unnest('{g_1, g_2, g_3}'::text[]) t;
SELECT tokenauth_detach('graces');

-- Two sources say by two columns when it was made: neither is older than the new row.
CREATE TABLE both_made (id serial PRIMARY KEY, token_hash text UNIQUE, user_id int, expires_at timestamptz, created_at timestamptz DEFAULT now(), began timestamp DEFAULT now(), plan text, revoked bool NOT NULL DEFAULT false);
INSERT INTO both_made (token_hash, user_id, expires_at, created_at, began) SELECT hashed('b_' || i), 7, now() + interval '4 min', now() - interval '6 min', CASE WHEN i < 9 THEN now() AT TIME ZONE 'Asia/Kolkata' - interval '6 min' END FROM generate_series(1, 9) i;
SELECT tokenauth_attach('both_made', 'made'), tokenauth_attach('both_made', 'began', created_column => 'began', timezone => 'Asia/Kolkata');
SELECT rotated('b_1', 'made', 'began'), rotated('b_2', 'began', 'made'), rotated('b_3', 'began');
SELECT token AS t FROM tokenauth_rotate('b_4', source => 'made') \gset
SELECT created_at - began AT TIME ZONE 'Asia/Kolkata' AS between FROM both_made WHERE token_hash = hashed(:'t');
-- nor if it is copied for what it is to one of them, or made up
SELECT tokenauth_detach('made');
SELECT tokenauth_attach('both_made', 'made', claims => '{began}');
SELECT rotated('b_5', 'made'), rotated('b_5', 'began');
SELECT tokenauth_detach('made');
SELECT tokenauth_attach('both_made', 'made');
CREATE FUNCTION stay() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.began := '2026-01-01'; RETURN NEW; END $$;
CREATE TRIGGER stay BEFORE INSERT ON both_made FOR EACH ROW EXECUTE FUNCTION stay();
UPDATE both_made SET began = '2026-01-01' WHERE token_hash = hashed('b_6');
SELECT rotated('b_6', 'made'), rotated('b_6', 'began');
DROP TRIGGER stay ON both_made;
-- what is not known of the old one is not of the new one either
SELECT token AS t FROM tokenauth_rotate('b_9', source => 'made') \gset
SELECT began FROM both_made WHERE token_hash = hashed(:'t');
SELECT tokenauth_detach(s) FROM unnest('{made, began}'::name[]) s;
-- A successor lives no longer than another source lets one that is used: neither by a source
-- in which it does not slide,
CREATE TABLE kin (id serial PRIMARY KEY, token_hash text UNIQUE, user_id int, created_at timestamptz DEFAULT now(), expires_at timestamptz, ends_at timestamptz, revoked_at timestamptz, revoked bool NOT NULL DEFAULT false);
INSERT INTO kin (token_hash, user_id, created_at, expires_at) SELECT hashed('a_' || i), 7, now() - CASE WHEN i < 4 THEN interval '60 days' ELSE '30 min' END, now() + interval '10 min' FROM generate_series(1, 9) i;
SELECT tokenauth_attach('kin', 'web', revoked_column => 'revoked', sliding_ttl => '1 hour', sliding_threshold => '30 min'), tokenauth_attach('kin', 'api', prefix => 'a_', revoked_column => 'revoked');
\set VERBOSITY default
SELECT minutes(token, 'web') FROM tokenauth_rotate('a_1', source => 'api');
\set VERBOSITY terse
SELECT minutes(token, 'web') FROM tokenauth_rotate(1, 7, source => 'api');
SELECT minutes('a_1', 'api') AS api, minutes('a_1', 'web') AS web;
SELECT minutes(token, 'web') FROM tokenauth_rotate('a_1', source => 'web');
-- but for as long as that, or as the old one did
SELECT minutes(token, 'web') FROM tokenauth_rotate('a_4', source => 'api');
UPDATE kin SET created_at = NULL WHERE token_hash = hashed('a_2');
SELECT minutes(token, 'web') FROM tokenauth_rotate('a_2', source => 'api');
-- nor has it a successor and a full life, by a grace that only one of them knows,
\set VERBOSITY default
SELECT tokenauth_rotate('a_5', source => 'api', grace => '1 second');
\set VERBOSITY terse
SELECT tokenauth_rotate(5, 7, source => 'api', grace => '1 second');
SELECT tokenauth_detach('web');
-- where another column says when it ends, that stays as it is,
SELECT tokenauth_attach('kin', 'web', revoked_column => 'revoked', expires_column => 'ends_at', sliding_ttl => '1 hour', sliding_threshold => '30 min');
UPDATE kin SET ends_at = now() + interval '20 min';
SELECT token AS t FROM tokenauth_rotate('a_5', source => 'api', grace => '1 min') \gset
SELECT minutes('a_5', 'api') AS api, minutes('a_5', 'web') AS web, minutes(:'t', 'api') AS new_api, minutes(:'t', 'web') AS new_web;
SELECT tokenauth_detach('web');
-- nor by a source that is attached within the grace,
SELECT token AS t FROM tokenauth_rotate('a_9', source => 'api', grace => '1 min') \gset
SELECT tokenauth_attach('kin', 'web', revoked_column => 'revoked', sliding_ttl => '1 hour', sliding_threshold => '59 min');
SELECT tokenauth_renew('a_9', 'web') < now() + interval '1 min' AS renewed_only_to_its_grace, tokenauth_renew(:'t', 'web') > now() + interval '59 min' AS renewed;
SELECT minutes('a_9', 'api') AS old, minutes(:'t', 'api') AS new;
SELECT tokenauth_detach('web');
-- though it is called revoked_at, or is what is made anew here;
UPDATE kin SET revoked_at = now() + interval '20 min';
SELECT tokenauth_attach('kin', 'web', revoked_column => 'revoked', expires_column => 'revoked_at');
SELECT minutes(token, 'web') FROM tokenauth_rotate('a_6', source => 'api');
SELECT tokenauth_detach('api');
SELECT tokenauth_attach('kin', 'api', prefix => 'a_', revoked_column => 'revoked', last_used_column => 'revoked_at');
SELECT minutes(token, 'web') FROM tokenauth_rotate('a_7', source => 'api');
SELECT minutes('a_7', 'web');
SELECT tokenauth_detach(s) FROM unnest('{web, api}'::name[]) s;
-- nor is it renewed for longer than a used one lives there, or was to live.
SELECT tokenauth_attach('kin', 'web', revoked_column => 'revoked', sliding_ttl => '1 hour', sliding_threshold => '30 min'), tokenauth_attach('kin', 'api', revoked_column => 'revoked', sliding_ttl => '1 day', sliding_threshold => '1 hour');
SELECT tokenauth_renew('a_8', 'api') IS NULL AS refused;
SELECT tokenauth_renew('a_8', 'web') IS NULL AS refused, minutes('a_8', 'api');
UPDATE kin SET expires_at = now() + interval '5 days' WHERE token_hash = hashed('a_8');
SELECT minutes(token, 'api') FROM tokenauth_rotate('a_8', source => 'api');
SELECT tokenauth_detach('web');
-- Two sources of one table that are attached alike are no hindrance to each other.
SELECT tokenauth_attach('kin', 'web', revoked_column => 'revoked', sliding_ttl => '1 day', sliding_threshold => '1 hour');
SELECT token AS t FROM tokenauth_issue(7, 'web') \gset
SELECT rotated(:'t', 'web', 'api');
SELECT tokenauth_detach(s) FROM unnest('{web, api}'::name[]) s;
SELECT tokenauth_attach('kin', 'web', revoked_column => 'revoked'), tokenauth_attach('kin', 'api', revoked_column => 'revoked');
SELECT token AS t FROM tokenauth_issue(7, 'web', '10 min') \gset
SELECT rotated(:'t', 'web', 'api');
SELECT token AS t FROM tokenauth_issue(7, 'web', '10 min') \gset
SELECT token AS t1 FROM tokenauth_rotate(:'t', source => 'web', grace => '5 min') \gset
SELECT token AS t2 FROM tokenauth_rotate(:'t', source => 'web', grace => '5 min') \gset
SELECT token AS t3 FROM tokenauth_rotate(:'t', source => 'api', grace => '5 min') \gset
SELECT minutes(:'t', 'api') AS old, minutes(:'t1', 'api') AS first, minutes(:'t2', 'api') AS second, minutes(:'t3', 'web') AS third;
SELECT tokenauth_detach(s) FROM unnest('{web, api}'::name[]) s;
-- A new row is as old as all else in it that goes by now(); what has expired by then is
-- not handed out.
CREATE TABLE checked (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, token_hash text UNIQUE, user_id int, created_at timestamptz NOT NULL DEFAULT now(), seen_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz, revoked_at timestamptz, CHECK (seen_at >= created_at), CHECK (created_at <= now()), CHECK (revoked_at >= created_at), CHECK (expires_at <= created_at + interval '30 days'));
SELECT tokenauth_attach('checked', prefix => 'checked_', last_used_column => 'seen_at');
BEGIN;
SELECT token AS t FROM tokenauth_issue(7, 'checked', expires_in => '30 days') \gset
SELECT token AS t FROM tokenauth_rotate(:'t') \gset
SELECT minutes(:'t');
UPDATE checked SET revoked_at = now() WHERE revoked_at IS NULL;
SELECT FROM pg_sleep(0.2);
SELECT tokenauth_issue(7, 'checked', expires_in => '0.1 seconds');
ROLLBACK;
SELECT tokenauth_detach('checked');
DROP SCHEMA lives_on CASCADE;
RESET search_path;
