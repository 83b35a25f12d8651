--
-- Who may do what.
--

-- Every function, who may execute it, and how it is marked.
\pset format unaligned
SELECT p.oid::regprocedure::text AS function, provolatile AS vol, proparallel AS par,
    proisstrict AS strict, prosecdef AS secdef,
    (SELECT string_agg(CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END, ',')
     FROM aclexplode(proacl) WHERE grantee <> proowner) AS granted_to
FROM pg_proc p JOIN pg_depend d ON d.objid = p.oid AND d.deptype = 'e'
    JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'tokenauth'
WHERE p.proacl IS NOT NULL
ORDER BY p.oid::regprocedure::text COLLATE "C";
\pset format aligned
-- None has the default privileges, which would be PUBLIC's.
SELECT p.oid::regprocedure
FROM pg_proc p JOIN pg_depend d ON d.objid = p.oid AND d.deptype = 'e'
    JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'tokenauth'
WHERE p.proacl IS NULL;
SELECT c.relname,
    (SELECT string_agg(coalesce(nullif(grantee, 0)::regrole::text, 'PUBLIC'), ',')
     FROM aclexplode(relacl) WHERE grantee <> relowner) AS granted_to
FROM pg_class c JOIN pg_depend d ON d.objid = c.oid AND d.deptype = 'e'
    JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'tokenauth'
WHERE c.relkind IN ('r', 'v') ORDER BY 1;

CREATE ROLE tokenauth_api;
CREATE ROLE tokenauth_owner;
CREATE SCHEMA app AUTHORIZATION tokenauth_owner;
GRANT USAGE ON SCHEMA app TO tokenauth_api;

-- An owner of tables who may attach them.
GRANT EXECUTE ON FUNCTION
    tokenauth_create_table, tokenauth_detach, tokenauth_attach
    TO tokenauth_owner;
SET ROLE tokenauth_owner;
SELECT tokenauth_create_table('app.tok', prefix => 'tok_');
SELECT tableowner FROM pg_tables WHERE tablename = 'tok';
INSERT INTO app.tok (user_id, token_hash)
VALUES ('00000000-0000-0000-0000-00000000000a', encode(sha256('tok_1'), 'hex'));
-- nobody but the extension writes the registry
INSERT INTO tokenauth_source SELECT * FROM tokenauth_source;
SELECT * FROM tokenauth_source;
SELECT * FROM tokenauth_sources;
SELECT tokenauth_resolve('tok_1');
RESET ROLE;

-- A caller with EXECUTE on resolve alone.
GRANT EXECUTE ON FUNCTION tokenauth_resolve TO tokenauth_api;
SET ROLE tokenauth_api;
SELECT tokenauth_resolve('tok_1');
SELECT tokenauth_resolve('tok_1');
SELECT count(*) FROM app.tok;
SELECT * FROM tokenauth_identify('tok_1');
SELECT tokenauth_resolve_hash(sha256('tok_1'));
SELECT tokenauth_revoke('tok_1');
SELECT tokenauth_revoke('00000000-0000-0000-0000-00000000000a'::uuid,
                        '00000000-0000-0000-0000-00000000000a'::uuid);
SELECT tokenauth_flush();
SELECT * FROM tokenauth_stats;
SELECT * FROM tokenauth_stats_sources();
SELECT tokenauth_stats_reset();
SELECT tokenauth_create_table('app.mine');
SELECT tokenauth_attach('app.tok');
SELECT tokenauth_detach('tok');
SET tokenauth.enabled = off;
SET tokenauth.ttl = '1 year';
RESET ROLE;

-- EXECUTE on revoke needs no right on the table; its triggers run as its
-- owner, not as the caller and not as a superuser.
CREATE FUNCTION app.tell() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE NOTICE 'the trigger runs as %',
        CASE current_user WHEN session_user THEN 'the superuser' ELSE current_user END;
    RETURN NEW;
END $$;
CREATE TRIGGER tell BEFORE UPDATE ON app.tok FOR EACH ROW EXECUTE FUNCTION app.tell();
GRANT EXECUTE ON FUNCTION tokenauth_revoke(text) TO tokenauth_api;
SET ROLE tokenauth_api;
SELECT tokenauth_revoke('tok_1');
SELECT current_user;
SELECT tokenauth_resolve('tok_1');
RESET ROLE;
SELECT tokenauth_revoke('tok_1');
DROP TRIGGER tell ON app.tok;

-- What the caller brings along does not reach the owner's trigger, nor what
-- the trigger sets the caller; what is deferred would run as the caller.
CREATE SCHEMA evil;
GRANT USAGE ON SCHEMA evil TO PUBLIC;
CREATE FUNCTION evil.helper() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'evil.helper runs as %', current_user;
END $$;
CREATE FUNCTION app.helper() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE NOTICE 'app.helper runs as %', current_user;
    PERFORM set_config('search_path', 'evil', false), set_config('work_mem', '64kB', false);
END $$;
CREATE FUNCTION app.careless() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM helper();
    RETURN NEW;
