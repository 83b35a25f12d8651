-- What every session of the fuzzer begins with: a database is copied from this one.
SET client_min_messages = warning;
CREATE EXTENSION tokenauth CASCADE;
CREATE SCHEMA fz;
GRANT ALL ON SCHEMA fz TO fz_owner, fz_caller;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO fz_owner, fz_caller;
CREATE TYPE fz.color AS ENUM ('red', 'blue');
CREATE SEQUENCE fz.seq;
CREATE FUNCTION fz.next() RETURNS int LANGUAGE sql AS $$SELECT nextval('fz.seq')::int$$;
CREATE FUNCTION fz.live(int) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT $1 > 0';
CREATE FUNCTION fz.raises(int) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$BEGIN RAISE 'raised'; END$$;
CREATE FUNCTION fz.slow(int) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$BEGIN PERFORM pg_sleep(0.01); RETURN true; END$$;
CREATE FUNCTION fz.odd() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM tokenauth_stats_reset(), tokenauth_revoke_user('2');
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE FUNCTION fz.raises_trigger() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'raised by a trigger'; END$$;
CREATE FUNCTION fz.fill() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO fz.org SELECT n FROM generate_series(1, 3) n ON CONFLICT DO NOTHING;
    INSERT INTO fz.a (id, user_id, token_hash, org)
        SELECT n, n % 4, encode(sha256(('fza_' || 'TokenOfTheFuzzerNo' || n)::bytea), 'hex'), n % 4 FROM generate_series(0, 11) n ON CONFLICT DO NOTHING;
    INSERT INTO fz.b (id, user_id, token_hash, org)
        SELECT n, n % 4, sha256(('fzb_' || 'TokenOfTheFuzzerNo' || n)::bytea), n % 4 FROM generate_series(0, 11) n ON CONFLICT DO NOTHING;
    INSERT INTO fz.plain (id, user_id, token, org)
        SELECT n, n % 4, 'fzp_' || 'TokenOfTheFuzzerNo' || n, n % 4 FROM generate_series(0, 11) n ON CONFLICT DO NOTHING;
    INSERT INTO fz."Odd ""name" (id, user_id, token_hash)
        SELECT n, n % 4, encode(sha256(('fzo_' || 'TokenOfTheFuzzerNo' || n)::bytea), 'hex') FROM generate_series(0, 11) n ON CONFLICT DO NOTHING;
END $$;
CREATE FUNCTION fz.make() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    other text := 'org int, tenant text, scope text, expires_at timestamptz, revoked bool NOT NULL DEFAULT false,'
        ' state text DEFAULT ''active'', used_at timestamptz, last_used_at timestamptz, created_at timestamptz DEFAULT now(),'
        ' team text, data jsonb)';
BEGIN
    CREATE TABLE IF NOT EXISTS fz.org (id int PRIMARY KEY, active bool NOT NULL DEFAULT true);
    EXECUTE 'CREATE TABLE IF NOT EXISTS fz.a (id int PRIMARY KEY DEFAULT fz.next(), user_id int, token_hash text UNIQUE, ' || other;
    EXECUTE 'CREATE TABLE IF NOT EXISTS fz.b (id int PRIMARY KEY DEFAULT fz.next(), user_id int, token_hash bytea UNIQUE, ' || other;
    EXECUTE 'CREATE TABLE IF NOT EXISTS fz.plain (id int PRIMARY KEY DEFAULT fz.next(), user_id int, token text UNIQUE, ' || other;
    EXECUTE 'CREATE TABLE IF NOT EXISTS fz."Odd ""name" (id int PRIMARY KEY DEFAULT fz.next(), user_id int, token_hash text UNIQUE, ' || other;
    PERFORM fz.fill();
END $$;
SELECT setval('fz.seq', 1000);
SELECT fz.make();
CREATE VIEW fz.view AS SELECT 1 AS id;
GRANT ALL ON ALL TABLES IN SCHEMA fz TO fz_owner;
