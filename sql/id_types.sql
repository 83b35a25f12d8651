--
-- Ids as the caller has them: of a user, a tenant, a token.
--
CREATE DOMAIN account_no AS bigint;
CREATE TABLE by_number (id serial PRIMARY KEY, user_id bigint NOT NULL, tenant_id uuid, token_hash text UNIQUE,
    revoked boolean NOT NULL DEFAULT false);
CREATE TABLE by_uuid (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), user_id uuid NOT NULL, tenant_id bigint,
    token_hash text UNIQUE, revoked boolean NOT NULL DEFAULT false);
CREATE TABLE by_text (id text PRIMARY KEY DEFAULT gen_random_uuid()::text, user_id varchar(40) NOT NULL, tenant_id text,
    token_hash text UNIQUE, revoked boolean NOT NULL DEFAULT false);
SELECT tokenauth_attach(t::regclass, prefix => t || '_') FROM unnest('{by_number,by_uuid,by_text}'::text[]) t;
\set u '00000000-0000-4000-8000-00000000000a'

-- Issued, whatever the type of the user's id, and of the tenant's.
SELECT (SELECT token_id FROM tokenauth_issue(5::smallint, 'by_number')) AS "smallint",
    (SELECT token_id FROM tokenauth_issue(5, 'by_number')) AS "integer",
    (SELECT token_id FROM tokenauth_issue(5::bigint, 'by_number')) AS "bigint",
    (SELECT token_id FROM tokenauth_issue(5::account_no, 'by_number')) AS domain,
    (SELECT token_id FROM tokenauth_issue('5', 'by_number')) AS untyped,
    (SELECT token_id FROM tokenauth_issue('5'::varchar, 'by_number')) AS "varchar",
    (SELECT token_id FROM tokenauth_issue('5'::char(9), 'by_number')) AS "char",
    (SELECT token_id FROM tokenauth_issue('5'::text, 'by_number')) AS "text";
SELECT (SELECT length(token_id) FROM tokenauth_issue(:'u'::uuid, 'by_uuid')) AS "uuid",
    (SELECT length(token_id) FROM tokenauth_issue(:'u', 'by_uuid')) AS untyped,
    (SELECT length(token_id) FROM tokenauth_issue(upper(:'u')::varchar, 'by_uuid')) AS "varchar";
SELECT token_id FROM tokenauth_issue(tenant_id => :'u'::uuid, user_id => 6, source => 'by_number');
SELECT token_id FROM tokenauth_issue(tenant_id => :'u', user_id => 6::smallint, source => 'by_number');
SELECT token_id FROM tokenauth_issue('6', 'by_number', NULL, NULL, :'u'::varchar);
SELECT token_id FROM tokenauth_issue('6', 'by_number', NULL, NULL, NULL);
SELECT length(token_id) FROM tokenauth_issue(:'u'::uuid, 'by_uuid', tenant_id => 7::smallint);
SELECT length(token_id) FROM tokenauth_issue(:'u'::uuid, 'by_uuid', tenant_id => '7');
SELECT length(token_id) FROM tokenauth_issue(5, 'by_text', tenant_id => :'u'::uuid);
SELECT id, user_id, tenant_id FROM by_number ORDER BY id;
SELECT user_id, tenant_id, count(*) FROM by_uuid GROUP BY 1, 2 ORDER BY 2;
SELECT user_id, tenant_id FROM by_text;