END $$;
CREATE TRIGGER careless BEFORE UPDATE ON app.tok FOR EACH ROW EXECUTE FUNCTION app.careless();
INSERT INTO app.tok (user_id, token_hash)
VALUES ('00000000-0000-0000-0000-00000000000a', encode(sha256('tok_2'), 'hex'));
SHOW work_mem;
SET search_path = evil, public;
SET ROLE tokenauth_api;
SELECT tokenauth_revoke('tok_2');
SHOW search_path;
SHOW work_mem;
RESET ROLE;
RESET search_path;
DROP TRIGGER careless ON app.tok;
CREATE CONSTRAINT TRIGGER later AFTER UPDATE ON app.tok DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION app.tell();
UPDATE app.tok SET revoked = false;
SELECT tokenauth_revoke('tok_2');
DROP TRIGGER later ON app.tok;

-- A failing constraint quotes the row, but not to a caller who may not see it.
ALTER TABLE app.tok ADD CONSTRAINT never CHECK (NOT revoked);
SET ROLE tokenauth_api;
SELECT tokenauth_revoke('tok_2');
RESET ROLE;
ALTER TABLE app.tok DROP CONSTRAINT never;

-- Creating a trigger fires event triggers, as the extension's owner: they do
-- not find what the caller's search_path has.
CREATE FUNCTION public.log_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
    IF tg_tag = 'CREATE TRIGGER' THEN
        RAISE NOTICE 'search_path for CREATE TRIGGER: %', current_setting('search_path');
    END IF;
END $$;
CREATE EVENT TRIGGER log_ddl ON ddl_command_end EXECUTE FUNCTION public.log_ddl();
SET ROLE tokenauth_owner;
SET search_path = evil, public;
SELECT tokenauth_create_table('app.another', prefix => 'another_');
RESET search_path;
SELECT tokenauth_detach('another');
RESET ROLE;
DROP EVENT TRIGGER log_ddl;
DROP FUNCTION public.log_ddl();
DROP SCHEMA evil CASCADE;

-- Row-level security on the token table, even forced, is not the gate.
ALTER TABLE app.tok ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY nobody ON app.tok USING (false);
UPDATE app.tok SET revoked = false;
SET ROLE tokenauth_api;
SELECT tokenauth_resolve('tok_1');
SELECT tokenauth_revoke('tok_1');
SELECT tokenauth_resolve('tok_1');
RESET ROLE;

-- Another's table can be neither attached nor detached, whoever asks.
GRANT EXECUTE ON FUNCTION tokenauth_detach, tokenauth_attach
    TO tokenauth_api;
CREATE TABLE app.foreign_tok (token_hash text UNIQUE, user_id uuid);
ALTER TABLE app.foreign_tok OWNER TO tokenauth_owner;
SET ROLE tokenauth_api;
SELECT tokenauth_detach('tok');
SELECT tokenauth_attach('app.foreign_tok');
SELECT tokenauth_attach('tokenauth_source');
RESET ROLE;
SET ROLE tokenauth_owner;
SELECT tokenauth_attach('app.foreign_tok', prefix => 'f_');
SELECT tokenauth_detach('foreign_tok');
RESET ROLE;

-- Everybody may read the list of sources, where hints send him, and finds his own tables
-- there, whoever has attached them; all sources once tokenauth_grant() has granted
-- something.  What he writes into his query sees no other row.
SELECT tokenauth_attach('app.foreign_tok', prefix => 'f_');
CREATE FUNCTION app.peek(name) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS
    $$ BEGIN IF $1 NOT IN ('tok', 'foreign_tok') THEN RAISE NOTICE 'a row of %', $1; END IF; RETURN true; END $$;
GRANT USAGE ON SCHEMA app TO tokenauth_owner;
SET ROLE tokenauth_owner;
SELECT source, relation FROM tokenauth_sources WHERE app.peek(source) ORDER BY 1;
SELECT tokenauth_detach('foreign_tok');
SELECT count(*) FROM tokenauth_sources;
RESET ROLE;
SELECT count(*) > 0 AS granted FROM tokenauth_grant('tokenauth_owner', 'attach');
SET ROLE tokenauth_owner;
SELECT source, relation FROM tokenauth_sources;
SELECT tokenauth_detach('nothing');
RESET ROLE;

-- pg_monitor sees the figures and what the sources were told, and nothing else; it writes
-- nothing.
GRANT pg_monitor TO tokenauth_api;
SET ROLE tokenauth_api;
SELECT count(*) FROM tokenauth_stats;
SELECT source, relation, prefix, token_column FROM tokenauth_sources ORDER BY 1;
SELECT count(*) FROM tokenauth_source;
DELETE FROM tokenauth_source;
SELECT count(*) FROM tokenauth_retiring;
RESET ROLE;

DROP SCHEMA app CASCADE;
DROP OWNED BY tokenauth_api, tokenauth_owner;
DROP ROLE tokenauth_api, tokenauth_owner;
