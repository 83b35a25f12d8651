--
-- tokenauth_create_table(): the types of ids, tenants and scopes; and what it tells.
--
CREATE SCHEMA "App";
SELECT tokenauth_create_table('"App"."Tokens"', prefix => 'a_', user_type => 'bigint', tenant_type => 'uuid', scope => true);
\d "App"."Tokens"
SELECT source, user_column, tenant_column, scope_column, created_column FROM tokenauth_sources;
SELECT token, token_id FROM tokenauth_issue(7, 'Tokens', tenant_id => '00000000-0000-4000-8000-00000000000a'::uuid, scope => 'notes') \gset
SELECT status, user_id, tenant_id, scope FROM tokenauth_identify(:'token', scope => 'notes');
SELECT tokenauth_resolve(:'token', NULL::bigint);
SELECT tokenauth_resolve(:'token');
SELECT tokenauth_revoke_tenant('00000000-0000-4000-8000-00000000000a'::uuid);
-- each type
SELECT t, tokenauth_create_table('of_' || t, prefix => t || '_', user_type => t::regtype) FROM unnest('{uuid,text,integer}'::text[]) t;
SELECT source, (tokenauth_issue('00000000-0000-4000-8000-00000000000b', source)).token IS NOT NULL AS issued
FROM tokenauth_sources WHERE source IN ('of_uuid', 'of_text');
SELECT token FROM tokenauth_issue(3, 'of_integer') \gset
SELECT tokenauth_resolve(:'token', NULL::int);
-- refused, and nothing is there
SELECT tokenauth_create_table('t', user_type => 'numeric');
SELECT tokenauth_create_table('t', user_type => 'varchar');
SELECT tokenauth_create_table('t', tenant_type => 'jsonb');
SELECT tokenauth_create_table('t', user_type => NULL);
SELECT to_regclass('t');
DROP TABLE "App"."Tokens", of_uuid, of_text, of_integer;
DROP SCHEMA "App";
