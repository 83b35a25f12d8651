--
-- Conditions over many types say to every session what plain SQL says to the owner (G14):
-- each under twenty random lots of settings, of a caller who has hostile things in the
-- search_path.
--
CREATE ROLE tokenauth_owner;
CREATE ROLE tokenauth_caller;
GRANT CREATE, USAGE ON SCHEMA public TO tokenauth_owner;
GRANT EXECUTE ON FUNCTION tokenauth_identify TO tokenauth_caller;
SET ROLE tokenauth_owner;
CREATE TYPE public.mood AS ENUM ('sad', 'ok', 'happy');
CREATE DOMAIN public.email AS text;
CREATE TABLE public.s (id int PRIMARY KEY, token text UNIQUE, user_id int,
    i2 smallint, i8 bigint, n numeric, f4 real, f8 double precision, b boolean, c "char", bp char(4), v varchar(9), nm name, e email,
    by bytea, d date, ti time, ts timestamp, tz timestamptz, iv interval, m mood, ms mood[], ia int[], ta text[], va varchar[],
    r int4range, tr tstzrange, mr int4multirange, j jsonb, js json, u uuid, ip inet, mac macaddr, bi bit(4), pt point, ls pg_lsn);
INSERT INTO public.s
SELECT g, 'tok' || g, g, g % 5, g * 1000000000000, g / 8.0, g / 3.0, g / 7.0, g % 3 = 0, chr(64 + g)::"char", 'x' || g, 'v' || g, 'n' || g,
    CASE WHEN g % 4 > 0 THEN 'A' || g || '@example.com' END, sha256(('b' || g)::bytea), '2026-01-01'::date + g * 40, '10:00'::time + g * interval '1 hour',
    '2026-01-01 00:00'::timestamp + g * interval '20 days', '2026-01-01 00:00+00'::timestamptz + g * interval '20 days', g * interval '-1 day 2:03:04',
    (enum_range(NULL::mood))[1 + g % 3], ARRAY[(enum_range(NULL::mood))[1 + g % 3], 'ok'], ARRAY[g, g % 3, NULL], ARRAY['a' || g % 3, NULL, 'NULL'],
    ARRAY['a' || g % 2], int4range(g, g + 5), tstzrange('2026-01-01 00:00+00', '2026-01-01 00:00+00'::timestamptz + g * interval '20 days'),
    int4multirange(int4range(g, g + 2)), jsonb_build_object('n', g, 'ok', g % 2 = 0, 'a', ARRAY[g]), json_build_object('n', g),
    ('00000000-0000-0000-0000-00000000000' || g % 10)::uuid, ('10.0.0.' || g)::inet, ('08:00:2b:01:02:0' || g % 10)::macaddr,
    (g % 16)::bit(4), point(g, 1), ('0/' || g)::pg_lsn
FROM generate_series(1, 12) g;
CREATE FUNCTION public.even(int) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1 % 2 = 0';
RESET ROLE;

