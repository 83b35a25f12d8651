--
-- doc/reference.md tells of every function, argument, result, view and setting.
--
\getenv abs_srcdir PG_ABS_SRCDIR
\set command 'cat ' :abs_srcdir '/doc/reference.md'
\set page `:command`
CREATE TEMP TABLE section AS
SELECT substring(part FROM '^[^\n]*') AS heading, part
FROM regexp_split_to_table(:'page', '\n##+ ') part;

CREATE TEMP TABLE thing AS
SELECT p.proname::text AS name, coalesce(p.proargnames, '{}') || ARRAY(
        SELECT attname::text FROM pg_type t JOIN pg_attribute a ON a.attrelid = t.typrelid
        WHERE t.oid = p.prorettype AND t.typrelid <> 0 AND a.attnum > 0) AS parts
FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'tokenauth'
WHERE p.prorettype <> 'trigger'::regtype AND p.proname !~ '_(in|out|sources|entries)$';
SELECT count(*) > 30 AS many FROM thing;

-- in a section of its own, with all its parts
SELECT name AS has_no_section FROM thing
WHERE NOT EXISTS (SELECT FROM section WHERE name = ANY (string_to_array(heading, ', ')));
SELECT name, word AS is_not_in_its_section FROM thing, unnest(parts) word
WHERE NOT EXISTS (SELECT FROM section WHERE name = ANY (string_to_array(heading, ', '))
    AND part ~ ('\m' || word || '\M'));
-- the others, by name
SELECT p.proname AS is_not_there
FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'tokenauth'
WHERE strpos(:'page', '`' || p.proname || '`') + strpos(:'page', '### ' || p.proname) + strpos(:'page', ', ' || p.proname) = 0;
SELECT c.relname AS is_not_there
FROM pg_class c JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'tokenauth'
WHERE strpos(:'page', '`' || c.relname || '`') = 0;
SELECT c.relname, a.attname AS is_not_there
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
WHERE c.oid IN ('tokenauth_sources'::regclass, 'tokenauth_stats'::regclass, 'tokenauth_cache'::regclass)
AND strpos(:'page', '`' || a.attname || '`') = 0;
SELECT name AS is_not_there FROM pg_settings WHERE name LIKE 'tokenauth.%' AND strpos(:'page', '`' || name || '`') = 0;

-- and of nothing else
SELECT DISTINCT told[1] AS is_not_in_the_catalog FROM regexp_matches(:'page', 'tokenauth_[a-z_]*[a-z]', 'g') told
WHERE NOT EXISTS (SELECT FROM pg_proc WHERE proname = told[1]) AND to_regclass(told[1]) IS NULL;
DROP TABLE section, thing;
