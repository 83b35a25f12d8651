--
-- The install script under a hostile search_path and with squatted names.
--
CREATE SCHEMA hostile;
CREATE FUNCTION hostile.trap(text, text) RETURNS bool
    LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'trapped: %', $1; END $$;
CREATE FUNCTION hostile.trap(oid, oid) RETURNS bool
    LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'trapped: %', $1; END $$;
CREATE OPERATOR hostile.= (LEFTARG = text, RIGHTARG = text, FUNCTION = hostile.trap);
CREATE OPERATOR hostile.= (LEFTARG = oid, RIGHTARG = oid, FUNCTION = hostile.trap);
CREATE FUNCTION hostile.gen_random_uuid() RETURNS uuid
    LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'trapped'; END $$;
CREATE DOMAIN hostile.text AS pg_catalog.text CHECK (false);
CREATE DOMAIN hostile.uuid AS pg_catalog.uuid CHECK (false);
SET search_path = hostile, pg_catalog, public;

-- A name that we need is taken: refused, not adopted.  (Newer servers quote
-- the script in the context.)
\set SHOW_CONTEXT never
CREATE TABLE public.tokenauth_source (relation regclass);
CREATE EXTENSION tokenauth SCHEMA public CASCADE;
DROP TABLE public.tokenauth_source;
CREATE FUNCTION public.tokenauth_revoke(pg_catalog.text) RETURNS bool
    LANGUAGE sql AS 'SELECT false';
CREATE EXTENSION tokenauth SCHEMA public CASCADE;
DROP FUNCTION public.tokenauth_revoke(pg_catalog.text);

\set SHOW_CONTEXT errors
-- Traps in the very schema that the extension goes to.
CREATE EXTENSION pgcrypto SCHEMA public;
CREATE EXTENSION tokenauth SCHEMA hostile;
SELECT hostile.tokenauth_create_table('hostile.t', prefix => 'trap_');
INSERT INTO hostile.t (user_id, token_hash)
    VALUES ('00000000-0000-0000-0000-00000000000a',
            encode(sha256('trap_1'), 'hex'));
SELECT hostile.tokenauth_resolve('trap_1');
SELECT hostile.tokenauth_revoke('trap_1');
SELECT hostile.tokenauth_resolve('trap_1');
SELECT hostile.tokenauth_detach('t');
SELECT hostile.tokenauth_attach('hostile.t');
DROP TABLE hostile.t;
DROP EXTENSION tokenauth;
RESET search_path;
DROP SCHEMA hostile CASCADE;

-- A session that has looked and found nothing finds what comes later.
CREATE TABLE looked (i int);
-- In peace.
CREATE EXTENSION tokenauth;
SELECT tokenauth_create_table('looked_up', prefix => 'looked_');
SELECT source FROM tokenauth_sources;
DROP TABLE looked, looked_up;
-- Every SQL and PL/pgSQL function, and each C function that executes SQL as
-- somebody else, has its search_path set.
SELECT p.oid::regprocedure
FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
    JOIN pg_depend d ON d.objid = p.oid AND d.deptype = 'e'
    JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'tokenauth'
WHERE l.lanname <> 'c' AND NOT coalesce(p.proconfig::text LIKE '%search_path%', false);
-- What pg_dump keeps.
SELECT unnest(extconfig)::regclass FROM pg_extension WHERE extname = 'tokenauth';
-- Everything says what it is.
SELECT pg_describe_object(d.classid, d.objid, d.objsubid)
FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
WHERE e.extname = 'tokenauth' AND d.deptype = 'e'
    AND d.classid IN ('pg_proc'::regclass, 'pg_class'::regclass)
    AND obj_description(d.objid, d.classid::regclass::name) IS NULL;
