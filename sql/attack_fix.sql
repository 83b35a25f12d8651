--
-- Who may create functions in our schema, or in one that a session has in its
-- search_path, or may name tables, gets nothing called by what the doctor and
-- our hints say to paste.
--
\set VERBOSITY terse
CREATE TABLE account (id int PRIMARY KEY, active bool NOT NULL DEFAULT true);
INSERT INTO account SELECT generate_series(1, 3);
CREATE TABLE fixed (id int PRIMARY KEY, user_id int NOT NULL, digest text UNIQUE NOT NULL,
    account int NOT NULL, team text, state text NOT NULL DEFAULT 'active', expires_at timestamptz);
INSERT INTO fixed SELECT n, n, encode(sha256(('fix_' || n)::bytea), 'hex'), n, 'team' FROM generate_series(1, 3) n;
SELECT tokenauth_attach('fixed', prefix => 'fix_', token_column => 'digest', revoked_column => 'state',
    active_values => ARRAY['active'], live_when => $$team = 'team'$$, claims => ARRAY['team'], timezone => 'Europe/Berlin');
SELECT tokenauth_attach_parent('fixed', 'account', 'account', live_when => 'active');
CREATE TABLE plain (id int PRIMARY KEY, user_id int NOT NULL, token text UNIQUE NOT NULL);
INSERT INTO plain SELECT n, n, 'plain_' || n FROM generate_series(1, 3) n;
SELECT tokenauth_attach('plain', prefix => 'plain_', token_column => 'token', stored_as => 'plaintext');

SET client_min_messages = warning;
CREATE ROLE regress_mallory;
GRANT CREATE, USAGE ON SCHEMA public TO regress_mallory;
CREATE SCHEMA mallory AUTHORIZATION regress_mallory;
-- For each function of ours: ones that fit better what is written with fewer
-- arguments, or with literals that have no type.
SET ROLE regress_mallory;
DO $$
DECLARE
    ours record;
    signature text;
BEGIN
    FOR ours IN
        SELECT p.proname, CASE p.prokind WHEN 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END AS kind,
            CASE p.prokind WHEN 'p' THEN '' ELSE 'RETURNS text' END AS returns,
            p.proargnames AS names, string_to_array(oidvectortypes(p.proargtypes), ', ') AS types
        FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid
            JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
        WHERE e.extname = 'tokenauth' AND d.deptype = 'e'
            AND p.prorettype NOT IN ('trigger'::regtype, 'anyelement'::regtype)
            AND p.proname IN ('tokenauth_attach', 'tokenauth_attach_parent', 'tokenauth_detach',
                              'tokenauth_hash_in_place', 'tokenauth_flush', 'tokenauth_stats_reset')
    LOOP
        FOR signature IN
            -- fewer arguments, of our types and of text; from none on
            SELECT coalesce(string_agg(format('%I %s', ours.names[i], CASE WHEN t = 1 THEN ours.types[i] ELSE 'text' END), ', ' ORDER BY i)
                                FILTER (WHERE i IS NOT NULL), '')
            FROM generate_series(0, coalesce(array_length(ours.names, 1), 0)) AS n
                CROSS JOIN generate_series(1, 2) AS t
                LEFT JOIN generate_series(1, n) AS i ON true
            GROUP BY n, t
            UNION ALL SELECT 'VARIADIC more text[]' UNION ALL SELECT 'a text, b text DEFAULT NULL'
        LOOP
            CONTINUE WHEN signature IS NULL;
            BEGIN
                EXECUTE format($f$CREATE %s public.%I(%s) %s LANGUAGE plpgsql AS
                    'BEGIN RAISE ''mallory is called by %%'', current_user; END'$f$,
                    ours.kind, ours.proname, signature, ours.returns);
            EXCEPTION WHEN duplicate_function THEN NULL;
            END;
        END LOOP;
    END LOOP;
END $$;
-- Types and casts that a search_path finds first.
CREATE DOMAIN mallory.text AS pg_catalog.text CHECK (pg_catalog.length(VALUE) < 0);
CREATE DOMAIN mallory.name AS pg_catalog.name CHECK (pg_catalog.length(VALUE) < 0);
CREATE DOMAIN mallory.regclass AS pg_catalog.regclass CHECK (VALUE IS NULL);
CREATE DOMAIN mallory.oid AS pg_catalog.oid CHECK (VALUE IS NULL);
RESET ROLE;
SELECT count(*) > 50 AS many FROM pg_proc WHERE proowner = 'regress_mallory'::regrole;
GRANT USAGE ON SCHEMA mallory TO PUBLIC;
RESET client_min_messages;

SELECT tokenauth_resolve('fix_1', NULL::int);
SET search_path = mallory, pg_catalog, public;

