--
-- What a condition says, it says for good and to all: its names, its literals (G13, G14).
--
CREATE FUNCTION h(text) RETURNS text LANGUAGE sql AS
    $$ SELECT encode(sha256($1::bytea), 'hex') $$;

-- A type of an extension, whose operators pg_catalog does not have: text without regard
-- to case, as citext is.
CREATE SCHEMA ext;
CREATE SCHEMA rules;
SET search_path = ext;
SET client_min_messages = warning;
CREATE TYPE ci;
CREATE FUNCTION ci_in(cstring) RETURNS ci LANGUAGE internal IMMUTABLE STRICT AS 'textin';
CREATE FUNCTION ci_out(ci) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout';
CREATE TYPE ci (INPUT = ci_in, OUTPUT = ci_out, LIKE = text, CATEGORY = 'S', COLLATABLE = true);
CREATE CAST (ci AS text) WITHOUT FUNCTION AS IMPLICIT;
CREATE CAST (text AS ci) WITHOUT FUNCTION AS ASSIGNMENT;
CREATE FUNCTION ci_eq(ci, ci) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT
    RETURN lower($1::text) OPERATOR(pg_catalog.=) lower($2::text);
CREATE FUNCTION ci_ne(ci, ci) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT
    RETURN lower($1::text) OPERATOR(pg_catalog.<>) lower($2::text);
CREATE OPERATOR = (LEFTARG = ci, RIGHTARG = ci, FUNCTION = ci_eq, COMMUTATOR = =, NEGATOR = <>);
CREATE OPERATOR <> (LEFTARG = ci, RIGHTARG = ci, FUNCTION = ci_ne, COMMUTATOR = <>, NEGATOR = =);
CREATE DOMAIN ci_domain AS ci;
-- a function and a cast that pg_catalog has, too
CREATE FUNCTION lower(ci) RETURNS text LANGUAGE sql IMMUTABLE RETURN 'owner''s ' || pg_catalog.lower($1::text);
CREATE FUNCTION ci_number(ci) RETURNS int LANGUAGE sql IMMUTABLE RETURN length($1::text);
CREATE CAST (ci AS int) WITH FUNCTION ci_number(ci);
RESET search_path;
RESET client_min_messages;

CREATE TABLE public.p (id int PRIMARY KEY, state ext.ci_domain);
CREATE TABLE public.t (id int PRIMARY KEY, token_hash text UNIQUE, user_id int, status ext.ci,
    at timestamptz, local timestamp, day date, ids int[], code text DEFAULT 'A');
INSERT INTO p VALUES (1, 'ok'), (2, 'CLOSED');
INSERT INTO t (id, token_hash, user_id, status)
SELECT n, h('tok' || n), 1 + n % 2, s FROM unnest('{active,revoked,Revoked}'::text[]) WITH ORDINALITY u(s, n);
CREATE VIEW judged AS SELECT t, status FROM unnest('{tok1,tok2,tok3}'::text[]) t, public.tokenauth_identify(t);

-- By the search_path of the role that attaches, and stored so that it means the same to all.
SELECT tokenauth_attach('t', live_when => $$status <> 'revoked'$$);
SELECT tokenauth_attach('t', live_when => $$status::text <> 'revoked'$$);
SELECT live_when FROM tokenauth_sources;
SELECT * FROM judged;
SELECT tokenauth_detach('t');
SET search_path = public, ext;
SELECT tokenauth_attach('t', live_when => $$status <> 'revoked'$$);
RESET search_path;
SELECT live_when FROM tokenauth_sources;
SELECT * FROM judged;
SELECT tokenauth_detach('t');
SET search_path = public, ext;
SELECT tokenauth_attach('t', live_when => $$lower(status) IN ('owner''s active') AND status::int = 6 AND status IN ('ACTIVE', 'x')$$);
SELECT tokenauth_attach_parent('t', 'p', 'id', live_when => $$state <> 'closed'$$);
SELECT live_when FROM tokenauth_sources;
SELECT (p).live_when FROM tokenauth_source, unnest(parents) p;
SELECT * FROM judged;
RESET search_path;
SELECT * FROM judged;
SELECT tokenauth_flush();
SELECT * FROM judged;
SELECT tokenauth_detach('t');
-- a column becomes of such a type afterwards: its old operators are not guessed at
SELECT tokenauth_attach('t', live_when => $$code <> 'b'$$);
SELECT status FROM tokenauth_identify('tok1');
ALTER TABLE t ALTER code TYPE ext.ci;
SELECT status FROM tokenauth_identify('tok1');
UPDATE t SET code = 'B' WHERE id = 1;
SELECT finding FROM tokenauth_doctor() WHERE source = 't' AND severity = 'error';
SELECT tokenauth_detach('t');
ALTER TABLE t ALTER code TYPE text;
-- text that was not stored by tokenauth_attach() is read by pg_catalog alone
SET search_path = public, ext;
SELECT tokenauth_attach('t', live_when => $$status <> 'revoked'$$);
RESET search_path;
UPDATE tokenauth_source SET live_when = $$status <> 'revoked'$$;
SELECT status FROM tokenauth_identify('tok3');
UPDATE tokenauth_source SET live_when = $$t.* IS DISTINCT FROM NULL$$;
SELECT status FROM tokenauth_identify('tok3');
UPDATE tokenauth_source SET live_when = $$at IS NULL OR at < 'now'$$;
SELECT status FROM tokenauth_identify('tok3');
UPDATE tokenauth_source SET live_when = $$no expression$$;
SELECT status FROM tokenauth_identify('tok3');
UPDATE t SET code = 'still writable';
SELECT tokenauth_detach('t');
-- what only this session has
CREATE DOMAIN pg_temp.mine AS text;
CREATE FUNCTION pg_temp.mine(int) RETURNS boolean LANGUAGE sql IMMUTABLE RETURN true;
SELECT tokenauth_attach('t', live_when => $$code::mine <> 'x'$$);
SELECT tokenauth_attach('t', live_when => $$pg_temp.mine(id)$$);

