--
-- Who may write the registry of sources, by whatever right on its table: a row
-- of it is every identity.  And what stands in it, by whoever's hand, crashes
-- nothing and lets nobody in.
--
\set VERBOSITY default
SET client_min_messages = warning;
CREATE ROLE regress_mallory;
CREATE ROLE regress_keeper;
CREATE SCHEMA mallory AUTHORIZATION regress_mallory;
CREATE SCHEMA keeper AUTHORIZATION regress_keeper;
RESET client_min_messages;
CREATE FUNCTION judged(token text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN (tokenauth_identify(token)).status;
EXCEPTION WHEN OTHERS THEN
    RETURN SQLERRM;
END $$;

SELECT tokenauth_create_table('victim', prefix => 'vic_');
INSERT INTO victim (user_id, token_hash)
VALUES ('00000000-0000-0000-0000-000000000001', encode(sha256('vic_1'), 'hex'));
SELECT tokenauth_resolve('vic_1');

-- All rights on all tables, and those of a writer of all data.
GRANT ALL ON ALL TABLES IN SCHEMA public TO regress_mallory;
GRANT pg_read_all_data, pg_write_all_data TO regress_mallory;
SELECT severity, finding, fix FROM tokenauth_doctor() WHERE finding LIKE '%registry%';
SET ROLE regress_mallory;
CREATE TABLE mallory.tok (token_hash text PRIMARY KEY, user_id uuid NOT NULL);
INSERT INTO mallory.tok VALUES (encode(sha256('vic_evil'), 'hex'), '00000000-0000-0000-0000-000000000001');
CREATE FUNCTION mallory.boom() RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN RAISE EXCEPTION 'mallory.boom runs as %', current_user; END $$;
-- his own table as a source, another's with a condition of his, another's prefix
INSERT INTO tokenauth_source (source, relation, relation_name, relation_owner, prefix, stored_as, token_encoding, token_column, user_column, timezone, checksum)
VALUES ('evil', 'mallory.tok'::regclass, 'mallory.tok', 0, 'vic_e', 'sha256-hex', 'text', 'token_hash', 'user_id', 'UTC', false);
INSERT INTO tokenauth_source SELECT (jsonb_populate_record(s, '{"source": "evil", "prefix": "evil_", "live_when": "mallory.boom()"}')).*
FROM tokenauth_source s;
UPDATE tokenauth_source SET live_when = 'mallory.boom()';
UPDATE tokenauth_source SET relation = 'mallory.tok'::regclass, relation_name = 'mallory.tok';
UPDATE tokenauth_source SET parents = '{}';
UPDATE tokenauth_sources SET prefix = 'evil_';
DELETE FROM tokenauth_source;
TRUNCATE tokenauth_source;
COPY tokenauth_source (source, relation, relation_name, relation_owner, stored_as, token_encoding, token_column, timezone, checksum) FROM stdin;
evil	mallory.tok	mallory.tok	0	sha256-hex	text	token_hash	UTC	f
\.
-- ... and a trigger there would run as the extension's owner
CREATE FUNCTION mallory.evil() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'mallory.evil runs as %', current_user; END $$;
CREATE TRIGGER a_first BEFORE INSERT OR UPDATE OR DELETE ON public.tokenauth_source FOR EACH ROW EXECUTE FUNCTION mallory.evil();
RESET ROLE;
SELECT judged('vic_1'), judged('vic_evil'), tokenauth_ready();
SELECT tokenauth_create_table('another');
SELECT tokenauth_detach('victim');
SELECT severity, source, finding, fix FROM tokenauth_doctor() WHERE severity = 'error';
SELECT fix FROM tokenauth_doctor() WHERE severity = 'error' \gset
SET client_min_messages = warning;
:fix
RESET client_min_messages;
SELECT severity, source, finding, fix FROM tokenauth_doctor() WHERE severity = 'error';
SELECT judged('vic_1'), judged('vic_evil'), tokenauth_ready();
SELECT source, relation FROM tokenauth_source;
SELECT fix FROM tokenauth_doctor() WHERE finding LIKE '%registry%' \gset
:fix
SELECT severity, finding, fix FROM tokenauth_doctor() WHERE finding LIKE '%registry%';

-- Default privileges do not reach the registry.
SELECT tokenauth_detach('victim');
DROP EXTENSION tokenauth;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO regress_mallory;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON FUNCTIONS TO regress_mallory;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TYPES TO regress_mallory;
CREATE EXTENSION tokenauth;
SELECT pg_describe_object(d.classid, d.objid, 0)
FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid AND d.deptype = 'e' AND e.extname = 'tokenauth'
    LEFT JOIN pg_proc p ON p.oid = d.objid LEFT JOIN pg_class c ON c.oid = d.objid
    LEFT JOIN pg_type t ON t.oid = d.objid
WHERE EXISTS (SELECT FROM aclexplode(coalesce(p.proacl, c.relacl, t.typacl)) WHERE grantee = 'regress_mallory'::regrole);
ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON TABLES FROM regress_mallory;
ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON FUNCTIONS FROM regress_mallory;
ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON TYPES FROM regress_mallory;
SELECT tokenauth_attach('victim', prefix => 'vic_');
GRANT SELECT ON tokenauth_source TO regress_keeper;

-- Who could attach a source may insert its row, as a restore does: the owner of
-- its tables with EXECUTE on the functions, and nobody else.
SET ROLE regress_keeper;
CREATE TABLE keeper.org (id int PRIMARY KEY, live bool NOT NULL);
CREATE TABLE keeper.tok (token_hash text PRIMARY KEY, user_id int NOT NULL, org int);
INSERT INTO keeper.org VALUES (1, true), (2, false);
INSERT INTO keeper.tok VALUES (encode(sha256('k_1'), 'hex'), 1, 1), (encode(sha256('k_2'), 'hex'), 2, 2);
RESET ROLE;
GRANT INSERT ON tokenauth_source TO regress_keeper;
CREATE PROCEDURE restore(parent text DEFAULT 'keeper.org', relation text DEFAULT 'keeper.tok', prefix text DEFAULT 'k_') LANGUAGE sql AS $$
INSERT INTO tokenauth_source (source, relation, relation_name, relation_owner, prefix, stored_as, token_encoding, token_column, user_column, timezone, checksum, parents)
VALUES ('kept', relation::text::tokenauth_relation, relation, 1, prefix, 'sha256-hex', 'text', 'token_hash', 'user_id', 'UTC', false,
    ARRAY[ROW(parent::tokenauth_relation, parent, 1, 'org', 'id', 'live')::tokenauth_parent])
$$;
GRANT EXECUTE ON FUNCTION tokenauth_changed TO regress_keeper;
SET ROLE regress_keeper;
CALL restore();
RESET ROLE;
GRANT EXECUTE ON FUNCTION tokenauth_attach TO regress_keeper;
SET ROLE regress_keeper;
CALL restore();
RESET ROLE;
GRANT EXECUTE ON FUNCTION tokenauth_attach_parent TO regress_keeper;
SET ROLE regress_keeper;
CALL restore(relation => 'mallory.tok');
CALL restore(parent => 'mallory.tok');
CALL restore(parent => 'keeper.nothing');
CALL restore(relation => 'keeper.nothing');
CALL restore(prefix => 'much_too_long_for_a_prefix_');
CALL restore();
-- no triggers yet
SELECT tokenauth_attach('keeper.tok', 'kept');
RESET ROLE;
SELECT judged('k_1'), judged('k_2'), judged('vic_1');
SELECT relation, relation_owner::regrole, (p).parent, (p).parent_owner::regrole FROM tokenauth_source, unnest(parents) p;
SET ROLE regress_keeper;
CREATE TRIGGER a AFTER INSERT OR UPDATE OR DELETE ON keeper.tok FOR EACH ROW EXECUTE FUNCTION public.tokenauth_changed();
CREATE TRIGGER b AFTER TRUNCATE ON keeper.tok FOR EACH STATEMENT EXECUTE FUNCTION public.tokenauth_changed();
CREATE TRIGGER a AFTER INSERT OR UPDATE OR DELETE ON keeper.org FOR EACH ROW EXECUTE FUNCTION public.tokenauth_changed();
CREATE TRIGGER b AFTER TRUNCATE ON keeper.org FOR EACH STATEMENT EXECUTE FUNCTION public.tokenauth_changed();
ALTER TABLE keeper.tok ENABLE ALWAYS TRIGGER a, ENABLE ALWAYS TRIGGER b;
ALTER TABLE keeper.org ENABLE ALWAYS TRIGGER a, ENABLE ALWAYS TRIGGER b;
RESET ROLE;
SELECT judged('k_1'), judged('k_2'), tokenauth_ready();
SET ROLE regress_keeper;
DELETE FROM tokenauth_source WHERE source = 'kept';
UPDATE tokenauth_source SET prefix = 'k' WHERE source = 'kept';
RESET ROLE;
SELECT tokenauth_detach('kept');
DROP PROCEDURE restore;

-- What a superuser writes, or a restore, is refused where it makes no sense;
-- nothing crashes, and other sources go on.
CREATE PROCEDURE tamper(what text) LANGUAGE plpgsql AS $$
DECLARE
    finding text;
BEGIN
    EXECUTE 'UPDATE tokenauth_source SET ' || what || ' WHERE source = ''target''';
    RAISE NOTICE '%: % / %', left(what, 60), judged('tgt_1'), judged('vic_1');
    PERFORM set_config('client_min_messages', 'error', true);
    BEGIN
        PERFORM tokenauth_issue('1', 'target', attributes => '{"a": "x"}');
        RAISE EXCEPTION 'issued in spite of it' USING ERRCODE = 'assert_failure';
    EXCEPTION WHEN OTHERS THEN  -- but not assert_failure
        NULL;
    END;
    BEGIN  -- no other source has users, so this one's error is the answer
        PERFORM tokenauth_revoke_user('17');
    EXCEPTION WHEN OTHERS THEN
        NULL;
    END;
    PERFORM count(*) FROM tokenauth_stats;
    PERFORM set_config('client_min_messages', 'notice', true);
    SELECT string_agg(concat(source, ': ', left(f.fix, 60)), E'\n') INTO finding
    FROM tokenauth_doctor() f WHERE severity = 'error';
    RAISE NOTICE '%', coalesce(finding, 'no finding');
    IF (finding IS NULL) IS DISTINCT FROM tokenauth_ready() THEN
        RAISE WARNING 'tokenauth_ready() says otherwise';
    END IF;
    PERFORM tokenauth_detach('target');
    PERFORM tokenauth_attach('target', prefix => 'tgt_', user_column => 'u', live_when => 'a IS NOT NULL');
    PERFORM tokenauth_attach_parent('target', 'keeper.org', 'org');
EXCEPTION WHEN OTHERS THEN
    RAISE NOTICE '%: % (%)', left(what, 60), SQLERRM, SQLSTATE;
END $$;
CREATE TABLE target (token_hash text PRIMARY KEY, id int, u int, a text, org int);
SELECT tokenauth_attach('target', prefix => 'tgt_', user_column => 'u', live_when => 'a IS NOT NULL');
SELECT tokenauth_attach_parent('target', 'keeper.org', 'org');
INSERT INTO target VALUES (encode(sha256('tgt_1'), 'hex'), 1, 1, 'x', 1);
SELECT judged('tgt_1'), tokenauth_ready();
CALL tamper($$prefix = repeat('tgt_', 25)$$);
CALL tamper($$prefix = 'tgt_' || repeat('x', 18)$$);
CALL tamper($$prefix = ''$$);
CALL tamper($$prefix = 'tgt!'$$);
CALL tamper($$checksum = true, prefix = repeat('t', 100)$$);
CALL tamper($$token_column = 'nothing'$$);
CALL tamper($$token_column = ''$$);
CALL tamper($$id_column = 'token_hash'$$);
CALL tamper($$claims = '{token_hash}'$$);
CALL tamper($$claims = '{id,NULL}'$$);
CALL tamper($$claims = (SELECT array_agg('c' || n) FROM generate_series(1, 60) n)$$);
CALL tamper($$active_values = (SELECT array_agg('v' || n) FROM generate_series(1, 1000) n)$$);
CALL tamper($$active_values = ARRAY[repeat('v', 1000)]$$);
CALL tamper($$active_values = '{revoked}'$$);
CALL tamper($$live_when = 'a <> ''' || repeat('x', 20000) || ''''$$);
CALL tamper($$live_when = 'a <> ''' || repeat('x', 2000000) || ''''$$);
CALL tamper($$live_when = 'a <>'$$);
CALL tamper($$live_when = 'a = (SELECT ''x'')'$$);
CALL tamper($$timezone = repeat('x', 1000)$$);
CALL tamper($$sliding_ttl = '-1 day'$$);
CALL tamper($$sliding_ttl = '1 day'$$);
CALL tamper($$max_lifetime = '1 day'$$);
CALL tamper($$relation = 'public.nothing', relation_name = 'public.nothing'$$);
CALL tamper($$relation_name = 'nothing'$$);
CALL tamper($$relation_name = '"'$$);
CALL tamper($$relation_name = repeat('x', 1000)$$);
CALL tamper($$parents = NULL$$);
CALL tamper($$parents = '{NULL}'$$);
CALL tamper($$parents = ARRAY[ROW(NULL, NULL, NULL, NULL, NULL, NULL)::tokenauth_parent]$$);
CALL tamper($$parents = ARRAY[ROW('public.nothing', 'public.nothing', 0, 'org', 'id', NULL)::tokenauth_parent]$$);
CALL tamper($$parents = ARRAY[ROW('keeper.org', 'keeper.org', 0, 'nothing', 'id', NULL)::tokenauth_parent]$$);
CALL tamper($$parents = ARRAY[ROW('keeper.org', 'keeper.org', 0, 'org', 'id', repeat('x', 20000))::tokenauth_parent]$$);
CALL tamper($$parents = parents || parents || parents || parents || parents$$);
CALL tamper($$stored_as = 'md5'$$);
CALL tamper($$source = ''$$);
ALTER TABLE tokenauth_source
    DROP CONSTRAINT tokenauth_source_prefix_key, ALTER token_column DROP NOT NULL,
    ALTER timezone DROP NOT NULL, ALTER checksum DROP NOT NULL, ALTER relation DROP NOT NULL,
    ALTER stored_as DROP NOT NULL, ALTER parents DROP NOT NULL, ALTER relation_name DROP NOT NULL;
CALL tamper($$stored_as = 'md5'$$);
CALL tamper($$stored_as = NULL$$);
CALL tamper($$token_column = NULL$$);
CALL tamper($$timezone = NULL$$);
CALL tamper($$checksum = NULL$$);
CALL tamper($$parents = NULL$$);
CALL tamper($$relation_name = NULL$$);
CALL tamper($$prefix = 'vic_'$$);
SELECT judged('tgt_1'), judged('vic_1');
-- The same limits hold for tokenauth_attach().
SELECT tokenauth_detach('target');
SELECT tokenauth_attach('target', user_column => 'u', live_when => 'a <> ''' || repeat('x', 20000) || '''');
SELECT tokenauth_attach('target', user_column => 'u', active_values => (SELECT array_agg('v' || n) FROM generate_series(1, 1000) n));
SELECT tokenauth_attach('target', user_column => 'u', active_values => ARRAY[repeat('v', 1000)]);
SELECT tokenauth_attach('target', user_column => 'u', active_values => ARRAY['v', NULL]);
SELECT tokenauth_attach('target', user_column => 'u', claims => (SELECT array_agg('id'::name) FROM generate_series(1, 60) n));
-- A registry of another form is not read at all.
ALTER TABLE tokenauth_source ALTER relation_owner TYPE int USING 0;
SELECT judged('vic_1');
ALTER TABLE tokenauth_source ALTER relation_owner TYPE oid USING 0;
SELECT judged('vic_1');
ALTER TABLE tokenauth_source ADD COLUMN more int;
SELECT judged('vic_1');

SET client_min_messages = warning;
DROP EXTENSION tokenauth CASCADE;
CREATE EXTENSION tokenauth;
DROP PROCEDURE tamper;
DROP TABLE victim, target;
DROP FUNCTION judged;
DROP OWNED BY regress_mallory, regress_keeper CASCADE;
DROP ROLE regress_mallory, regress_keeper;