-- Each call with each type, or the SQLSTATE; undone again.
CREATE FUNCTION tried(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    answer text;
BEGIN
    EXECUTE 'SELECT ' || call INTO answer;
    RAISE raise_exception USING MESSAGE = answer;
EXCEPTION
    WHEN raise_exception THEN RETURN SQLERRM;
    WHEN OTHERS THEN RETURN SQLSTATE;
END $$;
INSERT INTO by_text SELECT id, id, id, encode(sha256(convert_to(id, 'UTF8')), 'hex') FROM unnest(ARRAY['5', :'u']) id;
SELECT * FROM (VALUES (1, 'smallint', '5::smallint'), (2, 'integer', '5'), (3, 'bigint', '5::bigint'), (4, 'domain', '5::account_no'),
        (5, 'uuid', format('%L::uuid', :'u')), (6, 'varchar', '''5''::varchar'), (7, 'char', '''5''::char(9)'), (8, 'text', '''5''::text'),
        (9, 'untyped', '''5'''), (10, 'numeric', '5.0'), (11, 'array', 'ARRAY[5]')) t (nth, type, id),
    LATERAL (SELECT tried(replace('(tokenauth_issue($, ''by_text'')).token_id <> ''''', '$', id)) AS issue,
        tried(replace('(tokenauth_issue(''5'', ''by_text'', tenant_id => $)).token_id <> ''''', '$', id)) AS "for a tenant",
        tried(replace('count(*) FROM tokenauth_list($, ''by_text'')', '$', id)) AS list,
        tried(replace('tokenauth_revoke($, $, ''by_text'')', '$', id)) AS revoke,
        tried(replace('(tokenauth_rotate($, $, source => ''by_text'')).token_id <> ''''', '$', id)) AS rotate,
        tried(replace('tokenauth_revoke_user($, ''by_text'')', '$', id)) AS revoke_user,
        tried(replace('tokenauth_revoke_tenant($, ''by_text'')', '$', id)) AS revoke_tenant,
        tried(replace('tokenauth_flush_user($) IS NOT NULL', '$', id)) AS flush_user,
        tried(replace('tokenauth_flush_tenant($) IS NOT NULL', '$', id)) AS flush_tenant) c
ORDER BY nth;
DELETE FROM by_text WHERE id = user_id;
DROP FUNCTION tried;

-- A driver's parameters without types are texts.
PREPARE untyped AS SELECT tokenauth_issue($1, $2, tenant_id => $3), tokenauth_revoke($4, $5), tokenauth_revoke($6, 5),
    tokenauth_list($7, $8), tokenauth_revoke_user($9), tokenauth_revoke_tenant($10), tokenauth_flush_user($11),
    tokenauth_flush_tenant($12), tokenauth_exchange($13, $14, tenant_id => $15);
SELECT parameter_types FROM pg_prepared_statements WHERE name = 'untyped';
DEALLOCATE untyped;
-- and those with a type are of that type
PREPARE typed(smallint, integer, bigint, uuid, varchar) AS SELECT tokenauth_revoke($1, $2) AS n1, tokenauth_revoke($3, $4) AS n2,
    tokenauth_revoke($4, $4) AS n3, tokenauth_revoke($5, $1) AS n4, tokenauth_revoke($4, $5) AS n5, tokenauth_revoke(id => $5, user_id => $5) AS n6,
    tokenauth_revoke('1', $1) AS n7, tokenauth_revoke($2, '5') AS n8;
EXECUTE typed(1, 5, 1, :'u', '2');
DEALLOCATE typed;

-- Listed, and revoked: by id only if it is that user's.
SELECT (SELECT count(*) FROM tokenauth_list(5::smallint, 'by_number')) AS "smallint",
    (SELECT count(*) FROM tokenauth_list(5::account_no, 'by_number')) AS domain,
    (SELECT count(*) FROM tokenauth_list('5', 'by_number')) AS untyped,
    (SELECT count(*) FROM tokenauth_list('5'::char(9), 'by_number')) AS "char",
    (SELECT count(*) FROM tokenauth_list(:'u'::uuid, 'by_uuid')) AS "uuid";
SELECT tokenauth_revoke(2, 6) AS of_another, tokenauth_revoke(2, 5::smallint) AS number, tokenauth_revoke('3', 5) AS untyped_and_number,
    tokenauth_revoke(4, '5') AS number_and_untyped, tokenauth_revoke('5', '5') AS untyped, tokenauth_revoke(6::bigint, '5'::varchar) AS "varchar";
SELECT tokenauth_revoke(id, user_id) AS uuids, tokenauth_revoke(id, user_id::text, source => 'by_uuid') AS again
FROM by_uuid WHERE tenant_id IS NULL LIMIT 1;
SELECT tokenauth_revoke(id, user_id) AS texts FROM by_text;
SELECT count(*) FROM by_number WHERE revoked;
SELECT tokenauth_revoke_tenant(:'u'::uuid) AS "uuid", tokenauth_revoke_tenant(7::smallint) AS number;
SELECT tokenauth_flush_user(5), tokenauth_flush_user(:'u'::uuid), tokenauth_flush_tenant(7), tokenauth_flush_tenant('7');
SELECT tokenauth_revoke_user(5) AS number, tokenauth_revoke_user(:'u'::uuid) AS "uuid", tokenauth_revoke_user('6') AS untyped;

-- One of a type that ids have not is no id that nobody has.
SELECT tokenauth_revoke_user(5.0);
SELECT tokenauth_list(5::float8, 'by_number');
SELECT tokenauth_revoke_tenant(true);
SELECT tokenauth_issue(6, 'by_number', tenant_id => now());
-- nor is one of another form
SELECT tokenauth_revoke(1, :'u'::uuid), tokenauth_revoke_user(:'u'::text || 'x');
SELECT tokenauth_issue(:'u'::uuid, 'by_number');

-- GRANT needs no arguments, but where there are two ids.
CREATE ROLE tokenauth_api;
GRANT EXECUTE ON FUNCTION tokenauth_list, tokenauth_revoke_user, tokenauth_revoke_tenant, tokenauth_flush_user,
    tokenauth_flush_tenant, tokenauth_exchange TO tokenauth_api;
DROP OWNED BY tokenauth_api;
DROP ROLE tokenauth_api;
DROP TABLE by_number, by_uuid, by_text;
DROP DOMAIN account_no;