-- The whole row, or columns not named.
SELECT tokenauth_attach('t', live_when => c) FROM (VALUES ('row(t.*) is not null')) v(c);
SELECT tokenauth_attach('t', live_when => c) FROM (VALUES ('t is distinct from null')) v(c);
SELECT tokenauth_attach('t', live_when => c) FROM (VALUES ('num_nulls(t.*) = 0')) v(c);
SELECT tokenauth_attach('t', live_when => c) FROM (VALUES ('(t.*).id > 0')) v(c);
SELECT tokenauth_attach('t', live_when => c) FROM (VALUES ('(t).ctid is not null')) v(c);
SELECT tokenauth_attach('t', live_when => c) FROM (VALUES ('tableoid > 0')) v(c);
-- Frozen or moving constants, wherever they are; and what settings read differently.
DO $$
DECLARE
    c text;
BEGIN
    FOREACH c IN ARRAY ARRAY[
        'at < ''now''', 'at < '' NOW ''', 'local < ''now''', 'day < ''today''', 'day = ''tomorrow''::date', 'local > ''yesterday''',
        'at <@ ''[now,now]''::tstzrange', 'at = ANY (''{now}'')', 'at = ANY (''{"n\ow"}''::timestamptz[])',
        'at <@ ''{[now,now]}''::tstzmultirange', 'local <@ ''[today,]''::tsrange', 'day <@ ''[today,]''::daterange',
        'day = ANY (''{{today}}'')', 'at < ''2026-01-01 00:00''', 'local < ''01/02/2026''', 'day < ''01/02/03''',
        'at < ''2026-01-01 00:00 IST''', 'at < ''2026-01-01 00:00 EST''', 'at::time < ''now''::time',
        'at - at < ''-1 2:03:04''::interval', 'at::timetz < ''12:00 Europe/Berlin''', 'at IS NULL OR ''12:00+00''::timetz IS NULL',
        'code::regclass = ''t''::regclass', '''t''::regclass IS NOT NULL', '''$1''::money IS NOT NULL',
        'id < CURRENT_DATE - day', 'code = CURRENT_USER', 'code = current_setting(''x'')', 'code::xml IS NOT NULL',
        'row(1, ''now''::timestamptz) IS NOT NULL', 'code = to_char(at, ''YYYY'')'] LOOP
        BEGIN
            PERFORM tokenauth_attach('t', live_when => c);
            RAISE NOTICE 'taken: %', c;
            PERFORM tokenauth_detach('t');
        EXCEPTION WHEN invalid_object_definition THEN
            NULL;
        WHEN OTHERS THEN
            RAISE NOTICE '% %: %', SQLSTATE, SQLERRM, c;
        END;
    END LOOP;
END $$;
-- and what is taken all the same: it is stored as it was read
SELECT tokenauth_attach('t', live_when => $$at IS NULL OR (at > '2026-01-01 00:00 PST' AND at < 'infinity'
    AND at <@ '["2026-01-02 00:00+05:30",)'::tstzrange AND day = ANY ('{2026-01-01}') AND to_char(at, 'YYYY') <> '2025'
    AND local <> '2026-01-01 00:00' AND ids && '{1,2}' AND code ~ '^\d+$' AND code LIKE 'a\_%' AND code IN ('x', 'y'))$$);
