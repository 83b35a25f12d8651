--
-- Figures: there is room for those of so many sources of a server.  Who attaches
-- and rolls back takes none of it, and who attaches many tables in one database
-- leaves room for others.
--
SET client_min_messages = warning;
CREATE TABLE first (id int PRIMARY KEY, user_id int, token_hash text UNIQUE);
INSERT INTO first SELECT n, n, encode(sha256(('fst_' || n)::bytea), 'hex') FROM generate_series(1, 3) n;
DO $$
BEGIN
    FOR n IN 1 .. 75 LOOP
        EXECUTE format('CREATE TABLE many_%s (id int PRIMARY KEY, user_id int, token_hash text UNIQUE)', n);
    END LOOP;
END $$;
CREATE PROCEDURE attach_many(first int, last int) LANGUAGE plpgsql AS $$
BEGIN
    FOR n IN first .. last LOOP
        PERFORM tokenauth_attach(format('many_%s', n), prefix => format('m%s_', n));
    END LOOP;
END $$;

-- Rolled back: no room is taken, though each has been looked at meanwhile.
DO $$
BEGIN
    FOR n IN 1 .. 64 LOOP
        BEGIN
            CALL attach_many(n, n);
            PERFORM tokenauth_resolve(format('m%s_1', n), NULL::int), count(*) FROM tokenauth_stats;
            RAISE EXCEPTION 'never mind';
        EXCEPTION WHEN OTHERS THEN NULL;
        END;
    END LOOP;
END $$;
SELECT tokenauth_attach('first', prefix => 'fst_');
SELECT tokenauth_resolve('fst_' || n, NULL::int) FROM generate_series(1, 4) n;
SELECT source, misses, hits, note FROM tokenauth_stats;
-- A detach that is rolled back keeps the figures, and in a subtransaction, too.
BEGIN;
SELECT tokenauth_detach('first');
ROLLBACK;
BEGIN;
SAVEPOINT a;
SELECT tokenauth_detach('first');
SELECT count(*) FROM tokenauth_stats;
ROLLBACK TO a;
COMMIT;
SELECT source, misses FROM tokenauth_stats;

-- Many: some have no figures, which is not to say that they have those of others.
CALL attach_many(1, 65);
SELECT count(tokenauth_resolve(format('m%s_1', n), NULL::int)) FROM generate_series(1, 65) n;
SELECT count(misses) AS have, count(*) - count(misses) AS have_none, sum(misses) AS misses, count(note) AS notes,
    min(note) AS note FROM tokenauth_stats;
SELECT count(tokenauth_detach(source)) FROM tokenauth_sources WHERE source LIKE 'many%';
-- Given back when they are detached, or dropped.
CALL attach_many(66, 70);
SELECT count(misses) AS have, count(*) FROM tokenauth_stats;
DO $$
BEGIN
    FOR n IN 66 .. 70 LOOP
        EXECUTE format('DROP TABLE many_%s', n);
    END LOOP;
END $$;
CALL attach_many(71, 75);
SELECT count(misses) AS have, count(*) FROM tokenauth_stats;
SELECT count(tokenauth_detach(source)) FROM tokenauth_sources;

-- Another database has room yet; and what is dropped with it is given back.
CALL attach_many(1, 65);
SELECT count(*) FROM tokenauth_stats;
SELECT current_database() AS here \gset
CREATE DATABASE regress_other_stats;
\c regress_other_stats
SET client_min_messages = warning;
CREATE EXTENSION tokenauth CASCADE;
SELECT tokenauth_create_table('tok', prefix => 'tok_');
SELECT source, misses FROM tokenauth_stats;
\c :here
DROP DATABASE regress_other_stats;
SELECT count(tokenauth_detach(source)) FROM tokenauth_sources;
SET client_min_messages = warning;
DO $$
DECLARE
    t regclass;
BEGIN
    FOR t IN SELECT oid::regclass FROM pg_class WHERE relname ~ '^many_[0-9]+$' LOOP
        EXECUTE format('DROP TABLE %s', t);
    END LOOP;
END $$;
DROP TABLE first;
DROP PROCEDURE attach_many;