CREATE SCHEMA evil;
CREATE FUNCTION evil.yes(text, text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
CREATE FUNCTION evil.yes(int, int) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
CREATE OPERATOR evil.= (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.yes);
CREATE OPERATOR evil.<> (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.yes);
CREATE OPERATOR evil.= (LEFTARG = int, RIGHTARG = int, FUNCTION = evil.yes);
CREATE OPERATOR evil.< (LEFTARG = int, RIGHTARG = int, FUNCTION = evil.yes);
CREATE FUNCTION evil.even(int) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
CREATE FUNCTION evil.lower(text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT 'evil' $$;
GRANT USAGE ON SCHEMA evil TO PUBLIC;

CREATE TABLE conditions (text text);
GRANT SELECT ON conditions TO PUBLIC;
INSERT INTO conditions VALUES
    ('i2 = 3'), ('i8 > 5000000000000'), ('i8 BETWEEN 3000000000000 AND 8e12'), ('n = 0.5 OR n::text = ''1.0000000000000000'''), ('n IN (0.125, 1, 1.25)'),
    ('f4::text LIKE ''%33%'''), ('f8::text = ''0.14285714285714285'' OR f8 > 1'), ('f4 = (1 / 3.0)::real'), ('f8::numeric > 0.5'), ('b'), ('NOT b'), ('b IS NOT TRUE'),
    ('c = ''C'' OR c > ''H'''), ('bp = ''x3'''), ('bp IN (''x1'', ''x11'')'), ('v = ''v3'' OR v LIKE ''v_2'''), ('v IN (''v1'', ''v2'')'), ('v ~ ''^v\d$'''),
    ('nm = ''n4'' OR nm::text > ''n7'''), ('e <> ''A3@example.com'''), ('lower(e) IN (''a3@example.com'', ''a5@example.com'')'), ('e = NULL OR id = 3'), ('coalesce(e, ''none'') = ''none'''),
    ('by::text ~ ''^..[0-7]'''), ('encode(by, ''hex'') > ''8'''), ('by > ''\x80'''), ('d > ''2026-06-01'''), ('d = ANY (''{2026-02-10,2026-03-22}'')'),
    ('d IN (''2026-02-10'', ''2026-04-03'')'), ('ti > ''12:00'''), ('ti BETWEEN ''13:00'' AND ''15:00'''), ('ts > ''2026-05-01 00:00'''), ('ts <@ ''[2026-03-01 00:00,2026-05-01 00:00)''::tsrange'),
    ('tz > ''2026-05-01 00:00+00'''), ('tz BETWEEN ''2026-03-01 00:00Z'' AND ''2026-05-01 00:00 Asia/Tokyo'''),
    ('tz AT TIME ZONE ''Asia/Kolkata'' > ''2026-04-01 05:30'''), ('extract(hour FROM tz AT TIME ZONE ''Pacific/Auckland'') = 13'), ('(ts AT TIME ZONE ''EST'' > tz) = b'),
    ('iv < ''-5 days'''), ('iv = ''-3 days +06:09:12'''), ('extract(day FROM iv) > -4'), ('m = ''happy'''), ('m > ''sad'''), ('m IN (''sad'', ''ok'')'), ('ms @> ''{happy}'''), ('''sad'' = ANY (ms)'),
    ('ia @> ''{3}'''), ('2 = ANY (ia)'), ('array_length(ia, 1) = 3 AND ia[1] > 4'), ('ta && ''{a1,NULL}'''), ('ta = ''{a2,NULL,"NULL"}'''), ('va && ARRAY[''a1''::varchar]'), ('''a0'' = ANY (va)'),
    ('r @> 7'), ('r && ''[1,3]'''), ('tr @> ''2026-05-01 00:00+00''::timestamptz'), ('mr @> 4'), ('j->>''n'' = ''4'''), ('(j->>''n'')::int > 6'), ('j @> ''{"ok": true}'''), ('j ? ''n'' AND (j->>''ok'')::boolean'),
    ('j @? ''$.a[*] ? (@ > 6)'''), ('js->>''n'' > ''3'''), ('u = ''00000000-0000-0000-0000-000000000003'''), ('u > ''00000000-0000-0000-0000-000000000005'''), ('ip << ''10.0.0.0/29'''), ('mac = ''08:00:2b:01:02:03'''),
    ('bi = B''0100'''), ('bi::int > 5'), ('pt <@ ''((0,0),(5,5))''::box'), ('ls > ''0/6'''), ('even(id)'), ('public.even(id) AND user_id < 7'),
    ('CASE WHEN id > 6 THEN m = ''ok'' ELSE v = ''v3'' END'), ('(id, v) = (4, ''v4'')'), ('row(id, i2) < row(5, 0)'), ('id IS DISTINCT FROM 4'), ('nullif(id, 4) IS NULL'), ('greatest(id, i2) > 8'),
    ('md5(token) > ''8'''), ('substring(v FROM 2)::int > 6'), ('s.v = ''v5'''), ('position(''1'' IN v) > 0'), ('overlay(v PLACING ''w'' FROM 1) = ''w4'''), ('v COLLATE "C" > ''v3'''),
    ('v IS NOT DISTINCT FROM ''v7'''), ('id % 3 = 1 OR (id, i2) IN ((2, 2), (3, 3))'), ('e IS NULL');

-- A caller's settings, at random.
CREATE FUNCTION pick(VARIADIC choices text[]) RETURNS text LANGUAGE sql VOLATILE AS
    $$ SELECT choices[1 + floor(random() * cardinality(choices))::int] $$;
CREATE PROCEDURE shuffle() LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('TimeZone', public.pick('Asia/Kolkata', 'America/St_Johns', 'Pacific/Auckland', 'UTC', 'Etc/GMT+12'), false),
        set_config('timezone_abbreviations', public.pick('Default', 'Australia', 'India'), false),
        set_config('DateStyle', public.pick('SQL, DMY', 'German', 'Postgres, MDY', 'ISO, YMD'), false),
        set_config('IntervalStyle', public.pick('sql_standard', 'iso_8601', 'postgres_verbose', 'postgres'), false),
        set_config('bytea_output', public.pick('hex', 'escape'), false),
        set_config('extra_float_digits', public.pick('-15', '0', '1', '3'), false),
        set_config('array_nulls', public.pick('on', 'off'), false),
        set_config('transform_null_equals', public.pick('on', 'off'), false),
        set_config('standard_conforming_strings',
            public.pick('on', CASE WHEN pg_catalog.current_setting('server_version_num')::int OPERATOR(pg_catalog.<) 190000 THEN 'off' ELSE 'on' END), false),
        set_config('backslash_quote', public.pick('on', 'off', 'safe_encoding'), false),
        set_config('xmlbinary', public.pick('base64', 'hex'), false),
        set_config('xmloption', public.pick('content', 'document'), false),
        set_config('quote_all_identifiers', public.pick('on', 'off'), false),
        set_config('default_text_search_config', public.pick('simple', 'english'), false),
        set_config('search_path', public.pick('evil, pg_catalog, public', 'public', 'evil, public', '', 'pg_catalog'), false),
        set_config('row_security', public.pick('on', 'off'), false),
        set_config('plan_cache_mode', public.pick('auto', 'force_generic_plan'), false);
END $$;
GRANT EXECUTE ON PROCEDURE shuffle TO PUBLIC;

-- Under valgrind a share will do.
\set share 1
\getenv share TOKENAUTH_TEST_SHARE
SELECT set_config('settings.share', :'share', false) IS NULL AS "null";
SELECT setseed(0.42);
DO $$
BEGIN
    -- no setting since PostgreSQL 19
    PERFORM set_config(name, 'off', false) FROM pg_settings WHERE name = 'escape_string_warning';
END $$;
DO $$
DECLARE
    condition text;
    answers text[];
    tokens int[];
    plain text;     -- what SQL says, by the owner's settings
    told text;      -- what tokenauth says, by anybody's
    claims text;
    first_claims text;
    checked int := 0;
    different int := 0;
    share int := current_setting('settings.share');
BEGIN
    FOR condition IN SELECT text FROM public.conditions LOOP
        SET ROLE tokenauth_owner;
        EXECUTE 'SELECT array_agg(CASE WHEN ' || condition || ' THEN ''valid'' ELSE ''disabled'' END ORDER BY id) FROM public.s' INTO answers;
        RESET ROLE;
        -- a valid one and another
        SELECT array_agg(id ORDER BY id) INTO tokens
        FROM (SELECT id, row_number() OVER (PARTITION BY answer ORDER BY random()) FROM unnest(answers) WITH ORDINALITY a(answer, id)) x WHERE row_number = 1;
        SELECT string_agg(answers[t], ' ' ORDER BY t) INTO plain FROM unnest(tokens) t;
        IF plain !~ 'valid' OR plain !~ 'disabled' THEN
            RAISE NOTICE 'always the same: %', condition;
        END IF;
        BEGIN
            SET LOCAL client_min_messages = warning;    -- not the share of live rows
            PERFORM tokenauth_attach('public.s', token_column => 'token', stored_as => 'plaintext', live_when => condition, claims => '{f8,by,tz,iv,ms,tr}');
            SET LOCAL client_min_messages = notice;
        EXCEPTION WHEN OTHERS THEN
            RAISE NOTICE 'refused: % (%)', condition, SQLERRM;
            CONTINUE;
        END;
        FOR n IN 1..20 / share LOOP
            CALL public.shuffle();
            SET ROLE tokenauth_caller;
            SELECT pg_catalog.string_agg(i.status, ' ' ORDER BY g), pg_catalog.string_agg(i.claims::text, ' ' ORDER BY g) INTO told, claims
            FROM pg_catalog.unnest(tokens) g, public.tokenauth_identify('tok' OPERATOR(pg_catalog.||) g::pg_catalog.text) i;
            RESET ROLE;
            checked := checked OPERATOR(pg_catalog.+) 1;
            IF told OPERATOR(pg_catalog.<>) plain THEN
                different := different OPERATOR(pg_catalog.+) 1;
                RAISE NOTICE '%: % but was told %', condition, plain, told;
                EXIT;
            END IF;
            IF claims OPERATOR(pg_catalog.<>) first_claims THEN
                RAISE NOTICE 'claims: % but then %', first_claims, claims;
                EXIT;
            END IF;
            first_claims := claims;
            PERFORM public.tokenauth_flush();
        END LOOP;
        first_claims := NULL;
        RESET TimeZone; RESET timezone_abbreviations; RESET DateStyle; RESET IntervalStyle; RESET bytea_output; RESET extra_float_digits;
        RESET array_nulls; RESET transform_null_equals; RESET standard_conforming_strings; RESET backslash_quote; RESET xmlbinary; RESET xmloption;
        RESET quote_all_identifiers; RESET default_text_search_config; RESET search_path; RESET row_security; RESET plan_cache_mode;
        PERFORM tokenauth_detach('s');
    END LOOP;
    RAISE NOTICE '% different', different;
    IF checked < 1700 / share THEN
        RAISE NOTICE 'only % checked', checked;
    END IF;
END $$;

DROP TABLE conditions, s;
DROP TYPE mood, email;
DROP FUNCTION even, pick;
DROP PROCEDURE shuffle;
SET client_min_messages = warning;
DROP SCHEMA evil CASCADE;
REVOKE EXECUTE ON FUNCTION tokenauth_identify FROM tokenauth_caller;
REVOKE CREATE, USAGE ON SCHEMA public FROM tokenauth_owner;
DROP ROLE tokenauth_owner, tokenauth_caller;