SELECT tokenauth_attach('t', live_when => $$at IS NULL OR (at > '2026-01-01 00:00 PST' AND at < 'infinity'
    AND at <@ '["2026-01-02 00:00+05:30",)'::tstzrange AND day = ANY ('{2026-01-01}')
    AND local <> '2026-01-01 00:00' AND ids && '{1,2}' AND code ~ '^\d+$' AND code LIKE 'a\_%' AND code IN ('x', 'y'))$$);
SELECT live_when FROM tokenauth_sources;
SELECT * FROM judged;
SELECT tokenauth_detach('t');
-- a literal that the owner's session reads otherwise than all others do; since
-- PostgreSQL 19 there is one way to read backslashes
DO $do$
BEGIN
    IF current_setting('server_version_num')::int < 190000 THEN
        PERFORM set_config('standard_conforming_strings', 'off', true),
            set_config('escape_string_warning', 'off', true);
        PERFORM tokenauth_attach('t', live_when => $$code ~ '^\\d+$'$$);
        RAISE NOTICE 'taken';
    END IF;
EXCEPTION WHEN invalid_object_definition THEN
    IF SQLERRM NOT LIKE 'a literal in the condition % depends on the time or on settings' THEN
        RAISE;
    END IF;
END $do$;
SET transform_null_equals = on;
SELECT tokenauth_attach('t', live_when => $$code = NULL$$);
RESET transform_null_equals;

-- Casts to a domain, with conditions of its own.
CREATE DOMAIN public.small AS int CHECK (VALUE < 10);
SELECT tokenauth_attach('t', live_when => 'id::public.small > 0');
-- Time zones: those that an abbreviation cannot be.
SELECT tokenauth_attach('t', timezone => 'IST');
SELECT tokenauth_attach('t', timezone => 'CET');
SELECT tokenauth_attach('t', timezone => 'Nowhere/Land');
SELECT tokenauth_attach('t', timezone => '+05:30');
SELECT tokenauth_attach('t', timezone => 'Europe/Berlin', expires_column => 'local');
UPDATE t SET local = (clock_timestamp() AT TIME ZONE 'Europe/Berlin') + interval '1 minute' WHERE id = 1;
UPDATE t SET local = (clock_timestamp() AT TIME ZONE 'Europe/Berlin') - interval '1 minute' WHERE id = 2;
SELECT * FROM judged;
UPDATE t SET local = '2026-03-29 02:30' WHERE id = 1;
UPDATE t SET local = '2026-10-25 02:30' WHERE id = 2;
UPDATE t SET local = 'infinity' WHERE id = 3;
SELECT (tokenauth_identify('tok' || id)).expires_at = local AT TIME ZONE 'Europe/Berlin' AS alike FROM t ORDER BY id;
UPDATE tokenauth_source SET timezone = 'IST';
SELECT * FROM judged;
SELECT finding FROM tokenauth_doctor() WHERE source = 't' AND severity = 'error';
SELECT tokenauth_detach('t');

-- Virtual generated columns are not in the row (from PostgreSQL 18 on).
SELECT current_setting('server_version_num')::int >= 180000 AS virtual \gset
\if :virtual
CREATE TABLE v (token_hash text UNIQUE, user_id int, flag boolean, off boolean GENERATED ALWAYS AS (flag) VIRTUAL);
DO $$
DECLARE
    arguments text;
BEGIN
    FOREACH arguments IN ARRAY ARRAY['live_when => ''off''', 'live_when => ''(v).off''', 'live_when => ''off(v)''',
        'live_when => ''v IS NOT NULL''', 'claims => ''{off}''', 'revoked_column => ''off''', 'id_column => ''off'''] LOOP
        BEGIN
            EXECUTE 'SELECT tokenauth_attach(''v'', ' || arguments || ')';
            RAISE NOTICE 'taken: %', arguments;
        EXCEPTION WHEN feature_not_supported OR undefined_column OR invalid_column_reference THEN
            NULL;
        END;
    END LOOP;
END $$;
DROP TABLE v;
\endif

DROP VIEW judged;
DROP TABLE t, p;
DROP FUNCTION h;
DROP DOMAIN public.small;
SET client_min_messages = warning;
DROP SCHEMA ext, rules CASCADE;