-- Plaintext, and figures.
SELECT fix FROM tokenauth_doctor() \gset
\echo :fix
SET client_min_messages = error;
:fix
RESET client_min_messages;
SELECT tokenauth_resolve('plain_1', NULL::int);
SELECT count(tokenauth_resolve('plain_' || n, NULL::int)) FROM generate_series(10, 1100) n;
SELECT fix FROM tokenauth_doctor() \gset
\echo :fix
:fix


-- Attach again, with the parent; the hint of an error, too.
ALTER TABLE public.fixed RENAME digest TO digest2;
SELECT fix FROM tokenauth_doctor() \gset
\echo :fix
:fix
SELECT pg_catalog.regexp_replace(:'fix', '<[^<>]+>', '''digest2''') AS fix \gset
:fix
SELECT tokenauth_resolve('fix_1', NULL::int);
SELECT fix FROM tokenauth_doctor();
\set VERBOSITY default
SELECT 'SELECT ' || substring(:'fix' FROM 'public.tokenauth_attach\(.*?\);') AS attach \gset
SET search_path = pg_catalog;
:attach
SET search_path = mallory, pg_catalog, public;
\set VERBOSITY terse

-- Types.
ALTER TABLE public.fixed ALTER COLUMN expires_at TYPE pg_catalog.text;
SELECT fix FROM tokenauth_doctor() \gset
\echo :fix
:fix
SELECT pg_catalog.regexp_replace(:'fix', '<[^<>]+>', 'expires_at::pg_catalog.timestamptz') AS fix \gset
:fix
ALTER TABLE public.fixed ALTER COLUMN digest2 TYPE bytea USING pg_catalog.decode(digest2, 'hex');
SELECT fix FROM tokenauth_doctor() \gset
\echo :fix
:fix
SELECT pg_catalog.regexp_replace(:'fix', '<[^<>]+>', 'pg_catalog.encode(digest2, ''hex'')') AS fix \gset
:fix
SELECT fix FROM tokenauth_doctor();
CREATE DOMAIN mallory.stamp AS pg_catalog.date;
ALTER TABLE public.fixed ALTER COLUMN expires_at TYPE mallory.stamp USING NULL;
SELECT fix FROM tokenauth_doctor();
ALTER TABLE public.fixed ALTER COLUMN expires_at TYPE timestamptz USING NULL;
SELECT tokenauth_resolve('fix_1', NULL::int);
SELECT fix FROM tokenauth_doctor();

-- A name that ends the comment that it stands in.
ALTER TABLE public.fixed RENAME TO "swapped $fix$
SELECT 'mallory is called'; --";
CREATE TABLE public.fixed (LIKE public."swapped $fix$
SELECT 'mallory is called'; --" INCLUDING ALL);
SELECT fix FROM tokenauth_doctor() \gset
\echo :fix
:fix
SELECT pg_catalog.regexp_replace(:'fix', '<[^<>]+>', '''public.fixed''') AS fix \gset
:fix
DROP TABLE public."swapped $fix$
SELECT 'mallory is called'; --";
SELECT fix FROM tokenauth_doctor();

-- What the registry says is not valid.
UPDATE public.tokenauth_source SET prefix = repeat('x', 100) WHERE source = 'fixed';
SELECT fix FROM tokenauth_doctor() \gset
\echo :fix
:fix
SELECT fix FROM tokenauth_doctor();

-- The same arguments in another order, or one more that has a default: the call
-- fails, but is not mallory's.
SET ROLE regress_mallory;
CREATE FUNCTION public.tokenauth_attach_parent(parent pg_catalog.regclass, source pg_catalog.name,
    source_column pg_catalog.name, parent_column pg_catalog.name DEFAULT 'id', live_when pg_catalog.text DEFAULT NULL)
RETURNS void LANGUAGE plpgsql AS 'BEGIN RAISE ''mallory is called by %'', current_user; END';
CREATE FUNCTION public.tokenauth_detach(source pg_catalog.name, more int DEFAULT 0)
RETURNS void LANGUAGE plpgsql AS 'BEGIN RAISE ''mallory is called by %'', current_user; END';
RESET ROLE;
SELECT public.tokenauth_attach_parent(source => 'plain'::pg_catalog.name, parent => 'public.account'::pg_catalog.regclass,
    source_column => 'id'::pg_catalog.name, parent_column => 'id'::pg_catalog.name, live_when => 'active'::pg_catalog.text);
SELECT public.tokenauth_detach(source => 'plain'::pg_catalog.name);

RESET search_path;
SET client_min_messages = warning;
DROP OWNED BY regress_mallory CASCADE;
RESET client_min_messages;
SELECT public.tokenauth_detach('plain');
DROP TABLE fixed, plain, account;
DROP ROLE regress_mallory;
